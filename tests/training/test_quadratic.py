"""The loss from a triangle is the loss from the examples."""

import builders
import numpy as np
import pytest
from builders import evaluate

from lrcli.components.initializers import Parameter
from lrcli.components.models.base import Model
from lrcli.training.problem import build_problem
from lrcli.training.quadratic import QuadraticLoss, has_triangle, is_quadratic, quadratic_form

MODELS = {
    "line": (builders.LINEAR, {"kind": "linear"}),
    "constant": (builders.LINEAR | {"w": [1.0]}, {"kind": "polynomial", "degree": 0}),
    "cubic": (builders.SINE, {"kind": "polynomial", "degree": 3}),
    "degree 10": (builders.SINE, {"kind": "polynomial", "degree": 10}),
    "more powers than examples": (builders.SINE | {"num_train": 5}, {"kind": "polynomial", "degree": 9}),
    "62 features": (builders.LINEAR | {"w": [0.5] * 62}, {"kind": "linear"}),
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


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_triangle_is_that_of_householder(dtype):
    """To a sign for each of its rows, and in whatever parts the data are reduced."""
    problem = builders.problem(
        builders.LINEAR | {"w": [0.5] * 30}, {"kind": "linear"}, {"kind": "mse"}, (0, 1)
    )
    form = quadratic_form(problem, dtype)
    data = problem.splits["train"]
    for row in range(2):
        features, targets = (
            array[row].astype(dtype).astype(float) for array in (data.features, data.targets)
        )
        columns = np.hstack([features, np.ones((len(features), 1))])
        minimum, rest, *_ = np.linalg.lstsq(columns, targets[:, 0])
        np.testing.assert_allclose(form.minimum[row], minimum, rtol=1e-11)
        np.testing.assert_allclose(form.matrix[row], 2 * columns.T @ columns / 100, rtol=1e-11, atol=1e-12)
        np.testing.assert_allclose(form.least[row], rest[0] / 100, rtol=1e-11)


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


def wide(features, seeds):
    """Linear regression on so many features."""
    dataset = builders.LINEAR | {"w": [0.5] * features, "num_train": 310, "num_val": 7}
    return builders.problem(dataset, {"kind": "linear"}, {"kind": "half_mse"}, seeds)


@pytest.mark.parametrize("features", [1, 2, 6, 7, 8, 15, 16, 31, 61, 62, 63, 64, 127, 200, 299])
@pytest.mark.parametrize("engine", ["compiled", "torch"])
def test_bits_depend_neither_on_how_many_there_are_nor_on_the_order(features, engine):
    """Of the losses that an engine takes, from triangles or from the examples."""
    if engine == "compiled":
        pytest.importorskip("numba")
    members = 100
    rows = np.random.default_rng(0).integers(0, 4, members)
    problem = wide(features, range(4))
    whole = builders.population({"kind": "sgd"}, {"epochs": 1, "batch_size": 100}, rows)

    def losses(pick, problem=problem, population=None):
        population = population or whole.take(pick)
        trained = builders.trained(problem, population, "float32", engine=engine)
        return np.stack([evaluate(trained, split)["loss"] for split in ("train", "val")])

    together = losses(range(members))
    for count in (1, 2, 3, 7, members):
        pick = np.random.default_rng(count).permutation(members)[:count]
        np.testing.assert_array_equal(losses(pick), together[:, pick])
    seed = int(rows[5])
    alone = builders.population({"kind": "sgd"}, {"epochs": 1, "batch_size": 100})
    np.testing.assert_array_equal(losses([0], wide(features, [seed]), alone), together[:, [5]])


@pytest.mark.parametrize(
    ("features", "expected"),
    [(2, {"train", "val"}), (5, {"train", "val"}), (6, {"train"}), (62, {"train"}), (63, set())],
)
def test_a_triangle_is_taken_where_it_is_smaller_than_the_examples(features, expected):
    """Of features + 2 columns, at most 64; there are 310 examples, and 7."""
    problem = wide(features, [0])
    assert {name for name, split in problem.splits.items() if has_triangle(problem, split.size)} == expected


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


class Slopes(Model):
    """o = b + w times the square of x, the bias first: its design is none of the others'."""

    linear_in_parameters = True
    kind: str = "slopes"

    def parameters(self, num_features, num_outputs):
        bias = Parameter("b", (1,), (1, 1), fan_in=num_features, is_bias=True)
        return bias, Parameter("w", (num_features, 1), (num_features, 1), fan_in=num_features)

    def design(self, features):
        return np.concatenate([np.ones_like(features[..., :1]), features**2], axis=-1)


def test_a_new_model_says_its_design_itself():
    dataset, loss = (builders.component("dataset", **builders.LINEAR), builders.component("loss", kind="mse"))
    problem = build_problem(dataset, Slopes(), loss, (0, 1))
    rows, parameters = np.array([0, 1]), drawn(problem, 2)
    data = problem.splits["train"]
    outputs = data.features[rows] ** 2 @ parameters["w"] + parameters["b"][:, None]
    expected = ((outputs - data.targets[rows]) ** 2).mean((1, 2))
    np.testing.assert_allclose(QuadraticLoss(problem, "train", "float64").of(parameters, rows), expected)
    form = quadratic_form(problem, "float64")
    away = builders.flat(parameters) - form.minimum
    values = form.least + np.einsum("si,sij,sj->s", away, form.matrix, away) / 2
    np.testing.assert_allclose(values, expected)
