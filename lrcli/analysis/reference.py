"""The reference: the parameters that minimise what was trained, on the same data, in float64.

- Squared errors of models that are linear in their parameters: least squares (`lrcli.analysis.linear_fit`).
  With the weight decay that SGD, RMSprop and Adam add to the gradient, least squares with that penalty in
  the loss's own scale, ridge regression (Hoerl and Kennard 1970).
- Their absolute errors and Huber's loss: `lrcli.analysis.m_estimation`; no absolute errors with weight decay.
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
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lrcli.analysis.chunks import chunks_of_sets
from lrcli.analysis.linear_fit import LinearFit, fit_linear, rounding_of_squares
from lrcli.analysis.logistic import fisher_covariance, logistic_optima, within_reach
from lrcli.analysis.m_estimation import absolute_fits, huber_fits
from lrcli.analysis.nonlinear_fit import CurveFit, lowest_curve
from lrcli.analysis.standard_errors import changes_of_units, spread_of_noise
from lrcli.components.datasets.base import Scaling
from lrcli.components.losses import Loss
from lrcli.components.models.base import Model, NonlinearCurve

__all__ = ["Examples", "References", "Standard", "find_references", "has_reference", "minimises"]

Array = NDArray[np.float64]
Standard = Literal["true", "least_squares", "ridge", "optimum"]

_MOST_WORK = 2e9  # N P^2 of a set; more takes seconds


@dataclass(frozen=True)
class Examples:
    """What K sets of parameters were trained on, and with how much weight decay.

    Attributes:
        inputs: (S, N, D).
        targets: (S, N, O).
        rows: (K,) which of the S sets of data each has.
        decay: (K, P) the weight decay of each number among the parameters, in their canonical order.
        scale: of the sum of an example's terms in the loss of a step: 1 / N and the like.
    """

    inputs: Array
    targets: Array
    rows: NDArray[np.intp]
    decay: Array
    scale: float


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
            the data determine them: the loss has several minima.
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
    least_squares: dict[str, Array] | None = None


class _Fit(NamedTuple):
    """What was found of k sets, numbers in the parameters' canonical order; see `References`."""

    theta: Array
    errors: Array
    missing: NDArray[np.str_]
    freedom: Array
    several: NDArray[np.bool_]
    squares: Array | None = None


def minimises(loss: Loss) -> bool:
    """Whether what is found makes a loss smallest; least squares stands in for others."""
    return loss.quadratic_factor is not None or loss.of_logits or loss.knee is not None


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
    work = examples.inputs.shape[1] * size**2
    if loss.of_logits:
        out = not within_reach(examples.inputs.shape[1], size)
    else:
        out = (truth is not None or loss.knee is not None) and work > _MOST_WORK
    if out:
        fit = _nothing(len(examples.rows), size, "large")
    elif model.linear_in_parameters:
        fit = _together(partial(_linear, model, loss, examples, scaling), examples, size)
    else:
        fit = _curves(model, loss, examples, truth, scaling)
    return _references(model, loss, shapes, examples, fit)


def _references(
    model: Model, loss: Loss, shapes: Mapping[str, tuple[int, ...]], examples: Examples, fit: _Fit
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
        against,
        values,
        losses,
        found,
        separable,
        minimises(loss),
        _named(fit.errors, shapes),
        fit.missing,
        fit.freedom,
        {name: mask == 1 for name, mask in _named(fit.several.astype(np.float64), shapes).items()},
        None if fit.squares is None else _named(fit.squares, shapes),
    )


def _named(numbers: Array, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Array]:
    """Numbers (K, P) from parameter name to (K, *shape)."""
    edges = np.cumsum([math.prod(shape) for shape in shapes.values()])[:-1]
    parts = zip(shapes.items(), np.split(numbers, edges, axis=1), strict=True)
    return {name: part.reshape(len(numbers), *shape) for (name, shape), part in parts}


def _nothing(sets: int, size: int, missing: str) -> _Fit:
    return _Fit(
        theta=np.full((sets, size), np.nan),
        errors=np.full((sets, size), np.nan),
        missing=np.full(sets, missing, "U9"),
        freedom=np.full(sets, np.inf),
        several=np.zeros((sets, size), dtype=bool),
    )


