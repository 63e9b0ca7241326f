"""Curvature against NumPy, SciPy and torch: Hessians of every built-in model and loss, and their ends."""

import numpy as np
import pytest
import torch
from builders import component
from scipy.sparse.linalg import LinearOperator, eigsh
from torch.nn import functional

from lrcli.analysis.curvature import curvature_of_hessian, extreme_eigenvalues
from lrcli.analysis.hessian import Preconditioned, hessian_at
from lrcli.components.laws import FIRST_RADIATION, SECOND_RADIATION

RNG = np.random.default_rng(0)
CURVES = ["sinusoid", "legendre", "planck", "ohm", "exponential_decay"]
MODELS = {
    "linear": ({"kind": "linear"}, 3),
    "polynomial": ({"kind": "polynomial", "degree": 3}, 1),
    "relu": ({"kind": "mlp", "hidden": [4, 3], "activation": "relu"}, 2),
    "tanh": ({"kind": "mlp", "hidden": [4, 3], "activation": "tanh"}, 2),
    "sigmoid": ({"kind": "mlp", "hidden": [5], "activation": "sigmoid"}, 2),
    "no layer": ({"kind": "mlp", "hidden": []}, 2),
    **{kind: ({"kind": kind}, 1) for kind in CURVES},
}
LOSSES = [
    {"kind": "mse"},
    {"kind": "half_mse", "reduction": "sum"},
    {"kind": "l1"},
    {"kind": "huber", "delta": 0.5},
    {"kind": "bce"},
]


def drawn(model, features, outputs, loss, examples=20):
    """Parameters of order 1, inputs and targets."""
    parameters = {
        p.name: RNG.uniform(0.3, 1.0, p.shape) * RNG.choice([-1, 1], p.shape)
        for p in model.parameters(features, outputs)
    }
    if model.kind in ("planck", "ohm"):
        parameters = {name: np.array(5000.0 if name == "T" else 3.0) for name in parameters}
    inputs = RNG.uniform(0.5, 2.0, (examples, features))
    if loss.kind == "cross_entropy":
        targets = np.eye(outputs)[RNG.integers(outputs, size=examples)]
    else:
        targets = RNG.integers(2, size=(examples, outputs)).astype(float)
    return parameters, inputs, targets


def net(model, p, x):
    act = {"relu": torch.relu, "tanh": torch.tanh, "sigmoid": torch.sigmoid}[model.activation]
    depth = len(model.hidden) + 1
    for i in range(1, depth + 1):
        x = x @ p[f"w{i}"] + p[f"b{i}"]
        x = act(x) if i < depth else x
    return x


def planck(_, p, x):
    energy = SECOND_RADIATION / (x * p["T"])
    return FIRST_RADIATION / x**5 / torch.expm1(energy)


def legendre(_, p, x):
    u = p["c"] + p["d"] * x
    return p["a"] + p["b"] * (5 * u**3 - 3 * u) / 2


FORMULAS = {
    "linear": lambda _, p, x: x @ p["w"] + p["b"],
    "polynomial": lambda _, p, x: x @ p["coef"][:, None],
    "mlp": net,
    "sinusoid": lambda _, p, x: p["amplitude"] * torch.sin(p["frequency"] * x + p["phase"]) + p["offset"],
    "legendre": legendre,
    "planck": planck,
    "ohm": lambda _, p, x: x / p["R"],
    "exponential_decay": lambda _, p, x: p["amplitude"] * torch.exp(-p["rate"] * x),
}
SUMS = {
    "mse": lambda _, o, y: ((o - y) ** 2).sum(),
    "half_mse": lambda _, o, y: ((o - y) ** 2).sum() / 2,
    "l1": lambda _, o, y: (o - y).abs().sum(),
    "huber": lambda loss, o, y: functional.huber_loss(o, y, reduction="sum", delta=loss.delta),
    "bce": lambda _, o, y: functional.binary_cross_entropy_with_logits(o, y, reduction="sum"),
    "cross_entropy": lambda _, o, y: functional.cross_entropy(o, y, reduction="sum"),
}


