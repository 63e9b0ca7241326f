"""What became of each member, in one word, judged by its training loss.

The curve is ``train/loss`` where that is recorded, else ``train/running_loss``; only records up to the
member's own end count. Everything is computed from y = ln max(loss, z), where z = 1e-12 max(1, highest loss
of the curve): what lies below z is rounding (a squared error of a millionth), and a factor is the same
distance at any level. A curve of n records is judged by its last w = max(4, ceil(n / 4)), cut into
k = min(w, 8) segments of equal length (but for one record), with the means y_1 .. y_k of y in each. Then

- **fall**: the mean of y over the window's first half minus that over its second half (of the k means; the
  middle one of an odd number is in neither). 0.02 is a loss that is 2% lower.
- **trend**: Kendall's tau of y_1 .. y_k, the share of pairs that fall minus the share of those that rise.
  Noise without a trend reaches 0.7 by chance in 4% of windows of 4 or 5 records, in 0.7% of those of 8 or
  more.
- **steady**: the same tau, over min(n, 8) equal segments of the whole curve, is at least 0.7.
- **swings**: the tenth and ninetieth percentile of y in the window are more than ln 1.5 apart (Gaussian noise
  of 16% of the level), and not because it falls: at least a quarter of the window's records lie more than
  ln 1.5 above the lowest one that came before them in the last 2 w records. A period may be as long as that,
  half the training.
- **near the best**: at most a tenth of what there is to learn is left, (loss - L) / (c - L) <= 0.1. c is the
  loss of the best constant answer; L is the smallest loss that is possible (`lrcli.analysis.reference`, with
  the member's weight decay) or, where that is not known, the lowest last loss of the members of its seed with
  the same data, model and loss. Also near is a loss up to 1.1 L, for data of which hardly anything can be
  learned, and one below z. Where L is only the members' best, a loss above 0.9 c is never near: all of them
  may have learned nothing. The loss is exp(y_k).

The first of these that applies is the outcome:

1. ``diverged`` or ``interrupted``: the status says so; for the former see `lrcli.training.divergence`.
2. ``unknown``: there is no record, or one that is not finite.
3. ``improving``: the trend is at least 0.7 and the fall at least ln 1.5, whatever else happens.
4. ``rising``: the trend is at most -0.7, the loss has risen by 5% or more (fall <= -0.05), and y_k is at
   least ln 1.5 above the first record: it has not exploded yet, but this has no end.
5. ``oscillating``: it swings; or it rises as in 4, from a level that it had already reached.
6. ``improving``: the trend is at least 0.7 and the fall at least 0.02; or, where the curve is steady too, at
   least a twentieth of the fall since the first record (and 1e-6, the rounding of float32). The latter is a
   learning rate so small that training has hardly begun: a straight line has an eighth.
7. ``stuck``: the loss stays at a level, with no more than moderate noise, that is not near the best: a
   plateau, a poor local minimum, units that no longer answer.
8. ``converged``: everything else: it stays at a level that is near the best. Where c is not known, any level
   counts.

Of fewer than 4 records there is no trend to speak of. The last one says ``converged`` where it is at most
1.1 L with an L that is known, or below z. Else the first of these that applies, given two or three: each at
least 2% below the one before, ``improving``; each at least 5% above, and the last ln 1.5 above the first,
``rising``; within ln 1.5 of each other and near the best, ``converged``; each below the one before,
``improving``; within ln 1.5 of each other and not near the best, ``stuck``. What is left is ``unknown``.

Full-batch gradient descent on a quadratic just below its largest stable learning rate, 2 / lambda_max, has
parameters that alternate, but a loss that falls at every step: it is improving or converged. Just above, the
loss rises.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lrcli.analysis.sweep_results import SweepResults
from lrcli.config.metrics import training_loss_of

__all__ = ["outcomes"]

Array = NDArray[np.float64]

_ROUNDING = 1e-12  # of the highest loss, or of 1
_FEWEST = 4  # records that can be judged
_SEGMENTS = 8
_TREND = 0.7
_FALL = 0.02
_RISE = 0.05
_LARGE = math.log(1.5)
_SHARE_OF_FALL = 0.05
_FLOAT32 = 1e-6
_LEFT = 0.1  # of what there is to learn, near the best


@dataclass(frozen=True)
class _Curves:
    """M members of n records each, and what their loss may be held against, (M,); NaN where unknown.

    Attributes:
        loss: (M, n).
        least: the smallest loss that is possible.
        reached: the lowest last loss of the members of the same seed and problem.
        constant: the loss of the best constant answer.
    """

    loss: Array
    least: Array
    reached: Array
    constant: Array


def outcomes(results: SweepResults) -> NDArray[np.str_]:
    """What became of each member, by the definitions of this module.

    Args:
        results: of the sweep.

    Returns:
        (S, C) ``converged``, ``improving``, ``stuck``, ``oscillating``, ``rising``, ``diverged``,
        ``interrupted`` or ``unknown``.
    """
    answer = np.full(results.status.shape, "unknown", dtype="U11")
    metric = training_loss_of(results.curves)
    if metric is not None:
        loss = results.curves[metric]
        records = _records(results)
        judged = (results.status == "completed") | (results.status == "stopped_early")
        reached = _reached(results, loss, np.where(judged, records, 0))
        # members of equal length together; without early stopping that is all of them
        for count in np.unique(records[judged & (records > 0)]).tolist():
            members = judged & (records == count)
            levels = (results.least[members], reached[members], results.constant[members])
            curves = _Curves(loss[members, :count], *levels)
            answer[members] = _judge(curves) if count >= _FEWEST else _judge_few(curves)
    ended = np.isin(results.status, ["diverged", "interrupted"])
    return np.where(ended, results.status, answer).astype("U11")


def _reached(results: SweepResults, loss: Array, records: NDArray[np.intp]) -> Array:
    """The lowest last loss of the members with the same seed and problem, (S, C); infinite where none."""
    last = np.take_along_axis(loss, np.maximum(records - 1, 0)[..., None], axis=2)[..., 0]
    last = np.where((records > 0) & np.isfinite(last), last, np.inf)
    answer = np.empty_like(last)
    for problem in np.unique(results.problems):
        here = results.problems == problem
        answer[:, here] = last[:, here].min(axis=1, keepdims=True)
    return answer


def _records(results: SweepResults) -> NDArray[np.intp]:
    """How many records each member has, (S, C): those of epochs that it finished."""
    recorded = results.epoch > 0  # (C, T)
    own = recorded & (results.epoch <= results.epochs[..., None])  # (S, C, T)
    return np.asarray(np.count_nonzero(own, axis=2))


def _judge(curves: _Curves) -> NDArray[np.str_]:
    """The outcomes of members that have ended in their own time, (M,), of at least 4 records."""
    count = curves.loss.shape[1]
    width = max(_FEWEST, -(-count // 4))
    finite = np.asarray(np.isfinite(curves.loss).all(axis=1))
    loss = np.where(finite[:, None], curves.loss, 0.0)
    rounding = _rounding(loss)
    first = _logarithm(loss[:, :1], rounding)[:, 0]
    y = _logarithm(loss[:, -width:], rounding)

    segments = _segments(y)
    trend = _kendall(segments)
    half = segments.shape[1] // 2
    fall = segments[:, :half].mean(axis=1) - segments[:, -half:].mean(axis=1)
    since_first = first - segments[:, -1]

    falls = trend >= _TREND
    rises = (trend <= -_TREND) & (fall <= -_RISE)
    spread = np.subtract(*np.quantile(y, [0.9, 0.1], axis=1))
    climbs = np.mean(y - _lowest_before(loss, rounding, width) > _LARGE, axis=1) >= 0.25
    swings = (spread > _LARGE) & climbs
    begun = fall >= np.maximum(_FLOAT32, _SHARE_OF_FALL * since_first)
    slow = falls & begun & (fall < _FALL)
    slow[slow] = _kendall(_segments(_logarithm(loss[slow], rounding[slow]))) >= _TREND
    near = _near(curves, np.exp(segments[:, -1]), rounding)
    rules = [
        (~finite, "unknown"),
        (falls & (fall >= _LARGE), "improving"),
        (rises & (since_first <= -_LARGE), "rising"),
        (swings | rises, "oscillating"),
        (falls & (fall >= _FALL) | slow, "improving"),
        (~near & np.isfinite(curves.constant), "stuck"),
    ]
    return np.select([rule for rule, _ in rules], [name for _, name in rules], default="converged")


def _judge_few(curves: _Curves) -> NDArray[np.str_]:
    """The outcomes of members of one to three records, (M,)."""
    finite = np.asarray(np.isfinite(curves.loss).all(axis=1))
    loss = np.where(finite[:, None], curves.loss, 0.0)
    rounding = _rounding(loss)
    y = _logarithm(loss, rounding)
    falls = -np.diff(y, axis=1)
    several = np.full(len(y), y.shape[1] > 1)
    level = several & (np.ptp(y, axis=1) <= _LARGE) & np.isfinite(curves.constant)
    near = _near(curves, loss[:, -1], rounding)
    rules = [
        (~finite, "unknown"),
        (_at_best(curves.least, loss[:, -1], rounding), "converged"),
        (several & (falls >= _FALL).all(axis=1), "improving"),
        (several & (falls <= -_RISE).all(axis=1) & (y[:, -1] - y[:, 0] >= _LARGE), "rising"),
        (level & near, "converged"),
        (several & (falls >= _FLOAT32).all(axis=1), "improving"),
        (level, "stuck"),
    ]
    return np.select([rule for rule, _ in rules], [name for _, name in rules], default="unknown")


def _near(curves: _Curves, loss: Array, rounding: Array) -> NDArray[np.bool_]:
    """Whether losses (M,) are near the best; see the module's docstring."""
    known = np.isfinite(curves.least)
    least = np.where(known, curves.least, curves.reached)
    with np.errstate(invalid="ignore"):
        learned = loss - least <= _LEFT * (curves.constant - least)
        something = known | (loss <= (1 - _LEFT) * curves.constant)
    return (learned | _at_best(least, loss, rounding)) & something


def _at_best(least: Array, loss: Array, rounding: Array) -> NDArray[np.bool_]:
    return (loss <= (1 + _LEFT) * least) | (loss <= rounding)


def _rounding(loss: Array) -> Array:
    """(M,) up to which losses (M, n) are rounding."""
    return np.asarray(_ROUNDING * np.maximum(1.0, loss.max(axis=1)))


def _logarithm(loss: Array, rounding: Array) -> Array:
    """Of losses (M, T), no lower than the (M,) that count as rounding."""
    return np.asarray(np.log(np.maximum(loss, rounding[:, None])))


def _lowest_before(loss: Array, rounding: Array, width: int) -> Array:
    """Up to each record of the window, the lowest logarithm since a window's length before it, (M, w)."""
    y = _logarithm(loss[:, -2 * width :], rounding)
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
