"""`lrcli sweep`: from a plan to a finished sweep directory.

    for event in run_sweep(plan, files, interruption):
        ...  # Compiling, SweepStarted, then SweepProgress as training goes on, then SweepFinished

Each part trains as one population. What it found goes into arrays over all members, and onto the disk as
soon as the part has ended, and its state every half minute before that, so that a sweep that was stopped or
killed goes on where it was, with the parts it lacks. An
error of whoever iterates can be thrown into the generator, and the result says how the sweep has ended.
"""

import math
import time
import warnings
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lrcli.analysis.sweep_results import SweepResults
from lrcli.experiment.user_code import code_facts
from lrcli.running.location import Interruption
from lrcli.running.moments import Begun, Ended
from lrcli.running.preparation import Compiling, Prepared, make_ready
from lrcli.storage.provenance import GitState, environment
from lrcli.storage.result_fields import Timing
from lrcli.storage.state import delete_states, read_state
from lrcli.storage.sweep_result import SweepResult
from lrcli.sweeps.collection import Collection
from lrcli.sweeps.cutting import Part
from lrcli.sweeps.files import SweepFiles
from lrcli.sweeps.outcome import PartOutcome, is_of, load_outcome, save_outcome, whose
from lrcli.sweeps.part import PartKeeping, prepare_part, train_part
from lrcli.sweeps.plan import SweepPlan
from lrcli.sweeps.share_tally import ShareTally

__all__ = ["ShareFinished", "SweepEvent", "SweepFinished", "SweepProgress", "SweepStarted", "run_sweep"]


@dataclass(frozen=True)
class SweepStarted(Begun):
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
class SweepFinished(Ended):
    """The sweep has ended and its tables are written, but for result.json, which comes last.

    Attributes:
        result: what is going to stand there.
        results: what it was made of.
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


SweepEvent = Compiling | SweepStarted | SweepProgress | SweepFinished | ShareFinished


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
    training = _Training(plan, files, interruption)
    with files.held(), GitState(files.location.origin) as git:
        missing = [number for number in files.parts if not training.restore(number)]
        # What cannot be trained is found before anything is written.
        prepared = prepare_part(plan.parts[missing[0]]) if missing else None
        if prepared is not None:
            yield from make_ready(prepared)
        facts = prepared.engine.environment if prepared is not None else {}
        trains = bool(missing) or files.is_new  # else nothing depends on this process
        files.open(environment() | facts | code_facts(plan.experiment) if trains else {})
        try:
            steps = sum(plan.parts[number].steps for number in missing)
            yield SweepStarted(files.directory, plan.size, steps, str(files.facts.get("device", "")))
            for number in missing:
                if interruption.requested:
                    break
                if prepared is None:
                    prepared = prepare_part(plan.parts[number])
                    yield from make_ready(prepared)
                yield from training.run(number, prepared)
                prepared = None  # before the next part takes its memory
            files.facts |= git.answer() if trains else {}
            seconds = files.seconds + training.seconds
            ended = training.finish(Timing(seconds, time.perf_counter() - started))
            yield ended
            files.close(ended.result)
        except BaseException as error:
            files.fail(interruption.status(error))
            raise


class _Training:
    """The parts of one sweep, one after the other.

    Attributes:
        collection: what they have come to.
        seconds: in the engine.
    """

    def __init__(self, plan: SweepPlan, files: SweepFiles, interruption: Interruption) -> None:
        self.collection = Collection(plan) if files.shard is None else ShareTally()
        self.seconds = 0.0
        self._plan = plan
        self._files = files
        self._interruption = interruption
        self._step = 0  # of the parts before
        self._diverged = 0
        self._best = math.nan

    def restore(self, number: int) -> bool:
        """Take over a part that an earlier call has finished; whether there was one."""
        if self._files.is_new:
            return False
        part = self._plan.parts[number]
        outcome = load_outcome(self._files.part(number), part, self._plan.fingerprint)
        if outcome is not None:
            self.collection.take(part, outcome)
        return outcome is not None

    def finish(self, timing: Timing) -> SweepFinished | ShareFinished:
        """Write what the parts have come to."""
        if isinstance(self.collection, ShareTally):
            return ShareFinished(self._files.finish_share(self.collection, timing))
        results = self.collection.results()
        return SweepFinished(self._files.finish(results, timing), results)

    def run(self, number: int, prepared: Prepared) -> Generator[SweepProgress]:
        """Train a part, and keep what it has come to."""
        part = self._plan.parts[number]
        path = self._files.part_state(number)
        outcome = yield from self._follow(part, prepared, self._keeping(path, part))
        self.collection.take(part, outcome)
        self.seconds += outcome.seconds
        if outcome.is_complete:
            save_outcome(self._files.part(number), part, outcome, self._plan.fingerprint)
            delete_states(path)

    def _keeping(self, path: Path, part: Part) -> PartKeeping:
        """Where the state of a part is kept, and the one that an earlier call has left."""
        kept = read_state(path)
        for file in kept.damaged:
            goes_on = "the state before it is taken" if kept.arrays else "its members are trained anew"
            warnings.warn(f"{file}: has been damaged; {goes_on}", stacklevel=2)
        is_own = kept.arrays is not None and is_of(kept.arrays, part, self._plan.fingerprint)
        restored = dict(kept.arrays) if kept.arrays is not None and is_own else None
        return PartKeeping(path, whose(part, self._plan.fingerprint), restored)

    def _follow(
        self, part: Part, prepared: Prepared, keeping: PartKeeping
    ) -> Generator[SweepProgress, None, PartOutcome]:
        """Train a part; how far it has come is added to what the parts before have come to."""
        training = train_part(part, prepared, self._plan.select, self._interruption, keeping)
        better = np.fmin if self._plan.select.direction == "min" else np.fmax
        step, diverged, best = self._step, self._diverged, self._best
        while True:
            try:
                reached = next(training)
            except StopIteration as ended:
                outcome: PartOutcome = ended.value
                break
            self._step = step + reached.step
            self._diverged = diverged + reached.diverged
            self._best = float(better(best, reached.best))
            yield SweepProgress(self._step, part.size, self._diverged, self._best)
        self._step = step + part.steps  # also where all members have ended before
        return outcome
