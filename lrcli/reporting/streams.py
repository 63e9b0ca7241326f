"""Standard output and error: readers that leave, disks that fill up, terminals without Unicode."""

import contextlib
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from rich.console import Console

from lrcli.runs.files import reporting_errors

__all__ = ["console", "draws_bars", "print_lines", "standard_output"]


class _Console(Console):
    """A console that falls silent when its reader has left, and lets the run go on."""

    def on_broken_pipe(self) -> None:
        self.quiet = True
        _silence(self.file.fileno())


def console(*, stderr: bool = False) -> Console:
    """The console of standard output, or of standard error."""
    return _Console(stderr=stderr)


def draws_bars(out: Console) -> bool:
    """Whether a console is a terminal on which a line can be drawn again."""
    return out.is_terminal and not out.is_dumb_terminal


@contextlib.contextmanager
def standard_output() -> Iterator[None]:
    """Around what is written to standard output.

    A reader that has left (``| head -1``) has seen what it wanted: that is no error.

    Raises:
        WriteError: the output could not be written, as on a full disk.
    """
    try:
        with reporting_errors(Path("standard output")):
            yield
            if sys.stdout is not None:
                sys.stdout.flush()
    except Exception as error:
        if not isinstance(error.__cause__, BrokenPipeError):
            raise
        _silence(sys.stdout.fileno())


def print_lines(lines: Iterable[str]) -> None:
    """Write lines to standard output as they are.

    Raises:
        WriteError: standard output could not be written.
    """
    with standard_output():
        for line in lines:
            print(line)  # noqa: T201


def _silence(descriptor: int) -> None:
    """Let what is still to come, at exit too, go nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)
