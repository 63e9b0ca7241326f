"""Recovery: true parameters, best possible ones, symmetric solutions."""

import numpy as np
import pytest
from builders import LINEAR, SINE, XOR, component, problem

from lrcli.analysis.recovery import find_recovery
from lrcli.analysis.set_fits import Examples
from lrcli.components.models.curves import legendre_of_cubic

FIRST = np.array([0])


def recovery_of(dataset, model, loss="mse", decay=0.0):
    pb = problem(dataset, model, loss if isinstance(loss, dict) else {"kind": loss})
    split = pb.splits["train"]
    shapes = {p.name: p.shape for p in pb.parameters}
    decays = np.full((1, sum(p.size for p in pb.parameters)), decay)
    examples = Examples(split.inputs, split.targets, FIRST, decays, 1 / split.size)
    return find_recovery([pb.dataset], pb.model, pb.loss, shapes, examples), split


def test_a_linear_model_of_linear_data_has_true_parameters():
    recovery, _ = recovery_of(LINEAR, {"kind": "linear"})
    assert recovery.against == "true"
    learned = {"w": np.array([[[1.5], [-3.0]]]), "b": np.array([[4.0]])}
    errors = recovery.errors(learned, FIRST)
    np.testing.assert_allclose(errors["w"][0].ravel(), [0.5, -0.4])
    np.testing.assert_allclose(errors["b"][0], [0.2])
    metrics = recovery.metrics(learned, FIRST)
    assert metrics["recovery/max_abs_error"][0] == pytest.approx(0.5)
    assert metrics["recovery/error_norm"][0] == pytest.approx(np.sqrt(0.25 + 0.16 + 0.04))


def test_a_polynomial_of_a_line_has_true_parameters_and_zeros():
    line = {**LINEAR, "w": [2.0]}
    recovery, _ = recovery_of(line, {"kind": "polynomial", "degree": 3})
    assert recovery.against == "true"
    assert recovery.values["coef"].tolist() == [[4.2, 2.0, 0.0, 0.0]]
    recovery, _ = recovery_of(line, {"kind": "polynomial", "degree": 0})
    assert recovery.against == "least_squares", "a constant cannot be the line"


def test_other_curves_are_held_against_least_squares():
    sine = {**SINE, "num_train": 2000}
    recovery, split = recovery_of(sine, {"kind": "polynomial", "degree": 3})
    assert recovery.against == "least_squares"
    best = [0, 0.8567408430737845, 0, -0.0933303890405988]  # solved independently, in float64
    np.testing.assert_allclose(recovery.values["coef"][0], best, atol=1e-12)
    residual = split.targets[0, :, 0] - np.polynomial.polynomial.polyval(
        split.inputs[0, :, 0], recovery.values["coef"][0]
    )
    assert np.sum(residual**2) == pytest.approx(8.817165410007025, rel=1e-12)


def test_a_line_through_a_sine():
    recovery, split = recovery_of(SINE, {"kind": "linear"})
    slope, intercept = np.polyfit(split.inputs[0, :, 0], split.targets[0, :, 0], 1)
    np.testing.assert_allclose(recovery.values["w"][0], [[slope]], rtol=1e-10)
    np.testing.assert_allclose(recovery.values["b"][0], [intercept], atol=1e-12)


@pytest.mark.parametrize("truth", [(0.5, -2.0, 0.1, 0.3), (1.0, 0.7, -0.4, 1.1), (0.0, -2.2, 0.0, 0.25)])
def test_a_legendre_curve_is_found_from_its_cubic(truth):
    a, b, c, d = truth
    x = np.linspace(-3, 3, 50)[:, None]
    y = a + b * np.polynomial.legendre.legval(c + d * x, [0, 0, 0, 1])
    best = component("model", kind="legendre").best_fit(x, y)
    np.testing.assert_allclose([best[name] for name in "abcd"], truth, rtol=1e-8, atol=1e-9)


def test_a_cubic_that_is_no_legendre_curve():
    assert legendre_of_cubic(np.array([0.0, 1.0, 0.0, 1.0])) is None  # no dip: P3 always has one
    assert legendre_of_cubic(np.array([0.0, 1.0, 2.0, 0.0])) is None


def test_a_line_is_no_legendre_curve_but_for_rounding():
    x = np.random.default_rng(0).normal(size=(200, 1))
    assert component("model", kind="legendre").best_fit(x, 2 * x + 1) is None
    assert component("model", kind="legendre").best_fit(x, 2 * x**2 + 1) is None


@pytest.mark.parametrize(
    "form",
    [
        lambda a, f, p: (a, f, p),
        lambda a, f, p: (-a, f, p + np.pi),
        lambda a, f, p: (-a, -f, -p),
        lambda a, f, p: (a, -f, np.pi - p),
        lambda a, f, p: (a, f, p - 6 * np.pi),
        lambda a, f, p: (-a, f, p - 3 * np.pi),
    ],
)
@pytest.mark.parametrize("truth", [(2.0, 1.5, 0.3), (-1.0, 2.0, -1.0), (0.7, -3.0, 2.9)])
def test_symmetric_sinusoids_count_as_recovered(form, truth):
    sine = {**SINE, "offset": 0.4} | dict(zip(("amplitude", "frequency", "phase"), truth, strict=True))
    recovery, split = recovery_of(sine, {"kind": "sinusoid"})
    assert recovery.against == "true"
    amplitude, frequency, phase = form(*truth)
    curve = amplitude * np.sin(frequency * split.inputs[0] + phase) + 0.4
    np.testing.assert_allclose(curve, split.targets[0], atol=1e-12)
    learned = {"amplitude": amplitude, "frequency": frequency, "phase": phase, "offset": 0.4}
    metrics = recovery.metrics({name: np.array([value]) for name, value in learned.items()}, FIRST)
    assert metrics["recovery/max_abs_error"][0] < 1e-12


def test_a_wrong_sinusoid_does_not():
    recovery, _ = recovery_of(SINE, {"kind": "sinusoid"})
    learned = {"amplitude": 1.0, "frequency": 1.0, "phase": np.pi / 2, "offset": 0.0}
    metrics = recovery.metrics({name: np.array([value]) for name, value in learned.items()}, FIRST)
    assert metrics["recovery/max_abs_error"][0] == pytest.approx(np.pi / 2)


def test_legendre_curves_are_symmetric_too():
    learned = {name: np.array([v]) for name, v in zip("abcd", (0.1, 2.0, 0.2, -0.3), strict=True)}
    reference = {name: np.array([v]) for name, v in zip("abcd", (0.1, -2.0, -0.2, 0.3), strict=True)}
    turned = component("model", kind="legendre").nearest_equivalent(learned, reference)
    assert {name: value[0] for name, value in turned.items()} == {"a": 0.1, "b": -2.0, "c": -0.2, "d": 0.3}


@pytest.mark.parametrize(
    ("dataset", "model", "loss"),
    [
        (XOR, {"kind": "mlp", "hidden": [4]}, "bce"),
        (LINEAR, {"kind": "mlp", "hidden": [4]}, "mse"),
        (SINE, {"kind": "mlp", "hidden": []}, "mse"),
    ],
)
def test_parameters_that_are_not_identifiable(dataset, model, loss):
    recovery, _ = recovery_of(dataset, model, loss)
    assert recovery is None
