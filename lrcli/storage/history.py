"""Metrics over time: the curves of a run, of one part of a sweep, or of a whole sweep, all of one type."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["GrowingHistory", "History"]

Array = NDArray[np.float64]
_ROOM = 64  # records, to begin with


@dataclass(frozen=True, eq=False)
class History:
    """T records of R members; a run is one member.

    Attributes:
        epoch: (T,) of each record, 0 for that before training; (R, T) where members differ in it, -1 after
            the last record of one.
        step: likewise, the optimizer updates finished.
        metrics: from name to (R, T); NaN where there is no record or no number.
    """

    epoch: NDArray[np.int64]
    step: NDArray[np.int64]
    metrics: Mapping[str, Array]

    @property
    def arrays(self) -> dict[str, NDArray[Any]]:
        """As curves.npz has it."""
        return {"step": self.step, "epoch": self.epoch, **self.metrics}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "History":
        """From what `arrays` gave."""
        metrics = {name: values for name, values in arrays.items() if name not in ("step", "epoch")}
        return cls(arrays["epoch"], arrays["step"], metrics)


class GrowingHistory:
    """A history that is filled as training goes on."""

    def __init__(self, members: int, records: int = _ROOM) -> None:
        """Make room.

        Args:
            members: R.
            records: how many are expected; more find room, too.
        """
        self._members = members
        self._count = 0
        self._epoch = np.zeros(records, dtype=np.int64)
        self._step = np.zeros(records, dtype=np.int64)
        self._metrics: dict[str, Array] = {}

    def __len__(self) -> int:
        return self._count

    def add(self, epoch: NDArray[Any], step: NDArray[Any], metrics: Mapping[str, Array]) -> None:
        """Take in the next K records.

        Args:
            epoch: (K,) of each.
            step: (K,) of each.
            metrics: from name to (K, R).
        """
        rows = slice(self._count, self._count + len(epoch))
        self._count = rows.stop
        self._make_room()
        self._epoch[rows], self._step[rows] = epoch, step
        for name, values in metrics.items():
            if name not in self._metrics:
                self._metrics[name] = np.full((len(self._epoch), self._members), np.nan)
            self._metrics[name][rows] = values

    def _make_room(self) -> None:
        room = len(self._epoch)
        if self._count <= room:
            return
        missing = max(self._count, 2 * room) - room
        self._epoch, self._step = (np.pad(axis, (0, missing)) for axis in (self._epoch, self._step))
        for name, values in self._metrics.items():
            self._metrics[name] = np.pad(values, ((0, missing), (0, 0)), constant_values=np.nan)

    def restore(self, history: History) -> None:
        """Take in records that an earlier one has held."""
        self.add(history.epoch, history.step, {name: values.T for name, values in history.metrics.items()})

    @property
    def history(self) -> History:
        """All records so far; a view, to be looked at when there are no more to come."""
        rows = slice(self._count)
        metrics = {name: values[rows].T for name, values in self._metrics.items()}
        return History(self._epoch[rows], self._step[rows], metrics)
