"""The largest stable rates in a sweep's pictures and report."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.colors import to_hex
from valleys import cases

from lrcli.analysis.stable_rates import LargestStable, StableRates
from lrcli.reporting.figure_files import figure_of
from lrcli.reporting.figure_style import COLORS
from lrcli.reporting.sweeps.figures import final_metric, recovery_error
from lrcli.reporting.sweeps.stable_words import stable_rates_words
from lrcli.running.stability import advice
from lrcli.storage.result_fields import StableRate
from lrcli.storage.sweep_result import Divergence, StableRateRow
from lrcli.wording import times

CASES = cases()
BATCHES = "in mean square, for random batches of 10"


def with_limits(case, limit_of, **fields):
    """A sweep of which each configuration has a limit, or None."""
    results = CASES[case]
    rates = tuple(float(values["optimizer.lr"]) for values in results.configurations)
    known = {}
    for values in results.configurations:
        limit = limit_of(values)
        known.setdefault(limit, LargestStable(limit, limit, limit, 1, **fields))
    largest = tuple(known[limit_of(values)] for values in results.configurations)
    return replace(results, stable=StableRates(rates, largest))


def lines(figure):
    """(place, colour) of the vertical lines of each panel."""
    return [
        [(line.get_xdata()[0], to_hex(line.get_color()).upper()) for line in axes.lines if is_limit(line)]
        for axes in figure.axes
    ]


def is_limit(line):
    x = np.asarray(line.get_xdata())
    return len(x) == 2 and x[0] == x[1] and list(line.get_ydata()) == [0, 1]


def named(figure):
    return [
        text.get_text() for text in figure.axes[0].get_legend().get_texts() if "stable" in text.get_text()
    ]


@pytest.mark.parametrize("drawn", [final_metric, recovery_error])
def test_a_limit_of_all_is_one_dark_line_in_every_panel(drawn):
    drawing = drawn(with_limits("rate", lambda values: 0.4321, sense=BATCHES))
    figure = figure_of(drawing)
    assert lines(figure) == [[(0.4321, "#444444")]] * 2
    assert named(figure) == ["largest stable rate: 0.432"]
    assert f"The largest stable rate is 0.432 ({BATCHES})." in drawing.description


def test_each_line_has_its_own_in_its_colour():
    drawing = final_metric(with_limits("two_keys", lambda values: 0.5 * (1 - values["optimizer.momentum"])))
    figure = figure_of(drawing)
    for panel in lines(figure):
        assert [place for place, _ in panel] == pytest.approx([0.5, 0.25, 0.05, 0.005])
        assert [color for _, color in panel] == [color.upper() for color in COLORS[:4]]
    assert named(figure) == ["largest stable rates"]
    assert "0.5 with momentum=0, 0.25 with momentum=0.5" in drawing.description


def test_where_only_one_line_has_a_limit_it_is_named():
    limits = with_limits(
        "optimizers",
        lambda values: (
            0.3 if values["optimizer.kind"] == "sgd" and not values["optimizer.momentum"] else None
        ),
        diagnostic=True,
    )
    figure = figure_of(final_metric(limits))
    assert named(figure) == ["largest stable rate of optimizer=sgd, momentum=0 (a diagnostic): 0.3"]
    assert {color for panel in lines(figure) for _, color in panel} == {COLORS[0].upper()}


@pytest.mark.parametrize(("limit", "seen"), [(2.5, True), (3.5, False), (4e-5, True), (2e-5, False)])
def test_a_limit_far_outside_of_what_was_tried_does_not_stretch_the_axis(limit, seen):
    drawing = final_metric(with_limits("rate", lambda values: limit))
    figure = figure_of(drawing)
    assert bool(lines(figure)[0]) == seen
    assert bool(named(figure)) == seen
    low, high = figure.axes[0].get_xlim()
    assert (low <= limit <= high) == seen
    assert f"is {limit:.3g}" in drawing.description


@pytest.mark.parametrize("case", ["categories", "zero"])
def test_other_keys_have_no_line(case):
    results = CASES[case]
    stable = StableRates((0.1,) * len(results.configurations), (LargestStable(0.002),) * 4)
    figure = figure_of(final_metric(replace(results, stable=stable)))
    assert not any(lines(figure))


def test_where_nothing_is_known_nothing_is_drawn():
    for results in (CASES["rate"], with_limits("rate", lambda values: None)):
        drawing = final_metric(results)
        assert not any(lines(figure_of(drawing)))
        assert "stable" not in drawing.description


class Result:
    """What the sentence needs of a result."""

    keys = ("optimizer.momentum", "optimizer.lr")
    stability = None

    def __init__(self, rows, *counts):
        self.divergence = Divergence(tuple(rows), *counts)


def row(limit, momentum=0.0, spread=0.0, **fields):
    low, high = limit * (1 - spread), limit * (1 + spread)
    return StableRateRow({"optimizer.momentum": momentum}, limit, low, high, 5, **fields)


SAID = [
    ([row(0.83)], (118, 2, 0, 880, 0), "0.83: of 120 members above it 118 diverged, of 880 below it none"),
    ([row(0.83)], (120, 0, 3, 877, 0), "0.83: of 120 members above it all diverged, of 880 below it 3"),
    ([row(0.83)], (0, 0, 0, 1000, 0), "0.83: all 1,000 members are below it, and none diverged"),
    ([row(0.83)], (0, 0, 2, 998, 0), "0.83: all 1,000 members are below it, and 2 diverged"),
    ([row(0.83)], (29, 1, 0, 0, 0), "0.83: all 30 members are above it, and 29 diverged"),
    ([row(0.83)], (1, 0, 0, 0, 0), "0.83: the member is above it, and diverged"),
    (
        [row(0.83)],
        (1, 0, 0, 9, 90),
        "0.83: of 1 member above it 1 diverged, of 9 below it none; for 90 more none",
    ),
    ([row(0.83, spread=0.1)], (1, 1, 0, 9, 0), "0.83 (the median of 5 seeds): of 2 members"),
    ([row(0.83, sense=BATCHES)], (1, 1, 0, 9, 0), f"0.83 ({BATCHES}): of 2 members"),
    ([row(0.83, diagnostic=True)], (1, 1, 0, 9, 0), "0.83 (a diagnostic, no bound): of 2 members"),
]


@pytest.mark.parametrize(("rows", "counts", "said"), SAID)
def test_the_sentence(rows, counts, said):
    assert stable_rates_words(Result(rows, *counts)).startswith(f"largest stable rate {said}")


def test_the_sentence_of_several_limits():
    two = [row(1.44), row(0.17, 0.9)]
    assert stable_rates_words(Result(two, 9, 1, 0, 10, 0)) == (
        "largest stable rates 1.44 with momentum=0, 0.17 with momentum=0.9: "
        "of 10 members above theirs 9 diverged, of 10 below theirs none"
    )
    many = [row(float(number), number) for number in range(1, 8)]
    assert stable_rates_words(Result(many, 9, 1, 0, 10, 0)).startswith("largest stable rates 1 to 7: of 10")
    alike = [row(1.44), row(1.4402, 0.9)]
    assert stable_rates_words(Result(alike, 9, 1, 0, 10, 0)).startswith("largest stable rate 1.44: of 10")


def test_there_is_no_sentence_where_there_is_nothing_to_say():
    unknown = StableRateRow({}, None, unknown="nobody knows")
    assert stable_rates_words(Result([unknown], 0, 0, 0, 0, 10)) == ""
    assert stable_rates_words(Result([row(1.0)], 0, 0, 0, 0, 0)) == ""  # interrupted before any had ended
    old, told = Result([row(1.0)], 9, 1, 0, 10, 0), Result([row(1.0)], 9, 1, 0, 10, 0)
    old.divergence, told.stability = None, StableRate(1.0)
    assert stable_rates_words(Result([row(1.0, diagnostic=True)], 0, 1, 0, 10, 0)) == ""
    assert stable_rates_words(old) == stable_rates_words(told) == ""


@pytest.mark.parametrize(
    ("ratio", "words"),
    [
        (1.0821, "1.08 times"),
        (99.4, "99.4 times"),
        (123.0, "about 120 times"),
        (5.0e5, "about 500,000 times"),
        (9.97e5, "about 1 million times"),
        (2.24e7, "about 22 million times"),
        (9.6e8, "about 960 million times"),
        (1.2e9, "about 1.2 billion times"),
        (4e14, "about 400 trillion times"),
        (3e20, "about 10^20 times"),
        (np.inf, "infinitely many times"),
    ],
)
def test_large_ratios_are_said_as_people_say_them(ratio, words):
    assert times(ratio) == words
    if 100 < ratio < np.inf:
        assert f"is {words} the largest stable one, 1;" in advice(StableRate(1.0), ratio)
