"""Least squares for curves that are not linear in their parameters."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

__all__ = ["Curve", "nearest_curve"]

Array = NDArray[np.float64]
Curve = Callable[[Array], tuple[Array, Array]]

_MOST_STEPS = 200
_SETTLED = 1e-13  # of the parameters: a step that is no longer
_LEAST_DAMPING, _MOST_DAMPING = 1e-15, 1e15


def nearest_curve(curve: Curve, start: Array, targets: Array) -> Array | None:
    """The parameters of the curve with the smallest sum of squared errors.

    Each step is the Gauss-Newton step, shortened (in units of the columns' lengths) as far as it must be for
    the errors to become smaller.

    Source: Marquardt 1963; More 1978 for the scale of the damping.

    Args:
        curve: from parameters (P,) to outputs (N,) and their derivatives by the parameters (N, P).
        start: (P,) in the valley whose lowest point is looked for.
        targets: (N,).

    Returns:
        (P,), or None where the steps do not settle.
    """
    theta, damping = start, 1e-3
    outputs, slopes = curve(theta)
    for _ in range(_MOST_STEPS):
        step = _step(slopes, targets - outputs, damping)
        trial = curve(theta + step)
        nearer = np.sum((targets - trial[0]) ** 2) < np.sum((targets - outputs) ** 2)
        if nearer:
            theta = theta + step
            outputs, slopes = trial
        if np.all(np.abs(step) <= _SETTLED * np.abs(theta)):
            return theta if np.isfinite(theta).all() else None
        damping = max(damping / 10, _LEAST_DAMPING) if nearer else damping * 10
        if not damping < _MOST_DAMPING:  # no step is short enough: the rounding of the sum decides
            return theta
    return None


def _step(slopes: Array, errors: Array, damping: float) -> Array:
    """The s with the smallest |J s - e|^2 + damping |D s|^2, D the lengths of J's columns."""
    lengths = np.linalg.norm(slopes, axis=0)
    columns = np.vstack([slopes, np.diag(np.sqrt(damping) * lengths)])
    right = np.concatenate([errors, np.zeros(len(lengths))])
    return np.asarray(np.linalg.lstsq(columns, right, rcond=None)[0])
