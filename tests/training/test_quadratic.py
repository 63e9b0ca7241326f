"""The loss from a triangle is the loss from the examples."""

import builders
import numpy as np
import pytest

from lrcli.training.quadratic import QuadraticLoss, is_quadratic

MODELS = {
    "line": (builders.LINEAR, {"kind": "linear"}),
    "constant": (builders.LINEAR | {"w": [1.0]}, {"kind": "polynomial", "degree": 0}),
    "cubic": (builders.SINE, {"kind": "polynomial", "degree": 3}),
    "degree 10": (builders.SINE, {"kind": "polynomial", "degree": 10}),
    "more powers than examples": (builders.SINE | {"num_train": 5}, {"kind": "polynomial", "degree": 9}),
    "a feature that is always zero": (builders.LINEAR | {"feature_std": [1.0, 0.0]}, {"kind": "linear"}),
}
LOSSES = [
    {"kind": kind, "reduction": reduction} for kind in ("mse", "half_mse") for reduction in ("mean", "sum")
]


def outputs(problem, parameters, features):
    if "w" in parameters:
        return features @ parameters["w"] + parameters["b"][:, None]
    return features @ parameters["coef"][..., None]


def direct(problem, parameters, split, rows, dtype):
    data = problem.splits[split]
    features, targets = (
        array.astype(dtype).astype(np.float64)[rows] for array in (data.features, data.targets)
    )
    squares = (outputs(problem, parameters, features) - targets) ** 2
    if problem.loss.kind == "half_mse":
        squares = squares / 2
    return squares.mean((1, 2)) if problem.loss.reduction == "mean" else squares.sum((1, 2))


def drawn(problem, members, seed=0, scale=1.0):
    rng = np.random.default_rng(seed)
    shapes = {parameter.name: parameter.shape for parameter in problem.parameters}
    return {name: scale * rng.standard_normal((members, *shape)) for name, shape in shapes.items()}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: " ".join(loss.values()))
@pytest.mark.parametrize(("dataset", "model"), MODELS.values(), ids=MODELS)
def test_same_as_summing_over_the_examples(dataset, model, loss, dtype):
    problem = builders.problem(dataset, model, loss, seeds=(0, 1, 2))
    rows = np.array([0, 0, 1, 2, 2])
    parameters = drawn(problem, len(rows))
    for split in ("train", "val"):
        expected = direct(problem, parameters, split, rows, dtype)
        found = QuadraticLoss(problem, split, dtype).of(parameters, rows)
        np.testing.assert_allclose(found, expected, rtol=1e-11)


@pytest.mark.parametrize("distance", [1e-3, 1e-6, 1e-9])
def test_near_the_smallest_loss_there_is(distance):
    dataset = builders.LINEAR | {"noise": 0.0}
    problem = builders.problem(dataset, {"kind": "linear"}, {"kind": "mse"})
    parameters = {"w": np.array([[[2.0 + distance], [-3.4]]]), "b": np.array([[4.2]])}
    rows = np.array([0])
    found = QuadraticLoss(problem, "train", "float64").of(parameters, rows)
    x0 = problem.splits["train"].features[0, :, 0]
    np.testing.assert_allclose(found, distance**2 * np.mean(x0**2), rtol=1e-13 / distance)


def test_a_member_alone_has_the_bits_that_it_has_among_others():
    problem = builders.problem(
        builders.SINE, {"kind": "polynomial", "degree": 9}, {"kind": "mse"}, seeds=range(5)
    )
    parameters = drawn(problem, 500)
    rows = np.arange(500) % 5
    together = QuadraticLoss(problem, "train", "float32").of(parameters, rows)
    for member in (0, 7, 499):
        row = rows[member]
        single = builders.problem(
            builders.SINE, {"kind": "polynomial", "degree": 9}, {"kind": "mse"}, seeds=[int(row)]
        )
        only = {name: values[[member]] for name, values in parameters.items()}
        assert QuadraticLoss(single, "train", "float32").of(only, np.array([0]))[0] == together[member]


def test_what_the_dtype_could_not_hold_is_infinite():
    problem = builders.problem(builders.LINEAR, {"kind": "linear"}, {"kind": "mse"})
    parameters = {"w": np.full((2, 2, 1), [[[1e15]], [[1e25]]]), "b": np.zeros((2, 1))}
    found = QuadraticLoss(problem, "train", "float32").of(parameters, np.array([0, 0]))
    assert np.isfinite(found).tolist() == [True, False]
    assert np.isfinite(QuadraticLoss(problem, "train", "float64").of(parameters, np.array([0, 0]))).all()


@pytest.mark.parametrize(
    ("dataset", "model", "loss", "expected"),
    [
        (builders.LINEAR, {"kind": "linear"}, {"kind": "mse"}, True),
        (builders.SINE, {"kind": "polynomial", "degree": 2}, {"kind": "half_mse"}, True),
        (builders.LINEAR, {"kind": "linear"}, {"kind": "l1"}, False),
        (builders.LINEAR, {"kind": "linear"}, {"kind": "huber", "delta": 1.0}, False),
        (builders.LINEAR, {"kind": "mlp", "hidden": []}, {"kind": "mse"}, False),
        (builders.SINE, {"kind": "sinusoid"}, {"kind": "mse"}, False),
        (builders.XOR, {"kind": "linear"}, {"kind": "mse"}, False),  # its accuracy needs the outputs
    ],
)
def test_where_it_applies(dataset, model, loss, expected):
    assert is_quadratic(builders.problem(dataset, model, loss)) is expected
