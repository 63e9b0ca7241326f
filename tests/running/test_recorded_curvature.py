"""logging.curvature: the curvature at every record, against torch's own Hessian and the edge of stability."""

import csv

import numpy as np
import pytest
import torch
from builders import component
from torch import nn

from lrcli.config.blocks import Logging, Training
from lrcli.config.metrics import CURVATURES
from lrcli.experiment.experiment import Experiment, recorded_metrics
from lrcli.running.preparation import make_ready, prepare
from lrcli.training.population import build_population
from lrcli.training.problem import Draw
from lrcli.training.records import Records

LINE = {"kind": "linear", "w": [2.0, -3.4], "b": 4.2, "noise": 0.1, "num_train": 40, "num_val": 0}
MLP = {"kind": "mlp", "hidden": [3], "activation": "tanh"}


def made(model=MLP, optimizer=None, dataset=LINE, engine="torch", every=2, **training):
    return Experiment(
        name="made",
        dtype="float64",
        engine=engine,
        dataset=component("dataset", **dataset),
        model=component("model", **model),
        loss=component("loss", kind="mse"),
        optimizer=component("optimizer", **({"kind": "sgd", "lr": 0.05} | (optimizer or {}))),
        training=Training(**({"epochs": 6, "batch_size": 16} | training)),
        logging=Logging(curvature=True, every=every),
    )


def followed(experiment, seeds=(0,), **varied):
    """The loop's records one by one: (metrics, parameters, state of the optimizer)."""
    index = range(len(seeds))
    population = build_population(experiment.optimizer, experiment.training, index, varied)
    draws = [Draw(seed, experiment.dataset, experiment.model) for seed in seeds]
    prepared = prepare(experiment, draws, population)
    list(make_ready(prepared))
    found = []
    for event in prepared.loop:
        if isinstance(event, Records):
            assert len(event.epochs) == 1
            found.append((event, event.parameters, prepared.engine.state()))
    return prepared, found


def hessian_by_torch(problem, parameters, member, decay=0.0):
    """The whole matrix of the mean squared error of a network of one hidden layer, by autograd alone."""
    row = problem.data_index[member]
    x, y = (
        torch.from_numpy(a[row]) for a in (problem.splits["train"].features, problem.splits["train"].targets)
    )
    shapes = [p.shape for p in problem.parameters]
    flat = torch.cat([torch.from_numpy(parameters[p.name][0, member]).flatten() for p in problem.parameters])

    def loss(theta):
        w1, b1, w2, b2 = (
            part.view(shape)
            for part, shape in zip(theta.split([np.prod(s) for s in shapes]), shapes, strict=True)
        )
        return nn.functional.mse_loss(torch.tanh(x @ w1 + b1) @ w2 + b2, y) + decay * theta.square().sum() / 2

    return torch.autograd.functional.hessian(loss, flat).numpy()


@pytest.mark.parametrize("engine", ["torch", "compiled"])
def test_the_ends_are_those_of_autograds_hessian_at_every_record(engine):
    if engine == "compiled":
        pytest.importorskip("numba")
    experiment = made(optimizer={"weight_decay": 0.01}, engine=engine)
    prepared, records = followed(experiment, seeds=(0, 7))
    assert [event.epoch for event, _, _ in records] == [0, 2, 4, 6]
    for event, parameters, _ in records:
        assert set(CURVATURES[:2]) <= set(event.metrics)
        for member in range(2):
            values = np.linalg.eigvalsh(hessian_by_torch(prepared.problem, parameters, member, 0.01))
            assert event.metrics["curvature/largest"][0, member] == pytest.approx(values[-1], rel=1e-8)
            assert event.metrics["curvature/smallest"][0, member] == pytest.approx(values[0], abs=1e-8)


@pytest.mark.parametrize(
    "optimizer",
    [
        {"kind": "adam", "lr": 0.01, "betas": [0.8, 0.99]},
        {"kind": "rmsprop", "lr": 0.01, "alpha": 0.9, "centered": True},
    ],
)
def test_the_preconditioned_one_is_that_of_the_state_at_the_record(optimizer):
    prepared, records = followed(made(optimizer=optimizer), seeds=(3, 4), eps=[1e-8, 1e-2])
    assert np.isnan(records[0][0].metrics["curvature/preconditioned"]).all()  # no step, no state
    for event, parameters, state in records[1:]:
        for member, eps in enumerate([1e-8, 1e-2]):
            square = state["state/square"][member]
            if optimizer["kind"] == "adam":
                square = square / (1 - 0.99**event.step)
            else:
                square = square - state["state/mean"][member] ** 2
            matrix = hessian_by_torch(prepared.problem, parameters, member) / (np.sqrt(square) + eps)[:, None]
            expected = np.linalg.eigvals(matrix).real.max()
            assert event.metrics["curvature/preconditioned"][0, member] == pytest.approx(expected, rel=1e-6)


