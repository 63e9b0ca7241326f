"""Which columns a table of parameters has: the same on a terminal, on a page and in TensorBoard."""

import math
from types import SimpleNamespace

import pytest

from lrcli.components.models.linear import Linear
from lrcli.reporting.runs.parameter_table import on_a_page, parameter_columns, said_of
from lrcli.reporting.runs.words import equations
from lrcli.storage.run_result import RecoveryRow, Reference

TRUE = Reference("true", "the rule behind the data")
BEST = Reference("least_squares", "least squares")


def row(name, **known):
    return RecoveryRow(name, *(known.pop(key, 1.0) for key in ("true", "learned", "error")), **known)


def parted(name, **known):
    return row(name, sampling_error=0.1, optimization_error=0.9, standard_error=0.25, z=-4.0, **known)


@pytest.mark.parametrize(
    ("rows", "reference", "headings"),
    [
        ([row("a")], TRUE, "parameter,true,learned,error"),
        (
            [parted("a"), row("b")],
            TRUE,
            "parameter,true,learned,error,sampling error,optimization error,std. error,z",
        ),
        ([parted("a", error=1e9)], TRUE, "parameter,true,learned,error"),  # as after a divergence
        (
            [row("a", against="least_squares", reference=2.0, optimization_error=1.0, standard_error=0.1)],
            BEST,
            "parameter,best possible,std. error,learned,error",
        ),
        ([row("a"), row("b", determined=False)], TRUE, "parameter,true,learned,error,"),
        ([row("a", error=math.nan, determined=False)], TRUE, "parameter,true,learned,error,"),
    ],
)
def test_the_columns(rows, reference, headings):
    columns = parameter_columns(rows, reference, 10)
    assert [column.heading for column in columns] == headings.split(",")
    assert all(len(column.cells) == len(rows) for column in columns)
    assert all(column.heading for column in on_a_page(columns))


def test_what_is_not_told_is_an_empty_cell():
    rows = [
        row("a", error=math.nan, determined=False),
        row("b", error=0.5),
        row("c", true=math.nan, error=math.nan, against="optimum", reference=1.5, interval=(1.0, 2.0)),
        row("d", true=math.nan, against="optimum", reference=1.5, interval=(math.nan, math.nan)),
    ]
    by_heading = {c.heading: c.texts for c in parameter_columns(rows, Reference("optimum", "it"), 10)}
    assert by_heading["error"] == ["", "0.5", "", ""]
    assert by_heading["best possible"][2:] == ["1 to 2", "near 1.5"]
    assert by_heading[""] == ["not determined", "", "", ""]


def test_below_it_stands_what_the_columns_are():
    said = said_of(parameter_columns([parted("a")], TRUE, 10), "3 more in result.json")
    assert said == (
        "error = true - learned; its parts: sampling error = true - reference, what these data cannot tell; "
        "optimization error = reference - learned, what training still owes; 3 more in result.json"
    )
    assert said_of(parameter_columns([row("a")], BEST, 10)) == "best possible: least squares"


def test_the_zero_of_least_squares_is_no_rounding_of_it():
    rows = [row(name, against="least_squares", reference=value) for name, value in (("a", 3.0), ("b", 1e-17))]
    (best,) = (c for c in parameter_columns(rows, BEST, 10) if c.heading == "best possible")
    assert list(best.cells) == [3.0, 0.0]


def test_an_interval_around_zero_is_no_rounding_of_it_either():
    rows = [
        row("a", against="optimum", reference=3.0),
        row("b", against="optimum", reference=0.0, interval=(-1.0, 2.0)),
    ]
    (best,) = (c for c in parameter_columns(rows, BEST, 10) if c.heading == "best possible")
    assert list(best.cells) == [3.0, "-1 to 2"]


@pytest.mark.parametrize(
    "known",
    [
        {"learned": 4.13463e-15, "standard_error": 5.7e-18},
        {"learned": 0.0, "standard_error": 5.7e-18},  # not trained yet
        {"learned": 4.13463e-15},
    ],
)
def test_a_slope_over_large_features_is_no_rounding(known):
    """Planck's constant over the electron's charge, 4.1357e-15 V s, from voltages over frequencies."""
    slope = row("w[f]", against="least_squares", reference=4.13463e-15, **known)
    rows = [slope, row("b", learned=-2.3, against="least_squares", reference=-2.3)]
    (best,) = (c for c in parameter_columns(rows, BEST, 10) if c.heading == "best possible")
    assert list(best.cells) == [4.13463e-15, -2.3]


@pytest.mark.parametrize(
    ("learned", "reference", "fitted", "best"),
    [
        ((4.13463e-15, -2.30009), (4.13463e-15, -2.30009), "-2.3 + 4.135e-15 x", "-2.3 + 4.135e-15 x"),
        ((3.0, 1.5e-8), (3.0, 1.3e-17), "0 + 3 x", "0 + 3 x"),
        ((3.0, 0.01), (3.0, 0.0), "0.01 + 3 x", "0 + 3 x"),
    ],
)
def test_an_equation_has_small_numbers_and_no_rounding(learned, reference, fitted, best):
    rows = [
        row(name, learned=own, against="least_squares", reference=held)
        for name, own, held in zip("wb", learned, reference, strict=True)
    ]
    result = SimpleNamespace(parameters={"w": [[learned[0]]], "b": [learned[1]]}, recovery=rows)
    assert equations(result, Linear(kind="linear")) == [f"fitted: y = {fitted}", f"best:   y = {best}"]
