"""Curves of training losses, and the levels they are held against; words in `lrcli.analysis.outcomes`."""

import math
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

__all__ = ["FALL", "FLOAT32", "LARGE", "RISE", "Curves"]

Array = NDArray[np.float64]

FALL = 0.02
RISE = 0.05
LARGE = math.log(1.5)
FLOAT32 = 1e-6
_ROUNDING = 1e-12  # of the highest loss, or of 1
_SAME = 1 + FALL  # times the best
_CLOSE = 1.1
_NOISE = 2.0  # times the best: what training owes is less than what the data cannot tell
_LEFT_OF_KNOWN = 0.01  # of what there is to learn, near the best
_LEFT_OF_REACHED = 0.1
_LEFT_OF_TYPICAL = 0.25


@dataclass(frozen=True)
class Curves:
    """M members of n records each, and what their loss may be held against, (M,); NaN where unknown.

    Attributes:
        loss: (M, n), finite.
        start: the loss before training.
        least: the smallest loss that is possible.
        reached: the lowest last loss of the members of the same seed and problem.
        typical: what members of the other seeds have reached: their median, in this seed's unit.
        constant: the loss of the best constant answer.
    """

    loss: Array
    start: Array
    least: Array
    reached: Array
    typical: Array
    constant: Array

    def of(self, members: NDArray[np.bool_]) -> "Curves":
        """The curves of some members (M,)."""
        return Curves(*(getattr(self, field.name)[members] for field in fields(self)))

    @property
    def rounding(self) -> Array:
        """(M,) up to which losses are rounding."""
        return np.asarray(_ROUNDING * np.maximum(1.0, self.loss.max(axis=1)))

    def logarithms(self, loss: Array) -> Array:
        """Of losses (M, T), no lower than what counts as rounding."""
        return np.asarray(np.log(np.maximum(loss, self.rounding[:, None])))

    def at_best(self, loss: Array) -> NDArray[np.bool_]:
        """Whether losses (M,) are the smallest possible ones, as far as that is known."""
        close = (loss <= _CLOSE * self.least) & self._near_least(loss)
        return np.asarray(close | (loss <= _SAME * self.least) | (loss <= self.rounding))

    def in_noise(self, loss: Array) -> NDArray[np.bool_]:
        """Whether less is left to learn of losses (M,) than the data cannot tell at all."""
        return np.asarray((loss <= _NOISE * self.least) & self._near_least(loss) | self.at_best(loss))

    def near(self, loss: Array) -> NDArray[np.bool_]:
        """Whether losses (M,) are near the best."""
        known = np.isfinite(self.least)
        return np.where(
            known, self._near_least(loss) | (loss <= _CLOSE * self.least), self._near_reached(loss)
        ) | (loss <= self.rounding)

    def _near_least(self, loss: Array) -> NDArray[np.bool_]:
        return self._left(loss, self.least, _LEFT_OF_KNOWN)

    def _near_reached(self, loss: Array) -> NDArray[np.bool_]:
        own = self._left(loss, self.reached, _LEFT_OF_REACHED) | (loss <= _CLOSE * self.reached)
        others = self._left(loss, np.minimum(self.typical, self.constant), _LEFT_OF_TYPICAL)
        others |= ~np.isfinite(self.typical)
        return own & others & (loss <= (1 - _LEFT_OF_REACHED) * self.constant)

    def _left(self, loss: Array, best: Array, share: float) -> NDArray[np.bool_]:
        """Whether at most a share of what there is to learn is left."""
        with np.errstate(invalid="ignore"):
            return np.asarray(loss - best <= share * (self.constant - best))
