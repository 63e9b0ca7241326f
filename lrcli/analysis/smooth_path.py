"""The way of the parameters under gradient descent, and what shuffled batches add to its loss."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lrcli.analysis.descent import MOVED, SLOPE, Rates, descend
from lrcli.analysis.gradient_noise import GradientNoise
from lrcli.analysis.quadratics import Array, Quadratic, SquaredErrors
from lrcli.analysis.theory import Rule

__all__ = ["SmoothPath"]


@dataclass(frozen=True, eq=False)
class SmoothPath:
    """A `lrcli.analysis.forecast.Path` of gradient descent on all examples, or its like on average.

    Attributes:
        errors: the training loss.
        objective: what a step makes small.
        start: (P,) the parameters.
        rule: of SGD.
        steps_per_epoch: optimizer updates in an epoch.
        schedule: from lr (G,) and steps (T,) to rates (T, G); None: the rate is constant.
        noise: of the batches' gradients; None: every step sees all examples, or the spread is left out.
    """

    errors: SquaredErrors
    objective: Quadratic
    start: Array
    rule: Rule
    steps_per_epoch: int
    schedule: Callable[[Array, NDArray[np.int64]], Array] | None = None
    noise: GradientNoise | None = None

    def losses(self, epochs: NDArray[np.int64], lr: Array) -> Array:
        losses = self.errors.of(self._means(epochs, lr))
        if self.noise is None:
            return losses
        added = self.added(self.noise.spread(epochs, lr))
        return np.where(np.isfinite(added), losses + added, np.inf)

    def added(self, spread: Array) -> Array:
        """What variances along the directions (..., P) add to the training loss."""
        curvatures = self.errors.factor * np.sum((self.errors.roots @ self.objective.directions) ** 2, axis=0)
        with np.errstate(all="ignore"):
            return np.asarray((spread @ curvatures) / 2)

    def parameters(self, epochs: NDArray[np.int64], lr: float) -> Array:
        return self._means(epochs, np.array([lr]))[:, 0]

    def gaps(self, epochs: NDArray[np.int64], lr: Array) -> Array:
        slopes = self._states(epochs, lr)[..., SLOPE]
        curved = self.objective.curved
        with np.errstate(all="ignore"):
            along = -slopes[..., curved] / self.objective.eigenvalues[curved]
            along -= self._shift(epochs, lr)[..., curved]
            return np.asarray(along @ self.objective.directions[:, curved].T)

    def _means(self, epochs: NDArray[np.int64], lr: Array) -> Array:
        """(K, G, P) the mean of the parameters."""
        moved = self._states(epochs, lr)[..., MOVED]
        with np.errstate(all="ignore"):
            moved = moved + self._shift(epochs, lr)
            return np.asarray(self.start + moved @ self.objective.directions.T)

    def _shift(self, epochs: NDArray[np.int64], lr: Array) -> Array:
        """(K, G, P) of the mean along the directions, for batches are shuffled."""
        if self.noise is None:
            return np.zeros((len(epochs), len(lr), len(self.start)))
        return self.noise.shift(epochs, lr)

    def _states(self, epochs: NDArray[np.int64], lr: Array) -> Array:
        schedule = self.schedule
        rates = Rates(lr, None if schedule is None else lambda steps: schedule(lr, steps))
        return descend(self.objective, self.start, epochs * self.steps_per_epoch, rates, self.rule)
