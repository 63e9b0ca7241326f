"""The forecast of an experiment is what its run does."""

from dataclasses import replace

import numpy as np
import pytest

import lrcli
from lrcli.experiment.loading import load
from lrcli.running.forecast import Unforeseen, forecast

DATA = {"kind": "linear", "w": [2.0, -3.4], "b": 4.2, "noise": 0.1, "num_train": 40, "num_val": 0}
CASES = {
    "plain": {},
    "heavy ball": {"optimizer": {"momentum": 0.9}},
    "dampening": {"optimizer": {"momentum": 0.9, "dampening": 0.5}},
    "nesterov": {"optimizer": {"momentum": 0.9, "nesterov": True}},
    "decay": {"optimizer": {"weight_decay": 0.1}},
    "decay of the weights": {"optimizer": {"weight_decay": 0.1, "decay": "weights", "momentum": 0.5}},
    "cosine": {"optimizer": {"schedule": {"kind": "cosine"}, "momentum": 0.9, "dampening": 0.3}},
    "step": {"optimizer": {"schedule": {"kind": "step", "every": 20}}},
    "sum": {"loss": {"kind": "mse", "reduction": "sum"}, "optimizer": {"lr": 0.001}},
    "explodes": {"optimizer": {"lr": 1.9}},
    "one example": {"dataset": {"num_train": 1}},
    "more parameters than examples": {"dataset": {"w": [1.0] * 9, "num_train": 5}, "optimizer": {"lr": 0.02}},
    "ill-conditioned": {"dataset": {"feature_std": [1.0, 1e-6]}},
    "in order": {"training": {"batch_size": 10, "shuffle": False}, "optimizer": {"momentum": 0.5}},
    "in order, a rest": {
        "training": {"batch_size": 15, "shuffle": False},
        "optimizer": {"dampening": 0.2, "momentum": 0.5},
    },
    "in order, dropped": {"training": {"batch_size": 15, "shuffle": False, "drop_last": True}},
}


def written(case):
    blocks = {
        "dataset": DATA,
        "model": {"kind": "linear"},
        "loss": {"kind": "half_mse"},
        "optimizer": {"kind": "sgd", "lr": 0.1},
        "training": {"epochs": 60, "batch_size": "full"},
        "logging": {"figures": False, "tensorboard": False},
    }
    return {"name": "made", "dtype": "float64"} | {name: b | case.get(name, {}) for name, b in blocks.items()}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_forecast_is_the_run(case, tmp_path):
    run = lrcli.train(written(case), runs_dir=tmp_path)
    foreseen = forecast(load(tmp_path / "made" / "train-0001" / "experiment.yaml").experiment)
    assert foreseen.exact
    seen = run.curves["train/loss"]
    rounding = 1e-14 * np.sqrt(
        seen * seen[0]
    )  # of the run: an error e is exact to the 16 digits of its target
    assert np.all(np.abs(foreseen.loss[: len(seen)] - seen) <= 1e-10 * seen + rounding)
    ended = foreseen.parameters_at(int(foreseen.step[-1]))
    for name, values in run.parameters.items():
        np.testing.assert_allclose(ended[name], values, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        ({"optimizer": {"kind": "adam"}}, "adam"),
        ({"loss": {"kind": "l1"}}, "l1"),
        ({"model": {"kind": "mlp", "hidden": [4]}}, "mlp"),
        ({"training": {"clip_grad_norm": 1.0}}, "clipped"),
    ],
)
def test_there_is_a_reason_where_there_is_no_forecast(case, reason, tmp_path):
    lrcli.train(written(case) | {"training": written(case)["training"] | {"epochs": 1}}, runs_dir=tmp_path)
    answer = forecast(load(tmp_path / "made" / "train-0001" / "experiment.yaml").experiment)
    assert isinstance(answer, Unforeseen)
    assert reason in answer.reason


def test_the_best_rate_is_that_of_a_fine_sweep(tmp_path):
    lrcli.train(written({}), runs_dir=tmp_path)
    foreseen = forecast(load(tmp_path / "made" / "train-0001" / "experiment.yaml").experiment)
    rates = np.linspace(0.01, 1, 4000) * foreseen.largest_rate
    ends = np.array([replace(foreseen, lr=rate).losses_at(np.array([60]))[0] for rate in rates])
    assert foreseen.best_rate.loss <= ends.min() * (1 + 1e-9)


@pytest.mark.parametrize("batch_size", ["full", 10])
@pytest.mark.parametrize("data", [{"w": [1e200, 1e200]}, {"feature_std": [1e100, 1.0]}, {"noise": 1e160}])
def test_of_numbers_that_are_too_large_the_loss_is_infinite_and_nothing_warns(data, batch_size):
    content = written({"dataset": data, "training": {"batch_size": batch_size}})
    foreseen = forecast(load(content).experiment)
    assert np.isinf(foreseen.loss[-1])
    assert not foreseen.floor > 0
