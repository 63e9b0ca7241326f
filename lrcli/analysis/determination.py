"""Which parameters the training data determine, for models that are linear in their parameters.

Where columns of the design matrix depend on each other (fewer examples than parameters, a feature that is
constant or a sum of others), many parameters fit the data equally well, and which of them is learned depends
on where training began. Columns are scaled to length 1, and singular values up to max(N, P) eps of the
largest one count as 0, the tolerance of LAPACK and MATLAB (Golub and Van Loan 2013, section 5.4.1). A
parameter is undetermined where it moves along a direction that changes no output.
"""

import numpy as np
from numpy.typing import NDArray

from lrcli.analysis.row_blocks import rounding_of_rank, triangle_by_rows

__all__ = ["free_directions", "undetermined"]

Array = NDArray[np.float64]

_CLEAR = 1e-8  # smallest eigenvalue of X'X from which the rank is not in doubt
_NEGLIGIBLE = 1e-6  # of a direction of length 1
_MOST_WORK = 1e9


def undetermined(columns: Array) -> NDArray[np.bool_]:
    """The parameters that each set of data leaves open, (S, P); none for matrices too large to judge.

    Args:
        columns: (S, N, P) the design matrices.
    """
    sets, count, size = columns.shape
    if count * size**2 > _MOST_WORK:
        return np.full((sets, size), count < size)
    products = np.matmul(columns.transpose(0, 2, 1), columns)
    lengths = np.sqrt(np.einsum("spp->sp", products))
    scales = np.where(lengths == 0, 1.0, lengths)
    answer = np.zeros((sets, size), dtype=bool)
    doubtful = np.ones(sets, dtype=bool)
    if count >= size:
        doubtful = np.linalg.eigvalsh(products / scales[:, None] / scales[..., None])[:, 0] <= _CLEAR
    for number in np.flatnonzero(doubtful).tolist():
        answer[number] = _open(columns[number], scales[number])
    return answer


def free_directions(columns: Array) -> Array:
    """Directions (M, P) that change no output of one design matrix (N, P), each 1 where others are 0."""
    lengths = np.linalg.norm(columns, axis=0)
    scales = np.where(lengths == 0, 1.0, lengths)
    free = _kernel(columns, scales) / scales
    for number in range(len(free)):
        row = free[number]
        pivot = int(np.argmax(np.abs(row) * scales))
        free[number] = row / row[pivot]
        for other in range(len(free)):
            if other != number:
                free[other] -= free[other, pivot] * free[number]
    largest = np.abs(free * scales).max(axis=1, initial=0.0, keepdims=True)
    return np.where(np.abs(free * scales) <= _NEGLIGIBLE * largest, 0.0, free)


def _open(columns: Array, scales: Array) -> NDArray[np.bool_]:
    """(P,) from one design matrix and the numbers that its columns are divided by."""
    return np.asarray(np.linalg.norm(_kernel(columns, scales), axis=0) > _NEGLIGIBLE)


def _kernel(columns: Array, scales: Array) -> Array:
    """Orthonormal directions (M, P) that change no output of columns divided by their scales."""
    _, values, directions = np.linalg.svd(triangle_by_rows(columns, scales), full_matrices=True)
    rank = np.count_nonzero(values > rounding_of_rank(values, columns.shape))
    return np.asarray(directions[rank:])
