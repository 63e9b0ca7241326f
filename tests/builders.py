"""Short ways to build what tests need."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import pytest

from lrcli import api
from lrcli.components.registry import GROUPS
from lrcli.components.user_code import FromFile
from lrcli.config.blocks import Training
from lrcli.engines.torch.engine import TorchEngine
from lrcli.experiment.loading import load
from lrcli.running.location import OutputLocation
from lrcli.running.trained import TrainedRun
from lrcli.training.engine import Engine
from lrcli.training.evaluation import Evaluation
from lrcli.training.population import Population, build_population
from lrcli.training.problem import Problem, SplitName, build_problem
from lrcli.training.records import Records

EXPERIMENTS = Path(__file__).parents[1] / "experiments"
NEED_FILES = {"mnist_mlp": EXPERIMENTS / "mnist"}  # the files that their data are in
MADE = [  # the datasets that need neither files nor code
    kind
    for kind, config in GROUPS["dataset"].items()
    if not config.needs_files and not issubclass(config, FromFile)
]
LINEAR = {"kind": "linear", "w": [2.0, -3.4], "b": 4.2, "noise": 0.01, "num_train": 100, "num_val": 50}
SINE = {"kind": "sine", "num_train": 60, "num_val": 20}
XOR = {"kind": "xor", "num_train": 40, "num_val": 20}


def experiment_files() -> list[Any]:
    """Each of experiments/ for a test of its own; those whose data are not here are skipped, and say so."""
    return [
        pytest.param(
            file,
            id=file.stem,
            marks=pytest.mark.skipif(not _has_data(file.stem), reason=f"{file.name} needs files of data"),
        )
        for file in sorted(EXPERIMENTS.glob("*.yaml"))
    ]


def experiments_with_data() -> list[Path]:
    """Those of experiments/ whose data are made, or are here."""
    return [file for file in sorted(EXPERIMENTS.glob("*.yaml")) if _has_data(file.stem)]


def _has_data(name: str) -> bool:
    return name not in NEED_FILES or NEED_FILES[name].is_dir()


def component(group: str, **keys: Any) -> Any:
    """A component from the keys of its YAML form."""
    return GROUPS[group][keys["kind"]].model_validate(keys)


def built_in(group: str) -> dict[str, Any]:
    """The components of a group that are not the user's own code."""
    return {kind: config for kind, config in GROUPS[group].items() if not issubclass(config, FromFile)}


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
    """Train epochs with a snapshot at the end alone."""
    for _ in engine.advance(first_epoch, [first_epoch + count - 1]):
        pass


def parameters(engine: Engine) -> dict[str, np.ndarray]:
    """The parameters now, from name to (R, *shape)."""
    return {name: values[-1] for name, values in engine.parameters().items()}


def epoch_metrics(engine: Engine) -> dict[str, np.ndarray]:
    """What the last epoch told, (R,) each."""
    return {name: values[-1] for name, values in engine.epoch_metrics().items()}


def evaluate(engine: Engine, split: SplitName) -> dict[str, np.ndarray]:
    """The metrics of a split now, as the loop takes them, (R,) each."""
    population = engine._population.take(range(len(engine.diverged_steps())))  # one alone has a twin in torch
    metrics = Evaluation(engine, engine._problem, population).of(split)
    return {name: values[-1] for name, values in metrics.items()}


class Record(NamedTuple):
    """One record of a chunk: metrics (R,) and parameters (R, *shape) by name."""

    epoch: int
    step: int
    metrics: dict[str, np.ndarray]
    parameters: dict[str, np.ndarray]


def records_of(events: Iterable[Any], *, before_training: bool = False) -> list[Record]:
    """The records among some events, one by one."""
    return [
        Record(
            int(epoch),
            int(event.steps[k]),
            {name: values[k] for name, values in event.metrics.items()},
            {name: values[k] for name, values in event.parameters.items()},
        )
        for event in events
        if isinstance(event, Records)
        for k, epoch in enumerate(event.epochs)
        if epoch > 0 or before_training
    ]


def flat(trained: Engine | Mapping[str, np.ndarray]) -> np.ndarray:
    """(R, P): all parameters of each member in a row, of an engine now or from name to (R, *shape)."""
    arrays = trained if isinstance(trained, Mapping) else parameters(trained)
    return np.concatenate([values.reshape(len(values), -1) for values in arrays.values()], axis=1)


_BARE = ("logging.figures=false", "logging.tensorboard=false", "expect={}")


def trained_run(directory: Path, name: str, *words: str) -> TrainedRun:
    """One of experiments/ trained with other values; nothing is drawn, logged or expected."""
    loaded = load(EXPERIMENTS / f"{name}.yaml", [*words, *_BARE])
    events: list[Any] = []
    api.train(loaded, OutputLocation(run_dir=directory), [events.append])
    run: TrainedRun = events[-1].run
    return run
