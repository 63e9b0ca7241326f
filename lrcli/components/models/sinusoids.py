"""Least squares for a sinusoid of which nothing is known.

For a given frequency the rest is linear: A sin(f x + p) + c = a sin(f x) + b cos(f x) + c. So frequencies are
tried, a quarter of a turn over all inputs apart, and the best of them lead into the valleys whose lowest
points are found (Lomb 1976; Bretthorst 1988 for the mean).
"""

import numpy as np
from numpy.typing import NDArray

from lrcli.components.models.least_squares import least_squares
from lrcli.components.models.nonlinear import nearest_curve

__all__ = ["nearest_sinusoid"]

Array = NDArray[np.float64]

_MOST_TRIED = 400  # frequencies: up to 50 turns over all inputs
_MOST_EXAMPLES = 2000  # while they are tried
_TOGETHER = 50  # frequencies
_VALLEYS = 3
_LOW = (1 / 32, 1 / 16, 1 / 8)  # turns over all inputs that are tried, too
_NOTHING = 1e-10  # of the largest target: a residual that is rounding


def nearest_sinusoid(x: Array, y: Array) -> dict[str, Array] | None:
    """The parameters of the sinusoid with the smallest sum of squared errors.

    Args:
        x: (N,).
        y: (N,).

    Returns:
        ``amplitude, frequency, phase, offset``, the first two positive, the phase within half a turn of 0;
        None where there are too few examples, or the best is no sinusoid.
    """
    places = len(np.unique(x))
    if places < 5:
        return None
    width, middle = float(np.ptp(x)), float(x.min() + x.max()) / 2
    turns = np.concatenate([_LOW, np.arange(1, min(_MOST_TRIED, 2 * (places - 1)) + 1) / 4])
    few = np.argsort(x, kind="stable")[
        np.linspace(0, len(x) - 1, min(len(x), _MOST_EXAMPLES)).astype(np.intp)
    ]
    best = _lowest(turns * 2 * np.pi / width, x[few] - middle, y[few])
    if best is not None and len(few) < len(x):
        best = nearest_curve(lambda theta: _curve(theta, x - middle), best, y)
    if best is None or _bends(best, x - middle, y):
        return None
    return _normal(best, middle)


def _lowest(frequencies: Array, x: Array, y: Array) -> Array | None:
    """The lowest point of the valleys that the best frequencies lead into."""
    best, least = None, np.inf
    fits, squares = _fits(frequencies, x, y)
    for start in _valleys(squares):
        a, b, c = fits[start]
        theta = np.array([np.hypot(a, b), frequencies[start], np.arctan2(b, a), c])
        found = nearest_curve(lambda theta: _curve(theta, x), theta, y)
        if found is None or abs(found[1]) > frequencies[-1] * (1 + 1e-9):
            continue
        left = float(np.sum((y - _curve(found, x)[0]) ** 2))
        if left < least * (1 - 1e-9):
            best, least = found, left
    return best


def _bends(theta: Array, x: Array, y: Array) -> bool:
    """Whether a parabola, which is what a sinusoid of frequency 0 comes to, fits as well; or a constant."""
    left = float(np.sum((y - _curve(theta, x)[0]) ** 2))
    powers = (x[:, None] / np.abs(x).max()) ** np.arange(3)
    rounding = len(y) * (_NOTHING * float(np.abs(y).max())) ** 2
    return float(np.sum((y - powers @ least_squares(powers, y[:, None])[:, 0]) ** 2)) <= left + rounding


def _valleys(squares: Array) -> list[int]:
    """Those of the lowest minima among the frequencies."""
    walled = np.concatenate([[np.inf], squares, [np.inf]])
    minima = np.flatnonzero((squares <= walled[:-2]) & (squares <= walled[2:]))
    return list(minima[np.argsort(squares[minima], kind="stable")][:_VALLEYS])


def _fits(frequencies: Array, x: Array, y: Array) -> tuple[Array, Array]:
    """The best (a, b, c) of each frequency (F, 3), and the sums of squared errors (F,)."""
    fits, squares = [], []
    for first in range(0, len(frequencies), _TOGETHER):
        angles = frequencies[first : first + _TOGETHER, None] * x
        columns = np.stack([np.sin(angles), np.cos(angles), np.ones_like(angles)], axis=2)
        turned = columns.transpose(0, 2, 1)
        inverse = np.linalg.pinv(turned @ columns, rcond=1e-12, hermitian=True)
        fits.append((inverse @ (turned @ y)[..., None])[..., 0])
        squares.append(np.sum((y - (columns @ fits[-1][..., None])[..., 0]) ** 2, axis=1))
    return np.concatenate(fits), np.concatenate(squares)


def _curve(theta: Array, x: Array) -> tuple[Array, Array]:
    """The outputs (N,) and their derivatives by the parameters (N, 4)."""
    amplitude, frequency, phase, offset = theta
    sine, cosine = np.sin(frequency * x + phase), np.cos(frequency * x + phase)
    slopes = [sine, amplitude * cosine * x, amplitude * cosine, np.ones_like(x)]
    return amplitude * sine + offset, np.stack(slopes, axis=1)


def _normal(theta: Array, middle: float) -> dict[str, Array]:
    """The same curve of x itself, with positive amplitude and frequency."""
    amplitude, frequency, phase, offset = theta
    if frequency < 0:
        amplitude, frequency, phase = -amplitude, -frequency, -phase
    phase = phase - frequency * middle + (np.pi if amplitude < 0 else 0.0)
    phase -= 2 * np.pi * np.round(phase / (2 * np.pi))
    values = {"amplitude": abs(amplitude), "frequency": frequency, "phase": phase, "offset": offset}
    return {name: np.array(value) for name, value in values.items()}
