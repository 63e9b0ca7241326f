"""How numbers are spaced along axes, and what figures of any subject share."""

import ast
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import lrcli.reporting
from lrcli.reporting.chart_canvas import Axis
from lrcli.reporting.scales import (
    inner_limits,
    is_logarithmic,
    key_ticks,
    limits,
    log_ticks,
    number_text,
    plain_numbers,
    power_text,
    round_numbers,
    scale_of,
    thinned,
)

SHARED = sorted(Path(lrcli.reporting.__file__).parent.glob("*.py"))


@pytest.mark.parametrize("path", SHARED, ids=lambda path: path.name)
def test_what_is_shared_knows_of_no_subject(path):
    tree = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    imported = [node.module or "" for node in tree if isinstance(node, ast.ImportFrom)]
    subjects = ("lrcli.reporting.sweeps", "lrcli.reporting.runs", "lrcli.analysis.sweep_results")
    assert not [name for name in imported if name.startswith(subjects)]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.geomspace(1e-4, 1, 9), "log"),
        (np.linspace(0.1, 0.9, 9), "linear"),
        ([0.0, *np.geomspace(1e-4, 1, 9)], "symlog"),
        ([-1.0, 0.1, 10.0], "linear"),
        ([0.1, 1.0], "log"),
        ([0.1, 0.9], "linear"),
        ([3.0], "linear"),
        ([1, 2, 4, 8, 16, np.inf], "log"),
    ],
)
def test_the_scale_of_points(values, expected):
    assert scale_of(np.array(values, dtype=float)) == expected


def test_the_scale_of_a_metric_is_that_of_the_table():
    shares = np.array([0.001, 0.9])
    assert is_logarithmic(shares, "val/loss")
    assert not is_logarithmic(shares, "val/accuracy")
    assert not is_logarithmic(-shares, "val/loss")
    assert not is_logarithmic(0 * shares, "val/loss")
    assert Axis.of_metric(shares, "val/loss").scale == "log"
    assert Axis.of_metric(shares, "val/accuracy").scale == "linear"


def test_limits_leave_out_what_would_leave_no_room():
    values = np.array([0.01, 0.02, 0.03, 1e12, np.inf, np.nan])
    low, high, logarithmic = limits(values, "val/loss", decades=3)
    assert (low, logarithmic) == (0.01, True)
    assert high == pytest.approx(np.median([0.01, 0.02, 0.03, 1e12]) * 1e3)
    assert limits(np.array([np.inf]), "val/loss", 3) == (0.0, 1.0, False)
    low, high, logarithmic = limits(np.array([2.0, 2.0]), "val/loss", 3)
    assert low < 2 < high
    assert not logarithmic


@given(low=st.floats(-1e6, 1e6, allow_subnormal=False), width=st.floats(1e-3, 1e6), most=st.integers(1, 9))
def test_round_numbers_are_few_and_inside(low, width, most):
    ticks = round_numbers(low, low + width, most)
    assert len(ticks) <= most + 1
    assert np.all((ticks >= low - 1e-6 * width) & (ticks <= low + width + 1e-6 * width))


def test_powers_of_ten():
    assert [power_text(value) for value in (1e-12, 1.0, 1e5)] == ["10⁻¹²", "10⁰", "10⁵"]


@given(count=st.integers(1, 500), most=st.integers(2, 60))
def test_thinned_keeps_both_ends(count, most):
    kept = thinned(count, most)
    assert (kept[0], kept[-1]) == (0, count - 1)
    assert len(kept) == min(count, most)


@given(st.lists(st.integers(1, 10**9).map(lambda n: n / 1000), min_size=2, max_size=9, unique=True))
def test_positions_keep_the_order(values):
    points = np.sort(np.array(values))
    for scale in ("linear", "log"):
        positions = Axis.of_points(points, scale).position(points)
        assert positions[0] == pytest.approx(0, abs=1e-9)
        assert positions[-1] == pytest.approx(1, abs=1e-9)
        assert np.all(np.diff(positions) >= 0)


def test_a_few_far_values_do_not_stretch_an_axis():
    values = np.append(np.linspace(-1, 1, 200), 1e4)
    low, high = inner_limits(values)
    assert -1.5 < low < -1
    assert 1 < high < 8
    assert inner_limits(np.array([3.0, 5.0])) == pytest.approx((2.84, 5.16))
    assert inner_limits(np.array([2.0])) == pytest.approx((1.84, 2.16))
    assert inner_limits(np.array([0.0, np.nan, np.inf])) == (-1, 1)
    assert inner_limits(np.array([np.nan])) == (0, 1)


@given(st.floats(-30, 30, allow_subnormal=False), st.floats(0.7, 40))
def test_ticks_of_a_log_axis_are_some_round_numbers_on_it(start, decades):
    low, high = 10**start, 10 ** (start + decades)
    ticks = log_ticks(low, high)
    assert 2 <= len(ticks) <= 9
    assert low * (1 - 1e-6) <= ticks[0]
    assert ticks[-1] <= high * (1 + 1e-6)
    assert np.all(np.diff(ticks) > 0)
    assert all(f"{tick:.2e}"[:4] in ("1.00", "2.00", "3.00", "5.00") for tick in ticks)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([8, 16, 32, 64], ["8", "16", "32", "64"]),
        (np.geomspace(1e-3, 1, 13), ["0.001", "0.01", "0.1", "1"]),
        (np.geomspace(1e-7, 1e-2, 6), ["10⁻⁷", "10⁻⁶", "10⁻⁵", "10⁻⁴", "10⁻³", "10⁻²"]),
        ([1e10, 1e20, 1e30], ["10¹⁰", "10²⁰", "10³⁰"]),
        ([0.0, 1e-4, 1e-3, 1e-2], ["0", "0.0001", "0.001", "0.01"]),
        ([0.0, 0.5, 0.8, 0.9], ["0", "0.5", "0.8", "0.9"]),
        (range(61), ["0", "10", "20", "30", "40", "50", "60"]),
        ([0.1], ["0.1"]),
        (range(14), ["0", "2", "4", "6", "8", "10", "12"]),
    ],
)
def test_the_labels_of_a_key(values, expected):
    values = np.array(list(values), dtype=float)
    assert key_ticks(values, scale_of(values)).texts == expected


def test_numbers_on_an_axis():
    written = [number_text(value, plain=True) for value in (0, 0.0005, 0.02, 1, 300, 1e4, 1e6, 3e-6)]
    assert written == ["0", "0.0005", "0.02", "1", "300", "10000", "10⁶", "3\N{MULTIPLICATION SIGN}10⁻⁶"]
    assert [number_text(value, plain=False) for value in (1e-3, 0.02, 1)] == [
        "10⁻³",
        "2\N{MULTIPLICATION SIGN}10⁻²",
        "10⁰",
    ]
    assert plain_numbers(1e-4, 1e4)
    assert not plain_numbers(1e-5, 1)
    assert not plain_numbers(1, 1e5)