def by_torch(model, loss, parameters, features, targets, scale, decay):
    """The Hessian by torch's autograd of the formulas as textbooks have them."""
    flat = torch.tensor(np.concatenate([v.ravel() for v in parameters.values()]))
    x, y = torch.tensor(features), torch.tensor(targets)

    def value(theta):
        parts = zip(parameters.items(), theta.split([v.size for v in parameters.values()]), strict=True)
        named = {name: part.reshape(v.shape) for (name, v), part in parts}
        outputs = FORMULAS[model.kind](model, named, x)
        return scale * SUMS[loss.kind](loss, outputs, y) + (torch.tensor(decay) * theta**2).sum() / 2

    return torch.autograd.functional.hessian(value, flat).numpy()


def agrees(model, loss, features, outputs):
    parameters, inputs, targets = drawn(model, features, outputs, loss)
    x = model.features(inputs)
    decay = RNG.uniform(0, 1, sum(v.size for v in parameters.values()))
    hessian = hessian_at(model.derivatives(parameters, x), loss, targets, 0.05, decay)
    ours = hessian.products(np.eye(len(decay)))
    theirs = by_torch(model, loss, parameters, x, targets, 0.05, decay)
    assert np.abs(ours - theirs).max() <= 1e-10 * np.abs(theirs).max()
    found = curvature_of_hessian(hessian, exact=False)
    ends = np.linalg.eigvalsh(theirs)[[0, -1]]
    assert [found.smallest, found.largest] == pytest.approx(ends, rel=1e-6, abs=1e-12 * ends[1])


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss["kind"])
@pytest.mark.parametrize(("model", "features"), MODELS.values(), ids=MODELS)
def test_the_hessian_is_that_of_autograd(model, features, loss):
    agrees(component("model", **model), component("loss", **loss), features, 1)


@pytest.mark.parametrize("model", [{"kind": "linear"}, {"kind": "mlp", "hidden": [4], "activation": "tanh"}])
def test_the_hessian_of_several_classes(model):
    agrees(component("model", **model), component("loss", kind="cross_entropy"), 3, 4)


@pytest.mark.parametrize("kind", CURVES)
def test_the_derivatives_of_curves_are_those_of_differences(kind):
    model, loss = component("model", kind=kind), component("loss", kind="half_mse")
    parameters, inputs, _ = drawn(model, 1, 1, loss)
    names = list(parameters)
    found = model.derivatives(parameters, inputs)

    def moved(*steps):
        changed = {n: parameters[n] + sum(h for at, h in steps if at == n) for n in names}
        return model.outputs(changed, inputs)[:, 0]

    h = {n: 1e-4 * abs(float(parameters[n])) for n in names}
    for i, a in enumerate(names):
        first = (moved((a, h[a])) - moved((a, -h[a]))) / (2 * h[a])
        assert found.firsts[:, i] == pytest.approx(first, rel=1e-5, abs=1e-7 * np.abs(first).max())
        for j, b in enumerate(names):
            four = [s * t * moved((a, s * h[a]), (b, t * h[b])) for s in (1, -1) for t in (1, -1)]
            second = sum(four) / (4 * h[a] * h[b])
            size = np.abs(found.seconds).max()
            assert found.seconds[:, i, j] == pytest.approx(second, rel=1e-4, abs=1e-5 * size)


@pytest.mark.parametrize("size", [101, 500])
@pytest.mark.parametrize("kind", ["definite", "indefinite", "low rank", "clustered"])
def test_lanczos_finds_the_ends_that_scipy_finds(size, kind):
    rng = np.random.default_rng(size)
    values = {
        "definite": np.geomspace(1e-3, 10, size),
        "indefinite": rng.normal(size=size),
        "low rank": np.r_[np.zeros(size - 5), 1, 2, 3, 4, 5.0],
        "clustered": np.r_[np.full(size - 2, 1.0), 1 + 1e-3, 9],
    }[kind]
    turn = np.linalg.qr(rng.normal(size=(size, size)))[0]
    matrix = (turn * values) @ turn.T
    found = extreme_eigenvalues(lambda d: d @ matrix, size)
    largest = eigsh(LinearOperator(matrix.shape, lambda v: matrix @ v), 1, which="LA", tol=1e-10)[0][0]
    assert found.largest == pytest.approx(largest, rel=1e-6)
    smallest = np.linalg.eigvalsh(matrix)[0]
    assert found.smallest == pytest.approx(smallest, rel=1e-6, abs=1e-6 * largest)
    assert abs(found.largest - values.max()) <= max(found.uncertainty, 1e-12)


