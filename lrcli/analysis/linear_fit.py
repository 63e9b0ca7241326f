"""Least squares of many sets of data at once: parameters, residuals, and what standard errors are made of.

Columns are divided by their lengths, so units do not matter. The normal equations, whose solution is improved
once by its own residuals, give what a decomposition of X gives in a tenth of the time; where a matrix is too
near to a singular one, X itself is decomposed (Golub and Van Loan 2013, sections 5.3 and 5.5). Of several
solutions it is the shortest.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lrcli.analysis.row_blocks import ROWS, rounding_of_rank, triangle_by_rows

__all__ = ["LinearFit", "fit_linear", "rounding_of_squares"]

Array = NDArray[np.float64]

_CLEAR = 1e-6  # smallest eigenvalue of the normal equations that are taken, columns scaled to length 1
_LOST = 1e-9  # of what a direction adds to an output, column by column: what is more changes it
_ROUNDING = 50 * np.finfo(float).eps  # of the largest sums that a residual is the difference of


class LinearFit(NamedTuple):
    """The solutions of K sets.

    Attributes:
        theta: (K, P, O).
        residuals: (K, N, O) targets minus X theta.
        leverage: (K, P) the diagonal of (X'X)^-1, or of its pseudoinverse; NaN where there is a penalty.
        rank: (K,) of X.
    """

    theta: Array
    residuals: Array
    leverage: Array
    rank: NDArray[np.intp]


def fit_linear(
    columns: Array, targets: Array, penalty: Array | None = None, change: Array | None = None
) -> LinearFit:
    """The theta that make |X theta - y|^2 + sum of penalty theta^2 smallest.

    Args:
        columns: X, (K, N, P).
        targets: y, (K, N, O).
        penalty: (K, P) of each row of theta; None: none.
        change: (K, P, P) whose row j is what becomes, in other units, of parameters of which number j alone
            is 1: the leverage is that of those; None: of theta.
    """
    sets, _, size = columns.shape
    penalties = np.zeros((sets, size)) if penalty is None else penalty
    turned = columns.transpose(0, 2, 1)
    products = np.matmul(turned, columns)
    lengths = np.sqrt(np.einsum("kpp->kp", products))
    scales = np.where(lengths == 0, 1.0, lengths)
    matrix = products / scales[:, None] / scales[..., None]
    matrix += np.eye(size) * (penalties / scales**2)[:, None]
    clear = np.linalg.eigvalsh(matrix)[:, 0] > _CLEAR
    theta = np.zeros((sets, size, targets.shape[2]))
    leverage = np.full((sets, size), np.nan)
    rank = np.full(sets, size)
    inverse = np.linalg.inv(matrix[clear]) / scales[clear][:, None] / scales[clear][..., None]
    leverage[clear] = _diagonal(inverse, None if change is None else change[clear])
    chosen = slice(None) if clear.all() else clear
    for _ in range(2):
        left = targets[chosen] - columns[chosen] @ theta[chosen]
        slopes = turned[chosen] @ left - penalties[chosen][..., None] * theta[chosen]
        theta[chosen] += inverse @ slopes
    for number in np.flatnonzero(~clear).tolist():
        own = None if change is None else change[number]
        theta[number], leverage[number], rank[number] = _decomposed(
            columns[number], targets[number], penalties[number], scales[number], own
        )
    leverage[np.any(penalties > 0, axis=1)] = np.nan
    return LinearFit(theta, targets - columns @ theta, leverage, rank)


def _decomposed(
    columns: Array, targets: Array, penalty: Array, scales: Array, change: Array | None
) -> tuple[Array, Array, int]:
    """The shortest theta (P, O) of one set, its leverage (P,) and the rank."""
    reduced = triangle_by_rows(columns, scales, targets)
    if np.any(penalty > 0):
        penalised = np.hstack(
            [np.diag(np.sqrt(penalty) / scales), np.zeros((len(penalty), targets.shape[1]))]
        )
        reduced = np.asarray(np.linalg.qr(np.vstack([reduced, penalised]), mode="r"))
    triangle, right = reduced[: len(scales), : len(scales)], reduced[: len(scales), len(scales) :]
    left, values, directions = np.linalg.svd(triangle, full_matrices=False)
    rank = int(np.count_nonzero(values > rounding_of_rank(values, columns.shape)))
    kept = directions[:rank] / values[:rank, None] / scales
    theta = kept.T @ (left[:, :rank].T @ right)
    shortest = _projection(columns, directions, rank, scales)
    theta, inverse = shortest @ theta, shortest @ kept.T @ kept @ shortest.T
    return theta, _diagonal(inverse[None], None if change is None else change[None])[0], rank


def _projection(columns: Array, directions: Array, rank: int, scales: Array) -> Array:
    """(P, P) that takes from parameters what changes no output, which leaves the shortest of them.

    Nothing is taken where columns of very different lengths depend on each other: what is shortest is then
    lost in rounding.
    """
    size = directions.shape[1]
    if rank == size:
        return np.eye(size)
    whole = np.linalg.svd(directions[:rank], full_matrices=True)[2] if rank else np.eye(size)
    free = np.linalg.qr((whole[rank:] / scales).T)[0]
    lost = np.linalg.norm(columns @ free, axis=0) > _LOST * np.linalg.norm(scales[:, None] * free, axis=0)
    return np.eye(size) if lost.any() else np.eye(size) - free @ free.T


def _diagonal(inverse: Array, change: Array | None) -> Array:
    """(K, P) the diagonals of matrices (K, P, P), in other units."""
    if change is None:
        return np.asarray(np.einsum("kpp->kp", inverse))
    return np.asarray(np.einsum("kip,kij,kjp->kp", change, inverse, change))


def rounding_of_squares(columns: Array, targets: Array, theta: Array) -> Array:
    """The sum of squared residuals (K,) that rounding alone may leave.

    Args:
        columns: (K, N, P).
        targets: (K, N, O).
        theta: (K, P, O).
    """
    sums = np.zeros(len(columns))
    for start in range(0, columns.shape[1], ROWS):
        rows = slice(start, start + ROWS)
        largest = np.abs(columns[:, rows]) @ np.abs(theta) + np.abs(targets[:, rows])
        sums += np.sum((_ROUNDING * largest) ** 2, axis=(1, 2))
    return sums
