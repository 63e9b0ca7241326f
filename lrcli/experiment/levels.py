"""Between which levels the training loss of each member can lie."""

from typing import NamedTuple

import numpy as np

from lrcli.analysis.loss_values import constant_loss
from lrcli.analysis.reference import find_references, has_reference
from lrcli.components.optimizers import AdamW
from lrcli.experiment.preparation import Prepared
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
    values = [constant_loss(loss, targets) for targets in examples.targets]
    constants = np.array([np.nan if value is None else value for value in values])
    constant = constants[examples.rows[prepared.rows]]
    if not has_reference(experiment.model, loss, experiment.dataset.num_classes):
        return Levels(unknown, constant)
    shapes = {parameter.name: parameter.shape for parameter in prepared.problem.parameters}
    references = find_references(experiment.model, loss, shapes, examples)
    least = references.losses[prepared.rows]
    if isinstance(experiment.optimizer, AdamW):  # whose decay ends somewhere else
        least = np.where(prepared.population.hyperparameters["weight_decay"] > 0, np.nan, least)
    return Levels(least, constant)
