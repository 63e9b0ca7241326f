"""recovery.csv of a sweep: what the seeds of each configuration say together about each parameter."""

from collections.abc import Iterator, Mapping

import numpy as np

from lrcli.analysis.study import MEASURES, Study
from lrcli.storage.tables import cells, csv_text
from lrcli.sweeps.plan import SweepPlan
from lrcli.sweeps.tables import key_columns

__all__ = ["RECOVERY_FILE", "rows_of_study"]

RECOVERY_FILE = "recovery.csv"
_CELLS = 2**18  # that are text at a time
_COLUMNS = ("n", "diverged", *(column for measure in MEASURES for column in (measure, f"{measure}_mcse")))


def rows_of_study(plan: SweepPlan, study: Mapping[str, Study]) -> Iterator[str]:
    """The text of recovery.csv, some rows at a time: each parameter of each configuration that has it.

    Args:
        plan: of the sweep.
        study: from a parameter's number to what is known of it.
    """
    keys = {name: np.array(column, dtype=object) for name, column in key_columns(plan).items()}
    names = np.array(cells(list(study)), dtype=object)
    known = np.stack([of.known for of in study.values()], axis=1)  # (C, P)
    numbers = {
        column: np.stack([getattr(of, column) for of in study.values()], axis=1) for column in _COLUMNS
    }
    step = max(1, _CELLS // (len(names) * (1 + len(keys) + len(_COLUMNS))))
    for first in range(0, len(known), step):
        rows, parameters = np.nonzero(known[first : first + step])
        rows += first
        columns = {name: column[rows].tolist() for name, column in keys.items()}
        columns["parameter"] = names[parameters].tolist()
        columns |= {name: cells(column[rows, parameters]) for name, column in numbers.items()}
        yield csv_text(columns, with_header=first == 0)
