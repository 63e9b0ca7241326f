"""lrcli's side of a comparison: a population of an experiment, and the engine that trains it."""

import math
from collections.abc import Callable
from importlib.util import find_spec

import numpy as np

from lrcli.engines.torch.engine import TorchEngine
from lrcli.experiment.experiment import Experiment
from lrcli.training.engine import Engine
from lrcli.training.population import Population, build_population
from lrcli.training.problem import Problem, build_problem

__all__ = [
    "ENGINES",
    "advance",
    "default_engine",
    "make_engine",
    "make_population",
    "seeds_and_rates",
    "trainer",
    "why_missing",
]

ENGINES = ("compiled", "torch")  # the quicker first
SEEDS = 10  # of a population, at most


def seeds_and_rates(members: int) -> tuple[int, int]:
    """How a population of so many members is made up: of a few seeds, and of rates."""
    seeds = math.gcd(members, SEEDS)
    return seeds, members // seeds


def make_population(experiment: Experiment, seeds: int, rates: int) -> tuple[Problem, Population]:
    """The problem and its seeds x rates members; rates go up to the experiment's, where all is stable."""
    lr = experiment.optimizer.lr
    problem = build_problem(experiment.dataset, experiment.model, experiment.loss, range(seeds))
    varied = {"lr": np.tile(np.geomspace(lr / 100, lr, rates) if rates > 1 else [lr], seeds)}
    members = np.repeat(np.arange(seeds), rates)
    training = experiment.training.model_copy(update={"epochs": 10**9})  # as many as a measurement takes
    return problem, build_population(experiment.optimizer, training, members, varied)


def make_engine(problem: Problem, population: Population, kind: str, dtype: str = "float32") -> Engine:
    """An engine of a kind, ready to train."""
    if kind == "torch":
        return TorchEngine(problem, population, "cpu", dtype)
    # The compiled engine: imported here, since not every installation has it.
    from lrcli.engines.compiled.engine import CompiledEngine

    engine = CompiledEngine(problem, population, dtype)
    engine.compile()
    return engine


def why_missing(kind: str) -> str | None:
    """Why an installation has no engine of a kind; None where it has one."""
    needed = {"torch": [], "compiled": ["lrcli.engines.compiled.engine", "numba", "llvmlite"]}[kind]
    missing = [module for module in needed if find_spec(module) is None]
    return f"there is no {' and no '.join(missing)}" if missing else None


def default_engine() -> str:
    """The kind that lrcli takes by itself for dense models on the CPU."""
    return next(kind for kind in ENGINES if why_missing(kind) is None)


def advance(engine: Engine, first_epoch: int, count: int) -> None:
    """Train `count` epochs."""
    for _ in engine.advance(first_epoch, [first_epoch + count - 1]):
        pass


def trainer(engine: Engine) -> Callable[[int, int], None]:
    """`advance` of an engine whose members must not diverge.

    Raises:
        RuntimeError: when called and a member diverges: then steps are guarded, and not comparable.
    """

    def train(first_epoch: int, count: int) -> None:
        advance(engine, first_epoch, count)
        if engine.diverged_steps().any():
            raise RuntimeError("a member diverged: its steps were guarded, and the times are not comparable")

    return train
