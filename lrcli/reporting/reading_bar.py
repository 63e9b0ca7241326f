"""A bar on a terminal while a large file is read.

rich is imported when there is something to draw.
"""

import time
from pathlib import Path
from typing import TYPE_CHECKING

from lrcli.wording import one_line

if TYPE_CHECKING:
    from lrcli.reporting.live_area import LiveArea

__all__ = ["ReadingBar", "bar_line"]

_LARGE = 10**8  # bytes; what is smaller is read in a second or two
_BETWEEN = 0.1  # seconds from one drawing to the next
_WIDEST = 40  # characters of the bar


class ReadingBar:
    """Is told how far the reading of files has come, and draws it; see `lrcli.config.watching`."""

    def __init__(self) -> None:
        self._area: LiveArea | None = None
        self._told = (Path(), 0, 1)
        self._next = 0.0

    def __call__(self, path: Path, done: int, size: int) -> None:
        """Draw the bar, or take it away where the file is read."""
        if size < _LARGE:
            return
        self._told = (path, done, size)
        if done >= size:
            self.close()
        elif time.monotonic() >= self._next:
            self._next = time.monotonic() + _BETWEEN
            self._draw()

    def _draw(self) -> None:
        from rich.text import Text

        from lrcli.reporting.live_area import LiveArea
        from lrcli.reporting.streams import console, draws_bars

        if self._area is None:
            out = console(stderr=True)
            if not draws_bars(out):
                return
            self._area = LiveArea(out, lambda width, _height: [Text(bar_line(*self._told, width))])
            self._area.start()
        self._area.refresh()

    def close(self) -> None:
        """Take the bar away."""
        if self._area is not None:
            self._area.finish(lambda _width, _height: ())
            self._area = None


def bar_line(path: Path, done: int, size: int, width: int) -> str:
    """Such as ``reading data.csv ━━━━━━      61% of 1.00 GB``, no wider than there is room."""
    share = f" {done / size:4.0%} of {size / 1e9:.2f} GB"
    name = f"reading {one_line(path.name)} "
    room = min(_WIDEST, width - len(share) - len(name))
    if room < 1:
        return share.strip()[:width]
    return f"{name}{'━' * round(room * done / size):<{room}}{share}"
