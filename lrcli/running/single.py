"""`lrcli train`: from an `Experiment` to a finished run directory.

    for event in train(experiment, location, interruption):
        ...  # Compiling, Started, then Progress and Records as training goes on, then Finished

This generator owns the run's own files (experiment.yaml, metrics.csv, result.json, checkpoint/). What
is shown on a screen or in TensorBoard is made of its events, by whoever iterates.
"""

import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from lrcli.experiment.experiment import Experiment
from lrcli.experiment.loading import Source
from lrcli.experiment.user_code import code_facts, opened
from lrcli.running.files import RunFiles
from lrcli.running.levels import find_levels
from lrcli.running.location import Interruption, OutputLocation
from lrcli.running.moments import Begun, Ended
from lrcli.running.preparation import Compiling, make_ready, prepare
from lrcli.running.repeating import earlier_run, what_differs
from lrcli.running.trained import TrainedRun
from lrcli.storage.provenance import GitState, environment
from lrcli.storage.run_result import RunResult
from lrcli.training.population import build_population
from lrcli.training.problem import Draw
from lrcli.training.records import Progress, Records

__all__ = ["Event", "Finished", "Started", "train"]


@dataclass(frozen=True)
class Started(Begun):
    """The run directory is there and training begins.

    Attributes:
        run_dir: the directory.
        epochs: to be trained.
        steps: optimizer updates in all of them.
        device: where.
        so_far: gives the run as far as it has come, whenever it is asked.
        notes: what the user should know, a sentence each.
    """

    run_dir: Path
    epochs: int
    steps: int
    device: str
    so_far: Callable[[], TrainedRun]
    notes: tuple[str, ...] = ()


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


Event = Compiling | Started | Progress | Finished


def train(
    experiment: Experiment,
    location: OutputLocation,
    interruption: Interruption,
    source: Source | None = None,
    expected: Mapping[str, str] | None = None,
) -> Generator[Event]:
    """Train one experiment.

    Args:
        experiment: what to train.
        location: where to write it.
        interruption: set its flag to end the run after the epochs under way, what there is saved.
        source: what it was read from, for the result.
        expected: from name to comparison, in place of the experiment's own expectations.

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
    with GitState(location.origin) as git:
        # Everything that can fail without leaving a trace on the disk comes before the directory is made.
        population = build_population(experiment.optimizer, experiment.training, [0])
        draws = [Draw(experiment.seed, experiment.dataset, experiment.model)]
        prepared = prepare(experiment, draws, population)
        yield from make_ready(prepared)
        loop = prepared.loop
        held_to = experiment.expect if expected is None else expected
        directory = location.make(experiment.name, "train")
        run = RunFiles(experiment, directory, loop.problem, prepared.recovery, source, held_to)
        run.facts = environment() | prepared.engine.environment | code_facts(experiment)
        run.earlier = earlier_run(source, directory)
        notes = what_differs(run.earlier, run.facts, experiment.dataset.files)
        try:
            run.open()
            total = experiment.training.epochs * loop.steps_per_epoch
            device, so_far = str(run.facts["device"]), partial(run.so_far, loop)
            yield Started(run.directory, experiment.training.epochs, total, device, so_far, notes)
            for event in loop:
                if isinstance(event, Records):
                    run.record(event)
                yield event
                if interruption.requested:
                    loop.interrupt()
            run.facts |= git.answer()
            ended = run.finish(loop, loop.parameters, find_levels(prepared), started)
            yield Finished(ended)
            run.close(ended.result)
        except BaseException as error:
            run.fail(interruption.status(error), loop)
            raise
