"""Standard output and error: readers that leave, disks that fill up, terminals that obey what they are sent.

All that is shown leaves through a `console`, or as it is through the guarded streams of
`lrcli.reporting.guard`: what a terminal would obey appears as its code, whoever printed it.
"""

import contextlib
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from lrcli.reporting.guard import silence
from lrcli.storage.files import reporting_errors
from lrcli.wording import one_line, printable

__all__ = ["console", "draws_bars", "print_lines", "standard_output"]

_NARROWEST = 30  # characters, for a line that is drawn again


class _Console(Console):
    """A console that shows text as it is, and falls silent when its reader has left: the run goes on."""

    def on_broken_pipe(self) -> None:
        self.quiet = True
        silence(self.file)

    def render_str(self, text: str, **options: Any) -> Text:
        """Before anything is measured, so that tables stay aligned."""
        return super().render_str(printable(text), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterator[Segment]:
        """Whatever it came from; only codes of the console's own pass."""
        for text, style, control in super().render(renderable, options):
            yield Segment(text if control else printable(text), style, control)


def console(*, stderr: bool = False) -> Console:
    """The console of standard output, or of standard error."""
    stream = sys.stderr if stderr else sys.stdout
    return _Console(
        file=getattr(stream, "unguarded", stream), stderr=stderr, markup=False, emoji=False, highlight=False
    )


def draws_bars(out: Console) -> bool:
    """Whether lines are drawn again on a console: a terminal, whatever FORCE_COLOR says, without NO_COLOR."""
    return out.file.isatty() and out.is_interactive and not out.no_color and out.width >= _NARROWEST


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
        silence(sys.stdout)


def print_lines(lines: Iterable[str]) -> None:
    """Write lines to standard output; none of them can make another.

    Raises:
        WriteError: standard output could not be written.
    """
    with standard_output():
        for line in lines:
            print(one_line(line))  # noqa: T201
