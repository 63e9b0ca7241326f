"""Ctrl-C: once to finish what is under way and save it, twice to stop at once.

Only the main thread of a program is told of it; in others nothing is changed.
"""

import contextlib
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lrcli.running.location import Interruption

__all__ = ["finishing_on_ctrl_c", "leaving_on_ctrl_c", "say_below", "say_nothing"]


def say_below(text: str) -> None:
    """Tell it on a line of its own on standard error."""
    print(f"\n{text}", file=sys.stderr)  # noqa: T201


def say_nothing(_text: str) -> None:
    """Tell nobody."""


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


@contextlib.contextmanager
def finishing_on_ctrl_c(
    interruption: "Interruption", say: Callable[[str], None] = say_below
) -> Iterator[None]:
    """The first Ctrl-C asks the run to end and save; the second stops at once.

    One that arrives while an object is destroyed, from where nothing can be raised, is as if it had not been:
    the first has been noted, and another one stops.

    Args:
        interruption: what the run looks at.
        say: shows what the first has done.
    """
    if not _in_main_thread():
        yield
        return

    def ask(_number: int, _frame: FrameType | None) -> None:
        if interruption.requested:
            raise KeyboardInterrupt
        interruption.requested = True
        say("stopping; Ctrl-C again to stop without saving")

    def tell(lost: "sys.UnraisableHookArgs") -> None:
        if not issubclass(lost.exc_type, KeyboardInterrupt):
            told(lost)

    handler, told = signal.signal(signal.SIGINT, ask), sys.unraisablehook
    sys.unraisablehook = tell
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        sys.unraisablehook = told


@contextlib.contextmanager
def leaving_on_ctrl_c() -> Iterator[None]:
    """The first Ctrl-C interrupts; those that follow it do not keep the result from being written."""
    if not _in_main_thread():
        yield
        return
    pressed = False

    def leave(_number: int, _frame: FrameType | None) -> None:
        nonlocal pressed
        if not pressed:
            pressed = True
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
