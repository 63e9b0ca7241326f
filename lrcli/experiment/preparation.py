"""What stands between an experiment and its training: drawn, placed in an engine, ready to run."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from lrcli.analysis.recovery import Recovery, find_recovery
from lrcli.errors import UsageError
from lrcli.experiment.engines import build_engine
from lrcli.experiment.experiment import Experiment
from lrcli.training.engine import Engine
from lrcli.training.loop import Plan, TrainingLoop
from lrcli.training.population import Population
from lrcli.training.problem import Draw, Problem, draw_problem

__all__ = ["Compiling", "Prepared", "make_ready", "prepare"]


@dataclass(frozen=True)
class Compiling:
    """The engine's machine code is being compiled, which takes seconds, once on a machine."""


@dataclass(frozen=True)
class Prepared:
    """A population that is ready to train.

    Attributes:
        problem: its data and initial parameters.
        population: its members.
        engine: which holds them.
        loop: which trains them.
        recovery: what its parameters are held against, a row for each of the problem's rows of data; None
            where they are not identifiable.
    """

    problem: Problem
    population: Population
    engine: Engine
    loop: TrainingLoop
    recovery: Recovery | None

    @property
    def rows(self) -> NDArray[np.intp]:
        """(R,) each member's row of data."""
        return self.problem.data_index[self.population.draw_index]


def prepare(experiment: Experiment, draws: Sequence[Draw], population: Population) -> Prepared:
    """Draw the data, place everything, and plan the records; nothing is written.

    Args:
        experiment: what the members have in common.
        draws: what their random numbers are drawn for.
        population: the members.

    Raises:
        DeviceError: the device is not there.
        EngineError: the engine asked for is not there.
        UsageError: the data or the parameters do not fit in memory or are too large to compute with, or
            a metric that decides something cannot be had.
    """
    problem = draw_problem(draws, experiment.loss)
    try:
        engine = build_engine(experiment, problem, population)
    except MemoryError as error:
        raise UsageError(f"the experiment does not fit in memory: {error}") from None
    recovery = _find_recovery(experiment, problem)
    logging, training = experiment.logging, experiment.training
    plan = Plan(logging.every, logging.evaluate_train, experiment.best, training.early_stopping)
    if recovery is not None:
        rows = problem.data_index[population.draw_index]
        plan = replace(plan, of_parameters=partial(recovery.metrics, row_index=rows))
    return Prepared(problem, population, engine, TrainingLoop(engine, problem, population, plan), recovery)


def make_ready(prepared: Prepared) -> Iterator[Compiling]:
    """Have the engine ready to train.

    Raises:
        EngineError: the compiler failed.
    """
    if prepared.engine.compiles:
        yield Compiling()
    prepared.engine.compile()


def _find_recovery(experiment: Experiment, problem: Problem) -> Recovery | None:
    split = problem.splits["train"]
    shapes = {parameter.name: parameter.shape for parameter in problem.parameters}
    datasets = [source.dataset for source in problem.sources]
    recovery = find_recovery(datasets, experiment.model, shapes, split.inputs, split.targets)
    stopping = experiment.training.early_stopping
    deciding = {experiment.best.metric, stopping and stopping.metric}
    if recovery is None and any(metric and metric.startswith("recovery/") for metric in deciding):
        raise UsageError("training: no parameters are known that recovery/... could be measured against")
    return recovery
