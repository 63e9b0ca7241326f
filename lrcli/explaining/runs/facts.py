"""What diagnoses ask of a run: each fact is worked out once, when it is first asked for."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lrcli.experiment.experiment import Experiment
from lrcli.explaining.commands import Origin, origin_of
from lrcli.running.stability import Stability, stability
from lrcli.running.trained import TrainedRun
from lrcli.storage.run_result import RecoveryRow, RunResult
from lrcli.training.problem import Array, Problem

__all__ = ["RunFacts"]


@dataclass(frozen=True, eq=False)
class RunFacts:
    """A run, and what follows from it.

    Attributes:
        run: it, whole.
    """

    run: TrainedRun

    @property
    def experiment(self) -> Experiment:
        return self.run.experiment

    @property
    def problem(self) -> Problem:
        return self.run.problem

    @property
    def result(self) -> RunResult:
        return self.run.result

    @cached_property
    def origin(self) -> Origin:
        """Where commands find its experiment."""
        return origin_of(self.result)

    @property
    def examples(self) -> int:
        """How many it is trained on."""
        return self.experiment.dataset.sizes["train"]

    @cached_property
    def steps_per_epoch(self) -> int:
        return self.experiment.training.num_batches(self.examples)

    @property
    def inputs(self) -> Array:
        """(N, D) of the training set."""
        return np.asarray(self.problem.splits["train"].inputs[0])

    @property
    def targets(self) -> Array:
        """(N, O) of the training set."""
        return np.asarray(self.problem.splits["train"].targets[0])

    @cached_property
    def last(self) -> dict[str, Array]:
        """The parameters that it ended with, from name to (*shape); none of a run that kept none."""
        return {name: values[-1] for name, values in self.run.path.parameters.items() if len(values)}

    @cached_property
    def start(self) -> dict[str, Array]:
        """The parameters that it began with, from name to (*shape)."""
        return {name: values[0] for name, values in self.problem.initial.items()}

    @cached_property
    def outputs(self) -> Array | None:
        """(N, O) of the model as it ended, on the training set; None where there is no formula for them."""
        return self._outputs(self.last)

    def _outputs(self, parameters: Mapping[str, Array]) -> Array | None:
        if not parameters or not all(np.isfinite(values).all() for values in parameters.values()):
            return None
        with np.errstate(over="ignore", invalid="ignore"):
            return self.experiment.model.outputs(parameters, self.inputs)

    def curve(self, metric: str) -> Array:
        """(T,) its values at all records but those that have none; empty where it was not recorded."""
        values = self.run.history.metrics.get(metric)
        if values is None:
            return np.empty(0)
        return np.asarray(values[0][np.isfinite(values[0])])

    def epochs_of(self, metric: str) -> Array:
        """(T,) the epochs of `curve`."""
        values = self.run.history.metrics[metric][0]
        return np.asarray(self.run.history.epoch[np.isfinite(values)])

    @cached_property
    def constant(self) -> float | None:
        """The training loss of the best constant prediction; None where it is not known."""
        return self.experiment.loss.constant_value(self.targets)

    @cached_property
    def stable(self) -> Stability:
        """The largest stable rate, or why it is not known."""
        return stability(self.experiment, self.problem)

    @property
    def determined(self) -> list[RecoveryRow]:
        """The rows of parameters that the data determine, and whose errors are numbers."""
        rows = self.result.recovery
        return [row for row in rows if row.determined and np.isfinite(row.error)]
