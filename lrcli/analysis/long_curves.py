"""What became of members of four records or more; the words are defined in `lrcli.analysis.outcomes`."""

import numpy as np
from numpy.typing import NDArray

from lrcli.analysis.loss_levels import FALL, FLOAT32, LARGE, RISE, Curves

__all__ = ["FEWEST", "judge_many"]

Array = NDArray[np.float64]

FEWEST = 4  # records that have a trend
_SEGMENTS = 8
_TREND = 0.7
_SHARE_OF_FALL = 0.05
_LEVELLED = 0.1  # of the pace of the window


def judge_many(curves: Curves) -> NDArray[np.str_]:
    """The outcomes of members of at least 4 records, (M,)."""
    width = max(FEWEST, -(-curves.loss.shape[1] // 4))
    y = curves.logarithms(curves.loss[:, -width:])
    segments = _segments(y)
    trend = _kendall(segments)
    fall = _fall(segments)
    since_first = curves.logarithms(curves.loss[:, :1])[:, 0] - segments[:, -1]
    last = np.exp(segments[:, -1])

    late = _fall(segments[:, -(segments.shape[1] // 2) :])
    downwards = trend >= _TREND
    falls = downwards & (late > _LEVELLED / 2 * fall)
    rises = (trend <= -_TREND) & (fall <= -RISE) & ~curves.in_noise(last)
    swings = _swings(curves, y, width) & ~(downwards & (_spread(y[:, -(width // 2) :]) <= LARGE))
    begun = fall >= np.maximum(FLOAT32, _SHARE_OF_FALL * since_first)
    slow = falls & begun & (fall < FALL)
    whole = curves.logarithms(curves.loss)
    slow[slow] = _kendall(_segments(whole[slow])) >= _TREND
    rules = [
        (falls & (fall >= LARGE) & ~curves.at_best(last), "improving"),
        (rises & (since_first <= -LARGE), "rising"),
        (swings | rises, "oscillating"),
        (curves.at_best(last), "converged"),
        (falls & (fall >= FALL) | slow, "improving"),
        (~curves.near(last) & np.isfinite(curves.constant), "stuck"),
    ]
    return np.select([rule for rule, _ in rules], [name for _, name in rules], default="converged")


def _swings(curves: Curves, y: Array, width: int) -> NDArray[np.bool_]:
    """Whether the window (M, w) moves up and down, and by more than the noise of the data."""
    climbs = np.mean(y - _lowest_before(curves, width) > LARGE, axis=1) >= 0.25
    top = np.exp(np.quantile(y, 0.9, axis=1))
    return np.asarray((_spread(y) > LARGE) & climbs & ~curves.in_noise(top))


def _spread(y: Array) -> Array:
    """Between the tenth and the ninetieth percentile of (M, T), (M,)."""
    return np.asarray(np.subtract(*np.quantile(y, [0.9, 0.1], axis=1)))


def _fall(segments: Array) -> Array:
    """The mean of the first half of (M, k) minus that of the second, (M,)."""
    half = segments.shape[1] // 2
    return np.asarray(segments[:, :half].mean(axis=1) - segments[:, -half:].mean(axis=1))


def _lowest_before(curves: Curves, width: int) -> Array:
    """Up to each record of the window, the lowest logarithm since a window's length before it, (M, w)."""
    y = curves.logarithms(curves.loss[:, -2 * width :])
    return np.asarray(np.minimum.accumulate(y, axis=1)[:, -width:])


def _segments(y: Array) -> Array:
    """The means of at most eight segments of equal length, but for one record: (M, T) to (M, k)."""
    width = y.shape[1]
    count = min(width, _SEGMENTS)
    edges = np.arange(count + 1) * width // count
    return np.asarray(np.add.reduceat(y, edges[:-1], axis=1) / np.diff(edges))


def _kendall(segments: Array) -> Array:
    """Kendall's tau of the order of (M, k) against falling, (M,): 1 where each is below those before it."""
    earlier, later = np.triu_indices(segments.shape[1], k=1)
    return np.asarray(np.sign(segments[:, earlier] - segments[:, later]).mean(axis=1))
