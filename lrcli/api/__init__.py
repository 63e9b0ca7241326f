"""Runs and sweeps from their beginning to their end: trained, observed, drawn, and closed.

    result = train(load(Path("exp.yaml")), OutputLocation(Path("runs")))

An observer is called with each event of a run or a sweep, as it comes. The experiment's logging block says
which event files and figures there are. The result is written last, once everything else is there, and every
way out, an error of an observer too, leaves a status in it.
"""

import contextlib
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from pathlib import Path

    from lrcli.experiment.loading import Loaded
    from lrcli.reporting.drawing import Drawing
    from lrcli.running.location import Interruption, OutputLocation
    from lrcli.running.resuming import Resumed
    from lrcli.running.single import Event
    from lrcli.storage.run_result import RunResult
    from lrcli.storage.sweep_result import SweepResult
    from lrcli.sweeps.files import SweepFiles
    from lrcli.sweeps.merging import Shares
    from lrcli.sweeps.plan import SweepPlan
    from lrcli.sweeps.running import SweepEvent
    from lrcli.sweeps.trainer import Trainer

__all__ = ["Observer", "SweepObserver", "chosen_figures", "figures", "merge", "sweep", "train"]

Observer = Callable[["Event"], None]
SweepObserver = Callable[["SweepEvent"], None]
_E = TypeVar("_E")


def train(
    loaded: "Loaded",
    location: "OutputLocation",
    observers: Sequence[Observer] = (),
    interruption: "Interruption | None" = None,
    resumed: "Resumed | None" = None,
) -> "RunResult":
    """Train one experiment.

    Args:
        loaded: the experiment, what it was read from and what it is held to.
        location: where to write it.
        observers: called with each event: `Compiling`, `Started`, then `Progress` and `Records` as training
            goes on, then `Finished`, when its tables are written; the figures follow, then the result.
        interruption: set its flag to end the run after the epochs under way, what there is saved.
        resumed: the run that goes on, if it is no new one, and lacks something; see
            `lrcli.running.single.train`.

    Returns:
        The result, as result.json has it.

    Raises:
        UsageError: it cannot be trained; nothing was written.
        RunError: it failed; its result says so where that could be written.
    """
    from lrcli.reporting.runs.log import RunLog
    from lrcli.reporting.runs.presentation import RunPresentation
    from lrcli.running.location import Interruption
    from lrcli.running.single import Finished
    from lrcli.running.single import train as run

    stop = interruption or Interruption()
    events = run(loaded.experiment, location, stop, loaded.source, loaded.expected, resumed)
    with contextlib.ExitStack() as stack:
        log = stack.enter_context(contextlib.closing(RunLog()))
        beside = stack.enter_context(contextlib.closing(RunPresentation(loaded.experiment)))
        last = _drive(events, [*observers, log.observe, beside.observe])
    if isinstance(last, Finished):
        return last.result
    raise AssertionError("a run ends with Finished or an error")


def sweep(
    plan: "SweepPlan",
    files: "SweepFiles",
    observers: Sequence[SweepObserver] = (),
    interruption: "Interruption | None" = None,
    tb_members: int = 0,
    cluster: str | None = None,
) -> "SweepResult":
    """Train every member of a sweep that has not been trained, and draw what they have come to.

    Args:
        plan: what to train.
        files: where to write; `lrcli.sweeps.resuming.files_for` finds those of a sweep that goes on.
        observers: called with each event: `Compiling`, `SweepStarted`, then `SweepProgress` as training
            goes on, then `SweepFinished`, when the tables are written; the figures follow, then the result.
            Of a share `ShareFinished` is the last.
        interruption: set its flag to end after the epochs under way, with the tables as far as they go.
        tb_members: for how many members TensorBoard gets curves of their own.
        cluster: whose workers train, see `lrcli.cluster.words`; None: this process does.

    Returns:
        The result, as result.json has it; of a sweep that lacks nothing, the one that is there.

    Raises:
        UsageError: it cannot be trained.
        RunError: it failed; its result says so where that could be written.
    """
    from lrcli.reporting.sweeps.presentation import present
    from lrcli.running.location import Interruption
    from lrcli.sweeps.resuming import complete_result
    from lrcli.sweeps.running import ShareFinished, SweepFinished, run_sweep

    def draw(event: "SweepEvent") -> None:
        if isinstance(event, SweepFinished) and not event.result.missing:
            present(plan, files, event, tb_members)

    earlier = complete_result(files)
    if earlier is not None:
        files.clear()
        return earlier
    with files.held():
        earlier = complete_result(files)  # another process may have completed it just now
        if earlier is not None:
            return earlier
        with _trainer(cluster) as trainer:
            events = run_sweep(plan, files, interruption or Interruption(), trainer)
            last = _drive(events, [*observers, draw])
    if isinstance(last, SweepFinished | ShareFinished):
        return last.result
    raise AssertionError("a sweep ends with SweepFinished, a share with ShareFinished, or with an error")


