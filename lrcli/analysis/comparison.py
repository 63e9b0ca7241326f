"""Whether one configuration is better than another, or the seeds merely fell that way.

Members of a seed share data, initial parameters and order, so configurations are compared seed by seed. What
is compared is a median over seeds: of a configuration's scores, or of the differences between two.

Intervals are percentile intervals of the bootstrap (Efron, 1979): resample the S seeds with replacement, take
the median, and repeat. The distribution of that median has a closed form (Efron, 1979, section 3; Maritz and
Jarrett, 1978), which is used in place of resampling: the result is that of infinitely many resamples, has no
sampling error of its own, and depends on the data alone. Let S ranks be drawn with replacement from 1 .. S.
With S = 2 m + 1 the median is the value at the m+1st smallest of them; with S = 2 m it is the mean of the
values at the mth smallest, u, and the m+1st smallest, v, and for i < j

    P(u = i, v = j) = C(2m, m) [(i/S)^m - ((i-1)/S)^m] [((S-j+1)/S)^m - ((S-j)/S)^m]

since m draws have the largest rank i and the m others the smallest rank j. P(u <= i) is a binomial tail, and
what is left of P(u = i) belongs to u = v = i.

No correction is made for having picked the best of many, nor for the number of comparisons: with a hundred
configurations as good as the best, a few will be told from it by chance.
"""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lrcli.analysis.statistics import Mode, describe, ranking, with_worst

__all__ = [
    "FEWEST_SEEDS",
    "Comparison",
    "GroupComparison",
    "PairedComparison",
    "binomial_tail",
    "compare_groups",
    "compare_paired",
    "compare_with_best",
    "median_interval",
]

Array = NDArray[np.float64]

# Even the interval from the smallest to the largest of S values misses their true median with probability
# 2^(1 - S): 1 in 8 for 4 seeds, 1 in 16 for 5.
FEWEST_SEEDS = 5
_TAIL = 0.025
_NEVER = 1e-12  # a chance that is left out
_APART = (
    64  # ranks between the two middle draws of a resample: twice as many are a million million times rarer
)
_FAR = 40  # standard deviations, beyond which a chance is zero in numbers of 64 bits
_CHUNK = 1_000_000  # numbers sorted at once; a handful of arrays of them is alive at a time


@dataclass(frozen=True)
class Comparison:
    """Every configuration against the best one; arrays are (C,), in the metric's unit.

    Attributes:
        best: the index of the best configuration.
        median: its median.
        low: the lower end of the 95% interval of that median; NaN for one seed.
        high: the upper end.
        difference: the median over seeds of a configuration's score minus the best one's.
        difference_low: the lower end of the 95% interval of that median difference; NaN for one seed.
        difference_high: the upper end.
        distinguishable: the interval excludes 0, and there are at least `FEWEST_SEEDS` seeds.
    """

    best: int
    median: float
    low: float
    high: float
    difference: Array
    difference_low: Array
    difference_high: Array
    distinguishable: NDArray[np.bool_]


@dataclass(frozen=True)
class GroupComparison:
    """The best configurations of G groups, such as optimizers; pairs [a, b] are a minus b.

    Attributes:
        groups: the G labels, in order of first appearance.
        best: (G,) the index of each group's best configuration.
        median: (G,) its median.
        low: (G,) the lower end of the 95% interval of that median; NaN for one seed.
        high: (G,) the upper end.
        difference: (G, G) the median over seeds of the score of a's best minus that of b's best.
        difference_low: (G, G) the lower end of its 95% interval; NaN for one seed.
        difference_high: (G, G) the upper end.
        distinguishable: (G, G) the interval excludes 0, and there are at least `FEWEST_SEEDS` seeds.
    """

    groups: tuple[Hashable, ...]
    best: NDArray[np.intp]
    median: Array
    low: Array
    high: Array
    difference: Array
    difference_low: Array
    difference_high: Array
    distinguishable: NDArray[np.bool_]


@dataclass(frozen=True)
class PairedComparison:
    """Configurations as two sweeps have trained them; arrays are (C,), in the metric's unit.

    Attributes:
        first: the median of each in the first sweep.
        second: in the second.
        difference: the median over seeds of the second's score minus the first's.
        low: the lower end of the 95% interval of that median difference; NaN for one seed.
        high: the upper end.
        ratio: the median over seeds of the second's score over the first's, halfway between two on a log
            scale; NaN where a score is not above 0.
        distinguishable: the interval excludes 0, and there are at least `FEWEST_SEEDS` seeds.
    """

    first: Array
    second: Array
    difference: Array
    low: Array
    high: Array
    ratio: Array
    distinguishable: NDArray[np.bool_]


