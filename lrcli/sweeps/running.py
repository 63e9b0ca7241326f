"""`lrcli sweep`: from a plan to a finished sweep directory.

    for event in run_sweep(plan, files, interruption):
        ...  # Waiting, if need be, SweepStarted, then SweepProgress as training goes on, then SweepFinished

Each part trains as one population, in this process or elsewhere; see `lrcli.sweeps.trainer`. What it found
goes into arrays over all members, and onto the disk as soon as the part has ended, so that a sweep that was
stopped or killed goes on with the parts it lacks. An error of whoever iterates can be thrown into the
generator, and the result says how the sweep has ended.
"""

import math
import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lrcli.analysis.sweep_results import SweepResults
from lrcli.experiment.user_code import code_facts
from lrcli.running.location import Interruption
from lrcli.running.moments import Begun, Ended, Waiting
from lrcli.storage.provenance import GitState, environment
from lrcli.storage.result_fields import Timing
from lrcli.storage.state import delete_states
from lrcli.storage.sweep_result import SweepResult
from lrcli.sweeps.collection import Collection
from lrcli.sweeps.files import SweepFiles
from lrcli.sweeps.outcome import load_outcome, save_outcome
from lrcli.sweeps.part import PartProgress, best_at_records
from lrcli.sweeps.plan import SweepPlan
from lrcli.sweeps.share_tally import ShareTally
from lrcli.sweeps.trainer import OwnProcess, PartEnded, PartLost, PartReached, Trainer, TrainerEvent, Workers
from lrcli.wording import counted

__all__ = ["ShareFinished", "SweepEvent", "SweepFinished", "SweepProgress", "SweepStarted", "run_sweep"]

_SPANS = 5  # of members that are named
_LOST = 5  # parts that are named


@dataclass(frozen=True)
class SweepStarted(Begun):
    """The directory is there and training begins.

    Attributes:
        run_dir: the directory.
        members: of the sweep, or of the share of it that is trained.
        steps: optimizer updates to come, those of all parts added up.
        device: where.
        parts: that are going to be trained.
        workers: who trains; None: this process.
    """

    run_dir: Path
    members: int
    steps: int
    device: str
    parts: int = 1
    workers: Workers | None = None


@dataclass(frozen=True)
class SweepProgress:
    """Training has come this far.

    Attributes:
        step: optimizer updates finished, those of all parts added up.
        members: of the parts that are training.
        diverged: members that have diverged so far.
        best: the best value yet of the metric that ranks, at any record; NaN before the first.
        ended: parts that have ended.
        workers: who trains; None: this process.
    """

    step: int
    members: int
    diverged: int
    best: float
    ended: int = 0
    workers: Workers | None = None


@dataclass(frozen=True)
class SweepFinished(Ended):
    """The sweep has ended and its tables are written, but for result.json, which comes last.

    Attributes:
        result: what is going to stand there.
        results: what it was made of; of many members much lies in files that are gone once the sweep is over.
    """

    result: SweepResult
    results: SweepResults


@dataclass(frozen=True)
class ShareFinished(Ended):
    """The same of a share: its parts are written, and there are no tables.

    Attributes:
        result: what is going to stand in result.json.
    """

    result: SweepResult


SweepEvent = Waiting | SweepStarted | SweepProgress | SweepFinished | ShareFinished


def run_sweep(
    plan: SweepPlan, files: SweepFiles, interruption: Interruption, trainer: Trainer | None = None
) -> Generator[SweepEvent]:
    """Train every member that has not been trained.

    Args:
        plan: what to train.
        files: where to write; parts whose results lie there are not trained again.
        interruption: set its flag to end after the epochs under way, everything written.
        trainer: who trains; None: this process.

    Raises:
        DeviceError: the device is not there; nothing was written.
        EngineError: the engine is not there, or could not be compiled.
        UsageError: a part does not fit in memory.
        RunDirectoryError: the directory cannot be used.
        WriteError: a file could not be written.
        ClusterError: workers elsewhere cannot be reached any more; what they have trained is kept.
    """
    started = time.perf_counter()
    trainer = trainer or OwnProcess()
    training = _Training(plan, files, trainer)
    with files.held(), GitState(files.location.origin) as git:
        missing = [number for number in files.parts if not training.restore(number)]
        if missing:
            yield from trainer.ready(plan, missing)
        trains = bool(missing) or files.is_new  # else nothing depends on this process
        files.open(environment() | dict(trainer.facts) | code_facts(plan.experiment) if trains else {})
        try:
            steps = sum(plan.parts[number].steps for number in missing)
            device = str(files.facts.get("device", ""))
            members = sum(plan.parts[number].size for number in files.parts)
            yield SweepStarted(files.directory, members, steps, device, len(missing), trainer.workers)
            if missing:
                yield from training.run(missing, interruption)
            files.facts |= git.answer() | dict(trainer.facts) if trains else {}
            seconds = files.seconds + training.seconds
            ended = training.finish(Timing(seconds, time.perf_counter() - started))
            yield ended
            files.close(ended.result)
        except BaseException as error:
            files.fail(interruption.status(error))
            raise


