"""Curvature and the largest stable learning rate, against differences and against sweeps."""

import json

import numpy as np
import pytest
from builders import LINEAR, SINE, XOR, component, evaluate, population, problem

from lrcli.analysis.theory import Rule, largest_curvature, largest_stable_rate
from lrcli.engines.torch.engine import TorchEngine
from lrcli.experiment.loading import load
from lrcli.running.single import Interruption, OutputLocation
from lrcli.sweeps.files import SweepFiles
from lrcli.sweeps.plan import plan_sweep
from lrcli.sweeps.running import run_sweep

WIDE = LINEAR | {"w": [1.0, -2.0, 0.5], "feature_std": [1.0, 0.3, 2.0]}
LINE, CUBIC = {"kind": "linear"}, {"kind": "polynomial", "degree": 3}
CASES = [
    (LINEAR, LINE, {"kind": "half_mse"}),
    (LINEAR, LINE, {"kind": "mse", "reduction": "sum"}),
    (WIDE, LINE, {"kind": "mse"}),
    (WIDE, LINE, {"kind": "half_mse", "reduction": "sum"}),
    (SINE, CUBIC, {"kind": "mse"}),
    (SINE, CUBIC, {"kind": "half_mse", "reduction": "sum"}),
]


def name(value):
    return " ".join(str(value.get(key, "")) for key in ("kind", "w", "reduction")).strip()


def curvature(dataset, model, loss):
    """lambda_max of the data of seed 0."""
    features = problem(dataset, model, loss).splits["train"].features[0]
    return largest_curvature(component("model", **model), component("loss", **loss), features)


def losses(dataset, model, loss, points):
    """The training loss of the engine where the parameters, in a row, are these points."""
    answer = []
    for point in points:
        init = {"kind": "values", "values": named(model, point)}
        pb = problem(dataset, model | {"init": init}, loss)
        engine = TorchEngine(pb, population({"kind": "sgd"}, {"epochs": 1}), "cpu", "float64")
        answer.append(evaluate(engine, "train")["loss"][0])
    return np.array(answer)


def named(model, point):
    if model == CUBIC:
        return {"coef": point.tolist()}
    return {"w": point[:-1, None].tolist(), "b": point[-1:].tolist()}


@pytest.mark.parametrize("at", [0.0, 3.0])
@pytest.mark.parametrize("case", CASES, ids=lambda case: ", ".join(map(name, case)))
def test_the_curvature_is_that_of_differences_of_the_loss(case, at):
    """Second differences of a quadratic are exact for any step: f(+,+) - f(+,-) - f(-,+) + f(-,-) = 4 H."""
    size = 4 if case[0] is not LINEAR else 3
    units = np.eye(size)
    corners = [
        si * units[i] + sj * units[j]
        for i in range(size)
        for j in range(size)
        for si, sj in ((1, 1), (1, -1), (-1, 1), (-1, -1))
    ]
    values = losses(*case, at + np.array(corners)).reshape(size, size, 4)
    hessian = values @ np.array([1, -1, -1, 1]) / 4
    np.testing.assert_allclose(curvature(*case), np.linalg.eigvalsh(hessian)[-1], rtol=1e-9)


@pytest.mark.parametrize("case", CASES, ids=lambda case: ", ".join(map(name, case)))
def test_the_curvature_is_the_largest_eigenvalue(case):
    _, model, loss = case
    inputs = problem(*case).splits["train"].inputs[0]
    columns = inputs ** np.arange(4) if model == CUBIC else np.column_stack([np.ones(len(inputs)), inputs])
    scale = 2.0 if loss["kind"] == "mse" else 1.0
    scale /= len(inputs) if loss.get("reduction", "mean") == "mean" else 1
    eigenvalue = np.linalg.eigvalsh(columns.T @ columns)[-1]
    np.testing.assert_allclose(curvature(*case), scale * eigenvalue, rtol=1e-12)


@pytest.mark.parametrize(
    ("dataset", "model", "loss"),
    [
        (LINEAR, LINE, {"kind": "l1"}),
        (LINEAR, LINE, {"kind": "huber"}),
        (XOR, LINE, {"kind": "bce"}),
        (LINEAR, {"kind": "mlp", "hidden": [3]}, {"kind": "mse"}),
        (SINE, {"kind": "sinusoid"}, {"kind": "mse"}),
        (SINE, {"kind": "legendre"}, {"kind": "half_mse"}),
    ],
    ids=name,
)
def test_there_is_none_where_the_hessian_varies(dataset, model, loss):
    assert curvature(dataset, model, loss) is None


