"""The rules behind the data: each dataset's own formula, and what it draws."""

import math

import numpy as np
import pytest
from builders import MADE, component

from lrcli.components.datasets import Dataset
from lrcli.components.datasets.regression import random_rotation

LINEAR = {"kind": "linear", "w": [2.0, -3.4, 1e-3], "b": 4.2, "feature_std": [1.0, 0.1, 100.0]}
SINE = {"kind": "sine", "amplitude": 1.7, "frequency": 2.3, "phase": 0.4, "offset": -1.1}
XOR = {"kind": "xor", "low": -0.5, "high": 2.0}
OHM = {"kind": "ohm", "R": 4.7}
PLANCK = {"kind": "planck", "temperature": 3000.0}
DECAY = {"kind": "exponential_decay", "amplitude": -2.0, "rate": 0.7}
QUADRATIC = {"kind": "quadratic", "dimension": 3, "w": [1.0, -2.0, 0.5], "b": 0.3}
BLOBS = {"kind": "blobs", "classes": 5, "noise": 0.0}
CIRCLES = {"kind": "circles", "classes": 3, "factor": 0.4}
MOONS = {"kind": "moons"}
SPIRALS = {"kind": "spirals", "classes": 4, "turns": 1.5}
CURVES = [SINE, {**SINE, "spacing": "uniform"}, OHM, {**PLANCK, "spacing": "uniform"}, DECAY]
SHAPES = [BLOBS, CIRCLES, MOONS, SPIRALS]
CASES = [LINEAR, *CURVES, QUADRATIC, XOR]
NOISE = {case["kind"]: "noise" for case in CASES} | {"xor": "label_noise"}
IDS = [f"{case['kind']}-{i}" for i, case in enumerate(CASES)]


def rng():
    return np.random.default_rng(5)


def test_every_dataset_is_here():
    assert {case["kind"] for case in [*CASES, *SHAPES]} == set(MADE)


@pytest.mark.parametrize("keys", [*CASES, *SHAPES], ids=lambda case: case["kind"])
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
        (OHM, [[0.0], [-9.4], [47.0]], [0.0, -2.0, 10.0]),
        (PLANCK, [[2.897771955 / 3.0], [0.0]], [0.995249, 0.0]),  # the top, where Wien's law puts it
        (DECAY, [[0.0], [math.log(2) / 0.7], [-1.0]], [-2.0, -1.0, -2 * math.exp(0.7)]),
        (QUADRATIC, [[0, 0, 0], [1, 1, 1], [0, 0, 100]], [0.3, -0.2, 50.3]),
        (BLOBS, [[1, 0.1], [-1, 9], [-1, 0.1], [-1, -0.1], [0, -1]], [0, 1, 2, 3, 4]),
        (CIRCLES, [[0, 0], [0.5, 0], [0, -0.56], [0.61, -0.6], [9, 9]], [2, 2, 1, 0, 0]),
        (
            MOONS,
            [[-1.2, -0.1], [0, 0.9], [0, 0.2], [1, 0.2], [0.4, -0.2], [1, -0.4], [9, 0]],
            [0, 0, 1, 0, 1, 1, 1],
        ),
        (SPIRALS, [[1e-9, 0], [0, 1e-9], [-1, 0], [0.02, -0.5]], [0, 1, 0, 0]),
    ],
)
def test_the_rule_is_known_at_any_inputs(keys, inputs, expected):
    values = component("dataset", **keys).rule(np.array(inputs, dtype=float))
    assert values.dtype == np.float64
    rounding = 1e-5 if keys is PLANCK else 1e-12
    np.testing.assert_allclose(values, np.array(expected)[:, None], rtol=rounding, atol=1e-30)


def test_a_dataset_need_not_know_its_rule():
    assert Dataset().rule(np.zeros((3, 1))) is None


