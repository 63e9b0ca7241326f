"""What is drawn of theory beside a run: the loss to expect, its noise floor, the curvature and its limit."""

from dataclasses import replace

import numpy as np
import pytest
from builders import trained_run

from lrcli.reporting.figure_files import figure_of
from lrcli.reporting.runs import figure_loss
from lrcli.reporting.runs.figure_curvature import curvature, curvature_curves
from lrcli.reporting.runs.figures import drawings
from lrcli.running.forecast import forecast, is_quick

NOISY = ["dataset.noise=0.5", "training.batch_size=4", "optimizer.lr=0.2"]
NET = ["logging.curvature=true", "model={kind: mlp, hidden: [3], activation: tanh}", "dataset.num_train=30"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    made = {}

    def get(name, *words):
        key = (name, *words)
        if key not in made:
            made[key] = trained_run(tmp_path_factory.mktemp("run") / "run", name, *words)
        return made[key]

    return get


def lines(drawing):
    """From label to the numbers (n,) of what is drawn, of all axes."""
    axes = figure_of(drawing).axes
    return {line.get_label(): np.asarray(line.get_ydata()) for each in axes for line in each.lines}


def test_the_noise_floor_is_drawn_where_it_is_in_sight(run):
    noisy = run("linear", *NOISY)
    known = forecast(noisy.experiment, noisy.problem)
    drawn = lines(figure_loss.loss(noisy))
    assert drawn["noise floor"] == pytest.approx(np.full(2, known.least + known.floor))
    assert drawn["expected"][-1] == pytest.approx(known.loss[-1])
    later = np.mean(noisy.history.metrics["train/loss"][0][2:])
    assert later == pytest.approx(known.least + known.floor, rel=0.1)
    assert "noise floor" not in lines(figure_loss.loss(run("linear")))  # far below the curve
    full = run("linear", "training.batch_size=full", "training.epochs=40", "optimizer.lr=0.9")
    assert "noise floor" not in lines(figure_loss.loss(full))  # there is none


def test_nothing_is_foreseen_while_training_goes_on_or_where_it_takes_its_time(run, monkeypatch):
    noisy = run("linear", *NOISY)
    calls = []
    monkeypatch.setattr(figure_loss, "forecast", lambda *args: calls.append(args) or forecast(*args))
    going = replace(noisy, result=replace(noisy.result, status="running"))
    assert "expected" not in lines(drawings(going)["loss"])
    many = noisy.experiment.dataset.model_copy(update={"num_train": 10**7})
    slow = noisy.experiment.model_copy(update={"dataset": many})
    assert not is_quick(slow)
    assert "expected" not in lines(figure_loss.loss(replace(noisy, experiment=slow)))
    assert not calls
    drawings(noisy)
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("optimizer", "times"),
    [
        ("{kind: sgd, lr: 0.05}", 2),
        ("{kind: sgd, lr: 0.05, momentum: 0.9}", 3.8),
        ("{kind: sgd, lr: 0.05, momentum: 0.5, nesterov: true}", 1.5),
        ("{kind: adam, lr: 0.05}", 38),
        ("{kind: adamw, lr: 0.05, weight_decay: 2}", 38 * (1 - 0.05 * 2 / 2)),
        ("{kind: rmsprop, lr: 0.05}", 2),
    ],
)
def test_the_limit_is_that_of_the_optimizer(run, optimizer, times):
    made = run("linear", *NET, "training.batch_size=full", f"optimizer={optimizer}")
    first, limit, *rest = curvature_curves(made)
    adaptive = made.experiment.optimizer.adaptive
    assert first.metric == ("curvature/preconditioned" if adaptive else "curvature/largest")
    assert limit.label == "limit at this rate"
    assert limit.y == pytest.approx(np.full(made.result.epochs, times / 0.05))
    assert [curve.label for curve in rest] == (["largest", "smallest"] if adaptive else ["smallest"])
    assert first.y == pytest.approx(made.history.metrics[first.metric][0][int(adaptive) :])


def test_the_limit_follows_the_schedule_as_far_as_it_is_in_sight(run):
    made = run(
        "linear",
        *NET,
        "optimizer={kind: sgd, lr: 0.1, schedule: {kind: cosine}}",
        "training={epochs: 30, batch_size: 10}",
    )
    _, limit, _ = curvature_curves(made)
    rates = made.history.metrics["lr"][0][1:]
    most = 1000 * made.history.metrics["curvature/largest"].max()
    assert limit.label == "limit at this rate, of full batches"
    assert limit.y == pytest.approx(2 / rates[2 / rates <= most])
    assert len(limit.y) < 30


def test_the_figure_is_drawn_where_it_was_recorded_alone(run):
    made = run("linear", *NET, "training.batch_size=full", "optimizer={kind: adam, lr: 0.05}")
    drawing = drawings(made)["curvature"]
    assert set(lines(drawing)) >= {"largest, preconditioned", "limit at this rate", "largest", "smallest"}
    assert "curvature/preconditioned (limit at this rate) goes from 760 at" in drawing.description
    assert curvature(run("linear")) is None


def test_clipped_steps_have_no_limit(run):
    made = run("linear", *NET, "training={batch_size: full, clip_grad_norm: 1.0}")
    assert [curve.label for curve in curvature_curves(made)] == ["largest", "smallest"]


def test_a_plugin_of_an_optimizer_has_no_limit(run, monkeypatch):
    made = run("linear", *NET, "training.batch_size=full", "optimizer={kind: sgd, lr: 0.05}")
    monkeypatch.setattr("lrcli.reporting.runs.figure_curvature.curvature_at_limit", lambda *_: None)
    assert [curve.label for curve in curvature_curves(made)] == ["largest", "smallest"]
