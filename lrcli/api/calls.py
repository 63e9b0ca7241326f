"""What Python users call: train, sweep, resume, load, runs, delete.

Each is what the command of its name does, through the same functions, quiet unless asked, with errors raised
instead of printed and results returned instead of written to the screen.
"""

import os
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, overload

from lrcli.api.following import Following
from lrcli.api.interrupts import say_nothing
from lrcli.api.process import undisturbed
from lrcli.api.run_object import Run
from lrcli.api.stored import Stored
from lrcli.api.sweep_object import Sweep
from lrcli.api.written import (
    Overrides,
    PathLike,
    Values,
    Written,
    origin_of,
    path_of,
    plain_seeds,
    shard_text,
    specification,
    words_of_overrides,
    written_file,
)
from lrcli.errors import RunDirectoryError, UsageError

if TYPE_CHECKING:
    from lrcli.experiment.loading import Loaded
    from lrcli.explaining.finding import Explanation
    from lrcli.explaining.glossary.term import Term
    from lrcli.running.comparison import Comparison
    from lrcli.running.location import OutputLocation
    from lrcli.running.resuming import Resumed
    from lrcli.sweeps.files import SweepFiles
    from lrcli.sweeps.plan import SweepPlan

__all__ = ["compare", "delete", "explain", "load", "merge", "replay", "resume", "runs", "sweep", "train"]


def train(
    experiment: Written,
    overrides: Overrides = None,
    *,
    seed: int | None = None,
    runs_dir: PathLike = "runs",
    run_dir: PathLike | None = None,
    progress: bool = False,
) -> Run:
    """Train one experiment, as ``lrcli train`` does.

    Everything is checked before anything is written. A run that diverges is a result: its ``status`` says so.
    Ctrl-C, and the interrupt of a notebook, end it after the epochs under way: what there is is saved, and
    KeyboardInterrupt says how `lrcli.resume` goes on; a second one stops at once.

    Args:
        experiment: the path of a file, or a mapping as the file would have it; numbers and arrays of NumPy,
            tuples and paths may stand in it. Its name is ``experiment`` where it says none.
        overrides: from dotted key to value, such as ``{"optimizer.lr": 0.1}``; or ``KEY=VALUE`` words.
        seed: short for the override ``seed``.
        runs_dir: the directory of all runs, in which the next number is taken.
        run_dir: write it here instead.
        progress: show notes and progress on standard error.

    Returns:
        The run, which is also in its directory.

    Raises:
        ExperimentError: the experiment is wrong; ``mistakes`` has all that is wrong, a message each.
        UsageError: it cannot be trained (DeviceError, EngineError, RunDirectoryError); nothing was written.
        RunError: it failed after it had begun.

    Example:
        >>> import lrcli
        >>> run = lrcli.train("experiments/linear.yaml", {"optimizer.lr": 0.1})
        >>> bool(run.metrics["val/loss"] < 0.01)
        True
        >>> line = {"kind": "linear", "w": [2.0], "b": 1.0}
        >>> sgd = {"kind": "sgd", "lr": 0.1}
        >>> run = lrcli.train(
        ...     {"dataset": line, "model": {"kind": "linear"}, "loss": {"kind": "mse"}, "optimizer": sgd}
        ... )
        >>> run.name, run.status
        ('experiment', 'completed')
        >>> try:
        ...     lrcli.train("experiments/linear.yaml", {"optimizer.lr": -1, "training.epoch": 5})
        ... except lrcli.ExperimentError as error:
        ...     print(len(error.mistakes))
        2
    """
    from lrcli.experiment.loading import load as load_experiment

    words = words_of_overrides(overrides)
    words += [] if seed is None else words_of_overrides({"seed": seed})
    loaded = load_experiment(written_file(experiment), words)
    return _train(loaded, origin_of(experiment), runs_dir, run_dir, progress=progress)


def replay(
    sweep: "Sweep | PathLike",
    member: int | str = "best",
    *,
    runs_dir: PathLike = "runs",
    run_dir: PathLike | None = None,
    progress: bool = False,
) -> Run:
    """Train one member of a sweep alone, as ``lrcli replay`` does: an ordinary run with all that it records.

    Args:
        sweep: it, its directory, or a word as for `lrcli.load`.
        member: its number in ``sweep.members``, or ``best``.
        runs_dir: the directory of all runs, in which the next number is taken, and where a word is looked up.
        run_dir: write it here instead.
        progress: show notes and progress on standard error.

    Raises:
        UsageError: there is no such sweep or member, or no best one yet.

    Example:
        >>> import lrcli
        >>> sweep = lrcli.sweep("experiments/linear.yaml", lr=[0.01, 0.1], seeds=2)
        >>> lrcli.replay(sweep, 0).status
        'completed'
    """
    from lrcli.sweeps.members import member_number
    from lrcli.sweeps.resuming import member_alone

    directory = _directory(sweep, runs_dir, "sweep")
    loaded = member_alone(directory, member_number(directory, str(member)))
    return _train(loaded, directory, runs_dir, run_dir, progress=progress)