@pytest.mark.parametrize("keys", SHAPES, ids=lambda case: case["kind"])
def test_noise_moves_points_and_not_their_classes(keys):
    quiet, noisy = (component("dataset", **keys | {"noise": noise}) for noise in (0.0, 0.3))
    (inputs, targets), (moved, same) = quiet.sample(rng(), 4000), noisy.sample(rng(), 4000)
    np.testing.assert_array_equal(same, targets)
    np.testing.assert_allclose((moved - inputs).std(axis=0), 0.3, rtol=0.05)
    np.testing.assert_array_equal(noisy.rule(inputs), targets)


@pytest.mark.parametrize("keys", SHAPES, ids=lambda case: case["kind"])
@pytest.mark.parametrize("count", [1, 6, 103])
def test_each_class_has_as_many_points_as_any_other_but_for_one(keys, count):
    dataset = component("dataset", **keys)
    inputs, targets = dataset.sample(rng(), count)
    assert inputs.shape == (count, 2)
    counts = np.bincount(targets[:, 0].astype(int), minlength=dataset.num_classes)
    assert len(counts) == dataset.num_classes
    assert counts.max() - counts.min() <= 1


def test_points_without_noise_lie_on_their_shapes():
    """Those of scikit-learn's make_moons, make_circles and make_blobs, and of spirals, by their formulas."""
    x, y = component("dataset", **CIRCLES).sample(rng(), 300)
    np.testing.assert_allclose(np.hypot(*x.T), np.array([1.0, 0.7, 0.4])[y[:, 0].astype(int)])
    x, y = component("dataset", **MOONS).sample(rng(), 300)
    upper, lower = x[y[:, 0] == 0], x[y[:, 0] == 1]
    np.testing.assert_allclose(np.hypot(*upper.T), 1)
    np.testing.assert_allclose(np.hypot(*(lower - [1, 0.5]).T), 1)
    assert upper[:, 1].min() >= 0
    assert lower[:, 1].max() <= 0.5
    assert (upper[:, 0].min(), lower[:, 0].max()) == pytest.approx((-1, 2), abs=0.01)
    x, y = component("dataset", **BLOBS).sample(rng(), 300)
    np.testing.assert_allclose(x @ [1, 1j], 4 * np.exp(2j * np.pi * y[:, 0] / 5))
    x, y = component("dataset", **SPIRALS).sample(rng(), 300)
    z = x @ [1, 1j]
    np.testing.assert_allclose(z / np.abs(z), np.exp(2j * np.pi * (y[:, 0] / 4 + 1.5 * np.abs(z))))
    assert (np.abs(z).min(), np.abs(z).max()) == pytest.approx((0, 1), abs=0.03)


def test_the_rule_of_the_moons_is_the_nearer_one():
    points = rng().uniform(-2, 3, (500, 2))
    t = np.linspace(0, np.pi, 20_001)
    upper = np.stack([np.cos(t), np.sin(t)], axis=1)
    far = [np.array([np.hypot(*(p - moon).T).min() for p in points]) for moon in (upper, [1, 0.5] - upper)]
    np.testing.assert_array_equal(component("dataset", **MOONS).rule(points)[:, 0], far[1] < far[0])


@pytest.mark.parametrize("keys", SHAPES, ids=lambda case: case["kind"])
def test_an_outlier_must_be_a_class(keys):
    last = component("dataset", **keys).num_classes - 1
    dataset = component("dataset", **keys, outliers={"0": last, "1": last + 1, "2": 0.5, "3": -1, "5000": 0})
    assert all(key == "outliers" for key, _ in dataset.mistakes())
    told = [message.partition(" must be a class")[0] for _, message in dataset.mistakes()]
    assert told[1:] == [f"the target of example {index}" for index in (1, 2, 3)]


SPECTRA = {
    "geometric": [1.0, 1e-1, 1e-2, 1e-3],
    "linear": [1.0, 0.667, 0.334, 0.001],
    "two_level": [1.0, 1.0, 1e-3, 1e-3],
}


