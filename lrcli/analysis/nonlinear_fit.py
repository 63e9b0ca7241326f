"""What minimises the loss of a curve that is not linear in its parameters, from a point in its valley.

Each step is that of iteratively reweighted least squares on the curve's tangent, shortened as far as it must
be for the loss to become smaller (Marquardt 1963; for Huber's loss, Huber 1981, section 7.8). For absolute
errors the tangent's own minimum is taken, a vertex (Osborne and Watson 1971).
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from lrcli.analysis.m_estimation import absolute_fits
from lrcli.analysis.penalised_absolute import penalised_absolute_fits
from lrcli.components.losses import Loss
from lrcli.components.models.base import Model
from lrcli.components.models.derivatives import DerivativesOfCurve

__all__ = ["CurveFit", "lowest_curve"]

Array = NDArray[np.float64]

_MOST_STEPS = 300
_SETTLED = 1e-13  # of the parameters: a step that is no longer
_LEAST_DAMPING, _MOST_DAMPING = 1e-15, 1e15
_MOST_VERTICES = 30


class CurveFit:
    """The loss of a curve on one set of data, as a function of its parameters (P,).

    Args:
        model: all of whose parameters are single numbers.
        loss: of squared errors, Huber's, or absolute errors.
        inputs: (N, 1).
        targets: (N, 1).
        penalty: (P,) such that penalty p^2 is added to the sum of squared errors, or to twice that of Huber's
            loss or of absolute errors.
    """

    def __init__(self, model: Model, loss: Loss, inputs: Array, targets: Array, penalty: Array) -> None:
        self._model, self._knee = model, loss.knee
        self._names = [parameter.name for parameter in model.parameters(1, 1)]
        self._inputs, self._targets, self._penalty = inputs, targets[:, 0], penalty

    def of(self, parameters: Mapping[str, Array]) -> Array:
        """(P,) the numbers of parameters."""
        return np.array([float(parameters[name]) for name in self._names])

    def named(self, theta: Array) -> dict[str, Array]:
        """From name to number."""
        return {name: np.array(value) for name, value in zip(self._names, theta, strict=True)}

    def residuals(self, theta: Array) -> Array:
        """(N,) targets minus outputs."""
        with np.errstate(over="ignore", invalid="ignore"):
            outputs = self._model.outputs(self.named(theta), self._inputs)
        return np.full(len(self._targets), np.nan) if outputs is None else self._targets - outputs[:, 0]

    def slopes(self, theta: Array) -> Array:
        """(N, P) the derivatives of the outputs."""
        with np.errstate(over="ignore", invalid="ignore"):
            found = self._model.derivatives(self.named(theta), self._inputs)
        if isinstance(found, DerivativesOfCurve):
            return found.firsts
        return np.full((len(self._targets), len(theta)), np.nan)

    def value(self, theta: Array) -> float:
        """The sum of squared errors, or of what stands in its place, and the penalty."""
        sizes = np.abs(self.residuals(theta))
        if self._knee == 0:
            return float(sizes.sum() + np.sum(self._penalty * theta**2) / 2)
        edge = sizes if self._knee is None else np.minimum(sizes, self._knee)
        with np.errstate(over="ignore", invalid="ignore"):
            return float(np.sum(edge * (2 * sizes - edge)) + np.sum(self._penalty * theta**2))

    def minimum(self, start: Array) -> Array | None:
        """The parameters (P,) at the bottom of a valley; None where the steps do not settle."""
        if not np.isfinite(self.value(start)):
            return None
        if self._knee == 0:
            return self._vertex(start)
        theta, damping, value = start, 1e-3, self.value(start)
        for _ in range(_MOST_STEPS):
            step = self._step(theta, damping)
            if step is None:
                return None
            new = self.value(theta + step)
            lower = new < value
            if lower:
                theta, value = theta + step, new
            if np.all(np.abs(step) <= _SETTLED * np.abs(theta)):
                return theta
            damping = max(damping / 10, _LEAST_DAMPING) if lower else damping * 10
            if not damping < _MOST_DAMPING:  # no step is short enough: the rounding of the sum decides
                return theta
        return None

    def _step(self, theta: Array, damping: float) -> Array | None:
        """The s with the smallest weighted |J s - r|^2 + penalties + damping |D s|^2, D their lengths."""
        residuals, slopes = self.residuals(theta), self.slopes(theta)
        if not (np.isfinite(residuals).all() and np.isfinite(slopes).all()):
            return None
        weights = np.ones(len(residuals))
        if self._knee is not None:
            weights = np.sqrt(self._knee / np.maximum(np.abs(residuals), self._knee))
        roots = np.sqrt(self._penalty)
        lengths = np.linalg.norm(slopes, axis=0)
        columns = [slopes * weights[:, None], np.diag(roots), np.diag(np.sqrt(damping) * lengths)]
        right = [residuals * weights, -roots * theta, np.zeros(len(theta))]
        scales = np.where(lengths == 0, 1.0, lengths)
        step = np.linalg.lstsq(np.vstack(columns) / scales, np.concatenate(right), rcond=None)[0]
        return np.asarray(step / scales)

    def _vertex(self, start: Array) -> Array | None:
        theta, value = start, self.value(start)
        for _ in range(_MOST_VERTICES):
            slopes = self.slopes(theta)
            if not np.isfinite(slopes).all():
                return None
            step = self._towards_vertex(slopes, self.residuals(theta), theta)
            if not np.isfinite(step).all():
                return None
            share = 1.0
            while share > 1e-9 and not self.value(theta + share * step) < value * (1 - 1e-14):
                share /= 2
            if share <= 1e-9:
                return theta
            theta = theta + share * step
            value = self.value(theta)
        return None

    def _towards_vertex(self, slopes: Array, residuals: Array, theta: Array) -> Array:
        """The step to the minimum of the tangent's absolute errors, with the penalty."""
        if not self._penalty.any():
            return np.asarray(absolute_fits(slopes[None], residuals[None]).theta[0])
        around = (residuals + slopes @ theta)[None]
        found = penalised_absolute_fits(slopes[None], around, self._penalty[None])
        return np.asarray(found.theta[0] - theta)


def lowest_curve(fit: CurveFit, starts: list[Array]) -> Array | None:
    """The lowest of the minima that some starts lead to, the first of equals; None where none settles."""
    best, lowest = None, np.inf
    for start in starts:
        found = fit.minimum(start)
        if found is not None and fit.value(found) < lowest * (1 - 1e-9):
            best, lowest = found, fit.value(found)
    return best