def compare_paired(first: ArrayLike, second: ArrayLike, mode: Mode) -> PairedComparison:
    """Every configuration of one sweep against the same of another, seed by seed.

    Args:
        first: (S, C) scores, one seed at least; those that are not finite count as the worst possible.
        second: (S, C) of the same seeds.
        mode: whether small or large scores are good.
    """
    a, b = with_worst(first, mode), with_worst(second, mode)
    difference, low, high = median_interval(_minus(b, a))
    positive = (a > 0).all(axis=0) & (b > 0).all(axis=0)
    logs = [np.log(np.where(positive, values, 1.0)) for values in (a, b)]
    with np.errstate(over="ignore"):  # of ratios beyond the largest number
        ratio = np.where(positive, np.exp(median_interval(_minus(logs[1], logs[0]))[0]), np.nan)
    return PairedComparison(
        median_interval(a)[0],
        median_interval(b)[0],
        difference,
        low,
        high,
        ratio,
        _distinguishable(len(a), low, high),
    )


def compare_with_best(scores: ArrayLike, best: int, mode: Mode) -> Comparison:
    """Every configuration against the best one, seed by seed.

    Args:
        scores: (S, C); those that are not finite count as the worst possible. Where two of a seed are both
            the worst they are equal; where one is, the difference is infinite.
        best: the index of the best configuration.
        mode: whether small or large scores are good.
    """
    values = with_worst(scores, mode)
    median, low, high = median_interval(values[:, [best]])
    difference, difference_low, difference_high = median_interval(_minus(values, values[:, [best]]))
    return Comparison(
        best=int(best),
        median=float(median[0]),
        low=float(low[0]),
        high=float(high[0]),
        difference=difference,
        difference_low=difference_low,
        difference_high=difference_high,
        distinguishable=_distinguishable(len(values), difference_low, difference_high),
    )


def compare_groups(scores: ArrayLike, groups: Sequence[Hashable], mode: Mode) -> GroupComparison:
    """The best configuration of each group against those of the others, seed by seed.

    The best one of a group is the first in `lrcli.analysis.statistics.ranking`.

    Args:
        scores: (S, C), as for `compare_with_best`.
        groups: the C labels of the configurations, such as the optimizer of each.
        mode: whether small or large scores are good.
    """
    values = with_worst(scores, mode)
    labels = tuple(dict.fromkeys(groups))
    number = {label: i for i, label in enumerate(labels)}
    codes = np.array([number[label] for label in groups], dtype=np.intp)
    order = ranking(describe(values, mode, ~np.isfinite(values)), mode)
    best = order[np.unique(codes[order], return_index=True)[1]]

    chosen = values[:, best]
    median, low, high = median_interval(chosen)
    pairs = _minus(chosen[:, :, None], chosen[:, None, :]).reshape(len(values), -1)
    square = (len(labels), len(labels))
    difference, difference_low, difference_high = (each.reshape(square) for each in median_interval(pairs))
    distinguishable = _distinguishable(len(values), difference_low, difference_high)
    return GroupComparison(
        labels, best, median, low, high, difference, difference_low, difference_high, distinguishable
    )


def _minus(a: Array, b: Array) -> Array:
    """The difference; 0 where both are the same infinity."""
    with np.errstate(invalid="ignore", over="ignore"):
        return np.where(a == b, 0.0, a - b)


def _distinguishable(seeds: int, low: Array, high: Array) -> NDArray[np.bool_]:
    return (seeds >= FEWEST_SEEDS) & ((low > 0) | (high < 0))


