"""What the figures of a sweep show, in sentences, for those who cannot see them."""

import numpy as np
from numpy.typing import NDArray

from lrcli.analysis.basin import usable_band
from lrcli.analysis.statistics import describe_metric, mode_of
from lrcli.analysis.sweep_results import SweepResults
from lrcli.reporting.key_names import key_title, label, short_key
from lrcli.reporting.scales import Array
from lrcli.reporting.sweeps.axes import SweepLines
from lrcli.reporting.sweeps.scores import best_first
from lrcli.wording import counted, one_line

__all__ = [
    "best_words",
    "diverged_words",
    "of_seeds",
    "rates_words",
    "sentences_of",
    "values_words",
]


def of_seeds(results: SweepResults) -> str:
    """What a value stands for, in a title."""
    count = len(results.seeds)
    return f"median of {count} seeds" if count > 1 else "one seed"


def sentences_of(*parts: str) -> str:
    """A description from its sentences, of which some may be empty; names in them make no lines."""
    return one_line(" ".join(part for part in parts if part))


def values_words(key: str, points: Array) -> str:
    """A key and its values: ``learning rate (optimizer.lr), 25 values from 0.0001 to 1``."""
    low, high = points.min(), points.max()
    tried = f"{len(points)} values from {low:.4g} to {high:.4g}" if len(points) > 1 else f"{low:.4g}"
    return f"{key_title(key)}, {tried}"


def best_words(results: SweepResults, metric: str, configurations: NDArray[np.intp] | None = None) -> str:
    """The best of some configurations, or of all, by a metric after training, with its value and spread."""
    statistics = describe_metric(results, metric)
    numbers = best_first(results) if configurations is None else configurations
    median = statistics.median[numbers]
    if not np.isfinite(median).any():
        return "Most members of every configuration diverged."
    small = mode_of(results, metric) == "min"
    best = numbers[np.nanargmin(median) if small else np.nanargmax(median)]
    if metric == results.metric and configurations is None:
        best = numbers[0]
    low, high = sorted((statistics.q25[best], statistics.q75[best]))
    spread = f", the middle half of its seeds from {low:.4g} to {high:.4g}" if len(results.seeds) > 1 else ""
    name = label(results.configurations[best], results.keys) or "the only configuration"
    if len(results.configurations) == 1:
        return f"At {name} it is {statistics.median[best]:.4g}{spread}."
    which = "smallest" if small else "largest"
    return f"{metric} is {which} at {name}: {statistics.median[best]:.4g}{spread}."


def rates_words(results: SweepResults, swept: SweepLines) -> str:
    """Which values of the key work about as well as the best, on the line of the best configuration."""
    line, what = swept.best, short_key(swept.key, results.keys)
    medians = describe_metric(results).median[line.configurations]
    band = usable_band(line.x, medians, results.mode)
    if band is None or len(line.x) < 2:
        return ""
    beside = f" with {line.label}" if line.label else ""
    as_good = "up to twice the best value" if results.mode == "min" else "at most 0.05 below the best value"
    if band.low == band.high:
        return f"No other {what}{beside} comes near it ({as_good})."
    return f"From {what}={band.low:.4g} to {band.high:.4g}{beside} it is about as good: {as_good}."


def diverged_words(results: SweepResults) -> str:
    """How many members diverged, and in how many configurations most of them did."""
    diverged = results.diverged
    count, size = int(diverged.sum()), diverged.size
    if not count:
        return f"None of the {counted(size, 'member')} diverged." if size > 1 else "It did not diverge."
    most = int(np.count_nonzero(~np.isfinite(describe_metric(results).median)))
    few = 0 < most < diverged.shape[1]
    where = f"; in {most} of {counted(diverged.shape[1], 'configuration')} at least half did" if few else ""
    return f"{count:,} of {counted(size, 'member')} diverged{where}."
