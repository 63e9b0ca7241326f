"""What rates that were tried from the start say: where training blows up, and which rate to take.

A rate is **tried** by training fresh copies with it, one for each of S seeds. A member has **blown up** where
it diverged, or where the loss of the training set ended more than 1% above where it began (or above the mean
square of the targets, where that is more); the blow-up rate of a seed is
the smallest rate at which it did, known to lie between that one and the next lower one tried.

The **cost** of a member is the logarithm of its score, so that a factor is the same at any level (one
below 1e-12 counts as 1e-12: rounding); of an accuracy, or of scores that may be negative, the score itself,
turned so that small is good. The **level** of a rate is the median over the seeds of the cost. Where training
is chaotic the level jumps from one rate to the next, and the lowest of many is luck: where levels lie further
than 5% (typically) from the line between close neighbours, by turns above and below it, the cost of a seed is
its mean over all rates within a factor of 1.8.

A rate is **as good as the best** where its level is at most 5% (of an accuracy 0.005) above the lowest; or
where its differences from the best, paired by seed, have a median of no more than that or than the median's
standard error (the rule of Breiman et al. 1984, section 3.4.3), unless its level is more than twice the
lowest (0.05 of an accuracy above it). That error is from the median absolute deviation: one seed that is near
its blow-up says nothing of the others. Rates at which any seed blew up never are as good. The **suggestion**
is that of the rates tried that is nearest to the geometric middle of the stretch of rates as good as the
best: it is as far as can be from either end of what works.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lrcli.analysis.statistics import Mode, with_worst

__all__ = [
    "BlowUp",
    "Chosen",
    "Trials",
    "between",
    "blow_up",
    "choose",
    "gaps_to_refine",
    "medians",
    "merged",
]

Array = NDArray[np.float64]

_ROUNDING = 1e-12
_CLOSE, _FAR = math.log(1.05), math.log(2.0)
_CLOSE_OF_ACCURACY, _FAR_OF_ACCURACY = 0.005, 0.05
_NEIGHBOURS, _FEWEST_JUMPS = 1.3, 4  # rates so close by are compared, if so many are
_POOLED = 1.8
_TO_SIGMA = 1.4826  # a normal distribution's, times its median absolute deviation
_OF_MEDIAN = math.sqrt(math.pi / 2)  # a median's standard error, times the mean's
_DIGITS = 3  # of a rate that is tried


@dataclass(frozen=True)
class Trials:
    """K rates, each tried by S seeds.

    Attributes:
        rates: (K,) ascending, each once.
        epochs: (K,) of training.
        scores: (S, K) what the members are ranked by, at the end; NaN where one diverged.
        ended: (S, K) the loss of the training set at the end; NaN likewise.
        blown: (S, K) which members blew up.
    """

    rates: Array
    epochs: NDArray[np.int64]
    scores: Array
    ended: Array
    blown: NDArray[np.bool_]

    def of_epochs(self, epochs: int) -> "Trials":
        """Those that were trained for so many epochs."""
        return self.take(np.flatnonzero(self.epochs == epochs))

    def take(self, index: NDArray[np.intp]) -> "Trials":
        """Some of them, (k,), in the order given."""
        rates, epochs = self.rates[index], self.epochs[index]
        return Trials(rates, epochs, self.scores[:, index], self.ended[:, index], self.blown[:, index])


def merged(first: Trials, second: Trials) -> Trials:
    """The trials of both; a rate of both is as it was where it was trained longer."""
    both = Trials(
        np.concatenate([first.rates, second.rates]),
        np.concatenate([first.epochs, second.epochs]),
        np.concatenate([first.scores, second.scores], axis=1),
        np.concatenate([first.ended, second.ended], axis=1),
        np.concatenate([first.blown, second.blown], axis=1),
    )
    order = np.lexsort((-both.epochs, both.rates))
    _, kept = np.unique(both.rates[order], return_index=True)
    return both.take(order[kept])


def between(low: float, high: float, count: int) -> Array:
    """(K,) so many rates strictly between two, in geometric steps, of three digits; those that differ."""
    inner = np.geomspace(low, high, count + 2)[1:-1]
    written = np.unique([float(f"{rate:.{_DIGITS}g}") for rate in inner])
    return written[(written > low) & (written < high)]


# Where training blows up --------------------------------------------------------------------------------


@dataclass(frozen=True)
class BlowUp:
    """The smallest rate at which training blows up.

    Attributes:
        rate: the median over the seeds that did of the middle of where each one's lies.
        low: the largest rate below it that every seed stands; 0 where the lowest one tried is too much.
        high: the smallest rate at which every one of these seeds has blown up.
        seeds: how many did.
    """

    rate: float
    low: float
    high: float
    seeds: int


def blow_up(trials: Trials) -> BlowUp | None:
    """Where the seeds blow up; None where no member did."""
    brackets = _brackets(trials)
    if not brackets:
        return None
    middles = [math.sqrt(low) * math.sqrt(high) if low > 0 else high for low, high in brackets]
    return BlowUp(
        rate=float(np.exp(np.median(np.log(middles)))),
        low=min(low for low, _ in brackets),
        high=max(high for _, high in brackets),
        seeds=len(brackets),
    )


def _brackets(trials: Trials) -> list[tuple[float, float]]:
    """For each seed that blew up, the rate before the smallest one at which it did (or 0), and that one."""
    found = []
    for blown in trials.blown:
        if blown.any():
            first = int(np.argmax(blown))
            found.append((float(trials.rates[first - 1]) if first else 0.0, float(trials.rates[first])))
    return found


# Which rate to take -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Chosen:
    """The rate to take.

    Attributes:
        rate: the suggestion.
        low: the lowest rate of the stretch that is as good as the best.
        high: the highest one.
        best: the rate of the lowest level; of several neighbours, the middle one.
        score: the median over seeds, at the suggestion.
        best_score: that of the best rate.
        noisy: whether the level jumps from one rate to the next.
        levels: (K,) that of every rate in the unit of the scores, the worst there is where any seed blew up.
        spread: the level of the worst rate that did not blow up minus that of the best.
    """

    rate: float
    low: float
    high: float
    best: float
    score: float
    best_score: float
    noisy: bool
    levels: Array
    spread: float


def medians(trials: Trials, mode: Mode) -> Array:
    """(K,) of the scores over seeds; members that blew up or have none are the worst there are."""
    scores = with_worst(np.where(trials.blown, np.nan, trials.scores), mode)
    ordered = np.sort(scores, axis=0)
    below, above = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
    return np.asarray(np.where(below == above, below, below / 2 + above / 2))


def choose(trials: Trials, mode: Mode) -> Chosen | None:
    """The rate to take, by the rule of this module; None where some seed blew up at every rate.

    Args:
        trials: all of them trained for as long.
        mode: whether small or large scores are good.
    """
    cost, close, far = _costs(trials, mode)
    sound = np.asarray(np.isfinite(cost).all(axis=0))
    if not sound.any():
        return None
    cost = np.where(sound, cost, 0.0)
    noisy = _jumps(trials.rates[sound], np.median(cost[:, sound], axis=0), close)
    cost = _pooled(trials.rates, cost, sound) if noisy else cost
    level = np.where(sound, np.median(cost, axis=0), np.inf)
    best = _middle_of_equals(level)
    above = level - level[best]
    good = sound & ((above <= close) | ((above <= far) & _alike(cost, best, close)))
    low, high = _stretch(good, best)
    rates = trials.rates[low : high + 1]
    places = np.log(rates)
    nearest = low + int(np.argmin(np.abs(places - (places[0] + places[-1]) / 2)))
    score, worst = medians(trials, mode), np.inf if mode == "min" else -np.inf
    in_logs = close == _CLOSE
    with np.errstate(over="ignore"):
        levels = np.exp(level) if in_logs else level if mode == "min" else -level
    return Chosen(
        rate=float(trials.rates[nearest]),
        low=float(rates[0]),
        high=float(rates[-1]),
        best=float(trials.rates[best]),
        score=float(score[nearest]),
        best_score=float(score[best]),
        noisy=noisy,
        levels=np.where(sound, levels, worst),
        spread=float(above[sound].max()),
    )


def _costs(trials: Trials, mode: Mode) -> tuple[Array, float, float]:
    """(S, K) the costs, infinite where a member blew up; which differences are small, and which are large."""
    scores = np.where(trials.blown, np.nan, trials.scores)
    known = np.isfinite(scores)
    if mode == "min" and not (scores[known] < 0).any():
        logs = np.log(np.maximum(np.where(known, scores, 1.0), _ROUNDING))
        return np.where(known, logs, np.inf), _CLOSE, _FAR
    signed = scores if mode == "min" else -scores
    return np.where(known, signed, np.inf), _CLOSE_OF_ACCURACY, _FAR_OF_ACCURACY


def _jumps(rates: Array, level: Array, close: float) -> bool:
    """Whether the level jumps from one rate to the next, (K,) both."""
    if len(rates) < 3:
        return False
    x = np.log(rates)
    left, right = np.diff(x)[:-1], np.diff(x)[1:]
    line = (level[:-2] * right + level[2:] * left) / (left + right)
    near = np.maximum(left, right) <= math.log(_NEIGHBOURS)
    jumps = np.where(near, level[1:-1] - line, 0.0)
    if np.count_nonzero(near) < _FEWEST_JUMPS or np.median(np.abs(jumps[near])) <= close:
        return False
    # Of what bends smoothly, neighbours lie on the same side of their lines.
    return bool(np.sum(jumps[1:] * jumps[:-1]) < 0)


def _pooled(rates: Array, cost: Array, sound: NDArray[np.bool_]) -> Array:
    """(S, K) for each seed the mean over the sound rates around each rate."""
    places = np.log(rates)
    within = (np.abs(places[:, None] - places) <= math.log(_POOLED)) & sound
    return np.asarray(cost @ within.T / np.maximum(within.sum(axis=1), 1))


def _middle_of_equals(level: Array) -> int:
    """The index of the smallest; of neighbours that are equal to it, the middle one."""
    first = int(np.argmin(level))
    low, high = _stretch(level == level[first], first)
    return (low + high) // 2


def _stretch(good: NDArray[np.bool_], start: int) -> tuple[int, int]:
    """The first and the last index of those around `start` that are good without a gap."""
    bad = np.flatnonzero(~good)
    low = int(bad[bad < start].max(initial=-1)) + 1
    high = int(bad[bad > start].min(initial=len(good))) - 1
    return low, high


def _alike(cost: Array, best: int, close: float) -> NDArray[np.bool_]:
    """(K,) whether the seeds do not tell a rate from the best one."""
    differences = cost - cost[:, [best]]
    middle = np.median(differences, axis=0)
    deviations = np.median(np.abs(differences - middle), axis=0)
    errors = _OF_MEDIAN * _TO_SIGMA * deviations / math.sqrt(len(cost))
    return np.asarray(middle <= np.maximum(close, errors))


# Where to look next -------------------------------------------------------------------------------------


def gaps_to_refine(trials: Trials, mode: Mode, closest: float) -> Sequence[tuple[float, float]]:
    """Between which neighbouring rates to try more.

    Beside the best one, and where seeds blow up; where levels jump, in all of the stretch that is as good as
    the best, until its rates are close neighbours.

    Args:
        trials: all that there are.
        mode: whether small or large scores are good.
        closest: neighbours are near enough whose ratio is no larger.
    """
    wanted = dict.fromkeys((int(np.argmax(blown)) - 1 for blown in trials.blown if blown.any()), closest)
    found = choose(trials, mode)
    if found is not None:
        best, low, high = np.searchsorted(trials.rates, [found.best, found.low, found.high]).tolist()
        if found.noisy:
            wanted |= dict.fromkeys(range(low - 1, high + 1), _NEIGHBOURS)
        wanted |= dict.fromkeys((best - 1, best), closest)
    pairs = [
        (*trials.rates[i : i + 2].tolist(), ratio)
        for i, ratio in wanted.items()
        if 0 <= i < len(trials.rates) - 1
    ]
    return [(low, high) for low, high, ratio in sorted(pairs) if high > ratio * low]