def merge(
    shares: "Shares",
    files: "SweepFiles",
    observers: Sequence[SweepObserver] = (),
    interruption: "Interruption | None" = None,
    tb_members: int = 0,
) -> "SweepResult":
    """Put shares together: their parts are copied, and the sweep then lacks its tables and figures alone.

    Args:
        shares: all of a sweep; see `lrcli.sweeps.merging.find_shares`.
        files: where to write; see `lrcli.sweeps.merging.merged_files`.
        observers: as of `sweep`.
        interruption: likewise.
        tb_members: likewise.

    Raises:
        UsageError: it cannot be written there, or a part has been damaged since it was found.
        RunError: it failed; its result says so where that could be written.
    """
    from lrcli.sweeps.merging import copy_parts
    from lrcli.sweeps.resuming import complete_result

    with files.held():
        if complete_result(files) is None:
            copy_parts(shares, files)
        return sweep(shares.plan, files, observers, interruption, tb_members)


def _trainer(cluster: str | None) -> "AbstractContextManager[Trainer | None]":
    if cluster is None:
        return nullcontext()
    from lrcli.cluster.trainer import ClusterTrainer

    return ClusterTrainer(cluster)


def figures(directories: "Sequence[Path]") -> "dict[str, Drawing]":
    """The figures of a run or a sweep that has ended, or of several in one.

    Args:
        directories: of runs or of sweeps, one at least.

    Returns:
        From kind to drawing; those that make sense.

    Raises:
        RunDirectoryError: one of them cannot be read.
        UsageError: some are runs, some sweeps.
    """
    from lrcli.errors import UsageError
    from lrcli.storage.reading import read_result

    commands = {read_result(directory).command for directory in directories}
    if len(commands) > 1:
        raise UsageError("runs and sweeps have no figures in common; name either")
    if commands == {"sweep"}:
        from lrcli.reporting.sweeps.figures import drawings_of_sweeps
        from lrcli.sweeps.reading import read_sweep

        return drawings_of_sweeps([read_sweep(directory) for directory in directories])
    from lrcli.reporting.runs.figures import drawings_of_runs
    from lrcli.running.trained import read_run

    return drawings_of_runs([read_run(directory) for directory in directories])


def chosen_figures(
    drawings: "Mapping[str, Drawing]", kind: str | None, called: str
) -> "Mapping[str, Drawing]":
    """One of some figures, or all.

    Args:
        drawings: from kind to drawing.
        kind: which; None: all.
        called: what they are of.

    Raises:
        RunDirectoryError: there is none of this kind, with those that there are.
    """
    from lrcli.errors import RunDirectoryError

    if not drawings:
        raise RunDirectoryError(f"{called}: has no figures")
    if kind is None:
        return drawings
    if kind not in drawings:
        raise RunDirectoryError(f"{called}: has no figure {kind}; it has {', '.join(drawings)}")
    return {kind: drawings[kind]}


def _drive(events: Generator[_E], observers: Sequence[Callable[[_E], None]]) -> _E:
    """Hand each event to each observer; the last event.

    What an observer raises, Ctrl-C too, is thrown to where the events come from, so that it is noted there.
    """
    try:
        for event in events:
            for observe in observers:
                observe(event)
    except BaseException as error:
        events.throw(error)  # where it came from there, it comes back as it is
        raise
    return event
