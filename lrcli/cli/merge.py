"""`lrcli merge`."""

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lrcli.cli.completion import complete_run
from lrcli.cli.gc_control import resume_collecting
from lrcli.cli.help import RUNS_DIR, examples
from lrcli.cli.sweep import JSON, QUIET, TB_MEMBERS, exit_code_of, print_notes, reported_at_end

if TYPE_CHECKING:
    from lrcli.storage.sweep_result import SweepResult
    from lrcli.sweeps.files import SweepFiles
    from lrcli.sweeps.merging import Shares

__all__ = ["EPILOG", "merge"]

EPILOG = examples(
    "lrcli sweep experiments/linear.yaml --shard 1/2 --run-dir shares/1 --quiet",
    "lrcli sweep experiments/linear.yaml --shard 2/2 --run-dir shares/2 --quiet",
    "lrcli merge shares/* --run-dir whole",
)

_INTERRUPTED = 130


def merge(
    shares: Annotated[
        list[str],
        typer.Argument(
            metavar="DIR...",
            help="The directories of all shares of a sweep, in any order, or NAME/sweep-0001.",
            show_default=False,
            autocompletion=complete_run,
        ),
    ],
    tb_members: TB_MEMBERS = 0,
    runs_dir: RUNS_DIR = Path("runs"),
    run_dir: Annotated[
        Path | None,
        typer.Option(
            help="Write the sweep here instead; a merge that was stopped there goes on.", show_default=False
        ),
    ] = None,
    as_json: JSON = False,
    quiet: QUIET = False,
) -> None:
    """Put the shares of a sweep together that lrcli sweep --shard has trained.

    What is written are the files of a sweep that was trained in one go, to the last bit. Shares of other
    experiments, shares that have not ended and those that are missing are named, all of them, before anything
    is written. The shares stay as they are.
    """
    from lrcli.reporting.progress import still_line
    from lrcli.reporting.runs.console import print_json
    from lrcli.running.location import OutputLocation
    from lrcli.sweeps.merging import find_shares, merged_files
    from lrcli.sweeps.resuming import complete_result

    with contextlib.nullcontext() if quiet else still_line("reading the shares"):
        found = find_shares(_directories(shares, runs_dir))
    files = merged_files(found, OutputLocation(runs_dir, run_dir, found.shares[0].directory.absolute()))
    result = complete_result(files)
    if result is None:
        print_notes(found.notes, quiet=quiet)
        result = _merge(found, files, tb_members, quiet=quiet, reported=not as_json and not quiet)
    else:
        print_notes([f"{files.directory}: is complete; nothing was merged"], quiet=quiet)
    if as_json:
        print_json(result)
    raise typer.Exit(exit_code_of(result))


def _directories(words: list[str], runs_dir: Path) -> list[Path]:
    """The directories that words mean; what is wrong with one that is none is told with the others."""
    from lrcli.errors import RunDirectoryError
    from lrcli.storage.finding import find_run, refuse_twice

    directories = []
    for word in words:
        try:
            directories.append(find_run(word, runs_dir, "sweep"))
        except RunDirectoryError:
            directories.append(Path(word))
    refuse_twice(directories)
    return directories


def _merge(
    shares: "Shares", files: "SweepFiles", tb_members: int, *, quiet: bool, reported: bool
) -> "SweepResult":
    """Copy the parts, write the tables, and show what they say.

    Raises:
        typer.Exit: it was interrupted.
    """
    from lrcli import api
    from lrcli.api.following import Following
    from lrcli.reporting.messages import print_note
    from lrcli.reporting.progress import still_line

    ended = reported_at_end(shares.plan, files) if reported else contextlib.nullcontext
    with contextlib.ExitStack() as line:

        def begun() -> None:
            resume_collecting()
            line.close()

        if not quiet:
            line.enter_context(still_line("copying the parts"))
        try:
            with Following(begun=begun, ended=ended) as following:
                return api.merge(shares, files, [following.observe], following.interruption, tb_members)
        except KeyboardInterrupt:
            line.close()
            if not files.is_new:
                print_note(f"to go on: merge again with --run-dir {files.directory}")
            raise typer.Exit(_INTERRUPTED) from None
