"""What is shown of each configuration in a table, on the console and on a page alike."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrcli.analysis.statistics import Statistics, describe_metric, is_told
from lrcli.analysis.sweep_results import SweepResults
from lrcli.config.metrics import MAX_ABS_ERROR
from lrcli.reporting.key_names import value_text
from lrcli.reporting.scales import Array

__all__ = ["most_common", "shown_statistics", "swept_cell"]


def shown_statistics(results: SweepResults, statistics: Statistics) -> Iterator[tuple[str, Array, int]]:
    """The columns of numbers: their headings, what is in them, and their rank as columns."""
    yield results.metric, statistics.median, 0
    yield "q25", statistics.q25, 2
    yield "q75", statistics.q75, 2
    known = MAX_ABS_ERROR in results.final and is_told(results, MAX_ABS_ERROR)
    if known and results.metric != MAX_ABS_ERROR:
        yield "error", describe_metric(results, MAX_ABS_ERROR).median, 3


def swept_cell(configuration: Mapping[str, Any], key: str) -> str:
    """A swept value, short; nothing where a configuration has no such key."""
    return value_text(configuration[key]) if key in configuration else ""


def most_common(kinds: NDArray[Any]) -> str:
    """The most common outcome of some members, and its share where there are others."""
    names, counts = np.unique(kinds, return_counts=True)
    first = int(np.argmax(counts))
    return str(names[first]) if len(names) == 1 else f"{names[first]} {counts[first]}/{counts.sum()}"
