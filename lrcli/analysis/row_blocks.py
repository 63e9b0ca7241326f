"""The triangle of a tall matrix, some rows at a time, which takes little memory, and the rank of it."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["ROWS", "rounding_of_rank", "triangle_by_rows"]

Array = NDArray[np.float64]

ROWS = 10_000  # that are looked at together


def triangle_by_rows(columns: Array, scales: Array, targets: Array | None = None) -> Array:
    """The R of Q R of scaled columns, with targets behind them.

    Args:
        columns: (N, P).
        scales: (P,) that they are divided by.
        targets: (N, O), taken as they are; None: none.

    Returns:
        (min(N, P + O), P + O).
    """
    size = columns.shape[1] + (0 if targets is None else targets.shape[1])
    step = max(2 * size, ROWS)
    triangle: Array = np.zeros((0, size))
    for start in range(0, len(columns), step):
        rows = slice(start, start + step)
        more = columns[rows] / scales
        more = more if targets is None else np.hstack([more, targets[rows]])
        triangle = np.asarray(np.linalg.qr(np.vstack([triangle, more]), mode="r"))
    return triangle


def rounding_of_rank(singular: Array, shape: tuple[int, ...]) -> float:
    """The size up to which singular values of a matrix of some shape count as 0, as in LAPACK and MATLAB."""
    return float(max(shape) * np.finfo(np.float64).eps * singular.max(initial=0.0))
