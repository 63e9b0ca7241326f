"""Learning rates are found: the blow-up is that of theory, the suggestion as good as a fine sweep's best."""

import numpy as np
import pytest
from benchmarks.rates import judge, random_problem
from builders import EXPERIMENTS

from lrcli.analysis.basin import usable_band
from lrcli.analysis.rate_finding import Trials, blow_up, choose, medians, merged
from lrcli.analysis.theory import largest_curvature
from lrcli.experiment.loading import load
from lrcli.sweeps.rate_finding import found_rate
from lrcli.sweeps.rate_trials import shortened, try_rates
from lrcli.training.problem import build_problem


def experiment(**blocks):
    line = {"kind": "linear", "w": [2.0, -3.4], "b": 4.2, "noise": 0.1, "num_train": 60, "num_val": 0}
    whole = {
        "dataset": line,
        "model": {"kind": "linear"},
        "loss": {"kind": "mse"},
        "optimizer": {"kind": "sgd", "lr": 0.01},
        "training": {"epochs": 200, "batch_size": "full"},
    }
    return load(whole | blocks).experiment


def ended(events):
    while True:
        try:
            next(events)
        except StopIteration as stopped:
            return stopped.value


@pytest.mark.parametrize("degree", [1, 3])
def test_the_blow_up_is_at_two_over_the_largest_curvature(degree):
    sine = {"kind": "sine", "num_train": 50, "num_val": 0, "noise": 0.1}
    fit = experiment(dataset=sine, model={"kind": "polynomial", "degree": degree})
    found = found_rate(fit)
    drawn = build_problem(fit.dataset, fit.model, fit.loss, found.seeds)
    curvatures = [largest_curvature(fit.model, fit.loss, x) for x in drawn.splits["train"].features]
    assert found.blow_up.rate == pytest.approx(2 / np.median(curvatures), rel=0.1)
    fine = np.geomspace(found.blow_up.low / 300, found.blow_up.low, 100)
    trials = ended(try_rates(fit, fine, found.seeds, 200, found.select)).trials
    assert found.chosen.score <= 1.1 * medians(trials, "min").min()


def test_no_rate_helps_a_line_with_xor():
    xor = {"kind": "xor", "num_train": 100, "num_val": 0}
    found = found_rate(experiment(dataset=xor, loss={"kind": "bce"}))
    assert found.suggestion is None
    assert "this model is the problem" in found.reason


def test_no_rate_is_told_where_no_gradient_is():
    zeros = {"kind": "mlp", "hidden": [3], "init": {"kind": "zeros"}}
    xor = {"kind": "xor", "num_train": 100, "num_val": 0}
    found = found_rate(experiment(dataset=xor, model=zeros, loss={"kind": "bce"}))
    assert found.suggestion is None
    assert found.reason


def test_outliers_do_not_hide_what_the_validation_set_learns():
    """One target is far off: the training loss is its alone, whatever the rate is."""
    line = {"kind": "linear", "w": [2.0, -3.4], "b": 4.2, "num_train": 3000, "num_val": 100}
    found = found_rate(experiment(dataset=line | {"outliers": {5: 3000.0}}))
    assert found.began < 1.02 * found.least
    assert found.chosen.best_score < found.first_score / 5
    assert found.suggestion == found.chosen.rate


def test_a_start_at_the_minimum_tells_no_rate():
    line = {"kind": "linear", "w": [0.0], "b": 0.0, "noise": 0.0, "num_train": 20, "num_val": 0}
    found = found_rate(experiment(dataset=line, model={"kind": "linear", "init": {"kind": "zeros"}}))
    assert found.suggestion is None
    assert "begins at about the smallest loss" in found.reason


@pytest.mark.parametrize("own", [1e-7, 1e3])
def test_the_suggestion_does_not_depend_on_the_rate_of_the_file(own):
    """Far above or far below what works: both ends of what is as good as the best are looked for."""
    found = found_rate(experiment(optimizer={"kind": "sgd", "lr": own}))
    at_hand = found_rate(experiment())
    assert found.chosen.low == pytest.approx(at_hand.chosen.low, rel=0.2)
    assert found.chosen.high == pytest.approx(at_hand.chosen.high, rel=0.2)
    assert found.band.low <= found.suggestion <= found.band.high


def test_little_time_tells_nothing_and_says_so():
    long = {"epochs": 10**6, "batch_size": 10}
    found = found_rate(experiment(training=long), seconds=0.02)
    assert found.suggestion is None
    assert found.epochs < 10**5
    assert f"{found.epochs:,} of 1,000,000 epochs" in found.reason
    assert found.seconds < 5


@pytest.mark.parametrize("number", range(5))
def test_random_problems(number):
    """Five of those that tests/benchmarks/rates.py takes fifty of."""
    judged = judge(load(random_problem(9000 + number)).experiment)
    assert 1 / 1.3 < judged.blow_up < 1.3
    assert judged.of_sound < 1.1


@pytest.mark.parametrize(
    ("kind", "low", "high"), [("sgd", 1e-3, 1), ("rmsprop", 1e-4, 0.3), ("adam", 1e-4, 0.3)]
)
def test_the_suggestion_for_a_network_is_in_the_usable_band_of_a_sweep(kind, low, high):
    """XOR: forty rates with forty seeds each, of which five seeds are lr-find's."""
    fit = load(EXPERIMENTS / "xor_mlp.yaml", [f"optimizer.kind={kind}"]).experiment
    found, rates = found_rate(fit), np.geomspace(low, high, 40)
    swept = ended(try_rates(fit, rates, range(5, 45), fit.training.epochs, found.select)).trials
    band = usable_band(rates, medians(swept, "min"), "min")
    assert band.low <= found.suggestion <= band.high
    assert band.decades < 2  # or it would say little


