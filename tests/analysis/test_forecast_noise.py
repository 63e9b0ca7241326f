"""The spread that shuffled batches leave, held to simulated trainings."""

from itertools import pairwise

import numpy as np
import pytest

from lrcli.analysis.gradient_noise import gradient_noise
from lrcli.analysis.quadratics import quadratic, triangle
from lrcli.analysis.theory import Rule


def examples(count, size, sigma, seed=0):
    rng = np.random.default_rng(seed)
    columns = np.column_stack([rng.normal(size=(count, size - 1)) * [1.0, 0.6][: size - 1], np.ones(count)])
    return columns, columns @ rng.normal(size=size) + sigma * rng.normal(size=count)


def made(columns, targets, sizes, rule, start):
    """The noise of halved squared errors, their mean over a batch."""
    scale = np.sqrt(1 / len(columns))
    loss = quadratic(triangle(columns * scale, targets * scale), np.zeros(columns.shape[1]))
    residuals = columns @ loss.reference - targets
    return loss, gradient_noise(loss, columns, residuals, start, sizes, rule)


def simulated(columns, targets, sizes, rate, rule, start, epochs, seeds):
    """The parameters after so many epochs of SGD, written out, (seeds, P)."""
    rng = np.random.default_rng(7)
    count = len(columns)
    theta = np.tile(start, (seeds, 1))
    velocity = np.zeros_like(theta)
    edges = np.cumsum([0, *sizes])
    for _ in range(epochs):
        order = np.argsort(rng.random((seeds, count)), axis=1)
        for low, high in pairwise(edges):
            chosen = order[:, low:high]
            x, y = columns[chosen], targets[chosen]
            errors = np.einsum("sbp,sp->sb", x, theta) - y
            gradient = np.einsum("sb,sbp->sp", errors, x) / (high - low)
            velocity = rule.intake * gradient + rule.momentum * velocity
            step = gradient + rule.momentum * velocity if rule.nesterov else velocity
            theta = theta - rate * step
    return theta


CASES = [
    (200, 1, 0.01, Rule(), 5),
    (200, 20, 0.1, Rule(), 25),
    (1000, 10, 0.03, Rule(), 4),
    (200, 10, 0.01, Rule(0.9), 15),
    (200, 10, 0.01, Rule(0.9, nesterov=True), 15),
    (100, 30, 0.1, Rule(), 40),  # a smaller last batch
]


@pytest.mark.parametrize(("count", "batch", "rate", "rule", "epochs"), CASES)
def test_the_floor_is_that_of_a_thousand_trainings(count, batch, rate, rule, epochs):
    columns, targets = examples(count, 3, 0.1)
    sizes = [batch] * (count // batch) + ([count % batch] if count % batch else [])
    loss, noise = made(columns, targets, sizes, rule, np.zeros(3))
    ended = simulated(columns, targets, sizes, rate, rule, loss.reference, epochs, 1000)
    seen = np.mean(((ended - loss.reference) @ loss.directions) ** 2, axis=0) @ loss.eigenvalues / 2
    foreseen = noise.floor(rate) @ loss.eigenvalues / 2
    assert seen == pytest.approx(foreseen, rel=0.15)


@pytest.mark.parametrize("rule", [Rule(), Rule(0.9)])
def test_a_loss_that_is_flat_everywhere_has_no_noise(rule):
    """As of features that are all zero."""
    columns, epochs, rates = np.zeros((20, 2)), np.array([0, 3]), np.array([0.1, 1.0])
    _, noise = made(columns, np.ones(20), [5] * 4, rule, np.ones(2))
    assert not noise.floor(0.1).any()
    assert not noise.shift(epochs, rates).any()
    assert not noise.spread(epochs, rates).any()


def test_what_varies_and_what_pulls_are_covariances_over_the_examples():
    """Also where the weights alone decay, so that features are correlated along the directions."""
    columns, targets = examples(300, 3, 0.5)
    scale = np.sqrt(1 / len(columns))
    loss = quadratic(triangle(columns * scale, targets * scale), np.array([0.5, 0.5, 0.0]))
    residuals = columns @ loss.reference - targets
    noise = gradient_noise(loss, columns, residuals, np.zeros(3), [30] * 10, Rule())
    along = columns @ loss.directions
    for i in range(3):
        for j in range(3):
            product = along[:, i] * along[:, j]
            assert noise.varying[i, j] == pytest.approx(np.var(product))
            covariance = np.cov(product, along[:, j] * residuals, ddof=0)[0, 1]
            assert noise.pulling[i, j] == pytest.approx(covariance)
