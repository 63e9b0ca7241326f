"""Tables as mappings from the name of a column to a NumPy array, which pandas and polars take as they are."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from lrcli.storage.history import History
    from lrcli.storage.parameter_path import ParameterPath
    from lrcli.storage.run_result import RecoveryRow
    from lrcli.storage.sweep_result import ConfigurationRow
    from lrcli.storage.table_reading import MemberTable, StudyTable, SummaryTable

__all__ = [
    "Table",
    "column",
    "table_of_configurations",
    "table_of_members",
    "table_of_path",
    "table_of_ranking",
    "table_of_records",
    "table_of_recovery",
    "table_of_study",
]

Table = dict[str, NDArray[Any]]
_OF_REFERENCE = (
    "reference",
    "standard_error",
    "sampling_error",
    "optimization_error",
    "z",
    "least_squares",
)


def column(values: Iterable[Any]) -> NDArray[Any]:
    """Values as a column (n,): numbers or truths where all are, else objects, such as text.

    Nothing among numbers is NaN.
    """
    cells = list(values)
    known = [cell for cell in cells if cell is not None]
    if known and all(isinstance(cell, bool) for cell in known) and len(known) == len(cells):
        return np.array(cells, dtype=bool)
    if known and all(isinstance(cell, int | float) and not isinstance(cell, bool) for cell in known):
        return np.array([np.nan if cell is None else cell for cell in cells])
    objects = np.empty(len(cells), dtype=object)
    objects[:] = cells
    return objects


def table_of_recovery(rows: Sequence["RecoveryRow"]) -> Table:
    """A row for each number among the parameters."""
    numbers = {
        key: np.array([getattr(row, key) for row in rows], dtype=np.float64)  # NaN where there is none
        for key in ("true", "learned", "error", *_OF_REFERENCE)
    }
    return {
        "name": _texts(row.name for row in rows),
        **{key: numbers[key] for key in ("true", "learned", "error")},
        "against": _texts(row.against for row in rows),
        "determined": np.array([row.determined for row in rows], dtype=bool),
        **{key: numbers[key] for key in _OF_REFERENCE},
    }


def table_of_records(history: "History") -> Table:
    """A row for each record of a run."""
    metrics = {name: values[0].copy() for name, values in history.metrics.items()}
    return {"epoch": history.epoch.copy(), "step": history.step.copy(), **metrics}


def table_of_path(path: "ParameterPath") -> Table:
    """A row for each record whose parameters were kept, a column for each number among them."""
    from lrcli.components.initializers import element_names

    table: Table = {"epoch": path.epoch, "step": path.step}
    for name, values in path.parameters.items():
        columns = values.reshape(len(path), -1).T
        table |= dict(zip(element_names(name, values.shape[1:]), columns, strict=True))
    return table


def table_of_members(members: "MemberTable") -> Table:
    """A row for each member of a sweep."""
    return {
        "member": members.member,
        "seed": members.seed,
        **{key: column(values) for key, values in members.values.items()},
        "status": members.status.astype(object),
        "outcome": members.outcome.astype(object),
        "diverged_step": members.diverged_step,
        "epochs": members.epochs,
        **members.numbers,
    }


def table_of_configurations(summary: "SummaryTable") -> Table:
    """A row for each configuration, in the order of the grid."""
    keys = {key: column(values) for key, values in summary.values.items()}
    return {**keys, "n": summary.n, "diverged": summary.diverged, **summary.numbers}


def table_of_study(study: "StudyTable") -> Table:
    """A row for each parameter of each configuration, in the order of the grid."""
    keys = {key: column(values) for key, values in study.values.items()}
    whole = {"parameter": study.parameter.astype(object), "n": study.n, "diverged": study.diverged}
    return {**keys, **whole, **study.numbers}


def table_of_ranking(rows: Sequence["ConfigurationRow"], keys: Sequence[str]) -> Table:
    """A row for each configuration, best first."""
    numbers = ("median", "q25", "q75", "mean", "std")
    return {
        "rank": np.array([row.rank for row in rows], dtype=np.int64),
        **{key: column(row.values.get(key) for row in rows) for key in keys},
        "n": np.array([row.n for row in rows], dtype=np.int64),
        "diverged": np.array([row.diverged for row in rows], dtype=np.int64),
        **{name: np.array([getattr(row, name) for row in rows], dtype=np.float64) for name in numbers},
    }


def _texts(texts: Iterable[str]) -> NDArray[Any]:
    return np.array(list(texts), dtype=object)
