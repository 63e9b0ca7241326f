"""Exponential, logarithm and what is made of them, for lanes.

The C library's functions take one number at a time; these work on all lanes at once, with the same bits in
each, and are exact to a few units in the last place. What is not a number stays so.
"""

import math
from typing import Any

from numba import types
from numba.extending import overload

from lrcli.engines.compiled.kernels.jit import jit
from lrcli.engines.compiled.kernels.lanes import (
    absolute,
    exponent,
    multiply_add,
    nearest,
    polynomial,
    select,
    times_power_of_two,
)

__all__ = ["exp", "log", "sigmoid", "softplus", "tanh"]

_LOG2E = 1 / math.log(2)
_LN2 = {  # as a sum of two numbers, the first so short that its multiples are exact
    types.float32: (0.693359375, -2.121944400546905827679e-4),
    types.float64: (0.6931471803691238, 1.9082149292705877e-10),
}
_RANGE = {types.float32: (-104.0, 89.0), types.float64: (-746.0, 710.0)}  # beyond: zero and infinity
_DEGREES = {types.float32: 7, types.float64: 13}
_LOG_DEGREES = {types.float32: 5, types.float64: 11}

# (e^r - 1) / r for |r| <= ln 2 / 2, and 2 artanh(s) / s in s^2 for |s| <= 3 - 2 sqrt 2: their Taylor series.
_exp_series = polynomial(
    {dtype: [1 / math.factorial(k + 1) for k in range(degree)] for dtype, degree in _DEGREES.items()}
)
_log_series = polynomial(
    {dtype: [2 / (2 * k + 1) for k in range(degree + 1)] for dtype, degree in _LOG_DEGREES.items()}
)


def _reduced(x: Any) -> Any:
    """(n, e^r - 1) where x = n ln 2 + r, n whole and |r| <= ln 2 / 2."""


@overload(_reduced)
def _reduced_lanes(x):
    high, low = _LN2[x.dtype]
    least, most = _RANGE[x.dtype]

    def reduced(x):
        x = select(x > most, most, select(x < least, least, x))
        n = nearest(x * _LOG2E)
        r = multiply_add(n, -low, multiply_add(n, -high, x))
        return n, r * _exp_series(r)

    return reduced


@jit
def exp(x):
    """e^x."""
    n, rest = _reduced(x)
    return times_power_of_two(rest + 1.0, n)


@jit
def _expm1(x):
    """e^x - 1, exact for small x, too."""
    n, rest = _reduced(x)
    one = rest * 0.0 + 1.0
    return times_power_of_two(rest, n) + (times_power_of_two(one, n) - 1.0)


@jit
def log(x):
    """The natural logarithm of a positive number that is not denormal."""
    n = exponent(x * 0.7071067811865476) + 1.0  # x = 2^n m with m from sqrt(1/2) to sqrt(2)
    m = times_power_of_two(x, -n)
    s = (m - 1.0) / (m + 1.0)
    return multiply_add(n, 0.6931471805599453, s * _log_series(s * s))


@jit
def softplus(x):
    """log(1 + e^x), which is max(x, 0) + log(1 + e^-|x|)."""
    small = exp(-absolute(x))
    rounded = small + 1.0
    lost = (small - (rounded - 1.0)) / rounded  # of a small number added to 1
    return select(x > 0.0, x, 0.0) + (log(rounded) + lost)


@jit
def sigmoid(x):
    """1 / (1 + e^-x)."""
    return 1.0 / (exp(-x) + 1.0)


@jit
def tanh(x):
    """(1 - e^-2|x|) / (1 + e^-2|x|), with the sign of x."""
    u = _expm1(absolute(x) * -2.0)
    size = -u / (u + 2.0)
    return select(x < 0.0, -size, size)
