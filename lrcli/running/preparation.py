"""What stands between an experiment and its training: drawn, placed in an engine, ready to run."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from lrcli.analysis.recovery import Recovery, find_recovery
from lrcli.analysis.set_fits import Examples
from lrcli.config.metrics import OPTIMIZATION_ERROR, SAMPLING_ERROR, is_recovery
from lrcli.errors import UsageError
from lrcli.experiment.experiment import Experiment
from lrcli.running.curvature import why_no_curvature
from lrcli.running.engine_choice import build_engine
from lrcli.running.moments import Waiting
from lrcli.running.recorded_curvature import RecordedCurvature
from lrcli.running.resources import Sizes, memory_for_training, refuse_too_much, refuse_uncountable
from lrcli.training.engine import Engine
from lrcli.training.loop import Plan, TrainingLoop
from lrcli.training.population import Population
from lrcli.training.problem import Draw, Problem, draw_problem

__all__ = ["Compiling", "Prepared", "make_ready", "prepare", "trained_examples"]


@dataclass(frozen=True)
class Compiling(Waiting):
    """The engine's machine code is being compiled, which takes seconds, once on a machine."""

    text: str = "compiling the engine for this machine, once: some seconds"
    short: str = "compiling the engine, once"


@dataclass(frozen=True)
class Prepared:
    """A population that is ready to train.

    Attributes:
        experiment: what its members have in common.
        problem: its data and initial parameters.
        population: its members.
        engine: which holds them.
        loop: which trains them.
        examples: what the members are trained on, a set for each row of data and weight decay.
        rows: (R,) which of these sets each member has.
        recovery: what its parameters are held against, one for each set; None where they are not
            identifiable.
    """

    experiment: Experiment
    problem: Problem
    population: Population
    engine: Engine
    loop: TrainingLoop
    examples: Examples
    rows: NDArray[np.intp]
    recovery: Recovery | None


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
    sizes = Sizes(population.size, len({draw.data_key for draw in draws}), len(draws))
    refuse_too_much(experiment, memory_for_training(experiment, sizes))
    refuse_uncountable(experiment)
    problem = draw_problem(draws, experiment.loss)
    try:
        engine = build_engine(experiment, problem, population)
    except MemoryError as error:
        raise UsageError(f"the experiment does not fit in memory: {error}") from None
    examples, rows = trained_examples(experiment, problem, population)
    recovery = _find_recovery(experiment, problem, examples)
    logging, training = experiment.logging, experiment.training
    plan = Plan(logging.every, logging.evaluate_train, experiment.best, training.early_stopping)
    if recovery is not None and recovery.tells:
        plan = replace(plan, of_parameters=partial(recovery.metrics, row_index=rows))
    if logging.curvature:
        why = why_no_curvature(experiment, problem, most_work=math.inf)
        if why:
            raise UsageError(f"logging.curvature: {why}")
        plan = replace(plan, of_state=RecordedCurvature(problem, population))
    loop = TrainingLoop(engine, problem, population, plan)
    return Prepared(experiment, problem, population, engine, loop, examples, rows, recovery)


def make_ready(prepared: Prepared) -> Iterator[Compiling]:
    """Have the engine ready to train.

    Raises:
        EngineError: the compiler failed.
    """
    if prepared.engine.compiles:
        yield Compiling()
    prepared.engine.compile()


def trained_examples(
    experiment: Experiment, problem: Problem, population: Population
) -> tuple[Examples, NDArray[np.intp]]:
    """What the members are trained on, and which set of it each has."""
    training, split = experiment.training, problem.splits["train"]
    sizes = training.batch_sizes(split.size)
    used = training.num_seen(split.size)
    rows = problem.data_index[population.draw_index]
    decays = np.zeros(len(rows))
    if not experiment.optimizer.decoupled:  # or the decay is no part of what is made small
        decays = population.hyperparameters.get("weight_decay", decays)
    pairs = np.stack([np.arange(len(problem.sources)), np.zeros(len(problem.sources))], axis=1)
    if decays.any():
        pairs, rows = np.unique(np.stack([rows, decays], axis=1), axis=0, return_inverse=True)
    decayed = [np.full(p.size, float(experiment.optimizer.decays(p))) for p in problem.parameters]
    terms = used * problem.num_terms
    examples = Examples(
        inputs=split.inputs[:, :used],
        targets=split.targets[:, :used],
        rows=pairs[:, 0].astype(np.intp),
        decay=pairs[:, 1:] * np.concatenate(decayed),
        scale=1 / terms if problem.loss.reduction == "mean" else 1 / len(sizes),
    )
    return examples, rows


def _find_recovery(experiment: Experiment, problem: Problem, examples: Examples) -> Recovery | None:
    shapes = {parameter.name: parameter.shape for parameter in problem.parameters}
    datasets = [source.dataset for source in problem.sources]
    recovery = find_recovery(
        datasets, experiment.model, experiment.loss, shapes, examples, problem.elements, problem.scaling
    )
    _refuse_unknown(experiment, recovery)
    return recovery


def _refuse_unknown(experiment: Experiment, recovery: Recovery | None) -> None:
    """Refuse to let a metric decide that cannot be had.

    Raises:
        UsageError: there is nothing that it could be measured against.
    """
    stopping = experiment.training.early_stopping
    deciding = [name for name in (experiment.best.metric, stopping and stopping.metric) if name]
    if any(map(is_recovery, deciding)) and (recovery is None or not recovery.tells):
        why = (
            "no parameters are known" if recovery is None or not recovery.known else "the data determine none"
        )
        raise UsageError(f"training: {why} that recovery/... could be measured against")
    in_parts = {OPTIMIZATION_ERROR, SAMPLING_ERROR} & set(deciding)
    if in_parts and (recovery is None or not recovery.parts):
        raise UsageError(f"training: {min(in_parts)} cannot be had: what minimises this loss was not found")
