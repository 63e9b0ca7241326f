"""Least squares for models that are linear in their parameters, o = X theta."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lrcli.components.initializers import Parameter

__all__ = ["by_name", "least_squares"]

Array = NDArray[np.float64]


def least_squares(columns: Array, targets: Array, penalty: Array | None = None) -> Array:
    """The theta that makes |X theta - y|^2 + sum of penalty theta^2 smallest, the shortest of several.

    Args:
        columns: X, (N, P).
        targets: y, (N, O).
        penalty: (P,) of each row of theta, as in ridge regression (Hoerl and Kennard 1970); None: none.

    Returns:
        (P, O).
    """
    if penalty is not None and np.any(penalty > 0):
        columns = np.vstack([columns, np.diag(np.sqrt(penalty))])
        targets = np.vstack([targets, np.zeros((len(penalty), targets.shape[1]))])
    return np.asarray(np.linalg.lstsq(columns, targets, rcond=None)[0], dtype=np.float64)


def by_name(theta: Array, parameters: Sequence[Parameter]) -> dict[str, Array]:
    """The parameters of which theta is made, in their own shapes.

    Args:
        theta: (..., P, O), the rows of each parameter's matrix below those of the one before it.
        parameters: in their canonical order.

    Returns:
        From name to (..., *shape).
    """
    last_rows = np.cumsum([parameter.matrix[0] for parameter in parameters])
    blocks = np.split(theta, last_rows[:-1], axis=-2)
    return {
        parameter.name: block.reshape(*theta.shape[:-2], *parameter.shape)
        for parameter, block in zip(parameters, blocks, strict=True)
    }
