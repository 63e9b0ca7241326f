"""What is known of training without training: curvature and the largest stable learning rate."""

import numpy as np
from numpy.typing import NDArray

from lrcli.components.losses import MSE, AnyLoss, HalfMSE
from lrcli.components.models import AnyModel, Linear

__all__ = ["largest_curvature", "largest_stable_rate"]

Array = NDArray[np.float64]


def largest_curvature(model: AnyModel, loss: AnyLoss, features: Array) -> float | None:
    """lambda_max, the largest eigenvalue of the loss's Hessian in the parameters.

    For a model that is linear in its parameters, o = X theta, the squared error has the Hessian
    (2/N) X'X everywhere, half of it where the loss is halved and N times it where the loss is a sum.

    Args:
        model: the model.
        loss: the loss.
        features: (N, F) what the model is given; a linear model adds a column of ones for its bias.

    Returns:
        None where the Hessian is not the same everywhere.
    """
    if not model.linear_in_parameters or not isinstance(loss, MSE | HalfMSE):
        return None
    columns = np.hstack([features, np.ones((len(features), 1))]) if isinstance(model, Linear) else features
    scale = (2.0 if isinstance(loss, MSE) else 1.0) / (len(features) if loss.reduction == "mean" else 1)
    return float(scale * np.linalg.norm(columns, ord=2) ** 2)


def largest_stable_rate(curvature: float, momentum: float = 0.0) -> float:
    """2 (1 + momentum) / lambda_max: above it gradient descent on a quadratic diverges (Polyak 1964)."""
    return 2 * (1 + momentum) / curvature
