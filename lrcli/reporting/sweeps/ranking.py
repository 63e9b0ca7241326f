"""The ranking of a sweep as a page in Markdown."""

import numpy as np
from numpy.typing import NDArray

from lrcli.analysis.statistics import describe_metric
from lrcli.analysis.sweep_results import SweepResults
from lrcli.reporting.curve_ends import FAR
from lrcli.reporting.markdown import markdown_table, plain
from lrcli.reporting.sweeps.ranked import swept_cell

__all__ = ["ranking_markdown"]

_SHOWN_ROWS = 20


def ranking_markdown(results: SweepResults, order: NDArray[np.intp], shown: int, records: int) -> str:
    """The best configurations as a table, and what TensorBoard is not shown.

    Args:
        results: the sweep.
        order: the configurations from best to worst, (C,).
        shown: how many configurations have curves.
        records: how many records each curve has at most.
    """
    parts = [f"By the median of {plain(results.metric)} ({results.mode}) over the seeds:"]
    parts.append(_table(results, order))
    count, length = len(order), results.epoch.shape[1]
    if len(order) > _SHOWN_ROWS:
        parts.append(f"{len(order) - _SHOWN_ROWS:,} more are in `summary.csv`.")
    if np.any(results.diverged):
        parts.append(
            "A curve of which most seeds diverged ends where its training loss is last at most "
            f"{FAR:g} times what it was at first: what follows would flatten all other curves."
        )
    if shown < count:
        parts.append(
            f"Of {count} configurations {shown} are here: the {shown // 2} best ones, the others "
            "evenly from the rest of the ranking. `summary.csv` has all of them."
        )
    if records < length:
        parts.append(f"Of {length} records {records} are here, evenly. `curves.npz` has all of them.")
    return "\n\n".join(parts) + "\n"


def _table(results: SweepResults, order: NDArray[np.intp]) -> str:
    statistics = describe_metric(results)
    rows = []
    for rank, i in enumerate(order[:_SHOWN_ROWS], 1):
        configuration = results.configurations[i]
        keys = [swept_cell(configuration, key) for key in results.keys]
        numbers = [f"{column[i]:.4g}" for column in (statistics.median, statistics.q25, statistics.q75)]
        rows.append([rank, *keys, statistics.n[i], statistics.diverged[i], *numbers])
    return markdown_table(["", *results.keys, "seeds", "diverged", "median", "q25", "q75"], rows)
