"""Memory that the compiled engine allocates: arrays, and the scratch memory of each thread."""

import itertools
import math
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from lrcli.engines.compiled.arguments import Arguments

__all__ = ["Scratch", "aligned"]

_LINE = 64  # bytes; a row that lies across two lines of the processor's cache takes twice as long


def aligned(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """Zeros that begin where a line of the processor's cache does."""
    dtype = np.dtype(dtype)
    size = math.prod(shape) * dtype.itemsize
    memory = np.zeros(size + _LINE, np.uint8)
    start = -memory.ctypes.data % _LINE
    return memory[start : start + size].view(dtype).reshape(shape)


class Scratch:
    """The scratch memory of one thread: the regions of a record, one after the other, all zero.

    Attributes:
        table: their addresses, in the order of `Record.scratch`.
    """

    def __init__(self, arguments: Arguments) -> None:
        """Allocate regions as large as the arguments have them."""
        lines = [-(-arguments.num_bytes(name) // _LINE) for name in arguments.record.scratch]
        *starts, total = itertools.accumulate(lines, initial=0)
        self._memory = aligned((total * _LINE,), np.uint8)
        self.table = np.array([self._memory.ctypes.data + start * _LINE for start in starts], np.uint64)