def _together(find: Callable[[slice], _Fit], examples: Examples, size: int) -> _Fit:
    """What is found of all sets, some at a time."""
    parts = [find(chunk) for chunk in chunks_of_sets(len(examples.rows), examples.inputs.shape[1], size)]
    squares = [part.squares for part in parts if part.squares is not None]
    return _Fit(
        theta=np.concatenate([part.theta for part in parts]),
        errors=np.concatenate([part.errors for part in parts]),
        missing=np.concatenate([part.missing for part in parts]),
        freedom=np.concatenate([part.freedom for part in parts]),
        several=np.concatenate([part.several for part in parts]),
        squares=np.concatenate(squares) if squares else None,
    )


def _linear(model: Model, loss: Loss, examples: Examples, scaling: Scaling | None, chunk: slice) -> _Fit:
    """Some sets of a model that is linear in its parameters."""
    rows, decay = examples.rows[chunk], examples.decay[chunk]
    columns, targets = model.design(model.features(examples.inputs[rows])), examples.targets[rows]
    change = None
    if scaling is not None:
        mean, scale = scaling.mean[rows], scaling.scale[rows]
        change = changes_of_units(model, mean.shape[1], targets.shape[2], mean, scale)
    if loss.of_logits:
        return _of_classes(columns, targets, examples.scale, decay, change)
    if loss.knee is None or targets.shape[2] > 1:
        penalty = decay / (examples.scale * 2 * (loss.quadratic_factor or 0.5))
        return _of_squares(loss, columns, targets, penalty, change)
    return _robust(loss, columns, targets, examples.scale, decay, change)


def _of_squares(loss: Loss, columns: Array, targets: Array, penalty: Array, change: Array | None) -> _Fit:
    """Least squares, also in place of a loss of the user's."""
    fit = fit_linear(columns, targets, penalty, change)
    theta = fit.theta.reshape(len(fit.theta), -1)
    several = np.zeros(theta.shape, dtype=bool)
    if targets.shape[2] > 1 or not minimises(loss):
        return _nothing(len(theta), theta.shape[1], "large")._replace(theta=theta)
    errors, missing = _spread(loss, fit, columns, targets, fit.theta)
    missing[np.any(penalty > 0, axis=1)] = "decay"
    freedom = np.asarray(targets.shape[1] - fit.rank, dtype=np.float64)
    squares = theta
    if np.any(penalty > 0):
        squares = fit_linear(columns, targets).theta.reshape(theta.shape)
    return _Fit(theta, errors, missing, freedom, several, squares)


def _robust(
    loss: Loss, columns: Array, targets: Array, scale: float, decay: Array, change: Array | None
) -> _Fit:
    """Huber's loss or absolute errors."""
    plain = fit_linear(columns, targets, None, change)
    decayed = np.any(decay > 0, axis=1)
    if loss.knee:
        theta, several = huber_fits(columns, targets[..., 0], loss.knee, scale, decay)
    else:
        theta, several = absolute_fits(columns, targets[..., 0])
        theta[decayed] = np.nan
    dependent = plain.rank < columns.shape[2]
    several[dependent] = False  # what the data leave open is told apart from it
    theta[dependent & ~decayed] = np.nan
    errors, missing = _spread(loss, plain, columns, targets, theta[..., None])
    missing[several.any(axis=1)] = "several"
    missing[decayed] = "decay"
    errors[missing != ""] = np.nan
    freedom = np.asarray(columns.shape[1] - plain.rank, dtype=np.float64)
    return _Fit(theta, errors, missing, freedom, several, plain.theta[..., 0])


def _spread(
    loss: Loss, fit: LinearFit, columns: Array, targets: Array, theta: Array
) -> tuple[Array, NDArray[np.str_]]:
    """Standard errors (K, P) of one output, and why there are none (K,)."""
    residuals = (targets - columns @ theta)[..., 0]
    factors, missing = spread_of_noise(
        loss, residuals, fit.rank, rounding_of_squares(columns, targets, theta)
    )
    return factors[:, None] * np.sqrt(np.clip(fit.leverage, 0, None)), missing


