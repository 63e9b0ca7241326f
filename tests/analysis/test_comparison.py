"""Comparisons: the closed form of the bootstrap against resampling, coverage by simulation, infinities."""

from itertools import product

import numpy as np
import pytest

from lrcli.analysis.comparison import (
    _resampled_median,
    compare_groups,
    compare_paired,
    compare_with_best,
    median_interval,
)

INF = float("inf")
NAN = float("nan")


def resampled(values, number, seed=0):
    """Medians of resamples of one column, drawn."""
    drawn = np.random.default_rng(seed).integers(len(values), size=(number, len(values)))
    return np.median(np.asarray(values)[drawn], axis=1)


@pytest.mark.parametrize("size", [2, 3, 4, 5, 6])
def test_the_closed_form_is_every_resample(size):
    """Against all S^S resamples of the ranks themselves."""
    ranks = np.sort(np.array(list(product(range(size), repeat=size))), axis=1)
    middle, counts = np.unique(ranks[:, [(size - 1) // 2, size // 2]], axis=0, return_counts=True)
    lower, upper, probability = _resampled_median(size)
    assert np.stack([lower, upper], axis=1).tolist() == middle.tolist()
    np.testing.assert_allclose(probability, counts / size**size, rtol=1e-9)


@pytest.mark.parametrize("size", [2, 3, 7, 10, 39, 40, 99, 100, 1000, 1001, 5000])
def test_probabilities_add_up(size):
    lower, upper, probability = _resampled_median(size)
    assert probability.sum() == pytest.approx(1, abs=1e-8)
    assert probability.min() > 0
    assert (lower <= upper).all()
    middle = (lower + upper) @ probability / 2
    assert middle == pytest.approx((size - 1) / 2, rel=1e-6), "symmetric"


@pytest.mark.parametrize("size", [8, 15, 40])
def test_the_interval_is_that_of_resampling(size):
    values = np.random.default_rng(size).lognormal(size=size)
    median, low, high = median_interval(values[:, None])
    drawn = resampled(values, 100_000)
    assert median[0] == np.median(values)
    # within the error of 100,000 draws the ends are quantiles of what is drawn
    assert np.mean(drawn < low[0]) < 0.027
    assert np.mean(drawn <= low[0]) > 0.023
    assert np.mean(drawn > high[0]) < 0.027
    assert np.mean(drawn >= high[0]) > 0.023


@pytest.mark.parametrize("size", [12, 25])
def test_coverage(size):
    """Two configurations that share noise: the interval of the difference has the true one in 95%."""
    rng = np.random.default_rng(size)
    shared = rng.normal(size=(size, 300))
    best, other = shared + rng.normal(size=(2, size, 300)) * 0.3
    _, low, high = median_interval(other + 0.5 - best)
    covered = np.mean((low <= 0.5) & (high >= 0.5))
    assert 0.88 < covered < 0.99
    assert np.mean(low > 0) > 0.85, "pairing takes out what is shared"


def test_pairs_tell_apart_what_overlaps():
    seeds = np.linspace(0, 10, 12)[:, None]
    scores = seeds + np.array([0.0, 0.1, 0.0]) + np.array([0.0, 0.0, 0.01]) * np.cos(9 * seeds)
    found = compare_with_best(scores, 0, "min")
    assert found.distinguishable.tolist() == [False, True, False]
    assert found.difference[1] == pytest.approx(0.1)
    assert found.median == np.median(seeds)
    assert found.low < found.median < found.high
    assert found.difference[0] == found.difference_low[0] == found.difference_high[0] == 0


def test_large_values_may_be_good():
    scores = np.random.default_rng(0).normal(size=(9, 4)) + np.array([0, 0.1, 3, 0])
    small, large = compare_with_best(-scores, 2, "min"), compare_with_best(scores, 2, "max")
    np.testing.assert_array_equal(large.difference, -small.difference)
    np.testing.assert_array_equal(large.difference_low, -small.difference_high)
    np.testing.assert_array_equal(large.difference_high, -small.difference_low)
    assert large.distinguishable.tolist() == small.distinguishable.tolist() == [True, True, False, True]


@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize("missing", [NAN, INF, -INF])
def test_members_without_a_value(mode, missing):
    worst = INF if mode == "min" else -INF
    scores = np.tile(np.arange(6.0)[:, None], (1, 4))
    scores[:, 1] = missing  # all of them
    scores[:5, 2] = missing  # most
    scores[:1, 3] = missing  # one of six: a tie otherwise
    found = compare_with_best(scores, 0, mode)
    assert found.difference.tolist() == [0, worst, worst, 0]
    assert found.distinguishable.tolist() == [False, True, True, False]
    assert not np.isnan(found.difference_low).any()
    assert not np.isnan(found.difference_high).any()


def test_the_best_may_have_members_that_diverged():
    """A seed that both lost is a tie; one that only the best lost counts against it without limit."""
    scores = np.tile(np.arange(8.0)[:, None], (1, 3)) + np.array([0, 5, 5])
    scores[0] = INF, INF, 0
    found = compare_with_best(scores, 0, "min")
    assert found.difference.tolist() == [0, 5, 5]
    assert found.difference_high.tolist() == [0, 5, 5]
    assert found.distinguishable.tolist() == [False, True, True]


def test_all_diverged():
    found = compare_with_best(np.full((6, 3), NAN), 1, "min")
    assert (found.median, found.low, found.high) == (INF, INF, INF)
    assert found.difference.tolist() == [0, 0, 0]
    assert not found.distinguishable.any()


def test_half_without_limit_on_either_side_is_a_tie():
    median, low, high = median_interval(np.array([[-INF], [-INF], [INF], [INF]]))
    assert (median[0], low[0], high[0]) == (0, -INF, INF)


def test_one_seed_has_no_interval():
    found = compare_with_best([[1.0, 2.0, INF]], 0, "min")
    assert found.difference.tolist() == [0, 1, INF]
    assert np.isnan([found.low, found.high, *found.difference_low, *found.difference_high]).all()
    assert not found.distinguishable.any()


@pytest.mark.parametrize(("seeds", "enough"), [(2, False), (4, False), (5, True)])
def test_few_seeds_tell_nothing_apart(seeds, enough):
    found = compare_with_best(np.tile([0.0, 1.0], (seeds, 1)), 0, "min")
    assert (found.difference_low[1], found.difference_high[1]) == (1, 1)
    assert found.distinguishable.tolist() == [False, enough]


def test_one_configuration():
    found = compare_with_best(np.arange(5.0)[:, None], 0, "min")
    assert (found.median, found.low, found.high) == (2, 0, 4)
    assert found.distinguishable.tolist() == [False]


def test_chunks_do_not_matter(monkeypatch):
    values = np.random.default_rng(0).normal(size=(10, 23))
    whole = median_interval(values)
    monkeypatch.setattr("lrcli.analysis.comparison._CHUNK", 300)
    np.testing.assert_array_equal(median_interval(values), whole)


def test_groups():
    rng = np.random.default_rng(1)
    level = np.array([3.0, 1.0, 2.0, 1.5, 9.0, 1.0])
    scores = level + rng.normal(size=(20, 1)) + 0.1 * rng.normal(size=(20, 6))
    scores[:15, 4] = INF
    found = compare_groups(scores, ["sgd", "adam", "sgd", "adam", "rmsprop", "adamw"], "min")
    assert found.groups == ("sgd", "adam", "rmsprop", "adamw")
    assert found.best.tolist() == [2, 1, 4, 5]
    np.testing.assert_array_equal(found.median, np.median(scores[:, found.best], axis=0))
    np.testing.assert_array_equal(found.difference, -found.difference.T)
    np.testing.assert_array_equal(found.difference_low, -found.difference_high.T)
    assert found.difference[0, 1] == np.median(scores[:, 2] - scores[:, 1])
    with_first = compare_with_best(scores, 1, "min")
    np.testing.assert_array_equal(found.difference_low[:, 1], with_first.difference_low[found.best])
    assert found.distinguishable.tolist() == [
        [False, True, True, True],
        [True, False, True, False],
        [True, True, False, True],
        [True, False, True, False],
    ]


def test_one_group_of_one_seed():
    found = compare_groups([[0.9, 0.7, NAN]], ["a", "a", "a"], "max")
    assert found.best.tolist() == [0]
    assert found.difference.tolist() == [[0.0]]
    assert np.isnan(found.low).all()


def test_two_sweeps_are_compared_seed_by_seed():
    """Against NumPy by hand, and the interval against scipy's bootstrap of many resamples."""
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(5)
    first = rng.lognormal(size=(12, 3))
    second = first * [1.5, 1.0, 0.7] * rng.lognormal(sigma=0.1, size=(12, 3))
    found = compare_paired(first, second, "min")
    np.testing.assert_array_equal(found.first, np.median(first, axis=0))
    np.testing.assert_array_equal(found.second, np.median(second, axis=0))
    np.testing.assert_allclose(found.difference, np.median(second - first, axis=0), rtol=1e-12)
    np.testing.assert_allclose(found.ratio, np.exp(np.median(np.log(second / first), axis=0)), rtol=1e-12)
    drawn = stats.bootstrap(
        (second - first,), np.median, n_resamples=4000, method="percentile", rng=np.random.default_rng(0)
    ).confidence_interval
    width = found.high - found.low
    assert (abs(found.low - drawn.low) < 0.15 * width).all()
    assert (abs(found.high - drawn.high) < 0.15 * width).all()
    assert found.distinguishable.tolist() == [True, False, True]


def test_two_sweeps_turned_around_give_the_opposite():
    first, second = np.random.default_rng(1).normal(size=(2, 7, 4))
    there, back = compare_paired(first, second, "max"), compare_paired(second, first, "max")
    for one, other in (("difference", "difference"), ("low", "high"), ("high", "low")):
        np.testing.assert_allclose(getattr(there, one), -getattr(back, other))
    assert np.isnan(there.ratio).all()  # some are not above 0


def test_two_sweeps_of_members_that_diverged():
    """Both: equal. One: infinitely worse, and told from it where most seeds say so."""
    ones = np.ones((5, 1))
    broken = np.full((5, 1), NAN)
    both = compare_paired(broken, broken, "min")
    assert (both.difference[0], both.ratio[0], both.distinguishable[0]) == (0, 1, False)
    one = compare_paired(ones, broken, "min")
    assert (one.second[0], one.difference[0], one.ratio[0], one.distinguishable[0]) == (INF, INF, INF, True)
    large = compare_paired(ones, broken, "max")
    assert (large.difference[0], large.distinguishable[0]) == (-INF, True)
    assert np.isnan(large.ratio[0])


def test_two_sweeps_of_too_few_seeds_are_never_told_apart():
    found = compare_paired(np.ones((4, 1)), np.full((4, 1), 2.0), "min")
    assert (found.difference[0], found.low[0], found.high[0]) == (1, 1, 1)
    assert not found.distinguishable[0]
    assert np.isnan(compare_paired(np.ones((1, 1)), np.full((1, 1), 2.0), "min").low[0])
