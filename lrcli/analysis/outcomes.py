"""What became of each member, in one word, judged by its training loss.

In short: does the loss still fall, does it rise or swing, or does it stay; and is what it stays at the
best? One that stays far above the best is ``stuck``, whatever it looks like by itself.

The curve is ``train/loss`` where that is recorded, else ``train/running_loss``; only records after training
began and up to the member's own end count. Everything is computed from y = ln max(loss, z), where
z = 1e-12 max(1, highest loss of the curve): what lies below z is rounding (a squared error of a millionth),
and a factor is the same distance at any level.

**The best.** c is the loss of the best constant answer; L is the smallest loss that is possible
(`lrcli.analysis.reference`, with the member's weight decay), where that is known. What there is to learn is
c - L, and a loss has (loss - L) / (c - L) of it left. A loss is

- **at the best**: at most 1.02 L, or at most 1.1 L with at most a hundredth left, or below z;
- **in the noise**: at the best, or at most 2 L with at most a hundredth left: what training owes is then
  less than what the data cannot tell at all;
- **near the best**: at most a hundredth is left, or it is at most 1.1 L, or below z. Where L is not known,
  others are the measure: at most a tenth is left with the lowest last loss of the members of its seed with
  the same data, model and loss for L (or it is at most 1.1 times that one); at most a quarter is left with
  what seeds typically reach for L: the median over the seeds of their lowest last losses, each divided by
  its c; and it is at most 0.9 c, since all of them may have learned nothing.

**Four records or more.** A curve of n records is judged by its last w = max(4, ceil(n / 4)), cut into
k = min(w, 8) segments of equal length (but for one record), with the means y_1 .. y_k of y in each. Then

- **fall**: the mean of y over the window's first half minus that over its second half (of the k means; the
  middle one of an odd number is in neither). 0.02 is a loss that is 2% lower.
- **trend**: Kendall's tau of y_1 .. y_k, the share of pairs that fall minus the share of those that rise.
  Noise without a trend reaches 0.7 by chance in 4% of windows of 4 or 5 records, in 0.7% of those of 8 or
  more.
- **falls**: the trend is at least 0.7, and the fall within the window's second half is more than a
  twentieth of that of the window (a straight line has a half): else it has levelled off, as where a
  schedule has ended.
- **steady**: the same tau, over min(n, 8) equal segments of the whole curve, is at least 0.7.
- **swings**: the tenth and ninetieth percentile of y in the window are more than ln 1.5 apart (Gaussian
  noise of 16% of the level), the latter is not in the noise, and not because it falls: at least a quarter
  of the window's records lie more than ln 1.5 above the lowest one that came before them in the last 2 w
  records. A period may be as long as that, half the training. Nor does a curve swing that has a trend of
  0.7 and becomes calm: the percentiles of the window's second half are within ln 1.5.

The first of these that applies is the outcome; the last loss is exp(y_k):

1. ``diverged`` or ``interrupted``: the status says so; for the former see `lrcli.training.divergence`.
2. ``unknown``: there is no record, or one that is not finite.
3. ``improving``: it falls by at least ln 1.5 and is not yet at the best.
4. ``rising``: the trend is at most -0.7, the loss has risen by 5% or more (fall <= -0.05), and y_k is at
   least ln 1.5 above the first record and not in the noise: it has not exploded yet, but this has no end.
5. ``oscillating``: it swings; or it rises as in 4, from a level that it had already reached.
6. ``converged``: it is at the best.
7. ``improving``: it falls by at least 0.02; or, where the curve is steady too, at least a twentieth of the
   fall since the first record (and 1e-6, the rounding of float32). The latter is a learning rate so small
   that training has hardly begun: a straight line has an eighth.
8. ``stuck``: the loss stays at a level, with no more than moderate noise, that is not near the best: a
   plateau, a poor local minimum, units that no longer answer, a schedule that ended too soon.
9. ``converged``: everything else: it stays at a level that is near the best. Where c is not known, any
   level counts.

**One to three records.** There is no trend to speak of, but the loss before training, where it is recorded,
is a point too. The points are that one and the records; "each" speaks of the steps between them.

1. ``unknown``, as above.
2. ``converged``: the last is at the best; of one record also in the noise.
3. ``rising``: each is at least 5% above the one before, the last is ln 1.5 above the first, and not in the
   noise. With three records also where that is so without the start, and the last is not near the best.
4. ``improving``: each is at least 2% below the one before.
5. ``oscillating``: one lies more than ln 1.5 above an earlier one; ``converged`` where no record leaves the
   noise.
6. The last two are within ln 1.5 of each other: ``converged`` near the best; ``improving`` where each is
   below the one before (by 1e-6) and the last is not within a hundredth of c; else ``stuck``.
7. ``improving``: each is below the one before, or the last is so by more than ln 1.5. What is left is
   ``unknown``: a single record with nothing to hold it against, or a level where c is not known.

The loss tells all this without a gradient's norm, which of small batches is mostly their noise.

Full-batch gradient descent on a quadratic just below its largest stable learning rate, 2 / lambda_max, has
parameters that alternate, but a loss that falls at every step: it is improving or converged. Just above,
the loss rises.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrcli.analysis.long_curves import FEWEST, judge_many
from lrcli.analysis.loss_levels import Curves
from lrcli.analysis.short_curves import judge_few
from lrcli.analysis.sweep_results import SweepResults
from lrcli.config.metrics import training_loss_of

__all__ = ["judge_curves", "outcomes"]

Array = NDArray[np.float64]

_MEMBERS = 2**17  # that are judged at a time


def outcomes(results: SweepResults) -> NDArray[Any]:
    """What became of each member, by the definitions of this module.

    Args:
        results: of the sweep.

    Returns:
        (S, C) ``converged``, ``improving``, ``stuck``, ``oscillating``, ``rising``, ``diverged``,
        ``interrupted`` or ``unknown``; one object for each word.
    """
    answer = _unknown(results.status.shape)
    metric = training_loss_of(results.curves)
    if metric is not None:
        reached = _reached(results, metric)
        typical = _typical(results, reached)
        for seeds in _some_seeds(results):
            answer[seeds] = _judged(results, metric, seeds, reached[seeds], typical[seeds])
    answer[results.diverged] = "diverged"
    answer[results.missing] = "interrupted"
    return answer


def _some_seeds(results: SweepResults) -> Iterator[slice]:
    """All seeds, as many at a time as have not too many members."""
    seeds, configurations = results.status.shape
    step = max(1, _MEMBERS // max(1, configurations))
    return (slice(first, min(first + step, seeds)) for first in range(0, seeds, step))


def _judged(results: SweepResults, metric: str, seeds: slice, reached: Array, typical: Array) -> NDArray[Any]:
    """The outcomes of the members of some seeds (s, C) as far as they have ended in their own time.

    Args:
        results: of the sweep.
        metric: the training loss.
        seeds: which.
        reached: (s, P) as `_reached` gives it, of these.
        typical: (s, P) likewise.
    """
    curve, records = np.asarray(results.curves[metric][seeds]), _records(results, seeds)
    before = _before(results)
    status, problem = results.status[seeds], _problems(results)[1]
    loss = curve[..., before:]
    start = curve[..., 0] if before else np.full(records.shape, np.nan)
    levels = (start, results.least[seeds], reached[:, problem], typical[:, problem], results.constant[seeds])
    judged = np.asarray((status == "completed") | (status == "stopped_early"), dtype=np.bool_)
    answer = _unknown(records.shape)
    # members of equal length together; without early stopping that is all of them
    for count in np.unique(records[judged & (records > 0)]).tolist():
        members = judged & (records == count)
        kinds = judge_curves(Curves(loss[members, :count], *(level[members] for level in levels)))
        answer[members] = _as_objects(kinds)
    return answer


def _unknown(shape: tuple[int, ...]) -> NDArray[Any]:
    """The word, one object for all members: `numpy.full` would make one for each."""
    answer = np.empty(shape, dtype=object)
    answer.fill("unknown")
    return answer


def _as_objects(kinds: NDArray[np.str_]) -> NDArray[Any]:
    """The same words, each of them one object."""
    names, index = np.unique(kinds, return_inverse=True)
    return names.astype(object)[index]


def judge_curves(curves: Curves) -> NDArray[np.str_]:
    """The outcomes of members that have ended in their own time, (M,); their losses need not be finite."""
    answer = np.full(len(curves.loss), "unknown", dtype="U11")
    finite = np.asarray(np.isfinite(curves.loss).all(axis=1))
    if finite.any():
        judge = judge_many if curves.loss.shape[1] >= FEWEST else judge_few
        answer[finite] = judge(curves.of(finite))
    return answer


def _problems(results: SweepResults) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The P different problems: (P,) a configuration of each; and (C,) which each configuration has."""
    _, first, which = np.unique(results.problems, return_index=True, return_inverse=True)
    return first, which.ravel()


