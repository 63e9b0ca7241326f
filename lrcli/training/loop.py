"""The one training loop: it drives an engine from record to record and keeps account of the members.

    for event in TrainingLoop(engine, problem, population, plan):
        ...  # a Record each time metrics were taken, a Progress in between

Nothing is logged here; whoever iterates does that. Control returns after each epoch, or several times a
second where epochs are short, and leaving the iteration at any event leaves every account consistent.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lrcli.config.blocks import Best, EarlyStopping
from lrcli.training.divergence import exploded, starting_level
from lrcli.training.engine import Engine
from lrcli.training.population import Population
from lrcli.training.problem import Array, Problem, SplitName
from lrcli.training.tracking import Tracker

__all__ = ["Members", "Plan", "Progress", "Record", "TrainingLoop"]

_PIECE_SECONDS = 0.1  # between two events


@dataclass(frozen=True)
class Plan:
    """What to record and when to stop.

    Attributes:
        every: epochs between records.
        evaluate_train: whether a record evaluates the whole training set.
        best: the metric by which each member's best state is kept.
        early_stopping: when a member stops before the last epoch.
        of_parameters: further metrics, computed from the parameters (from name to (R, *shape)).
    """

    every: int
    evaluate_train: bool
    best: Best
    early_stopping: EarlyStopping | None = None
    of_parameters: Callable[[Mapping[str, Array]], dict[str, Array]] = lambda _: {}


@dataclass(frozen=True)
class Progress:
    """Training has come this far.

    Attributes:
        epoch: epochs finished.
        step: optimizer updates finished.
    """

    epoch: int
    step: int


@dataclass(frozen=True)
class Record(Progress):
    """Metrics at the end of an epoch.

    Attributes:
        metrics: from name to (R,); a member that has ended keeps the values it ended with.
        parameters: from name to (R, *shape).
    """

    metrics: dict[str, Array] = field(default_factory=dict)
    parameters: dict[str, Array] = field(default_factory=dict)


@dataclass
class Members:
    """What has become of each member; every array's first axis is R.

    Attributes:
        status: running, completed, stopped_early, diverged (as `lrcli.training.divergence` defines it) or
            interrupted.
        epochs: epochs finished.
        steps: optimizer updates finished.
        diverged_step: the step that would have broken it, counted from 1, or the last step of one that has
            exploded; 0: it has not diverged.
        best: the tracker of the best state.
        best_parameters: the parameters at that state.
    """

    status: NDArray[np.str_]
    epochs: NDArray[np.int64]
    steps: NDArray[np.int64]
    diverged_step: NDArray[np.int64]
    best: Tracker
    best_parameters: dict[str, Array]

    @property
    def active(self) -> NDArray[np.bool_]:
        """Still training."""
        return np.asarray(self.status == "running")


class TrainingLoop:
    """One training of a population.

    Attributes:
        problem: what is trained.
        members: what has become of each member so far.
        steps_per_epoch: optimizer updates in an epoch.
        last_metrics: those of the last record.
        seconds: time spent in the engine so far, evaluations included.
    """

    def __init__(self, engine: Engine, problem: Problem, population: Population, plan: Plan) -> None:
        self._engine = engine
        self.problem = problem
        self._population = population
        self._plan = plan
        self.steps_per_epoch = len(population.training.batch_sizes(problem.splits["train"].size))
        size = population.size
        self.members = Members(
            status=np.full(size, "running", dtype="U13"),
            epochs=np.zeros(size, dtype=np.int64),
            steps=np.zeros(size, dtype=np.int64),
            diverged_step=np.zeros(size, dtype=np.int64),
            best=Tracker(size, plan.best.metric, plan.best.direction),
            best_parameters=engine.parameters(),
        )
        stopping = plan.early_stopping
        self._stopping: Tracker | None = None
        if stopping is not None:
            self._stopping = Tracker(size, stopping.metric, stopping.direction, stopping.min_delta)
        self.last_metrics: dict[str, Array] = {}
        self._ended = np.zeros(size, dtype=bool)  # at the last record: nothing changes for them any more
        self._level = np.zeros(size)  # of the loss before training
        self._interrupted = False
        self.seconds = 0.0

    def interrupt(self) -> None:
        """End after the epochs under way; members still training then are marked interrupted."""
        self._interrupted = True

    def __iter__(self) -> Iterator[Progress]:
        """Train until every member has ended: `Progress` and `Record` events."""
        epochs, every = self._population.training.epochs, self._plan.every
        epoch = 0
        self._measure_level()
        while epoch < epochs and not self._interrupted and self.members.active.any():
            target = min(epochs, (epoch // every + 1) * every)
            for step in self._advance(epoch, target):
                epoch = step // self.steps_per_epoch
                if epoch < target:
                    yield Progress(epoch, step)
            if not self.members.active.any():  # where the last one broke, not where a timed piece ended
                epoch = -(-int(self.members.diverged_step.max()) // self.steps_per_epoch)
            yield self._record(epoch)
        self.members.status[self.members.active] = "completed" if epoch == epochs else "interrupted"

    def _measure_level(self) -> None:
        """Where the loss begins."""
        started = time.perf_counter()
        losses = self._evaluate("train")["train/loss"]
        self._level = starting_level(self.problem, losses, self._population.draw_index)
        self.seconds += time.perf_counter() - started

    def test(self) -> dict[str, Array]:
        """The metrics of the test set, where there is one, with the parameters as they are now."""
        started = time.perf_counter()
        metrics = self._evaluate("test") if "test" in self.problem.splits else {}
        self.seconds += time.perf_counter() - started
        return metrics

    def _advance(self, epoch: int, target: int) -> Iterator[int]:
        """Train to an epoch in pieces of about equal time; yields the steps finished, of the whole run."""
        piece = 1
        while epoch < target and not self._interrupted and self.members.active.any():
            count = min(piece, target - epoch)
            before, taken = epoch * self.steps_per_epoch, 0.0
            started = time.perf_counter()
            for steps in self._engine.advance(epoch + 1, count):
                taken += time.perf_counter() - started
                if steps < count * self.steps_per_epoch:
                    yield before + steps
                started = time.perf_counter()
            self.seconds += taken
            piece = max(1, min(2 * count, int(count * _PIECE_SECONDS / max(taken, 1e-9))))
            epoch += count
            self._account(epoch)
            yield epoch * self.steps_per_epoch

    def _account(self, epoch: int) -> None:
        """How far each member has come."""
        members = self.members
        diverged = self._engine.diverged_steps()
        newly = members.active & (diverged > 0)
        members.diverged_step = np.where(newly, diverged, members.diverged_step)
        members.status[newly] = "diverged"
        members.steps[newly] = diverged[newly] - 1
        members.epochs[newly] = members.steps[newly] // self.steps_per_epoch
        members.epochs[members.active] = epoch
        members.steps[members.active] = epoch * self.steps_per_epoch

    def _record(self, epoch: int) -> Record:
        """Take metrics, keep the best states, stop those that no longer improve."""
        started = time.perf_counter()
        parameters = self._engine.parameters()
        metrics = self._measure(epoch, parameters)
        members = self.members
        is_last = epoch == self._population.training.epochs
        if is_last:
            self._judge(members.active, metrics)
        improved = members.best.update(metrics[self._plan.best.metric], epoch, members.active)
        for name, values in members.best_parameters.items():
            values[improved] = parameters[name][improved]
        if not is_last:
            self._stop_early(epoch, metrics)
        self._ended = ~members.active
        self.seconds += time.perf_counter() - started
        return Record(epoch, epoch * self.steps_per_epoch, metrics, parameters)

    def _stop_early(self, epoch: int, metrics: dict[str, Array]) -> None:
        """Stop the members that no longer improve."""
        members, stopping = self.members, self._plan.early_stopping
        if stopping is None or self._stopping is None:
            return
        self._stopping.update(metrics[stopping.metric], epoch, members.active)
        stopped = members.active & (self._stopping.waited >= stopping.patience)
        if stopped.any():
            members.status[stopped] = "stopped_early"
            self._judge(stopped, metrics)
            self._engine.freeze(stopped)

    def _judge(self, ending: NDArray[np.bool_], metrics: dict[str, Array]) -> None:
        """Which of the members whose training ends here have diverged; see `lrcli.training.divergence`."""
        members = self.members
        loss = metrics.get("train/loss")
        if loss is None:
            loss = self._evaluate("train")["train/loss"]
        broken = ending & ~np.isfinite([loss, metrics.get("val/loss", loss)]).all(axis=0)
        last_epoch = metrics["train/running_loss"]
        if self.problem.loss.reduction == "sum":  # a batch's loss is a share of the whole
            last_epoch = last_epoch * self.steps_per_epoch
        far = ending & ~broken & exploded(loss, last_epoch, self._level)
        members.diverged_step = np.where(broken, members.steps + 1, members.diverged_step)
        members.diverged_step = np.where(far, members.steps, members.diverged_step)
        members.status[broken | far] = "diverged"

    def _measure(self, epoch: int, parameters: dict[str, Array]) -> dict[str, Array]:
        metrics = self._engine.last_epoch()
        if self._plan.evaluate_train:
            metrics |= self._evaluate("train")
        if "val" in self.problem.splits:
            metrics |= self._evaluate("val")
        total = self._population.training.epochs * self.steps_per_epoch
        ends = -(-self.members.diverged_step // self.steps_per_epoch)  # of the epoch in which a member broke
        epochs = np.where(ends > 0, ends, epoch)
        metrics["lr"] = self._population.rates(epochs * self.steps_per_epoch, total)
        metrics |= self._plan.of_parameters(parameters)
        for name, last in self.last_metrics.items():
            metrics[name] = np.where(self._ended, last, metrics[name])
        self.last_metrics = metrics
        return metrics

    def _evaluate(self, split: SplitName) -> dict[str, Array]:
        return {f"{split}/{name}": values for name, values in self._engine.evaluate(split).items()}
