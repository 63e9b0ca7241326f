"""The curvature of what an experiment makes small, at given parameters.

It is that of the loss of a step, on average over the batches of an epoch, with the weight decay that is part
of the gradient. Where training adds noise to the inputs, that of the inputs as they are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrcli.analysis.curvature import Curvature, curvature_of_hessian, multiply_adds
from lrcli.analysis.hessian import Hessian, OfMoved, Preconditioned, Sloped, hessian_at
from lrcli.analysis.stability_limits import Limit, divisor, has_divisor, limit_of
from lrcli.analysis.theory import term_curvature
from lrcli.components.choices import AnyOptimizer
from lrcli.components.initializers import Parameter
from lrcli.components.losses import Loss
from lrcli.components.models.base import Model
from lrcli.components.models.derivatives import Derivatives
from lrcli.config.blocks import Training
from lrcli.experiment.experiment import Experiment
from lrcli.storage.run_result import CurvatureEnds, CurvatureRow, PreconditionedRow
from lrcli.training.problem import Array, Problem, build_problem

__all__ = [
    "QUICK",
    "Curvature",
    "Limit",
    "curvature_ends",
    "curvature_of",
    "decay_by",
    "decay_of",
    "limit_of",
    "loss_hessian",
    "moved_numbers",
    "preconditioned_curvature",
    "why_no_curvature",
]

QUICK = 2e6  # multiply-adds, about: milliseconds
_MOST_WORK = 1e9  # about a second


def curvature_of(
    experiment: Experiment,
    problem: Problem,
    parameters: Mapping[str, Array],
    *,
    divided_by: Array | None = None,
    most_work: float = _MOST_WORK,
) -> Curvature | None:
    """The curvature at some parameters.

    Args:
        experiment: whose loss, weight decay and batches count.
        problem: its data; the first row counts.
        parameters: of one member, from name to (*shape), in the units of the problem's inputs.
        divided_by: (P,) what the optimizer divides its steps by, for `Curvature.preconditioned`; of what
            training moves alone.
        most_work: multiply-adds that it may take; `QUICK` where nobody should notice.

    Returns:
        None where it cannot be had, or not in so little time, see `why_no_curvature`.
    """
    if why_no_curvature(experiment, problem, most_work=most_work):
        return None
    problem, parameters = _as_trained(experiment, problem, parameters)
    hessian = loss_hessian(problem, experiment.training, decay_of(experiment), parameters)
    if hessian is None:
        return None
    exact = term_curvature(experiment.model, experiment.loss) is not None
    found = curvature_of_hessian(hessian, exact=exact)
    if found is None or divided_by is None:
        return found
    return replace(found, preconditioned=preconditioned_curvature(hessian, divided_by))


def preconditioned_curvature(hessian: Hessian, divided_by: Array) -> float | None:
    """The largest curvature as an adaptive optimizer meets it; None where its numbers are not finite.

    Args:
        hessian: of the loss.
        divided_by: (P,) what the optimizer divides its steps by.
    """
    found = curvature_of_hessian(Preconditioned(hessian, divided_by), exact=False)
    return found.largest if found else None


def why_no_curvature(experiment: Experiment, problem: Problem, *, most_work: float = _MOST_WORK) -> str:
    """Why `curvature_of` has no answer, a clause; empty where it has one, unless numbers overflow."""
    model, loss = experiment.model, experiment.loss
    if model.needs_code or loss.needs_code or "train" not in problem.splits:
        return "code of the experiment's is run only to train it"
    if work_of_curvature(experiment) > most_work:
        return "it would take too long for so many parameters and examples"
    first = {name: values[0] for name, values in problem.initial.items()}
    if loss_hessian(problem, experiment.training, decay_of(experiment), first, examples=2) is None:
        if model.code_path or loss.code_path:
            return "torch has no second derivatives of its code that can be relied on"
        return f"a {model.kind} with {loss.kind} does not say its derivatives"
    return ""


def curvature_ends(
    experiment: Experiment,
    problem: Problem,
    parameters: Mapping[str, Array],
    state: Mapping[str, NDArray[Any]] | None = None,
    steps: int = 0,
) -> CurvatureEnds:
    """The curvature before and after training, where it takes milliseconds.

    Args:
        experiment: what was trained.
        problem: its data and initial parameters.
        parameters: the last ones, from name to (1, *shape).
        state: of the optimizer, by the names of `lrcli.components.optimizers.Optimizer.state`, (P,) each;
            empty or None where it is not known.
        steps: that it has taken.
    """
    why = why_no_curvature(experiment, problem, most_work=QUICK)
    if why:
        return CurvatureEnds(None, None, why)
    divided_by = None
    if state and has_divisor(experiment.optimizer):
        moved = moved_numbers(problem.parameters)
        divided_by = divisor(experiment.optimizer, {n: v[moved] for n, v in state.items()}, steps)
    start = curvature_of(experiment, problem, _of_first(problem.initial))
    end = curvature_of(experiment, problem, _of_first(parameters), divided_by=divided_by)
    why = "" if start and end else "its numbers are too large to compute with"
    return CurvatureEnds(_row(start), _row(end), why, _preconditioned(experiment, end, steps))


def _of_first(parameters: Mapping[str, Array]) -> dict[str, Array]:
    return {name: values[0] for name, values in parameters.items()}


def _row(found: Curvature | None) -> CurvatureRow | None:
    return CurvatureRow(found.largest, found.smallest, found.condition, found.exact) if found else None


def _preconditioned(experiment: Experiment, end: Curvature | None, steps: int) -> PreconditionedRow | None:
    """What an adaptive optimizer meets, against its rate; clipped steps have no threshold."""
    optimizer, training = experiment.optimizer, experiment.training
    if end is None or end.preconditioned is None or training.clip_grad_norm is not None:
        return None
    limit = limit_of(optimizer, end)
    if limit.rate is None:
        return None
    total = training.epochs * training.num_batches(experiment.dataset.sizes["train"])
    rate = optimizer.rates({"lr": np.array([optimizer.lr])}, np.array([steps - 1]), total)
    return PreconditionedRow(end.preconditioned, limit.rate, float(rate[0, 0]), limit.diagnostic)


def work_of_curvature(experiment: Experiment) -> float:
    """The multiply-adds that it takes to find it, about."""
    size = sum(parameter.size for parameter in experiment.parameters)
    return multiply_adds(size, experiment.dataset.sizes["train"])


def decay_of(experiment: Experiment) -> Array:
    """(P,) the weight decay that is part of the gradient, of each number among the parameters."""
    return decay_by(experiment.optimizer, experiment.parameters)


def decay_by(optimizer: AnyOptimizer, parameters: Sequence[Parameter]) -> Array:
    """(P,) the same of an optimizer."""
    decay = 0.0 if optimizer.decoupled else optimizer.decay_strength
    return np.concatenate([np.full(p.size, decay * optimizer.decays(p)) for p in parameters])


def loss_hessian(
    problem: Problem,
    training: Training,
    decay: Array,
    parameters: Mapping[str, Array],
    row: int = 0,
    examples: int | None = None,
) -> Hessian | None:
    """The Hessian of the loss of a step, on average over the batches of an epoch, of what training moves.

    Args:
        problem: the data, the model and the loss.
        training: the batches.
        decay: (P,) of each number among the parameters.
        parameters: of one member, from name to (*shape), in the units of the problem's inputs.
        row: of the data.
        examples: the first of which alone count; None: all that are trained on.

    Returns:
        None where the model or the loss does not say its derivatives.
    """
    split = problem.splits["train"]
    sizes = training.batch_sizes(split.size)
    used = training.num_seen(split.size)
    scale = 1 / (used * problem.num_terms) if problem.loss.reduction == "mean" else 1 / len(sizes)
    features, targets = split.features[row, : examples or used], split.targets[row, : examples or used]
    ordered = {p.name: np.asarray(parameters[p.name], dtype=np.float64) for p in problem.parameters}
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        derivatives = problem.model.derivatives(ordered, features)
        if derivatives is None:
            derivatives = _by_form(problem, ordered, features)
        found = hessian_at(derivatives, _with_slopes(problem.loss), targets, scale, decay)
    moved = moved_numbers(problem.parameters)
    return found if found is None or moved.all() else OfMoved(found, moved)


def _by_form(problem: Problem, parameters: Mapping[str, Array], features: Array) -> Derivatives | None:
    """Those of a model that says in torch what it computes, and not what its derivatives are."""
    model: Model = problem.model
    if type(model).torch_form is Model.torch_form:
        return None
    from lrcli.engines.torch.form_derivatives import model_derivatives  # torch takes a second to import

    return model_derivatives(model.torch_form(), problem.parameters, parameters, features)


def _with_slopes(loss: Loss) -> Sloped:
    """The loss, or its like by torch, where it says its terms in torch alone."""
    kind = type(loss)
    if kind.torch_form is Loss.torch_form or kind.slopes is not Loss.slopes:
        return loss
    from lrcli.engines.torch.form_derivatives import LossByForm

    return LossByForm(loss.torch_form())


def moved_numbers(parameters: Sequence[Parameter]) -> NDArray[np.bool_]:
    """(Q,) which of the numbers among the parameters training moves."""
    return np.concatenate([np.full(p.size, not p.is_frozen) for p in parameters])


def _as_trained(
    experiment: Experiment, problem: Problem, parameters: Mapping[str, Array]
) -> tuple[Problem, Mapping[str, Array]]:
    """The data and parameters as training has them, where they are in original units."""
    scaling = None if problem.scaling else experiment.dataset.scaling(experiment.seed)
    if scaling is None:
        return problem, parameters
    back = experiment.model.in_original_units(parameters, -scaling.mean / scaling.scale, 1 / scaling.scale)
    drawn = build_problem(experiment.dataset, experiment.model, experiment.loss, [experiment.seed])
    return drawn, back or parameters
