"""Training one part of a sweep: from its members to a value, without a look at the rest of the sweep.

    prepared = prepare_part(part)
    outcome = yield from train_part(part, prepared, select, interruption)

The outcome holds plain arrays, so that a part may be trained in another process.
"""

import math
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrcli.analysis.recovery import Recovery
from lrcli.analysis.sampling import Sampling
from lrcli.config.blocks import Best
from lrcli.running.keeping import Keeper
from lrcli.running.levels import find_levels
from lrcli.running.location import Interruption
from lrcli.running.preparation import Prepared, prepare
from lrcli.running.resuming import refusing_other_states
from lrcli.storage.history import GrowingHistory, History
from lrcli.sweeps.cutting import Part
from lrcli.sweeps.outcome import PartOutcome
from lrcli.training.loop import TrainingLoop
from lrcli.training.problem import Array
from lrcli.training.records import Records
from lrcli.training.states import State, group_of, grouped

__all__ = [
    "PartKeeping",
    "PartProgress",
    "PartRecorder",
    "best_at_records",
    "prepare_part",
    "train_part",
]


@dataclass(frozen=True, eq=False)
class PartKeeping:
    """Where the state of a part is kept while it trains.

    Attributes:
        path: of its last state.
        whose: arrays that say in it whose it is.
        restored: the state from which the part goes on; None: it begins.
    """

    path: Path
    whose: State
    restored: State | None = None


@dataclass(frozen=True)
class PartProgress:
    """A part has come this far.

    Attributes:
        step: optimizer updates finished.
        diverged: members that have diverged so far.
        best: the best value yet of the metric that ranks, at any record; NaN before the first.
    """

    step: int
    diverged: int
    best: float


def prepare_part(part: Part) -> Prepared:
    """Draw a part and put it into an engine; nothing is written.

    Raises:
        DeviceError: the device is not there.
        EngineError: the engine is not there.
        UsageError: the part does not fit in memory.
    """
    draws, population = part.group.population(part.members)
    return prepare(part.group.experiment, draws, population, most_alone=1)  # as with workers of one thread


def train_part(
    part: Part,
    prepared: Prepared,
    select: Best,
    interruption: Interruption,
    keeping: PartKeeping | None = None,
) -> Generator[PartProgress, None, PartOutcome]:
    """Train the members of a part.

    Args:
        part: which.
        prepared: the same, ready to train.
        select: the metric that ranks, of which the progress tells.
        interruption: set its flag to end after the epochs under way.
        keeping: where its state is kept while it trains; from one that is there it goes on.

    Returns:
        What the members have come to.

    Raises:
        WriteError: the state could not be written.
    """
    loop = prepared.loop
    recorder = PartRecorder(part, loop, select)
    if keeping is None:
        yield from _follow(loop, recorder, interruption)
        return _outcome(prepared, recorder.history)
    if keeping.restored is not None:
        with refusing_other_states(keeping.path):
            recorder.restore(keeping.restored)
    with Keeper(keeping.path, of_ended=False) as keeper:
        for progress in _follow(loop, recorder, interruption):
            yield progress
            if keeper.wants(loop, interruption):
                keeper.take(keeping.whose | recorder.state)
        keeper.write_last()
    return _outcome(prepared, recorder.history)


def _follow(
    loop: TrainingLoop, recorder: "PartRecorder", interruption: Interruption
) -> Generator[PartProgress]:
    for event in loop:
        if isinstance(event, Records):
            recorder.record(event)
        yield PartProgress(
            event.step, int(np.count_nonzero(loop.members.status == "diverged")), recorder.best
        )
        if interruption.requested:
            loop.interrupt()


class PartRecorder:
    """Keeps the records of a part that were planned.

    Attributes:
        history: the curves; NaN from the record on at which a member had ended.
        best: the best value yet of the metric that ranks; NaN before the first record.
    """

    def __init__(self, part: Part, loop: TrainingLoop, select: Best) -> None:
        self.history = GrowingHistory(part.size, part.records)
        self.best = math.nan
        self._loop = loop
        self._select = select
        self._epochs = part.record_epochs
        self._steps = part.record_epochs * part.steps_per_epoch

    @property
    def state(self) -> State:
        """All that the part needs to go on, while its loop rests."""
        history = grouped("history", self.history.history.arrays)
        return grouped("loop", self._loop.state()) | history | {"best": np.array(self.best)}

    def restore(self, state: State) -> None:
        """Take over what `state` gave.

        Raises:
            KeyError: it is the state of another part.
        """
        self.history.restore(History.of_arrays(group_of(state, "history")))
        self._loop.restore(group_of(state, "loop"))
        self.best = float(state["best"])

    def record(self, records: Records) -> None:
        """Take in some records, but for the one at which an interruption has ended the part."""
        first, count = len(self.history), len(records.epochs)
        if records.epoch != self._epochs[first + count - 1] and self._loop.members.active.any():
            count -= 1
        planned = slice(first, first + count)
        metrics = {name: np.where(records.trained, v, np.nan)[:count] for name, v in records.metrics.items()}
        self.history.add(self._epochs[planned], self._steps[planned], metrics)
        values = metrics.get(self._select.metric, np.full((count, 0), np.nan))
        self.best = _better(self.best, values[self._epochs[planned] > 0], self._select)


