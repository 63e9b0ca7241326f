"""The one training loop: it drives an engine from record to record and keeps account of the members.

    for event in TrainingLoop(engine, problem, population, plan):
        ...  # Records each time metrics were taken, a Progress in between

Records come in chunks: where epochs are short, the engine trains through many of them before it returns,
and what a record decides (best states, early stopping, divergence) is decided afterwards, with the same
results as record by record. Nothing is logged here; whoever iterates does that. Control returns after each
epoch, or several times a second where epochs are short, and leaving the iteration at any event leaves every
account consistent.

Where the loop rests, between two chunks, its state can be taken, and a new loop of the same problem goes on
from it with the same bits: results do not depend on where a training is cut into chunks.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrcli.config.blocks import Best, EarlyStopping
from lrcli.config.metrics import best_name
from lrcli.training.divergence import exploded, starting_level
from lrcli.training.engine import Engine
from lrcli.training.evaluation import Evaluation
from lrcli.training.population import Population
from lrcli.training.problem import Array, Problem, SplitName
from lrcli.training.records import Progress, Records
from lrcli.training.states import State, group_of, grouped
from lrcli.training.tracking import Tracker

__all__ = ["Members", "Plan", "TrainingLoop"]

_CHUNK_SECONDS = 0.1  # between two events
_CHUNK_NUMBERS = 2**20  # of the metrics and parameters of all members in a chunk of records
_NEVER = np.iinfo(np.intp).max
_OF_MEMBERS = ("status", "epochs", "steps", "diverged_step")


@dataclass(frozen=True)
class Plan:
    """What to record and when to stop.

    Attributes:
        every: epochs between records.
        evaluate_train: whether a record evaluates the whole training set.
        best: the metric by which each member's best state is kept.
        early_stopping: when a member stops before the last epoch.
        of_parameters: further metrics, computed from the parameters: from name to (K, R, *shape), to (K, R).
        of_state: further metrics, (R,) each, computed from all that the engine holds at a record, the steps
            (R,) that each member has taken, and which of them (R,) still train. Records are then taken one
            at a time.
    """

    every: int
    evaluate_train: bool
    best: Best
    early_stopping: EarlyStopping | None = None
    of_parameters: Callable[[Mapping[str, Array]], dict[str, Array]] | None = None
    of_state: Callable[[State, NDArray[np.int64], NDArray[np.bool_]], dict[str, Array]] | None = None


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
        last_metrics: those of the last record, (R,) each.
        seconds: time spent in the engine so far, evaluations included.
        epoch: epochs finished; None before training.
        rests: whether `state` can be asked for at the event under way.
    """

    def __init__(self, engine: Engine, problem: Problem, population: Population, plan: Plan) -> None:
        self._engine = engine
        self._evaluation = Evaluation(engine, problem, population)
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
            best_parameters=self.parameters,
        )
        stopping = plan.early_stopping
        self._stopping: Tracker | None = None
        if stopping is not None:
            self._stopping = Tracker(size, stopping.metric, stopping.direction, stopping.min_delta)
        self.last_metrics: dict[str, Array] = {}
        self._ended = np.zeros(size, dtype=bool)  # at the last record: nothing changes for them any more
        self._interrupted = False
        self._count = 1  # epochs of the next chunk, about
        self.seconds = 0.0
        self.epoch: int | None = None
        self.rests = False

    @property
    def parameters(self) -> dict[str, Array]:
        """The parameters as they are now, from name to (R, *shape)."""
        return self._engine.parameters_at(np.full(self._population.size, -1))

    def optimizer_state(self, member: int) -> dict[str, NDArray[Any]]:
        """What the optimizer carries from step to step, from name to (n,); as it is at the last parameters.

        Empty where it carries nothing, and of a member that diverged or stopped early: its state may have
        seen later epochs, for records are judged when the chunk that they are in has been trained.
        """
        if self.members.status[member] not in ("completed", "interrupted"):
            return {}
        prefix = "state/"
        state = self._engine.state().items()
        return {name.removeprefix(prefix): v[member] for name, v in state if name.startswith(prefix)}

    def interrupt(self) -> None:
        """End after the epochs under way; members still training then are marked interrupted."""
        self._interrupted = True

    def __iter__(self) -> Iterator[Progress]:
        """Train until every member has ended: `Progress` and `Records` events.

        A loop that was restored goes on where it was, without the record before training.
        """
        epochs = self._population.training.epochs
        if self.epoch is None:
            start = self._record_start()
            self.epoch, self.rests = 0, True
            yield start
        while self.epoch < epochs and not self._interrupted and self.members.active.any():
            yield from self._chunk()
        ended = self.members.active
        self.members.status[ended] = "completed" if self.epoch == epochs else "interrupted"

    def _chunk(self) -> Iterator[Progress]:
        """Train a chunk of epochs, and take the records at its end, if there are any."""
        before, earlier = self.epoch or 0, self.seconds
        snapshots = self._next_snapshots(before, self._count)
        self.rests = False
        yield from self._advance(before, snapshots)
        self.epoch = int(snapshots[-1])
        trained, planned = self.epoch - before, self._is_planned(self.epoch)
        self._count = self._next_count(trained, self.seconds - earlier)
        if not planned:
            self.rests = bool(self.members.active.any())
            yield Progress(self.epoch, self.epoch * self.steps_per_epoch)
        # Whoever was told of the progress may have interrupted; of what is recorded then, no state knows.
        if planned or self._interrupted or not self.members.active.any():
            records = self._record(snapshots)
            self.epoch = records.epoch
            self._count = self._next_count(trained, self.seconds - earlier)
            self.rests = planned and not self.ends and bool(self.members.active.any())
            yield records
            self.rests = False

    @property
    def ends(self) -> bool:
        """Whether all epochs have been trained."""
        return self.epoch == self._population.training.epochs

    @property
    def ends_next(self) -> bool:
        """Whether no rest is to come: the next chunk is the last."""
        epochs = self._population.training.epochs
        return self.ends or int(self._next_snapshots(self.epoch or 0, self._count)[-1]) == epochs

    def state(self) -> State:
        """All that a new loop of the same problem, population and plan needs to go on with the same bits.

        A population that trains for more epochs may go on from it, too: it is taken before the last chunk.

        Returns:
            A flat mapping of arrays: ``engine/...``, ``members/...``, ``best/...`` and so on.

        Raises:
            ValueError: the loop does not rest.
        """
        if not self.rests:
            raise ValueError("a loop has a state between two chunks, not within one")
        members = self.members
        state = grouped("engine", self._engine.state())
        state |= grouped("members", {name: getattr(members, name).copy() for name in _OF_MEMBERS})
        state |= grouped("best", members.best.state)
        state |= grouped("best_parameters", {name: a.copy() for name, a in members.best_parameters.items()})
        state |= grouped("stopping", {} if self._stopping is None else self._stopping.state)
        state |= grouped("last", self.last_metrics)
        state |= {"level": self._level, "ended": self._ended, "epoch": np.array(self.epoch)}
        return state | {"seconds": np.array(self.seconds)}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Take over what `state` gave; to be called before training.

        Raises:
            KeyError: it is the state of another population.
        """
        members = self.members
        self._engine.restore(group_of(state, "engine"))
        for name in _OF_MEMBERS:
            setattr(members, name, state[f"members/{name}"].copy())
        members.best.restore(group_of(state, "best"))
        members.best_parameters = {n: a.copy() for n, a in group_of(state, "best_parameters").items()}
        if self._stopping is not None:
            self._stopping.restore(group_of(state, "stopping"))
        self.last_metrics = group_of(state, "last")
        self._level, self._ended = state["level"], state["ended"]
        self.epoch, self.seconds = int(state["epoch"]), float(state["seconds"])

    def test(self) -> dict[str, Array]:
        """The metrics of the test set, where there is one, with the parameters as they are now; (R,) each."""
        started = time.perf_counter()
        metrics = self._evaluate("test") if "test" in self.problem.splits else {}
        self.seconds += time.perf_counter() - started
        return {name: values[-1] for name, values in metrics.items()}

    def test_best(self) -> dict[str, Array]:
        """The same with the parameters of each member's best record; called ``best/test/loss`` and so on."""
        if "test" not in self.problem.splits:
            return {}
        state = self._engine.state()
        started = time.perf_counter()
        columns = [self.members.best_parameters[p.name] for p in self.problem.parameters]
        rows = np.concatenate([values.reshape(self._population.size, -1) for values in columns], axis=1)
        self._engine.restore(state | {"parameters": rows.astype(state["parameters"].dtype)})
        metrics = self._evaluate("test")
        self._engine.restore(state)
        self.seconds += time.perf_counter() - started
        return {best_name(name): values[-1] for name, values in metrics.items()}

    def _is_planned(self, epoch: int) -> bool:
        """Whether a record is to be taken there, come what may."""
        return epoch % self._plan.every == 0 or epoch == self._population.training.epochs

    def _next_count(self, trained: int, taken: float) -> int:
        """How many epochs the next chunk has, after one of so many in so many seconds."""
        return max(1, min(2 * trained, int(trained * _CHUNK_SECONDS / max(taken, 1e-9))))

    # From epoch to epoch --------------------------------------------------------------------------

    def _next_snapshots(self, epoch: int, count: int) -> NDArray[np.int64]:
        """The epochs at which the engine is to stop for a look: the next records, about `count` epochs ahead.

        Where that is too far for one, an epoch in between.
        """
        epochs, every = self._population.training.epochs, self._plan.every
        ahead = min(epoch + count, epochs)
        numbers = sum(parameter.size for parameter in self.problem.parameters) + len(self.last_metrics)
        most = max(1, _CHUNK_NUMBERS // (numbers * self._population.size))
        most = most if self._plan.of_state is None else 1  # the state is that of the last snapshot alone
        first = (epoch // every + 1) * every
        records = np.arange(first, min(ahead, first + (most - 1) * every) + 1, every, dtype=np.int64)
        if ahead == epochs and len(records) < most and (not len(records) or records[-1] < epochs):
            return np.append(records, epochs)
        return records if len(records) else np.array([ahead], dtype=np.int64)

    def _advance(self, epoch: int, snapshots: NDArray[np.int64]) -> Iterator[Progress]:
        """Train a chunk of epochs."""
        before, last = (int(e) * self.steps_per_epoch for e in (epoch, snapshots[-1]))
        started = time.perf_counter()
        for steps in self._engine.advance(epoch + 1, snapshots.tolist()):
            self.seconds += time.perf_counter() - started
            if before + steps < last:
                yield Progress((before + steps) // self.steps_per_epoch, before + steps)
            started = time.perf_counter()
        self._account(int(snapshots[-1]))

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

    # Records --------------------------------------------------------------------------------------

    def _record_start(self) -> Records:
        """The record before training, and the level from which losses may explode."""
        started = time.perf_counter()
        epochs = np.zeros(1, dtype=np.int64)
        metrics = self._measure(epochs)
        losses = metrics.get("train/loss")
        losses = self._evaluate("train")["train/loss"] if losses is None else losses
        self._level = starting_level(self.problem, losses[0], self._population.draw_index)
        self.last_metrics = {name: values[-1] for name, values in metrics.items()}
        self.seconds += time.perf_counter() - started
        everyone = np.ones((1, self._population.size), dtype=bool)
        return Records(0, 0, epochs, epochs, metrics, everyone, self._engine.parameters)

    def _record(self, epochs: NDArray[np.int64]) -> Records:
        """Take metrics, keep the best states, stop those that no longer improve.

        Args:
            epochs: (K,) of the snapshots.
        """
        started = time.perf_counter()
        members = self.members
        metrics = self._measure(epochs)
        broken = self._records_where_broken(epochs)
        stopped = self._records_where_stopped(epochs, metrics, broken)
        ends = np.where(self._ended, -1, np.minimum(broken, stopped))
        epochs = self._cut(epochs, ends, stopped)
        self._hold(metrics, ends, len(epochs))
        finished = members.active & (stopped == _NEVER) & (epochs[-1] == self._population.training.epochs)
        self._judge(finished, metrics, np.full(len(ends), len(epochs) - 1))
        unsound = np.where(finished & (members.status == "diverged"), len(epochs) - 1, broken)
        self._keep_best(epochs, metrics, counts=self._upto(epochs, stopped) & ~self._from(epochs, unsound))
        self._stop_early(stopped, epochs, metrics)
        trained = ~self._ended & (np.arange(len(epochs))[:, None] <= ends)
        self._ended = ~members.active
        self.last_metrics = {name: values[-1] for name, values in metrics.items()}
        self.seconds += time.perf_counter() - started
        steps = epochs * self.steps_per_epoch
        read = partial(self._first_parameters, len(epochs))
        return Records(int(epochs[-1]), int(steps[-1]), epochs, steps, metrics, trained, read)

    def _first_parameters(self, count: int) -> dict[str, Array]:
        """The parameters at the first snapshots, from name to (K, R, *shape)."""
        return {name: values[:count] for name, values in self._engine.parameters().items()}

    def _measure(self, epochs: NDArray[np.int64]) -> dict[str, Array]:
        """The metrics at the snapshots of some epochs, (K, R) each."""
        metrics = self._engine.epoch_metrics()
        if self._plan.evaluate_train:
            metrics |= self._evaluate("train")
        if "val" in self.problem.splits:
            metrics |= self._evaluate("val")
        metrics["lr"] = self._rates(epochs)
        if self._plan.of_state is not None:
            found = self._plan.of_state(self._engine.state(), self.members.steps, ~self._ended)
            metrics |= {name: values[None] for name, values in found.items()}
        if self._plan.of_parameters is not None:
            metrics |= self._plan.of_parameters(self._engine.parameters())
        return metrics

    def _rates(self, epochs: NDArray[np.int64]) -> Array:
        """The learning rate of each member in the last step of its own, (K, R); NaN before training."""
        steps, size = self.steps_per_epoch, self._population.size
        total = self._population.training.epochs * steps
        rates = np.full((len(epochs), size), np.nan)
        taken = epochs > 0
        rates[taken] = self._population.rates(epochs[taken] * steps, total)
        # The epoch in which a member broke, if that is since the last record.
        last = np.where(self._ended, 0, -(-self.members.diverged_step // steps))
        for epoch in np.unique(last[last > 0]).tolist():
            members = last == epoch
            rate = self._population.rates(np.array([epoch * steps]), total)[0, members]
            rates[:, members] = np.where(epochs[:, None] < epoch, rates[:, members], rate)
        return rates

    def _records_where_broken(self, epochs: NDArray[np.int64]) -> NDArray[np.intp]:
        """(R,) the index of the record at which a member's numbers were no longer finite; else never."""
        diverged = self.members.diverged_step
        index = np.searchsorted(epochs, -(-diverged // self.steps_per_epoch))
        return np.where((diverged > 0) & ~self._ended, index, _NEVER)

    def _records_where_stopped(
        self, epochs: NDArray[np.int64], metrics: Mapping[str, Array], broken: NDArray[np.intp]
    ) -> NDArray[np.intp]:
        """(R,) the index of the record at which a member no longer improved and stops; else never."""
        stopping = self._plan.early_stopping
        if stopping is None or self._stopping is None:
            return np.full(len(broken), _NEVER)
        counts = ~self._from(epochs, broken) & (epochs < self._population.training.epochs)[:, None]
        waited = self._stopping.update(metrics[stopping.metric], epochs, counts).waited
        stops = counts & (waited >= stopping.patience)
        return np.where(stops.any(axis=0), stops.argmax(axis=0), _NEVER)

    def _upto(self, epochs: NDArray[np.int64], index: NDArray[np.intp]) -> NDArray[np.bool_]:
        """(K, R) which records come no later than a member's own."""
        return np.arange(len(epochs))[:, None] <= index

    def _from(self, epochs: NDArray[np.int64], index: NDArray[np.intp]) -> NDArray[np.bool_]:
        """(K, R) which records come no earlier than a member's own; all, where it had ended before."""
        return self._ended | (np.arange(len(epochs))[:, None] >= index)

    def _cut(
        self, epochs: NDArray[np.int64], ends: NDArray[np.intp], stopped: NDArray[np.intp]
    ) -> NDArray[np.int64]:
        """The epochs of the records up to the one where the last member ended.

        Where that one broke, the record is of the epoch in which it did, not of where the chunk ended.
        """
        last = int(ends.max())
        if last == _NEVER:
            return epochs
        epochs = epochs[: last + 1].copy()
        if not np.any(stopped == last):
            epochs[-1] = -(-int(self.members.diverged_step.max()) // self.steps_per_epoch)
        return epochs

    def _hold(self, metrics: dict[str, Array], ends: NDArray[np.intp], count: int) -> None:
        """Members that have ended keep the values they ended with."""
        if ends.min() >= count:
            return
        index = np.minimum(np.arange(count)[:, None], np.maximum(ends, 0))
        for name, values in metrics.items():
            held = np.take_along_axis(values, index, axis=0)
            metrics[name] = np.where(self._ended, self.last_metrics[name], held)

    def _keep_best(
        self, epochs: NDArray[np.int64], metrics: Mapping[str, Array], counts: NDArray[np.bool_]
    ) -> None:
        """Follow the metric of the best state, and keep the parameters of that state."""
        better, index, _ = self.members.best.update(metrics[self._plan.best.metric], epochs, counts)
        parameters = self._engine.parameters_at(index) if better.any() else {}
        for name, values in parameters.items():
            self.members.best_parameters[name][better] = values[better]

    def _stop_early(
        self, stopped: NDArray[np.intp], epochs: NDArray[np.int64], metrics: Mapping[str, Array]
    ) -> None:
        """End the members that stop at a record, with what they were then."""
        members, stops = self.members, stopped != _NEVER
        if not stops.any():
            return
        members.status[stops] = "stopped_early"
        members.epochs[stops] = epochs[stopped[stops]]
        members.steps[stops] = members.epochs[stops] * self.steps_per_epoch
        index = np.where(stops, stopped, 0)
        self._judge(stops, metrics, index)
        self._engine.freeze(stops, index)

    def _judge(
        self, ending: NDArray[np.bool_], metrics: Mapping[str, Array], index: NDArray[np.intp]
    ) -> None:
        """Which of the members whose training ends here have diverged; see `lrcli.training.divergence`.

        Args:
            ending: (R,) whose training ends.
            metrics: of the records.
            index: (R,) the record of each.
        """
        if not ending.any():
            return
        members = self.members
        loss = metrics.get("train/loss")
        at = index, np.arange(len(index))
        loss = (self._evaluate("train")["train/loss"] if loss is None else loss)[at]
        val = metrics["val/loss"][at] if "val/loss" in metrics else loss
        broken = ending & ~np.isfinite([loss, val]).all(axis=0)
        last_epoch = metrics["train/running_loss"][at]
        if self.problem.loss.reduction == "sum":  # a batch's loss is a share of the whole
            last_epoch = last_epoch * self.steps_per_epoch
        far = ending & ~broken & exploded(loss, last_epoch, self._level)
        members.diverged_step = np.where(broken, members.steps + 1, members.diverged_step)
        members.diverged_step = np.where(far, members.steps, members.diverged_step)
        members.status[broken | far] = "diverged"

    def _evaluate(self, split: SplitName) -> dict[str, Array]:
        return {f"{split}/{name}": values for name, values in self._evaluation.of(split).items()}