def sweep(
    experiment: Written,
    overrides: Overrides = None,
    *,
    lr: Values | None = None,
    grid: Mapping[str, Values] | None = None,
    seeds: int | Sequence[int] | None = None,
    memory: int = 10**9,
    shard: "tuple[int, int] | None" = None,
    cluster: str | None = None,
    runs_dir: PathLike = "runs",
    run_dir: PathLike | None = None,
    progress: bool = False,
) -> Sweep:
    """Train a grid of configurations times seeds as one population, as ``lrcli sweep`` does.

    The grid is that of the experiment's sweep block and of ``lr`` and ``grid``; where there is neither, a
    sensible one of learning rates. Members that diverge are results. Ctrl-C is as with `lrcli.train`;
    `lrcli.resume` goes on.

    Args:
        experiment: the path of a file, or a mapping as the file would have it.
        overrides: from dotted key to value; or ``KEY=VALUE`` words.
        lr: learning rates: a sequence, ``"LO:HI:N"`` in geometric steps with both ends, or as in a file, such
            as ``{"log_range": [1e-3, 1, 13]}``.
        grid: from dotted key to its values, in the same forms.
        seeds: how many, or which.
        memory: bytes that a population may take; a larger one is trained in parts.
        shard: (K, N): train the K-th of N shares alone; `lrcli.merge` puts them together.
        cluster: train by the workers of a Dask cluster: ``"tcp://HOST:8786"``, ``"local:4"``, or a class such
            as ``"dask_jobqueue.SLURMCluster:10"``; of a client that you have ``client.scheduler.address``.
        runs_dir: the directory of all runs, in which the next number is taken.
        run_dir: write it here instead; a sweep that is there goes on.
        progress: show notes and progress on standard error.

    Raises:
        ExperimentError: the experiment or its grid is wrong; ``mistakes`` has all that is wrong.
        UsageError: it cannot be trained; nothing was written.
        RunError: it failed after it had begun, or the cluster cannot be used.

    Example:
        >>> import lrcli
        >>> sweep = lrcli.sweep("experiments/linear.yaml", lr="0.001:0.1:3", seeds=2)
        >>> [round(rate, 6) for rate in sweep.summary["optimizer.lr"].tolist()]
        [0.001, 0.01, 0.1]
        >>> sweep = lrcli.sweep("experiments/linear.yaml", lr=[0.01], grid={"optimizer.momentum": [0, 0.9]})
        >>> sweep.best.values["optimizer.momentum"]
        0.9
    """
    from lrcli.running.location import OutputLocation
    from lrcli.sweeps.options import load_sweep
    from lrcli.sweeps.plan import plan_sweep
    from lrcli.sweeps.resuming import files_for
    from lrcli.sweeps.shares import parse_shard

    share = None if shard is None else parse_shard(shard_text(shard))
    rates = None if lr is None else specification("lr", lr)
    grids = [f"{key}={specification(key, values)}" for key, values in (grid or {}).items()]
    loaded = load_sweep(
        written_file(experiment),
        words_of_overrides(overrides),
        rates=rates,
        grids=grids,
        seeds=plain_seeds(seeds),
    )
    plan = plan_sweep(loaded, memory, share.count if share else 1)
    location = OutputLocation(Path(runs_dir), path_of(run_dir), origin_of(experiment))
    notes = [*loaded.notes, *plan.notes]
    return _sweep(plan, files_for(plan, location, share), notes, cluster, progress=progress)


