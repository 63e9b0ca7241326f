"""What the training loop tells: how far it has come, and the metrics it has taken."""

from dataclasses import dataclass

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
        parameters: from name to (K, R, *shape).
        trained: (K, R) whether the member had not ended by the record before.
    """

    epochs: NDArray[np.int64]
    steps: NDArray[np.int64]
    metrics: dict[str, Array]
    parameters: dict[str, Array]
    trained: NDArray[np.bool_]
