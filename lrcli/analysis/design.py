"""The X of o = X theta, for models that are linear in their parameters and have one output."""

import numpy as np
from numpy.typing import NDArray

from lrcli.components.models import AnyModel, Linear

__all__ = ["design_matrices", "design_matrix", "sets_at_once"]

Array = NDArray[np.float64]

_NUMBERS = 500_000  # of the matrices that are looked at together


def design_matrix(model: AnyModel, features: Array) -> Array:
    """The matrix of one set of data, (N, P).

    Args:
        model: the model.
        features: (N, F) what the model is given; a linear model adds a column of ones for its bias.
    """
    ones = np.ones((len(features), 1))
    return np.hstack([features, ones]) if isinstance(model, Linear) else features


def design_matrices(model: AnyModel, inputs: Array) -> Array:
    """Those of some sets of data, (S, N, P) from (S, N, D)."""
    features = model.features(inputs)
    if isinstance(model, Linear):
        return np.concatenate([features, np.ones((*features.shape[:2], 1))], axis=2)
    return features


def sets_at_once(count: int, size: int) -> int:
    """How many sets of N examples and P parameters are looked at together, so that little memory is taken."""
    return max(1, _NUMBERS // (count * size))
