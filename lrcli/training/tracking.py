"""Following one metric of every member: its best value so far, and how long ago that was."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lrcli.training.problem import Array

__all__ = ["Tracker"]


class Tracker:
    """The best value of a metric, per member.

    Attributes:
        best: (R,) the best value so far; NaN where there has been no finite one.
        epoch: (R,) the epoch of that value; 0 where there is none.
        waited: (R,) records since then.
    """

    def __init__(self, size: int, metric: str, mode: Literal["min", "max"], min_delta: float = 0.0) -> None:
        self.metric = metric
        self.best: Array = np.full(size, np.nan)
        self.epoch = np.zeros(size, dtype=np.int64)
        self.waited = np.zeros(size, dtype=np.int64)
        self._sign = 1.0 if mode == "min" else -1.0
        self._min_delta = min_delta

    def update(self, values: Array, epoch: int, active: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Take in a record of the metric.

        Args:
            values: (R,).
            epoch: of the record.
            active: (R,) members still training; the others are left alone.

        Returns:
            (R,) which members improved, by more than ``min_delta`` where that is not zero.
        """
        nothing_yet = np.isnan(self.best)
        smaller = self._sign * values < self._sign * self.best - self._min_delta
        improved = active & np.isfinite(values) & (nothing_yet | smaller)
        self.best = np.where(improved, values, self.best)
        self.epoch = np.where(improved, epoch, self.epoch)
        self.waited = np.where(improved, 0, self.waited + active)
        return improved
