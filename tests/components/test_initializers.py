"""Initializers: the distributions are exactly torch.nn.init's, the draws follow them."""

import numpy as np
import pytest
import torch
from builders import component

from lrcli.components.initializers import Parameter
from lrcli.components.registry import GROUPS

WEIGHT = Parameter("w", (30, 20), (30, 20), fan_in=30, fan_out=20)
BIAS = Parameter("b", (20,), (1, 20), fan_in=30, fan_out=20, is_bias=True)


class Recorder:
    """Stands in for a generator and notes what it is asked for."""

    def uniform(self, low, high, shape):
        self.asked = ("uniform", low, high)
        return np.zeros(shape)

    def standard_normal(self, shape):
        self.asked = ("normal",)
        return np.ones(shape)


def torch_draw(monkeypatch, fill):
    """The distribution that a torch.nn.init function asks its tensor for."""
    asked = []
    monkeypatch.setattr(torch.Tensor, "uniform_", lambda t, a, b, **_: asked.append(("uniform", a, b)) or t)
    monkeypatch.setattr(torch.Tensor, "normal_", lambda t, m, s, **_: asked.append(("normal", m, s)) or t)
    fill(torch.empty(20, 30))  # torch keeps a weight as (outputs, inputs)
    return asked[0]


DRAWN = {
    "xavier_uniform": ({}, torch.nn.init.xavier_uniform_),
    "xavier_normal": ({}, torch.nn.init.xavier_normal_),
    "kaiming_uniform": ({}, lambda t: torch.nn.init.kaiming_uniform_(t, nonlinearity="relu")),
    "kaiming_normal": ({}, lambda t: torch.nn.init.kaiming_normal_(t, nonlinearity="relu")),
    "normal": ({"std": 0.3}, lambda t: torch.nn.init.normal_(t, 0.0, 0.3)),
    "uniform": ({"low": -0.2, "high": 0.7}, lambda t: torch.nn.init.uniform_(t, -0.2, 0.7)),
    "default": ({}, lambda t: torch.nn.init.kaiming_uniform_(t, a=5**0.5)),  # as torch.nn.Linear calls it
}
FIXED = {"zeros": {}, "constant": {"value": 0.25}, "values": {"values": {"w": [[1.0]]}}}


def test_every_initializer_is_here():
    assert set(DRAWN) | set(FIXED) | {"own"} == set(GROUPS["init"])  # which the user's constructor draws


@pytest.mark.parametrize("kind", list(DRAWN))
def test_the_distribution_is_that_of_torch(kind, monkeypatch):
    options, fill = DRAWN[kind]
    expected = torch_draw(monkeypatch, fill)
    recorder = Recorder()
    drawn = component("init", kind=kind, **options).draw(WEIGHT, recorder)
    if expected[0] == "uniform":
        assert recorder.asked[0] == "uniform"
        np.testing.assert_allclose(recorder.asked[1:], expected[1:], rtol=1e-12)
    else:
        assert recorder.asked == ("normal",)
        np.testing.assert_allclose(drawn, expected[1] + expected[2], rtol=1e-12)


@pytest.mark.parametrize("kind", list(DRAWN))
def test_draws_have_the_quantiles_of_torch(kind):
    options, fill = DRAWN[kind]
    large = Parameter("w", (300, 200), (300, 200), fan_in=300, fan_out=200)
    ours = component("init", kind=kind, **options).draw(large, np.random.default_rng(1))
    torch.manual_seed(1)
    theirs = torch.empty(200, 300)
    fill(theirs)
    levels = np.linspace(0.01, 0.99, 25)
    spread = float(theirs.std())
    np.testing.assert_allclose(
        np.quantile(ours, levels), np.quantile(theirs.numpy(), levels), atol=0.03 * spread
    )


def test_a_bias_starts_at_zero_except_by_default():
    for kind, (options, _) in DRAWN.items():
        bias = component("init", kind=kind, **options).draw(BIAS, np.random.default_rng(0))
        if kind == "default":
            assert 0 < np.abs(bias).max() <= 1 / np.sqrt(30)
        else:
            assert np.all(bias == 0)


def test_default_is_that_of_a_linear_layer():
    torch.manual_seed(0)
    bounds = [torch.nn.Linear(30, 20000).bias.abs().max().item(), 1 / np.sqrt(30)]
    assert bounds[0] == pytest.approx(bounds[1], rel=1e-3)


def test_fixed_starts():
    rng = np.random.default_rng(0)
    assert np.all(component("init", kind="zeros").draw(WEIGHT, rng) == 0)
    assert np.all(component("init", kind="constant", value=0.25).draw(WEIGHT, rng) == 0.25)
    one = Parameter("w", (2, 1), (2, 1), fan_in=2)
    values = component("init", kind="values", values={"w": [[1.5], [-2]]}).draw(one, rng)
    assert values.tolist() == [[1.5], [-2.0]]
