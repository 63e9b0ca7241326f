"""Findings of sweeps, each held to another computation, on sweeps that are made up."""

import itertools
import re
from types import SimpleNamespace

import numpy as np
import pytest
from made_sweeps import made_results
from texts import told

from lrcli.analysis.sampling import Sampling
from lrcli.explaining.sweeps import rates, seeds, winner
from lrcli.explaining.sweeps.facts import SweepFacts
from lrcli.storage.result_fields import StableRate


def facts(scores, stability=None, **fields):
    result = SimpleNamespace(source=None, run_dir="runs/s/sweep-0001", stability=stability, divergence=None)
    return SweepFacts(SimpleNamespace(results=made_results(scores, **fields), result=result))


def only(findings):
    found = list(findings)
    assert len(found) == 1
    return found[0]


def curve(best, spread=0.01, count=8, size=9):
    """Scores (count, size) around a parabola over the configurations."""
    noise = np.random.default_rng(0).normal(size=(count, size)) * spread
    return 0.1 * np.exp(0.7 * np.abs(np.arange(size) - best)) * np.exp(noise)


def test_the_best_is_that_of_the_lowest_median():
    scores = curve(4)
    found = only(winner.best(facts(scores)))
    median = np.median(scores, axis=0)
    rate = np.geomspace(1e-3, 1, 9)[median.argmin()]
    assert told(r"Best is optimizer.lr=#, with a median val/loss of # over # seeds", found.text) == [
        pytest.approx(rate, rel=0.006),
        pytest.approx(median.min(), rel=0.006),
        8,
    ]
    assert found.text.endswith("No other one is as good.")


def test_those_that_are_as_good_are_counted():
    scores = curve(4, spread=0.001)
    scores[:, 5] = scores[:, 4] * np.array([0.99, 1.01] * 4)
    found = only(winner.best(facts(scores)))
    assert "1 more configuration is as good as far as these seeds can tell: optimizer.lr=" in found.text


def test_few_seeds_cannot_tell_and_the_command_keeps_the_grid():
    found = only(winner.best(facts(curve(4, count=4))))
    assert found.text.endswith("With fewer than 5 seeds it cannot be told from others.")
    assert found.commands == ("lrcli sweep runs/s/sweep-0001/experiment.yaml --seeds 10",)


def test_of_a_single_configuration_nothing_is_best():
    found = only(winner.best(facts(curve(0, size=1))))
    assert found.text.startswith("optimizer.lr=0.001 has a median val/loss of ")


def test_a_best_rate_at_the_edge():
    for best, which in ((0, "the lowest"), (8, "the highest")):
        found = only(rates.edge(facts(curve(best))))
        assert which in found.text
        low, high = found.numbers["low"], found.numbers["high"]
        assert (low < 1e-3) if best == 0 else (high > 1)  # it goes on where the grid ended
        assert f"--lr {low:.2g}:{high:.2g}:13" in found.commands[0]
    assert not list(rates.edge(facts(curve(4))))


def test_other_rates_are_tried_with_all_else_that_was_swept():
    swept = [{"optimizer.lr": r, "training.batch_size": 1} for r in np.geomspace(1e-3, 1, 9).tolist()]
    keys = ("optimizer.lr", "training.batch_size")
    found = only(rates.edge(facts(curve(0), keys=keys, configurations=swept)))
    assert found.commands[0].startswith("lrcli sweep runs/s/sweep-0001/experiment.yaml --lr ")
    source = SimpleNamespace(file=__file__, overrides=())
    for scores, find in ((curve(0), rates.edge), (np.full((4, 9), np.inf), rates.too_large)):
        for grid in ({}, {"keys": keys, "configurations": swept}):
            of_sweep = facts(scores, **grid)
            of_sweep.result.source = source
            (command,) = only(find(of_sweep)).commands
            assert ("experiment.yaml" in command) == bool(grid)


@pytest.mark.parametrize("mode", ["min", "max"])
def test_usable_rates_are_those_around_the_best_that_are_nearly_as_good(mode):
    scores = curve(4) if mode == "min" else 1 - 0.02 * np.abs(np.arange(9) - 4)[None] * np.ones((8, 1))
    metric = "val/loss" if mode == "min" else "val/accuracy"
    found = only(rates.usable(facts(scores, mode=mode, metric=metric)))
    grid, median = np.geomspace(1e-3, 1, 9), np.median(scores, axis=0)
    good = grid[median <= 2 * median.min()] if mode == "min" else grid[median >= median.max() - 0.05]
    if len(good) == 1:
        assert told(r"The learning rate # alone is usable", found.text) == pytest.approx(good, rel=0.006)
    else:
        assert told(r"from # to # are usable, a band of # decade", found.text) == pytest.approx(
            [good[0], good[-1], np.log10(good[-1] / good[0])], rel=0.006
        )
    assert ("at most twice" in found.text) == (mode == "min")
    assert "rate was tried" not in found.text


def test_a_band_that_ends_with_the_grid_may_go_on():
    scores = curve(4)
    scores[:, 5:] = scores[:, 4:5] * 1.01
    found = only(rates.usable(facts(scores)))
    assert found.text.endswith("No higher rate was tried, so it may be wider.")


def test_members_that_diverged_are_counted():
    scores = curve(4)
    scores[:, 7:] = np.inf
    scores[0, 6] = np.inf
    known = StableRate(0.3, "for batches", "", None, diagnostic=False)
    found = only(rates.diverged(facts(scores, stability=known)))
    assert told(r"# members of # diverged \(#%\), from a learning rate of # on", found.text) == pytest.approx(
        [17, 72, 100 * 17 / 72, np.geomspace(1e-3, 1, 9)[7]], rel=0.03
    )
    assert "the largest stable rate is 0.3 (for batches)." in found.text
    assert not list(rates.diverged(facts(curve(4))))


