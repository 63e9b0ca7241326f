"""The rules behind the data: each dataset's own formula, and what it draws."""

import math

import numpy as np
import pytest
from builders import built_in, component

from lrcli.components.datasets import Dataset

LINEAR = {"kind": "linear", "w": [2.0, -3.4, 1e-3], "b": 4.2, "feature_std": [1.0, 0.1, 100.0]}
SINE = {"kind": "sine", "amplitude": 1.7, "frequency": 2.3, "phase": 0.4, "offset": -1.1}
XOR = {"kind": "xor", "low": -0.5, "high": 2.0}
CASES = [LINEAR, SINE, {**SINE, "spacing": "uniform"}, XOR]
NOISE = {"linear": "noise", "sine": "noise", "xor": "label_noise"}
IDS = [f"{case['kind']}-{i}" for i, case in enumerate(CASES)]


def rng():
    return np.random.default_rng(5)


def test_every_dataset_is_here():
    assert {case["kind"] for case in CASES} == set(NOISE) == set(built_in("dataset"))


@pytest.mark.parametrize("keys", CASES, ids=IDS)
def test_without_noise_the_targets_are_the_rule(keys):
    dataset = component("dataset", **keys)
    inputs, targets = dataset.sample(rng(), 101)
    np.testing.assert_array_equal(dataset.rule(inputs), targets)


@pytest.mark.parametrize("keys", CASES, ids=IDS)
def test_noise_moves_the_targets_and_not_the_rule(keys):
    quiet = component("dataset", **keys)
    noisy = component("dataset", **keys, **{NOISE[keys["kind"]]: 0.3})
    (inputs, targets), (same, moved) = quiet.sample(rng(), 400), noisy.sample(rng(), 400)
    np.testing.assert_array_equal(same, inputs)
    np.testing.assert_array_equal(noisy.rule(inputs), targets)
    assert 0.2 < math.sqrt(np.mean((moved - targets) ** 2)) < 0.7  # of flips: the root of their share


@pytest.mark.parametrize(
    ("keys", "inputs", "expected"),
    [
        (LINEAR, [[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 1000]], [4.2, 6.2, 0.8, 3.8]),
        (SINE, [[0.0], [-100.0]], [1.7 * math.sin(0.4) - 1.1, 1.7 * math.sin(-229.6) - 1.1]),
        (XOR, [[1, 1], [-3, -9], [1, -1], [-1e-9, 1e9], [0, -5]], [1, 1, 0, 0, 1]),
    ],
)
def test_the_rule_is_known_at_any_inputs(keys, inputs, expected):
    values = component("dataset", **keys).rule(np.array(inputs, dtype=float))
    assert values.dtype == np.float64
    np.testing.assert_allclose(values, np.array(expected)[:, None], rtol=1e-12)


def test_a_dataset_need_not_know_its_rule():
    assert Dataset().rule(np.zeros((3, 1))) is None
