"""`lrcli train`."""

import contextlib
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lrcli.cli.garbage import resume_collecting

if TYPE_CHECKING:
    from lrcli.experiment.experiment import Experiment
    from lrcli.experiment.training import Finished, Interruption, RunPlace

__all__ = ["EPILOG", "train"]

EPILOG = """\
Examples: lrcli train experiments/linear.yaml | lrcli train exp.yaml optimizer.lr=0.1 training.epochs=20 |
lrcli train exp.yaml --seed 3 --json"""

_EXIT_CODES = {"completed": 0, "stopped_early": 0, "interrupted": 130}


def train(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The experiment file.", show_default=False)],
    overrides: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[KEY=VALUE]...", help="Dotted keys and the values to use.", show_default=False
        ),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Short for seed=N.", show_default=False)] = None,
    device: Annotated[
        str | None, typer.Option(help="Short for device=D: auto, cpu, cuda, cuda:N, mps.", show_default=False)
    ] = None,
    runs_dir: Annotated[Path, typer.Option(help="The directory of all runs.")] = Path("runs"),
    run_dir: Annotated[
        Path | None, typer.Option(help="Write this run here instead.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")] = False,
) -> None:
    """Train one experiment and print how well its parameters were recovered."""
    from lrcli.experiment.loading import load

    words = list(overrides or [])
    words += [f"seed={seed}"] if seed is not None else []
    words += [f"device={device}"] if device is not None else []
    loaded = load(file, words)

    # After the checks: a mistake in the file is answered before torch is imported.
    from lrcli.experiment.training import RunPlace

    place = RunPlace(runs_dir, run_dir, file.absolute().parent)
    try:
        finished = _run(loaded.experiment, loaded.notes, place, quiet=quiet)
    except KeyboardInterrupt:
        raise typer.Exit(_EXIT_CODES["interrupted"]) from None
    _report(finished, loaded.experiment, as_json=as_json, quiet=quiet)
    raise typer.Exit(_EXIT_CODES.get(finished.result["status"], 1))


def _run(experiment: "Experiment", notes: list[str], place: "RunPlace", *, quiet: bool) -> "Finished":
    """Train, showing each event where it is to be seen."""
    from rich.console import Console

    from lrcli.experiment.training import Finished, Interruption, Started
    from lrcli.experiment.training import train as run
    from lrcli.reporting.progress import ProgressReport
    from lrcli.training.loop import Record

    interruption = Interruption()
    log: Any = None
    with contextlib.ExitStack() as stack:
        report = stack.enter_context(ProgressReport(Console(stderr=True), quiet=quiet))
        stack.enter_context(_finishing_on_ctrl_c(interruption))
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


@contextlib.contextmanager
def _finishing_on_ctrl_c(interruption: "Interruption") -> Iterator[None]:
    """The first Ctrl-C asks the run to end and save; the second stops at once."""

    def ask(_number: int, _frame: FrameType | None) -> None:
        if interruption.requested:
            raise KeyboardInterrupt
        interruption.requested = True
        print("\nstopping; Ctrl-C again to stop without saving", file=sys.stderr)  # noqa: T201

    previous = signal.signal(signal.SIGINT, ask)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)


def _report(finished: "Finished", experiment: "Experiment", *, as_json: bool, quiet: bool) -> None:
    """The result on standard output."""
    if as_json:
        import json

        from lrcli.runs.files import replace_nonfinite

        typer.echo(json.dumps(replace_nonfinite(finished.result), allow_nan=False))
    elif not quiet:
        from rich.console import Console

        from lrcli.reporting.console import print_report

        print_report(finished, experiment.model.kind, Console())
