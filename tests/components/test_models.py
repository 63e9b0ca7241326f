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
    ("ohm", {}, 1, 1),
    ("planck", {}, 1, 1),
    ("exponential_decay", {}, 1, 1),
]
IDS = [f"{kind}-{options}-{d}-{o}" for kind, options, d, o in CASES]


def setup(kind, options, features, outputs):
    model = component("model", kind=kind, **options)
    rng = np.random.default_rng(3)
    parameters = {
        p.name: torch.from_numpy(rng.normal(size=(R, *p.matrix))) for p in model.parameters(features, outputs)
    }
    inputs = torch.from_numpy(model.features(rng.normal(size=(R, B, features))))
    if kind == "planck":  # between 3000 and 6000 K, wavelengths around the top of the spectrum
        parameters = {"T": 4500 + 1500 * parameters["T"].tanh()}
        inputs = 0.3 + inputs.abs()
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
    h = 1e-2 if kind == "planck" else 1e-6
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


def planck_by_the_letter(micrometres, kelvin):
    """Planck's law in SI units as the books print it, in kW / (m^2 sr nm)."""
    h, c, k = 6.62607015e-34, 299792458.0, 1.380649e-23
    metres = micrometres * 1e-6
    per_metre = 2 * h * c**2 / metres**5 / (np.exp(h * c / (metres * k * kelvin)) - 1)
    return per_metre * 1e-9 * 1e-3


def test_planck_is_the_law_in_its_units():
    x, kelvin = np.geomspace(0.1, 100, 40), np.array([300.0, 3000.0, 5772.0, 1e5])
    parameters = {"T": torch.from_numpy(kelvin[:, None, None])}
    ours = torch_model(component("model", kind="planck")).forward(parameters, torch.from_numpy(x[:, None]))
    with np.errstate(over="ignore"):
        expected = planck_by_the_letter(x, kelvin[:, None])
    np.testing.assert_allclose(ours[..., 0].numpy(), expected, rtol=1e-9, atol=1e-20)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_planck_is_finite_everywhere_and_dark_where_nothing_shines(dtype):
    x = torch.tensor([-1.0, 0.0, 1e-3, 0.2, 3.0, 1e6], dtype=dtype)[:, None]
    kelvin = torch.tensor([-300.0, 0.0, 1e-30, 1.0, 30.0, 1e9], dtype=dtype)[:, None, None].requires_grad_()
    outputs = torch_model(component("model", kind="planck")).forward({"T": kelvin}, x)
    (slope,) = torch.autograd.grad(outputs.sum(), kelvin)
    assert torch.isfinite(outputs).all()
    assert torch.isfinite(slope).all()
    assert outputs[:3, :5].abs().max() < 1e-15
    assert outputs[:, :2].abs().max() < 1e-15
    assert not slope[:2].any()


def test_curves_are_their_formulas():
    x = np.linspace(-1, 2, B)[None, :, None].repeat(R, 0)
    for kind, formula in {
        "sinusoid": lambda p: p["amplitude"] * np.sin(p["frequency"] * x + p["phase"]) + p["offset"],
        "legendre": lambda p: (
            p["a"] + p["b"] * np.polynomial.legendre.legval(p["c"] + p["d"] * x, [0, 0, 0, 1])
        ),
        "ohm": lambda p: x / p["R"],
        "exponential_decay": lambda p: p["amplitude"] * np.exp(-p["rate"] * x),
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
