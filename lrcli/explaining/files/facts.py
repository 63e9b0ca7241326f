"""What diagnoses ask of an experiment that has not been trained."""

from dataclasses import dataclass
from functools import cached_property

from lrcli.analysis.theory import term_curvature
from lrcli.experiment.experiment import Experiment
from lrcli.explaining.commands import Origin
from lrcli.explaining.facts import Facts
from lrcli.running.curvature import QUICK, curvature_of
from lrcli.training.problem import Problem, build_problem

__all__ = ["FileFacts", "facts_of"]


@dataclass(frozen=True, eq=False)
class FileFacts(Facts):
    """An experiment before training, and what follows from it."""

    @property
    def steps(self) -> int:
        """Optimizer steps in all epochs."""
        return self.experiment.training.epochs * len(self.batch_sizes)

    @property
    def trained_problem(self) -> Problem:
        """Nothing has been trained yet, so its data are as they are going to be."""
        return self.problem

    @cached_property
    def condition(self) -> float | None:
        experiment = self.experiment
        if not self.has_data or term_curvature(experiment.model, experiment.loss) is None:
            return None
        first = {name: values[0] for name, values in self.problem.initial.items()}
        found = curvature_of(experiment, self.problem, first, most_work=QUICK)
        return None if found is None else found.condition


def facts_of(experiment: Experiment, origin: Origin) -> FileFacts:
    """The facts of an experiment.

    Raises:
        UsageError: the data are too large to compute with, or for the memory.
    """
    problem = build_problem(experiment.dataset, experiment.model, experiment.loss, [experiment.seed])
    return FileFacts(experiment, origin, problem)
