"""`lrcli delete`."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lrcli.cli.completion import complete_run
from lrcli.cli.help import RUNS_DIR, examples
from lrcli.errors import UsageError

if TYPE_CHECKING:
    from lrcli.storage.removing import Removable

__all__ = ["EPILOG", "delete"]

EPILOG = examples(
    "lrcli train experiments/linear.yaml --quiet",
    "lrcli train experiments/linear.yaml --quiet",
    "lrcli delete linear/train-0002 --yes",
    "lrcli delete --yes last",
)

_KEPT = 1  # exit code, where the answer was no
_INTERRUPTED = 130


def delete(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="RUN...",
            help="Runs or sweeps: a directory, NAME/train-0001, NAME for its newest, or last.",
            show_default=False,
            autocompletion=complete_run,
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask; needed without a terminal.")] = False,
    runs_dir: RUNS_DIR = Path("runs"),
) -> None:
    """Delete runs and sweeps, after asking; one that is running, and all that is no run, is refused.

    Links are not followed. Where one cannot be deleted none is. With --yes and no RUN nothing is done, so
    that lrcli delete --yes $(lrcli runs -q --status failed --older-than 30d) works where there are none.
    """
    from lrcli.reporting.messages import print_note
    from lrcli.reporting.streams import print_lines
    from lrcli.storage.removing import removable, remove

    if not words:
        if not yes:
            raise UsageError("name a run, such as linear/train-0001 or last; see lrcli delete --help")
        print_note("no run was named, and nothing was deleted")
        return
    found = removable(words, runs_dir)
    if not yes and not _agreed(found, runs_dir):
        print_note("nothing was deleted")
        raise typer.Exit(_KEPT)
    for each in found:
        remove(each.directory, runs_dir)
        print_lines([str(each.directory)])


def _agreed(found: "Sequence[Removable]", runs_dir: Path) -> bool:
    """Show what would go, and ask.

    Raises:
        UsageError: nobody can be asked.
    """
    from lrcli.reporting.listing import print_removable
    from lrcli.reporting.messages import print_note
    from lrcli.storage.listing import row_of

    if not sys.stdin.isatty() or not sys.stderr.isatty():
        raise UsageError("without a terminal nobody can be asked; add --yes")
    print_removable([(row_of(each.directory, runs_dir), each.files, each.size) for each in found])
    try:
        return typer.confirm("Delete?" if len(found) == 1 else f"Delete these {len(found)}?", err=True)
    except typer.Abort as abort:
        typer.echo(err=True)  # the line of the question ends
        if isinstance(abort.__context__, KeyboardInterrupt):
            print_note("nothing was deleted")
            raise typer.Exit(_INTERRUPTED) from None
        return False  # the input has ended
