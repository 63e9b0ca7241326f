"""Optimizers and schedules against torch.optim: 100 steps, float64, 1e-12 relative, R = 1 and R = 7."""

import numpy as np
import pytest
import torch
from builders import built_in, component

from lrcli.components.initializers import Parameter
from lrcli.components.registry import GROUPS
from lrcli.config.blocks import Training
from lrcli.engines.torch.coefficients import CoefficientTable
from lrcli.engines.torch.optimizers import torch_optimizer
from lrcli.training.population import build_population

STEPS = 100
P = 5
TORCH = {
    "sgd": torch.optim.SGD,
    "rmsprop": torch.optim.RMSprop,
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
}
CASES = [
    ("sgd", {}),
    ("sgd", {"momentum": 0.9}),
    ("sgd", {"momentum": 0.9, "dampening": 0.3}),
    ("sgd", {"dampening": 0.3}),
    ("sgd", {"momentum": 0.9, "nesterov": True}),
    ("sgd", {"weight_decay": 0.1}),
    ("sgd", {"momentum": 0.5, "weight_decay": 0.1, "nesterov": True}),
    ("rmsprop", {}),
    ("rmsprop", {"alpha": 0.8, "eps": 1e-3}),
    ("rmsprop", {"weight_decay": 0.1}),
    ("rmsprop", {"momentum": 0.9}),
    ("rmsprop", {"centered": True}),
    ("rmsprop", {"centered": True, "momentum": 0.5, "weight_decay": 0.05}),
    ("adam", {}),
    ("adam", {"betas": [0.7, 0.9], "eps": 1e-3}),
    ("adam", {"weight_decay": 0.1}),
    ("adam", {"amsgrad": True}),
    ("adam", {"amsgrad": True, "weight_decay": 0.1, "betas": [0.5, 0.6]}),
    ("adamw", {}),
    ("adamw", {"weight_decay": 0.3}),
    ("adamw", {"amsgrad": True, "betas": [0.8, 0.99], "eps": 1e-6}),
]
CASES += [
    (kind, options | {"decay": "weights"})
    for kind, options in CASES
    if kind == "adamw" or "weight_decay" in options or not options
]
PARAMETERS = (Parameter("w", (3, 1), (3, 1), 3), Parameter("b", (2,), (1, 2), 3, is_bias=True))


def gradient(step: int) -> torch.Tensor:
    """Growing, shrinking and changing sign, but the same for both: so that rounding is not amplified, as
    it would be by a gradient that depends on where the last step led."""
    t = torch.arange(1, P + 1, dtype=torch.float64)
    return torch.sin(0.3 * step * t) * (1 + step / 50) + 0.1 * t


def start() -> torch.Tensor:
    return torch.linspace(-1, 2, P, dtype=torch.float64)


def run_ours(optimizer, rates, steps=STEPS, **varied):
    population = build_population(optimizer, Training(), [0] * len(rates), {"lr": rates, **varied})
    uses = {name: bool(np.any(v != 0)) for name, v in population.hyperparameters.items()}
    decayed = torch.tensor([optimizer.decays(p) for p in PARAMETERS for _ in range(p.size)])
    update = torch_optimizer(optimizer, uses, None if decayed.all() else decayed)
    table = CoefficientTable(population, steps, torch.device("cpu"), torch.float64)
    p = start().repeat(len(rates), 1)
    state = {name: torch.full_like(p, start) for name, start in optimizer.state(uses).items()}
    for step in range(steps):
        p, state = update(gradient(step).repeat(len(rates), 1), state, p, table.at(step))
    return p


def run_torch(kind, options, rate, steps=STEPS, schedule=None):
    options = dict(options)
    weights, biases = ({"params": [part.clone().requires_grad_()]} for part in start().split([3, 2]))
    if options.pop("decay", "all") == "weights":
        biases["weight_decay"] = 0
    optimizer = TORCH[kind]([weights, biases], lr=rate, **options)
    scheduler = schedule and schedule(optimizer)
    parts = weights["params"] + biases["params"]
    for step in range(steps):
        for part, g in zip(parts, gradient(step).split([3, 2]), strict=True):
            part.grad = g
        optimizer.step()
        if scheduler:
            scheduler.step()
    return torch.cat(parts).detach()