def median_interval(values: Array) -> tuple[Array, Array, Array]:
    """The median of each column and the ends of its 95% bootstrap percentile interval.

    The lower end is the smallest value v with P(median* <= v) >= 0.025, the upper end the largest one with
    P(median* >= v) >= 0.025, so that turning the sign of all values turns the interval.

    Args:
        values: (S, C), without NaN. The mean of minus and plus infinity counts as 0: for neither side.

    Returns:
        (C,) median, lower end, upper end; the ends are NaN for one seed.
    """
    size, columns = values.shape
    ordered = np.sort(values, axis=0).T  # (C, S)
    median = _middle(ordered[:, (size - 1) // 2], ordered[:, size // 2])
    low, high = np.full(columns, np.nan), np.full(columns, np.nan)
    if size > 1:
        lower, upper, probability = _resampled_median(size)
        step = max(1, _CHUNK // len(probability))
        for start in range(0, columns, step):
            chunk = slice(start, start + step)
            medians = _middle(ordered[chunk][:, lower], ordered[chunk][:, upper])
            low[chunk], high[chunk] = _percentiles(medians, probability)
    return median, low, high


def _middle(low: Array, high: Array) -> Array:
    """Halfway between the two."""
    with np.errstate(invalid="ignore"):
        between = low / 2 + high / 2
    return np.where(low == high, low, np.where(np.isnan(between), 0.0, between))


def _percentiles(medians: Array, probability: Array) -> tuple[Array, Array]:
    """The ends of the central 95%, (C,) each, from (C, P) values and their (P,) probabilities."""
    order = np.argsort(medians, axis=1)
    reached = np.cumsum(probability[order], axis=1)
    slack = 1e-9  # for rounding, and for the pairs that were left out
    first = np.argmax(reached >= _TAIL - slack, axis=1)
    last = np.argmax(reached > 1 - _TAIL + slack, axis=1)
    ends = np.take_along_axis(order, np.stack([first, last], axis=1), axis=1)
    low, high = np.take_along_axis(medians, ends, axis=1).T
    return low, high


@lru_cache(maxsize=16)
def _resampled_median(size: int) -> tuple[NDArray[np.intp], NDArray[np.intp], Array]:
    """The distribution of the median of a resample: of which two ranks it is the mean, and how probably.

    Args:
        size: S, at least 2.

    Returns:
        (P,) ranks, (P,) ranks no lower, and (P,) probabilities; ranks count from 0. Pairs that are less
        probable than 1e-12 are left out.
    """
    m = size // 2
    reach = 5 + 5 * math.isqrt(size)  # ten standard deviations, whatever the size
    ranks = np.arange(max(0, m - reach), min(size, size - m + reach))
    # the middle draw, or the lower of two, is among the lowest i if at least size - m of the draws are
    own = np.diff(binomial_tail(size, size - m, np.append(ranks, ranks[-1] + 1) / size))
    if size % 2:
        return ranks[own > _NEVER], ranks[own > _NEVER], own[own > _NEVER]
    # of i being the largest of m draws; that of j being the smallest of m is its mirror image
    largest = m * np.log((ranks + 1) / size) + np.log1p(-((ranks / (ranks + 1)) ** m))
    smallest, ways = largest[::-1], _log_choose(size, m)
    lower, upper, probability = [], [], []
    for apart in range(1, min(_APART, len(ranks))):
        pairs = np.exp(np.minimum(ways + largest[:-apart] + smallest[apart:], 0.0))
        own[:-apart] -= pairs
        (likely,) = np.nonzero(pairs > _NEVER)
        lower.append(ranks[likely])
        upper.append(ranks[likely + apart])
        probability.append(pairs[likely])
    (likely,) = np.nonzero(own > _NEVER)
    below, above = (np.concatenate([ranks[likely], *found]) for found in (lower, upper))
    order = np.lexsort((above, below))
    return below[order], above[order], np.concatenate([own[likely], *probability])[order]


def binomial_tail(n: int, least: int, share: Array) -> Array:
    """P(at least that many successes in n draws), for (P,) chances of one success."""
    most = math.ceil(n * float(np.max(share)) + _FAR * math.sqrt(n))  # more are less probable than any number
    counts = np.arange(least, max(least, min(n, most)) + 1)
    ways = np.array([_log_choose(n, int(count)) for count in counts])
    rows = max(1, _CHUNK // len(counts))
    return np.concatenate(
        [_tail(n, counts, ways, share[first : first + rows]) for first in range(0, len(share), rows)]
    )


def _tail(n: int, counts: NDArray[np.intp], ways: Array, share: Array) -> Array:
    """The chances of some numbers of successes, added up; see `binomial_tail`.

    Args:
        n: draws.
        counts: (K,) of successes.
        ways: (K,) logarithms of in how many ways each comes about.
        share: (P,) chances of one success.
    """
    with np.errstate(divide="ignore", invalid="ignore"):  # the logarithm of a chance of 0, times 0
        misses = np.where(counts == n, 0.0, (n - counts) * np.log1p(-share)[:, None])
        terms = np.exp(ways + counts * np.log(share)[:, None] + misses)
    return np.asarray(terms.sum(axis=1))


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
