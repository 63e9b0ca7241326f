"""The smallest sum of absolute errors of one set of data by SciPy's linear programming.

It may be reached at many points: the median of an even number of examples is any value between the two in
the middle. How far each parameter may then go, the sum no larger, is found by further programs.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lrcli.analysis.linear_fit import fit_linear

__all__ = ["Program", "programmed"]

Array = NDArray[np.float64]

_MOST_WORK = 2e7  # N^2 P^1.5 of a set, which takes two seconds, or so, and
_MOST_OF_ALL = 1e8  # of all sets that are looked at
_APART = 1e-6  # of the largest target: ends of an interval that are not one point


class Program(NamedTuple):
    """The minimum of one set.

    Attributes:
        theta: (P,); NaN where it was not found.
        open: (P,) the numbers, in other units, of which other values are as good.
        ends: (P, 2) their least and greatest values; NaN of others, and where there are none.
    """

    theta: Array
    open: NDArray[np.bool_]
    ends: Array


def programmed(columns: Array, targets: Array, change: Array, sets: int = 1) -> Program:
    """The minimum of the sum of absolute errors, and how far the numbers may go.

    None is found where that would take too long.

    Args:
        columns: (N, P).
        targets: (N,).
        change: (P, P) to other units, as in `lrcli.analysis.linear_fit.fit_linear`.
        sets: how many may be looked at in all.
    """
    count, size = columns.shape
    theta, opens = np.full(size, np.nan), np.zeros(size, dtype=bool)
    ends = np.full((size, 2), np.nan)
    if count**2 * size**1.5 > min(_MOST_WORK, _MOST_OF_ALL / sets):
        return Program(theta, opens, ends)
    lengths = np.linalg.norm(columns, axis=0)
    unit = np.abs(targets).max() or 1.0
    units = unit * np.sqrt(count) / np.where(lengths == 0, 1.0, lengths)
    scaled, right = columns * units / unit, targets / unit
    best = _solved(scaled, right, np.zeros(size), None)
    if best is None:
        return Program(theta, opens, ends)
    least = float(np.abs(right - scaled @ best).sum())
    for number, combination in enumerate((change * units[:, None]).T):
        length = float(np.linalg.norm(combination))
        axis = combination / length
        found = [_solved(scaled, right, sign * axis, least) for sign in (1, -1)]
        reached = np.array([np.nan if end is None else axis @ end for end in found])
        opens[number] = not reached[1] - reached[0] <= _APART
        if opens[number]:
            ends[number] = reached * length
    return Program(_polished(best, scaled, right) * units, opens, ends)


def _solved(columns: Array, targets: Array, wanted: Array, least: float | None) -> Array | None:
    """The theta with the smallest sum of absolute errors; or the smallest wanted' theta within least."""
    from scipy.optimize import linprog
    from scipy.sparse import csr_array, eye_array, hstack

    count, size = columns.shape
    none, errors = np.zeros(2 * count), np.concatenate([np.zeros(size), np.ones(2 * count)])
    answer = linprog(
        errors if least is None else np.concatenate([wanted, none]),
        A_ub=None if least is None else errors[None],
        b_ub=None if least is None else [least * (1 + 1e-9) + 1e-12],
        A_eq=hstack([csr_array(columns), eye_array(count), -eye_array(count)]),
        b_eq=targets,
        bounds=[(None, None)] * size + [(0, None)] * (2 * count),
    )
    return np.asarray(answer.x[:size]) if answer.status == 0 else None


def _polished(theta: Array, columns: Array, targets: Array) -> Array:
    """The vertex itself, from a point near it."""
    residuals = np.abs(targets - columns @ theta)
    near = residuals <= 1e-7 * (np.abs(columns) @ np.abs(theta) + np.abs(targets))
    exact = fit_linear(columns[None, near], targets[None, near, None]).theta[0, :, 0] if near.any() else theta
    better = np.abs(targets - columns @ exact).sum() <= residuals.sum() * (1 + 1e-9)
    return exact if better else theta
