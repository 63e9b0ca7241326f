"""`lrcli train`."""

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lrcli.cli.completion import complete_device, complete_engine, complete_word
from lrcli.cli.garbage import resume_collecting
from lrcli.cli.help import examples
from lrcli.cli.interrupts import finishing_on_ctrl_c
from lrcli.errors import UsageError

if TYPE_CHECKING:
    from lrcli.experiment.experiment import Experiment
    from lrcli.experiment.place import RunPlace
    from lrcli.experiment.training import Finished

__all__ = ["EPILOG", "train", "train_and_report"]

EPILOG = examples(
    "lrcli train experiments/linear.yaml",
    "lrcli train experiments/linear.yaml optimizer.lr=0.1 training.epochs=20",
    "lrcli train experiments/linear.yaml --seed 3 --json",
    "lrcli train experiments/*.yaml --quiet",
)

_FAILED, _UNMET, _INTERRUPTED = 1, 3, 130


def train(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE|KEY=VALUE",
            help="Experiment files, and dotted keys with the values to use in all of them.",
            show_default=False,
            autocompletion=complete_word,
        ),
    ],
    seed: Annotated[int | None, typer.Option(help="Short for seed=N.", show_default=False)] = None,
    device: Annotated[
        str | None,
        typer.Option(
            help="Short for device=D: auto, cpu, cuda, cuda:N, mps.",
            show_default=False,
            autocompletion=complete_device,
        ),
    ] = None,
    engine: Annotated[
        str | None,
        typer.Option(
            help="Short for engine=E: auto, compiled, torch.",
            show_default=False,
            autocompletion=complete_engine,
        ),
    ] = None,
    runs_dir: Annotated[Path, typer.Option(help="The directory of all runs.")] = Path("runs"),
    run_dir: Annotated[
        Path | None, typer.Option(help="Write this run here instead; for one file.", show_default=False)
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the result as JSON, a line for each file.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")] = False,
) -> None:
    """Train experiments and print how well their parameters were recovered."""
    from lrcli.experiment.loading import load

    files, overrides = _sort_words(words)
    if run_dir is not None and len(files) > 1:
        raise UsageError("--run-dir is a place for one run; give one file, or use --runs-dir")
    overrides += [f"seed={seed}"] if seed is not None else []
    overrides += [f"device={device}"] if device is not None else []
    overrides += [f"engine={engine}"] if engine is not None else []
    loaded = [load(file, overrides) for file in files]

    # After the checks: a mistake in a file is answered before torch is imported, and before any is trained.
    from lrcli.experiment.place import RunPlace

    worst = 0
    for number, (file, each) in enumerate(zip(files, loaded, strict=True)):
        place = RunPlace(runs_dir, run_dir, file.absolute().parent)
        if number and not quiet and not as_json:
            typer.echo()
        code = train_and_report(each.experiment, each.notes, place, as_json=as_json, quiet=quiet)
        if code == _INTERRUPTED:
            raise typer.Exit(code)
        worst = code if worst in {0, _UNMET} and code else worst
    raise typer.Exit(worst)


def train_and_report(
    experiment: "Experiment", notes: list[str], place: "RunPlace", *, as_json: bool, quiet: bool
) -> int:
    """Train one experiment, print its result, and give the exit code."""
    try:
        finished = _run(experiment, notes, place, quiet=quiet)
    except KeyboardInterrupt:
        return _INTERRUPTED
    _report(finished, experiment, as_json=as_json, quiet=quiet)
    return _exit_code(finished.result)


def _sort_words(words: list[str]) -> tuple[list[Path], list[str]]:
    """Files and overrides; a word with ``=`` is an override unless a file has that very name."""
    overrides = [word for word in words if "=" in word and not Path(word).exists()]
    files = [Path(word) for word in words if word not in overrides]
    if not files:
        raise UsageError("no experiment file; write lrcli train FILE [KEY=VALUE]...")
    return files, overrides


def _exit_code(result: dict[str, Any]) -> int:
    """A run that did not end well outweighs an expectation that was not met."""
    if result["status"] == "interrupted":
        return _INTERRUPTED
    if result["status"] not in {"completed", "stopped_early"}:
        return _FAILED
    return 0 if all(row["passed"] for row in result["expectations"]) else _UNMET


def _run(experiment: "Experiment", notes: list[str], place: "RunPlace", *, quiet: bool) -> "Finished":
    """Train, showing each event where it is to be seen."""
    from lrcli.experiment.place import Interruption
    from lrcli.experiment.training import Finished, Started
    from lrcli.experiment.training import train as run
    from lrcli.reporting.progress import ProgressReport
    from lrcli.training.loop import Record

    interruption = Interruption()
    log: Any = None
    with contextlib.ExitStack() as stack:
        report = stack.enter_context(ProgressReport(quiet=quiet))
        stack.enter_context(finishing_on_ctrl_c(interruption))
        for note in notes:
            report.note(note)
        events = stack.enter_context(contextlib.closing(run(experiment, place, interruption)))
        for event in events:
            report.show(event)
            if isinstance(event, Started):
                resume_collecting()
            if isinstance(event, Started) and experiment.logging.tensorboard:
                from lrcli.reporting.tensorboard import TensorBoardLog

                log = stack.enter_context(contextlib.closing(TensorBoardLog(event.run_dir, experiment)))
            elif isinstance(event, Record) and log is not None:
                log.record(event)
            elif isinstance(event, Finished):
                if log is not None:
                    log.finish(event.result)
                return event
    raise AssertionError("a run ends with Finished or an error")


def _report(finished: "Finished", experiment: "Experiment", *, as_json: bool, quiet: bool) -> None:
    """The result on standard output."""
    from lrcli.reporting.console import print_json, print_report

    if as_json:
        print_json(finished.result)
    elif not quiet:
        print_report(finished, experiment.model.kind)
