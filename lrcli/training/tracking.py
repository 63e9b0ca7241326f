"""Following one metric of every member: its best value so far, and how long ago that was."""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lrcli.training.problem import Array

__all__ = ["Progression", "Tracker"]


class Progression(NamedTuple):
    """What a chunk of K records has changed.

    Attributes:
        improved: (R,) whether any record did better than all before.
        record: (R,) which record is the best, where one has improved.
        waited: (K, R) at each record, how many counting ones ago the best one was.
    """

    improved: NDArray[np.bool_]
    record: NDArray[np.intp]
    waited: NDArray[np.int64]


class Tracker:
    """The best value of a metric, per member.

    Attributes:
        metric: its name.
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

    @property
    def state(self) -> dict[str, NDArray[Any]]:
        """What `restore` takes; arrays that do not change any more."""
        return {"best": self.best, "epoch": self.epoch, "waited": self.waited}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Take over what `state` gave."""
        self.best, self.epoch, self.waited = state["best"], state["epoch"], state["waited"]

    def update(self, values: Array, epochs: NDArray[np.int64], counts: NDArray[np.bool_]) -> Progression:
        """Take in a chunk of K records, as if one by one.

        Args:
            values: (K, R) of the metric.
            epochs: (K,) of the records.
            counts: (K, R) which values count; the others change nothing.
        """
        improved = self._improvements(np.where(counts & np.isfinite(values), self._sign * values, np.inf))
        number = np.arange(1, len(values) + 1)[:, None]
        last = np.maximum.accumulate(np.where(improved, number, 0))  # record that improved; 0: none yet
        counted = np.cumsum(counts, axis=0)
        before = np.take_along_axis(np.vstack([np.zeros_like(counted[:1]), counted]), last, axis=0)
        waited = np.where(last > 0, counted - before, self.waited + counted)
        any_better, index = last[-1] > 0, np.maximum(last[-1] - 1, 0)
        self.best = np.where(any_better, np.take_along_axis(values, index[None], axis=0)[0], self.best)
        self.epoch = np.where(any_better, epochs[index], self.epoch)
        self.waited = waited[-1]
        return Progression(any_better, index, waited)

    def _improvements(self, signed: Array) -> NDArray[np.bool_]:
        """(K, R) which records are smaller than all before them, by more than ``min_delta``."""
        best = np.where(np.isnan(self.best), np.inf, self._sign * self.best)
        if self._min_delta == 0:
            before = np.minimum.accumulate(np.concatenate([best[None], signed[:-1]]))
            return np.asarray(signed < before)
        improved = np.zeros(signed.shape, dtype=bool)
        for number, values in enumerate(signed):  # what has to be beaten depends on each record before
            improved[number] = values < best - self._min_delta
            best = np.where(improved[number], values, best)
        return improved
