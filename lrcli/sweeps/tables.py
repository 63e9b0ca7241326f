"""The tables of a sweep: results.csv, summary.csv and curves.npz."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrcli.analysis.outcomes import outcomes
from lrcli.analysis.statistics import Statistics, describe_metric, is_told
from lrcli.analysis.sweep_results import SweepResults
from lrcli.config.metrics import MAX_ABS_ERROR
from lrcli.storage.history import History
from lrcli.storage.tables import cells, csv_text, swept_text
from lrcli.sweeps.findings import STATISTICS, without_missing
from lrcli.sweeps.plan import SweepPlan

__all__ = ["history_of_members", "key_columns", "rows_of_members", "table_of_configurations"]

_CELLS = 2**18  # of results.csv that are text at a time


def rows_of_members(plan: SweepPlan, results: SweepResults) -> Iterator[str]:
    """The text of results.csv, some rows at a time: texts take many times the memory of numbers."""
    keys = {name: np.array(column, dtype=object) for name, column in key_columns(plan).items()}
    values = _values_of_members(plan, results)
    rows = max(1, _CELLS // (2 + len(keys) + len(values)))
    for first in range(0, results.status.size, rows):
        members = np.arange(first, min(first + rows, results.status.size))
        seeds, configurations = np.divmod(members, len(results.configurations))
        columns = {"member": cells(members), "seed": cells(np.array(results.seeds)[seeds])}
        columns |= {name: column[configurations].tolist() for name, column in keys.items()}
        columns |= {name: cells(column.reshape(-1)[members]) for name, column in values.items()}
        columns["diverged_step"] = ["" if text == "0" else text for text in columns["diverged_step"]]
        yield csv_text(columns, with_header=first == 0)


def table_of_configurations(plan: SweepPlan, results: SweepResults, statistics: Statistics) -> str:
    """The text of summary.csv: a row for each configuration.

    Args:
        plan: of the sweep.
        results: what it has found.
        statistics: of the metric that ranks.
    """
    columns = key_columns(plan) | {name: cells(getattr(statistics, name)) for name in STATISTICS}
    if MAX_ABS_ERROR in results.final and is_told(results, MAX_ABS_ERROR):
        recovery = without_missing(describe_metric(results, MAX_ABS_ERROR), results.missing)
        columns |= {f"{MAX_ABS_ERROR}/{name}": cells(getattr(recovery, name)) for name in STATISTICS[2:]}
    return csv_text(columns)


def history_of_members(results: SweepResults) -> History:
    """The curves of all members; epoch and step of each, too, where configurations differ in them."""
    axes = (results.epoch, results.step)
    if all((axis == axis[:1]).all() for axis in axes):
        epoch, step = (axis[0] for axis in axes)
    else:
        epoch, step = (np.tile(axis, (len(results.seeds), 1)) for axis in axes)
    curves = {name: curve.reshape(-1, curve.shape[2]) for name, curve in results.curves.items()}
    return History(epoch, step, curves)


def _values_of_members(plan: SweepPlan, results: SweepResults) -> dict[str, NDArray[Any]]:
    """The columns of results.csv after the swept keys, (S, C) each."""
    return {
        "status": results.status,
        "outcome": outcomes(results),
        "diverged_step": results.diverged_step,
        "epochs": results.epochs,
        **results.final,
        f"best/{plan.experiment.best.metric}": results.best,
        **{f"error/{name}": values for name, values in results.errors.items()},
    }


def key_columns(plan: SweepPlan) -> dict[str, list[str]]:
    """The swept keys, a text for each configuration; empty where it has no such key."""
    configurations, filled = plan.configurations, plan.filled
    columns = {
        key: np.array(
            cells(["" if value is None else swept_text(value) for value in filled.filling(key)]), dtype=object
        )
        for key in configurations.keys
    }
    for numbers, grid in configurations.columns():
        for key, (points, index) in grid.items():
            texts = np.array(cells([swept_text(point) for point in points]), dtype=object)
            columns[key][numbers] = texts[index]
    return {key: column.tolist() for key, column in columns.items()}