def merge(
    *shares: "Sweep | PathLike",
    runs_dir: PathLike = "runs",
    run_dir: PathLike | None = None,
) -> Sweep:
    """Put the shares of a sweep together, as ``lrcli merge`` does.

    What is written are the files of a sweep that was trained in one go, to the last bit. Everything is
    checked first. The shares stay as they are.

    Args:
        shares: all of them in any order: each itself, its directory, or a word as for `lrcli.load`.
        runs_dir: the directory of all runs, in which the next number is taken, and where words are looked up.
        run_dir: write the sweep here instead; a merge that was stopped there goes on.

    Raises:
        UsageError: they are not all shares of one sweep, whole and ended, with all that is wrong; nothing was
            written.
        RunError: it failed after it had begun.

    Example:
        >>> import lrcli
        >>> file = "experiments/linear.yaml"
        >>> shares = [lrcli.sweep(file, lr=[0.01, 0.1], seeds=4, shard=(k, 3)) for k in (2, 1, 3)]
        >>> lrcli.merge(*shares).best.values
        {'optimizer.lr': 0.1}
    """
    from lrcli import api
    from lrcli.running.location import OutputLocation
    from lrcli.storage.finding import refuse_twice
    from lrcli.sweeps.merging import find_shares, merged_files

    directories = [_directory(share, runs_dir, "sweep") for share in shares]
    refuse_twice(directories)
    found = find_shares(directories)
    location = OutputLocation(Path(runs_dir), path_of(run_dir), found.shares[0].directory)
    files = merged_files(found, location)
    with undisturbed(), Following(say=say_nothing) as following:
        result = api.merge(found, files, [following.observe], following.interruption)
    return Sweep(files.directory.absolute(), result)


@overload
def resume(
    run: Run, overrides: Overrides = None, *, runs_dir: PathLike = "runs", progress: bool = False
) -> Run: ...
@overload
def resume(
    run: Sweep,
    overrides: None = None,
    *,
    cluster: str | None = None,
    runs_dir: PathLike = "runs",
    progress: bool = False,
) -> Sweep: ...
@overload
def resume(
    run: PathLike,
    overrides: Overrides = None,
    *,
    cluster: str | None = None,
    runs_dir: PathLike = "runs",
    progress: bool = False,
) -> Run | Sweep: ...


def resume(
    run: "Run | Sweep | PathLike",
    overrides: Overrides = None,
    *,
    cluster: str | None = None,
    runs_dir: PathLike = "runs",
    progress: bool = False,
) -> Run | Sweep:
    """Go on with a run or a sweep that was stopped, as ``lrcli resume`` does.

    It ends with the bits of one that was never stopped. One that lacks nothing is given back as it is.

    Args:
        run: it, its directory, or a word as for `lrcli.load`.
        overrides: of a run alone: ``{"training.epochs": N}``, to train it for more epochs.
        cluster: of a sweep alone: as for `lrcli.sweep`.
        runs_dir: where a word is looked up.
        progress: show notes and progress on standard error.

    Raises:
        RunDirectoryError: there is nothing to go on with, another process is at work in it, or its
            experiment.yaml has been changed since.
        UsageError: what is given can be none; or a longer run would be another one from its first step on.

    Example:
        >>> import lrcli
        >>> run = lrcli.train("experiments/linear.yaml")
        >>> lrcli.resume(run, {"training.epochs": 10}).result.epochs
        10
        >>> sweep = lrcli.sweep("experiments/linear.yaml", lr=[0.01, 0.1], seeds=2)
        >>> lrcli.resume(sweep).status  # it lacks nothing
        'completed'
    """
    from lrcli.storage.reading import begun_command

    directory, words = _directory(run, runs_dir), words_of_overrides(overrides)
    if begun_command(directory) == "sweep":
        if words:
            raise UsageError("only a run can be trained for more epochs, not a sweep")
        return _resume_sweep(directory, cluster, progress=progress)
    if cluster is not None:
        raise UsageError("a run is trained by one process; only a sweep can be trained on a cluster")
    from lrcli.running.location import OutputLocation
    from lrcli.running.resuming import resuming

    with resuming(directory, words) as resumed:
        if resumed.lacks_nothing and resumed.result is not None:
            return Run(directory, resumed.result)
        return _run(resumed.loaded, OutputLocation(origin=resumed.origin), resumed, progress=progress)


def _resume_sweep(directory: Path, cluster: str | None, *, progress: bool) -> Sweep:
    from lrcli.sweeps.resuming import files_again

    plan, files, notes = files_again(directory)
    return _sweep(plan, files, notes, cluster, progress=progress)


