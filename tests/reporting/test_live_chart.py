"""The curves of losses that are drawn while a run trains."""

import numpy as np
import pytest

from lrcli.reporting.chart_canvas import ASCII, UNICODE, characters_for
from lrcli.reporting.runs.live_chart import STYLES, chart_lines
from lrcli.reporting.runs.live_curves import Curves

EPOCHS = np.arange(401)
FALLING = 10.0 ** (-4 * EPOCHS / 400)  # a straight line on a log axis


def curves(*values, epochs=EPOCHS):
    kept = Curves(["train/loss", "val/loss"][: len(values)])
    kept.add(epochs, np.stack(values))
    return kept


def plain(lines):
    return [line.plain for line in lines]


def plot(lines):
    """The rows above the axis, without their labels."""
    bar = next(i for i, c in enumerate(lines[0]) if c in "│┤|+")
    return [line[bar + 1 :].ljust(len(lines[-2]) - bar - 1) for line in lines[:-2]]


CASES = {
    "falling": [FALLING, 2 * FALLING],
    "alone": [FALLING],
    "noise": [1 + np.random.default_rng(0).random(401), np.random.default_rng(1).random(401)],
    "constant": [np.full(401, 0.25), np.full(401, 0.25)],
    "zero": [np.zeros(401), np.zeros(401)],
    "to zero": [np.maximum(0, 1 - EPOCHS / 200), FALLING],
    "diverging": [
        np.where(EPOCHS < 300, 1.1 ** (15.0 * EPOCHS), np.inf),
        np.where(EPOCHS < 300, 1.0, np.nan),
    ],
    "nothing": [np.full(401, np.nan), np.full(401, np.nan)],
    "infinite": [np.full(401, np.inf), np.full(401, np.nan)],
    "tiny": [1e-300 * FALLING, 1e-290 * FALLING],
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("look", [UNICODE, ASCII], ids=["unicode", "ascii"])
@pytest.mark.parametrize("case", CASES)
def test_it_fits_every_terminal(case, look):
    kept = curves(*CASES[case])
    for width in (20, 30, 31, 39, 79, 199, 500):
        for height in range(12):
            lines = plain(chart_lines(kept, look, width, height))
            assert len(lines) <= min(height, 8)
            assert all(len(line) <= width and line == line.rstrip() for line in lines)
            assert bool(lines) == (height >= 5 and width >= 30)
            if look is ASCII:
                "\n".join(lines).encode("ascii")


def test_without_a_record_there_is_none():
    assert chart_lines(Curves(["train/loss"]), UNICODE, 80, 24) == []


def test_the_line_goes_through_the_values():
    rows = plot(plain(chart_lines(curves(FALLING), ASCII, 80, 24)))
    assert len(rows) == 6
    for column in range(len(rows[0])):
        drawn = [row for row in range(6) if rows[row][column] == "*"]
        assert drawn
        assert abs(np.mean(drawn) - 5 * column / (len(rows[0]) - 1)) <= 0.51


def test_labels_say_what_is_where():
    lines = plain(chart_lines(curves(FALLING), ASCII, 80, 24))
    labels = {row: line.split("+")[0].strip() for row, line in enumerate(lines[:6]) if "+" in line}
    assert labels == {0: "1", 2: "0.01", 5: "0.0001"}
    bar, column = lines[-2].index("+"), lines[-1].index("100") + 1
    assert (column - bar - 1) / (len(lines[-2]) - bar - 2) == pytest.approx(100 / 400, abs=0.02)
    assert lines[-1].split() == ["epoch", "0", "50", "100", "150", "200", "250", "300", "350", "400"]


@pytest.mark.parametrize(("last", "labels"), [(0, ["0"]), (1, ["0", "1"]), (3, ["0", "1", "2", "3"])])
def test_epochs_are_whole(last, labels):
    epochs = np.arange(last + 1)
    lines = plain(chart_lines(curves(1.0 + epochs, epochs=epochs), ASCII, 80, 24))
    assert lines[-1].split() == ["epoch", *labels]


def test_the_losses_differ_without_colours():
    """One is dashed, the other is not, wherever they are apart; and colours are those of the legend."""
    lines = chart_lines(curves(np.full(401, 3.0), np.full(401, 1.0)), UNICODE, 80, 24)
    upper, lower = (
        next(row for row in rows if row.strip()) for rows in (plot(plain(lines)), plot(plain(lines))[::-1])
    )
    assert " " not in upper
    assert lower.replace(" ", "") == lower[::2]
    assert {span.style for line in lines for span in line.spans} == set(STYLES)


def test_the_losses_differ_in_ascii():
    both = "".join(plot(plain(chart_lines(curves(FALLING, 9 * FALLING), ASCII, 80, 24))))
    assert both.count("*") > both.count("o") > 30


def test_one_loss_upon_the_other_is_seen():
    both = "".join(plot(plain(chart_lines(curves(FALLING, FALLING), ASCII, 80, 24))))
    assert both.count("o") == pytest.approx(both.count("*"), abs=8)


def test_a_lone_peak_is_seen():
    """Of a hundred thousand records, for which there are two hundred columns."""
    loss = np.ones(100_001)
    loss[70_000] = 2.0
    rows = plot(plain(chart_lines(curves(loss, epochs=np.arange(100_001)), ASCII, 100, 24)))
    assert rows[0].count("*") in {1, 2}
    assert rows[0].index("*") / len(rows[0]) == pytest.approx(0.7, abs=0.02)


def test_where_there_is_no_number_there_is_no_line():
    loss = np.where((EPOCHS > 100) & (EPOCHS < 300), np.nan, 1.0 + EPOCHS)
    rows = plot(plain(chart_lines(curves(loss), ASCII, 80, 24)))
    empty = [i for i in range(len(rows[0])) if all(row[i] == " " for row in rows)]
    assert (min(empty), max(empty)) == pytest.approx((0.25 * len(rows[0]), 0.75 * len(rows[0])), abs=2)


def test_an_infinite_loss_leaves_at_the_top():
    loss = np.where(EPOCHS < 200, 1.0 + EPOCHS / 400, np.inf)
    rows = plot(plain(chart_lines(curves(loss), ASCII, 80, 24)))
    assert "*" in rows[0]
    assert all(row[len(row) // 2 + 2 :].strip() == "" for row in rows)


@pytest.mark.parametrize(
    ("encoding", "look"),
    [("utf-8", UNICODE), ("ascii", ASCII), ("cp1252", ASCII), ("none", ASCII), (None, ASCII)],
)
def test_what_an_encoding_can_hold(encoding, look):
    assert characters_for(encoding) is look