def test_where_all_diverge_only_lower_rates_are_advised():
    scores = np.full((6, 4), np.inf)
    scores[0] = 1.0
    of = facts(scores)
    found = only(rates.too_large(of))
    assert found.text == (
        "Every configuration diverged in at least half of its seeds (6). The lowest learning rate tried, "
        "0.001, is too large."
    )
    assert found.commands[0].endswith("--lr 1e-06:0.001:13")
    for diagnosis in (winner.best, rates.edge, seeds.bias_and_coverage):
        assert not list(diagnosis(of))


def test_how_often_fewer_seeds_pick_the_winner_by_trying_all_of_them():
    scores = curve(4, spread=0.5, count=8)
    found = only(seeds.same_winner(facts(scores)))
    whole = np.median(scores, axis=0).argmin()
    for count in (3, 5):
        picks = [
            np.median(scores[list(subset)], axis=0).argmin()
            for subset in itertools.combinations(range(8), count)
        ]
        assert found.numbers[f"share_of_{count}"] == pytest.approx(np.mean(np.array(picks) == whole))
    shares = [100 * found.numbers["share_of_3"], 100 * found.numbers["share_of_5"]]
    said = told(r"3 of these seeds would have picked the same winner in #% of draws and 5 in #%", found.text)
    assert said == pytest.approx(shares, abs=0.6)
    assert "overlap" in found.text  # 5 of 8


def test_how_many_seeds_are_needed_is_right_19_times_of_20_and_one_less_is_not():
    scores = curve(4, spread=0.35, count=12)
    found = only(seeds.same_winner(facts(scores)))
    whole, needed = np.median(scores, axis=0).argmin(), int(found.numbers["needed"])
    assert f"takes {needed} seed" in found.text

    def share(count):
        subsets = itertools.combinations(range(12), count)
        return np.mean([np.median(scores[list(s)], axis=0).argmin() == whole for s in subsets])

    assert share(needed) >= 0.95 > share(needed - 1) if needed > 1 else share(1) >= 0.95


def rivals(seed):
    """Scores of 8 seeds, of which two of five configurations are about as good."""
    scores = curve(4, spread=0.3, count=8, size=5)
    scores[:, 3] = scores[:, 4] * np.random.default_rng(seed).uniform(0.95, 1.12, 8)
    return scores


def test_where_half_of_the_seeds_are_too_few_more_are_advised():
    scores = rivals(0)
    found = only(seeds.same_winner(facts(scores)))
    needed = int(found.numbers["needed"])
    assert needed > 8
    assert f"takes about {needed}, more than half of those trained." in found.text
    assert found.commands == (f"lrcli sweep runs/s/sweep-0001/experiment.yaml --seeds {needed}",)
    whole, rng = np.median(scores, axis=0).argmin(), np.random.default_rng(0)

    def share(count):
        draws = rng.integers(0, 8, (20_000, count))
        return np.mean(np.median(scores[draws], axis=1).argmin(axis=1) == whole)

    assert share(needed // 2) < 0.945
    assert share(2 * needed) > 0.955


def test_where_no_number_of_seeds_can_be_told_nothing_is_advised():
    found = only(seeds.same_winner(facts(rivals(2))))
    assert found.text.endswith("cannot be told from these.")
    assert found.numbers["needed"] is None
    assert not found.commands


def studied(errors, sampling_errors, spread=0.01, freedom=97.0):
    """A sweep of four rates, the second one the best: its parameter a is right, b has these errors."""
    count = len(errors)
    whole = np.tile(np.asarray(errors)[:, None], (1, 4))
    same = np.ones((count, 4))
    of_data = {"a": 0 * same, "b": np.tile(np.asarray(sampling_errors)[:, None], (1, 4))}
    both = {"a": same, "b": same}
    sampling = Sampling(freedom * same, both, of_data, dict.fromkeys(both, spread * same))
    scores = np.tile([0.4, 0.2, 0.3, 0.5], (count, 1)) * np.linspace(1, 1.01, count)[:, None]
    return facts(scores, errors={"a": 0 * whole, "b": whole}, sampling=sampling)


RNG = np.random.default_rng(1)
CHANCE = RNG.normal(0, 0.01, 40)


@pytest.mark.parametrize(
    ("errors", "sampling", "why"),
    [
        (CHANCE, CHANCE, r"holds it in \S+\.$|cannot tell from 95%\.$"),
        (CHANCE + 0.1, CHANCE, "training is not finished"),
        (CHANCE + RNG.normal(0, 0.1, 40), CHANCE, "over the seeds it spreads by"),
        (CHANCE + 0.1, CHANCE + 0.1, "Finished training would hold it in no more than"),
    ],
    ids=["chance", "unfinished", "noisy", "reference"],
)
def test_bias_and_coverage_of_the_best_and_why(errors, sampling, why):
    found = only(seeds.bias_and_coverage(studied(errors, sampling)))
    learned_minus_true = -errors
    reach = 1.9847 * 0.01  # Student's t of 97 degrees of freedom
    assert told(r"Over # seeds of the best configuration, b is off by # \+- # on average", found.text) == [
        40,
        pytest.approx(learned_minus_true.mean(), rel=0.006),
        pytest.approx(learned_minus_true.std(ddof=1) / np.sqrt(40), rel=0.006),
    ]
    held = 100 * np.mean(np.abs(errors) <= reach)
    assert told(r"in 95% of trainings holds it in #%", found.text) == [pytest.approx(held, abs=0.6)]
    assert re.search(why, found.text)


def test_where_no_truth_is_known_nothing_is_said_of_bias():
    assert not list(seeds.bias_and_coverage(facts(curve(4))))