def _of_classes(columns: Array, targets: Array, scale: float, decay: Array, change: Array | None) -> _Fit:
    """The optima of logistic regression, and the inverse of Fisher's information."""
    outputs = targets.shape[2]
    theta = logistic_optima(columns, targets, scale, decay.reshape(len(decay), -1, outputs))
    flat = theta.reshape(len(theta), -1)
    none = np.isnan(flat).any(axis=1)
    missing = np.full(len(flat), "", "U9")
    covariances = fisher_covariance(columns, np.nan_to_num(theta))
    if change is not None:
        covariances = change.transpose(0, 2, 1) @ covariances @ change
    errors = np.sqrt(np.clip(np.einsum("kpp->kp", covariances), 0, None))
    missing[columns.shape[1] <= columns.shape[2]] = "few"
    missing[np.any(decay > 0, axis=1)] = "decay"
    missing[none] = "none"
    errors[missing != ""] = np.nan
    several = np.zeros(flat.shape, dtype=bool)
    squares = fit_linear(columns, targets).theta.reshape(flat.shape) if outputs == 1 else None
    return _Fit(flat, errors, missing, np.full(len(flat), np.inf), several, squares)


def _curves(
    model: Model,
    loss: Loss,
    examples: Examples,
    truth: Mapping[str, Array] | None,
    scaling: Scaling | None,
) -> _Fit:
    """Curves that are not linear in their parameters, each set for itself."""
    sets, size = examples.decay.shape
    fit = _nothing(sets, size, "none")
    freedom = np.full(sets, float(examples.inputs.shape[1] - size))
    for number in range(sets):
        own = None if truth is None else {name: values[number] for name, values in truth.items()}
        found = _curve(model, loss, examples, number, own)
        if found is None:
            continue
        curve, fit.theta[number] = found
        if np.any(examples.decay[number] > 0):
            fit.missing[number] = "decay"
        elif minimises(loss):
            fit.errors[number], fit.missing[number] = _spread_of_curve(
                model, loss, examples, scaling, examples.rows[number], curve.named(fit.theta[number])
            )
    return fit._replace(freedom=freedom)


def _spread_of_curve(
    model: Model,
    loss: Loss,
    examples: Examples,
    scaling: Scaling | None,
    row: int,
    best: Mapping[str, Array],
) -> tuple[Array, str]:
    """The standard errors (P,) of a curve, in original units, and why there are none."""
    inputs, targets = examples.inputs[row], examples.targets[row]
    if scaling is not None:
        mean, scale = scaling.mean[row], scaling.scale[row]
        original = model.in_original_units(best, mean, scale)
        if original is not None:  # the same curve, of inputs in their own units
            best, inputs = original, inputs * scale + mean
    curve = CurveFit(model, loss, inputs, targets, np.zeros(len(best)))
    theta = curve.of(best)
    slopes, residuals = curve.slopes(theta), curve.residuals(theta)
    if not (np.isfinite(slopes).all() and np.isfinite(residuals).all()):
        return np.full(len(theta), np.nan), "none"
    fit = fit_linear(slopes[None], residuals[None, :, None])
    largest = np.abs(targets[:, 0]) + np.abs(targets[:, 0] - residuals) + np.abs(slopes) @ np.abs(theta)
    rounding = rounding_of_squares(np.zeros((1, len(inputs), 1)), largest[None, :, None], np.zeros((1, 1, 1)))
    factors, missing = spread_of_noise(loss, residuals[None], fit.rank, rounding)
    if fit.rank[0] < len(theta):
        return np.full(len(theta), np.nan), "several"
    return factors[0] * np.sqrt(fit.leverage[0]), str(missing[0])


def _curve(
    model: Model, loss: Loss, examples: Examples, number: int, truth: Mapping[str, Array] | None
) -> tuple[CurveFit, Array] | None:
    """The lowest minimum that is found from the true parameters and from the best fit of squares."""
    row = examples.rows[number]
    inputs, targets = examples.inputs[row], examples.targets[row]
    decay = examples.decay[number] / examples.scale
    penalty = decay / (2 * loss.quadratic_factor) if loss.quadratic_factor else decay
    curve = CurveFit(model, loss, inputs, targets, penalty)
    squares = model.best_fit(inputs, targets) if model.has_best_fit else None
    starts = [curve.of(start) for start in (truth, squares) if start is not None]
    if not minimises(loss) or (squares is not None and loss.quadratic_factor and not penalty.any()):
        return None if squares is None else (curve, curve.of(squares))
    if loss.knee == 0 and penalty.any():
        return None
    best = lowest_curve(curve, starts)
    return None if best is None else (curve, best)


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
