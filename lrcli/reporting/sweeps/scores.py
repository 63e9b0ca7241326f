"""Curves of a sweep's scores and their quantiles over seeds, as its figures and event files show them.

As in `lrcli.analysis.statistics` a member that diverged counts as infinitely bad: it is in every quantile,
and a median is finite only where most members still train.
"""

import numpy as np
from numpy.typing import NDArray

from lrcli.analysis.statistics import describe_metric, mode_of, ranking, scores
from lrcli.analysis.sweep_results import SweepResults
from lrcli.reporting.scales import Array, limits, plain_numbers

__all__ = ["best_first", "curve_scores", "diverged_by", "diverged_share", "is_plain", "quantiles"]

_DECADES = 6  # above the median, beyond which a loss is about to diverge


def curve_scores(
    results: SweepResults, metric: str, configurations: NDArray[np.intp], records: NDArray[np.intp]
) -> Array:
    """The curves of a metric, infinitely bad from the step that broke a member.

    A member that stopped early keeps its last value.

    Args:
        results: the sweep, T records.
        metric: one of its curves.
        configurations: (n,) which.
        records: (t,) which, ascending.

    Returns:
        (S, n, t); NaN behind a configuration's last record.
    """
    curves = results.curves[metric]  # of which only what is shown is read
    chosen = curves[:, configurations[:, None], records]
    if np.isnan(chosen).any():
        chosen = _held(curves[:, configurations, : records[-1] + 1])[:, :, records]
    worst = np.inf if mode_of(results, metric) == "min" else -np.inf
    chosen = np.where(diverged_by(results, configurations, records), worst, chosen)
    return np.where(results.epoch[np.ix_(configurations, records)] >= 0, chosen, np.nan)


def diverged_by(
    results: SweepResults, configurations: NDArray[np.intp], records: NDArray[np.intp]
) -> NDArray[np.bool_]:
    """Which members have diverged by which record, (S, n, t)."""
    diverged = results.diverged[:, configurations, None]
    broken_at = results.diverged_step[:, configurations, None]
    return np.asarray(diverged & (results.step[np.ix_(configurations, records)] >= broken_at))


def quantiles(values: Array, probabilities: tuple[float, ...]) -> Array:
    """Quantiles over seeds, as `lrcli.analysis.statistics.describe` defines them.

    Args:
        values: (S, ...), infinite where a member diverged; NaN where a seed has no value.
        probabilities: Q numbers from 0 to 1.

    Returns:
        (Q, ...) over the seeds that have a value; NaN where none has.
    """
    ordered = np.sort(values, axis=0)  # NaN last
    last = np.maximum(np.sum(~np.isnan(values), axis=0) - 1, 0)
    found = np.empty((len(probabilities), *last.shape))
    for out, probability in zip(found, probabilities, strict=True):
        index = probability * last
        below = np.floor(index).astype(np.intp)
        above = np.ceil(index).astype(np.intp)
        low = np.take_along_axis(ordered, below[None], axis=0)[0]
        high = np.take_along_axis(ordered, above[None], axis=0)[0]
        with np.errstate(invalid="ignore"):  # infinity times zero, where the two are one
            between = low * (above - index) + high * (index - below)
        out[...] = np.where(low == high, low, between)
    return found


def diverged_share(results: SweepResults) -> Array:
    """The share of members that diverged, (C,)."""
    return np.asarray(np.mean(results.diverged, axis=0))


def best_first(results: SweepResults) -> NDArray[np.intp]:
    """The configurations from best to worst, (C,)."""
    return ranking(describe_metric(results), results.mode)


def is_plain(results: SweepResults, metric: str) -> bool:
    """Whether a metric's numbers are written out along its log axes, in whatever figure of the sweep.

    Its medians at the first record and after training decide.
    """
    found = [quantiles(scores(results, metric), (0.5,))[0]] if metric in results.final else []
    if metric in results.curves:
        every = np.arange(len(results.configurations))
        first = curve_scores(results, metric, every, np.zeros(1, dtype=np.intp))
        found.append(quantiles(first, (0.5,))[0, :, 0])
    low, high, _ = limits(np.concatenate(found), metric, _DECADES)
    return plain_numbers(low, high)


def _held(values: Array) -> Array:
    """Curves whose gaps repeat the value before them, (..., T)."""
    indices = np.where(np.isnan(values), 0, np.arange(values.shape[-1]))
    return np.take_along_axis(values, np.maximum.accumulate(indices, axis=-1), axis=-1)
