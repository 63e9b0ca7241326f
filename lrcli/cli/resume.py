"""`lrcli resume`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from lrcli.cli.completion import complete_run
from lrcli.cli.help import RUNS_DIR, examples
from lrcli.cli.sweep import CLUSTER, check_cluster
from lrcli.errors import UsageError

if TYPE_CHECKING:
    from lrcli.cli.train import Shown

__all__ = ["EPILOG", "resume"]

EPILOG = examples(
    "lrcli train experiments/linear.yaml --quiet",
    "lrcli resume runs/linear/train-0001 training.epochs=10",
    "lrcli sweep experiments/linear.yaml --quiet",
    "lrcli resume runs/linear/sweep-0001",
)


_ENDED = {
    "completed": "completed its epochs (training.epochs=N trains for more)",
    "stopped_early": "stopped early, where it no longer improved",
    "diverged": "diverged",
}


def resume(
    word: Annotated[
        str,
        typer.Argument(
            metavar="RUN",
            help="A run or a sweep: its directory, NAME/train-0001, NAME for its newest, or last.",
            autocompletion=complete_run,
        ),
    ],
    overrides: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="training.epochs=N", help="Of a run: train it for more epochs.", show_default=False
        ),
    ] = None,
    runs_dir: RUNS_DIR = Path("runs"),
    tb_members: Annotated[
        int | None,
        typer.Option(
            "--tb-members",
            min=0,
            help="Of a sweep: event files for the first N members, too; by default for those that have one.",
            show_default=False,
        ),
    ] = None,
    cluster: CLUSTER = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")] = False,
) -> None:
    """Go on with a run or a sweep after Ctrl-C, a crash or a loss of power.

    It ends with the bits of one that was never stopped. A run that has completed its epochs can be trained
    for more.
    """
    from lrcli.cli.train import Shown
    from lrcli.storage.finding import find_place

    check_cluster(cluster)
    directory = find_place(word, runs_dir)
    shown = Shown(as_json, quiet)
    if _is_sweep(directory):
        if overrides:
            raise UsageError(
                f"{overrides[0]}: a sweep goes on as it was begun; only a run can have more epochs"
            )
        _resume_sweep(directory, tb_members, cluster, shown)
    if cluster is not None:
        raise UsageError("--cluster: a run is trained by one process; only a sweep by those of a cluster")
    _resume_run(directory, overrides or [], shown)


def _resume_run(directory: Path, overrides: list[str], shown: "Shown") -> NoReturn:
    """Exits with the code of the run."""
    from lrcli.cli.train import exit_code, train_and_report
    from lrcli.reporting.messages import print_error, print_note
    from lrcli.reporting.runs.console import print_json
    from lrcli.reporting.runs.overview import failure
    from lrcli.running.location import OutputLocation
    from lrcli.running.resuming import resuming

    with resuming(directory, overrides) as resumed:
        result = resumed.result if resumed.lacks_nothing else None
        if result is None:
            location = OutputLocation(origin=resumed.origin)
            raise typer.Exit(exit_code(train_and_report(resumed.loaded, location, shown, resumed)))
    if not shown.quiet:
        print_note(f"{directory}: has {_ENDED[result.status]}; nothing was trained")
    elif exit_code(result):
        print_error(f"{directory}: {failure(result)}")
    if shown.as_json:
        print_json(result)
    raise typer.Exit(exit_code(result))


def _resume_sweep(directory: Path, tb_members: int | None, cluster: str | None, shown: "Shown") -> NoReturn:
    """Exits with the code of the sweep."""
    from lrcli.cli.sweep import train_sweep
    from lrcli.sweeps.resuming import files_again, members_with_events

    plan, files, notes = files_again(directory)
    tb_members = members_with_events(directory) if tb_members is None else tb_members
    train_sweep(
        plan,
        files,
        notes,
        tb_members=tb_members,
        cluster=cluster,
        as_json=shown.as_json,
        quiet=shown.quiet,
    )


def _is_sweep(directory: Path) -> bool:
    """Whether a sweep is there; where neither is, what is missing is told of a run."""
    from lrcli.storage.reading import begun_command

    return begun_command(directory) == "sweep"
