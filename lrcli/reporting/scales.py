"""How numbers are spaced along an axis, and which of them are labelled; of figures and of charts alike."""

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lrcli.config.metrics import metric_of

__all__ = [
    "Array",
    "Scale",
    "Ticks",
    "inner_limits",
    "is_logarithmic",
    "key_ticks",
    "limits",
    "log_ticks",
    "number_text",
    "plain_numbers",
    "power_text",
    "round_numbers",
    "scale_of",
    "thinned",
]

Array = NDArray[np.float64]
Scale = Literal["linear", "log", "symlog"]
_FEW_ROUND, _FEW = 8, 12  # labels
_CLOSEST = 0.05  # of an axis, between two labels


class Ticks(NamedTuple):
    """What is labelled along an axis.

    Attributes:
        positions: (n,) ascending.
        texts: n labels.
    """

    positions: Array
    texts: list[str]


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


def inner_limits(values: Array) -> tuple[float, float]:
    """Where an axis of values begins and ends, those left aside that lie far from nearly all others.

    Args:
        values: those that are not finite do not count.
    """
    finite = values[np.isfinite(values)]
    if not finite.size:
        return 0.0, 1.0
    low, high = (float(value) for value in (finite.min(), finite.max()))
    most_low, most_high = (float(value) for value in np.quantile(finite, (0.01, 0.99)))
    spread = most_high - most_low
    if spread > 0:
        low, high = max(low, most_low - 2 * spread), min(high, most_high + 2 * spread)
    margin = 0.08 * (high - low) or 0.08 * abs(high) or 1.0
    return low - margin, high + margin


def round_numbers(low: float, high: float, most: int) -> Array:
    """At most so many multiples of 1, 2 or 5 times a power of ten, from low to high; ascending."""
    if not high > low:
        return np.array([low])
    rough = (high - low) / most
    unit = 10.0 ** np.floor(np.log10(rough))
    step = next(unit * times for times in (1, 2, 5, 10) if unit * times >= rough)
    ticks: Array = np.arange(np.ceil(low / step - 1e-9), np.floor(high / step + 1e-9) + 1) * step
    return ticks + 0.0  # a zero has no sign


def log_ticks(low: float, high: float, most: int = 8) -> Array:
    """At most about so many round numbers from low to high for a log axis; ascending.

    Where there are few powers of ten, their multiples by 2 and 5, or by 3, too.
    """
    decades = np.log10(high / low)
    factors = (1, 2, 5) if decades < 1.5 else (1, 3) if decades < 2.5 else (1,)
    first, last = np.floor(np.log10(low)), np.ceil(np.log10(high))
    step = max(1, int(np.ceil(decades / most)))
    powers = np.arange(step * np.ceil(first / step) if step > 1 else first, last + 1, step)
    ticks: Array = np.outer(10.0**powers, factors).ravel()
    return ticks[(ticks >= low * (1 - 1e-9)) & (ticks <= high * (1 + 1e-9))]


def key_ticks(points: Array, scale: Scale) -> Ticks:
    """What is labelled along every axis of a key, in whatever figure of a sweep.

    Few round values are labelled themselves; else there are round numbers between them.

    Args:
        points: every value of the key in the sweep.
        scale: how they are spaced.
    """
    values = np.unique(points)
    plain = plain_numbers(float(values[0]), float(values[-1]))
    if scale == "symlog":
        positions = values[:: -(-len(values) // _FEW)]
    elif scale == "log":
        told = _are_round(values) and len(values) <= _FEW_ROUND and _are_apart(np.log(values))
        positions = values if told else log_ticks(float(values[0]), float(values[-1]))
        if len(positions) < 2 < len(values):
            positions = round_numbers(float(values[0]), float(values[-1]), _FEW_ROUND)
    else:
        told = len(values) <= _FEW and _are_apart(values)
        positions = values if told else round_numbers(float(values[0]), float(values[-1]), _FEW_ROUND)
    written = plain or scale != "log"
    return Ticks(positions, [number_text(float(value), plain=written) for value in positions + 0.0])


def _are_round(values: Array) -> bool:
    return all(float(f"{value:.3g}") == value for value in values)


def _are_apart(places: Array) -> bool:
    return len(places) < 2 or bool(np.diff(places).min() >= _CLOSEST * (places[-1] - places[0]))


def plain_numbers(low: float, high: float) -> bool:
    """Whether numbers from low to high are written out along a log axis, and not as powers of ten."""
    return low > 0.9e-4 and high < 1.1e4


def number_text(value: float, *, plain: bool) -> str:
    """A number that is to be read off an axis: 0.002, or as a power of ten where it has many digits."""
    if value <= 0 or (plain and 0.9e-4 < value < 1.1e4):
        return f"{value:.4g}" if value < 1e4 else f"{value:.0f}"
    digits, _, _ = f"{value:.3e}".partition("e")
    factor = digits.rstrip("0").rstrip(".")
    power = power_text(value / float(digits))
    return power if factor == "1" else f"{factor}\N{MULTIPLICATION SIGN}{power}"


def power_text(value: float) -> str:
    """A power of ten, as text, which is drawn faster than matplotlib's own formulas."""
    digits = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
    return f"10{str(round(np.log10(value))).translate(digits)}"


def thinned(count: int, most: int) -> NDArray[np.intp]:
    """At most so many indices of a range, evenly, both ends included."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(np.intp))
