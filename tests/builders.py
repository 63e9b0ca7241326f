"""Short ways to build what tests need."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from lrcli.components.registry import GROUPS
from lrcli.config.blocks import Training
from lrcli.engines.torch.engine import TorchEngine
from lrcli.training.engine import Engine
from lrcli.training.population import Population, build_population
from lrcli.training.problem import Problem, build_problem

LINEAR = {"kind": "linear", "w": [2.0, -3.4], "b": 4.2, "noise": 0.01, "num_train": 100, "num_val": 50}
SINE = {"kind": "sine", "num_train": 60, "num_val": 20}
XOR = {"kind": "xor", "num_train": 40, "num_val": 20}


def component(group: str, **keys: Any) -> Any:
    """A component from the keys of its YAML form."""
    return GROUPS[group][keys["kind"]].model_validate(keys)


def problem(
    dataset: Mapping[str, Any], model: Mapping[str, Any], loss: Mapping[str, Any], seeds: Sequence[int] = (0,)
) -> Problem:
    return build_problem(
        component("dataset", **dataset), component("model", **model), component("loss", **loss), seeds
    )


def population(
    optimizer: Mapping[str, Any], training: Mapping[str, Any], seed_index: Sequence[int] = (0,), **varied: Any
) -> Population:
    names = {name.replace("__", "."): values for name, values in varied.items()}
    return build_population(component("optimizer", **optimizer), Training(**training), seed_index, names)


def compiled(problem: Problem, population: Population, dtype: str = "float64") -> Engine:
    """A compiled engine that is ready to train."""
    from lrcli.engines.compiled.engine import CompiledEngine  # where Numba is missing, there is none

    engine = CompiledEngine(problem, population, dtype)
    engine.compile()
    return engine


def trained(
    problem: Problem,
    population: Population,
    dtype: str = "float64",
    epochs: int | None = None,
    engine: Literal["torch", "compiled"] = "torch",
) -> Engine:
    """An engine that has trained all its epochs, or some."""
    if engine == "compiled":
        ready = compiled(problem, population, dtype)
    else:
        ready = TorchEngine(problem, population, "cpu", dtype)
    advance(ready, 1, epochs or population.training.epochs)
    return ready


def advance(engine: Engine, first_epoch: int, count: int) -> None:
    """Train epochs without a look in between."""
    for _ in engine.advance(first_epoch, count):
        pass


def flat(parameters: Mapping[str, np.ndarray]) -> np.ndarray:
    """(R, P): all parameters of each member in a row."""
    return np.concatenate([values.reshape(len(values), -1) for values in parameters.values()], axis=1)
