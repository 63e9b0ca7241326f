"""When a member has diverged: the one definition, for single runs, sweeps and replays.

1. Its loss or its parameters stopped being numbers. The engine freezes it before that step, which is its
   ``diverged_step``. Where the last step did it, so that no further one notices, a loss of the training or
   the validation set that is no number says so, and ``diverged_step`` is the step that would have come next.
2. It has **exploded**: when its training ended, in its own time or by early stopping, the loss of the whole
   training set was more than 1,000 times the level where it began, and growing, which means above the mean
   of its last epoch's batches. More than 1,000,000 times is enough by itself: one epoch of an exploding loss
   may go down by chance, but none of those comes back. ``diverged_step`` is the last step.

The **level** is the loss of the training set before the first step or, where that is smaller, the mean square
of the targets (added up, where the loss is a sum): about the loss of a model that answers 0, so that a
member that begins at the optimum is not judged by rounding.

All of this is evaluated apart from what is logged, and from one member's own numbers, so neither records nor
neighbours change a verdict. A loss that rises without being so far up is the curve's business: see
`lrcli.analysis.outcomes`.
"""

import numpy as np
from numpy.typing import NDArray

from lrcli.training.problem import Array, Problem

__all__ = ["exploded", "starting_level"]

_FAR = 1e3
_BEYOND_RETURN = 1e6


def starting_level(problem: Problem, losses: Array, draw_index: NDArray[np.intp]) -> Array:
    """The level that explosions are measured by, (R,).

    Args:
        problem: what is trained.
        losses: (R,) of the whole training set before the first step.
        draw_index: (R,) which of the problem's draws each member has.
    """
    targets = problem.splits["train"].targets
    with np.errstate(over="ignore"):
        squares = np.square(targets).mean(axis=(1, 2))
        if problem.loss.reduction == "sum":
            squares = squares * targets.shape[1]
    return np.asarray(np.maximum(losses, squares[problem.data_index[draw_index]]))


def exploded(loss: Array, last_epoch: Array, level: Array) -> NDArray[np.bool_]:
    """Which members have exploded by the end of their training, (R,).

    Args:
        loss: (R,) of the whole training set at the end.
        last_epoch: (R,) the mean over the last epoch's batches, in the same unit.
        level: (R,) of `starting_level`.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        growing = (loss > last_epoch) | (loss > _BEYOND_RETURN * level)
        return np.asarray((loss > _FAR * level) & growing)
