"""Lines that are drawn again in place, in a terminal that is given other sizes."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from rich.live import Live
from rich.text import Text
from screen import Screen

from lrcli.reporting.live_area import LiveArea

BEFORE = ["$ lrcli train", "note: a"]


@pytest.fixture(autouse=True)
def _no_multiplexer(monkeypatch):
    for name in ("TMUX", "STY", "XTERM_VERSION", "COLUMNS", "LINES"):
        monkeypatch.delenv(name, raising=False)


class Drawing:
    """Frames of some lines, none alike; lengths are shares of the width."""

    def __init__(self, shares=(1.0, 0.3, 0.7, 1.0)):
        self.shares, self.frame, self.shown = shares, 0, []

    def __call__(self, width, height):
        self.frame += 1
        self.shown = [
            f"{self.frame}.{i} ".ljust(int(share * width), "x")[:width].rstrip()
            for i, share in enumerate(self.shares)
        ][:height]
        return [Text(line) for line in self.shown]


def begin(screen, draw):
    out = Console(
        file=screen, force_terminal=True, width=screen.width, height=screen.height, color_system=None
    )
    for line in BEFORE:
        out.print(line)
    area = LiveArea(out, draw)
    area.start()
    area.refresh()
    return out, area


def resize(screen, out, width):
    screen.resize(width)
    out.size = (width, screen.height)


@given(
    st.lists(st.integers(12, 120), min_size=1, max_size=8),
    st.lists(st.floats(0, 1, allow_subnormal=False), min_size=1, max_size=6),
)
@settings(deadline=None)
def test_no_size_leaves_a_line(widths, shares):
    screen, draw = Screen(60, 400), Drawing(shares)
    out, area = begin(screen, draw)
    for width in widths:
        resize(screen, out, width)
        area.refresh()
        assert screen.lines()[-len(draw.shown) :] == [line for line in draw.shown if line]
        resize(screen, out, 200)
        assert screen.lines() == BEFORE + draw.shown
        resize(screen, out, width)
    area.finish(lambda width, height: [Text("the end")])
    assert screen.rows()[screen.row - 1 :][:2] == ["the end", ""]
    resize(screen, out, 200)
    assert screen.lines() == [*BEFORE, "the end"]


def test_what_rich_itself_leaves():
    """The terminal of these tests does what makes this necessary."""
    screen, draw = Screen(60, 40), Drawing()
    out = Console(file=screen, force_terminal=True, width=60, height=40, color_system=None)
    live = Live(console=out, auto_refresh=False, get_renderable=lambda: Text("\n").join(draw(out.width, 40)))
    live.start(refresh=True)
    resize(screen, out, 30)
    live.refresh()
    assert len(screen.lines()) > len(draw.shown)


@pytest.mark.parametrize("name", ["XTERM_VERSION", "STY"])
def test_a_terminal_that_cuts_lines_off(name, monkeypatch):
    monkeypatch.setenv(name, "1")
    screen, draw = Screen(60, 40, reflows=False), Drawing()
    out, area = begin(screen, draw)
    for width in (30, 20, 80, 25):
        resize(screen, out, width)
        area.refresh()
        assert screen.lines() == BEFORE + draw.shown
    area.stop()


def test_in_tmux_it_stays_low(monkeypatch):
    """What tmux moves off the screen at the next change are empty rows, not drawn ones."""
    monkeypatch.setenv("TMUX", "/tmp/tmux,1,0")  # noqa: S108
    screen, draw = Screen(60, 40), Drawing()
    out, area = begin(screen, draw)
    resize(screen, out, 40)
    row = screen.row
    area.refresh()
    assert screen.lines() == BEFORE + draw.shown
    assert screen.row == row
    area.finish(lambda width, height: [Text("the end")])
    assert screen.rows()[: screen.row + 1] == [*BEFORE, "the end", ""]


def test_it_never_fills_the_screen():
    """The line of the cursor finds room, too, or the first line would leave at the top each time."""
    for height, width in itertools.product(range(1, 8), (20, 60)):
        screen, draw = Screen(width, height), Drawing([1.0] * 9)
        _, area = begin(screen, draw)
        for _ in range(3):
            area.refresh()
        assert len(draw.shown) == height - 1
        assert screen.lines() == BEFORE + draw.shown
        area.stop()


def test_what_is_printed_goes_above():
    screen, draw = Screen(60, 40), Drawing()
    out, area = begin(screen, draw)
    out.print("a message")
    assert screen.lines() == [*BEFORE, "a message", *draw.shown]
    resize(screen, out, 30)
    out.print("another")
    assert screen.lines() == [*BEFORE, "a message", "another", *draw.shown]
    area.finish(lambda width, height: ())
    assert screen.rows()[: screen.row + 1] == [*BEFORE, "a message", "another", ""]
    assert screen.written.count("\x1b[?25l") == screen.written.count("\x1b[?25h") == 1
