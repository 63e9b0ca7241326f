"""The `lrcli` program: its commands, its exit codes, the last place an error passes."""

import contextlib
import errno
import os
import shutil
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from lrcli import __version__
from lrcli.api.interrupts import stopping_on_signals
from lrcli.cli.check import EPILOG as CHECK_EPILOG
from lrcli.cli.check import check
from lrcli.cli.compare import EPILOG as COMPARE_EPILOG
from lrcli.cli.compare import compare
from lrcli.cli.completion import answering_bash
from lrcli.cli.data import EPILOG as DATA_EPILOG
from lrcli.cli.data import data
from lrcli.cli.delete import EPILOG as DELETE_EPILOG
from lrcli.cli.delete import delete
from lrcli.cli.describe import DESCRIBE_EPILOG, LIST_EPILOG, describe, list_components
from lrcli.cli.docs import EPILOG as DOCS_EPILOG
from lrcli.cli.docs import docs
from lrcli.cli.explain import EPILOG as EXPLAIN_EPILOG
from lrcli.cli.explain import explain
from lrcli.cli.export import EPILOG as EXPORT_EPILOG
from lrcli.cli.export import export
from lrcli.cli.figure import EPILOG as FIGURE_EPILOG
from lrcli.cli.figure import figure
from lrcli.cli.gc_control import forget_for_exit, pause_collecting
from lrcli.cli.lr_find import EPILOG as LR_FIND_EPILOG
from lrcli.cli.lr_find import lr_find
from lrcli.cli.merge import EPILOG as MERGE_EPILOG
from lrcli.cli.merge import merge
from lrcli.cli.predict import EPILOG as PREDICT_EPILOG
from lrcli.cli.predict import predict
from lrcli.cli.report import EPILOG as REPORT_EPILOG
from lrcli.cli.report import report
from lrcli.cli.resume import EPILOG as RESUME_EPILOG
from lrcli.cli.resume import resume
from lrcli.cli.runs import EPILOG as RUNS_EPILOG
from lrcli.cli.runs import runs
from lrcli.cli.schema import INIT_EPILOG, SCHEMA_EPILOG, init, schema
from lrcli.cli.show import EPILOG as SHOW_EPILOG
from lrcli.cli.show import show
from lrcli.cli.sweep import REPLAY_EPILOG, SWEEP_EPILOG, replay, sweep
from lrcli.cli.test import EPILOG as TEST_EPILOG
from lrcli.cli.test import try_out
from lrcli.cli.train import EPILOG as TRAIN_EPILOG
from lrcli.cli.train import train
from lrcli.cli.usage import Misuse, what_is_wrong
from lrcli.config.invocation import invoked_by
from lrcli.config.watching import watching
from lrcli.errors import LrcliError, RunDirectoryError, RunError, UsageError, WriteError
from lrcli.reporting.guard import guarded_streams, silence
from lrcli.reporting.reading_bar import ReadingBar

__all__ = ["app", "main"]

_NARROWEST = 50  # characters, to which typer sets its help where a terminal has less
_INTERRUPTED = 130
_OF_SIGNALS = 128  # of which 130 is that of Ctrl-C
_UNWRITABLE = {errno.ENOSPC, errno.EIO, errno.EBADF}


def _context_settings() -> dict[str, Any]:
    """How help is asked for, and its width on a narrow terminal: two columns stay free, as on others."""
    settings: dict[str, Any] = {"help_option_names": ["-h", "--help"]}
    room = shutil.get_terminal_size().columns - 2
    return settings | ({"terminal_width": room} if room < _NARROWEST else {})


app = typer.Typer(
    name="lrcli",
    help="Run small supervised-learning experiments whose answer is known.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings=_context_settings(),
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"lrcli {__version__}")
        raise typer.Exit


