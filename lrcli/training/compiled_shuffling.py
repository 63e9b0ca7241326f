"""The examples of shuffled epochs, brought into their order ahead of training on a thread of their own."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lrcli.training.problem import Problem
from lrcli.training.randomness import words

__all__ = ["Shuffled", "Window"]

_NUMBERS = 2**20  # of a window


class Window(NamedTuple):
    """The examples of a few epochs, each in the order of `Problem.order`.

    Attributes:
        inputs: (S, epochs, N, F).
        targets: (S, epochs, N, O).
        first: the first of the epochs, counted from 0.
        last: the epoch after them.
    """

    inputs: NDArray[Any]
    targets: NDArray[Any]
    first: int
    last: int


class Shuffled:
    """The examples of all epochs of a run, a window of them in memory and the next one under way."""

    def __init__(
        self,
        problem: Problem,
        inputs: NDArray[Any],
        targets: NDArray[Any],
        epochs: int,
        function: Callable[..., None],
    ) -> None:
        """Prepare to shuffle.

        Args:
            problem: whose seeds decide about the orders.
            inputs: (S, N, F).
            targets: (S, N, O).
            epochs: of the whole run.
            function: ``shuffle`` of `lrcli.training.compiled_calls`.
        """
        entropies = [words(source.seed, "shuffle") for source in problem.sources]
        longest = max(map(len, entropies))
        self._entropy = np.array([[*row, *[0] * (longest - len(row))] for row in entropies], np.int64)
        self._lengths = np.array([len(row) for row in entropies], np.int64)
        self._inputs, self._targets = inputs, targets
        self._epochs = epochs
        self._length = max(1, _NUMBERS // (inputs.size + targets.size))
        self._function = function
        self._window: Window | None = None
        self._next: Future[Window] | None = None
        self._thread: ThreadPoolExecutor | None = None

    def at(self, epoch: int) -> Window:
        """The window that an epoch is in; epochs count from 0 and mostly come one after the other."""
        if self._window is None or not self._window.first <= epoch < self._window.last:
            ahead = self._next and self._next.result()
            self._window = ahead if ahead and ahead.first == epoch else self._shuffle(epoch)
            self._next = None
            if self._window.last < self._epochs:
                self._thread = self._thread or ThreadPoolExecutor(1)
                self._next = self._thread.submit(self._shuffle, self._window.last)
        return self._window

    def _shuffle(self, first: int) -> Window:
        last = min(self._epochs, first + self._length)
        rows, examples, features = self._inputs.shape
        outputs = self._targets.shape[2]
        inputs, targets = (
            np.empty((rows, last - first, *array.shape[1:]), array.dtype)
            for array in (self._inputs, self._targets)
        )
        pool, order = np.empty(4, np.int64), np.empty(examples, np.int32)
        arguments: list[Any] = [
            self._entropy, self._lengths, self._entropy.shape[1], pool, order,
            self._inputs, self._targets, inputs, targets,
            rows, examples, features, outputs, last - first, first,
        ]  # fmt: skip
        self._function(*(a.ctypes.data if isinstance(a, np.ndarray) else a for a in arguments))
        return Window(inputs, targets, first, last)