@pytest.mark.parametrize("rotate", [True, False])
@pytest.mark.parametrize("spectrum", [*SPECTRA, "listed"])
def test_the_covariance_of_the_training_examples_is_exact(spectrum, rotate):
    expected = SPECTRA.get(spectrum, [7.0, 0.2, 3.0])
    said = {"spectrum": expected} if spectrum == "listed" else {"dimension": 4, "spectrum": spectrum}
    said |= {} if spectrum == "listed" else {"condition": 1000.0}
    dataset = component("dataset", kind="quadratic", rotate=rotate, num_train=50, num_val=20_000, **said)
    inputs, _ = dataset.draw(3, "train")
    covariance = inputs.T @ inputs / 50
    np.testing.assert_allclose(inputs.mean(axis=0), 0, atol=1e-14)
    np.testing.assert_allclose(np.linalg.eigvalsh(covariance), sorted(expected), rtol=1e-10)
    assert np.allclose(covariance, np.diag(expected), atol=1e-10) is not rotate
    validation, _ = dataset.draw(3, "val")  # drawn from the same normal distribution
    np.testing.assert_allclose(validation.T @ validation / 20_000, covariance, atol=0.05 * max(expected))


def test_each_seed_has_a_rotation_of_its_own():
    def covariance(run_seed, **keys):
        inputs, _ = component("dataset", kind="quadratic", dimension=3, **keys).draw(run_seed, "train")
        return inputs.T @ inputs / len(inputs)

    assert not np.allclose(covariance(1), covariance(2), atol=0.01)
    np.testing.assert_allclose(covariance(1, num_train=70), covariance(1), atol=1e-12)
    np.testing.assert_array_equal(covariance(1, seed=5), covariance(2, seed=5))


def test_a_random_rotation_is_orthogonal_and_favours_no_direction():
    draws = np.array([random_rotation(np.random.default_rng(i), 3) for i in range(4000)])
    np.testing.assert_allclose(
        draws @ draws.transpose(0, 2, 1), np.broadcast_to(np.eye(3), draws.shape), atol=1e-14
    )
    standard_error = 1 / np.sqrt(3 * 4000)
    assert np.abs(draws.mean(axis=0)).max() < 4 * standard_error
    np.testing.assert_allclose((draws**2).mean(axis=0), 1 / 3, atol=4 * 0.3 / np.sqrt(4000))


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"w": [1.0, 2.0]}, ["w"]),
        ({"num_train": 10}, ["num_train"]),
        ({"num_train": 11, "num_val": 3}, []),
        ({"dimension": 1}, ["dimension"]),
        ({"dimension": 1, "condition": 1.0}, []),
        ({"spectrum": [1.0, 0.5]}, []),
        ({"spectrum": [1.0, 0.5], "dimension": 2, "condition": 2.0}, []),
        (
            {"spectrum": [1.0, 0.5], "dimension": 3, "condition": 3.0, "w": [1.0]},
            ["w", "dimension", "condition"],
        ),
    ],
)
def test_the_keys_of_a_bowl_fit_together(keys, expected):
    found = [key for key, _ in component("dataset", kind="quadratic", **keys).mistakes()]
    assert found == expected


def test_an_interval_has_two_ends():
    for keys in CURVES:
        dataset = component("dataset", **keys | {"low": 2.0, "high": 2.0})
        assert [key for key, _ in dataset.mistakes()] == ["high"]


def test_a_wavelength_is_positive():
    for low in (-1.0, 0.0, 9e-4):
        assert [key for key, _ in component("dataset", **PLANCK, low=low).mistakes()] == ["low"]
    assert not list(component("dataset", **PLANCK, low=1e-3).mistakes())


def test_axes_have_the_units_of_the_law():
    assert component("dataset", kind="ohm", R=4.7).axis_labels == ("voltage (V)", "current (A)")
    assert component("dataset", kind="planck", temperature=3000.0).axis_labels[0].endswith("m)")
    assert component("dataset", kind="sine").axis_labels == ("x", "y")
