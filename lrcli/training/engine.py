"""The seam between the loop and the engines that do the arithmetic.

An engine takes a `Problem` and a `Population` and trains all members together, a chunk of epochs at a time.
At the end of some of these epochs it takes a **snapshot**: the parameters, and what the epoch itself told. It
knows nothing of best states, early stopping, files or screens: the loop in `lrcli.training.loop` asks, the
engine answers with NumPy arrays whose first axis is the K snapshots of the last chunk, whose second is the R
members. Before training there is one snapshot, of the initial parameters.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from lrcli.training.problem import Array, SplitName
from lrcli.training.states import State

__all__ = ["Engine"]


class Engine(Protocol):
    """What an engine can be asked.

    A member whose loss or parameters become non-finite is frozen before that step: its parameters stay
    as they were, its neighbours never notice.

    Attributes:
        environment: what the numbers depended on: engine, device, threads, ... for the result.
        dtype: ``float32`` or ``float64``, of training.
    """

    environment: dict[str, Any]
    dtype: str

    @property
    def compiles(self) -> bool:
        """Whether `compile` will take seconds."""

    def compile(self) -> None:
        """Have everything ready; to be called once, before training.

        Raises:
            EngineError: the compiler failed.
        """

    def advance(self, first_epoch: int, snapshots: Sequence[int]) -> Iterator[int]:
        """Train a chunk of epochs.

        Args:
            first_epoch: number of the first of them, counted from 1.
            snapshots: at the end of which epochs to take a snapshot, ascending; the last ends the chunk.

        Yields:
            The number of steps of the chunk trained so far, several times a second, so that the caller stays
            in control; last of all their whole number, when the snapshots can be asked for.
        """

    def epoch_metrics(self) -> dict[str, Array]:
        """``train/running_loss`` of the epoch that ends with each snapshot, ``grad_norm`` of its last batch.

        (K, R) each; NaN before training and for a member that has diverged by then.
        """

    def evaluate(self, split: SplitName) -> dict[str, Array]:
        """``loss``, and ``accuracy`` where targets are classes, over a whole split, (K, R) each."""

    def parameters(self) -> dict[str, Array]:
        """From parameter name to (K, R, *shape)."""

    def parameters_at(self, snapshots: NDArray[np.intp]) -> dict[str, Array]:
        """Each member's parameters at a snapshot of its own, from name to (R, *shape).

        Args:
            snapshots: (R,) its index.
        """

    def diverged_steps(self) -> NDArray[np.int64]:
        """(R,) the step, counted from 1, at which a member's numbers became non-finite; 0: none."""

    def freeze(self, members: NDArray[np.bool_], snapshots: NDArray[np.intp]) -> None:
        """Train some members no further, and let them be again what they were at a snapshot.

        Args:
            members: (R,) which.
            snapshots: (R,) the index of each one's snapshot; the later ones of the chunk become equal to it.
        """

    def state(self) -> State:
        """All that a new engine of the same problem and population needs to go on with the same bits.

        A flat mapping: ``parameters`` and each ``state/NAME`` of the optimizer (R, P), ``active`` and
        ``diverged`` (R,).
        """

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Take over what `state` gave; the one snapshot is then the state's."""
