"""Lines at the bottom of a terminal that are drawn again in place, whatever size it has been given since.

rich's own live display counts the lines that it has drawn. A terminal that has become narrower has broken
each of them into several, and what is above the last few stays there for ever. Here they are counted as they
stand now. For that a line never fills the terminal's width, has no spaces at its end, and the cursor waits
in an empty line below.

Where lines are broken, tmux moves as many rows off the top of the screen, though there be free ones below.
So there the drawing stays low: empty rows above it take the place of those that it had too many, and are
what leaves next. Of a drawing near the top of the screen the first rows leave at the first change.
"""

import os
from collections.abc import Callable, Sequence

from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderResult
from rich.control import Control
from rich.live import Live
from rich.segment import ControlType, Segment
from rich.text import Text

__all__ = ["Draw", "LiveArea"]

_IN_TMUX = "TMUX"

Draw = Callable[[int, int], Sequence[Text]]
"""Gives lines for a width and a height in characters, none wider and not more of them."""


class LiveArea(Live):
    """What is drawn when `refresh` is called; what is printed on its console goes above it."""

    def __init__(self, out: Console, draw: Draw) -> None:
        """Show nothing yet; `start` does.

        Args:
            out: a terminal.
            draw: gives the lines, each time that they are shown.
        """
        self._frame = _Frame(draw)
        super().__init__(self._frame, console=out, auto_refresh=False, redirect_stdout=False)

    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        broken = self._frame.broken_rows(self.console.width) if _reflows() else 0
        processed = super().process_renderables(renderables)
        if not broken:
            return processed
        if _IN_TMUX in os.environ:
            self._frame.lower(broken)
        upwards = ((ControlType.ERASE_IN_LINE, 2), (ControlType.CURSOR_UP, 1))
        return [Control(ControlType.CARRIAGE_RETURN, *upwards * broken), *processed]

    def finish(self, draw: Draw) -> None:
        """Leave these lines in the place of those that are shown, and draw no more."""
        self._frame.finish(draw)
        self.stop()


class _Frame:
    """The lines, drawn for the terminal as it is when they are shown."""

    def __init__(self, draw: Draw) -> None:
        self._draw = draw
        self._cells: list[int] = []  # of each line that was shown last
        self._above = 0  # empty rows
        self._is_last = False

    def broken_rows(self, width: int) -> int:
        """How many rows more than lines there are in a terminal that is so wide now."""
        return sum((cells - 1) // width for cells in self._cells if cells)

    def lower(self, rows: int) -> None:
        """Leave so many more rows empty above the lines."""
        self._above += rows

    def finish(self, draw: Draw) -> None:
        """Draw these lines from now on, without empty ones."""
        self._draw, self._above, self._is_last = draw, 0, True

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        lines = self._draw(options.max_width - 1, options.size.height - 1)
        self._cells = [line.cell_len for line in lines]
        self._above = min(self._above, max(0, options.size.height - 1 - len(lines)))
        for line in [Text()] * self._above + list(lines):
            yield from line.render(console)
            yield Segment.line()
        if not self._is_last:
            yield Segment.line()


def _reflows() -> bool:
    """Whether lines are broken anew where the terminal becomes narrower; xterm and screen cut them off."""
    return _IN_TMUX in os.environ or not ("XTERM_VERSION" in os.environ or "STY" in os.environ)
