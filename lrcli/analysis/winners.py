"""How many seeds are enough to find the best configuration: how often fewer would have picked the same one.

Of the S seeds that were trained, k are taken, again and again, without replacement; each time the
configurations are ranked as `lrcli.analysis.statistics.ranking` ranks them. A pick is right where it is the
winner of all S seeds, or, more leniently, one that cannot be told from it (`lrcli.analysis.comparison`).

Subsets of more than half of the seeds share most of their seeds with the whole, and agree with it for that
reason alone: of k = S every one does. So what is needed is looked for among k up to S / 2. Where that is not
enough, the seeds stand for all that there are (the bootstrap, Efron 1979): k are drawn from them with
replacement, and k may be more than S. That is an estimate.
"""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lrcli.analysis.comparison import FEWEST_SEEDS, compare_with_best
from lrcli.analysis.statistics import Mode, describe, quantile, ranking, with_worst
from lrcli.components.randomness import generator

__all__ = ["Agreement", "Needed", "Share", "agreement"]

Array = NDArray[np.float64]
Picks = NDArray[np.intp]

_RIGHT = 0.95  # 19 times of 20
_DRAWS = 10_000  # of k seeds; where there are no more subsets than that, each is taken once
_DRAWS_OF_SEARCH = 2000  # likewise, while what is needed is looked for: their error is half a percent
_FEWEST_DRAWS = 400
_WORK = 4 * 10**6  # scores ranked for one k, from which on there are fewer draws
_CHUNK = 10**6  # scores ranked together
_MOST = 1000  # seeds that an estimate goes to; fewer where there are many configurations
_MOST_WORK = 2 * 10**7  # scores ranked for one k of an estimate
_RIVALS = 8  # of the best configurations, by which others are ruled out


@dataclass(frozen=True)
class Share:
    """How often so many seeds pick the winner.

    Attributes:
        seeds: k.
        winner: the share of draws that pick the winner of all seeds.
        alike: the share that pick it or one that cannot be told from it; NaN where there are too few seeds
            to tell any.
        draws: how many subsets were looked at.
        exact: all that there are; else they were drawn at random.
        overlaps: k is more than half of the seeds: the shares are too large, see the module.
    """

    seeds: int
    winner: float
    alike: float
    draws: int
    exact: bool
    overlaps: bool


@dataclass(frozen=True)
class Needed:
    """The fewest seeds that are right 19 times of 20.

    Attributes:
        seeds: None where more than half of the trained ones are needed.
        estimate: then how many, about; None where that is too many to be looked for (1,000 are not, of a few
            configurations), or where `seeds` says it.
    """

    seeds: int | None
    estimate: int | None = None


@dataclass(frozen=True)
class Agreement:
    """How well fewer seeds agree with all of them about the winner.

    Attributes:
        winner: the configuration that all seeds pick.
        like_winner: the others that cannot be told from it; None where there are too few seeds to tell any.
        shares: for each count of seeds that is less than all.
        needed: to pick the winner; None where too few were trained to say.
        needed_alike: to pick it or one that cannot be told from it, likewise.
    """

    winner: int
    like_winner: tuple[int, ...] | None
    shares: tuple[Share, ...]
    needed: Needed | None
    needed_alike: Needed | None


def agreement(scores: ArrayLike, mode: Mode, counts: Sequence[int] = (3, 5, 10)) -> Agreement | None:
    """How often fewer seeds pick the same winner.

    Args:
        scores: (S, C), those that are not finite count as the worst possible.
        mode: whether small or large scores are good.
        counts: of seeds; those that are not less than S are left out.

    Returns:
        None where there is nothing to pick: a single configuration or seed, or no finite median.
    """
    values = with_worst(scores, mode) * (1.0 if mode == "min" else -1.0)
    size = len(values)
    statistics = describe(values, "min", ~np.isfinite(values))
    order = ranking(statistics, "min")
    winner = int(order[0])
    if min(values.shape) < 2 or not np.isfinite(statistics.median[winner]):
        return None
    contest = _Contest(values, order)
    shares = tuple(contest.share(count) for count in counts if count < size)
    if size < FEWEST_SEEDS:
        return Agreement(winner, None, shares, None, None)
    right: tuple[Callable[[Share], float], ...] = (lambda s: s.winner, lambda s: s.alike)
    needed, needed_alike = (contest.needed(of) for of in right)
    return Agreement(winner, contest.like_winner, shares, needed, needed_alike)


