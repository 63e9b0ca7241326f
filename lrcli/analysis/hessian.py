"""The Hessian of what training makes small, at given parameters: its products with directions.

    scale * (sum of the terms of all examples) + (sum of decay p^2) / 2

in float64, from what models and losses say of their derivatives. The products are exact but for rounding;
where a term or a relu has a corner, they are those on either side of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lrcli.components.losses import Loss
from lrcli.components.models.base import Model
from lrcli.components.models.derivatives import Derivatives, DerivativesOfDesign

__all__ = ["Hessian", "LossHessian", "OfMoved", "Preconditioned", "hessian_at"]

Array = NDArray[np.float64]

_TOGETHER = 2**18  # numbers of all examples, for the directions that are multiplied together


class Hessian(Protocol):
    """A symmetric matrix (P, P) that is known by its products."""

    @property
    def size(self) -> int:
        """P."""

    def products(self, directions: Array) -> Array:
        """(K, P) of (K, P)."""

    def root(self) -> Array | None:
        """(M, P), an R with R'R the matrix, which keeps twice the digits; None where none is at hand."""


@dataclass(frozen=True)
class LossHessian:
    """The Hessian of a loss and of the decay.

    Attributes:
        loss: the loss.
        derivatives: of the model.
        targets: (N, O).
        scale: of the sum of the terms.
        decay: (P,).
    """

    loss: Loss
    derivatives: Derivatives
    targets: Array
    scale: float
    decay: Array

    @property
    def size(self) -> int:
        return len(self.decay)

    @cached_property
    def _slopes(self) -> Array:
        slopes = self.loss.slopes(self.derivatives.outputs, self.targets)
        return np.zeros_like(self.targets) if slopes is None else slopes

    def products(self, directions: Array) -> Array:
        together = max(1, _TOGETHER // self.targets.size)
        chunks = [directions[k : k + together] for k in range(0, len(directions), together)]
        found = [self.derivatives.products(self._slopes, self._bend, chunk) for chunk in chunks]
        return self.scale * np.concatenate(found) + self.decay * directions

    def _bend(self, changes: Array) -> Array:
        return self.loss.bends(self.derivatives.outputs, self.targets, changes)

    def root(self) -> Array | None:
        """The rows of the design matrix, times the roots of their terms' curvature; then the decay's."""
        model = self.derivatives
        if not isinstance(model, DerivativesOfDesign) or model.outputs.shape[1] > 1:
            return None
        weights = self.scale * self._bend(np.ones_like(self.targets))
        rows = np.sqrt(weights) * model.design
        return np.concatenate([rows, np.diag(np.sqrt(self.decay))]) if self.decay.any() else rows


@dataclass(frozen=True)
class Preconditioned:
    """D^-1/2 H D^-1/2, whose eigenvalues are those of D^-1 H.

    Attributes:
        hessian: H.
        diagonal: (P,) of D, positive.
    """

    hessian: Hessian
    diagonal: Array

    @property
    def size(self) -> int:
        return self.hessian.size

    def products(self, directions: Array) -> Array:
        roots = np.sqrt(self.diagonal)
        return self.hessian.products(directions / roots) / roots

    def root(self) -> Array | None:
        rows = self.hessian.root()
        return None if rows is None else rows / np.sqrt(self.diagonal)


@dataclass(frozen=True)
class OfMoved:
    """The rows and columns of a Hessian that belong to what training moves.

    Attributes:
        hessian: (Q, Q).
        moved: (Q,) which are moved, P of them.
    """

    hessian: Hessian
    moved: NDArray[np.bool_]

    @property
    def size(self) -> int:
        return int(np.count_nonzero(self.moved))

    def products(self, directions: Array) -> Array:
        whole = np.zeros((len(directions), len(self.moved)))
        whole[:, self.moved] = directions
        return self.hessian.products(whole)[:, self.moved]

    def root(self) -> Array | None:
        rows = self.hessian.root()
        return None if rows is None else rows[:, self.moved]


def hessian_at(
    model: Model,
    loss: Loss,
    parameters: Mapping[str, Array],
    features: Array,
    targets: Array,
    scale: float,
    decay: Array,
) -> LossHessian | None:
    """The Hessian at some parameters.

    Args:
        model: the model.
        loss: the loss.
        parameters: of one member, from name to array in the parameter's shape, in their canonical order.
        features: (N, F) what the model is given.
        targets: (N, O).
        scale: of the sum of the terms of all examples.
        decay: (P,) the weight decay of each number among the parameters.

    Returns:
        None where the model or the loss has no formula here.
    """
    derivatives = model.derivatives(parameters, features)
    if derivatives is None or loss.slopes(derivatives.outputs, targets) is None:
        return None
    return LossHessian(loss, derivatives, targets, scale, decay)
