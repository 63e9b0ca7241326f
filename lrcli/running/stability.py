"""The largest stable learning rate of an experiment, and the words that belong to it."""

from dataclasses import dataclass

import numpy as np

from lrcli.analysis.batch_theory import stable_rate_in_order, stable_rate_of_random_batches
from lrcli.analysis.stability_limits import formula_of
from lrcli.analysis.theory import (
    Rule,
    hessian,
    largest_curvature,
    largest_stable_rate,
    term_curvature,
)
from lrcli.components.optimizers import SGD
from lrcli.experiment.experiment import Experiment
from lrcli.running.curvature import curvature_of, decay_of, limit_of, why_no_curvature
from lrcli.storage.result_fields import StableRate
from lrcli.training.problem import Array, Problem, build_problem
from lrcli.wording import times

__all__ = ["Stability", "advice", "stability"]


_ALL_AT_ONCE = "where training begins, for all examples at once"
_MOST_PARAMETERS = 2000  # whose Hessian has its eigenvalues in a second


@dataclass(frozen=True)
class Stability:
    """What is known of the learning rates with which an experiment is stable.

    Attributes:
        limit: the largest stable rate; None where none is known.
        sense: what stable means, to be put behind "the largest stable rate"; empty where it needs no words.
        unknown: why there is no limit, a clause; empty where there is one.
        formula: how it follows from the curvature; empty where it does from more than that.
        curvature: the largest one; None where the limit follows from more than that.
        diagnostic: it is a sign, and no bound: the curvature changes with the parameters.
    """

    limit: float | None
    sense: str = ""
    unknown: str = ""
    formula: str = ""
    curvature: float | None = None
    diagnostic: bool = False

    @property
    def record(self) -> StableRate:
        """As a result has it."""
        return StableRate(self.limit, self.sense, self.formula, self.curvature, self.diagnostic)


def advice(stable: StableRate | None, lowest: float) -> str:
    """What to try where training diverged, a clause.

    Args:
        stable: the ``stability`` of a result; None where nothing is known.
        lowest: the lowest rate that diverged.
    """
    limit = None if stable is None else stable.largest_stable_rate
    if stable is None or limit is None or not limit < lowest:
        return "try a smaller learning rate"
    sense = f" {stable.sense}" if stable.sense else ""
    source = f" = {stable.formula} {stable.curvature:.3g}" if stable.curvature is not None else ""
    if not np.isfinite(lowest):
        return f"the largest stable learning rate{sense} is {limit:.3g}{source}; try a smaller one"
    above = "just above" if lowest / limit < 1.1 else times(lowest / limit)
    return (
        f"a rate of {lowest:.3g} is {above} the largest stable one{sense}, {limit:.3g}{source}; "
        "try a smaller one"
    )


def stability(experiment: Experiment, problem: Problem | None = None) -> Stability:
    """The largest stable learning rate, where SGD at a constant rate makes a quadratic loss small.

    Of another loss it is that near the parameters that training begins with, where each step sees all
    examples: a diagnostic, for the curvature changes on the way, and smaller batches are less stable.

    Takes milliseconds for a few parameters, a second or two for a hundred; for more than that, or very many
    examples, batches have no answer.

    Args:
        experiment: whose rate is asked for.
        problem: its data, where they have been drawn; the first row counts.
    """
    optimizer = experiment.optimizer
    if not isinstance(optimizer, SGD):
        return Stability(None, unknown=f"none is known for {optimizer.kind}")
    rule = Rule(optimizer.momentum, optimizer.dampening, optimizer.nesterov)
    reason = _why_unknown(experiment)
    if reason:
        return Stability(None, unknown=reason)
    if problem is None:
        problem = build_problem(experiment.dataset, experiment.model, experiment.loss, [experiment.seed])
    if term_curvature(experiment.model, experiment.loss) is None:
        return _near_the_start(experiment, problem)
    training = experiment.training
    features = problem.splits["train"].features[0]
    with np.errstate(over="ignore"):
        if not np.isfinite(np.sum(np.square(features)) ** 2):
            return Stability(None, unknown="the features are too large to compute with")
    sizes = training.batch_sizes(len(features))
    if len(sizes) == 1 and sizes[0] == len(features):
        return _of_all(experiment, features, rule)
    if training.shuffle:
        sense = f"in mean square, for random batches of {sizes[0]}"
        return _answer(_of_random_batches(experiment, features, sizes, rule), sense)
    return _answer(_in_order(experiment, features, sizes, rule))


