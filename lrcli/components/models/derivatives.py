"""How the outputs of a model answer to small changes of its parameters: first and second derivatives.

A function of the outputs, with slopes s = df/do and the curvature C = d^2f/do^2, has in the parameters the
gradient J's and the Hessian J'CJ + (sum of s_n d^2o_n), J = do/dp. No Hessian need be written down: its
product with a direction takes a few times the work of a gradient (Pearlmutter 1994).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Array", "Bend", "Derivatives", "DerivativesOfCurve", "DerivativesOfDesign", "curve_derivatives"]

Array = NDArray[np.float64]
Bend = Callable[[Array], Array]


class Derivatives(Protocol):
    """A model at given parameters and inputs.

    The P numbers among the parameters are in their canonical order.
    """

    @property
    def outputs(self) -> Array:
        """(N, O)."""

    def gradient(self, slopes: Array) -> Array:
        """J's, (P,).

        Args:
            slopes: (N, O) of a function of the outputs.
        """

    def products(self, slopes: Array, bend: Bend, directions: Array) -> Array:
        """The Hessian of a function of the outputs, times some directions, (K, P).

        Args:
            slopes: (N, O) of the function.
            bend: its curvature, as a map from changes of the outputs (K, N, O) to changes of the slopes.
            directions: (K, P).
        """


@dataclass(frozen=True)
class DerivativesOfDesign:
    """Of a model that is linear in its parameters: J is the design matrix, and nothing else bends.

    Attributes:
        design: (N, M), where P = M O.
        outputs: (N, O).
    """

    design: Array
    outputs: Array

    def gradient(self, slopes: Array) -> Array:
        return np.asarray(self.design.T @ slopes).reshape(-1)

    def products(self, slopes: Array, bend: Bend, directions: Array) -> Array:
        theta = directions.reshape(len(directions), self.design.shape[1], -1)
        return np.asarray(self.design.T @ bend(self.design @ theta)).reshape(directions.shape)


@dataclass(frozen=True)
class DerivativesOfCurve:
    """Of a curve with one output and a few parameters, each derivative written out.

    Attributes:
        outputs: (N, 1).
        firsts: (N, P) the derivatives by the parameters.
        seconds: (N, P, P) those by two of them.
    """

    outputs: Array
    firsts: Array
    seconds: Array

    def gradient(self, slopes: Array) -> Array:
        return np.asarray(self.firsts.T @ slopes[:, 0])

    def products(self, slopes: Array, bend: Bend, directions: Array) -> Array:
        changes = bend((directions @ self.firsts.T)[:, :, None])[:, :, 0]
        own = np.einsum("n,nij->ij", slopes[:, 0], self.seconds)
        return np.asarray(changes @ self.firsts + directions @ own)


def curve_derivatives(
    outputs: Array, firsts: Sequence[Array], seconds: Sequence[Sequence[Array]]
) -> DerivativesOfCurve:
    """The same from arrays (N,) for each of the P parameters, and for each two of them.

    Args:
        outputs: (N, 1).
        firsts: P of them.
        seconds: P rows of P.
    """
    return DerivativesOfCurve(
        outputs, np.stack(firsts, axis=1), np.stack([np.stack(row, axis=1) for row in seconds], axis=1)
    )