def test_training_is_the_same_with_and_without():
    with_it, without = made(), made().model_copy(update={"logging": Logging(every=2)})
    ends = [followed_end(each) for each in (with_it, without)]
    assert ends[0].tobytes() == ends[1].tobytes()


def followed_end(experiment):
    population = build_population(experiment.optimizer, experiment.training, [0])
    loop = prepare(experiment, [Draw(0, experiment.dataset, experiment.model)], population).loop
    list(loop)
    return np.concatenate([values.ravel() for values in loop.parameters.values()])


def test_a_quadratic_has_one_curvature_for_all_records(monkeypatch):
    calls = []
    module = "lrcli.running.recorded_curvature.curvature_of_hessian"
    from lrcli.running.recorded_curvature import curvature_of_hessian

    monkeypatch.setattr(module, lambda *a, **k: calls.append(0) or curvature_of_hessian(*a, **k))
    prepared, records = followed(made({"kind": "linear"}), seeds=(0, 0, 1), weight_decay=[0.0, 0.5, 0.0])
    assert len(calls) == 3
    x = np.hstack([prepared.problem.splits["train"].features[0], np.ones((40, 1))])
    ends = np.linalg.eigvalsh(2 * x.T @ x / 40)
    for event, _, _ in records:
        assert event.metrics["curvature/largest"][0, :2] == pytest.approx([ends[-1], ends[-1] + 0.5])
        assert event.metrics["curvature/smallest"][0, :2] == pytest.approx([ends[0], ends[0] + 0.5])


def test_who_has_diverged_keeps_its_last_curvature():
    prepared, records = followed(made(epochs=40, every=1), seeds=(0, 1), lr=[0.05, 1e6])
    assert prepared.loop.members.status.tolist() == ["completed", "diverged"]
    largest = np.array([event.metrics["curvature/largest"][0] for event, _, _ in records])
    assert np.isfinite(largest[:, 0]).all()
    assert len(np.unique(largest[-20:, 1])) == 1


def test_gradient_descent_on_a_network_settles_at_the_edge_of_stability():
    """The largest rises to 2 / rate and stays there while the loss still falls (Cohen et al. 2021)."""
    sine = {"kind": "sine", "num_train": 30, "num_val": 0}
    experiment = made(MLP | {"hidden": [12]}, {"lr": 0.1}, sine, epochs=6000, batch_size="full", every=200)
    _, records = followed(experiment)
    largest = np.array([event.metrics["curvature/largest"][0, 0] for event, _, _ in records])
    losses = np.array([event.metrics["train/loss"][0, 0] for event, _, _ in records])
    assert largest[0] < 15
    assert largest[-10:] == pytest.approx(np.full(10, 2 / 0.1), rel=0.1)
    assert losses[-1] < 0.9 * losses[-10]


def test_it_is_recorded_where_it_is_asked_for_alone():
    experiment = made()
    assert recorded_metrics(experiment)[-2:] == list(CURVATURES[:2])
    assert recorded_metrics(made(optimizer={"kind": "adamw"}))[-3:] == list(CURVATURES)
    off = experiment.model_copy(update={"logging": Logging()})
    assert not set(recorded_metrics(off)) & set(CURVATURES)


FILE = """
dataset: {kind: linear, w: [2.0, -3.4], b: 4.2, num_train: 40, num_val: 10}
model: {kind: mlp, hidden: [3]}
loss: {kind: mse}
optimizer: {kind: adam}
training: {epochs: 3}
logging: {curvature: true, figures: false, tensorboard: false}
"""


def test_a_run_and_a_sweep_have_it_in_their_files(program, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.yaml").write_text(FILE + "expect: {curvature/largest: '> 0'}\n")
    program("train", "net.yaml", "--quiet")
    with (tmp_path / "runs/net/train-0001/metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert rows[0]["curvature/preconditioned"] == ""
    assert all(float(row[name]) != 0 for row in rows[1:] for name in CURVATURES)
    program("sweep", "net.yaml", "--grid", "optimizer.lr=0.01,0.1", "--seeds", "2")
    sweep = next((tmp_path / "runs/net").glob("sweep-*"))
    with np.load(sweep / "curves.npz") as curves:
        assert curves["curvature/largest"].shape == (4, 4)
        assert np.isfinite(curves["curvature/largest"]).all()


def test_what_would_take_too_long_is_refused_with_its_place(program, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    big = FILE.replace("hidden: [3]", "hidden: [300, 300]").replace("num_train: 40", "num_train: 20000")
    (tmp_path / "net.yaml").write_text(big)
    _, _, told = program("train", "net.yaml", code=2)
    assert "net.yaml:7:22: logging.curvature: would take about" in told
    assert not (tmp_path / "runs").exists()