RULES = [
    Rule(),
    Rule(0.5),
    Rule(0.9),
    Rule(0.9, 0.9),
    Rule(0.5, -1.0),
    Rule(0.0, 0.9),
    Rule(0.1, 0.0, nesterov=True),
    Rule(0.9, 0.0, nesterov=True),
    Rule(1.0, 0.0, nesterov=True),
]


def on_a_quadratic(curvature, rate, rule, steps=3000):
    """How far from its minimum SGD is after its steps, from 1, as torch.optim.SGD documents them."""
    p, v = 1.0, None
    for _ in range(steps):
        g = curvature * p
        v = g if v is None or not rule.momentum else rule.momentum * v + (1 - rule.dampening) * g
        p -= rate * (g + rule.momentum * v if rule.nesterov else v)
        if abs(p) > 1e100:
            break
    return abs(p)


@pytest.mark.parametrize("rule", RULES, ids=str)
@pytest.mark.parametrize("curvature", [0.1, 1.0, 30.0])
def test_the_iteration_on_a_quadratic_is_stable_just_below_and_not_just_above(curvature, rule):
    limit = largest_stable_rate(curvature, rule)
    assert on_a_quadratic(curvature, 0.99 * limit, rule) < 1e-3
    assert on_a_quadratic(curvature, 1.01 * limit, rule) > 1e3


def test_the_largest_stable_rate():
    assert largest_stable_rate(4.0) == 0.5
    assert largest_stable_rate(2.0, Rule(0.9)) == pytest.approx(1.9, rel=1e-15)
    assert largest_stable_rate(1.0, Rule(0.9, 0.0, nesterov=True)) == pytest.approx(3.8 / 2.8, rel=1e-15)
    assert largest_stable_rate(1.0, Rule(0.9, 0.9)) == pytest.approx(38, rel=1e-14)


@pytest.mark.parametrize(
    "rule", [Rule(1.0), Rule(1.5), Rule(0.5, 1.0), Rule(0.5, 2.0), Rule(1.2, 0, True)], ids=str
)
def test_no_rate_is_claimed_where_none_is_stable(rule):
    assert largest_stable_rate(1.0, rule) is None
    if not rule.nesterov:
        assert on_a_quadratic(1.0, 1e-2, rule) > 0.1


def test_weight_decay_stands_on_the_diagonal():
    features = problem(WIDE, LINE, {"kind": "mse"}).splits["train"].features[0]
    model, loss, decay = (
        component("model", **LINE),
        component("loss", kind="mse"),
        np.array([0, 0, 10.0, 2.0]),
    )
    columns = np.hstack([features, np.ones((len(features), 1))])
    expected = np.linalg.eigvalsh(2 * columns.T @ columns / len(features) + np.diag(decay))[-1]
    assert largest_curvature(model, loss, features, decay) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("case", CASES, ids=lambda case: ", ".join(map(name, case)))
def test_theory(tmp_path, case, momentum):
    """Sixty rates around the limit: losses shrink below it and grow above it, to one step of the grid."""
    dataset, model, loss = case
    limit = largest_stable_rate(curvature(*case), Rule(momentum))
    experiment = {
        "dataset": dataset | {"seed": 0, "num_val": 0},
        "model": model,
        "loss": loss,
        "optimizer": {"kind": "sgd", "momentum": momentum},
        "training": {"epochs": 300, "batch_size": "full"},
        "logging": {"every": 300},
        "dtype": "float64",
        "sweep": {
            "grid": {"optimizer.lr": {"log_range": [limit / 2, limit * 2, 60]}},
            "seeds": 3,
            "select": {"metric": "train/loss"},
        },
    }
    path = tmp_path / "experiment.yaml"
    path.write_text(json.dumps(experiment))
    plan = plan_sweep(load(path))
    *_, finished = run_sweep(
        plan, SweepFiles(plan, OutputLocation(run_dir=tmp_path / "sweep")), Interruption()
    )
    results = finished.results
    rates = np.array([point["optimizer.lr"] for point in results.configurations])
    start = problem(experiment["dataset"], model, loss, range(3))
    before = np.array([loss_at_the_start(start, seed) for seed in range(3)])
    grows = (results.status == "diverged") | (results.final["train/loss"] > before[:, None])
    step = rates[1] / rates[0]
    for seed in range(3):
        first = np.flatnonzero(grows[seed])[0]
        assert first > 0
        assert grows[seed, first:].all()
        assert rates[first - 1] / step <= limit <= rates[first] * step


def loss_at_the_start(pb, seed):
    engine = TorchEngine(pb, population({"kind": "sgd"}, {"epochs": 1}, [seed]), "cpu", "float64")
    return evaluate(engine, "train")["loss"][0]
