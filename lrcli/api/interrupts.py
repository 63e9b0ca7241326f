"""Ctrl-C and the signals that end programs: one to finish what is under way, another to stop at once.

These are SIGINT, which Ctrl-C sends; SIGTERM; SIGHUP, of a terminal that was closed; SIGBREAK on Windows. One
that is ignored when it would be answered stays ignored, as that of Ctrl-C is in a job in the background and
SIGHUP under nohup; nor is the answer of another program replaced that has one for its own SIGTERM.

A closed terminal and its shell both send SIGHUP, and `timeout` sends to a process and to its group. So one
that comes within a second of another is the same, unless it is of Ctrl-C.

Only the main thread of a program is told of signals; in others nothing is changed.
"""

import contextlib
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lrcli.running.location import Interruption

__all__ = [
    "Answer",
    "finishing_on_signals",
    "leaving_on_signals",
    "say_below",
    "say_nothing",
    "stopping_on_signals",
]

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
_SAME = 1.0  # seconds


def say_below(text: str) -> None:
    """Tell it on a line of its own on standard error."""
    print(f"\n{text}", file=sys.stderr)  # noqa: T201


def say_nothing(_text: str) -> None:
    """Tell nobody."""


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


class Answer:
    """What is done on signals, in place of what was done before, until it is given up.

    Attributes:
        signal: the number of the first that came; None: none has come.
    """

    def __init__(self, act: Callable[[int], None]) -> None:
        """Answer nothing yet.

        Args:
            act: called with the number of each signal.
        """
        self.signal: int | None = None
        self._act = act
        self._replaced: dict[int, Answer] = {}
        self._last = -_SAME

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        if number != signal.SIGINT and now < self._last + _SAME:
            return
        self._last = now
        self.note(number)
        self._act(number)

    def note(self, number: int) -> None:
        """Remember a signal, here and in the answer that this one stands in for."""
        if self.signal is None:
            self.signal = number
        if number in self._replaced:
            self._replaced[number].note(number)

    @contextlib.contextmanager
    def given(self) -> Iterator[None]:
        """Give this answer to signals."""
        if not _in_main_thread():
            yield
            return
        before = {}
        try:
            for number in (getattr(signal, name) for name in _NAMES if hasattr(signal, name)):
                replaced = signal.getsignal(number)
                if isinstance(replaced, Answer):
                    self._replaced[number] = replaced
                if isinstance(replaced, Answer) or _may_be_answered(number, replaced):
                    before[number] = replaced
                    signal.signal(number, self)
            yield
        finally:
            for number, replaced in before.items():
                signal.signal(number, replaced)


def _may_be_answered(number: int, handler: object) -> bool:
    """Whether a signal has no other answer that must stay; of Ctrl-C only that it is ignored must."""
    if number == signal.SIGINT:
        return handler not in {signal.SIG_IGN, None}
    return handler is signal.SIG_DFL


@contextlib.contextmanager
def finishing_on_signals(
    interruption: "Interruption", say: Callable[[str], None] = say_below
) -> Iterator[None]:
    """The first signal asks the run to end and save; the second stops at once.

    Where the run says that it would not look at that soon, the first stops at once.

    One that arrives while an object is destroyed, from where nothing can be raised, is as if it had not been:
    the first has been noted, and another one stops.

    Args:
        interruption: what the run looks at.
        say: shows what the first has done.
    """

    def ask(number: int) -> None:
        asked, interruption.requested = interruption.requested, True
        interruption.signal = interruption.signal or number
        if asked or interruption.stops_at_once:
            raise KeyboardInterrupt
        with contextlib.suppress(OSError, ValueError, RuntimeError):  # the terminal is gone, or is written to
            say(_asked(number))

    def tell(lost: "sys.UnraisableHookArgs") -> None:
        if not issubclass(lost.exc_type, KeyboardInterrupt):
            told(lost)

    if not _in_main_thread():
        yield
        return
    with Answer(ask).given():
        told, sys.unraisablehook = sys.unraisablehook, tell
        try:
            yield
        finally:
            sys.unraisablehook = told


def _asked(number: int) -> str:
    if number == signal.SIGINT:
        return "stopping; Ctrl-C again to stop without saving"
    return f"stopping, as {signal.Signals(number).name} asks for; once more to stop without saving"


@contextlib.contextmanager
def leaving_on_signals() -> Iterator[None]:
    """The first signal interrupts; those that follow it do not keep the result from being written."""
    came = False

    def leave(_number: int) -> None:
        nonlocal came
        if not came:
            came = True
            raise KeyboardInterrupt

    with Answer(leave).given():
        yield


@contextlib.contextmanager
def stopping_on_signals() -> Iterator[Answer]:
    """Each signal interrupts, so that whatever is to be put in order first is: a terminal, a file.

    Yields:
        what tells which came first, also of those that are answered otherwise in between.
    """

    def stop(_number: int) -> None:
        raise KeyboardInterrupt

    answer = Answer(stop)
    with answer.given():
        yield answer
