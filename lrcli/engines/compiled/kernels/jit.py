"""How functions of lanes are compiled: into a kernel as a whole, never to be called from Python."""

from collections.abc import Callable, Sequence
from typing import Any

from numba import njit

__all__ = ["choice", "jit"]

jit: Any = njit(
    error_model="numpy",
    no_cpython_wrapper=True,
    no_cfunc_wrapper=True,
    no_rewrites=True,  # of array expressions: there are none, and looking for them takes a sixth of the time
    _nrt=False,  # nothing is allocated
)
"""The decorator of such functions. Division is the processor's: by zero it gives infinity, no exception."""


def choice(functions: Sequence[Callable[..., Any]]) -> Callable[..., Any]:
    """The function that takes a number before its arguments and calls the function of that number.

    A choice made when code is compiled would save a nanosecond or two, but then every combination of a loss,
    an activation and an optimizer would have to be compiled, seconds each.

    Args:
        functions: which must all take and return the same types.
    """
    first, second, third = (functions[min(i, len(functions) - 1)] for i in range(3))  # at once: a few less
    rest = choice(functions[3:]) if len(functions) > 3 else third

    @jit
    def last(number, *arguments):
        if number == 0:
            return first(*arguments)
        if number == 1:
            return second(*arguments)
        return third(*arguments)

    @jit
    def chosen(number, *arguments):
        if number < 3:
            return last(number, *arguments)
        return rest(number - 3, *arguments)

    return chosen if len(functions) > 3 else last
