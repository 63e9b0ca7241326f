"""What minimises a sum of absolute errors and a weight decay, of many sets of data at once.

An active-set method (Nocedal and Wright 2006, section 16.5): some residuals are held at zero, the signs of
the others are known, so what is left is a parabola; the step goes towards its lowest point, as far as the sum
becomes smaller, and a residual that stops it is held at zero from then on. Multipliers, none larger than 1,
prove the minimum; a residual whose multiplier is larger is let go.
"""

import numpy as np
from numpy.typing import NDArray

from lrcli.analysis.linear_fit import fit_linear
from lrcli.analysis.m_estimation import RobustFit

__all__ = ["penalised_absolute_fits"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

_CERTAIN = 1e-9  # by which multipliers may be above 1, or must be below it for a minimum to be the only one
_ZERO = 1e-12  # of the largest sums that a residual is the difference of: it is none
_FLAT = 1e-13  # of the steepest curvature: there is none
_MOST_ZERO = 1000  # residuals for which other multipliers are searched for; more take seconds
_PROVED = 1e-10  # of the largest terms that must add up to zero


def penalised_absolute_fits(columns: Array, targets: Array, penalty: Array) -> RobustFit:
    """The parameters that make (sum of absolute errors) + (sum of penalty p^2) / 2 smallest.

    Args:
        columns: (K, N, P).
        targets: (K, N).
        penalty: (K, P).
    """
    lengths = np.linalg.norm(columns, axis=1)
    scales = np.where(lengths == 0, 1.0, lengths)
    starts = fit_linear(columns, targets[..., None], penalty).theta[..., 0] * scales
    theta, opens = np.full(penalty.shape, np.nan), np.zeros(penalty.shape, dtype=bool)
    for number, scale in enumerate(scales):
        search = _Search(columns[number] / scale, targets[number], penalty[number] / scale**2)
        found = search.minimum(starts[number])
        if found is not None:
            theta[number], alone = found
            opens[number] = (penalty[number] == 0) & ~alone
    return RobustFit(theta / scales, opens, np.full((*theta.shape, 2), np.nan))


class _Search:
    """The search for the minimum of one set, its columns (N, P) of length 1."""

    def __init__(self, columns: Array, targets: Array, penalty: Array) -> None:
        self._columns, self._targets, self._penalty = columns, targets, penalty
        self._steps = 100 + 10 * len(penalty)

    def minimum(self, theta: Array) -> tuple[Array, bool] | None:
        """The minimum (P,), and whether it is surely the only one; None where none is proved."""
        held: list[int] = []
        let_go: tuple[int, float] | None = None
        for _ in range(self._steps):
            residuals = self._residuals(theta, held)
            signs = np.sign(residuals)
            if let_go is not None:
                signs[let_go[0]] = let_go[1]
            direction, curved = self._direction(theta, signs, held)
            let_go = None
            share, stopped = self._share(theta, residuals, direction)
            if share > 0 and np.any(np.abs(self._columns @ direction) > 0):
                theta = theta + share * direction
            if stopped is not None:
                held.append(stopped)
                continue
            if share == 1 or not np.any(direction):
                let_go = self._too_large(theta, held)
                if let_go is None:
                    break
                held.remove(let_go[0])
        return self._proved(theta, held, curved)

    def _residuals(self, theta: Array, held: list[int]) -> Array:
        """(N,), zero where they are nothing but rounding."""
        residuals = self._targets - self._columns @ theta
        residuals[held] = 0.0
        sums = np.abs(self._columns) @ np.abs(theta) + np.abs(self._targets)
        return np.where(np.abs(residuals) <= _ZERO * sums, 0.0, residuals)

    def _direction(self, theta: Array, signs: Array, held: list[int]) -> tuple[Array, bool]:
        """The step to the lowest point of the parabola of some signs, and whether it is curved everywhere.

        Where it falls without end, a direction in which it does.
        """
        basis = np.linalg.svd(self._columns[held], full_matrices=True)[2][len(held) :].T
        slope = basis.T @ (self._penalty * theta - self._columns.T @ signs)
        bends, axes = np.linalg.eigh((basis.T * self._penalty) @ basis)
        flat = bends <= _FLAT * self._penalty.max(initial=0.0)
        along = axes.T @ slope
        terms = np.abs(self._penalty * theta).max(initial=0.0) + np.sqrt(len(signs))
        along[np.abs(along) <= _PROVED * terms] = 0.0
        steps = np.where(flat, along, along / np.where(flat, 1.0, bends))
        if np.any(along[flat]):
            steps = np.where(flat, along, 0.0)
        return -basis @ axes @ steps, not flat.any()

    def _share(self, theta: Array, residuals: Array, direction: Array) -> tuple[float, int | None]:
        """How much of a step makes the sum smallest, and the residual that becomes zero there, if any."""
        slopes = self._columns @ direction
        slopes[np.abs(slopes) <= _ZERO * np.abs(self._columns) @ np.abs(direction)] = 0.0
        bend = float(self._penalty @ direction**2)
        start = float((self._penalty * theta) @ direction - np.sign(residuals) @ slopes)
        with np.errstate(divide="ignore", invalid="ignore"):
            reached = np.where(slopes == 0, np.inf, residuals / slopes)
        order = np.argsort(np.where(reached >= 0, reached, np.inf))
        for number in order.tolist():
            at = float(reached[number])
            if not 0 <= at < np.inf:
                break
            if start + bend * at >= 0:
                break
            start += (1 if residuals[number] == 0 else 2) * abs(float(slopes[number]))
            if start + bend * at >= 0:
                return at, number
        return (-start / bend if bend > 0 else 0.0), None

    def _too_large(self, theta: Array, held: list[int]) -> tuple[int, float] | None:
        """The residual with the largest multiplier above 1, and the sign it is to get; None where none is."""
        multipliers = self._multipliers(theta, held)
        largest = int(np.argmax(np.abs(multipliers))) if held else 0
        if not held or abs(multipliers[largest]) <= 1 + _CERTAIN:
            return None
        return held[largest], float(np.sign(multipliers[largest]))

    def _multipliers(self, theta: Array, held: list[int]) -> Array:
        pull = self._columns.T @ np.sign(self._residuals(theta, held))
        return np.asarray(np.linalg.lstsq(self._columns[held].T, self._penalty * theta - pull, rcond=None)[0])

    def _proved(self, theta: Array, held: list[int], curved: bool) -> tuple[Array, bool] | None:
        """The same parameters, where they are a minimum, and whether it is surely the only one."""
        residuals = self._residuals(theta, held)
        zero = np.flatnonzero(residuals == 0).tolist()
        multipliers = self._multipliers(theta, zero)
        pull = self._columns.T @ np.sign(residuals)
        missing = self._penalty * theta - pull
        if np.abs(multipliers).max(initial=0.0) > 1 + _CERTAIN:  # more are zero than must be
            if len(zero) > _MOST_ZERO:
                return None
            multipliers = _within_one(self._columns[zero], missing)
        terms = np.abs(self._penalty * theta).max(initial=0.0) + np.sqrt(len(residuals))
        if np.any(np.abs(self._columns[zero].T @ multipliers - missing) > _PROVED * terms):
            return None
        inner = bool(np.all(np.abs(multipliers) < 1 - _CERTAIN))
        return theta, bool(np.all(self._penalty > 0)) or (curved and inner and len(zero) == len(held))


def _within_one(corner: Array, missing: Array) -> Array:
    """The multipliers m between -1 and 1 with the smallest |corner' m - missing|."""
    from scipy.optimize import lsq_linear

    return np.asarray(lsq_linear(corner.T, missing, (-1, 1), tol=1e-14).x)
