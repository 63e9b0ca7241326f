"""States that a linear map takes from step to step, at any steps, by repeated squaring."""

import numpy as np
from numpy.typing import NDArray

from lrcli.analysis.quadratics import Array

__all__ = ["after", "power"]


def after(steps: NDArray[np.int64], maps: Array, start: Array) -> Array:
    """M^k s for each number of steps k, in as many products as the largest k has binary digits.

    Args:
        steps: (K,) not negative.
        maps: (..., d, d) the maps M.
        start: (..., d) the states s.

    Returns:
        (K, ..., d); infinite or NaN where numbers are too large.
    """
    shape = np.broadcast_shapes(maps.shape[:-1], start.shape)
    states = np.broadcast_to(start, (len(steps), *shape)).copy()
    remaining = np.array(steps, dtype=np.int64)
    with np.errstate(all="ignore"):
        while remaining.any():
            odd = (remaining & 1).astype(bool)
            states[odd] = (maps @ states[odd][..., None])[..., 0]
            remaining >>= 1
            if remaining.any():
                maps = maps @ maps
    return states


def power(maps: Array, exponent: int) -> Array:
    """M^k of maps (..., d, d), a k not negative."""
    with np.errstate(all="ignore"):
        return np.asarray(np.linalg.matrix_power(maps, exponent))