def load(run: "Run | Sweep | PathLike", *, runs_dir: PathLike = "runs") -> Run | Sweep:
    """A run or a sweep that has been trained before, by lrcli from wherever.

    Args:
        run: its directory or its result.json; ``name/train-0003``; ``name`` for the newest of an experiment;
            or ``last``. One that is there already is read again.
        runs_dir: the directory of all runs, where names are looked up.

    Raises:
        RunDirectoryError: there is none, with what there is; or it has been damaged.
        UsageError: what is given can be none.

    Example:
        >>> import lrcli
        >>> trained = lrcli.train("experiments/linear.yaml")
        >>> lrcli.load("last").metrics == trained.metrics
        True
        >>> lrcli.load("linear").directory == trained.directory
        True
    """
    return _loaded(_directory(run, runs_dir))


def runs(pattern: str = "*", *, runs_dir: PathLike = "runs") -> list[Run | Sweep]:
    """All runs and sweeps, the newest last; of each only its result is read.

    Args:
        pattern: which, with ``*`` and ``?``: of an experiment's name, or of ``name/train-0003``.
        runs_dir: the directory of all runs.

    Returns:
        Those that can be read; of a result that is damaged, or that a killed run has not come to, a warning
        tells.

    Raises:
        RunDirectoryError: the directory cannot be read.
        UsageError: the pattern is no text.

    Example:
        >>> import lrcli
        >>> runs = [lrcli.train("experiments/linear.yaml", seed=seed) for seed in (1, 2)]
        >>> [run.seed for run in lrcli.runs("linear/train-*")[-2:]]
        [1, 2]
    """
    from lrcli.storage.finding import all_runs

    if not isinstance(pattern, str):
        raise UsageError(f"a pattern is a text such as 'linear*', not a {type(pattern).__name__}")
    found = []
    for directory in all_runs(pattern, Path(runs_dir)):
        try:
            found.append(_loaded(directory))
        except RunDirectoryError as error:
            warnings.warn(str(error), stacklevel=2)
    return found


def delete(*runs: "Run | Sweep | PathLike", runs_dir: PathLike = "runs") -> list[Path]:
    """Delete runs and sweeps, as ``lrcli delete`` does, without asking.

    Everything is checked first: where one cannot be deleted none is. Links are not followed.

    Args:
        runs: each itself, its directory, or a word as for `lrcli.load`.
        runs_dir: the directory of all runs, where words are looked up.

    Returns:
        The directories that are gone.

    Raises:
        UsageError: there is no such run, a process is at work in it, or it holds what lrcli has not written.
        RunError: not all of it could be deleted.

    Example:
        >>> import lrcli
        >>> run = lrcli.train("experiments/linear.yaml")
        >>> lrcli.delete(run) == [run.directory]
        True
    """
    from lrcli.storage.removing import removable, remove

    directories = [str(_directory(run, runs_dir)) for run in runs]
    found = removable(directories, Path(runs_dir))
    for each in found:
        remove(each.directory, Path(runs_dir))
    return [each.directory for each in found]


def compare(*runs: Stored | PathLike, runs_dir: PathLike = "runs") -> "Comparison":
    """Say in what runs differ, or two sweeps, as ``lrcli compare`` does.

    Args:
        runs: two runs or more, or two sweeps, or words for them as for `lrcli.load`.
        runs_dir: the directory of all runs, where names are looked up.

    Returns:
        What differs: ``settings``, ``environment``; of runs ``results``, which are also found by their names,
        and ``repetitions``; of sweeps ``configurations`` and ``best``. ``print`` shows it as text, and
        ``as_data`` gives what ``lrcli compare --json`` prints.

    Raises:
        RunDirectoryError: one of them is not there or has been damaged.
        UsageError: they are not to be compared.

    Example:
        >>> import lrcli
        >>> a, b = (lrcli.train("experiments/linear.yaml", {"optimizer.lr": lr}) for lr in (0.03, 0.1))
        >>> found = lrcli.compare(a, b)
        >>> [(row.name, row.values) for row in found.settings]
        [('optimizer.lr', (0.03, 0.1))]
        >>> found["val/loss"].verdict
        'better'
    """
    from lrcli.api.comparing import compare_directories

    return compare_directories([_directory(run, runs_dir) for run in runs])