@app.callback(
    epilog="Exit codes: 0 done; 1 a run failed or diverged; 2 the command line or the file is wrong; "
    "3 an expectation failed; 130 interrupted by Ctrl-C, 128 + N by another signal."
)
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Run small supervised-learning experiments whose answer is known."""


for _command, _epilog, _name in (
    (train, TRAIN_EPILOG, "train"),
    (sweep, SWEEP_EPILOG, "sweep"),
    (resume, RESUME_EPILOG, "resume"),
    (merge, MERGE_EPILOG, "merge"),
    (replay, REPLAY_EPILOG, "replay"),
    (lr_find, LR_FIND_EPILOG, "lr-find"),
    (runs, RUNS_EPILOG, "runs"),
    (compare, COMPARE_EPILOG, "compare"),
    (delete, DELETE_EPILOG, "delete"),
    (figure, FIGURE_EPILOG, "figure"),
    (report, REPORT_EPILOG, "report"),
    (explain, EXPLAIN_EPILOG, "explain"),
    (export, EXPORT_EPILOG, "export"),
    (check, CHECK_EPILOG, "check"),
    (show, SHOW_EPILOG, "show"),
    (data, DATA_EPILOG, "data"),
    (predict, PREDICT_EPILOG, "predict"),
    (init, INIT_EPILOG, "init"),
    (list_components, LIST_EPILOG, "list"),
    (describe, DESCRIBE_EPILOG, "describe"),
    (schema, SCHEMA_EPILOG, "schema"),
    (docs, DOCS_EPILOG, "docs"),
    (try_out, TEST_EPILOG, "test"),
):
    # Its first paragraph whole, where typer would cut it to fit a line.
    _summary = " ".join((_command.__doc__ or "").partition("\n\n")[0].split())
    app.command(name=_name, epilog=_epilog, short_help=_summary)(_command)


def _run() -> int:
    """Run the command, and give its exit code.

    Raises:
        LrcliError: what the user must know; a full disk behind standard output is told as commands tell it
            that write there.
    """
    try:
        try:
            code = app(prog_name="lrcli", standalone_mode=False)
        finally:
            sys.stdout.flush()
    except Misuse as misuse:
        if len(sys.argv) == 1:  # which asks for help
            typer.echo(getattr(misuse, "format_message", misuse.__str__)(), err=True)
            return UsageError.exit_code
        raise UsageError(what_is_wrong(misuse)) from None
    except typer.Abort:
        return LrcliError.exit_code
    except MemoryError:
        raise RunError(
            "out of memory: something else uses much of it, or the machine has too little"
        ) from None
    except (OSError, RunDirectoryError, WriteError) as error:
        if not _has_current_directory():
            raise UsageError("the current directory is gone; change to one that is there") from None
        if not isinstance(error, OSError) or error.errno not in _UNWRITABLE:
            raise
        silence(sys.stdout)
        raise WriteError(f"standard output: could not be written: {error.strerror}") from None
    return code if isinstance(code, int) else 0


def _has_current_directory() -> bool:
    try:
        return bool(Path.cwd())
    except OSError:
        return False


@contextlib.contextmanager
def _warnings_as_messages() -> Iterator[None]:
    """What is warned of is shown as other messages are, not as a place in the code."""

    def show(message: Warning | str, *_place: object, **_more: object) -> None:
        if "_LRCLI_COMPLETE" in os.environ:  # the shell asks, in the middle of a line
            return
        from lrcli.reporting.messages import print_warning

        print_warning(str(message))

    before = warnings.showwarning
    warnings.showwarning = show
    try:
        yield
    finally:
        warnings.showwarning = before


def main() -> None:
    """Run the command line and exit."""
    # A thread that waits by spinning fights for its core with whatever else the machine runs: beside one
    # busy process a step takes ten times as long. Read when torch is loaded; the user's own choice stands.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if sys.platform == "win32":  # else programs that libraries start are looked for in the current directory
        os.environ.setdefault("NoDefaultCurrentDirectoryInExePath", "1")
    pause_collecting()
    with guarded_streams(), _warnings_as_messages(), stopping_on_signals() as stopped:
        try:
            bar = ReadingBar()
            words = ["lrcli", *sys.argv[1:]]
            with answering_bash(), watching(bar), invoked_by(words), contextlib.closing(bar):
                code = _run()
        except LrcliError as error:
            from lrcli.reporting.messages import print_error

            print_error(str(error))
            code = error.exit_code
        finally:
            forget_for_exit()
    if code == _INTERRUPTED and stopped.signal is not None:
        code = _OF_SIGNALS + stopped.signal
    sys.exit(code)
