"""The `lrcli` program: its commands, its exit codes, the last place an error passes."""

import errno
import os
import sys
from io import TextIOWrapper
from typing import Annotated

import typer

from lrcli import __version__
from lrcli.cli.check import EPILOG as CHECK_EPILOG
from lrcli.cli.check import check
from lrcli.cli.completion import answering_bash
from lrcli.cli.data import EPILOG as DATA_EPILOG
from lrcli.cli.data import data
from lrcli.cli.describe import DESCRIBE_EPILOG, LIST_EPILOG, describe, list_components
from lrcli.cli.garbage import forget_for_exit, pause_collecting
from lrcli.cli.schema import INIT_EPILOG, SCHEMA_EPILOG, init, schema
from lrcli.cli.show import EPILOG as SHOW_EPILOG
from lrcli.cli.show import show
from lrcli.cli.sweep import REPLAY_EPILOG, RESUME_EPILOG, SWEEP_EPILOG, replay, resume, sweep
from lrcli.cli.train import EPILOG as TRAIN_EPILOG
from lrcli.cli.train import train
from lrcli.errors import LrcliError, WriteError

__all__ = ["app", "main"]

app = typer.Typer(
    name="lrcli",
    help="Run small supervised-learning experiments whose answer is known.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"lrcli {__version__}")
        raise typer.Exit


@app.callback(
    epilog="Exit codes: 0 done; 1 a run failed or diverged; 2 the command line or the file is wrong; "
    "3 an expectation failed; 130 interrupted."
)
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Run small supervised-learning experiments whose answer is known."""


app.command(epilog=TRAIN_EPILOG)(train)
app.command(epilog=SWEEP_EPILOG)(sweep)
app.command(epilog=RESUME_EPILOG)(resume)
app.command(epilog=REPLAY_EPILOG)(replay)
app.command(epilog=CHECK_EPILOG)(check)
app.command(epilog=SHOW_EPILOG)(show)
app.command(epilog=DATA_EPILOG)(data)
app.command(epilog=INIT_EPILOG)(init)
app.command(name="list", epilog=LIST_EPILOG)(list_components)
app.command(epilog=DESCRIBE_EPILOG)(describe)
app.command(epilog=SCHEMA_EPILOG)(schema)


def _run() -> None:
    """Run the command; a full disk behind standard output is told as commands tell it that write there."""
    try:
        try:
            app(prog_name="lrcli")
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is still to come goes nowhere
        raise WriteError(f"standard output: could not be written: {error.strerror}") from None


def main() -> None:
    """Run the command line and exit."""
    # A thread that waits by spinning fights for its core with whatever else the machine runs: beside one
    # busy process a step takes ten times as long. Read when torch is loaded; the user's own choice stands.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if sys.platform == "win32":  # else programs that libraries start are looked for in the current directory
        os.environ.setdefault("NoDefaultCurrentDirectoryInExePath", "1")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # what the terminal cannot show is shown as its code
            stream.reconfigure(errors="backslashreplace")
    pause_collecting()
    try:
        with answering_bash():
            _run()
    except LrcliError as error:
        from lrcli.reporting.messages import print_error

        print_error(str(error))
        sys.exit(error.exit_code)
    finally:
        forget_for_exit()
