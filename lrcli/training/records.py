"""What the training loop tells: how far it has come, and the metrics it has taken."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lrcli.training.problem import Array

__all__ = ["Progress", "Records"]


@dataclass(frozen=True)
class Progress:
    """Training has come this far.

    Attributes:
        epoch: epochs finished.
        step: optimizer updates finished.
    """

    epoch: int
    step: int


@dataclass(frozen=True)
class Records(Progress):
    """Metrics at the end of some epochs, K of them; epoch 0 is before training.

    Before training there is no last batch: what needs one is NaN, as is all of it for a member that diverged.

    Attributes:
        epochs: (K,) epochs finished at each record, ascending.
        steps: (K,) optimizer updates finished.
        metrics: from name to (K, R); a member that has ended keeps the values it ended with.
        trained: (K, R) whether the member had not ended by the record before.
        read_parameters: gives `parameters`.
    """

    epochs: NDArray[np.int64]
    steps: NDArray[np.int64]
    metrics: dict[str, Array]
    trained: NDArray[np.bool_]
    read_parameters: Callable[[], dict[str, Array]]

    @cached_property
    def parameters(self) -> dict[str, Array]:
        """From name to (K, R, *shape); to be asked for before training goes on, and only where needed."""
        return self.read_parameters()
