"""What the members of a sweep have done so far, in arrays over seeds and configurations."""

import json

import numpy as np
from numpy.typing import NDArray

from lrcli.analysis.sampling import Sampling
from lrcli.analysis.sweep_results import SweepResults
from lrcli.config.metrics import split_of
from lrcli.sweeps.cutting import Part
from lrcli.sweeps.outcome import PartOutcome
from lrcli.sweeps.plan import SweepPlan
from lrcli.sweeps.stable_rates import stable_rates
from lrcli.training.problem import Array

__all__ = ["Collection", "problems_of", "records_of"]


class Collection:
    """Filled part by part.

    Attributes:
        status: (S, C) empty where a member has not begun.
    """

    def __init__(self, plan: SweepPlan) -> None:
        self._plan = plan
        shape = (len(plan.seeds), len(plan.configurations))
        self.status = np.zeros(shape, dtype="U13")
        self.diverged_step = np.zeros(shape, dtype=np.int64)
        self.epochs = np.zeros(shape, dtype=np.int64)
        self.best = np.full(shape, np.nan)
        self._epoch, self._step = records_of(plan)
        self._final: dict[str, Array] = {}
        self._errors: dict[str, Array] = {}
        self._levels: dict[str, Array] = {}
        self._open: dict[str, Array] = {}  # 1 for the numbers that a member's data leave open
        self._sampling: dict[str, Array] = {}
        self._curves: dict[str, Array] = {}

    def take(self, part: Part, outcome: PartOutcome) -> None:
        """Take in what the members of a part have come to."""
        at = tuple(part.indices.T)
        self.status[at] = outcome.status
        self.diverged_step[at] = outcome.diverged_step
        self.epochs[at] = outcome.epochs
        if part.group.experiment.best.metric == self._plan.experiment.best.metric:
            self.best[at] = outcome.best
        for table, found in (
            (self._final, outcome.final),
            (self._errors, outcome.errors),
            (self._levels, outcome.levels),
            (self._open, outcome.undetermined),
            (self._sampling, outcome.sampling),
        ):
            for name, values in found.items():
                self._column(table, name)[at] = values
        history = outcome.history
        for name, curves in history.metrics.items():
            self._curve(name)[(*at, slice(len(history.epoch)))] = curves

    def results(self) -> SweepResults:
        """All of it, members that have not ended as interrupted."""
        plan, choice = self._plan, self._plan.select
        status = np.where((self.status == "") | (self.status == "running"), "interrupted", self.status)
        final = {choice.metric: np.full(self.status.shape, np.nan)} | self._final
        for name in final:  # before the first record there are none
            if split_of(name) != "test":
                self._curve(name)
        return SweepResults(
            keys=plan.configurations.keys,
            configurations=plan.filled,
            seeds=plan.seeds,
            metric=choice.metric,
            mode=choice.direction,
            status=status,
            diverged_step=self.diverged_step,
            epochs=self.epochs,
            final=final,
            best=self.best,
            errors=self._errors,
            epoch=self._epoch,
            step=self._step,
            curves=self._curves,
            undetermined={name: values == 1 for name, values in self._open.items() if np.any(values == 1)},
            least=self._column(self._levels, "least"),
            constant=self._column(self._levels, "constant"),
            problems=problems_of(plan),
            sampling=Sampling.of_arrays(self._sampling),
            stable=stable_rates(plan),
        )

    def _curve(self, name: str) -> Array:
        if name not in self._curves:
            self._curves[name] = np.full((*self.status.shape, self._epoch.shape[1]), np.nan)
        return self._curves[name]

    def _column(self, table: dict[str, Array], name: str) -> Array:
        if name not in table:
            table[name] = np.full(self.status.shape, np.nan)
        return table[name]


def records_of(plan: SweepPlan) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(C, T) the epoch and the step of each record that is planned; -1 after the last of a configuration."""
    shape = (len(plan.configurations), max(part.records for part in plan.parts))
    epoch, step = np.full(shape, -1), np.full(shape, -1)
    for part in plan.parts:
        epoch[part.group.configurations, : part.records] = part.record_epochs
        step[part.group.configurations, : part.records] = part.record_epochs * part.steps_per_epoch
    return epoch, step


def problems_of(plan: SweepPlan) -> NDArray[np.intp]:
    """(C,) equal for configurations that differ in the optimizer, the training and the start alone."""
    keys = plan.configurations.keys
    blocks = ("dataset", "model", "loss")
    own = [k for k in keys if k.split(".")[0] in blocks and not f"{k}.".startswith("model.init.")]
    if not own:
        return np.zeros(len(plan.configurations), dtype=np.intp)
    numbers: dict[str, int] = {}
    texts = (json.dumps([point.get(key) for key in own]) for point in plan.filled)
    return np.array([numbers.setdefault(text, len(numbers)) for text in texts], dtype=np.intp)
