"""What became of each member, in one word, judged by the last quarter of its training loss.

The curve is ``train/loss`` where that is recorded, else ``train/running_loss``; only records up to the
member's own end count. Everything is computed from y = ln max(loss, z), where z = 1e-12 max(1, highest loss
of the curve): what lies below z is rounding (a squared error of a millionth), and a factor is the same
distance at any level. A curve of n records is judged by its last w = max(4, ceil(n / 4)), cut into
k = min(w, 8) parts of equal length (but for one record), with the means y_1 .. y_k of y in each. Then

- **fall**: the mean of y over the window's first half minus that over its second half (of the k means; the
  middle one of an odd number is in neither). 0.02 is a loss that is 2% lower.
- **trend**: Kendall's tau of y_1 .. y_k, the share of pairs that fall minus the share of those that rise.
  Noise without a trend reaches 0.7 by chance in 4% of windows of 4 or 5 records, in 0.7% of those of 8 or
  more.
- **steady**: the same tau, over min(n, 8) equal parts of the whole curve, is at least 0.7.
- **swings**: the tenth and ninetieth percentile of y in the window are more than ln 1.5 apart (Gaussian noise
  of 16% of the level), and not because it falls: at least a quarter of the window's records lie more than
  ln 1.5 above the lowest one that came before them in the last 2 w records. A period may be as long as that,
  half the training.

The first of these that applies is the outcome:

1. ``diverged`` or ``interrupted``: the status says so.
2. ``unknown``: fewer than 4 records, or one that is not finite.
3. ``improving``: the trend is at least 0.7 and the fall at least ln 1.5, whatever else happens.
4. ``diverged``: the trend is at most -0.7, the loss has risen by 5% or more (fall <= -0.05), and y_k is at
   least ln 1.5 above the first record: every number is still finite, but this has no end.
5. ``oscillating``: it swings; or it rises as in 4, from a level that it had already reached.
6. ``improving``: the trend is at least 0.7 and the fall at least 0.02; or, where the curve is steady too, at
   least a twentieth of the fall since the first record (and 1e-6, the rounding of float32). The latter is a
   learning rate so small that training has hardly begun: a straight line has an eighth.
7. ``converged``: everything else. The loss stays at a level, with no more than moderate noise.

A loss that never moves from its first record on counts as converged: where it began is not on record.
Full-batch gradient descent on a quadratic just below its largest stable learning rate, 2 / lambda_max, has
parameters that alternate, but a loss that falls at every step: it is improving or converged. Just above, the
loss rises.
"""

import math

import numpy as np
from numpy.typing import NDArray

from lrcli.analysis.sweep_results import SweepResults

__all__ = ["outcomes"]

Array = NDArray[np.float64]

_ROUNDING = 1e-12  # of the highest loss, or of 1
_FEWEST = 4  # records that can be judged
_PARTS = 8
_TREND = 0.7
_FALL = 0.02
_RISE = 0.05
_LARGE = math.log(1.5)
_SHARE_OF_FALL = 0.05
_FLOAT32 = 1e-6


def outcomes(results: SweepResults) -> NDArray[np.str_]:
    """What became of each member, by the definitions of this module.

    Args:
        results: of the sweep.

    Returns:
        (S, C) ``converged``, ``improving``, ``oscillating``, ``diverged``, ``interrupted`` or ``unknown``.
    """
    answer = np.full(results.status.shape, "unknown", dtype="U11")
    loss = results.curves.get("train/loss", results.curves.get("train/running_loss"))
    if loss is not None:
        records = _records(results)
        judged = (results.status == "completed") | (results.status == "stopped_early")
        # members of equal length together; without early stopping that is all of them
        for count in np.unique(records[judged & (records >= _FEWEST)]):
            members = judged & (records == count)
            answer[members] = _judge(loss[members, :count])
    ended = np.isin(results.status, ["diverged", "interrupted"])
    return np.where(ended, results.status, answer).astype("U11")


def _records(results: SweepResults) -> NDArray[np.intp]:
    """How many records each member has, (S, C): those of epochs that it finished."""
    recorded = results.epoch > 0  # (C, T)
    own = recorded & (results.epoch <= results.epochs[..., None])  # (S, C, T)
    return np.asarray(np.count_nonzero(own, axis=2))


def _judge(loss: Array) -> NDArray[np.str_]:
    """The outcomes of members that have ended in their own time, (M,), from their losses, (M, n)."""
    count = loss.shape[1]
    width = max(_FEWEST, -(-count // 4))
    finite = np.asarray(np.isfinite(loss).all(axis=1))
    loss = np.where(finite[:, None], loss, 0.0)
    rounding = _ROUNDING * np.maximum(1.0, loss.max(axis=1))
    first = _logarithm(loss[:, :1], rounding)[:, 0]
    y = _logarithm(loss[:, -width:], rounding)

    parts = _parts(y)
    trend = _kendall(parts)
    half = parts.shape[1] // 2
    fall = parts[:, :half].mean(axis=1) - parts[:, -half:].mean(axis=1)
    since_first = first - parts[:, -1]

    falls = trend >= _TREND
    rises = (trend <= -_TREND) & (fall <= -_RISE)
    spread = np.subtract(*np.quantile(y, [0.9, 0.1], axis=1))
    climbs = np.mean(y - _lowest_before(loss, rounding, width) > _LARGE, axis=1) >= 0.25
    swings = (spread > _LARGE) & climbs
    begun = fall >= np.maximum(_FLOAT32, _SHARE_OF_FALL * since_first)
    slow = falls & begun & (fall < _FALL)
    slow[slow] = _kendall(_parts(_logarithm(loss[slow], rounding[slow]))) >= _TREND
    rules = [
        (~finite, "unknown"),
        (falls & (fall >= _LARGE), "improving"),
        (rises & (since_first <= -_LARGE), "diverged"),
        (swings | rises, "oscillating"),
        (falls & (fall >= _FALL) | slow, "improving"),
    ]
    return np.select([rule for rule, _ in rules], [name for _, name in rules], default="converged")


def _logarithm(loss: Array, rounding: Array) -> Array:
    """Of losses (M, T), no lower than the (M,) that count as rounding."""
    return np.asarray(np.log(np.maximum(loss, rounding[:, None])))


def _lowest_before(loss: Array, rounding: Array, width: int) -> Array:
    """Up to each record of the window, the lowest logarithm since a window's length before it, (M, w)."""
    y = _logarithm(loss[:, -2 * width :], rounding)
    return np.asarray(np.minimum.accumulate(y, axis=1)[:, -width:])


def _parts(y: Array) -> Array:
    """The means of at most eight parts of equal length, but for one record: (M, T) to (M, k)."""
    width = y.shape[1]
    count = min(width, _PARTS)
    edges = np.arange(count + 1) * width // count
    return np.asarray(np.add.reduceat(y, edges[:-1], axis=1) / np.diff(edges))


def _kendall(parts: Array) -> Array:
    """Kendall's tau of the order of (M, k) against falling, (M,): 1 where each is below those before it."""
    earlier, later = np.triu_indices(parts.shape[1], k=1)
    return np.asarray(np.sign(parts[:, earlier] - parts[:, later]).mean(axis=1))