def explain(
    what: "Stored | Written", overrides: Overrides = None, *, runs_dir: PathLike = "runs"
) -> "Explanation | Term":
    """Say why a run or a sweep came out as it did, what an experiment is going to do, or what a word means.

    Args:
        what: a run or a sweep, or a word for one as for `lrcli.load`; the path of an experiment file, or a
            mapping as a file would have it; or a word of the reports, such as ``coverage``.
        overrides: of an experiment alone: from dotted key to value, or ``KEY=VALUE`` words.
        runs_dir: the directory of all runs, where names are looked up.

    Returns:
        An explanation, whose ``findings`` each have a ``kind``, a ``text``, ``numbers`` and ``commands``; of
        a word its entry in the glossary. ``print`` shows either as text.

    Raises:
        ExperimentError: the experiment is wrong.
        UsageError: there is nothing of this name, or overrides are given for what is no experiment.

    Example:
        >>> import lrcli
        >>> run = lrcli.train("experiments/linear.yaml", {"optimizer.lr": 3})
        >>> lrcli.explain(run).findings[0].kind
        'diverged'
        >>> lrcli.explain("experiments/linear.yaml", {"optimizer.lr": 3}).findings[0].kind
        'diverges'
        >>> lrcli.explain("epoch").name
        'epoch'
    """
    from lrcli.api.explaining import explain_directory, explain_written, explained

    words = words_of_overrides(overrides)
    if isinstance(what, Stored):
        if words:
            raise UsageError("only an experiment can be changed, not a run or a sweep that has been trained")
        return explain_directory(what.directory)
    if isinstance(what, Mapping):
        return explain_written(what, words)[0]
    if not isinstance(what, str | os.PathLike):
        kind = type(what).__name__
        raise UsageError(f"what is explained is a run, a sweep, an experiment or a word, not a {kind}")
    return explained(os.fspath(what), words, Path(runs_dir))[0]


# What they have in common ---------------------------------------------------------------------------------


def _directory(
    run: Stored | PathLike, runs_dir: PathLike, command: "Literal['train', 'sweep'] | None" = None
) -> Path:
    """The absolute directory of a run or a sweep, as `lrcli.storage.finding.find_run` finds it by a word.

    Raises:
        RunDirectoryError: there is none.
        UsageError: what is given can be none.
    """
    from lrcli.storage.finding import find_run

    if isinstance(run, Stored):
        return run.directory
    if not isinstance(run, str | os.PathLike):
        what = "a sweep is a Sweep" if command == "sweep" else "a run is a Run or a Sweep"
        raise UsageError(f"{what}, its directory or its name, not a {type(run).__name__}")
    return find_run(os.fspath(run), Path(runs_dir), command).absolute()


def _loaded(directory: Path) -> Run | Sweep:
    from lrcli.storage.reading import read_result
    from lrcli.storage.run_result import RunResult

    result = read_result(directory)
    return (
        Run(directory.absolute(), result)
        if isinstance(result, RunResult)
        else Sweep(directory.absolute(), result)
    )


def _train(
    loaded: "Loaded", origin: Path, runs_dir: PathLike, run_dir: PathLike | None, *, progress: bool
) -> Run:
    from lrcli.running.location import OutputLocation

    return _run(loaded, OutputLocation(Path(runs_dir), path_of(run_dir), origin), progress=progress)


def _run(
    loaded: "Loaded", location: "OutputLocation", resumed: "Resumed | None" = None, *, progress: bool
) -> Run:
    """Train a run, or go on with one."""
    from lrcli import api

    report = None
    if progress:
        from lrcli.reporting.runs.progress import ProgressReport

        _tell(loaded.notes)
        report = ProgressReport()
    with undisturbed(), Following(report, say_nothing) as following:
        result = api.train(loaded, location, [following.observe], following.interruption, resumed)
    run = Run(Path(result.run_dir).absolute(), result)
    if following.interruption.requested:
        raise KeyboardInterrupt(f"interrupted; lrcli.resume({str(run.directory)!r}) goes on")
    return run


def _sweep(
    plan: "SweepPlan", files: "SweepFiles", notes: Sequence[str], cluster: str | None, *, progress: bool
) -> Sweep:
    from lrcli import api
    from lrcli.sweeps.resuming import members_with_events

    report = None
    if progress:
        from lrcli.reporting.sweeps.progress import SweepProgressReport
        from lrcli.sweeps.resuming import damage

        _tell([*damage(files), *notes])
        report = SweepProgressReport(plan.select.metric)
    members = 0 if files.is_new else members_with_events(files.directory)
    with undisturbed(), Following(report, say_nothing) as following:
        result = api.sweep(plan, files, [following.observe], following.interruption, members, cluster)
    sweep = Sweep(files.directory.absolute(), result)
    if following.interruption.requested:
        raise KeyboardInterrupt(f"interrupted; lrcli.resume({str(sweep.directory)!r}) goes on")
    return sweep


def _tell(notes: Sequence[str]) -> None:
    from lrcli.reporting.messages import print_note

    for note in notes:
        print_note(note)
