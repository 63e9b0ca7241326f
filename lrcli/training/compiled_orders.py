"""The orders of shuffled epochs, drawn ahead of training on a thread of their own."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lrcli.training.problem import Problem
from lrcli.training.randomness import words

__all__ = ["Orders", "Window"]

_NUMBERS = 2**20  # of a window


class Window(NamedTuple):
    """The orders of a few epochs.

    Attributes:
        orders: (S, epochs, N), as `Problem.order` has them.
        first: the first of the epochs, counted from 0.
        last: the epoch after them.
    """

    orders: NDArray[np.int32]
    first: int
    last: int


class Orders:
    """The orders of all epochs of a run, a window of them in memory and the next one under way."""

    def __init__(self, problem: Problem, epochs: int, function: Callable[..., None]) -> None:
        """Prepare to draw.

        Args:
            problem: whose training examples are shuffled.
            epochs: of the whole run.
            function: ``orders`` of `lrcli.training.compiled_calls`.
        """
        entropies = [words(source.seed, "shuffle") for source in problem.sources]
        longest = max(map(len, entropies))
        self._entropy = np.array([[*row, *[0] * (longest - len(row))] for row in entropies], np.int64)
        self._lengths = np.array([len(row) for row in entropies], np.int64)
        self._examples = problem.splits["train"].size
        self._epochs = epochs
        self._length = max(1, _NUMBERS // (len(entropies) * self._examples))
        self._function = function
        self._window: Window | None = None
        self._next: Future[Window] | None = None
        self._thread: ThreadPoolExecutor | None = None

    def at(self, epoch: int) -> Window:
        """The window that an epoch is in; epochs count from 0 and mostly come one after the other."""
        if self._window is None or not self._window.first <= epoch < self._window.last:
            ahead = self._next and self._next.result()
            self._window = ahead if ahead and ahead.first == epoch else self._draw(epoch)
            self._next = None
            if self._window.last < self._epochs:
                self._thread = self._thread or ThreadPoolExecutor(1)
                self._next = self._thread.submit(self._draw, self._window.last)
        return self._window

    def _draw(self, first: int) -> Window:
        last = min(self._epochs, first + self._length)
        rows = len(self._lengths)
        orders = np.empty((rows, last - first, self._examples), np.int32)
        pool = np.empty(4, np.int64)
        places: list[Any] = [self._entropy, self._lengths, self._entropy.shape[1], pool, orders]
        numbers = [self._examples, last - first, first, 0, rows]
        arguments = [part.ctypes.data if isinstance(part, np.ndarray) else part for part in places]
        self._function(*arguments, *numbers)
        return Window(orders, first, last)
