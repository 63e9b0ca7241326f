"""How often fewer seeds pick the same winner: against counting by hand, and simulation."""

import itertools
import math

import numpy as np
import pytest

from lrcli.analysis.statistics import describe, ranking
from lrcli.analysis.winners import agreement


def winner(values, mode="min"):
    return ranking(describe(values, mode, ~np.isfinite(values)), mode)[0]


def noisy(seeds, apart, count=4, seed=0):
    return np.random.default_rng(seed).normal(size=(seeds, count)) + apart * np.arange(count)


@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize("kind", ["noise", "equal", "diverged"])
def test_shares_are_those_of_every_subset(mode, kind):
    scores = noisy(8, 0.5, 6)
    if kind == "equal":
        scores = np.round(scores)
        scores[:, 3] = scores[:, 0]
    if kind == "diverged":
        scores[np.random.default_rng(5).random(scores.shape) < 0.4] = np.nan
    found = agreement(scores, mode, (2, 3, 5, 8, 10))
    assert found.winner == winner(scores, mode)
    assert [share.seeds for share in found.shares] == [2, 3, 5]
    alike = {found.winner, *found.like_winner}
    for share in found.shares:
        subsets = [list(each) for each in itertools.combinations(range(8), share.seeds)]
        picks = [winner(scores[subset], mode) for subset in subsets]
        assert share.exact
        assert share.draws == math.comb(8, share.seeds)
        assert share.winner == pytest.approx(np.mean([pick == found.winner for pick in picks]))
        assert share.alike == pytest.approx(np.mean([pick in alike for pick in picks]))
        assert share.overlaps == (share.seeds > 4)


def test_drawn_subsets_agree_with_all_of_them():
    scores = noisy(20, 0.4)
    (share,) = agreement(scores, "min", (8,)).shares  # 125,970 subsets
    assert not share.exact
    rng = np.random.default_rng(9)
    picks = [winner(scores[rng.permutation(20)[:8]]) for _ in range(4000)]
    assert share.winner == pytest.approx(np.mean([pick == winner(scores) for pick in picks]), abs=0.03)
    assert agreement(scores, "min", (8,)) == agreement(scores, "min", (8,))


def test_what_is_needed_is_enough_and_one_less_is_not():
    scores = noisy(60, 0.8)
    needed = agreement(scores, "min").needed
    assert needed.seeds is not None
    assert needed.estimate is None
    enough, fewer = (agreement(scores, "min", (k,)).shares[0] for k in (needed.seeds, needed.seeds - 1))
    assert enough.winner > 0.94
    assert fewer.winner < 0.96
    assert agreement(scores, "min").needed_alike.seeds <= needed.seeds


def test_where_more_are_needed_than_half_it_is_an_estimate():
    scores = noisy(12, 0.3, 2, seed=2)
    needed = agreement(scores, "min").needed
    assert needed.seeds is None
    assert needed.estimate > 6
    rng = np.random.default_rng(1)
    drawn = rng.integers(0, 12, (2000, needed.estimate))
    right = np.mean([winner(scores[picks]) == winner(scores) for picks in drawn])
    assert right == pytest.approx(0.95, abs=0.03)


def test_what_can_hardly_be_told_is_not_estimated():
    scores = np.random.default_rng(0).normal(size=(10, 400))
    assert agreement(scores, "min").needed.estimate is None


def test_a_clear_winner_needs_one_seed():
    found = agreement(noisy(6, 50.0), "min")
    assert found.needed.seeds == found.needed_alike.seeds == 1
    assert found.like_winner == ()
    assert all(share.winner == 1 for share in found.shares)


def test_few_seeds_tell_nothing_apart():
    found = agreement(noisy(4, 50.0), "min")
    assert found.like_winner is None
    assert found.needed is found.needed_alike is None
    assert np.isnan(found.shares[0].alike)


@pytest.mark.parametrize("scores", [np.ones((1, 3)), np.ones((5, 1)), np.full((5, 3), np.nan)])
def test_where_there_is_nothing_to_pick(scores):
    assert agreement(scores, "min") is None
