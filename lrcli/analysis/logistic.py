"""The optimum of logistic regression, by Newton's method."""

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["LogisticOptimum", "logistic_optimum"]

Array = NDArray[np.float64]

_STEPS = 100
_CERTAIN = 30.0  # logits beyond which no example has a say: e^-30


class LogisticOptimum(NamedTuple):
    """The parameters (P, O) of the smallest objective, or None where there are none.

    Attributes:
        parameters: of the optimum.
        reason: why there is none: the classes are separable; empty where there is one.
    """

    parameters: Array | None
    reason: Literal["", "separable"] = ""


def logistic_optimum(columns: Array, targets: Array, scale: float, decay: Array) -> LogisticOptimum:
    """The parameters that make scale * (sum of cross-entropies) + (sum of decay p^2) / 2 smallest.

    The objective is convex, and Newton's method with step halving finds its minimum from zero (Boyd and
    Vandenberghe 2004, section 9.5). With one output it is that of ``bce``; with several, that of
    ``cross_entropy``, to whose parameters a constant may be added for all outputs alike: the shortest steps
    keep the sum over the outputs at 0.

    Without decay there is no minimum where a plane separates the classes: the larger the parameters, the
    smaller the loss (Albert and Anderson 1984). Parameters that classify every example right, with a margin,
    prove it; where examples lie on the plane, logits that grow beyond any doubt show it.

    Args:
        columns: (N, P) the design matrix.
        targets: (N, O) of 0 and 1.
        scale: of the sum of the examples' losses.
        decay: (P, O) the weight decay of each parameter.
    """
    theta = np.zeros((columns.shape[1], targets.shape[1]))
    value = _objective(theta, columns, targets, scale, decay)
    decays = bool(np.any(decay > 0))
    for _ in range(_STEPS):
        gradient, hessian = _derivatives(theta, columns, targets, scale, decay)
        step = np.linalg.lstsq(hessian, -gradient, rcond=None)[0].reshape(theta.shape, order="F")
        share, lowered = 1.0, False
        while share > 1e-10 and not lowered:
            new = _objective(theta + share * step, columns, targets, scale, decay)
            lowered = new < value
            share /= 1 if lowered else 2
        if not lowered:
            break
        theta, value = theta + share * step, new
        if not decays and _separates(theta, columns, targets):
            return LogisticOptimum(None, "separable")
        if np.abs(share * step).max() <= 1e-14 * np.abs(theta).max():
            break
    if not decays and np.abs(columns @ theta).max() > _CERTAIN:
        return LogisticOptimum(None, "separable")
    return LogisticOptimum(theta)


def _objective(theta: Array, columns: Array, targets: Array, scale: float, decay: Array) -> float:
    logits = columns @ theta
    if targets.shape[1] == 1:
        terms = np.logaddexp(0.0, logits) - targets * logits
    else:
        terms = np.logaddexp.reduce(logits, axis=1) - np.sum(targets * logits, axis=1)
    return float(scale * terms.sum() + np.sum(decay * theta**2) / 2)


def _derivatives(
    theta: Array, columns: Array, targets: Array, scale: float, decay: Array
) -> tuple[Array, Array]:
    """The gradient (O P,) and the Hessian (O P, O P), output by output."""
    logits = columns @ theta
    size, outputs = theta.shape
    if outputs == 1:
        chances = np.exp(-np.logaddexp(0.0, -logits))
    else:
        chances = np.exp(logits - np.logaddexp.reduce(logits, axis=1)[:, None])
    gradient = scale * columns.T @ (chances - targets) + decay * theta
    hessian = np.empty((outputs, size, outputs, size))
    for k in range(outputs):
        for j in range(outputs):
            weights = chances[:, k] * ((k == j) - chances[:, j])
            hessian[k, :, j] = scale * (columns * weights[:, None]).T @ columns
    flat = hessian.reshape(outputs * size, -1) + np.diag(decay.ravel(order="F"))
    return gradient.ravel(order="F"), flat


def _separates(theta: Array, columns: Array, targets: Array) -> bool:
    """Whether every example is on its own side, by more than rounding."""
    logits = columns @ theta
    if targets.shape[1] == 1:
        margins = np.where(targets > 0.5, logits, -logits)
    else:
        others = np.where(targets > 0.5, -np.inf, logits).max(axis=1)
        margins = np.sum(targets * logits, axis=1) - others
    rounding = 1e-12 * (np.abs(columns) @ np.abs(theta)).max()
    return bool(margins.min() > rounding)
