"""First and second derivatives of a network's outputs by its weights and biases.

Backpropagation, and its derivative along a direction, Pearlmutter's R{.} (1994): with h = act(z) and
z = h_before w + b, one pass forward carries Rz and Rh, one pass backward delta and R delta.

A relu has no second derivative at 0, and 0 everywhere else: what is said of its curvature holds where there
is one.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from lrcli.components.models.derivatives import Array, Bend

__all__ = ["ACTIVATIONS", "Activation", "DerivativesOfLayers"]


class Activation(NamedTuple):
    """An activation h = act(z); its derivatives are written with h.

    Attributes:
        function: from z to h.
        first: from h to dh/dz.
        second: from h to its second derivative.
    """

    function: Callable[[Array], Array]
    first: Callable[[Array], Array]
    second: Callable[[Array], Array]


def _sigmoid(z: Array) -> Array:
    """1 / (1 + exp(-z)), without a power that overflows and with all digits of those near 0."""
    power = np.exp(-np.abs(z))
    return np.asarray(np.where(z >= 0, 1.0, power) / (1 + power))


ACTIVATIONS = {
    "relu": Activation(
        lambda z: np.maximum(z, 0.0), lambda h: np.asarray(h > 0, dtype=np.float64), np.zeros_like
    ),
    "tanh": Activation(np.tanh, lambda h: 1 - h * h, lambda h: -2 * h * (1 - h * h)),
    "sigmoid": Activation(_sigmoid, lambda h: h * (1 - h), lambda h: h * (1 - h) * (1 - 2 * h)),
}


class DerivativesOfLayers:
    """Of dense layers with an activation between them; see `lrcli.components.models.derivatives.Derivatives`.

    Attributes:
        outputs: (N, O).
    """

    def __init__(
        self, activation: Activation, weights: Sequence[Array], biases: Sequence[Array], x: Array
    ) -> None:
        """Pass the inputs forward.

        Args:
            activation: after each layer but the last.
            weights: (rows, columns) of each layer.
            biases: (columns,) of each layer.
            x: (N, D) the inputs.
        """
        self._activation, self._weights = activation, weights
        self._given = [x]  # to each layer
        for w, b in zip(weights[:-1], biases[:-1], strict=True):
            self._given.append(activation.function(self._given[-1] @ w + b))
        self.outputs: Array = self._given[-1] @ weights[-1] + biases[-1]

    @property
    def hidden(self) -> list[Array]:
        """What the units of each hidden layer answer, (N, columns) each."""
        return self._given[1:]

    def gradient(self, slopes: Array) -> Array:
        parts = zip(self._given, self._deltas(slopes), strict=True)
        return np.concatenate([part for h, delta in parts for part in ((h.T @ delta).ravel(), delta.sum(0))])

    def products(self, slopes: Array, bend: Bend, directions: Array) -> Array:
        layers = self._by_layer(directions)
        changes = self._forward(layers)
        deltas, r_delta = self._deltas(slopes), bend(changes[-1])
        parts: list[Array] = []
        for i in reversed(range(len(layers))):
            h, delta, w = self._given[i], deltas[i], self._weights[i]
            of_weights = h.T @ r_delta
            of_biases = r_delta.sum(axis=1)
            if i > 0:
                first, second = self._activation.first(h), self._activation.second(h)
                of_weights = of_weights + np.swapaxes(first * changes[i - 1], 1, 2) @ delta
                turned = delta @ np.swapaxes(layers[i][0], 1, 2) + r_delta @ w.T
                r_delta = turned * first + delta @ w.T * second * changes[i - 1]
            parts = [of_weights.reshape(len(directions), -1), of_biases, *parts]
        return np.concatenate(parts, axis=1)

    def _deltas(self, slopes: Array) -> list[Array]:
        """The slopes by what each layer gives before its activation, (N, columns) each."""
        deltas = [slopes]
        for w, h in zip(self._weights[:0:-1], self._given[:0:-1], strict=True):
            deltas.insert(0, deltas[0] @ w.T * self._activation.first(h))
        return deltas

    def _forward(self, layers: Sequence[tuple[Array, Array]]) -> list[Array]:
        """How what each layer gives before its activation changes along the directions, (K, N, columns)."""
        changes: list[Array] = []
        for (v, c), w, h in zip(layers, self._weights, self._given, strict=True):
            change = h @ v + c
            if changes:
                change = change + (self._activation.first(h) * changes[-1]) @ w
            changes.append(change)
        return changes

    def _by_layer(self, directions: Array) -> list[tuple[Array, Array]]:
        """Directions (K, P) as weights (K, rows, columns) and biases (K, 1, columns) of each layer."""
        layers, start = [], 0
        for w in self._weights:
            middle, end = start + w.size, start + w.size + w.shape[1]
            weights = directions[:, start:middle].reshape(-1, *w.shape)
            layers.append((weights, directions[:, None, middle:end]))
            start = end
        return layers
