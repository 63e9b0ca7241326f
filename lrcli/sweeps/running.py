"""`lrcli sweep`: from a plan to a finished sweep directory.

    for event in run_sweep(plan, files, interruption):
        ...  # Compiling, SweepStarted, then SweepProgress as training goes on, then SweepFinished

Each part trains as one population. What it found goes into arrays over all members, and onto the disk as
soon as the part has ended, so that a sweep that was stopped or killed goes on with the parts it lacks.
"""

import math
import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrcli.analysis.sweep_results import SweepResults
from lrcli.running.location import Interruption
from lrcli.running.preparation import Compiling, Prepared, make_ready, prepare
from lrcli.runs.provenance import GitState, environment
from lrcli.sweeps.collection import Collection
from lrcli.sweeps.files import SweepFiles
from lrcli.sweeps.plan import SweepPlan
from lrcli.training.records import Records

__all__ = ["SweepEvent", "SweepFinished", "SweepProgress", "SweepStarted", "run_sweep"]


@dataclass(frozen=True)
class SweepStarted:
    """The directory is there and training begins.

    Attributes:
        run_dir: the directory.
        members: of the sweep.
        steps: optimizer updates to come, those of all parts added up.
        device: where.
    """

    run_dir: Path
    members: int
    steps: int
    device: str


@dataclass(frozen=True)
class SweepProgress:
    """Training has come this far.

    Attributes:
        step: optimizer updates finished, those of all parts added up.
        members: of the part that is training.
        diverged: members that have diverged so far.
        best: the best value yet of the metric that ranks, at any record; NaN before the first.
    """

    step: int
    members: int
    diverged: int
    best: float


@dataclass(frozen=True)
class SweepFinished:
    """The sweep has ended and its tables are written, but for result.json.

    Attributes:
        result: what `SweepFiles.close` is to write there, once all that belongs to the sweep is written.
        results: what it was made of.
    """

    result: dict[str, Any]
    results: SweepResults


SweepEvent = Compiling | SweepStarted | SweepProgress | SweepFinished


def run_sweep(plan: SweepPlan, files: SweepFiles, interruption: Interruption) -> Generator[SweepEvent]:
    """Train every member that has not been trained.

    Args:
        plan: what to train.
        files: where to write; parts whose results lie there are not trained again.
        interruption: set its flag to end after the epochs under way, everything written.

    Raises:
        DeviceError: the device is not there; nothing was written.
        EngineError: the engine is not there, or could not be compiled.
        UsageError: a part does not fit in memory.
        RunDirectoryError: the directory cannot be used.
        WriteError: a file could not be written.
    """
    started = time.perf_counter()
    training = _Training(plan, interruption)
    numbers = range(len(plan.parts))
    missing = [n for n in numbers if files.is_new or not training.restore(n, files.part(n))]
    with GitState(files.place.origin) as git:
        waiting = {number: training.prepare(number) for number in missing[:1]}  # before anything is written
        for prepared, _ in waiting.values():
            yield from make_ready(prepared)
        engines = [prepared.engine.environment for prepared, _ in waiting.values()]
        files.open(environment() | (engines[0] if engines else {}))
        try:
            steps = sum(plan.parts[number].steps for number in missing)
            yield SweepStarted(files.directory, plan.size, steps, str(files.facts.get("device", "")))
            for number in missing:
                if interruption.requested:
                    break
                if number in waiting:
                    prepared, places = waiting.pop(number)
                else:
                    prepared, places = training.prepare(number)
                    yield from make_ready(prepared)
                yield from training.run(number, prepared, places)
                if not np.any(prepared.loop.members.status == "interrupted"):
                    training.collection.save(files.part(number), places, plan.fingerprint)
                del prepared  # before the next part takes its memory
            files.facts |= git.answer()
            results = training.collection.results()
            seconds = {"train_seconds": training.seconds, "total_seconds": time.perf_counter() - started}
            result = files.finish(results, seconds)
        except BaseException as error:
            files.fail(interruption.status(error))
            raise
    yield SweepFinished(result, results)


class _Training:
    """The parts of one sweep, one after the other."""

    def __init__(self, plan: SweepPlan, interruption: Interruption) -> None:
        self.collection = Collection(plan)
        self.seconds = 0.0
        self._plan = plan
        self._interruption = interruption
        self._done = 0  # steps of the parts before
        self._diverged = 0
        self._best = math.nan

    def restore(self, number: int, path: Path) -> bool:
        """Take over a part that an earlier call has finished; whether there was one."""
        part = self._plan.parts[number]
        return self.collection.restore(path, part.group.places(part.members), self._plan.fingerprint)

    def prepare(self, number: int) -> tuple[Prepared, NDArray[np.intp]]:
        """Draw a part and put it into an engine; with it, the places of its members."""
        part = self._plan.parts[number]
        draws, population = part.group.population(part.members)
        return prepare(part.group.experiment, draws, population), part.group.places(part.members)

    def run(self, number: int, prepared: Prepared, places: NDArray[np.intp]) -> Generator[SweepProgress]:
        """Train a part that has been prepared."""
        part, loop = self._plan.parts[number], prepared.loop
        planned = part.record_epochs
        taken = 0
        for event in loop:
            if isinstance(event, Records):
                # The record at which an interruption ended the part is none of those that were planned.
                count = len(event.epochs)
                if loop.members.active.any() and event.epoch != planned[taken + count - 1]:
                    count -= 1
                self.collection.record(places, taken, count, event)
                self._follow(event)
                taken += count
            diverged = self._diverged + int(np.count_nonzero(loop.members.status == "diverged"))
            yield SweepProgress(self._done + event.step, part.size, diverged, self._best)
            if self._interruption.requested:
                loop.interrupt()
        self._done += part.steps
        self._diverged += int(np.count_nonzero(loop.members.status == "diverged"))
        self.collection.finish(places, prepared)
        self.seconds += loop.seconds

    def _follow(self, records: Records) -> None:
        """The best value so far of the metric that ranks."""
        choice = self._plan.select
        values = records.metrics.get(choice.metric, np.full(records.trained.shape, math.nan))
        finite = values[(records.epochs > 0)[:, None] & np.isfinite(values)]
        if finite.size:
            best = finite.min() if choice.direction == "min" else finite.max()
            better = np.fmin if choice.direction == "min" else np.fmax
            self._best = float(better(self._best, best))
