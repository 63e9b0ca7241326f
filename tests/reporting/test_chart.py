"""The sweep's chart in a terminal."""

import numpy as np
import pytest
from valleys import RATES, cases, product, valley

from lrcli.reporting.sweeps.chart import sweep_chart

CASES = cases()


def plot(lines):
    """The ten rows between the heading and the axis, without their labels."""
    bar = lines[1].index(next(c for c in lines[1] if c in "│┤|+"))
    return [line[bar + 1 :].ljust(80 - bar - 1) for line in lines[1:11]]


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1", None])
@pytest.mark.parametrize("case", CASES)
def test_it_fits_and_can_be_printed(case, encoding):
    for width in (80, 200, 50):
        lines = sweep_chart(CASES[case], width, encoding)
        assert all(len(line) <= width for line in lines)
        assert len(lines) <= 24
        "\n".join(lines).encode(encoding or "ascii")
    assert bool(lines) == (not case.startswith("categories") and case != "many_rows")


def test_the_numbers_around_it():
    lines = sweep_chart(CASES["rate"])
    assert lines[0] == "val/loss, median of 40 seeds (band: middle half)"
    assert lines[12].split() == ["0.0001", "0.001", "0.01", "0.1", "1"]
    labels = [line.split("┤")[0].strip() for line in lines[1:11] if "┤" in line]
    assert labels == ["1", "0.1", "0.01", "0.001"]
    assert lines[-1].strip() == "◆ best: lr=0.1: 0.0004355"
    assert "learning rate (optimizer.lr)" in lines[-2]


def test_the_best_is_marked_at_the_bottom_of_the_valley():
    rows = plot(sweep_chart(CASES["rate"], encoding="ascii"))
    (row,) = [i for i, text in enumerate(rows) if "@" in text]
    assert row == 9
    assert rows[row].index("@") == pytest.approx(3 / 4 * len(rows[row]), abs=2)  # 0.1 between 1e-4 and 1


def test_the_line_goes_through_the_medians():
    results = valley(product(optimizer__lr=RATES[:13]), seeds=1)
    rows = plot(sweep_chart(results, encoding="ascii"))
    loss = results.final["val/loss"][0]
    for i, place in enumerate(np.linspace(0, len(rows[0]) - 1, 13)):
        share = (loss.max() - loss[i]) / (loss.max() - loss.min())
        column = [row[round(place)] for row in rows]
        assert column[round(share * 9)] in "*@"


def test_where_members_diverged():
    lines = sweep_chart(CASES["rate"], encoding="ascii")
    marks = lines[13][len(lines[13]) - len(plot(lines)[0]) :]
    assert set(marks) == {" ", "x", "X"}
    assert marks.rstrip() == marks
    assert not any("some diverged" in line for line in sweep_chart(CASES["zero"]))


def test_all_diverged():
    lines = sweep_chart(CASES["all_diverged"])
    assert any("most members diverged, everywhere" in line for line in lines)
    assert "█" * 70 in lines[13]
    assert not any("best" in line for line in lines)


def test_one_point():
    lines = sweep_chart(CASES["one_configuration"])
    assert sum(row.count("◆") for row in plot(lines)) == 1
    assert lines[12].strip() == "0.03"


def test_several_lines_have_letters():
    lines = sweep_chart(CASES["optimizers"], encoding="ascii")
    drawn = "".join(plot(lines))
    assert {"a", "b", "c"} <= set(drawn)
    text = " ".join(" ".join(lines).split())
    assert "a optimizer=sgd, momentum=0; b optimizer=sgd, momentum=0.9; c optimizer=adam" in text


def test_zero_lies_on_a_logarithmic_axis():
    lines = sweep_chart(CASES["zero"], encoding="ascii")
    assert lines[12].split() == ["0", "0.0001", "0.001", "0.01"]


@pytest.mark.parametrize("value", [0.0, 1.0, -3.0, 1e30])
def test_ties(value):
    results = valley(product(optimizer__lr=RATES[:5]), seeds=3)
    results.final["val/loss"][:] = value
    rows = plot(sweep_chart(results, encoding="ascii"))
    assert sum("*" in row for row in rows) == 1


def test_losses_of_exactly_zero_are_at_the_bottom():
    results = valley(product(optimizer__lr=RATES[:5]), seeds=3)
    results.final["val/loss"][:] = [1.0, 0.1, 0.01, 0.001, 0.0]
    rows = plot(sweep_chart(results, encoding="ascii"))
    assert rows[-1].rstrip().endswith("@")


def test_one_seed_has_no_band():
    lines = sweep_chart(CASES["one_seed"])
    assert lines[0] == "val/loss, one seed"
    assert "░" not in "".join(lines)
