"""The way a run's parameters have gone: their values at some records, from before training to its end.

Training moves fast at first and slowly at last, so a record is kept where it is at least two percent of its
epoch after the one kept before it: all of the first fifty, then ever fewer, some five hundred of a million.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["GrowingPath", "ParameterPath"]

Array = NDArray[np.float64]

_MOST_NUMBERS = 2**20  # 8 MB
_FINE, _COARSE = 1.02, 1.5  # how many times the epoch before
_FINE_COUNT, _COARSE_COUNT = 700, 40  # of kept records, at most, in ten million epochs


@dataclass(frozen=True, eq=False)
class ParameterPath:
    """Parameters at K records of one run.

    Attributes:
        epoch: (K,) ascending, 0 for that before training; the last is where the run ended.
        step: (K,) optimizer updates finished.
        parameters: from name to (K, *shape).
    """

    epoch: NDArray[np.int64]
    step: NDArray[np.int64]
    parameters: Mapping[str, Array]

    def __len__(self) -> int:
        return len(self.epoch)

    def at(self, index: int) -> dict[str, Array]:
        """The parameters at one of the records, from name to array in the parameter's shape."""
        return {name: np.asarray(values[index]) for name, values in self.parameters.items()}

    @property
    def arrays(self) -> dict[str, NDArray[Any]]:
        """As path.npz has it."""
        return {"epoch": self.epoch, "step": self.step, **self.parameters}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "ParameterPath":
        """From what `arrays` gave."""
        parameters = {name: values for name, values in arrays.items() if name not in ("epoch", "step")}
        return cls(arrays["epoch"], arrays["step"], parameters)


class GrowingPath:
    """A path that is filled as training goes on."""

    def __init__(self, numbers: int) -> None:
        """Keep nothing yet.

        Args:
            numbers: among the parameters; where they are too many, only the two ends of the path are kept.
        """
        self._growth = math.inf
        if numbers * _COARSE_COUNT <= _MOST_NUMBERS:
            self._growth = _FINE if numbers * _FINE_COUNT <= _MOST_NUMBERS else _COARSE
        self._due = 0.0  # the epoch from which on a record is kept
        self._pieces: list[ParameterPath] = []

    def due(self, epochs: NDArray[np.int64]) -> NDArray[np.intp]:
        """Which of the next K records are to be kept.

        Args:
            epochs: (K,) of these, ascending.
        """
        found: list[int] = []
        while epochs[-1] >= self._due:
            found.append(int(np.searchsorted(epochs, self._due)))
            self._due = self._after(int(epochs[found[-1]]))
        return np.array(found, dtype=np.intp)

    def _after(self, epoch: int) -> float:
        """From which epoch on the next record is kept."""
        return math.inf if self._growth == math.inf else max(epoch + 1.0, self._growth * epoch)

    def add(self, piece: ParameterPath) -> None:
        """Keep the records that were due."""
        self._pieces.append(piece)

    @property
    def kept(self) -> ParameterPath:
        """All that has been kept.

        Raises:
            ValueError: nothing has.
        """
        return _joined(self._pieces)

    def restore(self, kept: ParameterPath) -> None:
        """Go on from what had been kept, that of all records so far."""
        self._pieces = [kept]
        self._due = self._after(int(kept.epoch[-1]))

    def up_to(self, end: ParameterPath) -> ParameterPath:
        """All that has been kept, and the end, one record, unless it is kept already."""
        last = int(self._pieces[-1].step[-1]) if self._pieces else -1
        return _joined([*self._pieces, end] if int(end.step[0]) > last else self._pieces)


def _joined(pieces: Sequence[ParameterPath]) -> ParameterPath:
    return ParameterPath(
        np.concatenate([piece.epoch for piece in pieces]),
        np.concatenate([piece.step for piece in pieces]),
        {name: np.concatenate([p.parameters[name] for p in pieces]) for name in pieces[-1].parameters},
    )
