"""Ctrl-C: once to finish what is under way and save it, twice to stop at once."""

import contextlib
import signal
import sys
from collections.abc import Iterator
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lrcli.running.location import Interruption

__all__ = ["finishing_on_ctrl_c"]


@contextlib.contextmanager
def finishing_on_ctrl_c(interruption: "Interruption") -> Iterator[None]:
    """The first Ctrl-C asks the run to end and save; the second stops at once.

    One that arrives while an object is destroyed, from where nothing can be raised, is as if it had not been:
    the first has been noted, and another one stops.
    """

    def ask(_number: int, _frame: FrameType | None) -> None:
        if interruption.requested:
            raise KeyboardInterrupt
        interruption.requested = True
        print("\nstopping; Ctrl-C again to stop without saving", file=sys.stderr)  # noqa: T201

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