def _typical(results: SweepResults, reached: Array) -> Array:
    """What members of other seeds reach of the same problem, (S, P): the median seed's, in each seed's unit.

    Losses of other data are compared as shares of the constant answer's; NaN where that is not known.

    Args:
        results: of the sweep.
        reached: (S, P).
    """
    constant = results.constant[:, _problems(results)[0]]
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = reached / constant
    answer = np.full_like(reached, np.nan)
    for problem, each in enumerate(shares.T):
        known = each[np.isfinite(each)]
        if len(known):
            answer[:, problem] = np.median(known) * constant[:, problem]
    return answer


def _reached(results: SweepResults, metric: str) -> Array:
    """The lowest last loss of the members with the same seed and problem, (S, P); infinite where none."""
    which = _problems(results)[1]
    order = np.argsort(which, kind="stable")
    begins = np.flatnonzero(np.diff(which[order], prepend=-1))
    found = []
    for seeds in _some_seeds(results):
        judged = ~results.diverged[seeds] & ~results.missing[seeds]
        records = np.where(judged, _records(results, seeds), 0)
        at = _before(results) + np.maximum(records - 1, 0)
        last = np.take_along_axis(np.asarray(results.curves[metric][seeds]), at[..., None], axis=2)[..., 0]
        last = np.where((records > 0) & np.isfinite(last), last, np.inf)
        found.append(np.minimum.reduceat(last[:, order], begins, axis=1))
    return np.concatenate(found)


def _before(results: SweepResults) -> int:
    """How many records there are before training, which say nothing of what it did."""
    return int(np.count_nonzero(np.all(results.epoch == 0, axis=0)))


def _records(results: SweepResults, seeds: slice) -> NDArray[np.intp]:
    """How many records each member of some seeds has, (s, C): those of epochs that it finished."""
    recorded = results.epoch > 0  # (C, T)
    own = recorded & (results.epoch <= results.epochs[seeds, :, None])  # (s, C, T)
    return np.asarray(np.count_nonzero(own, axis=2))
