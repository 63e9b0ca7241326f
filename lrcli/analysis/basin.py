"""Which values of one numeric key work: the usable band around the best, and where to look next.

The key is called a rate, since it mostly is the learning rate; any numeric key will do. A rate is **usable**
where its median is about as good as the best one of the grid, and so is that of every rate between it and
the best:

- where small values are good: at most twice the best median (medians below 1e-12 count as 1e-12: rounding);
- where large values are good, as for an accuracy: at most 0.05 below the best median.

A median is infinite where half of the members or more have no value, as `lrcli.analysis.statistics` has it;
such a rate is not usable.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lrcli.analysis.statistics import Mode, with_worst

__all__ = ["Advice", "Band", "Marginal", "edge_advice", "marginal", "usable_band"]

Array = NDArray[np.float64]

_FACTOR = 2.0
_MARGIN = 0.05
_ROUNDING = 1e-12
_FURTHER = 1000.0  # three decades


@dataclass(frozen=True)
class Marginal:
    """The best that each rate has to offer when other keys are swept too.

    Attributes:
        rates: (U,) the distinct rates, ascending.
        medians: (U,) the best median over the other keys; infinite where all of them are.
        configurations: (U,) the index of that configuration.
    """

    rates: Array
    medians: Array
    configurations: NDArray[np.intp]


@dataclass(frozen=True)
class Band:
    """The usable rates around the best one.

    Attributes:
        best: the best rate. Of several equally good neighbours, the middle one.
        median: the median there.
        low: the lowest usable rate of the grid.
        high: the highest.
        decades: log10(high / low), in powers of ten; NaN where low is not positive.
        usable: (C,) which of the rates are in the band, in the order they were given.
        open_low: no lower rate was tried: the band may go on.
        open_high: no higher rate was tried.
    """

    best: float
    median: float
    low: float
    high: float
    decades: float
    usable: NDArray[np.bool_]
    open_low: bool
    open_high: bool


@dataclass(frozen=True)
class Advice:
    """The best rate is the last one tried: the true best may lie beyond.

    Attributes:
        edge: at which end of the grid; ``both``: only one rate was tried.
        low: the lower end of the range to try next.
        high: the upper end.
    """

    edge: Literal["low", "high", "both"]
    low: float
    high: float


def marginal(rates: ArrayLike, medians: ArrayLike, mode: Mode) -> Marginal:
    """For each distinct rate, the best median over the other keys.

    Args:
        rates: (C,) the rate of each configuration; NaN: it has none, and is left out.
        medians: (C,) of the scores; those that are not finite count as the worst.
        mode: whether small or large medians are good.
    """
    rates = np.asarray(rates, dtype=np.float64)
    medians = with_worst(medians, mode)
    order = np.lexsort((_cost(medians, mode), rates))
    order = order[~np.isnan(rates[order])]
    distinct, first = np.unique(rates[order], return_index=True)
    configurations = order[first]
    return Marginal(distinct, medians[configurations], configurations)


def usable_band(rates: ArrayLike, medians: ArrayLike, mode: Mode) -> Band | None:
    """The rates that work about as well as the best, contiguous around it.

    Args:
        rates: (C,) distinct, in any order; see `marginal` where they are not.
        medians: (C,) of the scores; those that are not finite count as the worst.
        mode: whether small or large medians are good.

    Returns:
        None where no median is finite.
    """
    rates = np.asarray(rates, dtype=np.float64)
    order = np.argsort(rates, kind="stable")
    rate, cost = rates[order], _cost(with_worst(medians, mode), mode)[order]
    if not np.isfinite(cost).any():
        return None
    best = _best(cost)
    good = cost <= _limit(float(cost[best]), mode)
    after_bad = np.flatnonzero(~good[:best])
    before_bad = np.flatnonzero(~good[best:])
    low = int(after_bad[-1]) + 1 if after_bad.size else 0
    high = best + int(before_bad[0]) - 1 if before_bad.size else len(rate) - 1
    usable = np.zeros(len(rate), dtype=bool)
    usable[order[low : high + 1]] = True
    lowest, highest = float(rate[low]), float(rate[high])
    return Band(
        best=float(rate[best]),
        median=float(cost[best] if mode == "min" else -cost[best]),
        low=lowest,
        high=highest,
        decades=float(np.log10(highest) - np.log10(lowest)) if lowest > 0 else float("nan"),
        usable=usable,
        open_low=low == 0,
        open_high=high == len(rate) - 1,
    )


def edge_advice(rates: ArrayLike, medians: ArrayLike, mode: Mode) -> Advice | None:
    """Where to look next when the best rate is at the edge of the grid, or every rate is too large.

    The range begins at that edge and goes three decades beyond it. Where every median is infinite that is
    below the lowest rate; where only one rate was tried, the range has it in its middle.

    Args:
        rates: (C,) distinct, in any order.
        medians: (C,) of the scores; those that are not finite count as the worst.
        mode: whether small or large medians are good.

    Returns:
        None where the best lies inside the grid, and where the edge is not a positive number.
    """
    rates = np.asarray(rates, dtype=np.float64)
    order = np.argsort(rates, kind="stable")
    rate, cost = rates[order], _cost(with_worst(medians, mode), mode)[order]
    lowest, highest = float(rate[0]), float(rate[-1])
    best = _best(cost) if np.isfinite(cost).any() else 0
    if lowest > 0 and np.isinf(cost[best]):
        return Advice("low", lowest / _FURTHER, lowest)
    if lowest > 0 and lowest == highest:
        return Advice("both", lowest / _FURTHER**0.5, lowest * _FURTHER**0.5)
    if lowest > 0 and best == 0:
        return Advice("low", lowest / _FURTHER, lowest)
    if highest > 0 and best == len(rate) - 1 > 0:
        return Advice("high", highest, highest * _FURTHER)
    return None


def _cost(medians: Array, mode: Mode) -> Array:
    """The medians, turned so that small is good."""
    return medians if mode == "min" else -medians


def _best(cost: Array) -> int:
    """The index of the smallest; of the first run of equals, the middle one."""
    first = int(np.argmin(cost))
    different = np.flatnonzero(cost[first:] != cost[first])
    run = int(different[0]) if different.size else len(cost) - first
    return first + (run - 1) // 2


def _limit(best: float, mode: Mode) -> float:
    """The largest cost that is about as good as the best."""
    if mode == "max":
        return best + _MARGIN + _ROUNDING
    return _FACTOR * max(best, _ROUNDING)
