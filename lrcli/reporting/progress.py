"""Progress on standard error: lines drawn again in place on a terminal, a few plain lines elsewhere."""

import contextlib
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.text import Text

from lrcli.reporting.messages import print_note
from lrcli.reporting.streams import console, draws_bars

if TYPE_CHECKING:
    from lrcli.reporting.live_area import Draw, LiveArea
    from lrcli.running.moments import Waiting

__all__ = ["BarReport", "still_line"]

_PLAIN_LINES = 10  # for a whole run
_APPEARS_AFTER = 0.3  # seconds; what takes less would only flicker
_PAINT_SECONDS = (0.1, 1.0)  # from one painting to the next, at least and at most,
_PAINT_SHARE = 0.01  # so that painting takes no more than this of the time


@contextlib.contextmanager
def still_line(text: str) -> Iterator[Callable[[str], None]]:
    """A line on a terminal while something takes a moment, and what changes it; nothing elsewhere."""
    out = console(stderr=True)
    if not draws_bars(out):
        yield lambda _text: None
        return
    from lrcli.reporting.live_area import LiveArea

    shown, painted = text, time.monotonic()

    def tell(text: str) -> None:
        nonlocal shown, painted
        shown, now = text, time.monotonic()
        if now > painted + _PAINT_SECONDS[0]:
            painted = now
            area.refresh()

    area = LiveArea(out, lambda width, _height: [Text(shown)] if len(shown) <= width else [])
    area.start()
    area.refresh()
    try:
        yield tell
    finally:
        area.finish(lambda _width, _height: ())


class BarReport(ABC):
    """What is drawn on a terminal while something trains; elsewhere about ten plain lines.

    It is drawn when there is news. Only the first time it does not wait for any, as an epoch may take long.
    """

    def __init__(self) -> None:
        """Show nothing yet."""
        self._console = console(stderr=True)
        self._draws = draws_bars(self._console)
        self._lock = threading.RLock()  # held while anything changes that is drawn
        self._area: LiveArea | None = None
        self._timer: threading.Timer | None = None
        self._awaited: Waiting | None = None
        self._painting = False
        self._next_painting = 0.0
        self._painted_size = self._console.size
        self._unsaid: list[str] = []
        self._printed = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._end()

    def say(self, text: str) -> None:
        """Show a message at once, above what is drawn; a signal handler may call this at any time."""
        if not self._lock.acquire(
            blocking=False
        ):  # another thread draws the first time, and says it after that
            self._unsaid.append(text)
            return
        try:
            if self._painting:
                self._unsaid.append(text)
            elif self._area is None:
                print(f"\n{text}", file=sys.stderr)  # noqa: T201
            else:
                self._console.print(text)
        finally:
            self._lock.release()

    @abstractmethod
    def _draw(self, width: int, height: int) -> Sequence[Text]:
        """What is shown while training goes on: lines for so many characters and rows."""

    def _begin(self) -> None:
        """Training begins: draw it, if it takes longer than a moment."""
        if self._draws:
            self._timer = threading.Timer(_APPEARS_AFTER, self._appear)
            self._timer.daemon = True
            self._timer.start()

    def _appear(self) -> None:
        with self._lock:
            if self._timer is not None and self._area is None:
                self._open()

    def _open(self) -> None:
        """Start drawing."""
        from lrcli.reporting.live_area import LiveArea

        area = LiveArea(self._console, self._lines)
        self._painting = True  # until it is on the screen, nothing can be shown above it
        area.start()
        self._area = area
        self._paint()

    def _end(self, draw: "Draw" = lambda _width, _height: ()) -> None:
        """Draw no more; these lines stay, in place of what was drawn."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._area is not None:
            area, self._painting = self._area, True
            try:
                area.finish(draw)
            finally:
                self._area, self._painting = None, False
        while self._unsaid:
            self.say(self._unsaid.pop(0))

    def _lines(self, width: int, height: int) -> Sequence[Text]:
        if self._awaited is None:
            return self._draw(width, height)
        text = self._awaited.text if len(self._awaited.text) <= width else self._awaited.short
        return [Text(text)][:height]

    def _paint(self, *, due: bool = False) -> None:
        """Draw anew.

        Args:
            due: only if the last time is long enough ago, or the terminal has got another size since.
        """
        began, size = time.monotonic(), self._console.size
        if self._area is None or (due and began < self._next_painting and size == self._painted_size):
            return
        self._painted_size = size
        self._painting = True
        try:
            self._area.refresh()
        finally:
            self._painting = False
        while self._unsaid:
            self._console.print(self._unsaid.pop(0))
        now = time.monotonic()
        least, most = _PAINT_SECONDS
        self._next_painting = now + min(most, max(least, (now - began) / _PAINT_SHARE))

    def _wait(self, event: "Waiting") -> None:
        """Say what is waited for, until the next event."""
        if not self._draws:
            print_note(event.text)
            return
        self._awaited = event
        if self._area is None:
            self._open()
        else:
            self._paint()

    def _came(self) -> None:
        """Take back what was waited for."""
        if self._awaited is not None:
            self._awaited = None
            if self._timer is None:  # training has not begun
                self._end()
            self._next_painting = 0.0  # what comes now is due

    def _print_if_due(self, line: str, done: int, total: int) -> None:
        """Print a line where nothing is drawn, about one for every tenth of the whole."""
        tenths = done * _PLAIN_LINES // max(total, 1)
        if not self._draws and tenths > self._printed:
            self._printed = tenths
            self._console.print(line, soft_wrap=True)
