"""What diagnoses ask of an experiment that has not been trained; each fact is worked out once."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lrcli.experiment.experiment import Experiment
from lrcli.explaining.commands import Origin
from lrcli.running.stability import Stability, stability
from lrcli.training.problem import Array, Problem, build_problem

__all__ = ["FileFacts"]


@dataclass(frozen=True, eq=False)
class FileFacts:
    """An experiment, and what follows from it without training.

    Attributes:
        experiment: what would be trained.
        origin: where commands find it.
    """

    experiment: Experiment
    origin: Origin

    @cached_property
    def problem(self) -> Problem:
        """Its data, and where training would begin.

        Raises:
            UsageError: the data are too large to compute with, or for the memory.
        """
        experiment = self.experiment
        return build_problem(experiment.dataset, experiment.model, experiment.loss, [experiment.seed])

    @property
    def examples(self) -> int:
        """How many it would be trained on."""
        return self.experiment.dataset.sizes["train"]

    @cached_property
    def steps(self) -> int:
        """Optimizer steps in all epochs."""
        training = self.experiment.training
        return training.epochs * training.num_batches(self.examples)

    @property
    def targets(self) -> Array:
        """(N, O) of the training set."""
        return np.asarray(self.problem.splits["train"].targets[0])

    @cached_property
    def stable(self) -> Stability:
        """The largest stable rate, or why it is not known."""
        return stability(self.experiment, self.problem)
