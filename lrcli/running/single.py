"""`lrcli train`: from an `Experiment` to a finished run directory.

    for event in train(experiment, location, interruption):
        ...  # Compiling, Started, then Progress and Records as training goes on, then Finished

This generator owns the run's own files (experiment.yaml, metrics.csv, result.json, checkpoint/). What
is shown on a screen or in TensorBoard is made of its events, by whoever iterates.
"""

import contextlib
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from lrcli.experiment.experiment import Experiment
from lrcli.experiment.loading import Source
from lrcli.experiment.user_code import code_facts, opened
from lrcli.running.files import RunFiles, state_path
from lrcli.running.keeping import Keeper
from lrcli.running.levels import find_levels
from lrcli.running.location import Interruption, OutputLocation
from lrcli.running.moments import Begun, Ended
from lrcli.running.preparation import Compiling, make_ready, prepare
from lrcli.running.repeating import Earlier, earlier_run, what_differs
from lrcli.running.resuming import FINGERPRINT, Resumed, fingerprint, refuse_other_code, refusing_other_states
from lrcli.running.trained import TrainedRun
from lrcli.storage.provenance import GitState, environment
from lrcli.storage.run_result import RunResult
from lrcli.training.loop import TrainingLoop
from lrcli.training.population import build_population
from lrcli.training.problem import Draw
from lrcli.training.records import Progress, Records
from lrcli.training.states import State, group_of

__all__ = ["Event", "Finished", "Saving", "Started", "train"]


@dataclass(frozen=True)
class Started(Begun):
    """The run directory is there and training begins.

    Attributes:
        run_dir: the directory.
        epochs: to be trained.
        steps: optimizer updates in all of them.
        device: where.
        so_far: gives the run as far as it has come, whenever it is asked.
        restored: of a run that goes on, what was added to its state; None for a new one.
        notes: what the user should know, a sentence each.
    """

    run_dir: Path
    epochs: int
    steps: int
    device: str
    so_far: Callable[[], TrainedRun]
    restored: State | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Saving:
    """The state of the run is taken, from which it can go on.

    Attributes:
        added: where those who follow the run put the arrays that they need for it.
    """

    added: State = field(default_factory=dict)


@dataclass(frozen=True)
class Finished(Ended):
    """The run has ended and its files are written, but for result.json, which comes last.

    Attributes:
        run: all of it.
    """

    run: TrainedRun

    @property
    def result(self) -> RunResult:
        """What is going to stand in result.json."""
        return self.run.result


Event = Compiling | Started | Progress | Saving | Finished


def train(
    experiment: Experiment,
    location: OutputLocation,
    interruption: Interruption,
    source: Source | None = None,
    expected: Mapping[str, str] | None = None,
    resumed: Resumed | None = None,
) -> Generator[Event]:
    """Train one experiment.

    Args:
        experiment: what to train.
        location: where to write it.
        interruption: set its flag to end the run after the epochs under way, what there is saved.
        source: what it was read from, for the result.
        expected: from name to comparison, in place of the experiment's own expectations.
        resumed: the run that goes on, if it is no new one; the location, the source and what is expected are
            then its own.

    Raises:
        DeviceError: the device is not there; nothing was written.
        EngineError: the engine is not there, or could not be compiled; nothing was written.
        CodeError: code of the user's cannot be used; nothing was written.
        CodeRunError: it failed while it trained.
        UsageError: the data or the parameters do not fit in memory; nothing was written.
        RunDirectoryError: the directory cannot be used.
        WriteError: a file could not be written; the run is marked as failed where that is possible.
    """
    started = time.perf_counter()
    experiment = opened(experiment)
    if resumed is not None:
        refuse_other_code(resumed, experiment)
    with GitState(location.origin) as git, contextlib.ExitStack() as stack:
        # Everything that can fail without leaving a trace on the disk comes before the directory is made.
        population = build_population(experiment.optimizer, experiment.training, [0])
        draws = [Draw(experiment.seed, experiment.dataset, experiment.model)]
        prepared = prepare(experiment, draws, population)
        yield from make_ready(prepared)
        loop = prepared.loop
        if resumed is not None:
            directory, origin, held_to = resumed.directory, resumed.source, resumed.expected
        else:
            directory = stack.enter_context(location.make(experiment.name, "train"))
            origin, held_to = source.record if source else None, expected
        held_to = experiment.expect if held_to is None else held_to
        run = RunFiles(experiment, directory, loop.problem, prepared.recovery, origin, held_to)
        run.facts = environment() | prepared.engine.environment | code_facts(experiment)
        run.earlier = earlier_run(origin, directory)
        if resumed is not None and resumed.result is not None:
            run.started, run.command_line = resumed.result.started, resumed.result.command_line
        try:
            run.open()
            yield _begin(run, loop, resumed)
            with Keeper(state_path(run.directory)) as keeper:
                yield from _follow(run, loop, keeper, interruption)
                keeper.write_last()
            run.facts |= git.answer()
            ended = run.finish(loop, loop.parameters, find_levels(prepared), started)
            yield Finished(ended)
            run.close(ended.result)
        except BaseException as error:
            run.fail(interruption.status(error), loop)
            raise


def _begin(run: RunFiles, loop: TrainingLoop, resumed: Resumed | None) -> Started:
    """Put the run where it was, and say that it begins."""
    state = resumed.state if resumed is not None else None
    if state is not None:
        with refusing_other_states(state_path(run.directory)):
            run.restore(loop, state)
    epochs = run.experiment.training.epochs
    restored = None if resumed is None else group_of(state or {}, "added")
    device, so_far = str(run.facts["device"]), partial(run.so_far, loop)
    data, goes_on = run.experiment.dataset.files, resumed is not None and resumed.result is not None
    earlier = Earlier(run.directory, resumed.result) if resumed and resumed.result else run.earlier
    notes = what_differs(earlier, run.facts, data, goes_on=goes_on)
    return Started(run.directory, epochs, epochs * loop.steps_per_epoch, device, so_far, restored, notes)


def _follow(
    run: RunFiles, loop: TrainingLoop, keeper: Keeper, interruption: Interruption
) -> Generator[Event]:
    """Train to the end, the records and now and then the state on the disk."""
    whose = {FINGERPRINT: np.array(fingerprint(run.experiment))}
    for event in loop:
        if isinstance(event, Records):
            run.record(event)
        yield event
        if interruption.requested:
            loop.interrupt()
        if keeper.wants(loop, interruption):
            saving = Saving()
            yield saving
            keeper.take(whose | run.state(loop, saving.added))
