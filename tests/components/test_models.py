"""Models: outputs against textbook modules, gradients against autograd and finite differences."""

import numpy as np
import pytest
import torch
from builders import built_in, component

from lrcli.engines.torch.models import P3, torch_model

R, B = 3, 6
CASES = [
    ("linear", {}, 2, 1),
    ("linear", {}, 3, 2),
    ("polynomial", {"degree": 3}, 1, 1),
    ("polynomial", {"degree": 0}, 1, 1),
    ("legendre", {}, 1, 1),
    ("sinusoid", {}, 1, 1),
    ("mlp", {"hidden": []}, 2, 1),
    ("mlp", {"hidden": [4]}, 2, 1),
    ("mlp", {"hidden": [4, 4], "activation": "relu"}, 2, 1),
    ("mlp", {"hidden": [5, 3], "activation": "tanh"}, 2, 2),
    ("mlp", {"hidden": [3, 4, 5], "activation": "sigmoid"}, 3, 1),
]
IDS = [f"{kind}-{options}-{d}-{o}" for kind, options, d, o in CASES]


def setup(kind, options, features, outputs):
    model = component("model", kind=kind, **options)
    rng = np.random.default_rng(3)
    parameters = {
        p.name: torch.from_numpy(rng.normal(size=(R, *p.matrix))) for p in model.parameters(features, outputs)
    }
    inputs = torch.from_numpy(model.features(rng.normal(size=(R, B, features))))
    slope = torch.from_numpy(rng.normal(size=(R, B, outputs)))
    return model, torch_model(model), parameters, inputs, slope


def gradient(form, parameters, inputs, slope):
    result = {name: torch.full_like(p, torch.nan) for name, p in parameters.items()}
    outputs, pullback = form.vjp(parameters, inputs)
    pullback(slope.clone(), result)
    return outputs, result


def test_every_model_is_here():
    assert {case[0] for case in CASES} == set(built_in("model"))
    activations = {options.get("activation", "relu") for _, options, _, _ in CASES}
    assert activations == {"relu", "tanh", "sigmoid"}


@pytest.mark.parametrize(("kind", "options", "features", "outputs"), CASES, ids=IDS)
def test_gradient_is_that_of_autograd(kind, options, features, outputs):
    _, form, parameters, inputs, slope = setup(kind, options, features, outputs)
    returned, ours = gradient(form, parameters, inputs, slope)
    leaves = {name: p.clone().requires_grad_() for name, p in parameters.items()}
    forward = form.forward(leaves, inputs)
    expected = torch.autograd.grad(forward, list(leaves.values()), slope)
    torch.testing.assert_close(returned, forward.detach(), rtol=0, atol=0)
    for name, value in zip(leaves, expected, strict=True):
        torch.testing.assert_close(ours[name], value, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("kind", "options", "features", "outputs"), CASES, ids=IDS)
def test_gradient_is_that_of_finite_differences(kind, options, features, outputs):
    _, form, parameters, inputs, slope = setup(kind, options, features, outputs)
    _, ours = gradient(form, parameters, inputs, slope)
    h = 1e-6
    for name, p in parameters.items():
        for index in np.ndindex(*p.shape[1:]):
            shifted = [form.forward({**parameters, name: _shift(p, index, step)}, inputs) for step in (h, -h)]
            slopes = ((shifted[0] - shifted[1]) / (2 * h) * slope).sum((1, 2))
            torch.testing.assert_close(ours[name][(slice(None), *index)], slopes, rtol=1e-6, atol=1e-7)


def _shift(p, index, step):
    p = p.clone()
    p[(slice(None), *index)] += step
    return p


def test_p3_is_the_legendre_polynomial_with_its_own_derivative():
    u = torch.linspace(-2, 2, 9, dtype=torch.float64)
    expected = np.polynomial.legendre.legval(u.numpy(), [0, 0, 0, 1])
    np.testing.assert_allclose(P3.apply(u).numpy(), expected, atol=1e-14)
    torch.autograd.gradcheck(P3.apply, u.requires_grad_())


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid"])
def test_mlp_is_the_sequential_module(activation):
    options = {"hidden": [4, 3], "activation": activation}
    _, form, parameters, inputs, _ = setup("mlp", options, 2, 1)
    act = {"relu": torch.nn.ReLU, "tanh": torch.nn.Tanh, "sigmoid": torch.nn.Sigmoid}[activation]
    for member in range(R):
        net = torch.nn.Sequential(
            torch.nn.Linear(2, 4), act(), torch.nn.Linear(4, 3), act(), torch.nn.Linear(3, 1)
        ).double()
        with torch.no_grad():
            for i, layer in enumerate((net[0], net[2], net[4]), start=1):
                layer.weight.copy_(parameters[f"w{i}"][member].T)
                layer.bias.copy_(parameters[f"b{i}"][member, 0])
            expected = net(inputs[member])
        torch.testing.assert_close(form.forward(parameters, inputs)[member], expected, rtol=1e-12, atol=1e-12)


def test_curves_are_their_formulas():
    x = np.linspace(-1, 2, B)[None, :, None].repeat(R, 0)
    for kind, formula in {
        "sinusoid": lambda p: p["amplitude"] * np.sin(p["frequency"] * x + p["phase"]) + p["offset"],
        "legendre": lambda p: (
            p["a"] + p["b"] * np.polynomial.legendre.legval(p["c"] + p["d"] * x, [0, 0, 0, 1])
        ),
    }.items():
        _, form, parameters, _, _ = setup(kind, {}, 1, 1)
        expected = formula({name: p.numpy() for name, p in parameters.items()})
        np.testing.assert_allclose(
            form.forward(parameters, torch.from_numpy(x)).numpy(), expected, rtol=1e-12
        )
    _, form, parameters, _, _ = setup("polynomial", {"degree": 3}, 1, 1)
    powers = component("model", kind="polynomial", degree=3).features(x)
    for member in range(R):
        expected = np.polynomial.polynomial.polyval(x[member, :, 0], parameters["coef"][member, :, 0].numpy())
        ours = form.forward(parameters, torch.from_numpy(powers))[member, :, 0]
        np.testing.assert_allclose(ours.numpy(), expected, rtol=1e-12)
