"""Powers whose bits do not depend on how many are taken at once."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["powers"]


def powers(base: ArrayLike, exponent: ArrayLike) -> NDArray[np.float64]:
    """Base to the exponent, element by element, as numpy.power broadcasts them.

    NumPy squares instead where an exponent of 2 stands for a whole row, be it of one element, and a square
    may differ from a power in the last bit. What is computed for a step would depend on how many steps are
    asked for, and for how many members. Here every element has an exponent of its own.
    """
    one, other = np.broadcast_arrays(np.asarray(base, np.float64), np.asarray(exponent, np.float64))
    pairs = np.stack([one, other]).reshape(2, -1)
    if pairs.shape[1] == 1:
        pairs = np.repeat(pairs, 2, axis=1)
    found = np.power(pairs[0], pairs[1])
    return np.asarray(found[: one.size].reshape(one.shape))
