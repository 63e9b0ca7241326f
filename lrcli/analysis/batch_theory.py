"""The largest stable learning rate where steps see batches, for losses that are quadratics.

A step of SGD from a batch with the Hessian H maps the pair (distance p, displacement u = rate * velocity) to

    g = rate * H p,   p' = p - a g - c u,   u' = b u + e g

with (a, c, e) = (k, b, k) for momentum b that takes the share k of a gradient, and (1 + b, b^2, 1) with
nesterov. The gradient's noise at the minimum moves where the pair ends up, not whether it stays bounded.

- **Batches in a fixed order** (no shuffling): an epoch is one linear map, the product of those of its
  batches, and stable where its spectral radius is below 1.
- **Random batches**: E[pp'] follows a linear map too, the second-moment operator; training is stable in mean
  square where its spectral radius is below 1: then the mean of the loss over many runs stays bounded, while
  a single run may still do well somewhat above. Batches are taken to be independent, each drawn without
  replacement; those of a shuffled epoch even each other out, which lets rates up to a quarter higher pass
  where momentum or decay make steps remember. A smaller last batch is taken to come at random, which is
  cautious. For half the squared error, B examples of D Gaussian features and a bias the limit is nearly
  2 B / (B + D + 2); for all examples at once it is that of `lrcli.analysis.theory`.

The second-moment operator is M -> A M A' + N(M), with the mean map A and what the batches' differences add.
Where A is stable, its spectral radius is below 1 exactly where that of N (1 - A . A')^-1 is, since both are
positive maps (Schneider 1965). That one acts on matrices of the parameters' size alone: along eigenvectors i
and j of the mean Hessian (1 - A . A')^-1 is a 2 x 2 Stein equation.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from lrcli.analysis.theory import Rule, largest_stable_rate

__all__ = ["stable_rate_in_order", "stable_rate_of_random_batches"]

Array = NDArray[np.float64]

_MOST_PARAMETERS = 100
_MOST_WORK = 3e9  # multiplications, about: a second or two
_MOST_NUMBERS = 5e6  # examples times squared parameters
_NEGLIGIBLE = 1e-12  # of the largest eigenvalue: directions that nothing moves along
_RATIO = 1.05  # between the rates that are tried
_PRECISION = 1e-6  # of an answer


def _coefficients(rule: Rule) -> tuple[float, float, float]:
    """(a, c, e) of the module's docstring."""
    b = rule.momentum
    return (1 + b, b * b, 1.0) if rule.nesterov else (rule.intake, b, rule.intake)


