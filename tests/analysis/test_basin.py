"""The usable band of a rate and where to look next."""

import numpy as np
import pytest

from lrcli.analysis.basin import edge_advice, marginal, usable_band

INF = float("inf")
NAN = float("nan")
RATES = [1e-4, 1e-3, 1e-2, 1e-1, 1.0]


@pytest.mark.parametrize(
    ("medians", "mode", "best", "low", "high"),
    [
        ([9, 3, 1, 2, INF], "min", 1e-2, 1e-2, 1e-1),  # exactly twice is still usable
        ([9, 3, 1, 2.01, INF], "min", 1e-2, 1e-2, 1e-2),
        ([1.5, 3, 1, 1.5, 1.5], "min", 1e-2, 1e-2, 1.0),  # not across the bad one
        ([1.5, NAN, 1, 1.5, INF], "min", 1e-2, 1e-2, 1e-1),
        ([1, 1, 1, 1, 1], "min", 1e-2, 1e-4, 1.0),  # of equals the middle one
        ([9, 1, 1, 9, 1], "min", 1e-3, 1e-3, 1e-2),
        ([1e-3, 4e-14, 1e-15, 9e-13, 1e-3], "min", 1e-2, 1e-3, 1e-1),  # rounding
        ([0.5, 0.85, 0.9, 0.84, 0.89], "max", 1e-2, 1e-3, 1e-2),  # exactly 0.05 is still usable
        ([0.15, 0.25, 0.3, 0.2, 0.1], "max", 1e-2, 1e-3, 1e-2),
        ([0.5, 0.92, 0.95, 0.91, -INF], "max", 1e-2, 1e-3, 1e-1),
        ([0, 0, 0, 0, INF], "min", 1e-3, 1e-4, 1e-1),
    ],
)
def test_usable_band(medians, mode, best, low, high):
    band = usable_band(RATES, medians, mode)
    assert (band.best, band.low, band.high) == (best, low, high)
    assert band.median == medians[RATES.index(best)]
    assert band.decades == pytest.approx(np.log10(high / low))
    assert band.usable.tolist() == [low <= rate <= high for rate in RATES]
    assert (band.open_low, band.open_high) == (low == 1e-4, high == 1.0)


def test_rates_in_any_order():
    order = np.array([3, 0, 4, 2, 1])
    medians = np.array([9, 3, 1, 2, INF])
    band = usable_band(np.array(RATES)[order], medians[order], "min")
    assert (band.low, band.high) == (1e-2, 1e-1)
    assert band.usable.tolist() == [True, False, False, True, False]


def test_all_diverged():
    assert usable_band(RATES, [INF] * 5, "min") is None
    assert usable_band(RATES, [NAN] * 5, "max") is None
    advice = edge_advice(RATES, [INF] * 5, "min")
    assert (advice.edge, advice.low, advice.high) == ("low", pytest.approx(1e-7), 1e-4)


def test_one_rate():
    band = usable_band([0.1], [3.0], "min")
    assert (band.low, band.high, band.decades) == (0.1, 0.1, 0)
    advice = edge_advice([0.1], [3.0], "min")
    assert advice.edge == "both"
    assert advice.high / advice.low == pytest.approx(1000)
    assert advice.low * advice.high == pytest.approx(0.01)


def test_a_key_that_may_be_zero_has_no_decades():
    band = usable_band([0.0, 0.5, 0.9], [1.0, 1.1, 1.2], "min")
    assert np.isnan(band.decades)
    assert band.open_low
    assert edge_advice([0.0, 0.5, 0.9], [1.0, 1.1, 1.2], "min") is None, "nothing lies below 0"
    assert edge_advice([0.0], [1.0], "min") is None


@pytest.mark.parametrize(
    ("medians", "mode", "edge", "low", "high"),
    [
        ([1, 2, 3, 4, 5], "min", "low", 1e-7, 1e-4),
        ([5, 4, 3, 2, 1], "min", "high", 1.0, 1000.0),
        ([5, 4, 3, 2, 1], "max", "low", 1e-7, 1e-4),
        ([INF, INF, INF, INF, 1], "min", "high", 1.0, 1000.0),
        ([5, 4, 1, 4, 5], "min", None, 0, 0),
        ([0.5, 0.8, 1, 1, 1], "max", None, 0, 0),  # as good inside as at the edge
        ([3, 2, 2, 2, 2], "min", None, 0, 0),
    ],
)
def test_edge_advice(medians, mode, edge, low, high):
    advice = edge_advice(RATES, medians, mode)
    if edge is None:
        assert advice is None
    else:
        assert (advice.edge, advice.low, advice.high) == (edge, pytest.approx(low), pytest.approx(high))


@pytest.mark.parametrize(("mode", "sign"), [("min", 1), ("max", -1)])
def test_marginal(mode, sign):
    rates = [0.1, 0.01, 0.1, NAN, 0.01, 1.0]
    medians = sign * np.array([3.0, 2.0, 1.0, 0.0, NAN, INF])
    found = marginal(rates, medians, mode)
    assert found.rates.tolist() == [0.01, 0.1, 1.0]
    assert found.medians.tolist() == [2.0 * sign, 1.0 * sign, INF * sign]
    assert found.configurations.tolist() == [1, 2, 5]


def test_equals_of_one_rate_keep_their_order():
    assert marginal([0.1, 0.1], [1.0, 1.0], "min").configurations.tolist() == [0]


def test_a_marginal_of_a_full_grid():
    rates, momenta = np.meshgrid(np.geomspace(1e-3, 1, 7), np.linspace(0, 0.9, 5), indexing="ij")
    medians = np.log10(rates * 30) ** 2 + (momenta - 0.5) ** 2
    found = marginal(rates.ravel(), medians.ravel(), "min")
    np.testing.assert_array_equal(found.medians, medians.min(axis=1))
    np.testing.assert_array_equal(medians.ravel()[found.configurations], found.medians)
