"""The reference: the parameters that minimise what was trained, on the same data, in float64.

- Squared errors of models that are linear in their parameters: least squares (`lrcli.analysis.linear_fit`).
  With the weight decay that SGD, RMSprop and Adam add to the gradient, least squares with that penalty in
  the loss's own scale, ridge regression (Hoerl and Kennard 1970).
- Their absolute errors and Huber's loss: `lrcli.analysis.m_estimation`, and for absolute errors with weight
  decay `lrcli.analysis.penalised_absolute`.
- Their cross-entropies: Newton's method, with the decay where there is one. There is no optimum where a plane
  separates the classes.
- Curves: the lowest minimum that is found from the true parameters and from the model's own best fit
  (`lrcli.analysis.nonlinear_fit`).
- Other models have none: those of a network are not identifiable, since other parameters give the same
  function; of a module nothing is known. For a loss of the user's least squares stands in, which is not what
  it makes smallest.

What a model and a loss say of themselves decides between these, see `lrcli.components.models.base.Model` and
`lrcli.components.losses.Loss`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lrcli.analysis.curve_references import curve_fits
from lrcli.analysis.linear_references import linear_fits
from lrcli.analysis.logistic import within_reach
from lrcli.analysis.set_fits import Examples, SetFits, found_together, minimises, nothing_found
from lrcli.components.datasets.base import Scaling
from lrcli.components.losses import Loss
from lrcli.components.models.base import Model, NonlinearCurve

__all__ = ["References", "Standard", "find_references", "has_reference"]

Array = NDArray[np.float64]
Standard = Literal["true", "least_squares", "ridge", "optimum"]

_MOST_WORK = 2e9  # N P^2 of a set; more takes seconds
_MOST_OF_VERTICES = 1e10  # N P^3, where absolute errors are searched from vertex to vertex
_MOST_DECAYED = 100  # P, and
_MOST_NUMBERS = 2.5e5  # N P, where they are with weight decay, each set for itself, and
_MOST_OF_CURVE, _OF_CURVE = 1e5, 50  # N P likewise of a curve; searches that it takes
_MOST_OF_ALL = 4e8  # N P^2 of all sets together, which takes ten seconds, or so


@dataclass(frozen=True)
class References:
    """The references of K sets.

    Attributes:
        against: how they were found.
        values: from parameter name to (K, *shape), as parameters of the inputs that were trained on; NaN
            where there is none.
        losses: (K,) the loss there, without the decay; the lowest bound where the classes are separable.
        found: (K,) whether there is one that was found.
        separable: (K,) whether there is none because a plane separates the classes.
        minimises: whether they make the loss smallest; least squares stands in for a loss of the user's.
        standard_errors: as estimates of the truth, from parameter name to (K, *shape) in original units; NaN
            where they are not known.
        missing: (K,) why there are no standard errors, `lrcli.analysis.standard_errors.Missing`.
        freedom: (K,) degrees of freedom of Student's t that they go with; infinite for the normal
            distribution.
        several: from parameter name to (K, *shape), the numbers of which other values are as good, although
            the data determine them: the loss has several minima. In original units, as the next.
        ends: from parameter name to (K, *shape, 2), the least and the greatest value of those that are as
            good, where known; NaN elsewhere.
        least_squares: from parameter name to (K, *shape), in the same units as values; None where the model
            is not linear in its parameters.
    """

    against: Standard
    values: dict[str, Array]
    losses: Array
    found: NDArray[np.bool_]
    separable: NDArray[np.bool_]
    minimises: bool
    standard_errors: dict[str, Array]
    missing: NDArray[np.str_]
    freedom: Array
    several: dict[str, NDArray[np.bool_]]
    ends: dict[str, Array]
    least_squares: dict[str, Array] | None = None


def has_reference(model: Model, loss: Loss, num_classes: int | None, *, near_truth: bool = False) -> bool:
    """Whether there may be a reference, whatever the data are.

    Args:
        model: the model.
        loss: the loss.
        num_classes: of the targets; None where these are numbers.
        near_truth: whether true parameters are known, from which a minimum can be looked for.
    """
    if loss.of_logits:
        return model.linear_in_parameters
    if model.linear_in_parameters:
        return num_classes is None or minimises(loss)
    return num_classes is None and (model.has_best_fit or (near_truth and isinstance(model, NonlinearCurve)))


def find_references(
    model: Model,
    loss: Loss,
    shapes: Mapping[str, tuple[int, ...]],
    examples: Examples,
    truth: Mapping[str, Array] | None = None,
    scaling: Scaling | None = None,
) -> References:
    """The references of models of which `has_reference` holds.

    Args:
        model: the model.
        loss: the loss.
        shapes: of the model's parameters.
        examples: what they were trained on.
        truth: true parameters of each set, from name to (K, *shape), where curves are looked for first; the
            search then has a limit, since there is something else to hold learned parameters against.
        scaling: what the inputs were standardised with, (S, D) each; None: nothing.
    """
    size = sum(math.prod(shape) for shape in shapes.values())
    limited = truth is not None or loss.knee is not None or loss.of_logits
    with np.errstate(over="ignore", invalid="ignore"):  # what is too large is infinite, or no number
        if limited and _takes_long(model, loss, examples, size):
            fit = nothing_found(len(examples.rows), size, "large")
        elif model.linear_in_parameters:
            fit = found_together(partial(linear_fits, model, loss, examples, scaling), examples, size)
        else:
            fit = curve_fits(model, loss, examples, truth, scaling)
        return _references(model, loss, shapes, examples, fit)


def _takes_long(model: Model, loss: Loss, examples: Examples, size: int) -> bool:
    """Whether the search of a set takes more than about a second, or that of all of them far more."""
    count = examples.inputs.shape[1]
    if loss.of_logits:
        return not within_reach(count, size)
    if loss.knee == 0 and np.any(examples.decay > 0):
        most, times = (_MOST_NUMBERS, 1) if model.linear_in_parameters else (_MOST_OF_CURVE, _OF_CURVE)
        work = times * len(examples.rows) * count * size**2
        return size > _MOST_DECAYED or count * size > most or work > _MOST_OF_ALL
    if loss.knee == 0 and model.linear_in_parameters:
        return bool(count * size**3 > _MOST_OF_VERTICES)
    return bool(count * size**2 > _MOST_WORK)


def _references(
    model: Model, loss: Loss, shapes: Mapping[str, tuple[int, ...]], examples: Examples, fit: SetFits
) -> References:
    values = _named(fit.theta, shapes)
    found = np.asarray(~np.isnan(fit.theta).any(axis=1), dtype=np.bool_)
    decayed = bool(np.any(examples.decay > 0))
    against: Standard = "optimum"
    if loss.quadratic_factor is not None or not minimises(loss):
        linear: Standard = "ridge" if model.linear_in_parameters else "optimum"
        against = linear if decayed else "least_squares"
    separable = np.array([loss.of_logits and why == "none" for why in fit.missing.tolist()], dtype=np.bool_)
    losses = np.where(separable, 0.0, _losses_at(model, loss, values, examples))
    return References(
        against=against,
        values=values,
        losses=losses,
        found=found,
        separable=separable,
        minimises=minimises(loss),
        standard_errors=_named(fit.errors, shapes),
        missing=fit.missing,
        freedom=fit.freedom,
        several={name: mask == 1 for name, mask in _named(fit.several.astype(np.float64), shapes).items()},
        ends=_named(fit.ends, shapes),
        least_squares=None if fit.squares is None else _named(fit.squares, shapes),
    )


def _named(numbers: Array, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Array]:
    """Numbers (K, P, ...) from parameter name to (K, *shape, ...)."""
    edges = np.cumsum([math.prod(shape) for shape in shapes.values()])[:-1]
    parts = zip(shapes.items(), np.split(numbers, edges, axis=1), strict=True)
    return {name: part.reshape(len(numbers), *shape, *numbers.shape[2:]) for (name, shape), part in parts}


def _losses_at(model: Model, loss: Loss, values: Mapping[str, Array], examples: Examples) -> Array:
    """(K,) the losses at these parameters; NaN where they are not known, or not what makes the loss small."""
    losses = np.full(len(examples.rows), np.nan)
    if not minimises(loss):
        return losses
    for number, row in enumerate(examples.rows.tolist()):
        parameters = {name: each[number] for name, each in values.items()}
        if any(np.isnan(each).any() for each in parameters.values()):
            continue
        outputs = model.outputs(parameters, examples.inputs[row])
        value = None if outputs is None else loss.value(outputs, examples.targets[row])
        losses[number] = np.nan if value is None else value
    return losses
