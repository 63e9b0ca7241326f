"""Squared errors of models that are linear in their parameters, without a look at the examples.

With X = Q R, the examples' features and a last column of targets, the sum of squared errors of parameters
theta is |R (theta, -1)|^2: a few numbers for each member, however many examples there are. R is found by
modified Gram-Schmidt, which on the augmented matrix is as accurate as Householder reflections (Bjorck
1967), and every sum is taken in an order of its own, so the numbers depend neither on the population nor on
the number of threads. Libraries of matrix products promise neither.

A triangle of many columns costs more than a look at the examples: see `has_triangle`.
"""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

from lrcli.components.datasets import AnyDataset
from lrcli.components.initializers import Parameter
from lrcli.components.losses import AnyLoss
from lrcli.components.models import AnyModel
from lrcli.training.problem import Array, Problem, Split, SplitName

__all__ = [
    "QuadraticForm",
    "QuadraticLoss",
    "bytes_of_triangle",
    "has_triangle",
    "is_quadratic",
    "quadratic_form",
]

_MOST_COLUMNS = 64  # of a triangle; tests/benchmarks/quadratic.py
_NUMBERS = 2**15  # that are computed with at a time: they stay in the processor's cache
_MOST_NUMBERS = 2**21  # of the examples that are reduced together
_COPIED = 2**17  # numbers of a design matrix that are there twice while they are put in columns


class Fit(Protocol):
    """What is fitted to what, as problems and experiments say it."""

    @property
    def dataset(self) -> AnyDataset: ...

    @property
    def model(self) -> AnyModel: ...

    @property
    def loss(self) -> AnyLoss: ...

    @property
    def parameters(self) -> tuple[Parameter, ...]: ...


def is_quadratic(problem: Fit) -> bool:
    """Whether the loss is a sum of squares of what is linear in the parameters, and no class is asked for."""
    linear = problem.model.linear_in_parameters and problem.dataset.num_classes is None
    return linear and problem.loss.quadratic_factor is not None


def has_triangle(problem: Fit, examples: int) -> bool:
    """Whether the loss of so many examples is to be taken from a triangle: it is quadratic, its columns few.

    The answer depends on the sizes of one member's experiment alone, as its bits do.
    """
    return is_quadratic(problem) and _columns_of(problem) <= min(_MOST_COLUMNS, examples)


def bytes_of_triangle(problem: Fit, examples: int, rows: int) -> int:
    """The memory that it takes to make the triangles of so many rows of data; 0 where there are none."""
    if not has_triangle(problem, examples):
        return 0
    columns = _columns_of(problem)
    return 8 * examples * min(rows, _rows_together(examples, columns)) * (columns + 2)


def _columns_of(problem: Fit) -> int:
    """K: a column for each parameter, one for the targets."""
    return sum(parameter.size for parameter in problem.parameters) + 1


def _rows_together(examples: int, columns: int) -> int:
    """How many rows of data are reduced together."""
    return max(1, _MOST_NUMBERS // (examples * columns))


def _reduced(problem: Problem, split: SplitName, dtype: DTypeLike) -> tuple[Array, float]:
    """The triangle of each row of data, (S, P + 1, P + 1), and the loss's factor of the sum of squares."""
    data = problem.splits[split]
    factor = problem.loss.quadratic_factor or 1.0
    scale = factor / (data.size if problem.loss.reduction == "mean" else 1)
    rows = _rows_together(data.size, _columns_of(problem))
    starts = range(0, len(data.features), rows)
    triangles = [_triangles(_columns(problem, data, slice(a, a + rows), dtype)) for a in starts]
    return np.concatenate(triangles), scale


def _columns(problem: Problem, data: Split, rows: slice, dtype: DTypeLike) -> Array:
    """(rows, K, N) the columns of the design matrix and the targets, as training rounds them."""
    features, targets = data.features[rows], data.targets[rows]
    count, width = len(features), _columns_of(problem)
    columns = np.empty((count, width, data.size))
    step = max(1, _COPIED // (count * width))
    for first in range(0, data.size, step):
        chunk = slice(first, first + step)
        design = problem.model.design(features[:, chunk].astype(dtype))
        columns[:, :-1, chunk] = np.swapaxes(design, 1, 2)
    columns[:, -1] = targets[:, :, 0].astype(dtype)
    return columns


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
        triangles, self._scale = _reduced(problem, split, dtype)
        self._columns = np.ascontiguousarray(triangles.transpose(2, 1, 0))  # (K, K, S), one after the other
        self._most = float(np.finfo(dtype).max)

    def of(self, parameters: Mapping[str, Array], rows: NDArray[np.intp]) -> Array:
        """The loss of each member.

        Args:
            parameters: from name to (R, *shape).
            rows: (R,) each member's row of data.

        Returns:
            (R,); infinite where the training dtype could not hold it.
        """
        loss = np.empty(len(rows))
        step = max(1, _NUMBERS // len(self._columns))
        for first in range(0, len(rows), step):
            chunk = slice(first, first + step)
            theta = [values[chunk].reshape(len(rows[chunk]), -1) for values in parameters.values()]
            loss[chunk] = self._of_some(np.concatenate(theta, axis=1).T, rows[chunk])
        return np.where(loss > self._most, np.inf, loss)

    def _of_some(self, theta: Array, rows: NDArray[np.intp]) -> Array:
        """The loss of members with the parameters (P, R), each sum from its first term to its last."""
        numbers = [*np.ascontiguousarray(theta), np.full(len(rows), -1.0)]
        projections = np.zeros((len(numbers), len(rows)))
        total = np.zeros(len(rows))
        with np.errstate(over="ignore", invalid="ignore"):
            for j, number in enumerate(numbers):
                projections[: j + 1] += self._columns[j, : j + 1].take(rows, axis=1) * number
            for projection in projections:
                total += projection * projection
            return self._scale * total


def _triangles(columns: Array) -> Array:
    """The R of Q R of matrices (S, K, N), a row for each column, which are used up: (S, K, K)."""
    size, examples = columns.shape[1:]
    together = max(1, _NUMBERS // (len(columns) * examples))
    triangles = np.zeros((len(columns), size, size))
    for k in range(size):
        length = np.sqrt(np.sum(columns[:, k] ** 2, axis=1))
        triangles[:, k, k] = length
        direction = (columns[:, k] / np.where(length == 0, 1.0, length)[:, None])[:, None]
        for first in range(k + 1, size, together):
            rest = columns[:, first : first + together]
            share = np.sum(direction * rest, axis=2)
            triangles[:, k, first : first + together] = share
            rest -= share[:, :, None] * direction
    return triangles
