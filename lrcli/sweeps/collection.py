"""What the members of a sweep have done so far, in arrays over seeds and configurations."""

import itertools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrcli.analysis.sampling import TABLES as SAMPLING
from lrcli.analysis.sampling import Sampling
from lrcli.analysis.sweep_results import SweepResults
from lrcli.config.metrics import split_of
from lrcli.storage.array_file import StoredArray, StreamedArray, stored_arrays
from lrcli.storage.files import reporting_errors
from lrcli.sweeps.columns import IN_MEMORY, Columns, MemberArrays, Piece, streamed
from lrcli.sweeps.cutting import Part
from lrcli.sweeps.outcome import PartOutcome, arrays_of
from lrcli.sweeps.plan import SweepPlan
from lrcli.sweeps.stable_rates import stable_rates
from lrcli.training.problem import Array

__all__ = ["Collection", "problems_of", "records_of"]

Kept = NDArray[Any] | StoredArray

_ENDED = ("completed", "stopped_early", "diverged")


class Collection:
    """Filled part by part.

    What is there of each member lies on the disk where it is much, and is read from there; see
    `lrcli.sweeps.columns`. In memory stays how each has ended.
    """

    def __init__(self, plan: SweepPlan) -> None:
        self._plan = plan
        self._numbers = {id(part): number for number, part in enumerate(plan.parts)}
        shape = (len(plan.seeds), len(plan.configurations))
        self._status = np.empty(shape, dtype=object)
        self._status.fill("interrupted")  # one object for each word, which np.full would not give
        self._diverged_step = np.zeros(shape, dtype=np.int64)
        self._epochs = np.zeros(shape, dtype=np.int64)
        self._epoch, self._step = records_of(plan)
        self._arrays = MemberArrays(shape, self._epoch.shape[1])
        self._bytes = 0  # of all outcomes

    def take(self, part: Part, outcome: PartOutcome, path: Path | None = None) -> None:
        """Take in what the members of a part have come to.

        Args:
            part: of the plan.
            outcome: what its members have come to.
            path: the file where it lies; None: nowhere.
        """
        at = tuple(part.indices.T)
        for status in _ENDED:
            self._status[tuple(axis[outcome.status == status] for axis in at)] = status
        lost = outcome.diverged_step != 0  # zeros that nobody writes to take no memory
        self._diverged_step[tuple(axis[lost] for axis in at)] = outcome.diverged_step[lost]
        self._epochs[at] = outcome.epochs
        arrays = arrays_of(outcome)
        self._bytes += sum(values.nbytes for values in arrays.values())
        kept: Mapping[str, Kept] = arrays
        if path is not None and not self.is_small:
            with reporting_errors(path), path.open("rb") as file:
                kept = stored_arrays(path, file)
        members = range(*part.members.indices(part.group.size))
        self._arrays.add(self._numbers[id(part)], Piece(part.group, members, self._told(part, kept)))

    def _told(self, part: Part, arrays: Mapping[str, Kept]) -> dict[str, Kept]:
        """Without what is of no use for all members."""
        same = part.group.experiment.best.metric == self._plan.experiment.best.metric
        return {name: values for name, values in arrays.items() if name != "best" or same}

    @property
    def shape(self) -> tuple[int, int]:
        """(S, C)."""
        return self._arrays.shape

    @property
    def is_small(self) -> bool:
        """Whether everything is in memory."""
        return self._bytes <= IN_MEMORY

    @property
    def records(self) -> dict[str, NDArray[Any] | StreamedArray]:
        """The arrays of curves.npz: of each member the records, and of these epoch and step.

        Both are those of every member, (T,), or (M, T) where configurations differ in them.
        """
        curves, (seeds, configurations), count = self.curves, self.shape, self._arrays.records
        axes = {"step": self._step, "epoch": self._epoch}
        arrays: dict[str, NDArray[Any] | StreamedArray] = {name: axis[0] for name, axis in axes.items()}
        if not all((axis == axis[:1]).all() for axis in axes.values()):
            for name, axis in axes.items():
                pieces = itertools.repeat(axis, seeds)
                arrays[name] = StreamedArray((seeds * configurations, count), axis.dtype, pieces)
        shape = (seeds, configurations, count)
        return arrays | {name: streamed(curves, name, shape, np.float64) for name in curves}

    @property
    def curves(self) -> Columns:
        """From metric to (S, C, T)."""
        recorded = [name for name in self._arrays.names("history:") if name not in ("step", "epoch")]
        named = dict.fromkeys(recorded)  # before the first record there are none
        named |= dict.fromkeys(name for name in self._final if split_of(name) != "test")
        return Columns(
            list(named), lambda name, block: self._arrays.read(f"history:{name}", block, curves=True)
        )

    @property
    def _final(self) -> Columns:
        return self._table("final:", [self._plan.select.metric])

    def _table(self, prefix: str, first: Sequence[str] = ()) -> Columns:
        """The arrays (S, C) of some kind."""
        names = [*first, *self._arrays.names(prefix)]
        return Columns(names, lambda name, block: self._arrays.read(f"{prefix}{name}", block))

    def results(self, curves: Mapping[str, Array] | None = None) -> SweepResults:
        """All of it, members that have not ended as interrupted.

        Args:
            curves: what `curves` gives, where that has been written elsewhere.
        """
        plan, choice = self._plan, self._plan.select
        read = self._arrays.read
        return SweepResults(
            keys=plan.configurations.keys,
            configurations=plan.filled,
            seeds=plan.seeds,
            metric=choice.metric,
            mode=choice.direction,
            status=self._status,
            diverged_step=self._diverged_step,
            epochs=self._epochs,
            final=self._final,
            best=read("best"),
            errors=self._table("errors:"),
            epoch=self._epoch,
            step=self._step,
            curves=self.curves if curves is None else curves,
            undetermined=self._undetermined(),
            least=read("levels:least"),
            constant=read("levels:constant"),
            problems=problems_of(plan),
            sampling=self._sampling(),
            stable=stable_rates(plan),
        )

    def _undetermined(self) -> Columns:
        """For parameters that the data of some member leave open."""
        prefix = "undetermined:"
        found = [
            name
            for name in self._arrays.names(prefix)
            if any(
                bool(np.any(piece.arrays[f"{prefix}{name}"][:] == 1))
                for piece in self._arrays.pieces
                if f"{prefix}{name}" in piece.arrays
            )
        ]
        return Columns(found, lambda name, block: self._arrays.read(f"{prefix}{name}", block) == 1)

    def _sampling(self) -> Sampling | None:
        if not self._arrays.names("sampling:"):
            return None
        tables = {table: self._table(f"sampling:{short}:") for table, short in SAMPLING.items()}
        return Sampling(self._arrays.read("sampling:freedom"), **tables)


def records_of(plan: SweepPlan) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(C, T) the epoch and the step of each record that is planned; -1 after the last of a configuration."""
    shape = (len(plan.configurations), max(part.records for part in plan.parts))
    groups = {id(part.group): part for part in plan.parts}
    if len(groups) == 1:  # a row that is there once
        (part,) = groups.values()
        epochs = part.record_epochs
        return np.broadcast_to(epochs, shape), np.broadcast_to(epochs * part.steps_per_epoch, shape)
    epoch, step = np.full(shape, -1), np.full(shape, -1)
    for part in groups.values():
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
