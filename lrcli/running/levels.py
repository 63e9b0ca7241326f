"""Between which levels the training loss of each member can lie."""

from typing import NamedTuple

import numpy as np

from lrcli.running.preparation import Prepared
from lrcli.training.problem import Array

__all__ = ["Levels", "find_levels"]


class Levels(NamedTuple):
    """Losses of the training set, (R,) each; NaN where unknown.

    Attributes:
        least: the smallest that is possible, with the member's weight decay.
        constant: that of the best constant answer.
    """

    least: Array
    constant: Array


def find_levels(prepared: Prepared) -> Levels:
    """The levels of the loss that is recorded as the training loss.

    The running loss of a sum adds up batches only, in which no level of the whole set is known.
    """
    experiment = prepared.experiment
    size = prepared.population.size
    unknown = np.full(size, np.nan)
    loss, examples = experiment.loss, prepared.examples
    if loss.reduction == "sum" and not experiment.logging.evaluate_train:
        return Levels(unknown, unknown)
    values = [loss.constant_value(targets) for targets in examples.targets]
    constants = np.array([np.nan if value is None else value for value in values])
    constant = constants[examples.rows[prepared.rows]]
    reference = None if prepared.recovery is None else prepared.recovery.reference
    if reference is not None:
        least = reference.losses[prepared.rows]
    else:
        return Levels(unknown, constant)
    if experiment.optimizer.decoupled:  # the decay ends somewhere else
        least = np.where(prepared.population.hyperparameters["weight_decay"] > 0, np.nan, least)
    return Levels(least, constant)
