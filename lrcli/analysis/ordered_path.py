"""The way of the parameters where every epoch has the same batches in the same order: one linear map."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from lrcli.analysis.linear_maps import after
from lrcli.analysis.quadratics import Array, Quadratic, SquaredErrors
from lrcli.analysis.theory import Rule

__all__ = ["OrderedPath", "batches_of"]


@dataclass(frozen=True, eq=False)
class OrderedPath:
    """A `lrcli.analysis.forecast.Path` at a constant rate.

    Attributes:
        errors: the training loss.
        objective: what an epoch makes small, all its batches taken together.
        start: (P,) the parameters.
        rule: of SGD.
        hessians: (n, P, P) of the batches, weight decay included.
        slopes: (n, P) the gradients of the batches where training starts.
    """

    errors: SquaredErrors
    objective: Quadratic
    start: Array
    rule: Rule
    hessians: Array
    slopes: Array

    def losses(self, epochs: NDArray[np.int64], lr: Array) -> Array:
        return np.stack([self.errors.of(self.parameters(epochs, rate)) for rate in lr.tolist()], axis=1)

    def parameters(self, epochs: NDArray[np.int64], lr: float) -> Array:
        size = len(self.start)
        state = np.append(np.zeros(2 * size), 1.0)
        first = self._epoch(lr, first=True) @ state
        found = after(np.maximum(epochs - 1, 0), self._epoch(lr), first)
        found[epochs == 0] = state
        return np.asarray(self.start + found[:, :size])

    def gaps(self, epochs: NDArray[np.int64], lr: Array) -> Array:
        directions = self.objective.directions[:, self.objective.curved]
        learned = np.stack([self.parameters(epochs, rate) for rate in lr.tolist()], axis=1)
        return np.asarray(((self.objective.reference - learned) @ directions) @ directions.T)

    def _epoch(self, rate: float, *, first: bool = False) -> Array:
        """The map of (how far the parameters have come, velocity, 1) in an epoch."""
        size = len(self.start)
        whole = np.eye(2 * size + 1)
        with np.errstate(all="ignore"):
            for number, (hessian, slope) in enumerate(zip(self.hessians, self.slopes, strict=True)):
                intake = 1.0 if first and number == 0 else self.rule.intake
                whole = _step(hessian, slope, rate, intake, self.rule) @ whole
        return whole


def _step(hessian: Array, slope: Array, rate: float, intake: float, rule: Rule) -> Array:
    size = len(slope)
    gradient = np.column_stack([hessian, np.zeros((size, size)), slope])
    old = np.column_stack([np.zeros((size, size)), np.eye(size), np.zeros(size)])
    velocity = intake * gradient + rule.momentum * old
    taken = gradient + rule.momentum * velocity if rule.nesterov else velocity
    step = np.eye(2 * size + 1)
    step[:size] -= rate * taken
    step[size : 2 * size] = velocity
    return step


def batches_of(count: int, sizes: Sequence[int]) -> list[slice]:
    """The slices of consecutive batches."""
    edges = np.minimum(np.cumsum([0, *sizes]), count).tolist()
    return [slice(low, high) for low, high in pairwise(edges)]