@pytest.mark.parametrize("condition", [1e3, 1e6, 1e12])
def test_condition_numbers_of_features_to_1e12(condition):
    model, loss = component("model", kind="linear"), component("loss", kind="half_mse")
    left = np.linalg.qr(np.c_[np.ones(50), RNG.normal(size=(50, 2))])[0]  # a column of ones, others across it
    x = np.sqrt(50) * left[:, 1:] * [1.0, 1 / condition]
    parameters = {"w": np.zeros((2, 1)), "b": np.zeros(1)}
    hessian = hessian_at(model.derivatives(parameters, x), loss, np.zeros((50, 1)), 1 / 50, np.zeros(3))
    found = curvature_of_hessian(hessian, exact=True)
    assert found.largest == pytest.approx(1)
    assert found.condition == pytest.approx(condition**2, rel=1e-3)


def test_the_preconditioned_curvature_is_that_of_the_quotient():
    model, loss = component("model", kind="linear"), component("loss", kind="mse")
    parameters, x, y = drawn(model, 3, 1, loss)
    hessian = hessian_at(model.derivatives(parameters, x), loss, y, 0.05, np.zeros(4))
    diagonal = RNG.uniform(0.1, 2, 4)
    found = curvature_of_hessian(Preconditioned(hessian, diagonal), exact=False)
    quotient = np.linalg.eigvals(hessian.products(np.eye(4)) / diagonal[:, None]).real
    assert [found.smallest, found.largest] == pytest.approx([quotient.min(), quotient.max()])


def of(model, loss, parameters, x, y):
    derivatives = component("model", **model).derivatives(parameters, x)
    size = sum(v.size for v in parameters.values())
    hessian = hessian_at(derivatives, component("loss", **loss), y, 1 / len(x), np.zeros(size))
    return curvature_of_hessian(hessian, exact=False)


def test_numbers_that_are_not_finite_have_no_curvature():
    x, y = np.ones((5, 2)), np.ones((5, 1))
    layers = {"kind": "mlp", "hidden": [3], "activation": "tanh"}
    shapes = {p.name: p.shape for p in component("model", **layers).parameters(2, 1)}
    nan = {name: np.full(shape, np.nan) for name, shape in shapes.items()}
    assert of(layers, {"kind": "mse"}, nan, x, y) is None
    linear = {"w": np.ones((2, 1)), "b": np.ones(1)}
    assert of({"kind": "linear"}, {"kind": "mse"}, linear, x * 1e200, y) is None


def test_where_nothing_curves_it_is_zero():
    x, y = RNG.normal(size=(9, 2)), np.zeros((9, 1))
    linear = {"w": np.ones((2, 1)), "b": np.ones(1)}
    flat = of({"kind": "linear"}, {"kind": "l1"}, linear, x, y)
    assert (flat.smallest, flat.largest, flat.condition) == (0, 0, None)
    apart = of({"kind": "linear"}, {"kind": "mse"}, linear, np.c_[x[:, 0], x[:, 0]], y)
    assert apart.smallest == 0
    assert apart.condition is None


def test_a_saturated_sigmoid_keeps_its_digits():
    x, y = np.array([[100.0]]), np.array([[1.0]])
    found = of({"kind": "linear"}, {"kind": "bce"}, {"w": np.ones((1, 1)), "b": np.zeros(1)}, x, y)
    assert found.largest == pytest.approx(np.exp(-100.0) * (100.0**2 + 1), rel=1e-9)
