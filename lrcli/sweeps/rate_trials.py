"""Trying learning rates: fresh copies of an experiment, trained side by side and forgotten."""

import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrcli.analysis.rate_finding import Trials
from lrcli.components.optimizers import AnyOptimizer
from lrcli.components.schedules import AnySchedule, Constant, Schedule
from lrcli.config.blocks import Best
from lrcli.config.metrics import CURVATURES
from lrcli.experiment.experiment import Experiment
from lrcli.running.levels import Levels, find_levels
from lrcli.running.preparation import Compiling, Prepared, make_ready, prepare
from lrcli.training.divergence import starting_level
from lrcli.training.population import build_population
from lrcli.training.problem import Array, Draw, draw_problem

__all__ = ["RateEvent", "Tried", "Trying", "differing_seeds", "shortened", "try_rates"]

_TRAIN_LOSS, _VAL_LOSS = "train/loss", "val/loss"
_RISEN = 1.01  # times where a loss began is above it; less may be rounding


@dataclass(frozen=True)
class Trying:
    """Rates are being tried.

    Attributes:
        rates: how many.
        seeds: with how many seeds each.
        epochs: of each member.
        share: of these, done.
    """

    rates: int
    seeds: int
    epochs: int
    share: float


RateEvent = Compiling | Trying


@dataclass(frozen=True)
class Tried:
    """What came of it.

    Attributes:
        trials: the rates, with their scores.
        began: (S,) the loss of the training set before the first step.
        levels: between which the loss of each seed's training set can lie, (S,) each.
        first_scores: (S,) what the members are ranked by, before the first step.
        constant_scores: (S,) likewise, of the best constant answer; NaN where unknown.
        seconds: of training and its records, with machine code that is ready.
    """

    trials: Trials
    began: Array
    levels: Levels
    first_scores: Array
    constant_scores: Array
    seconds: float


class _Beginning(Schedule):
    """The first steps of a longer run, with the rates that they have there."""

    whole: AnySchedule
    total: int

    def rates(self, lr: Array, steps: NDArray[Any], total: int) -> Array:
        return self.whole.rates(lr, steps, self.total)


def shortened(experiment: Experiment, epochs: int) -> Experiment:
    """The first epochs of an experiment, with a record at their end and of all that decides."""
    training, logging = experiment.training, experiment.logging
    every = logging.every if training.early_stopping else epochs  # its patience counts records
    recorded = {"every": every, "evaluate_train": True, "curvature": _decided_by_curvature(experiment)}
    return experiment.model_copy(
        update={
            "optimizer": _beginning(experiment),
            "training": training.model_copy(update={"epochs": epochs}),
            "logging": logging.model_copy(update=recorded),
        }
    )


def _decided_by_curvature(experiment: Experiment) -> bool:
    """Whether a curvature is ranked by, or ends a training; otherwise it would only cost time."""
    deciding = [
        experiment.best,
        experiment.training.early_stopping,
        experiment.sweep and experiment.sweep.select,
    ]
    return experiment.logging.curvature and any(rule and rule.metric in CURVATURES for rule in deciding)


def _beginning(experiment: Experiment) -> AnyOptimizer:
    """The optimizer, whose schedule still counts the steps of the whole run."""
    optimizer, training = experiment.optimizer, experiment.training
    if isinstance(optimizer.schedule, Constant):
        return optimizer
    total = training.epochs * training.num_batches(experiment.dataset.sizes["train"])
    schedule = _Beginning(whole=optimizer.schedule, total=total)
    return optimizer.model_copy(update={"schedule": schedule})


def differing_seeds(experiment: Experiment, seeds: Sequence[int]) -> Sequence[int]:
    """The seeds, or the first alone where none moves anything: no data, no start, no order, no noise."""
    several = len(seeds) > 1 and len(experiment.training.batch_sizes(experiment.dataset.sizes["train"])) == 1
    if not several:
        return seeds
    draws = [Draw(seed, experiment.dataset, experiment.model) for seed in seeds[:2]]
    problem = draw_problem(draws, experiment.loss)
    drawn = [*problem.initial.values()]
    drawn += [array for split in problem.splits.values() for array in (split.inputs, split.targets)]
    same = all(np.array_equal(array[0], array[-1]) for array in drawn)
    return seeds[:1] if same and not problem.noisy else seeds


def try_rates(
    experiment: Experiment, rates: Array, seeds: Sequence[int], epochs: int, select: Best
) -> Generator[RateEvent, None, Tried]:
    """Train every rate with every seed from the start, for the first epochs of the run.

    Args:
        experiment: with its code; what its own rate is does not matter.
        rates: (K,) ascending.
        seeds: S of them.
        epochs: how many.
        select: the metric that the members are ranked by.

    Raises:
        DeviceError: the device is not there.
        EngineError: the engine is not there, or could not be compiled.
        UsageError: it does not fit in memory.
    """
    short = shortened(experiment, epochs)
    draws = [Draw(seed, experiment.dataset, experiment.model) for seed in seeds]
    index = np.repeat(np.arange(len(seeds)), len(rates))
    varied = {"lr": np.tile(rates, len(seeds))}
    prepared = prepare(short, draws, build_population(short.optimizer, short.training, index, varied))
    yield from make_ready(prepared)
    started = time.perf_counter()
    loop, first = prepared.loop, dict[str, Array]()
    total = epochs * loop.steps_per_epoch
    for event in loop:
        first = first or loop.last_metrics
        yield Trying(len(rates), len(seeds), epochs, event.step / total)
    return _tried(prepared, rates, epochs, first, select, time.perf_counter() - started)


def _tried(
    prepared: Prepared, rates: Array, epochs: int, first: Mapping[str, Array], select: Best, seconds: float
) -> Tried:
    loop, index, shape = prepared.loop, prepared.population.draw_index, (-1, len(rates))
    diverged = loop.members.status == "diverged"
    ended = np.where(diverged, np.nan, loop.last_metrics[_TRAIN_LOSS])
    blown = ~(ended <= _RISEN * starting_level(loop.problem, first[_TRAIN_LOSS], index))
    scores = np.where(diverged, np.nan, loop.last_metrics[select.metric])
    each = [first[_TRAIN_LOSS], *find_levels(prepared), first[select.metric], _constant(prepared, select)]
    began, least, constant, first_scores, of_constant = (values.reshape(shape)[:, 0] for values in each)
    of_seeds = scores.reshape(shape), ended.reshape(shape)
    trials = Trials(rates, np.full(len(rates), epochs), *of_seeds, blown.reshape(shape))
    return Tried(trials, began, Levels(least, constant), first_scores, of_constant, seconds)


def _constant(prepared: Prepared, select: Best) -> Array:
    """(R,) the score of the best constant answer, where the score is the loss of the validation set."""
    problem, loss = prepared.problem, prepared.experiment.loss
    rows = problem.data_index[prepared.population.draw_index]
    if select.metric != _VAL_LOSS:
        return np.full(len(rows), np.nan)
    values = [loss.constant_value(targets) for targets in problem.splits["val"].targets]
    return np.array([np.nan if value is None else value for value in values])[rows]
