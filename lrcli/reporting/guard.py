"""The streams of the process, guarded: nothing that is written can command a terminal or end the program.

print, typer, completion  ->  guard: codes are shown, not obeyed  ->  the stream
a rich console            ->  escapes by itself, adds colours     ->  the stream, as `unguarded`
"""

import contextlib
import os
import sys
from collections.abc import Iterator
from io import TextIOWrapper
from pathlib import Path
from typing import Any, TextIO

from lrcli.wording import printable

__all__ = ["guarded_streams", "silence"]


class _Guard:
    """A text stream that shows as its code what a terminal would obey."""

    def __init__(self, stream: Any) -> None:
        self.unguarded = stream

    def write(self, text: str) -> int:
        """Write text; how much of it was taken."""
        self.unguarded.write(printable(text))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.unguarded, name)


class _Unfailing:
    """A text stream that falls silent where it cannot be written to: there nobody is left to be told."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write text, where that is possible."""
        with self._silent_on_failure():
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Write what has been kept, where that is possible."""
        with self._silent_on_failure():
            self._stream.flush()

    @contextlib.contextmanager
    def _silent_on_failure(self) -> Iterator[None]:
        try:
            yield
        except OSError:
            silence(self._stream)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextlib.contextmanager
def guarded_streams() -> Iterator[None]:
    """Guard standard output and error; one that is closed leads nowhere, and no file takes its number."""
    before = sys.stdout, sys.stderr
    with contextlib.ExitStack() as stack:
        output, errors = (stream or stack.enter_context(_nowhere()) for stream in before)
        for stream in (output, errors):
            if isinstance(stream, TextIOWrapper):  # what its encoding lacks is shown as its code
                stream.reconfigure(errors="backslashreplace")
        sys.stdout, sys.stderr = _Guard(output), _Guard(_Unfailing(errors))
        try:
            yield
        finally:
            sys.stdout, sys.stderr = before


def _nowhere() -> TextIO:
    return Path(os.devnull).open("w", encoding="utf-8")


def silence(stream: Any) -> None:
    """Let what is still to come, at exit too, go nowhere."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
