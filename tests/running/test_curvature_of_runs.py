"""The curvature of whole experiments, and the limits of the adaptive optimizers by simulation."""

import numpy as np
import pytest
from builders import component

from lrcli.analysis.stability_limits import divisor
from lrcli.config.blocks import Training
from lrcli.experiment.experiment import Experiment
from lrcli.running.curvature import Curvature, curvature_ends, curvature_of, limit_of, why_no_curvature
from lrcli.training.problem import build_problem

DATA = {"kind": "linear", "w": [2.0, -3.4], "b": 4.2, "noise": 0.1, "num_train": 60, "num_val": 0}


def made(model=None, optimizer=None, loss=None, **training):
    return Experiment(
        name="made",
        dataset=component("dataset", **DATA),
        model=component("model", **(model or {"kind": "linear"})),
        loss=component("loss", **(loss or {"kind": "half_mse"})),
        optimizer=component("optimizer", **({"kind": "sgd"} | (optimizer or {}))),
        training=Training(**({"epochs": 1} | training)),
    )


def drawn(experiment):
    problem = build_problem(experiment.dataset, experiment.model, experiment.loss, [0])
    return problem, {name: values[0] for name, values in problem.initial.items()}


@pytest.mark.parametrize(
    ("experiment", "factor", "decay"),
    [
        (made(), 1 / 60, 0),
        (made(loss={"kind": "mse"}, optimizer={"weight_decay": 0.5}), 2 / 60, 0.5),
        (made(loss={"kind": "mse", "reduction": "sum"}, batch_size=20), 2 / 3, 0),
        (made(shuffle=False, drop_last=True, batch_size=25), 1 / 50, 0),
    ],
)
def test_the_curvature_is_that_of_what_a_step_makes_small(experiment, factor, decay):
    problem, start = drawn(experiment)
    used = 60 if factor != 1 / 50 else 50
    x = np.hstack([problem.splits["train"].features[0, :used], np.ones((used, 1))])
    ends = np.linalg.eigvalsh(factor * x.T @ x)[[0, -1]] + decay
    found = curvature_of(experiment, problem, start)
    assert [found.smallest, found.largest] == pytest.approx(ends, rel=1e-9)
    assert found.exact
    assert found.condition == pytest.approx(ends[1] / ends[0])


def test_why_there_is_none():
    experiment = made({"kind": "mlp", "hidden": [300, 300]})
    problem, start = drawn(experiment)
    assert "too long" in why_no_curvature(experiment, problem, most_work=1e5)
    assert curvature_of(experiment, problem, start, most_work=1e5) is None
    small = made()
    problem, start = drawn(small)
    ends = curvature_ends(small, problem, {name: np.full((1, *v.shape), 1e300) for name, v in start.items()})
    assert ends.start == ends.end  # a quadratic's is the same everywhere
    assert why_no_curvature(small, problem) == ""


def grows(rate, h, d, beta, shrink=0.0, momentum=0.0):
    """Whether Adam or RMSprop with a divisor that stays as it is grows without bound, by its own steps."""
    p, m, u = np.ones(len(h)), np.zeros(len(h)), np.zeros(len(h))
    for _ in range(3000):
        m = beta * m + (1 - beta) * (h @ p)
        u = momentum * u + m / d
        p = (1 - rate * shrink) * p - rate * u
        if not np.abs(p).max() < 1e6:
            return True
    return False


@pytest.mark.parametrize(
    "optimizer",
    [
        {"kind": "adam"},
        {"kind": "adam", "betas": [0.5, 0.99]},
        {"kind": "adamw", "weight_decay": 0.3},
        {"kind": "rmsprop"},
        {"kind": "rmsprop", "momentum": 0.8},
    ],
)
def test_the_limits_of_adaptive_optimizers_on_both_sides(optimizer):
    rng = np.random.default_rng(1)
    x, d = rng.normal(size=(30, 4)), rng.uniform(0.1, 1, 4)
    h = x.T @ x / 30
    sharpness = np.linalg.eigvals(h / d[:, None]).real.max()
    made_of = component("optimizer", **optimizer)
    limit = limit_of(made_of, Curvature(0.0, 1.0, True, preconditioned=sharpness))
    assert limit.diagnostic
    beta = made_of.betas[0] if "adam" in made_of.kind else 0.0
    shrink = made_of.weight_decay if made_of.decoupled else 0.0
    momentum = getattr(made_of, "momentum", 0.0)
    assert not grows(0.99 * limit.rate, h, d, beta, shrink, momentum)
    assert grows(1.01 * limit.rate, h, d, beta, shrink, momentum)


def test_the_threshold_of_adam_is_38():
    adam = component("optimizer", kind="adam")
    assert limit_of(adam, Curvature(0.0, 1.0, True, preconditioned=2.0)).rate == pytest.approx(19)
    assert "state of adam" in limit_of(adam, Curvature(0.0, 1.0, True)).unknown
    assert limit_of(component("optimizer", kind="sgd"), Curvature(-1.0, 0.0, True)).rate is None


def test_what_a_step_is_divided_by():
    adam = component("optimizer", kind="adam", betas=[0.9, 0.99], eps=0.5)
    g = np.array([3.0, 4.0])
    assert divisor(adam, {"square": 0.01 * g**2}, 1) == pytest.approx(g + 0.5)
    assert divisor(adam, {"square": g}, 0) is None
    assert divisor(component("optimizer", kind="adam", eps=0.0), {"square": 0 * g}, 3) is None
    centered = component("optimizer", kind="rmsprop", centered=True, eps=0.0)
    assert divisor(centered, {"square": np.array([5.0]), "mean": np.array([1.0])}, 2) == pytest.approx([2])
