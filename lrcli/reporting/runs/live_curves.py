"""Metrics over the epochs of a run, any number of them, in as little memory as a curve on a screen needs."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lrcli.reporting.scales import Array

__all__ = ["Curves"]

_MOST = 1024  # stretches; half of them are more than a terminal has dots across


class Curves:
    """Metrics over epochs: the smallest and the largest value of each stretch of records.

    A stretch is one record, until there are too many: then each two become one.

    Attributes:
        names: of the metrics.
    """

    def __init__(self, names: Sequence[str], most: int = _MOST) -> None:
        """Without a record.

        Args:
            names: of the metrics.
            most: stretches that are kept; an even number.
        """
        self.names = tuple(names)
        self._records, self._length = 0, 1
        self._epochs = np.zeros(most, dtype=np.int64)
        self._low = np.full((len(names), most), np.nan)
        self._high = self._low.copy()

    def add(self, epochs: NDArray[np.int64], values: Array) -> None:
        """Add records.

        Args:
            epochs: (K,) ascending.
            values: (metrics, K).
        """
        index = self._records + np.arange(len(epochs))
        self._records += len(epochs)
        while self._stretches > len(self._epochs):
            self._halve()
        index //= self._length
        starts = np.flatnonzero(np.diff(index, prepend=-1))
        at = index[starts]
        self._low[:, at] = np.fmin(self._low[:, at], np.fmin.reduceat(values, starts, axis=1))
        self._high[:, at] = np.fmax(self._high[:, at], np.fmax.reduceat(values, starts, axis=1))
        self._epochs[at] = epochs[np.append(starts[1:], len(epochs)) - 1]

    @property
    def _stretches(self) -> int:
        return -(-self._records // self._length)

    def _halve(self) -> None:
        """Make one stretch of each two."""
        half = len(self._epochs) // 2
        for kept, join in ((self._low, np.fmin), (self._high, np.fmax)):
            kept[:, :half] = join(kept[:, ::2], kept[:, 1::2])
            kept[:, half:] = np.nan
        self._epochs[:half] = np.maximum(self._epochs[::2], self._epochs[1::2])
        self._epochs[half:] = 0
        self._length *= 2

    @property
    def epochs(self) -> NDArray[np.int64]:
        """(n,) the last epoch of each stretch, ascending."""
        return self._epochs[: self._stretches]

    @property
    def low(self) -> Array:
        """(metrics, n) the smallest value in each stretch; NaN where none is a number."""
        return self._low[:, : self._stretches]

    @property
    def high(self) -> Array:
        """(metrics, n) the largest value in each stretch."""
        return self._high[:, : self._stretches]
