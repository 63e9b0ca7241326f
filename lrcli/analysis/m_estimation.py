"""What minimises Huber's loss and sums of absolute errors, of many sets of data at once.

Both are convex in the parameters of a model that is linear in them. Huber's loss is made of pieces of
parabolas, on each of which a Newton step arrives at its minimum. Sums of absolute errors have a minimum at a
vertex, where P residuals are zero: near it Huber's loss of smaller width leads (Madsen and Nielsen 1993), and
from vertex to vertex go the steps of Barrodale and Roberts (1973), until the multipliers of linear
programming prove the minimum. Where more residuals are zero than a vertex needs, SciPy's linear programming
decides.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lrcli.analysis.absolute_programs import programmed
from lrcli.analysis.linear_fit import fit_linear, rounding_of_squares

__all__ = ["RobustFit", "absolute_fits", "huber_fits", "huber_from"]

Array = NDArray[np.float64]

_STEPS = 100
_HALVINGS = 40
_SETTLED = 1e-13  # of the largest residuals: a step that changes none by more
_WIDTHS = (1.0, 0.1)  # of the median absolute residual
_CERTAIN = 1e-9  # by which multipliers must stay away from 1 for a minimum to be the only one
_ZERO = 1e-11  # of the largest sums that a residual is the difference of: it is none
_DEPENDENT = 1e-14  # of a column of length 1: what is left of it when others are taken away
_SINGULAR = 1e-11  # smallest eigenvalue of normal equations, columns of length 1: a number is open


class RobustFit(NamedTuple):
    """The minima of K sets.

    Attributes:
        theta: (K, P); NaN where it was not found.
        open: (K, P) the numbers of which other values are as good; in other units, where these are asked for.
        ends: (K, P, 2) the least and the greatest value that is as good, where known; NaN elsewhere.
    """

    theta: Array
    open: NDArray[np.bool_]
    ends: Array


def huber_fits(
    columns: Array,
    targets: Array,
    width: float,
    scale: float,
    decay: Array,
    change: Array | None = None,
) -> RobustFit:
    """The parameters that make scale * (sum of Huber's losses) + (sum of decay p^2) / 2 smallest.

    Args:
        columns: (K, N, P).
        targets: (K, N).
        width: delta, up to which an error counts as its square.
        scale: of the sum of the examples' losses.
        decay: (K, P).
        change: to other units, as in `lrcli.analysis.linear_fit.fit_linear`.
    """
    penalty = decay / scale
    inverse = np.broadcast_to(np.eye(columns.shape[2]), (len(columns), *[columns.shape[2]] * 2))
    if not penalty.any():
        inverse = _whitening(columns)
        columns = columns @ inverse
    theta = fit_linear(columns, targets[..., None], penalty).theta[..., 0]
    theta = huber_from(theta, columns, targets, np.full(len(theta), width), penalty)
    inside = np.abs(targets - _product(columns, theta)) <= width * (1 + _ZERO)
    turned = inverse.transpose(0, 2, 1)
    opens = _open(columns * inside[..., None], penalty, turned if change is None else turned @ change)
    return RobustFit(_product(inverse, theta), opens, np.full((*theta.shape, 2), np.nan))


def _whitening(columns: Array) -> Array:
    """(K, P, P) with which columns (K, N, P) become orthogonal to each other, if they are independent."""
    lengths = np.linalg.norm(columns, axis=1)
    scales = np.where(lengths == 0, 1.0, lengths)
    triangles = np.asarray(np.linalg.qr(columns / scales[:, None], mode="r"))
    size = columns.shape[2]
    whole = np.zeros((len(columns), size, size))
    whole[:, : triangles.shape[1]] = triangles
    singular = np.abs(np.einsum("kpp->kp", whole)).min(axis=1) <= _DEPENDENT
    whole[singular] = np.eye(size)
    return np.asarray(np.linalg.inv(whole) / scales[..., None])


def absolute_fits(
    columns: Array, targets: Array, change: Array | None = None, sets: int | None = None
) -> RobustFit:
    """The parameters with the smallest sums of absolute errors.

    Args:
        columns: (K, N, P), of full rank.
        targets: (K, N).
        change: to other units, as in `lrcli.analysis.linear_fit.fit_linear`.
        sets: how many there are in all, of which these are some; None: these.
    """
    fit = fit_linear(columns, targets[..., None])
    theta = fit.theta[..., 0].copy()
    exact = np.sum(fit.residuals**2, axis=(1, 2)) <= rounding_of_squares(
        columns, targets[..., None], fit.theta
    )
    left = doubtful = np.flatnonzero(~exact)
    if left.size:
        for share in _WIDTHS:
            sizes = np.median(np.abs(targets[left] - _product(columns[left], theta[left])), axis=1)
            none = np.zeros_like(theta[left])
            widths = np.maximum(share * sizes, np.finfo(float).tiny)
            theta[left] = huber_from(theta[left], columns[left], targets[left], widths, none)
        theta[left], certain = _vertices(theta[left], columns[left], targets[left])
        doubtful = left[~certain]
    opens, ends = np.zeros(theta.shape, dtype=bool), np.full((*theta.shape, 2), np.nan)
    for number in doubtful.tolist():
        own = np.eye(theta.shape[1]) if change is None else change[number]
        data = columns[number], targets[number]
        theta[number], opens[number], ends[number] = programmed(*data, own, sets or len(theta))
    return RobustFit(theta, opens, ends)


def _product(columns: Array, theta: Array) -> Array:
    """X theta: (K, N) of (K, N, P) and (K, P)."""
    return np.asarray((columns @ theta[..., None])[..., 0])


def huber_from(theta: Array, columns: Array, targets: Array, width: Array, penalty: Array) -> Array:
    """The minima (K, P) of sums of Huber's losses of widths (K,) plus penalty p^2 / 2, from a start."""
    theta = theta.copy()
    left = np.arange(len(theta))
    for _ in range(_STEPS):
        data = columns[left], targets[left], width[left], penalty[left]
        step, small = _newton_step(theta[left], *data)
        before = _huber_sum(theta[left], *data)
        share = np.ones(len(left))
        for _ in range(_HALVINGS):
            high = ~small & ~(_huber_sum(theta[left] + share[:, None] * step, *data) < before)
            if not high.any():
                break
            share = np.where(high, share / 2, share)
        else:  # rounding alone is left
            share, small = np.where(high, 0.0, share), small | high
        theta[left] += share[:, None] * step
        left = left[~small]
        if not left.size:
            break
    return theta


def _newton_step(
    theta: Array, columns: Array, targets: Array, width: Array, penalty: Array
) -> tuple[Array, NDArray[np.bool_]]:
    """A step (K, P) on the parabola at hand, and whether it changes no output.

    Where too few residuals are within the width, those outside count as in iteratively reweighted least
    squares, which never overshoots.
    """
    residuals = targets - _product(columns, theta)
    sizes = np.abs(residuals)
    inside = sizes <= width[:, None]
    slopes = np.clip(residuals, -width[:, None], width[:, None])
    gradient = np.einsum("knp,kn->kp", columns, slopes) - penalty * theta
    weights = inside.astype(np.float64)
    singular = _open(columns * weights[..., None], penalty).any(axis=1)
    if singular.any():
        soft = np.minimum(1.0, width[singular, None] / np.maximum(sizes[singular], width[singular, None]))
        weights[singular] = soft
    matrix = np.matmul(columns.transpose(0, 2, 1), columns * weights[..., None])
    matrix += np.eye(matrix.shape[1]) * penalty[..., None]
    lengths = np.sqrt(np.einsum("kpp->kp", matrix))
    lengths = np.where(lengths == 0, 1.0, lengths)
    scaled = matrix / lengths[:, None] / lengths[..., None]
    inverse = np.linalg.pinv(scaled, rcond=1e-13, hermitian=True)
    step = np.einsum("kpq,kq->kp", inverse, gradient / lengths) / lengths
    moved = np.abs(_product(columns, step)).max(axis=1)
    return step, moved <= _SETTLED * np.abs(targets).max(axis=1)


def _huber_sum(theta: Array, columns: Array, targets: Array, width: Array, penalty: Array) -> Array:
    sizes = np.abs(targets - _product(columns, theta))
    edge = np.minimum(sizes, width[:, None])
    return np.asarray(np.sum(edge * (sizes - edge / 2), axis=1) + np.sum(penalty * theta**2, axis=1) / 2)


def _open(columns: Array, penalty: Array, change: Array | None = None) -> NDArray[np.bool_]:
    """(K, P) the numbers, in other units, that the squares of some examples and a penalty leave open."""
    matrix = np.matmul(columns.transpose(0, 2, 1), columns)
    matrix += np.eye(matrix.shape[1]) * penalty[..., None]
    lengths = np.sqrt(np.einsum("kpp->kp", matrix))
    scales = np.where(lengths == 0, 1.0, lengths)
    values, vectors = np.linalg.eigh(matrix / scales[:, None] / scales[..., None])
    free = values <= _SINGULAR
    moved = np.abs(vectors)
    if change is not None and free.any():
        turned = change.transpose(0, 2, 1) / scales[:, None]
        terms = np.abs(turned).sum(axis=2, keepdims=True)
        moved = np.abs(turned @ vectors) / np.where(terms == 0, 1.0, terms)
    return np.asarray(np.any((moved > 1e-5) & free[:, None], axis=2))


# Vertices ------------------------------------------------------------------------------------------


def _vertices(theta: Array, columns: Array, targets: Array) -> tuple[Array, NDArray[np.bool_]]:
    """The best vertex of each set (K, P), and where it is certainly the one minimum."""
    sets, _, size = columns.shape
    theta, certain = theta.copy(), np.zeros(sets, dtype=bool)
    basis = _first_basis(columns, targets - _product(columns, theta))
    left = np.flatnonzero(basis[:, 0] >= 0)
    for _ in range(_STEPS + 10 * size):
        if not left.size:
            break
        corner = np.take_along_axis(columns[left], basis[left][..., None], axis=1)
        right = np.take_along_axis(targets[left], basis[left], axis=1)
        inverse = np.linalg.inv(corner)
        theta[left] = np.einsum("kpq,kq->kp", inverse, right)
        residuals, zero = _residuals(theta[left], columns[left], targets[left], basis[left])
        signs = np.where(zero, 0.0, np.sign(residuals))
        pull = np.einsum("knp,kn->kp", columns[left], signs)
        multipliers = np.einsum("kp,kpq->kq", pull, inverse)
        best = np.argmax(np.abs(multipliers), axis=1)
        largest = np.take_along_axis(multipliers, best[:, None], axis=1)[:, 0]
        degenerate = zero.sum(axis=1) > size
        certain[left] = (np.abs(largest) < 1 - _CERTAIN) & ~degenerate
        moving = (np.abs(largest) > 1 + _CERTAIN) & ~degenerate
        rows = np.flatnonzero(moving)
        direction = inverse[rows, :, best[rows]] * np.sign(largest[rows])[:, None]
        entering = _crossed(residuals[rows], _product(columns[left][rows], direction))
        basis[left[rows], best[rows]] = entering
        left = left[rows]
    return theta, certain


def _first_basis(columns: Array, residuals: Array) -> NDArray[np.intp]:
    """(K, P) examples with small residuals, whose rows do not depend on each other; -1: there are none."""
    size = columns.shape[2]
    order = np.argsort(np.abs(residuals), axis=1)
    basis = order[:, :size].copy()
    lengths = np.linalg.norm(columns, axis=1)
    scaled = (
        np.take_along_axis(columns, basis[..., None], axis=1) / np.where(lengths == 0, 1, lengths)[:, None]
    )
    for number in np.flatnonzero(np.linalg.cond(scaled) > 1e10).tolist():
        basis[number] = _independent(columns[number, order[number]], order[number])
    return basis


def _independent(rows: Array, order: NDArray[np.intp]) -> NDArray[np.intp]:
    """The first of some rows that do not depend on those before them."""
    chosen: list[int] = []
    space: Array = np.zeros((0, rows.shape[1]))
    for number, row in enumerate(rows / np.maximum(np.linalg.norm(rows, axis=0), np.finfo(float).tiny)):
        rest = row - space.T @ (space @ row)
        rest -= space.T @ (space @ rest)
        if np.linalg.norm(rest) > 1e-8 * np.linalg.norm(row):
            chosen.append(number)
            space = np.vstack([space, rest / np.linalg.norm(rest)])
        if len(chosen) == rows.shape[1]:
            return order[chosen]
    return np.full(rows.shape[1], -1)


def _residuals(
    theta: Array, columns: Array, targets: Array, basis: NDArray[np.intp]
) -> tuple[Array, NDArray[np.bool_]]:
    """Residuals (K, N), and which of them are zero but for rounding."""
    residuals = targets - _product(columns, theta)
    np.put_along_axis(residuals, basis, 0.0, axis=1)
    largest = _product(np.abs(columns), np.abs(theta)) + np.abs(targets)
    return residuals, np.abs(residuals) <= _ZERO * largest


def _crossed(residuals: Array, slopes: Array) -> NDArray[np.intp]:
    """(K,) the example whose residual becomes zero where the sum of |r - t g| is smallest, t > 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.where(slopes == 0, np.inf, residuals / slopes)
    ratios[(ratios <= 0) | np.isnan(ratios)] = np.inf
    order = np.argsort(ratios, axis=1)
    weights = np.abs(np.take_along_axis(slopes, order, axis=1))
    # The slope of the sum, just after t = 0, grows by 2 |g| at each zero that is passed.
    start = -np.sum(np.sign(residuals) * slopes, axis=1) + np.sum(np.abs(slopes) * (residuals == 0), axis=1)
    passed = start[:, None] + 2 * np.cumsum(weights, axis=1)
    first = np.argmax(passed >= 0, axis=1)
    return np.take_along_axis(order, first[:, None], axis=1)[:, 0]
