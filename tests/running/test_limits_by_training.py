"""The largest stable rates against training: by lrcli's own engine, and by the second moments of epochs."""

import numpy as np
import pytest
from builders import advance, compiled, component, flat, population, problem

from lrcli.analysis.batch_theory import stable_rate_of_random_batches
from lrcli.analysis.theory import Rule
from lrcli.config.blocks import Training
from lrcli.experiment.experiment import Experiment
from lrcli.running.stability import stability

DATA = {"kind": "linear", "w": [1.0, -1.0], "b": 0.5, "noise": 0.0, "num_train": 200, "num_val": 0, "seed": 3}
LINE, HALF_MSE = {"kind": "linear", "init": {"kind": "normal", "std": 1.0}}, {"kind": "half_mse"}
TRUTH = np.array([1.0, -1.0, 0.5])
SEEDS = range(1000)
RULES = {
    "plain": {},
    "momentum": {"momentum": 0.9},
    "some momentum": {"momentum": 0.5},
    "dampening": {"momentum": 0.5, "dampening": 0.5},
    "nesterov": {"momentum": 0.9, "nesterov": True},
}
DIFFERENT = {name: RULES[name] for name in ("plain", "momentum", "nesterov")}


@pytest.fixture(scope="module")
def many():
    """The same data for a thousand seeds, which start and shuffle in their own ways."""
    pytest.importorskip("numba")
    return problem(DATA, LINE, HALF_MSE, SEEDS)


def limit_of(rule, **training):
    return stability(
        Experiment(
            name="line",
            dataset=component("dataset", **DATA),
            model=component("model", **LINE),
            loss=component("loss", **HALF_MSE),
            optimizer=component("optimizer", kind="sgd", **rule),
            training=Training(**training),
        )
    ).limit


def distances(many, rule, training, rates, members, epochs):
    """(2, rates, members): squared, of the parameters before and after from where every loss is 0."""
    lr = np.repeat(rates, members)
    seeds = list(range(members)) * len(rates)
    members = population({"kind": "sgd", **rule}, {"epochs": epochs} | training, seeds, lr=lr)
    engine = compiled(many, members)
    before = flat(engine)
    advance(engine, 1, epochs)
    return np.sum((np.array([before, flat(engine)]) - TRUTH) ** 2, axis=2).reshape(2, len(rates), -1)


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_full_batches_within_one_percent_on_both_sides(many, rule):
    training = {"batch_size": "full"}
    limit = limit_of(rule, epochs=400, **training)
    found = distances(many, rule, training, [0.99 * limit, 1.01 * limit], 2, 400)
    below, above = found[1] / found[0]
    assert below.max() < 1e-3
    assert above.min() > 1e3


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_the_mean_over_a_thousand_seeds_shrinks_below_and_grows_above(many, rule):
    """Above it the mean grows, by ever fewer seeds: half of them come ever nearer all the same."""
    training = {"batch_size": 10}
    limit = limit_of(rule, epochs=2, **training)
    found = distances(many, rule, training, [0.85 * limit, 1.15 * limit], len(SEEDS), 2)
    below, above = np.mean(found[1], axis=1) / np.mean(found[0], axis=1)
    assert below < 0.8
    assert above > 1.2
    assert np.median(found[1, 1]) < np.median(found[0, 1])


def designs(examples, features):
    x = np.random.default_rng(0).normal(size=(examples, features))
    return np.hstack([x, np.ones((examples, 1))])


def shuffled(x, batch, samples):
    """(samples, n, batch, P): epochs of all examples, each in another order."""
    order = np.argsort(np.random.default_rng(1).random((samples, len(x))), axis=1)
    return x[order].reshape(samples, -1, batch, x.shape[1])


def grown(batches, rate, rule):
    """The spectral radius of what a pass over batches (samples, n, B, P) makes of second moments.

    The mean over the samples of A (x) A, with A the map of parameters and velocity, by lrcli's definition.
    """
    samples, count, batch, size = batches.shape
    place = np.broadcast_to(np.eye(size, 2 * size), (samples, size, 2 * size))
    speed = np.broadcast_to(np.eye(size, 2 * size, size), place.shape)
    b, taken = rule.get("momentum", 0.0), 1 - rule.get("dampening", 0.0)
    for k in range(count):
        x = batches[:, k]
        g = np.swapaxes(x, 1, 2) @ (x @ place) / batch
        speed = b * speed + taken * g
        place = place - rate * (g + b * speed if rule.get("nesterov") else speed)
    whole = np.concatenate([place, speed], axis=1)
    flat = whole.reshape(samples, -1)
    second = (flat.T @ flat / samples).reshape(*[2 * size] * 4).transpose(0, 2, 1, 3)
    return np.abs(np.linalg.eigvals(second.reshape(4 * size * size, -1))).max()


@pytest.mark.parametrize("rule", DIFFERENT.values(), ids=DIFFERENT)
@pytest.mark.parametrize(("examples", "features", "batch"), [(200, 2, 10), (100, 4, 5)])
def test_reshuffled_batches_within_15_percent_in_mean_square(examples, features, batch, rule):
    x = designs(examples, features)
    limit = mean_square_limit(x, batch, rule)
    epochs = shuffled(x, batch, 1000)
    assert grown(epochs, 0.85 * limit, rule) < 1
    assert grown(epochs, 1.15 * limit, rule) > 1


@pytest.mark.parametrize("rule", DIFFERENT.values(), ids=DIFFERENT)
@pytest.mark.parametrize(("features", "batch"), [(2, 10), (4, 1)])
def test_batches_drawn_anew_within_two_percent_in_mean_square(features, batch, rule):
    """A step at a time, where no sample is far from the mean."""
    x = designs(100, features)
    limit = mean_square_limit(x, batch, rule)
    steps = shuffled(x, batch, 60 * batch).reshape(-1, 1, batch, features + 1)  # each example as often
    assert grown(steps, 0.98 * limit, rule) < 1
    assert grown(steps, 1.02 * limit, rule) > 1


def mean_square_limit(x, batch, rule):
    return stable_rate_of_random_batches(
        x, 1.0, np.zeros(x.shape[1]), [batch] * (len(x) // batch), Rule(**rule)
    )
