"""The table of metrics, and that what is recorded is in it."""

import pytest
from builders import LINEAR, SINE, XOR

from lrcli.config import metrics
from lrcli.config.blocks import Best, Select
from lrcli.config.metrics import (
    METRICS,
    Metric,
    direction_of,
    error_name,
    is_recovery,
    metric_of,
    names_of_split,
    recorded_names,
    split_of,
    training_loss_of,
)
from lrcli.experiment.compatibility import result_names
from lrcli.experiment.experiment import Experiment
from lrcli.running.preparation import make_ready, prepare
from lrcli.training.population import build_population
from lrcli.training.problem import Draw

ALL = [
    "train/running_loss",
    "train/loss",
    "train/accuracy",
    "val/loss",
    "val/accuracy",
    "test/loss",
    "test/accuracy",
    "grad_norm",
    "lr",
    "curvature/largest",
    "curvature/smallest",
    "curvature/preconditioned",
    "recovery/max_abs_error",
    "recovery/error_norm",
    "recovery/optimization_error",
    "recovery/sampling_error",
]


def experiment(dataset, model, loss, **blocks):
    keys = {
        "name": "made",
        "dataset": dataset | {"num_test": 5},
        "model": model,
        "loss": loss,
        "optimizer": {"kind": "sgd", "lr": 0.01},
        "training": {"epochs": 1},
    }
    return Experiment.model_validate(keys | blocks)


EXPERIMENTS = {
    "numbers": experiment(LINEAR, {"kind": "linear"}, {"kind": "mse"}),
    "classes": experiment(XOR, {"kind": "linear"}, {"kind": "bce"}),
    "a curve": experiment(SINE, {"kind": "sinusoid"}, {"kind": "mse"}),
    "no evaluation": experiment(
        SINE | {"num_val": 0},
        {"kind": "mlp", "hidden": [2]},
        {"kind": "mse"},
        logging={"evaluate_train": False},
    ),
}


def test_every_name_is_in_the_table_once():
    assert [metric_of(name).name for name in ALL if metric_of(name).description] == [
        name.removeprefix(f"{split_of(name)}/") if split_of(name) else name for name in ALL
    ]
    assert {metric.name for metric in METRICS} == {metric_of(name).name for name in ALL}


@pytest.mark.parametrize("made", EXPERIMENTS.values(), ids=EXPERIMENTS)
def test_what_a_run_records_is_in_the_table(made):
    draws = [Draw(made.seed, made.dataset, made.model)]
    prepared = prepare(made, draws, build_population(made.optimizer, made.training, [0]))
    loop = prepared.loop
    assert [*make_ready(prepared), *loop]
    recorded = {*loop.last_metrics, *loop.test()}
    assert recorded <= set(ALL)
    assert recorded == {name for name in result_names(made) if name in ALL}
    assert all(metric_of(name).description for name in result_names(made))


@pytest.mark.parametrize("name", ALL)
def test_what_is_good_is_said_in_one_place(name):
    good = "max" if name.endswith("accuracy") else "min"
    assert direction_of(name) == good
    assert Best(metric=name).direction == Select(metric=name).direction == good
    assert Best(metric=name, mode="max").direction == "max"
    assert metric_of(name).scale == ("linear" if name.endswith("accuracy") else "log")


def test_a_new_row_is_followed_everywhere(monkeypatch):
    """As it is there for all: in what a split has, in what is better, on axes."""
    share = Metric("r2", "share of the variance that is explained", "max", "linear", splits=("val",))
    monkeypatch.setattr(metrics, "METRICS", (*METRICS, share))
    monkeypatch.setitem(metrics._BY_NAME, "val/r2", share)
    assert Best(metric="val/r2").direction == "max"
    assert split_of("val/r2") == "val"
    assert names_of_split("val", classes=False) == ["val/loss", "val/r2"]
    assert recorded_names(["val"], classes=False)[1:3] == ["val/loss", "val/r2"]


def test_names_of_the_unknown_and_of_errors():
    assert metric_of("nothing").description == ""
    assert direction_of("nothing") == "min"
    assert split_of("val/nothing") == ""
    assert error_name("w[0]") == "recovery/w[0]"
    assert is_recovery(error_name("w[0]"))
    assert not is_recovery("val/loss")
    assert metric_of("recovery/w[0]").direction is None


def test_the_loss_that_tells_how_training_goes():
    assert training_loss_of(ALL) == "train/loss"
    assert training_loss_of(["val/loss", "train/running_loss"]) == "train/running_loss"
    assert training_loss_of(["val/loss"]) is None
