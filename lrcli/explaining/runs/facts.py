"""What diagnoses ask of a run: each fact is worked out once, when it is first asked for."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lrcli.explaining.commands import origin_of
from lrcli.explaining.facts import Facts
from lrcli.running.trained import TrainedRun
from lrcli.storage.run_result import RecoveryRow, RunResult
from lrcli.training.problem import Array

__all__ = ["RunFacts", "facts_of"]


@dataclass(frozen=True, eq=False)
class RunFacts(Facts):
    """A run, and what follows from it.

    Attributes:
        run: it, whole.
        foresees: whether there is time, a tenth of a second, to work out what more training would do.
    """

    run: TrainedRun
    foresees: bool = True

    @property
    def result(self) -> RunResult:
        """How it ended."""
        return self.run.result

    @property
    def epochs(self) -> int:
        """Those that were finished."""
        return self.result.epochs

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
        if not self.last or not self.has_data:
            return None
        if not all(np.isfinite(values).all() for values in self.last.values()):
            return None
        with np.errstate(over="ignore", invalid="ignore"):
            return self.experiment.model.outputs(self.last, self.inputs)

    def curve(self, metric: str) -> Array:
        """(T,) its values at all records but those that have none; empty where it was not recorded."""
        values = self.run.history.metrics.get(metric)
        return np.empty(0) if values is None else np.asarray(values[0][np.isfinite(values[0])])

    def epochs_of(self, metric: str) -> Array:
        """(T,) the epochs of `curve`."""
        values = self.run.history.metrics[metric][0]
        return np.asarray(self.run.history.epoch[np.isfinite(values)], dtype=np.float64)

    @property
    def condition(self) -> float | None:
        ends = self.result.curvature
        start = None if ends is None else ends.start
        return start.condition if start is not None and start.exact else None

    @property
    def counts_steps(self) -> bool:
        """Whether its rate falls with every step, however many there are going to be."""
        return self.experiment.optimizer.schedule.kind in {"step", "exponential"}

    def let_settle(self, times: int = 2) -> str:
        """The command that trains as far with a rate that falls to zero, which takes twice the epochs.

        Args:
            times: the epochs; 2 to go as far, more to go further.
        """
        schedule, epochs = "{kind: cosine}", times * max(self.epochs, 1)
        return self.train(optimizer__schedule=schedule, training__epochs=epochs)

    @property
    def final_loss(self) -> float | None:
        """train/loss at the end; None where there is none that is a number."""
        value = self.result.metrics.get("train/loss")
        return value if value is not None and np.isfinite(value) else None

    @property
    def determined(self) -> list[RecoveryRow]:
        """The rows of parameters that the data determine, and whose errors are numbers."""
        return [row for row in self.result.recovery if row.determined and np.isfinite(row.error)]


def facts_of(run: TrainedRun, *, foresees: bool = True) -> RunFacts:
    """The facts of a run as it ended, or as it was read back."""
    return RunFacts(run.experiment, origin_of(run.result), run.problem, run, foresees)
