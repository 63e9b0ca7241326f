"""Lines that say how far something has come, for terminals of every width."""

import io
import re

import pytest
from rich.console import Console

from lrcli.reporting.status_line import Pace, Part, fitted, status_line

PARTS = [
    Part(["1,000 members"]),
    Part(["best val/loss 0.004638", "best 0.004638", ""], 2),
    Part(["diverged 12", ""], 1),
]
RIGHT = [Part(["39,500/50,000 steps", "79%"], 3), Part(["0:01 left", ""], 1)]


def console(color_system=None):
    return Console(file=io.StringIO(), force_terminal=True, width=200, color_system=color_system)


@pytest.mark.parametrize("room", range(1, 130))
def test_nothing_is_cut(room):
    line = status_line(PARTS, RIGHT, 0.79, console(), room).plain
    assert len(line) <= room
    whole = "".join(str(form) + "  " for part in [*PARTS, *RIGHT] for form in part.forms)
    for text in filter(None, re.split(r" {2,}|[━╸╺]+", line)):
        assert f"{text}  " in whole
    assert line.startswith("1,000 members") == (room >= 13)


def test_what_goes_first():
    shown = [fitted([*PARTS, *RIGHT], room).plain for room in range(120, 0, -1)]
    stages = list(dict.fromkeys(shown))
    assert stages == [
        "1,000 members  best val/loss 0.004638  diverged 12  39,500/50,000 steps  0:01 left",
        "1,000 members  best val/loss 0.004638  diverged 12  79%  0:01 left",
        "1,000 members  best 0.004638  diverged 12  79%  0:01 left",
        "1,000 members  diverged 12  79%  0:01 left",
        "1,000 members  79%",
        "1,000 members",
        "",
    ]


@pytest.mark.parametrize("room", [60, 80, 120])
@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 1.0, 1.7])
def test_the_bar_shows_the_share(room, share):
    line = status_line([Part(["left"])], [Part(["right"])], share, console(), room).plain
    assert line.startswith("left  ")
    assert line.endswith("right")
    columns = min(40, room - len("left    right"))
    assert line.count("━") + 0.5 * line.count("╸") == pytest.approx(min(1, share) * columns, abs=0.5)


def test_no_bar_where_it_would_be_a_stub():
    assert (
        status_line([Part(["left"])], [Part(["right"])], 0.5, console("standard"), 20).plain == "left  right"
    )


def pace(*samples):
    """Of steps that are finished at some seconds."""
    now = [0.0]
    measured = Pace(lambda: now[0])
    for now[0], step in samples:
        measured.reached(step)
    return measured


def test_a_pace_is_that_of_the_last_seconds():
    slow = [(second, 10 * second) for second in range(1, 101)]
    fast = [(100 + second, 1000 + 500 * second) for second in range(1, 21)]
    assert pace(*slow).rate == pytest.approx(10)
    assert pace(*slow, *fast).rate == pytest.approx(500)
    assert pace(*slow, *fast).left_text(11_000 + 500 * 90) == "1:30 left"


def test_a_pace_of_very_many_steps_keeps_few():
    many = pace(*((i / 10_000, i) for i in range(1, 300_000)))
    assert many.rate == pytest.approx(10_000)
    assert len(many._samples) < 200


@pytest.mark.parametrize(
    ("rate", "left", "text", "time"),
    [
        (12345, 24690, "12,345 steps/s", "0:02 left"),
        (0.25, 900, "0.25 steps/s", "1:00:00 left"),
        (3, 3 * 86400 * 2, "3 steps/s", "48:00:00 left"),
        (10, 0, "10 steps/s", "0:00 left"),
    ],
)
def test_a_pace_in_words(rate, left, text, time):
    measured = pace((4, 4 * rate))
    assert measured.rate_text() == text
    assert measured.left_text(4 * rate + left) == time


@pytest.mark.parametrize("measured", [pace(), pace((0, 5)), pace((3, 0))])
def test_no_pace_is_no_number(measured):
    assert measured.rate_text() == measured.left_text(100) == ""