def test_batches_of_one_and_schedules():
    batches = experiment(training={"epochs": 5, "batch_size": 1})
    cosine = experiment(optimizer={"kind": "sgd", "lr": 0.01, "schedule": {"kind": "cosine"}})
    for each in (batches, cosine):
        found = found_rate(each, 3)
        assert found.epochs == each.training.epochs
        assert found.chosen.low <= found.suggestion <= found.chosen.high <= found.blow_up.low


def test_the_first_epochs_have_the_rates_of_the_whole_run():
    """A cosine over 200 epochs, of which 20 are trained, against the closed form on one example."""
    data = {
        "kind": "linear",
        "w": [0.0],
        "b": 3.0,
        "noise": 0.0,
        "num_train": 1,
        "num_val": 0,
        "feature_std": 0,
    }
    cosine = {"kind": "sgd", "lr": 0.1, "schedule": {"kind": "cosine"}}
    init = {"kind": "linear", "init": {"kind": "zeros"}}
    fit = experiment(dataset=data, model=init, optimizer=cosine).model_copy(update={"dtype": "float64"})
    tried = ended(try_rates(fit, np.array([0.1]), [0], 20, fit.best))
    rates = 0.1 * (1 + np.cos(np.pi * np.arange(20) / 200)) / 2
    assert tried.trials.scores[0, 0] == pytest.approx(9 * np.prod((1 - 2 * rates) ** 2), rel=1e-9)


def trials(rates, scores, blown=None):
    scores = np.asarray(scores, dtype=np.float64)
    none = np.zeros(scores.shape, dtype=bool)
    blown = none if blown is None else np.asarray(blown)
    return Trials(np.asarray(rates, dtype=float), np.full(len(rates), 5), scores, scores, blown)


@pytest.mark.parametrize(
    ("training", "computed"),
    [
        ({}, False),
        ({"early_stopping": {"metric": "train/loss", "patience": 3}}, False),
        ({"early_stopping": {"metric": "curvature/largest", "patience": 3}}, True),
        ({"best": {"metric": "curvature/largest"}}, True),
    ],
)
def test_a_curvature_is_computed_where_it_decides_alone(training, computed):
    whole = {"epochs": 20, "batch_size": "full"} | training
    recorded = experiment(training=whole, logging={"curvature": True})
    assert shortened(recorded, 5).logging.curvature is computed


def test_the_suggestion_is_the_middle_of_what_is_as_good():
    chosen = choose(trials([1, 2, 4, 8, 16], [[9, 1.04, 1, 1.03, 5]]), "min")
    assert (chosen.low, chosen.rate, chosen.high) == (2, 4, 8)
    accuracy = choose(trials([1, 2, 4], [[0.5, 0.9, 0.7]]), "max")
    assert accuracy.rate == 2


def test_a_seed_near_its_blow_up_says_nothing_of_the_others():
    """Four seeds gain a quarter from each rate to the next, the fifth is about to blow up."""
    fall = [1.0, 0.75, 0.56, 0.42]
    chosen = choose(trials([1, 2, 4, 8], [fall, fall, fall, fall, [1.0, 0.75, 0.56, 40]]), "min")
    assert (chosen.low, chosen.high) == (8, 8)


def test_one_seed_that_moves_the_median_tells_rates_no_better():
    """Seeds that have learned and seeds that are stuck, and one that is lucky at one rate."""
    stuck, learned = [0.6, 0.6, 0.6], [0.1, 0.1, 0.1]
    chosen = choose(trials([1, 2, 4], [stuck, stuck, learned, learned, [0.4, 0.3, 0.4]]), "min")
    assert (chosen.low, chosen.rate, chosen.high) == (1, 2, 4)
    far = choose(trials([1, 2, 4], [stuck, stuck, learned, learned, [0.6, 0.1, 0.6]]), "min")
    assert (far.low, far.high) == (2, 2)  # six times the best is not as good, whatever the reason


def test_chaos_is_averaged_over_neighbouring_rates():
    """Seeds jump from rate to rate by a factor of two about a valley: its bottom is taken, no lucky rate."""
    rates = np.geomspace(0.1, 10, 41)
    luck = np.random.default_rng(0).choice([-0.7, 0.7], size=(5, 41))
    luck[:, 30] = -3  # of all seeds, at 3.16: lower than anything at the bottom
    chosen = choose(trials(rates, np.exp(np.log(rates) ** 2 + luck)), "min")
    assert chosen.noisy
    assert 0.5 < chosen.rate < 2


def test_a_rate_at_which_any_seed_blows_up_is_never_taken():
    found = choose(trials([1, 2], [[3, 1], [3, 1]], [[False, True], [False, False]]), "min")
    assert found.rate == 1
    assert choose(trials([1], [[3]], [[True]]), "min") is None


def test_each_seed_has_a_blow_up_of_its_own():
    blown = [[False, False, True], [False, True, True]]
    found = blow_up(trials([1, 4, 16], np.ones((2, 3)), blown))
    assert (found.low, found.high, found.seeds) == (1, 16, 2)
    assert found.rate == pytest.approx(4)  # the middle of 2 and 8
    assert blow_up(trials([1], [[1.0]])) is None


def test_a_rate_tried_again_is_as_it_was_where_it_was_trained_longer():
    longer = Trials(np.array([1.0]), np.array([9]), *(np.array([[2.0]]),) * 2, np.array([[False]]))
    both = merged(trials([1, 2], [[5, 6]]), longer)
    assert both.rates.tolist() == [1, 2]
    assert both.scores.tolist() == [[2, 6]]
    assert both.of_epochs(9).rates.tolist() == [1]