class _Contest:
    """The configurations that may win, and who wins among some seeds; configurations are numbered anew.

    Attributes:
        like_winner: as in `Agreement`.
    """

    def __init__(self, values: Array, order: NDArray[np.intp]) -> None:
        """Rule out those that cannot win.

        Args:
            values: (S, C), small ones are good.
            order: from best to worst.
        """
        beaten = [np.all(values[:, [rival]] < values, axis=0) for rival in order[:_RIVALS]]
        kept = np.flatnonzero(
            ~np.any(beaten, axis=0)
        )  # in the order of the grid, which decides between equals
        self._values = values[:, kept]
        self._winner = int(np.flatnonzero(kept == order[0])[0])
        far = compare_with_best(self._values, self._winner, "min").distinguishable
        self._alike = ~far if len(values) >= FEWEST_SEEDS else None
        alike = kept[~far & (kept != order[0])]
        self.like_winner = None if self._alike is None else tuple(alike.tolist())
        self._known: dict[tuple[int, bool], Share] = {}

    def needed(self, right: Callable[[Share], float]) -> Needed:
        """The fewest seeds of which a share is right often enough; more seeds are taken to be no worse."""
        half = len(self._values) // 2
        if right(self._searched(half, replaced=False)) >= _RIGHT:
            return Needed(self._fewest(0, half, right, replaced=False))
        low, high = half, 2 * half
        most = min(_MOST, _MOST_WORK // (_FEWEST_DRAWS * self._values.shape[1]))
        while high <= most and right(self._searched(high, replaced=True)) < _RIGHT:
            low, high = high, max(high + 1, min(2 * high, most))
        if high > most:
            return Needed(None)
        return Needed(None, self._fewest(low, high, right, replaced=True))

    def _fewest(self, low: int, high: int, right: Callable[[Share], float], *, replaced: bool) -> int:
        """By halving: low seeds are too few, high ones are enough."""
        while high - low > 1:
            middle = (low + high) // 2
            enough = right(self._searched(middle, replaced=replaced)) >= _RIGHT
            low, high = (low, middle) if enough else (middle, high)
        return high

    def _searched(self, count: int, *, replaced: bool) -> Share:
        if (count, replaced) not in self._known:
            self._known[count, replaced] = self.share(count, _DRAWS_OF_SEARCH, replaced=replaced)
        return self._known[count, replaced]

    def share(self, count: int, most: int = _DRAWS, *, replaced: bool = False) -> Share:
        """How often so many seeds pick the winner.

        Args:
            count: of seeds.
            most: draws of so many seeds.
            replaced: draw with replacement.
        """
        size, width = self._values.shape
        draws = int(max(_FEWEST_DRAWS, min(most, _WORK // (count * width + size))))
        exact = not replaced and math.comb(size, count) <= draws
        picks = _subsets(size, count) if exact else _drawn(size, count, draws, replaced=replaced)
        picked = self._picked(picks)
        return Share(
            seeds=count,
            winner=float(np.mean(picked == self._winner)),
            alike=math.nan if self._alike is None else float(np.mean(self._alike[picked])),
            draws=len(picks),
            exact=exact,
            overlaps=not replaced and 2 * count > size,
        )

    def _picked(self, picks: Picks) -> NDArray[np.intp]:
        """(B,) who wins among the seeds of each draw."""
        step = max(1, _CHUNK // (picks.shape[1] * self._values.shape[1]))
        chunks = (picks[first : first + step] for first in range(0, len(picks), step))
        return np.concatenate([_first(np.sort(self._values[chunk.T], axis=0)) for chunk in chunks])


def _first(ordered: Array) -> NDArray[np.intp]:
    """(B,) the best configuration by `ranking`, from scores (k, B, C) sorted along the first axis."""
    median, low, high = (quantile(ordered, share) for share in (0.5, 0.25, 0.75))
    lost = np.count_nonzero(~np.isfinite(ordered), axis=0)
    best = median == median.min(axis=1, keepdims=True)
    for of in (low / 2 + high / 2, lost):
        best &= of == np.where(best, of, np.inf).min(axis=1, keepdims=True)
    return np.asarray(np.argmax(best, axis=1))


def _subsets(size: int, count: int) -> Picks:
    """Every subset of the seeds, (B, count)."""
    return np.array(list(itertools.combinations(range(size), count)), dtype=np.intp)


def _drawn(size: int, count: int, draws: int, *, replaced: bool) -> Picks:
    """Seeds drawn at random, (draws, count)."""
    rng = generator(0, "resample", count)
    if replaced:
        return rng.integers(0, size, (draws, count))
    return np.argpartition(rng.random((draws, size)), count, axis=1)[:, :count]
