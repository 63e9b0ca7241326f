"""A run or a sweep while somebody waits for it: its progress on the screen, Ctrl-C, and what goes on."""

import contextlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

from lrcli.api.interrupts import finishing_on_signals, leaving_on_signals, say_below
from lrcli.errors import ClusterError

if TYPE_CHECKING:
    from typing import Self


__all__ = ["Following", "Report"]


class Report(Protocol):
    """What is seen of the progress."""

    def __enter__(self) -> "Self": ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> bool | None: ...

    def show(self, event: Any) -> None:
        """Show an event."""

    def say(self, text: str) -> None:
        """Show a message beside what is drawn."""


def _nothing() -> None:
    pass


class Following:
    """Follows one run or one sweep, from its beginning to when all of it has been drawn.

    While it trains, its progress is shown, and the first Ctrl-C ends it after the epochs under way. What is
    drawn after that takes no progress, and ends at the first Ctrl-C, and so do preparing and compiling. Other
    signals that end programs are as Ctrl-C; see `lrcli.api.interrupts`.

    Attributes:
        interruption: what the run or the sweep looks at.
    """

    def __init__(
        self,
        report: Report | None = None,
        say: Callable[[str], None] = say_below,
        begun: Callable[[], None] = _nothing,
        ended: Callable[[Any], AbstractContextManager[object]] = contextlib.nullcontext,
        stopped: Callable[[Path], None] | None = None,
    ) -> None:
        """Show nothing yet.

        Args:
            report: shows the progress; None: nothing does.
            say: tells what Ctrl-C has done where there is no report.
            begun: called when training begins.
            ended: called with the last event; what it gives is entered while the figures are drawn.
            stopped: called at the end with the directory of what was stopped and can go on.
        """
        from lrcli.running.location import Interruption

        self.interruption = Interruption(stops_at_once=True)
        self._report = report
        self._say = say if report is None else report.say
        self._begun, self._ended, self._stopped = begun, ended, stopped
        self._unfinished: Path | None = None
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> "Self":
        if self._report is not None:
            self._stack.enter_context(self._report)
        self._stack.enter_context(finishing_on_signals(self.interruption, self._say))
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        self._stack.close()
        goes_on = self.interruption.requested or isinstance(error, ClusterError)
        if goes_on and self._unfinished is not None and self._stopped is not None:
            self._stopped(self._unfinished)

    def observe(self, event: Any) -> None:
        """Take in an event of the run or the sweep."""
        from lrcli.running.moments import Begun, Ended, Waiting

        self.interruption.stops_at_once = isinstance(event, Waiting)
        result = getattr(event, "result", None)
        if self._report is not None:
            self._report.show(event)
        if isinstance(event, Begun):
            self._unfinished = event.run_dir
            self._begun()
        elif isinstance(event, Ended):
            self._stack.close()
            self._stack.enter_context(leaving_on_signals())
            if result is None or result.status != "interrupted":
                self._unfinished = None
            self._stack.enter_context(self._ended(event))
