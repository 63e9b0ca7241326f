"""References of curves that are not linear in their parameters, each set of data for itself."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from lrcli.analysis.linear_fit import fit_linear, rounding_of_squares
from lrcli.analysis.nonlinear_fit import CurveFit, lowest_curve
from lrcli.analysis.set_fits import Examples, SetFits, minimises, nothing_found
from lrcli.analysis.standard_errors import spread_of_noise
from lrcli.components.datasets.base import Scaling
from lrcli.components.losses import Loss
from lrcli.components.models.base import Model

__all__ = ["curve_fits"]

Array = NDArray[np.float64]


def curve_fits(
    model: Model,
    loss: Loss,
    examples: Examples,
    truth: Mapping[str, Array] | None,
    scaling: Scaling | None,
) -> SetFits:
    """Curves that are not linear in their parameters, each set for itself."""
    sets, size = examples.decay.shape
    fit = nothing_found(sets, size, "none")
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
        return np.full(len(theta), np.nan), "alike"
    return factors[0] * np.sqrt(fit.leverage[0]), str(missing[0])


def _curve(
    model: Model, loss: Loss, examples: Examples, number: int, truth: Mapping[str, Array] | None
) -> tuple[CurveFit, Array] | None:
    """The lowest minimum that is found from the true parameters and from the best fit of squares.

    Where the sum of squares may have many minima, that near the true parameters is the one.
    """
    row = examples.rows[number]
    inputs, targets = examples.inputs[row], examples.targets[row]
    decay = examples.decay[number] / examples.scale
    penalty = decay / (2 * loss.quadratic_factor) if loss.quadratic_factor else decay
    curve = CurveFit(model, loss, inputs, targets, penalty)
    searched = model.has_best_fit and (truth is None or not model.many_valleys)
    squares = model.best_fit(inputs, targets) if searched else None
    starts = [curve.of(start) for start in (truth, squares) if start is not None]
    if not minimises(loss) or (squares is not None and loss.quadratic_factor and not penalty.any()):
        return None if squares is None else (curve, curve.of(squares))
    best = lowest_curve(curve, starts)
    return None if best is None else (curve, best)