def test_every_optimizer_and_every_option_is_here():
    assert {kind for kind, _ in CASES} == set(built_in("optimizer")) == set(TORCH)
    for kind, config in built_in("optimizer").items():
        tried = {name for case, options in CASES for name in options if case == kind}
        assert tried == set(config.model_fields) - {"kind", "lr", "schedule"}


@pytest.mark.parametrize("kind", list(TORCH))
def test_defaults_are_those_of_torch(kind):
    theirs = TORCH[kind]([torch.zeros(1, requires_grad=True)]).defaults
    ours = component("optimizer", kind=kind).model_dump(exclude={"kind", "schedule", "decay"})
    for name, value in ours.items():
        assert (tuple(value) if isinstance(value, list) else value) == theirs[name], name


@pytest.mark.parametrize("rates", [[0.01], [0.001, 0.003, 0.01, 0.02, 0.05, 0.1, 0.15]], ids=["R=1", "R=7"])
@pytest.mark.parametrize(("kind", "options"), CASES)
def test_updates_are_those_of_torch(kind, options, rates):
    ours = run_ours(component("optimizer", kind=kind, **options), rates)
    for row, rate in zip(ours, rates, strict=True):
        expected = run_torch(kind, options, rate)
        torch.testing.assert_close(row, expected, rtol=1e-12, atol=1e-14)


SCHEDULES = {
    "constant": ({}, None),
    "step": (
        {"every": 7, "gamma": 0.8},
        lambda o: torch.optim.lr_scheduler.StepLR(o, step_size=7, gamma=0.8),
    ),
    "exponential": ({"gamma": 0.97}, lambda o: torch.optim.lr_scheduler.ExponentialLR(o, gamma=0.97)),
    "cosine": (
        {"min_lr": 0.001},
        lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, T_max=STEPS, eta_min=0.001),
    ),
    "linear_warmup": (
        {"steps": 20},
        lambda o: torch.optim.lr_scheduler.LinearLR(o, start_factor=1 / 20, total_iters=19),
    ),
}


def test_every_schedule_is_here():
    assert set(SCHEDULES) == set(GROUPS["schedule"])


@pytest.mark.parametrize("kind", ["sgd", "adam", "adamw"])
@pytest.mark.parametrize("rates", [[0.05], [0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.15]], ids=["R=1", "R=7"])
@pytest.mark.parametrize("schedule", list(SCHEDULES))
def test_schedules_are_those_of_torch(schedule, rates, kind):
    options, oracle = SCHEDULES[schedule]
    optimizer = component("optimizer", kind=kind, schedule={"kind": schedule, **options})
    for row, rate in zip(run_ours(optimizer, rates), rates, strict=True):
        expected = run_torch(kind, {}, rate, schedule=oracle)
        torch.testing.assert_close(row, expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("decayed", ["all", "weights"])
def test_members_may_differ_in_every_number(decayed):
    """Momentum, dampening and decay as vectors, zeros among them: each row as torch trains it alone."""
    momentum, dampening, decay = [0.0, 0.9, 0.5, 0.0], [0.4, 0.0, 0.2, 0.0], [0.0, 0.1, 0.0, 0.2]
    ours = run_ours(
        component("optimizer", kind="sgd", decay=decayed),
        [0.02, 0.01, 0.03, 0.05],
        momentum=momentum,
        dampening=dampening,
        weight_decay=decay,
    )
    rows = zip(ours, [0.02, 0.01, 0.03, 0.05], momentum, dampening, decay, strict=True)
    for row, rate, m, d, w in rows:
        expected = run_torch(
            "sgd", {"momentum": m, "dampening": d, "weight_decay": w, "decay": decayed}, rate
        )
        torch.testing.assert_close(row, expected, rtol=1e-12, atol=1e-14)


def test_a_long_run_needs_many_tables_of_coefficients():
    """More steps than a table holds: the next part of it continues the first."""
    optimizer = component("optimizer", kind="adam", schedule={"kind": "exponential", "gamma": 0.999})
    ours = run_ours(optimizer, [0.01, 0.02], steps=2500)
    for row, rate in zip(ours, [0.01, 0.02], strict=True):
        expected = run_torch(
            "adam", {}, rate, 2500, lambda o: torch.optim.lr_scheduler.ExponentialLR(o, gamma=0.999)
        )
        torch.testing.assert_close(row, expected, rtol=1e-11, atol=1e-13)
