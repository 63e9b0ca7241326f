"""What diagnoses ask of an experiment that has not been trained."""

from dataclasses import dataclass

from lrcli.experiment.experiment import Experiment
from lrcli.explaining.commands import Origin
from lrcli.explaining.facts import Facts
from lrcli.training.problem import build_problem

__all__ = ["FileFacts", "facts_of"]


@dataclass(frozen=True, eq=False)
class FileFacts(Facts):
    """An experiment before training, and what follows from it."""

    @property
    def steps(self) -> int:
        """Optimizer steps in all epochs."""
        return self.experiment.training.epochs * len(self.batch_sizes)


def facts_of(experiment: Experiment, origin: Origin) -> FileFacts:
    """The facts of an experiment.

    Raises:
        UsageError: the data are too large to compute with, or for the memory.
    """
    problem = build_problem(experiment.dataset, experiment.model, experiment.loss, [experiment.seed])
    return FileFacts(experiment, origin, problem)
