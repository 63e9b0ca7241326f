"""Runs to explain: broken in one way each, small enough to train in no time."""

from typing import Any

__all__ = ["BROKEN"]

_DATA = {"kind": "linear", "w": [2.0, -3.4], "b": 4.2, "noise": 0.01, "num_train": 200, "num_val": 100}
_LINE: dict[str, Any] = {
    "name": "line",
    "dataset": _DATA,
    "model": {"kind": "linear", "init": {"kind": "normal", "std": 0.01}},
    "loss": {"kind": "half_mse"},
    "optimizer": {"kind": "sgd", "lr": 0.1},
    "training": {"epochs": 20, "batch_size": 20},
    "logging": {"tensorboard": False, "figures": False},
}
_NET: dict[str, Any] = {
    "name": "net",
    "dataset": {"kind": "xor", "num_train": 100, "num_val": 100},
    "model": {"kind": "mlp", "hidden": [8]},
    "loss": {"kind": "bce"},
    "optimizer": {"kind": "adam", "lr": 0.02},
    "training": {"epochs": 60, "batch_size": 10},
    "logging": {"tensorboard": False, "figures": False},
}


def _with(base: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The same with other blocks; a mapping adds to its block, unless it says another kind."""
    made = dict(base)
    for block, change in changes.items():
        old = made.get(block)
        joins = isinstance(change, dict) and isinstance(old, dict) and "kind" not in change
        made[block] = {**old, **change} if joins else change
    return made


_FULL = {"batch_size": "full"}
BROKEN: dict[str, dict[str, Any]] = {
    "rate_too_high": _with(_LINE, optimizer={"lr": 3.0}, training={**_FULL, "epochs": 2000}),
    "rate_too_low": _with(_LINE, optimizer={"lr": 1e-4}),
    "sum_instead_of_mean": _with(
        _LINE, loss={"kind": "half_mse", "reduction": "sum"}, training=_FULL | {"epochs": 500}
    ),
    "sorted_without_shuffle": _with(
        _LINE,
        dataset={"kind": "sine", "num_train": 200, "num_val": 50},
        training={"shuffle": False},
    ),
    "dead_units": _with(
        _NET,
        model={"init": {"kind": "uniform", "low": -2.0, "high": -1.0}},
        dataset={"low": 0.5, "high": 1.0, "label_noise": 0.2},
    ),
    "label_noise": _with(_NET, dataset={"label_noise": 0.2}, training={"epochs": 20}),
    "zero_init": _with(_NET, model={"init": {"kind": "zeros"}, "activation": "tanh"}),
    "saturated": _with(_NET, model={"init": {"kind": "normal", "std": 200.0}, "activation": "tanh"}),
    "outlier": _with(_LINE, dataset={"outliers": {5: 10000.0}}),
    "too_few_examples": _with(_LINE, dataset={"num_train": 2}),
    "collinear": _with(_LINE, dataset={"feature_std": [1.0, 0.0]}),
    "adam_with_rate_of_sgd": _with(_NET, optimizer={"kind": "adam", "lr": 3.0}),
    "too_short": _with(_LINE, optimizer={"lr": 0.03}, training={"epochs": 2}),
    "overfit": _with(
        _NET,
        dataset={"label_noise": 0.2, "num_train": 40},
        model={"hidden": [64]},
        training={"epochs": 300},
    ),
    "huge_batch": _with(_LINE, training={"batch_size": 200, "epochs": 5}),
    "tiny_batch_with_large_rate": _with(
        _LINE, optimizer={"lr": 0.25}, training={"batch_size": 1}, dataset={"noise": 1.0}
    ),
    "heavy_decay": _with(_LINE, optimizer={"weight_decay": 0.5}),
    "schedule_to_zero": _with(
        _LINE, optimizer={"schedule": {"kind": "exponential", "gamma": 0.9}}, training={"epochs": 20}
    ),
    "early_stop": _with(
        _LINE,
        optimizer={"lr": 0.001},
        training={
            "epochs": 50,
            "early_stopping": {"metric": "val/loss", "mode": "min", "patience": 2, "min_delta": 2.0},
        },
    ),
    "float32_floor": _with(_LINE, dataset={"noise": 0.0}, training={**_FULL, "epochs": 1000}),
    "linear_model_on_xor": _with(_NET, model={"kind": "linear"}),
}