def _answer(limit: float | None, sense: str = "") -> Stability:
    if limit is None:
        return Stability(None, unknown="none was found for this momentum and these batches")
    return Stability(limit, sense)


def _why_unknown(experiment: Experiment) -> str:
    """Why no limit is known before the data are looked at; empty where one may be."""
    if experiment.training.clip_grad_norm is not None:
        return "clipped gradients bound every step"
    if not _is_constant_in_the_end(experiment):
        return "its schedule changes the rate"
    if experiment.model.needs_code or experiment.loss.needs_code:
        return "code of the experiment's is run only to train it"
    constant = term_curvature(experiment.model, experiment.loss) is not None
    if constant and sum(parameter.size for parameter in experiment.parameters) > _MOST_PARAMETERS:
        return f"the model has more than {_MOST_PARAMETERS:,} parameters"
    return ""


def _is_constant_in_the_end(experiment: Experiment) -> bool:
    """Whether the second half of the steps has the optimizer's own rate; what came before is forgotten."""
    count = experiment.training.num_batches(experiment.dataset.sizes["train"])
    total = experiment.training.epochs * count
    steps = np.linspace(total // 2, total - 1, 1000).astype(np.int64)
    lr = np.array([experiment.optimizer.lr])
    return bool(np.all(experiment.optimizer.schedule.rates(lr, steps, total) == lr))


def _of_all(experiment: Experiment, features: Array, rule: Rule) -> Stability:
    curvature = largest_curvature(experiment.model, experiment.loss, features, decay_of(experiment))
    limit = largest_stable_rate(curvature, rule) if curvature else None
    if limit is None:
        return _answer(None)
    return Stability(limit, formula=formula_of(experiment.optimizer), curvature=curvature)


def _near_the_start(experiment: Experiment, problem: Problem) -> Stability:
    """By the curvature at the initial parameters, which is not the same everywhere."""
    first = {name: values[0] for name, values in problem.initial.items()}
    curvature = curvature_of(experiment, problem, first)
    if curvature is None:
        why = why_no_curvature(experiment, problem) or "its numbers are too large to compute with"
        return Stability(None, unknown=f"the curvature of this loss is not known: {why}")
    limit = limit_of(experiment.optimizer, curvature)
    if limit.rate is None:
        return Stability(None, unknown=limit.unknown)
    sense = "where training begins" if experiment.training.batch_size == "full" else _ALL_AT_ONCE
    formula = formula_of(experiment.optimizer)
    return Stability(limit.rate, sense, "", formula, curvature.largest, diagnostic=True)


def _in_order(experiment: Experiment, features: Array, sizes: list[int], rule: Rule) -> float | None:
    batches = np.split(features[: sum(sizes)], np.cumsum(sizes)[:-1])
    found = [hessian(experiment.model, experiment.loss, batch) for batch in batches]
    hessians = np.stack([matrix for matrix in found if matrix is not None])
    return stable_rate_in_order(hessians + np.diag(decay_of(experiment)), rule)


def _of_random_batches(experiment: Experiment, features: Array, sizes: list[int], rule: Rule) -> float | None:
    columns = experiment.model.design(features)
    curvature = term_curvature(experiment.model, experiment.loss) or 0.0
    if experiment.loss.reduction == "sum":
        curvature *= sizes[0]  # a smaller last batch only moves the parameters less
    return stable_rate_of_random_batches(columns, curvature, decay_of(experiment), sizes, rule)
