"""Losses that are quadratics of the parameters, along the axes on which they fall apart.

A squared error of a model that is linear in its parameters, o = X theta, is 1/2 |A theta - y|^2, and weight
decay adds 1/2 theta' D theta. Along the eigenvectors of its Hessian H = A'A + D it is a sum of parabolas,
each with a path of its own under gradient descent. The eigenvectors are the right singular vectors of A and
the root of D stacked, so small eigenvalues are as exact as singular values, to a condition number of 1e24
and not of 1e12; a triangle (Q R) takes the place of the examples.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lrcli.analysis.row_blocks import rounding_of_rank, triangle_by_rows

__all__ = ["Array", "Quadratic", "SquaredErrors", "quadratic", "triangle"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class SquaredErrors:
    """factor / 2 |A theta - y|^2, for any theta, in a few numbers.

    Attributes:
        roots: (K, P) the triangle that stands for A.
        targets: (K,) what it is to give.
        rest: what no theta takes off the squared errors.
        factor: of the half of them.
    """

    roots: Array
    targets: Array
    rest: float
    factor: float = 1.0

    def of(self, theta: Array) -> Array:
        """The losses of parameters (..., P); infinite where they are too large to compute with."""
        with np.errstate(over="ignore", invalid="ignore"):
            errors = theta @ self.roots.T - self.targets
            losses = self.factor / 2 * (np.sum(errors**2, axis=-1) + self.rest)
        return np.asarray(np.where(np.isfinite(losses), losses, np.inf))


@dataclass(frozen=True)
class Quadratic:
    """A quadratic along its own axes, the P eigenvectors of its Hessian.

    Attributes:
        eigenvalues: (P,) from the largest to the smallest; 0 where rounding alone would say another number.
        directions: (P, P) the eigenvectors, as columns.
        reference: (P,) the minimum, the shortest where there are several.
    """

    eigenvalues: Array
    directions: Array
    reference: Array
    _targets: Array  # (P,) what the singular values times the parameters along each direction should be

    @property
    def curved(self) -> NDArray[np.bool_]:
        """(P,) the directions along which the loss changes at all."""
        return self.eigenvalues > 0

    def slopes(self, theta: Array) -> Array:
        """The gradient along each direction, (P,), at parameters (P,)."""
        roots = np.sqrt(self.eigenvalues)
        return np.asarray(roots * (roots * (theta @ self.directions) - self._targets))


def triangle(columns: Array, targets: Array, factor: float = 1.0) -> SquaredErrors:
    """factor / 2 |A theta - y|^2 of columns (N, P) and targets (N,), reduced."""
    size = columns.shape[1]
    whole = triangle_by_rows(columns, np.ones(size), targets[:, None])
    rest = float(whole[size, size] ** 2) if len(whole) > size else 0.0
    return SquaredErrors(whole[:size, :size], whole[:size, size], rest, factor)


def quadratic(errors: SquaredErrors, decay: Array) -> Quadratic:
    """The half of squared errors, without their factor, and half of decay theta^2.

    Args:
        errors: what is made small.
        decay: (P,) the weight decay of each parameter.
    """
    columns = np.vstack([errors.roots, np.diag(np.sqrt(decay))])
    goal = np.append(errors.targets, np.zeros(len(decay)))
    whole = np.asarray(np.linalg.qr(np.column_stack([columns, goal]), mode="r"))
    size = len(decay)
    left, found, right = np.linalg.svd(whole[:size, :size])
    singular = np.where(found > rounding_of_rank(found, columns.shape), found, 0.0)
    targets = np.where(singular > 0, left.T @ whole[:size, size], 0.0)
    shares = np.divide(targets, singular, out=np.zeros(size), where=singular > 0)
    return Quadratic(singular**2, right.T, right.T @ shares, targets)
