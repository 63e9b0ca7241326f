"""Calls of kernels with guards around every region of memory that they are given.

Machine code that goes astray corrupts other memory, and nobody is told. In such a call a kernel is given a
copy of every array and scratch memory of its own, each between guards that are looked at afterwards. A guard
reads as not-a-number, so that a kernel which reads beyond a region gives other results than without guards.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrcli.engines.compiled.arguments import Arguments

__all__ = ["GuardedMemory"]

_LEAST = 4096  # bytes of a guard, which is no smaller than its region
_GUARD = 0xFF


class _Region:
    """A region between two guards.

    Attributes:
        content: its bytes, zero at first.
    """

    def __init__(self, size: int) -> None:
        guard = -(-max(size, _LEAST) // _LEAST) * _LEAST
        self._memory = np.full(size + 2 * guard + _LEAST, _GUARD, np.uint8)
        start = guard + -(self._memory.ctypes.data + guard) % _LEAST
        self.content = self._memory[start : start + size]
        self._guards = self._memory[:start], self._memory[start + size :]
        self.content[:] = 0

    def sound(self) -> bool:
        """Whether the guards are as they were."""
        return all(bool(np.all(guard == _GUARD)) for guard in self._guards)


class GuardedMemory:
    """What a kernel is given in a call, with guards.

    Attributes:
        table: the words of the arguments.
        scratch: for each thread, the addresses of its regions.
    """

    def __init__(self, arguments: Arguments, table: Any, threads: int) -> None:
        """Copy every array.

        Args:
            arguments: of the call.
            table: their words.
            threads: how many there are.
        """
        self._arguments = arguments
        self._copies: dict[str, _Region] = {}
        self.table = type(table).from_buffer_copy(table)
        for name, array in arguments.arrays.items():
            region = self._copies[name] = _Region(array.nbytes)
            region.content[:] = _bytes_of(array)
            setattr(self.table, name, region.content.ctypes.data)
        names = arguments.record.scratch
        self._scratch = [{name: _Region(arguments.num_bytes(name)) for name in names} for _ in range(threads)]
        self.scratch = [
            np.array([region.content.ctypes.data for region in regions.values()], np.uint64)
            for regions in self._scratch
        ]

    def finish(self) -> None:
        """Look at the guards, and bring what was written back.

        Raises:
            AssertionError: the kernel wrote beyond a region, or to one that it may only read.
        """
        overrun = {name for name, region in self._regions() if not region.sound()}
        if overrun:
            raise AssertionError(f"the kernel wrote beyond {', '.join(sorted(overrun))}")
        for name, array in self._arguments.arrays.items():
            content, before = self._copies[name].content, _bytes_of(array)
            if self._arguments.record.fields[name].written:
                before[:] = content
            elif not np.array_equal(before, content):
                raise AssertionError(f"the kernel wrote to {name}, which it may only read")

    def _regions(self) -> Iterator[tuple[str, _Region]]:
        yield from self._copies.items()
        for regions in self._scratch:
            yield from regions.items()


def _bytes_of(array: NDArray[Any]) -> NDArray[np.uint8]:
    """The bytes of a contiguous array, in place."""
    return array.reshape(-1).view(np.uint8)
