"""How many standard errors a 95% interval goes to each side: the quantile 0.975 of Student's t.

SciPy has it, but takes a quarter of a second to import. Source: Abramowitz and Stegun 1964, Handbook of
Mathematical Functions, section 26.7.
"""

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

__all__ = ["reach_of_interval"]

Array = NDArray[np.float64]

_SHARE = 0.95
_NORMAL = 1.959963984540054  # the quantile 0.975 of the normal distribution
_MANY = 60  # degrees of freedom, from which the expansion is right to 1e-8
_HALVINGS = 60


def reach_of_interval(freedom: Array) -> Array:
    """The quantile 0.975, in the shape of the degrees of freedom: whole numbers, or infinitely many.

    NaN where there are none.
    """
    values, index = np.unique(np.asarray(freedom, dtype=np.float64), return_inverse=True)
    found = [_quantile(value) if value >= 1 else math.nan for value in values.tolist()]
    return np.array(found)[index].reshape(np.shape(freedom))


@lru_cache(maxsize=64)
def _quantile(freedom: float) -> float:
    if freedom >= _MANY:
        return _expansion(freedom)
    low, high = 0.0, math.pi / 2
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if _between(middle, round(freedom)) < _SHARE else (low, middle)
    return math.sqrt(freedom) * math.tan((low + high) / 2)


def _between(angle: float, freedom: int) -> float:
    """P(|T| <= sqrt(freedom) tan(angle)), by 26.7.3 and 26.7.4."""
    odd = freedom % 2
    square = math.cos(angle) ** 2
    term = math.cos(angle) if odd else 1.0
    total = term if freedom > 1 else 0.0
    for power in range(2 + odd, freedom - 1, 2):
        term *= square * (power - 1) / power
        total += term
    total *= math.sin(angle)
    return 2 / math.pi * (angle + total) if odd else total


def _expansion(freedom: float) -> float:
    """The first terms in 1 / freedom, by 26.7.5."""
    x = _NORMAL
    terms = (
        (x**3 + x) / 4,
        (5 * x**5 + 16 * x**3 + 3 * x) / 96,
        (3 * x**7 + 19 * x**5 + 17 * x**3 - 15 * x) / 384,
        (79 * x**9 + 776 * x**7 + 1482 * x**5 - 1920 * x**3 - 945 * x) / 92160,
    )
    return float(x + sum(term / freedom ** (power + 1) for power, term in enumerate(terms)))
