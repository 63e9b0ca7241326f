"""What the seeds of each configuration say together: quantiles, mean, spread, and the ranking.

A member that diverged, or that has no finite value, counts as the worst possible: plus infinity where small
values are good, minus infinity where large ones are. Quantiles take that as it is, which is why they rank;
a mean cannot, and says so: it is infinite, never the mean of those that were left.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lrcli.analysis.sweep_results import SweepResults
from lrcli.config.metrics import Direction, direction_of

__all__ = [
    "Mode",
    "Statistics",
    "describe",
    "describe_metric",
    "is_told",
    "mode_of",
    "quantile",
    "ranking",
    "scores",
    "with_worst",
]

Array = NDArray[np.float64]
Mode = Direction


@dataclass(frozen=True)
class Statistics:
    """One metric over the seeds of each configuration; every array is (C,), in the metric's unit.

    Attributes:
        n: members, those that diverged included.
        diverged: how many of them diverged.
        median: infinite where it is a member without a value, or lies next to one.
        q25: the lower quartile, likewise.
        q75: the upper quartile, likewise.
        mean: infinite where any member diverged or has no finite value.
        std: with n - 1 in the denominator; NaN for one seed, and where the mean is infinite.
    """

    n: NDArray[np.int64]
    diverged: NDArray[np.int64]
    median: Array
    q25: Array
    q75: Array
    mean: Array
    std: Array


def mode_of(results: SweepResults, metric: str | None = None) -> Mode:
    """Whether small or large values of a metric are good; None: the metric that ranks."""
    if metric is None or metric == results.metric:
        return results.mode
    return direction_of(metric)


def scores(results: SweepResults, metric: str | None = None) -> Array:
    """A final metric of every member, the worst possible where it diverged or has no finite value.

    Args:
        results: of the sweep.
        metric: such as ``val/loss`` or ``recovery/max_abs_error``; None: the one that ranks.

    Returns:
        (S, C).

    Raises:
        KeyError: there is no such metric.
    """
    values = np.where(results.diverged, np.nan, results.final[metric or results.metric])
    return with_worst(values, mode_of(results, metric))


def with_worst(values: ArrayLike, mode: Mode) -> Array:
    """The values, with the worst possible for each that is not finite: +inf for min, -inf for max."""
    values = np.asarray(values, dtype=np.float64)
    return np.where(np.isfinite(values), values, np.inf if mode == "min" else -np.inf)


def describe_metric(results: SweepResults, metric: str | None = None) -> Statistics:
    """The statistics of a final metric, or of the one that ranks, for each configuration."""
    diverged = results.diverged
    return describe(scores(results, metric), mode_of(results, metric), diverged)


def is_told(results: SweepResults, metric: str) -> bool:
    """Whether any member that did not diverge has a metric; no errors are told where all is left open."""
    alive = ~results.diverged
    return bool(np.isfinite(results.final[metric][alive]).any() or not alive.any())


def describe(values: ArrayLike, mode: Mode, diverged: NDArray[np.bool_]) -> Statistics:
    """The statistics of each configuration over its seeds.

    The quantile q lies at position (S - 1) q between the sorted values, counted from 0, and is interpolated
    linearly (definition 7 of Hyndman and Fan, 1996; NumPy's default). Between two values of which one is
    infinite it is infinite; exactly on a finite value it is that value.

    Args:
        values: (S, C); those that are not finite, and those of members that diverged, count as the worst.
        mode: whether small or large values are good.
        diverged: (S, C) which members diverged.
    """
    values = with_worst(np.where(diverged, np.nan, values), mode)
    size = len(values)
    ordered = np.sort(values, axis=0)
    whole = np.asarray(np.isfinite(values).all(axis=0))
    known = np.where(whole, values, 0.0)
    with np.errstate(over="ignore"):  # of values near the largest number that there is
        mean = known.mean(axis=0)
        std = known.std(axis=0, ddof=1) if size > 1 else np.full(len(whole), np.nan)
    return Statistics(
        n=np.full(len(whole), size),
        diverged=np.count_nonzero(diverged, axis=0),
        median=quantile(ordered, 0.5),
        q25=quantile(ordered, 0.25),
        q75=quantile(ordered, 0.75),
        mean=np.where(whole, mean, np.inf if mode == "min" else -np.inf),
        std=np.where(whole, std, np.nan),
    )


def quantile(ordered: Array, share: float) -> Array:
    """The quantile of (S, ...) over its first axis, sorted along it, infinities all at one end."""
    position = (len(ordered) - 1) * share
    below = int(position)
    weight = position - below
    if weight == 0:
        return np.asarray(ordered[below])
    low, high = ordered[below], ordered[below + 1]
    finite = np.isfinite(low) & np.isfinite(high)
    low_finite, high_finite = np.where(finite, low, 0.0), np.where(finite, high, 0.0)
    between = low_finite * (1 - weight) + high_finite * weight
    return np.where(finite, between, np.where(np.isfinite(low), high, low))


def ranking(statistics: Statistics, mode: Mode) -> NDArray[np.intp]:
    """The configurations from best to worst, (C,).

    By median; of equal medians by the mean of the two quartiles, then by fewer members that diverged, then
    by position in the grid.
    """
    sign = 1.0 if mode == "min" else -1.0
    quartiles = statistics.q25 / 2 + statistics.q75 / 2
    return np.lexsort((statistics.diverged, sign * quartiles, sign * statistics.median))