def stable_rate_in_order(hessians: Array, rule: Rule) -> float | None:
    """The largest rate below which an epoch of batches in a fixed order is stable.

    Args:
        hessians: (n, P, P) of the batches, weight decay included.
        rule: of SGD.

    Returns:
        None where there is none, or it would take too long to find.
    """
    values, vectors = np.linalg.eigh(hessians.mean(axis=0))
    moved = vectors[:, values > _NEGLIGIBLE * values[-1]]
    start = largest_stable_rate(float(values[-1]), rule) if moved.size else None
    size = 2 * moved.shape[1]
    if start is None or len(hessians) * size**3 * 150 > _MOST_WORK:
        return None
    reduced = moved.T @ hessians @ moved
    a, c, e = _coefficients(rule)

    def radius(rate: float) -> float:
        unit, epoch = np.eye(size // 2), np.eye(size)
        for h in reduced:
            step = np.block([[unit - a * rate * h, -c * unit], [e * rate * h, rule.momentum * unit]])
            epoch = step @ epoch
        return float(np.abs(np.linalg.eigvals(epoch)).max())

    below = start / 100
    while below < 10 * start and radius(below) < 1:
        below *= _RATIO
    if not start / 100 < below < 10 * start:
        return None
    return _crossing(radius, below / _RATIO, below)


def stable_rate_of_random_batches(
    columns: Array, curvature: float, decay: Array, sizes: Sequence[int], rule: Rule
) -> float | None:
    """The largest rate that is stable in mean square.

    Args:
        columns: (N, P) the design matrix.
        curvature: k, where a batch of B rows x has the Hessian (k / B) times the sum of x x'.
        decay: (P,) the weight decay of each number among the parameters.
        sizes: of the batches of an epoch; each step has one of them with equal chance.
        rule: of SGD.

    Returns:
        None where there is none, or it would take too long to find.
    """
    count, size = columns.shape
    if size > _MOST_PARAMETERS or count * size**2 > _MOST_NUMBERS:
        return None
    mean = curvature * columns.T @ columns / count
    values, vectors = np.linalg.eigh(mean + np.diag(decay))
    kept = values > _NEGLIGIBLE * values[-1]
    values, vectors = values[kept], vectors[:, kept]
    limit = largest_stable_rate(float(values[-1]), rule) if kept.any() else None
    if limit is None:
        return None
    rotated = columns @ vectors
    mean = vectors.T @ mean @ vectors
    share = float(np.mean([(count - n) / (max(count - 1, 1) * n) for n in sizes]))

    def noise(matrix: Array) -> Array:
        """What the differences between batches add to the second moment."""
        lengths = np.sum((rotated @ matrix) * rotated, axis=1)
        fourth = curvature**2 * (rotated * lengths[:, None]).T @ rotated / count
        return np.asarray(share * (fourth - mean @ matrix @ mean))

    start = noise(np.eye(len(values)))
    if not np.abs(start).max() > _NEGLIGIBLE * values[-1] ** 2:  # all batches are alike
        return limit

    def radius(rate: float) -> float:
        nonlocal start  # the answer for one rate is near that for the next
        weights = rate**2 * _stein(values, rate, rule)
        value, start = _largest_eigenvalue(lambda matrix: noise(weights * matrix), start)
        return value

    high, low = limit * (1 - 1e-6), limit / 2
    while radius(low) >= 1:
        high, low = low, low / 2
    return _crossing(radius, low, high)


def _stein(values: Array, rate: float, rule: Rule) -> Array:
    """What a unit of noise in the gradient adds to E[pp'] in all, over the squared rate, (P, P).

    For eigenvalues i and j of the mean Hessian: the corner of X = A_i X A_j' + w w', w = (-a, e).
    """
    a, c, e = _coefficients(rule)
    maps = np.empty((len(values), 2, 2))
    maps[:, 0, 0], maps[:, 0, 1] = 1 - a * rate * values, -c
    maps[:, 1, 0], maps[:, 1, 1] = e * rate * values, rule.momentum
    size = len(values)
    pairs = np.einsum("iab,jcd->ijacbd", maps, maps).reshape(size, size, 4, 4)
    once = np.outer([-a, e], [-a, e]).reshape(4, 1)
    solution = np.linalg.solve(np.eye(4) - pairs, np.broadcast_to(once, (size, size, 4, 1)))
    return np.asarray(solution[:, :, 0, 0])


def _largest_eigenvalue(apply: Callable[[Array], Array], start: Array) -> tuple[float, Array]:
    """Of a map that keeps positive semidefinite matrices so, and its matrix, by repeated application."""
    matrix, value = start / np.linalg.norm(start), 0.0
    for _ in range(1000):
        image = apply(matrix)
        before, value = value, float(np.linalg.norm(image))
        matrix = image / value
        if abs(value - before) < 0.1 * _PRECISION * value:
            break
    return value, matrix


def _crossing(radius: Callable[[float], float], low: float, high: float) -> float:
    """Where a spectral radius passes 1 between two rates, by regula falsi with the Illinois rule.

    Source: Dowell and Jarratt 1971.
    """
    below, above = np.log(radius(low)), np.log(radius(high))
    last = 0
    for _ in range(100):
        middle = (low * above - high * below) / (above - below)
        value = np.log(radius(middle))
        if value < 0:
            low, below = middle, value
            above = above / 2 if last == -1 else above
        else:
            high, above = middle, value
            below = below / 2 if last == 1 else below
        last = int(np.sign(value))
        if value == 0 or high - low < _PRECISION * high or abs(value) < 0.1 * _PRECISION:
            return float(middle)
    return float(low)
