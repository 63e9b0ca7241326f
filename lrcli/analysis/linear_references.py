"""References of models that are linear in their parameters, of many sets of data at once."""

import numpy as np
from numpy.typing import NDArray

from lrcli.analysis.linear_fit import LinearFit, fit_linear, rounding_of_squares
from lrcli.analysis.logistic import fisher_covariance, logistic_optima
from lrcli.analysis.m_estimation import RobustFit, absolute_fits, huber_fits
from lrcli.analysis.penalised_absolute import penalised_absolute_fits
from lrcli.analysis.set_fits import Examples, SetFits, minimises, nothing_found
from lrcli.analysis.standard_errors import changes_of_units, spread_of_noise
from lrcli.components.datasets.base import Scaling
from lrcli.components.losses import Loss
from lrcli.components.models.base import Model

__all__ = ["linear_fits"]

Array = NDArray[np.float64]


def linear_fits(
    model: Model, loss: Loss, examples: Examples, scaling: Scaling | None, chunk: slice
) -> SetFits:
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
    return _robust(loss, columns, targets, examples.scale, decay, change, len(examples.rows))


def _of_squares(loss: Loss, columns: Array, targets: Array, penalty: Array, change: Array | None) -> SetFits:
    """Least squares, also in place of a loss of the user's."""
    fit = fit_linear(columns, targets, penalty, change)
    theta = fit.theta.reshape(len(fit.theta), -1)
    if targets.shape[2] > 1 or not minimises(loss):
        return nothing_found(*theta.shape, "none" if minimises(loss) else "loss")._replace(theta=theta)
    errors, missing = _spread(loss, fit, columns, targets, fit.theta)
    missing[np.any(penalty > 0, axis=1)] = "decay"
    freedom = np.asarray(targets.shape[1] - fit.rank, dtype=np.float64)
    squares = theta
    if np.any(penalty > 0):
        squares = fit_linear(columns, targets).theta.reshape(theta.shape)
    return nothing_found(*theta.shape, "")._replace(
        theta=theta, errors=errors, missing=missing, freedom=freedom, squares=squares
    )


def _robust(
    loss: Loss,
    columns: Array,
    targets: Array,
    scale: float,
    decay: Array,
    change: Array | None,
    sets: int,
) -> SetFits:
    """Huber's loss or absolute errors, of some of so many sets."""
    plain = fit_linear(columns, targets, None, change)
    decayed = np.any(decay > 0, axis=1)
    if loss.knee:
        found = huber_fits(columns, targets[..., 0], loss.knee, scale, decay, change)
    else:
        found = _absolute(columns, targets[..., 0], decay / scale, change, sets)
    theta, several, ends = found
    dependent = plain.rank < columns.shape[2]
    several[dependent] = False  # what the data leave open is told apart from it
    theta[dependent & ~decayed] = np.nan
    errors, missing = _spread(loss, plain, columns, targets, theta[..., None])
    missing[several.any(axis=1)] = "several"
    missing[decayed] = "decay"
    unfound = np.isnan(theta).any(axis=1)
    missing[unfound & (missing != "few")] = "none"
    missing[unfound & (missing != "few") & dependent & ~decayed] = "open"
    errors[missing != ""] = np.nan
    return SetFits(
        theta=theta,
        errors=errors,
        missing=missing,
        freedom=np.asarray(columns.shape[1] - plain.rank, dtype=np.float64),
        several=several,
        ends=ends,
        squares=plain.theta[..., 0],
    )


def _absolute(columns: Array, targets: Array, penalty: Array, change: Array | None, sets: int) -> RobustFit:
    """Absolute errors, those of some sets with a weight decay."""
    decayed = np.any(penalty > 0, axis=1)
    found = RobustFit(
        theta=np.full(penalty.shape, np.nan),
        open=np.zeros(penalty.shape, dtype=bool),
        ends=np.full((*penalty.shape, 2), np.nan),
    )
    for mask in (decayed, ~decayed):
        if not mask.any():
            continue
        own = None if change is None else change[mask]
        if mask is decayed:
            fits = penalised_absolute_fits(columns[mask], targets[mask], penalty[mask])
        else:
            fits = absolute_fits(columns[mask], targets[mask], own, sets)
        for whole, part in zip(found, fits, strict=True):
            whole[mask] = part
    return found


def _spread(
    loss: Loss, fit: LinearFit, columns: Array, targets: Array, theta: Array
) -> tuple[Array, NDArray[np.str_]]:
    """Standard errors (K, P) of one output, and why there are none (K,)."""
    residuals = (targets - columns @ theta)[..., 0]
    factors, missing = spread_of_noise(
        loss, residuals, fit.rank, rounding_of_squares(columns, targets, theta)
    )
    return factors[:, None] * np.sqrt(np.clip(fit.leverage, 0, None)), missing


def _of_classes(columns: Array, targets: Array, scale: float, decay: Array, change: Array | None) -> SetFits:
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
    squares = fit_linear(columns, targets).theta.reshape(flat.shape) if outputs == 1 else None
    return nothing_found(*flat.shape, "")._replace(
        theta=flat, errors=errors, missing=missing, squares=squares
    )
