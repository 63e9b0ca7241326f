"""Made-up results of sweeps, shaped like real ones, for what draws them."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lrcli.analysis.sweep_results import SweepResults

RATES = [float(x) for x in np.geomspace(1e-4, 1, 25)]


def product(**values: Sequence[Any]) -> list[dict[str, Any]]:
    """The configurations of a grid; a key's dots are written ``__``."""
    keys = [key.replace("__", ".") for key in values]
    return [dict(zip(keys, point, strict=True)) for point in itertools.product(*values.values())]


def valley(
    configurations: Sequence[Mapping[str, Any]],
    seeds: int = 40,
    records: int = 30,
    *,
    all_diverge: bool = False,
    accuracy: bool = False,
) -> SweepResults:
    """A loss that falls slowly for small rates and breaks above about 0.5, a little later in each seed."""
    random = np.random.default_rng(7)
    count = len(configurations)
    rate = np.array([_rate(configuration) for configuration in configurations])
    breaks = (rate > random.lognormal(np.log(0.5), 0.5, size=(seeds, 1))) | all_diverge
    last = np.where(breaks, random.integers(0, min(20, records), size=(seeds, count)), records)
    start = random.lognormal(1.0, 0.4, size=(seeds, 1, 1))
    epochs = np.arange(1, records + 1)
    floor = 1e-4 * (1 + 30 * rate[:, None]) * random.lognormal(0, 0.5, (seeds, count, 1))
    loss = start * np.exp(-4 * rate[:, None] * epochs) + floor
    loss = np.where(breaks[:, :, None], start * np.exp(np.minimum(2 * epochs, 200)), loss)
    curves = {
        "train/running_loss": loss * 1.1,
        "train/loss": loss,
        "val/loss": loss * 1.2,
        "grad_norm": np.sqrt(loss),
        "lr": np.broadcast_to(rate[:, None], loss.shape),
        "recovery/max_abs_error": np.sqrt(loss) / 3,
        "recovery/error_norm": np.sqrt(loss) / 2,
    }
    if accuracy:
        curves["val/accuracy"] = np.clip(1 - np.sqrt(loss) / 4, 0.1, 1)
    curves = {name: np.where(epochs <= last[:, :, None], values, np.nan) for name, values in curves.items()}
    final = {name: _last(values, last) for name, values in curves.items()}
    metric = "val/accuracy" if accuracy else "val/loss"
    return SweepResults(
        keys=tuple(dict.fromkeys(key for configuration in configurations for key in configuration)),
        configurations=list(configurations),
        seeds=tuple(range(seeds)),
        metric=metric,
        mode="max" if accuracy else "min",
        status=np.where(breaks, "diverged", "completed"),
        diverged_step=np.where(breaks, 32 * last + 1, 0),
        epochs=last,
        final=final,
        best=final[metric],
        errors={"w[0]": final["recovery/max_abs_error"]},
        epoch=np.tile(epochs, (count, 1)),
        step=np.tile(32 * epochs, (count, 1)),
        curves=curves,
        undetermined={},
        least=np.full(breaks.shape, np.nan),
        constant=np.full(breaks.shape, np.nan),
        problems=np.zeros(count, dtype=np.intp),
    )


def _rate(configuration: Mapping[str, Any]) -> float:
    """How fast a configuration learns."""
    rate = float(configuration.get("optimizer.lr", 0.03)) / (1 - configuration.get("optimizer.momentum", 0.0))
    slower = {"adam": 0.2, "tanh": 0.3}
    return rate * float(np.prod([slower.get(str(value), 1.0) for value in configuration.values()]))


def _last(values: np.ndarray, count: np.ndarray) -> np.ndarray:
    """The last number of each curve; NaN where a member diverged before the first record."""
    last = np.take_along_axis(values, np.maximum(count - 1, 0)[..., None], axis=2)[..., 0]
    return np.where(count > 0, last, np.nan)


def cases() -> dict[str, SweepResults]:
    """Sweeps of every shape."""
    return {
        "rate": valley(product(optimizer__lr=RATES)),
        "all_diverged": valley(product(optimizer__lr=RATES), all_diverge=True),
        "one_seed": valley(product(optimizer__lr=RATES), seeds=1),
        "one_configuration": valley(product(optimizer__lr=[0.03])),
        "two_keys": valley(product(optimizer__lr=RATES, optimizer__momentum=[0.0, 0.5, 0.9, 0.99])),
        "optimizers": valley(
            product(optimizer__kind=["sgd"], optimizer__lr=RATES[5:], optimizer__momentum=[0.0, 0.9])
            + product(optimizer__kind=["adam"], optimizer__lr=RATES[:20])
        ),
        "categories": valley(product(model__activation=["relu", "tanh"])),
        "categories_diverged": valley(product(model__activation=["relu", "tanh"]), all_diverge=True),
        "accuracy": valley(product(optimizer__lr=RATES), accuracy=True),
        "zero": valley(product(optimizer__weight_decay=[0.0, 1e-4, 1e-3, 1e-2])),
        "mixed": valley(product(optimizer__lr=[0.01, 0.1, 10.0], model__activation=["relu", "tanh"])),
        "many_lines": valley(product(optimizer__lr=RATES[10:], training__batch_size=list(range(8, 104, 8)))),
        "holes": valley(  # a grid, three values far apart, a coarser grid
            product(optimizer__lr=RATES[8:], optimizer__momentum=[0.0])
            + product(optimizer__lr=[RATES[8], RATES[12], RATES[24]], optimizer__momentum=[0.5])
            + product(optimizer__lr=RATES[8::4], optimizer__momentum=[0.9])
        ),
        "many_rows": valley(
            product(model__activation=["relu", "tanh"], model__hidden=[[n] for n in range(30)])
        ),
    }