class _Training:
    """The parts of one sweep as they are trained.

    Attributes:
        collection: what they have come to.
        seconds: in the engine, those of all parts added up.
        lost: a sentence for each part that could not be trained.
    """

    def __init__(self, plan: SweepPlan, files: SweepFiles, trainer: Trainer) -> None:
        self.collection = Collection(plan) if files.shard is None else ShareTally()
        self.seconds = 0.0
        self.lost: list[str] = []
        self._plan = plan
        self._files = files
        self._trainer = trainer
        self._under_way: dict[int, PartProgress] = {}
        self._ended = PartProgress(0, 0, math.nan)  # all parts that have ended
        self._num_ended = 0
        self._members = 0  # of the parts under way, or of the last

    def restore(self, number: int) -> bool:
        """Take over a part that an earlier call has finished; whether there was one."""
        if self._files.is_new:
            return False
        part = self._plan.parts[number]
        path = self._files.part(number)
        outcome = load_outcome(path, part, self._plan.fingerprint)
        if outcome is not None:
            self.collection.take(part, outcome, path)
        return outcome is not None

    def finish(self, timing: Timing) -> SweepFinished | ShareFinished:
        """Write what the parts have come to."""
        told = self._trainer.warnings, self._lost_words()
        if isinstance(self.collection, ShareTally):
            return ShareFinished(self._files.finish_share(self.collection, timing, *told))
        results = self._files.collected(self.collection)
        return SweepFinished(self._files.finish(results, timing, *told), results)

    def run(self, numbers: list[int], interruption: Interruption) -> Generator[Waiting | SweepProgress]:
        """Have parts trained, and keep what each has come to."""
        for event in self._trainer.train(self._files, numbers, interruption):
            if isinstance(event, Waiting):
                yield event
                continue
            self._take(event)
            yield self._progress()

    def _take(self, event: TrainerEvent) -> None:
        if isinstance(event, PartReached):
            self._under_way[event.number] = event.progress
        elif isinstance(event, PartEnded):
            self._keep(event)
        elif isinstance(event, PartLost):
            self._under_way.pop(event.number, None)
            self.lost.append(f"{self._called(event.number)} {event.why}")

    def _keep(self, event: PartEnded) -> None:
        part, outcome, path = self._plan.parts[event.number], event.outcome, self._files.part(event.number)
        self.seconds += outcome.seconds
        if outcome.is_complete:
            save_outcome(path, part, outcome, self._plan.fingerprint)
            delete_states(self._files.part_state(event.number))
        self.collection.take(part, outcome, path if outcome.is_complete else None)
        self._under_way.pop(event.number, None)
        diverged = int(np.count_nonzero(outcome.status == "diverged"))
        # All of its steps, also where its members have ended before.
        part_ended = PartProgress(part.steps, diverged, best_at_records(outcome.history, self._plan.select))
        self._ended = self._added([self._ended, part_ended])
        self._num_ended += 1

    def _progress(self) -> SweepProgress:
        """What all parts have come to."""
        reached = self._added([self._ended, *self._under_way.values()])
        self._members = sum(self._plan.parts[n].size for n in self._under_way) or self._members
        return SweepProgress(
            reached.step,
            self._members,
            reached.diverged,
            reached.best,
            self._num_ended,
            self._trainer.workers,
        )

    def _added(self, reached: list[PartProgress]) -> PartProgress:
        better = np.fmin if self._plan.select.direction == "min" else np.fmax
        best = float(better.reduce([each.best for each in reached]))
        return PartProgress(sum(each.step for each in reached), sum(each.diverged for each in reached), best)

    def _lost_words(self) -> list[str]:
        """One sentence on all parts that were lost; the first few are named."""
        more = len(self.lost) - _LOST
        likewise = [f"and {counted(more, 'other part')}"] if more > 0 else []
        return ["; ".join([*self.lost[:_LOST], *likewise])] if self.lost else []

    def _called(self, number: int) -> str:
        """A part by its number and its members, such as ``part 3 (members 20 to 39)``."""
        indices = self._plan.parts[number].indices
        members = np.sort(indices[:, 0] * len(self._plan.configurations) + indices[:, 1])
        rows = np.split(members, np.flatnonzero(np.diff(members) != 1) + 1)
        spans = [f"{row[0]} to {row[-1]}" if len(row) > 1 else f"{row[0]}" for row in rows[:_SPANS]]
        more = ", ..." if len(rows) > _SPANS else ""
        return f"part {number} ({counted(len(members), 'member')}: {', '.join(spans)}{more})"
