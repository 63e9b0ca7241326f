"""Statistics over seeds: against NumPy and the statistics module where all is finite, by hand elsewhere."""

import statistics

import numpy as np
import pytest
from made_sweeps import made_results

from lrcli.analysis.statistics import describe, describe_metric, mode_of, ranking, scores, with_worst

INF = float("inf")
NAN = float("nan")


def described(values, mode="min", diverged=None):
    values = np.array(values, dtype=float)
    return describe(values, mode, ~np.isfinite(values) if diverged is None else np.array(diverged))


@pytest.mark.parametrize("seeds", [1, 2, 3, 4, 5, 10, 41])
@pytest.mark.parametrize("mode", ["min", "max"])
def test_finite_values(seeds, mode):
    values = np.random.default_rng(seeds).lognormal(size=(seeds, 30))
    stats = described(values, mode)
    for name, share in (("q25", 0.25), ("median", 0.5), ("q75", 0.75)):
        np.testing.assert_allclose(getattr(stats, name), np.quantile(values, share, axis=0), rtol=1e-14)
    np.testing.assert_allclose(stats.mean, [statistics.fmean(column) for column in values.T], rtol=1e-14)
    if seeds > 1:
        np.testing.assert_allclose(stats.std, [statistics.stdev(column) for column in values.T], rtol=1e-12)
    else:
        assert np.isnan(stats.std).all()
    assert stats.n.tolist() == [seeds] * 30
    assert stats.diverged.tolist() == [0] * 30


@pytest.mark.parametrize(
    ("column", "q25", "median", "q75"),
    [
        ([1, 2, 3, 4, INF], 2, 3, 4),  # positions 1, 2 and 3: exactly on values
        ([1, 2, 3, INF, INF], 2, 3, INF),
        ([1, 2, INF, INF, INF], 2, INF, INF),
        ([1, 2, 3, INF], 1.75, 2.5, INF),  # 2.25: between a number and none
        ([1, 2, INF, INF], 1.75, INF, INF),
        ([1, INF], INF, INF, INF),
        ([1, NAN, 0], 0.5, 1, INF),
        ([INF], INF, INF, INF),
        ([2, 2], 2, 2, 2),
        ([NAN, NAN], INF, INF, INF),
    ],
)
def test_members_without_a_value_are_the_worst(column, q25, median, q75):
    stats = described(np.array([column]).T)
    assert (stats.q25[0], stats.median[0], stats.q75[0]) == (q25, median, q75)
    mirrored = described(-np.array([column]).T, "max")
    assert (mirrored.q75[0], mirrored.median[0], mirrored.q25[0]) == (-q25, -median, -q75)


@pytest.mark.parametrize(("mode", "worst"), [("min", INF), ("max", -INF)])
def test_no_mean_without_the_members_that_diverged(mode, worst):
    stats = described([[1.0, 1.0], [3.0, 3.0]], mode, diverged=[[False, False], [True, False]])
    assert stats.mean.tolist() == [worst, 2.0]
    np.testing.assert_array_equal(stats.std, [np.nan, np.sqrt(2)])
    assert stats.diverged.tolist() == [1, 0]
    assert stats.n.tolist() == [2, 2]


def test_the_largest_numbers_warn_of_nothing():
    stats = described([[1e308, 1e200], [1.7e308, -1e200], [1.5e308, 0]])
    assert stats.median.tolist() == [1.5e308, 0.0]
    assert stats.q75[0] == pytest.approx(1.6e308)


def test_scores():
    status = np.array([["completed", "diverged"], ["interrupted", "stopped_early"]])
    results = made_results([[1.0, 2.0], [3.0, NAN]], status=status)
    assert scores(results).tolist() == [[1.0, INF], [3.0, INF]]
    turned = made_results([[1.0, 2.0], [3.0, NAN]], status=status, mode="max")
    assert scores(turned).tolist() == [[1.0, -INF], [3.0, -INF]]


def test_other_metrics_have_their_own_mode():
    final = {
        "val/loss": np.array([[1.0, INF]]),
        "val/accuracy": np.array([[0.5, 0.9]]),
        "recovery/max_abs_error": np.array([[0.1, 0.2]]),
    }
    results = made_results([[1.0, INF]], final=final)
    assert mode_of(results, "val/accuracy") == "max"
    assert scores(results, "val/accuracy").tolist() == [[0.5, -INF]], "the last value before it diverged"
    assert scores(results, "recovery/max_abs_error").tolist() == [[0.1, INF]]
    assert describe_metric(results, "recovery/max_abs_error").median.tolist() == [0.1, INF]
    assert describe_metric(results).diverged.tolist() == [0, 1]
    with pytest.raises(KeyError):
        scores(results, "test/loss")


def test_a_metric_may_be_ranked_against_its_name():
    results = made_results([[1.0]], metric="val/accuracy", mode="min")
    assert mode_of(results) == mode_of(results, "val/accuracy") == "min"


@pytest.mark.parametrize(("mode", "sign"), [("min", 1), ("max", -1)])
@pytest.mark.parametrize(
    ("values", "order"),
    [
        ([[3.0, 1.0, 2.0]], [1, 2, 0]),
        ([[1.0, 1.0, 1.0]], [0, 1, 2]),
        ([[INF, 1.0, NAN]], [1, 0, 2]),
        ([[INF, INF], [INF, INF]], [0, 1]),
        ([[1, 1], [2, 2], [5, 4]], [1, 0]),  # equal medians: the quartiles decide
        ([[INF, INF, 1], [INF, 1, INF], [INF, INF, 1]], [2, 1, 0]),  # all lost: fewer that diverged first
        ([[2.0]], [0]),
    ],
)
def test_ranking(mode, sign, values, order):
    assert ranking(described(sign * np.array(values), mode), mode).tolist() == order


def test_worst():
    assert with_worst([1, NAN, INF, -INF], "min").tolist() == [1, INF, INF, INF]
    assert with_worst([1, NAN, INF, -INF], "max").tolist() == [1, -INF, -INF, -INF]
