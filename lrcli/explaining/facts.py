"""What diagnoses ask of an experiment, trained or not: each fact is worked out once, when it is asked for."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lrcli.analysis.reference import References, find_references, has_reference
from lrcli.components.user_code import FromFile
from lrcli.experiment.experiment import Experiment
from lrcli.explaining.commands import Origin
from lrcli.running.forecast import Forecast, Unforeseen, forecast
from lrcli.running.preparation import trained_examples
from lrcli.running.stability import Stability, stability
from lrcli.training.population import build_population
from lrcli.training.problem import Array, Problem

__all__ = ["SAFE", "Facts"]

SAFE = 0.5  # of the largest stable rate: well inside, and still quick

_MOST_WORK = 1e8  # N P^2 of a fit, which takes a fraction of a second


@dataclass(frozen=True, eq=False)
class Facts:
    """An experiment and its data, and what follows from them without training.

    Attributes:
        experiment: what is trained.
        origin: where commands find it.
        problem: its data, and where training begins; in the units of the data where the model knows its
            parameters in those.
    """

    experiment: Experiment
    origin: Origin
    problem: Problem

    def train(self, **changes: object) -> str:
        """The command that trains it with changes; in a key two underscores stand for a dot."""
        return self.origin.command("train", {k.replace("__", "."): v for k, v in changes.items()})

    @property
    def rate(self) -> float:
        """The learning rate of its optimizer, before any schedule."""
        return float(self.experiment.optimizer.lr)

    @property
    def examples(self) -> int:
        """How many it is trained on."""
        return self.experiment.dataset.sizes["train"]

    @cached_property
    def batch_sizes(self) -> list[int]:
        """Those of an epoch."""
        return self.experiment.training.batch_sizes(self.examples)

    @property
    def has_data(self) -> bool:
        """Whether the data are here: those that only code can draw are not."""
        return "train" in self.problem.splits

    @property
    def inputs(self) -> Array:
        """(N, D) of the training set."""
        return np.asarray(self.problem.splits["train"].inputs[0])

    @property
    def targets(self) -> Array:
        """(N, O) of the training set."""
        return np.asarray(self.problem.splits["train"].targets[0])

    @cached_property
    def constant(self) -> float | None:
        """The training loss of the best constant prediction; None where it is not known."""
        return self.experiment.loss.constant_value(self.targets) if self.has_data else None

    @cached_property
    def size(self) -> int:
        """The numbers among its parameters."""
        return sum(parameter.size for parameter in self.problem.parameters)

    @property
    def quick_to_fit(self) -> bool:
        """Whether the reference of a model that is linear in its parameters takes a millisecond or two."""
        return self.examples * self.size**2 <= _MOST_WORK / 100

    @cached_property
    def best(self) -> References | None:
        """The reference of the whole training set, of a model that is linear in its parameters; else None."""
        experiment, problem = self.experiment, self.problem
        apart = isinstance(experiment.optimizer, FromFile) or not self.has_data
        if apart or not experiment.model.linear_in_parameters or self.examples * self.size**2 > _MOST_WORK:
            return None
        if not has_reference(experiment.model, experiment.loss, experiment.dataset.num_classes):
            return None
        population = build_population(experiment.optimizer, experiment.training, [0])
        examples, _ = trained_examples(experiment, problem, population)
        shapes = {parameter.name: parameter.shape for parameter in problem.parameters}
        return find_references(experiment.model, experiment.loss, shapes, examples)

    @cached_property
    def least(self) -> float | None:
        """The training loss at the reference; None where it is not known."""
        if self.best is None or not np.isfinite(self.best.losses[0]):
            return None
        return float(self.best.losses[0])

    @cached_property
    def forecast(self) -> Forecast | Unforeseen:
        """What training is going to do, or why that is not known."""
        return forecast(self.experiment, self.trained_problem)

    @cached_property
    def stable(self) -> Stability:
        """The largest stable rate, or why it is not known."""
        return stability(self.experiment, self.trained_problem)

    @property
    def trained_problem(self) -> Problem | None:
        """Its data as they are trained; None where those are standardised, and have to be drawn again."""
        return None if self.experiment.dataset.scaling(self.experiment.seed) is not None else self.problem

    @property
    def decay(self) -> float:
        """Its weight decay."""
        return float(self.experiment.optimizer.decay_strength)

    @property
    def condition(self) -> float | None:
        """The condition number of a loss whose curvature is the same everywhere; None: it is not known."""
        raise NotImplementedError