def best_at_records(history: History, select: Best) -> float:
    """The best value of a metric at any record after training has begun; NaN where there is none.

    Args:
        history: the curves.
        select: the metric.
    """
    values = history.metrics.get(select.metric)
    return math.nan if values is None else _better(math.nan, values[:, history.epoch > 0], select)


def _better(best: float, values: Array, select: Best) -> float:
    """The best of one value, which may be NaN, and many."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return best
    if select.direction == "min":
        return float(np.fmin(best, finite.min()))
    return float(np.fmax(best, finite.max()))


def _outcome(prepared: Prepared, history: GrowingHistory) -> PartOutcome:
    """What a part that has ended came to."""
    loop, members, recovery = prepared.loop, prepared.loop.members, prepared.recovery
    errors: dict[str, Array] = {}
    undetermined: dict[str, Array] = {}
    if recovery is not None and recovery.known:
        errors = _by_number(recovery.errors(loop.parameters, prepared.rows), recovery)
        is_open = {name: mask[prepared.rows] for name, mask in recovery.undetermined.items()}
        undetermined = _by_number({name: mask for name, mask in is_open.items() if mask.any()}, recovery)
    return PartOutcome(
        status=members.status,
        diverged_step=members.diverged_step,
        epochs=members.epochs,
        best=members.best.best,
        final=loop.last_metrics | _tested(prepared),
        errors=errors,
        levels=find_levels(prepared)._asdict(),
        undetermined=undetermined,
        sampling=_sampling(prepared),
        history=history.history,
        seconds=loop.seconds,
    )


def _sampling(prepared: Prepared) -> dict[str, Array]:
    """The arrays of a `Sampling`, (R,) each; none where no truth is known."""
    recovery, rows = prepared.recovery, prepared.rows
    if recovery is None or recovery.truth is None:
        return {}
    reference = recovery.reference
    tables = {"truth": recovery.truth, "sampling_errors": recovery.sampling_errors or {}}
    tables["standard_errors"] = (reference and reference.standard_errors) or {}
    of_members = {
        table: _by_number({name: values[rows] for name, values in found.items()}, recovery)
        for table, found in tables.items()
    }
    return Sampling(_freedom(prepared), **of_members).arrays


def _freedom(prepared: Prepared) -> Array:
    """(R,) the degrees of freedom of the residuals."""
    problem, recovery = prepared.problem, prepared.recovery
    if problem.loss.of_logits:
        return np.full(len(prepared.rows), np.inf)
    count = prepared.examples.inputs.shape[1] - sum(parameter.size for parameter in problem.parameters)
    masks = recovery.undetermined.values() if recovery is not None else ()
    some_open = np.any([mask.reshape(len(mask), -1).any(axis=1) for mask in masks], axis=0)
    return np.where(some_open, np.nan, count)[prepared.rows]


def _tested(prepared: Prepared) -> dict[str, Array]:
    """The metrics of the test set, as a run has them: NaN where the member alone would have none."""
    members = prepared.loop.members
    has_best = members.best.epoch > 0
    tested = prepared.loop.test()
    if prepared.experiment.training.best is not None:
        of_best = prepared.loop.test_best()
        tested |= {name: np.where(has_best, values, np.nan) for name, values in of_best.items()}
    return {name: np.where(members.status == "diverged", np.nan, values) for name, values in tested.items()}


def _by_number(arrays: Mapping[str, NDArray[Any]], recovery: Recovery) -> dict[str, Array]:
    """From parameters (R, *shape) to their numbers, (R,) each."""
    return {
        element: values.astype(np.float64)
        for name, array in arrays.items()
        for element, values in zip(recovery.names_of(name), array.reshape(len(array), -1).T, strict=True)
    }
