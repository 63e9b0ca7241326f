"""The tables of a sweep: results.csv, summary.csv and curves.npz."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrcli.analysis.outcomes import outcomes
from lrcli.analysis.statistics import Statistics, describe_metric, is_told
from lrcli.analysis.sweep_results import SweepResults
from lrcli.config.metrics import MAX_ABS_ERROR
from lrcli.storage.tables import cells, csv_text, swept_text
from lrcli.sweeps.columns import Block, block_of, blocks_of
from lrcli.sweeps.findings import STATISTICS, without_missing
from lrcli.sweeps.plan import SweepPlan

__all__ = ["key_columns", "rows_of_members", "table_of_configurations"]

_CELLS = 2**18  # of results.csv that are text at a time


def rows_of_members(plan: SweepPlan, results: SweepResults) -> Iterator[str]:
    """The text of results.csv, some rows at a time: texts take many times the memory of numbers."""
    keys = {name: np.array(column, dtype=object) for name, column in key_columns(plan).items()}
    kinds = outcomes(results)
    seeds, first = np.array(results.seeds), 0
    for block in blocks_of((len(results.seeds), len(results.configurations))):
        values = _values_of_members(plan, results, kinds, block)
        step = max(1, _CELLS // (2 + len(keys) + len(values)))
        numbers = np.arange(block.configurations.start, block.configurations.stop)
        seed = np.repeat(seeds[block.seeds], len(numbers))
        keys_of = {name: np.tile(column[numbers], block.shape[0]) for name, column in keys.items()}
        for begin in range(0, len(seed), step):
            rows = slice(begin, min(begin + step, len(seed)))
            columns = {"member": cells(np.arange(first + rows.start, first + rows.stop))}
            columns["seed"] = cells(seed[rows])
            columns |= {name: column[rows].tolist() for name, column in keys_of.items()}
            columns |= {name: cells(column[rows]) for name, column in values.items()}
            columns["diverged_step"] = ["" if text == "0" else text for text in columns["diverged_step"]]
            yield csv_text(columns, with_header=first + begin == 0)
        first += len(seed)


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


def _values_of_members(
    plan: SweepPlan, results: SweepResults, kinds: NDArray[Any], block: Block
) -> dict[str, NDArray[Any]]:
    """The columns of results.csv after the swept keys, of the members of a block."""
    at = (block.seeds, block.configurations)
    found = {
        "status": results.status[at],
        "outcome": kinds[at],
        "diverged_step": results.diverged_step[at],
        "epochs": results.epochs[at],
        **{name: block_of(results.final, name, block) for name in results.final},
        f"best/{plan.experiment.best.metric}": results.best[at],
        **{f"error/{name}": block_of(results.errors, name, block) for name in results.errors},
    }
    return {name: values.reshape(-1) for name, values in found.items()}


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
