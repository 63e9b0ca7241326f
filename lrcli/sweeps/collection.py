"""What the members of a sweep have done so far, in arrays over seeds and configurations."""

import json
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrcli.analysis.sweep_results import SweepResults
from lrcli.components.initializers import element_names
from lrcli.config.metrics import split_of
from lrcli.running.levels import find_levels
from lrcli.running.preparation import Prepared
from lrcli.runs.files import write_arrays
from lrcli.sweeps.plan import SweepPlan
from lrcli.training.problem import Array
from lrcli.training.records import Records

__all__ = ["Collection"]

_STATE = ("status", "diverged_step", "epochs", "best")


class Collection:
    """Filled part by part; a part is saved as one file once all its members have ended.

    Attributes:
        status: (S, C) empty where a member has not begun.
    """

    def __init__(self, plan: SweepPlan) -> None:
        self._plan = plan
        shape = (len(plan.seeds), len(plan.configurations))
        records = max(part.records for part in plan.parts)
        self.status = np.zeros(shape, dtype="U13")
        self.diverged_step = np.zeros(shape, dtype=np.int64)
        self.epochs = np.zeros(shape, dtype=np.int64)
        self.best = np.full(shape, np.nan)
        self._epoch = np.full((shape[1], records), -1)
        self._step = np.full((shape[1], records), -1)
        for part in plan.parts:
            self._epoch[part.group.configurations, : part.records] = part.record_epochs
            self._step[part.group.configurations, : part.records] = part.record_epochs * part.steps_per_epoch
        self._final: dict[str, Array] = {}
        self._errors: dict[str, Array] = {}
        self._levels: dict[str, Array] = {}
        self._open: dict[str, Array] = {}  # 1 for the numbers that a member's data leave open
        self._curves: dict[str, Array] = {}

    def record(self, places: NDArray[np.intp], first: int, count: int, records: Records) -> None:
        """Take in some records of a part.

        Args:
            places: (R, 2) the seed and the configuration of each of its members.
            first: the number of the first of them, from 0.
            count: how many of them are to be taken in.
            records: their metrics.
        """
        seeds, configurations = places.T
        for name, values in records.metrics.items():
            taken = np.where(records.trained, values, np.nan)[:count]
            self._curve(name)[seeds, configurations, first : first + count] = taken.T

    def finish(self, places: NDArray[np.intp], prepared: Prepared) -> None:
        """Take in how a part has ended."""
        at = tuple(places.T)
        loop, members = prepared.loop, prepared.loop.members
        self.status[at] = members.status
        self.diverged_step[at] = members.diverged_step
        self.epochs[at] = members.epochs
        if members.best.metric == self._plan.experiment.best.metric:
            self.best[at] = members.best.best
        test = {
            name: np.where(members.status == "diverged", np.nan, values)
            for name, values in loop.test().items()
        }
        for name, values in {**loop.last_metrics, **test}.items():
            self._table(self._final, name)[at] = values
        levels = find_levels(prepared)
        for name, values in levels._asdict().items():
            self._table(self._levels, name)[at] = values
        if prepared.recovery is not None and prepared.recovery.known:
            learned = loop.parameters
            self._spread(self._errors, at, prepared.recovery.errors(learned, prepared.rows))
            is_open = {name: mask[prepared.rows] for name, mask in prepared.recovery.undetermined.items()}
            self._spread(self._open, at, {name: mask for name, mask in is_open.items() if mask.any()})

    def _spread(
        self, tables: dict[str, Array], at: tuple[NDArray[np.intp], ...], arrays: Mapping[str, NDArray[Any]]
    ) -> None:
        """Put arrays (R, *shape) by parameter into tables by number."""
        for name, array in arrays.items():
            flat = array.reshape(len(array), -1).T
            for element, values in zip(element_names(name, array.shape[1:]), flat, strict=True):
                self._table(tables, element)[at] = values

    def save(self, path: Path, places: NDArray[np.intp], fingerprint: str) -> None:
        """Write all that is known of some members.

        Raises:
            WriteError: the file could not be written.
        """
        at = tuple(places.T)
        columns = {name: values[at] for name, values in self._by_member().items()}
        write_arrays(path, {"places": places, "fingerprint": np.array(fingerprint), **columns})

    def restore(self, path: Path, places: NDArray[np.intp], fingerprint: str) -> bool:
        """Read what `save` wrote of the same members of the same sweep.

        Returns:
            whether it was there and whole; if not, nothing has changed.
        """
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
                saved = {name: archive[name] for name in archive.files}
            if str(saved.pop("fingerprint")) != fingerprint or not np.array_equal(
                saved.pop("places"), places
            ):
                return False
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
            return False
        at = tuple(places.T)
        for name, values in saved.items():
            kind, _, metric = name.partition(":")
            if kind in _STATE:
                getattr(self, kind)[at] = values
            elif kind == "curve":
                self._curve(metric)[at] = values
            else:
                self._table(self._tables()[kind], metric)[at] = values
        return True

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
            least=self._table(self._levels, "least"),
            constant=self._table(self._levels, "constant"),
            problems=self._problems(),
        )

    def _problems(self) -> NDArray[np.intp]:
        """(C,) equal for configurations that differ in the optimizer, the training and the start alone."""
        plan, keys = self._plan, self._plan.configurations.keys
        blocks = ("dataset", "model", "loss")
        own = [k for k in keys if k.split(".")[0] in blocks and not f"{k}.".startswith("model.init.")]
        if not own:
            return np.zeros(len(plan.configurations), dtype=np.intp)
        numbers: dict[str, int] = {}
        texts = (json.dumps([point.get(key) for key in own]) for point in plan.filled)
        return np.array([numbers.setdefault(text, len(numbers)) for text in texts], dtype=np.intp)

    def _by_member(self) -> dict[str, NDArray[Any]]:
        """Everything that has a value for each member: (S, C) or (S, C, T)."""
        state = {name: getattr(self, name) for name in _STATE}
        numbers = {
            f"{kind}:{name}": values
            for kind, table in self._tables().items()
            for name, values in table.items()
        }
        return state | numbers | {f"curve:{name}": values for name, values in self._curves.items()}

    def _tables(self) -> dict[str, dict[str, Array]]:
        """What is kept of every member beside its state and its curves."""
        return {"final": self._final, "error": self._errors, "level": self._levels, "open": self._open}

    def _curve(self, name: str) -> Array:
        if name not in self._curves:
            self._curves[name] = np.full((*self.status.shape, self._epoch.shape[1]), np.nan)
        return self._curves[name]

    def _table(self, tables: dict[str, Array], name: str) -> Array:
        if name not in tables:
            tables[name] = np.full(self.status.shape, np.nan)
        return tables[name]
