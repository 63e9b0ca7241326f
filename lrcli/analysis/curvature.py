"""The largest and the smallest curvature of a loss: the extreme eigenvalues of its Hessian.

A small matrix is written down, column by column; where it is R'R with R at hand, its eigenvalues are the
squared singular values of R, which keeps condition numbers up to 1e30. Of a large one, known by its
products alone, Lanczos's method finds the ends of the spectrum first (Golub and Van Loan 2013, section
10.1), here with full reorthogonalization, which keeps rounding from finding an eigenvalue twice.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lrcli.analysis.hessian import Hessian

__all__ = [
    "Curvature",
    "Extremes",
    "curvature_of_hessian",
    "extreme_eigenvalues",
    "multiply_adds",
    "seconds_needed",
]

Array = NDArray[np.float64]

_SMALL = 100  # rows of a matrix that is written down
_STEPS = 400  # of Lanczos's method, at most
_USUAL_STEPS = 60  # that it takes
_BETWEEN = 10  # of its steps, between two looks at what they have found
_NUMBERS = 2e7  # that its vectors may have in all
_CLOSE = 1e-6  # of the largest eigenvalue: an error that is small enough
_EPS = float(np.finfo(np.float64).eps)
_PASSES = 6  # through the model, for a product with the Hessian
_CALL, _RATE = 3e-4, 1e9  # seconds, however few the multiply-adds; multiply-adds in a second


@dataclass(frozen=True)
class Extremes:
    """The ends of a spectrum.

    Attributes:
        smallest: the smallest eigenvalue; 0 where rounding alone makes it another number.
        largest: the largest.
        uncertainty: how far either may be off: rounding, and what Lanczos's method has left.
    """

    smallest: float
    largest: float
    uncertainty: float


@dataclass(frozen=True)
class Curvature:
    """The curvature of what training makes small, along the directions in which it is extreme.

    Attributes:
        smallest: negative where the loss is no valley.
        largest: likewise.
        exact: it is the same everywhere, so what follows from it holds everywhere; else it is that at the
            parameters it was asked for.
        uncertainty: how far either may be off.
        preconditioned: the largest one as an adaptive optimizer sees it, each direction in units of its own
            steps; None where there is none such, or its state is not known.
    """

    smallest: float
    largest: float
    exact: bool
    uncertainty: float = 0.0
    preconditioned: float | None = None

    @property
    def condition(self) -> float | None:
        """Largest over smallest; None where the smallest is not above 0, or not surely so."""
        return self.largest / self.smallest if self.smallest > self.uncertainty else None


def curvature_of_hessian(hessian: Hessian, *, exact: bool) -> Curvature | None:
    """The curvature that a Hessian has.

    Args:
        hessian: it.
        exact: it is the same everywhere.

    Returns:
        None where its numbers are not finite.
    """
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        found = _of_root(hessian) or extreme_eigenvalues(hessian.products, hessian.size)
    if found is None or not math.isfinite(found.largest - found.smallest):
        return None
    return Curvature(found.smallest, found.largest, exact, found.uncertainty)


def multiply_adds(size: int, examples: int) -> float:
    """Those that the curvature of a model of so many parameters usually takes, about."""
    return float(_PASSES * examples * size * (size if size <= _SMALL else _steps(size)))


def seconds_needed(size: int, examples: int) -> float:
    """The time that it takes, within a factor of three."""
    calls = 1 if size <= _SMALL else _steps(size)
    return calls * _CALL + multiply_adds(size, examples) / _RATE


def _steps(size: int) -> int:
    """Those that Lanczos usually takes."""
    return min(size, _USUAL_STEPS)


def _of_root(hessian: Hessian) -> Extremes | None:
    """From the singular values of R, where it is at hand and has few columns."""
    rows = hessian.root() if hessian.size <= _SMALL else None
    if rows is None or not np.isfinite(rows).all():
        return None
    triangle = np.linalg.qr(rows, mode="r") if len(rows) > hessian.size else rows
    values = np.linalg.svd(triangle, compute_uv=False)
    least = values[-1] if len(rows) >= hessian.size else 0.0
    rounding = max(rows.shape) * _EPS * values[0]
    smallest = float(least**2) if least > rounding else 0.0
    return Extremes(smallest, float(values[0] ** 2), float(2 * rounding * least + rounding**2))


def extreme_eigenvalues(products: Callable[[Array], Array], size: int) -> Extremes | None:
    """The smallest and the largest eigenvalue of a symmetric matrix (P, P).

    Args:
        products: of the matrix, from directions (K, P) to (K, P).
        size: P.

    Returns:
        None where its numbers are not finite.
    """
    return _of_all(products(np.eye(size))) if size <= _SMALL else _lanczos(products, size)


def _of_all(matrix: Array) -> Extremes | None:
    """Those of a matrix that is written down."""
    if not np.isfinite(matrix).all():
        return None
    values = np.linalg.eigvalsh((matrix + matrix.T) / 2)
    rounding = len(matrix) * _EPS * float(np.abs(values).max())
    smallest, largest = (0.0 if abs(v) <= rounding else float(v) for v in (values[0], values[-1]))
    return Extremes(smallest, largest, rounding)


def _lanczos(products: Callable[[Array], Array], size: int) -> Extremes | None:
    """Until both ends have settled, or it has taken as many steps as it may."""
    most = int(min(size, _STEPS, max(_NUMBERS // size, 2)))
    vectors = np.empty((most, size))
    diagonal, beside = np.zeros(most), np.zeros(most)
    vector = _start(size)
    for k in range(most):
        vectors[k] = vector
        image = products(vector[None])[0]
        if not np.isfinite(image).all():
            return None
        diagonal[k] = vector @ image
        for _ in range(2):  # once leaves what rounding has let in
            image = image - vectors[: k + 1].T @ (vectors[: k + 1] @ image)
        beside[k] = np.linalg.norm(image)
        done = beside[k] <= _EPS * size * np.abs(diagonal[: k + 1]).max()  # nothing lies outside any more
        if done or (k + 1) % _BETWEEN == 0 or k + 1 == most:
            found, settled = _ends(diagonal[: k + 1], beside[: k + 1])
            if done or settled or k + 1 == most:
                return found
        vector = image / beside[k]
    return None


def _start(size: int) -> Array:
    """A direction with a share of every other, always the same: multiples of the golden ratio, modulo 1."""
    numbers = np.arange(1, size + 1) * ((1 + math.sqrt(5)) / 2) % 1 - 0.5
    return np.asarray(numbers / np.linalg.norm(numbers))


def _ends(diagonal: Array, beside: Array) -> tuple[Extremes, bool]:
    """The ends of a tridiagonal matrix, and whether they are those of the whole one.

    Each of its eigenvalues is as near to one of the whole as its residual says (Parlett 1998, theorem 4.5.1).
    """
    matrix = np.diag(diagonal) + np.diag(beside[:-1], 1) + np.diag(beside[:-1], -1)
    values, parts = np.linalg.eigh(matrix)
    error = float(np.abs(beside[-1] * parts[-1, [0, -1]]).max())
    span = float(np.abs(values).max())
    rounding = len(diagonal) * _EPS * span
    smallest, largest = (0.0 if abs(v) <= rounding else float(v) for v in (values[0], values[-1]))
    return Extremes(smallest, largest, max(error, rounding)), error <= _CLOSE * span
