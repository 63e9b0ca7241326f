"""What is known of training without training: curvature and the largest stable learning rate.

For a model that is linear in its parameters, o = X theta, the squared error is a quadratic, and each step of
SGD is a linear map of the distance to its minimum. Here are the limits where every step sees all examples;
those of smaller batches are in `lrcli.analysis.batch_theory`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lrcli.components.losses import Loss
from lrcli.components.models.base import Model

__all__ = ["Rule", "hessian", "largest_curvature", "largest_stable_rate", "term_curvature"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Rule:
    """How SGD turns gradients into steps; see `lrcli.components.optimizers.SGD`."""

    momentum: float = 0.0
    dampening: float = 0.0
    nesterov: bool = False

    @property
    def intake(self) -> float:
        """The share of a gradient that the velocity takes; without momentum there is no velocity."""
        return 1 - self.dampening if self.momentum else 1.0


def term_curvature(model: Model, loss: Loss) -> float | None:
    """k, where each term of the loss has the Hessian k x x' everywhere; None where it has none such."""
    if not model.linear_in_parameters or loss.quadratic_factor is None:
        return None
    return 2 * loss.quadratic_factor


def hessian(model: Model, loss: Loss, features: Array) -> Array | None:
    """The Hessian of the loss over all examples, (P, P), in the parameters' canonical order.

    c times the squared error has (2 c / N) X'X everywhere, N times that where the loss is a sum.

    Args:
        model: the model.
        loss: the loss.
        features: (N, F) what the model is given.

    Returns:
        None where the Hessian is not the same everywhere.
    """
    curvature = term_curvature(model, loss)
    if curvature is None:
        return None
    columns = model.design(features)
    scale = curvature / (len(features) if loss.reduction == "mean" else 1)
    return np.asarray(scale * columns.T @ columns)


def largest_curvature(model: Model, loss: Loss, features: Array, decay: Array | None = None) -> float | None:
    """lambda_max, the largest eigenvalue of the Hessian of what is made small.

    Args:
        model: the model.
        loss: the loss.
        features: (N, F) what the model is given.
        decay: (P,) the weight decay of each number among the parameters, which SGD adds to the gradient; it
            stands on the Hessian's diagonal.

    Returns:
        None where the Hessian is not the same everywhere.
    """
    matrix = hessian(model, loss, features)
    if matrix is None:
        return None
    if decay is not None:
        matrix = matrix + np.diag(decay)
    return float(np.linalg.eigvalsh(matrix)[-1])


def largest_stable_rate(curvature: float, rule: Rule | None = None) -> float | None:
    """Above it SGD on all examples at once diverges on a quadratic, below it converges.

    Along an eigenvector of eigenvalue l, with momentum b, dampening d and rate r, the characteristic
    polynomial is z^2 - t z + u, and by Jury's conditions both roots lie within the unit circle where |u| < 1
    and |t| < 1 + u:

    - t = 1 + b - r (1 - d) l and u = b: b < 1 and r < 2 (1 + b) / ((1 - d) l) (Polyak 1964, who has d = 0);
    - with nesterov t = 1 + b - r (1 + b) l and u = b (1 - r l): r < 2 (1 + b) / ((1 + 2 b) l), for
      b up to 1 (as torch writes it: the step is along g + b v).

    Args:
        curvature: lambda_max, positive.
        rule: of SGD; None: the plain one.

    Returns:
        None where no positive rate is stable, or a bound is not known: momentum of 1 or more (with nesterov
        of more than 1), dampening of 1 or more.
    """
    rule = rule or Rule()
    b = rule.momentum
    if rule.nesterov:
        return 2 * (1 + b) / ((1 + 2 * b) * curvature) if b <= 1 else None
    if b >= 1 or rule.intake <= 0:
        return None
    return 2 * (1 + b) / (rule.intake * curvature)
