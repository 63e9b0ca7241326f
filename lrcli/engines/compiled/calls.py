"""Calls of kernels: over all blocks, on all threads."""

import ctypes
import itertools
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrcli.engines.compiled.arguments import Arguments, Value
from lrcli.engines.compiled.guards import GuardedMemory
from lrcli.engines.compiled.machine_code import Function
from lrcli.engines.compiled.memory import Scratch

__all__ = ["Kernel", "Threads"]

GUARDED = False  # tests set it, to see that kernels keep to their memory; calls then take much longer
_CHUNKS = 4  # of a thread, which takes the next as soon as it is free


class Threads:
    """So many threads, which machine code lets run side by side; they are started when first used."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._pool: ThreadPoolExecutor | None = None

    def run(self, work: Callable[[int], None]) -> None:
        """Do some work on every thread, which is given its number."""
        if self.count == 1:
            work(0)
            return
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self.count)
        for done in [self._pool.submit(work, thread) for thread in range(self.count)]:
            done.result()


class Kernel:
    """A kernel and its arguments, which are kept from call to call.

    Attributes:
        arguments: may be set before the first call.
    """

    def __init__(self, function: Function, arguments: Arguments, threads: Threads) -> None:
        self.arguments = arguments
        self._function, self._threads = function, threads
        self._scratch: list[Scratch] = []
        self._scratch_version = -1

    def __call__(self, values: Mapping[str, Value]) -> None:
        """Set arguments, and compute every index along `Record.along`.

        Raises:
            ValueError: the arguments are not what the record declares.
        """
        self.arguments.set(values)
        table = self.arguments.table()
        if GUARDED:
            memory = GuardedMemory(self.arguments, table, self._threads.count)
            self._run(memory.table, memory.scratch)
            memory.finish()
            return
        if self._scratch_version != self.arguments.scratch_version:
            self._scratch = [Scratch(self.arguments) for _ in range(self._threads.count)]
            self._scratch_version = self.arguments.scratch_version
        self._run(table, [scratch.table for scratch in self._scratch])

    def _run(self, table: Any, scratch: Sequence[NDArray[np.uint64]]) -> None:
        """Compute chunks of the indices, each on the next thread that is free.

        Threads in machine code cannot be stopped. Should the caller be, the memory that they write to must
        stay: it is theirs, too.
        """
        function, count = self._function, self.arguments.count
        num_chunks = max(1, min(count, _CHUNKS * self._threads.count))
        chunks = list(itertools.pairwise(count * k // num_chunks for k in range(num_chunks + 1)))
        address = ctypes.addressof(table)

        def work(thread: int, _kept: object = (self.arguments, self._scratch, table)) -> None:
            own = scratch[thread].ctypes.data
            with suppress(IndexError):
                while True:
                    function(address, own, *chunks.pop())

        self._threads.run(work)
