"""How numbers are spaced along an axis, and which of them are labelled; of figures and of charts alike."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lrcli.config.metrics import metric_of

__all__ = [
    "Array",
    "Scale",
    "is_logarithmic",
    "limits",
    "power_text",
    "round_numbers",
    "scale_of",
    "thinned",
]

Array = NDArray[np.float64]
Scale = Literal["linear", "log", "symlog"]


def scale_of(values: Array) -> Scale:
    """Log where values are spaced more evenly by their ratios than by their differences.

    With a zero beside such values it is symlog: linear between zero and the smallest of them.
    """
    points = np.unique(values[np.isfinite(values)])
    positive = points[points > 0]
    if len(positive) < 2 or points[0] < 0:
        return "linear"
    if len(positive) == 2:
        logarithmic = positive[1] >= 10 * positive[0]
    else:
        logarithmic = _unevenness(np.log(positive)) < _unevenness(positive)
    if not logarithmic:
        return "linear"
    return "log" if points[0] > 0 else "symlog"


def _unevenness(points: Array) -> float:
    gaps = np.diff(points)
    return float(np.std(gaps) / np.mean(gaps))


def is_logarithmic(finite: Array, metric: str) -> bool:
    """Whether finite values of a metric may stand on a log axis: none is negative, not all are zero."""
    return bool(np.any(finite > 0) and finite.min() >= 0) and metric_of(metric).scale == "log"


def limits(values: Array, metric: str, decades: float) -> tuple[float, float, bool]:
    """The smallest and largest value to show, and whether on a log axis.

    Args:
        values: of the metric; those that are not finite are left aside.
        metric: its name.
        decades: how far above the median of the values a log axis goes at most: the losses of members
            about to diverge would leave no room for the rest.
    """
    finite = values[np.isfinite(values)]
    if not finite.size:
        return 0.0, 1.0, False
    if is_logarithmic(finite, metric):
        positive = finite[finite > 0]
        low = float(positive.min())
        high = min(float(positive.max()), float(np.median(positive)) * 10**decades)
        if high >= 5 * low:
            return low, high, True
    low, high = float(finite.min()), float(finite.max())
    gap = 1e-3 * max(abs(low), abs(high)) or 1.0
    return (low, high, False) if high - low > 1e-6 * gap else (low - gap, high + gap, False)


def round_numbers(low: float, high: float, most: int) -> Array:
    """At most so many multiples of 1, 2 or 5 times a power of ten, from low to high; ascending."""
    if not high > low:
        return np.array([low])
    rough = (high - low) / most
    unit = 10.0 ** np.floor(np.log10(rough))
    step = next(unit * times for times in (1, 2, 5, 10) if unit * times >= rough)
    ticks: Array = np.arange(np.ceil(low / step - 1e-9), np.floor(high / step + 1e-9) + 1) * step
    return ticks + 0.0  # a zero has no sign


def power_text(value: float) -> str:
    """A power of ten, as text, which is drawn faster than matplotlib's own formulas."""
    digits = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
    return f"10{str(round(np.log10(value))).translate(digits)}"


def thinned(count: int, most: int) -> NDArray[np.intp]:
    """At most so many indices of a range, evenly, both ends included."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(np.intp))
