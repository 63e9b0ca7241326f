"""The points of a grid."""

import sys
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrcli.config.blocks import GridSpec, Sweep


def test_a_log_range_is_geometric_with_both_ends_exact():
    points = GridSpec(log_range=[1e-4, 1, 25]).points()
    assert (points[0], points[-1], len(points)) == (1e-4, 1, 25)
    np.testing.assert_allclose(points, np.geomspace(1e-4, 1, 25), rtol=1e-12)


def test_a_range_is_even_with_both_ends_exact():
    np.testing.assert_allclose(GridSpec(range=[0.1, 0.3, 3]).points(), [0.1, 0.2, 0.3], rtol=1e-12)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [({"range": [10, 30, 3]}, [10, 20, 30]), ({"log_range": [1, 1000, 4]}, [1, 10, 100, 1000])],
)
def test_whole_numbers_stay_whole(spec, expected):
    points = GridSpec(**spec).points()
    assert points == expected
    assert all(isinstance(point, int) for point in points)


def test_values_are_taken_as_they_are():
    assert GridSpec(values=["sgd", 1, [0.9, 0.99]]).points() == ["sgd", 1, [0.9, 0.99]]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"log_range": [1e-3, 1, 4]}, [0.001, 0.01, 0.1, 1]),
        ({"log_range": [1e-4, 10, 6]}, [0.0001, 0.001, 0.01, 0.1, 1, 10]),
        ({"log_range": [0.05, 0.8, 5]}, [0.05, 0.1, 0.2, 0.4, 0.8]),
        ({"range": [0, 0.9, 4]}, [0, 0.3, 0.6, 0.9]),
        ({"range": [0.1, 0.7, 7]}, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]),
        ({"range": [-0.3, 0.3, 7]}, [-0.3, -0.2, -0.1, 0, 0.1, 0.2, 0.3]),
        ({"range": [0, 1e-300, 3]}, [0, 5e-301, 1e-300]),
        ({"range": [-1.6e308, 1.6e308, 5]}, [-1.6e308, -8e307, 0, 8e307, 1.6e308]),
        ({"log_range": [1e-300, 1e300, 7]}, [1e-300, 1e-200, 1e-100, 1, 1e100, 1e200, 1e300]),
    ],
)
def test_values_of_a_range_are_the_decimals_that_a_person_would_write(spec, expected):
    """So that ``results[results.lr == 0.1]`` finds its rows."""
    if torch := sys.modules.get("torch"):  # an engine of another test may have had it take 1e-310 for 0
        torch.set_flush_denormal(False)
    assert GridSpec(**spec).points() == expected


@given(st.integers(-30, 30), st.integers(1, 30), st.integers(2, 12))
@settings(deadline=None)
def test_a_log_range_is_geometric_to_fourteen_digits(exponent, decades, count):
    """Against powers in exact arithmetic."""
    low, high = 10.0**exponent, 10.0 ** (exponent + decades)
    points = GridSpec(log_range=[low, high, count]).points()
    assert len(points) == count
    for i, point in enumerate(points):
        power = (Fraction(point) / Fraction(low)) ** (count - 1) / (Fraction(high) / Fraction(low)) ** i
        assert abs(power - 1) < count * 1e-12
    assert all(len(Decimal(repr(float(point))).normalize().as_tuple().digits) <= 14 for point in points[1:-1])


def test_a_value_that_is_written_twice_is_one_point():
    spec = GridSpec(values=[0.03, 0.1, 0.03, True, 1, {"a": 1, "b": 2}, {"b": 2, "a": 1}])
    assert spec.points() == [0.03, 0.1, True, 1, {"a": 1, "b": 2}]
    assert spec.repeated == [0.03, {"b": 2, "a": 1}]
    assert GridSpec(log_range=[1, 10, 3]).repeated == []


def test_a_count_of_seeds_begins_with_the_seed_of_the_file():
    grid = {"optimizer.lr": {"values": [1]}}
    assert tuple(Sweep(grid=grid, seeds=3).seed_list(7)) == (7, 8, 9)
    assert Sweep(grid=grid, seeds=[4, 2]).seed_list(7) == (4, 2)


def test_a_large_value_is_no_count():
    """Which would be written with all its digits."""
    assert list(map(repr, GridSpec(range=[1e20, 3e20, 3]).points())) == ["1e+20", "2e+20", "3e+20"]


def test_every_power_of_ten_between_powers_is_the_decimal():
    for low in range(-12, 6):
        for high in range(low + 1, 8):
            points = GridSpec(log_range=[float(f"1e{low}"), float(f"1e{high}"), high - low + 1]).points()
            assert points == [float(f"1e{exponent}") for exponent in range(low, high + 1)]
