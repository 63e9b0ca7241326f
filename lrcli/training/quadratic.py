"""Squared errors of models that are linear in their parameters, without a look at the examples.

With X = Q R, the examples' features and a last column of targets, the sum of squared errors of parameters
theta is |R (theta, -1)|^2: a few numbers for each member, however many examples there are. R is found by
modified Gram-Schmidt, which on the augmented matrix is as accurate as Householder reflections (Bjorck
1967), and every sum is taken in an order of its own, so the numbers depend neither on the population nor on
the number of threads.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from lrcli.components.losses import MSE, HalfMSE
from lrcli.training.problem import Array, Problem, SplitName

__all__ = ["QuadraticForm", "QuadraticLoss", "is_quadratic", "quadratic_form"]


def is_quadratic(problem: Problem) -> bool:
    """Whether the loss is a sum of squares of what is linear in the parameters, and no class is asked for."""
    linear = problem.model.linear_in_parameters and problem.dataset.num_classes is None
    return linear and isinstance(problem.loss, MSE | HalfMSE)


def _reduced(problem: Problem, split: SplitName, dtype: DTypeLike) -> tuple[Array, float]:
    """The triangle of each row of data, (S, P + 1, P + 1), and the loss's factor of the sum of squares."""
    data = problem.splits[split]
    columns = [data.features.astype(dtype)]
    if any(parameter.is_bias for parameter in problem.parameters):
        columns.append(np.ones((*data.features.shape[:2], 1), dtype))
    columns.append(data.targets.astype(dtype))
    halves = 0.5 if isinstance(problem.loss, HalfMSE) else 1.0
    scale = halves / (data.size if problem.loss.reduction == "mean" else 1)
    return _triangles(np.concatenate(columns, axis=2).astype(np.float64)), scale


class QuadraticForm(NamedTuple):
    """A loss as least + (p - minimum)' matrix (p - minimum) / 2; its gradient is matrix (p - minimum).

    Written around the minimum, nothing large cancels where the gradient is small.

    Attributes:
        matrix: (S, P, P).
        minimum: (S, P), the least-squares solution, the shortest where there are several.
        least: (S,) the loss there.
    """

    matrix: Array
    minimum: Array
    least: Array


def quadratic_form(problem: Problem, dtype: DTypeLike) -> QuadraticForm:
    """The loss of the whole training set, of which `is_quadratic` holds, its data rounded to a dtype."""
    triangles, scale = _reduced(problem, "train", dtype)
    roots, targets = triangles[:, :-1, :-1], triangles[:, :-1, -1]
    minimum = np.stack([np.linalg.lstsq(r, y, rcond=None)[0] for r, y in zip(roots, targets, strict=True)])
    return QuadraticForm(
        matrix=2 * scale * np.swapaxes(roots, 1, 2) @ roots,
        minimum=minimum,
        least=scale * np.sum((np.einsum("sij,sj->si", roots, minimum) - targets) ** 2, axis=1)
        + scale * triangles[:, -1, -1] ** 2,
    )


class QuadraticLoss:
    """The loss of a whole split, for any parameters."""

    def __init__(self, problem: Problem, split: SplitName, dtype: DTypeLike) -> None:
        """Reduce the examples to a triangle for each row of data.

        Args:
            problem: of which `is_quadratic` holds.
            split: the examples.
            dtype: to which training rounds them.
        """
        self._triangles, self._scale = _reduced(problem, split, dtype)
        self._most = float(np.finfo(dtype).max)

    def of(self, parameters: Mapping[str, Array], rows: NDArray[np.intp]) -> Array:
        """The loss of each member.

        Args:
            parameters: from name to (R, *shape).
            rows: (R,) each member's row of data.

        Returns:
            (R,); infinite where the training dtype could not hold it.
        """
        theta = [column for values in parameters.values() for column in values.reshape(len(rows), -1).T]
        theta.append(np.full(len(rows), -1.0))
        total = np.zeros(len(rows))
        with np.errstate(over="ignore", invalid="ignore"):
            for i in range(len(theta)):
                projection = np.zeros(len(rows))
                for j in range(i, len(theta)):
                    projection += self._triangles[rows, i, j] * theta[j]
                total += projection * projection
            loss = self._scale * total
        return np.where(loss > self._most, np.inf, loss)


def _triangles(matrices: Array) -> Array:
    """The R of Q R: (S, N, K) to (S, K, K)."""
    rest = np.ascontiguousarray(matrices.transpose(0, 2, 1))
    size = rest.shape[1]
    triangles = np.zeros((len(rest), size, size))
    for k in range(size):
        length = np.sqrt(np.sum(rest[:, k] ** 2, axis=1))
        triangles[:, k, k] = length
        direction = rest[:, k] / np.where(length == 0, 1.0, length)[:, None]
        for j in range(k + 1, size):
            share = np.sum(direction * rest[:, j], axis=1)
            triangles[:, k, j] = share
            rest[:, j] -= share[:, None] * direction
    return triangles
