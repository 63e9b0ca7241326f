"""The seam between the loop and the engines that do the arithmetic.

An engine takes a `Problem` and a `Population` and trains all members together. It knows nothing of
records, early stopping, files or screens: the loop in `lrcli.training.loop` asks, the engine answers
with NumPy arrays whose first axis is the R members.
"""

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from lrcli.training.problem import Array, SplitName

__all__ = ["Engine"]


class Engine(Protocol):
    """What an engine can be asked.

    A member whose loss or parameters become non-finite is frozen before that step: its parameters stay
    as they were, its neighbours never notice.

    Attributes:
        environment: what the numbers depended on: engine, device, threads, ... for the result.
    """

    environment: dict[str, Any]

    @property
    def compiles(self) -> bool:
        """Whether `compile` will take seconds."""

    def compile(self) -> None:
        """Have everything ready; to be called once, before training.

        Raises:
            EngineError: the compiler failed.
        """

    def advance(self, first_epoch: int, count: int) -> Iterator[int]:
        """Train `count` epochs, the first being number `first_epoch`, counted from 1.

        Yields:
            The number of steps trained so far, several times a second, so that the caller stays in control.
        """

    def last_epoch(self) -> dict[str, Array]:
        """``train/running_loss`` of the epoch trained last and ``grad_norm`` of its last batch, (R,).

        Both are NaN for a member that has diverged.
        """

    def evaluate(self, split: SplitName) -> dict[str, Array]:
        """``loss``, and ``accuracy`` where targets are classes, over a whole split, (R,) each."""

    def parameters(self) -> dict[str, Array]:
        """From parameter name to (R, *shape)."""

    def diverged_steps(self) -> NDArray[np.int64]:
        """(R,) the step, counted from 1, at which a member's numbers became non-finite; 0: none."""

    def freeze(self, members: NDArray[np.bool_]) -> None:
        """Train these members no further."""
