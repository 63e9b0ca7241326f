"""First and second derivatives of functions of the user's, by torch's autograd, in float64.

The gradient J'u of outputs o, weighed by u, is computed with a graph of its own, which is linear in u and
depends on the parameters p. One run backward through it, from a direction v, gives (d(J'u)/dp)'v, the sum of
u_n d^2o_n times v, and (d(J'u)/du)'v = J v. So a product with a Hessian takes two runs backward.

Such a graph may be silently wrong: a Function whose backward reads what it has saved along the way, or one
that is no derivative at all, as a straight-through estimate. So what comes out is held to differences of the
gradient that training uses, and refused where it is not the same.
"""

import warnings
from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lrcli.components.models.derivatives import Bend

__all__ = ["DerivativesByAutograd", "derivatives_by_autograd"]

Array = NDArray[np.float64]
Function = Callable[[Sequence[Tensor]], Tensor]

_STEP = 1e-8  # of each number, by its size or 1: short, so that no relu turns on the way
_CLOSE, _ROUNDING = 1e-4, 1e-6  # of the products; of the gradient
_TRIES = 2


def derivatives_by_autograd(function: Function, values: Sequence[Array]) -> "DerivativesByAutograd | None":
    """The derivatives of a function by its arguments.

    Args:
        function: from tensors to outputs (N, O).
        values: of the arguments, P numbers in all.

    Returns:
        None where torch has no second derivatives of it, or such as are not those of what it computes.
    """
    try:
        found = DerivativesByAutograd(function, values)
        return found if any(found.agree(turn) for turn in range(_TRIES)) else None
    except Exception:  # whatever code of the user's and torch make of it
        return None


class DerivativesByAutograd:
    """A `lrcli.components.models.derivatives.Derivatives`.

    Attributes:
        outputs: (N, O).
    """

    def __init__(self, function: Function, values: Sequence[Array]) -> None:
        """Compute the outputs.

        Args:
            function: from tensors to outputs (N, O).
            values: of its arguments, P numbers in all.
        """
        self._function, self._values = function, values
        self._leaves = [torch.tensor(value, dtype=torch.float64, requires_grad=True) for value in values]
        with torch.enable_grad():
            self._outputs = function(self._leaves)
        self.outputs: Array = self._outputs.detach().numpy()

    def gradient(self, slopes: Array) -> Array:
        weighed = torch.from_numpy(slopes)
        parts = torch.autograd.grad(
            self._outputs, self._leaves, weighed, retain_graph=True, allow_unused=True
        )
        return np.concatenate(
            [
                np.zeros(leaf.numel()) if part is None else part.numpy().reshape(-1)
                for leaf, part in zip(self._leaves, parts, strict=True)
            ]
        )

    def products(self, slopes: Array, bend: Bend, directions: Array) -> Array:
        weights = torch.tensor(slopes, requires_grad=True)
        with torch.enable_grad():
            pulled = torch.autograd.grad(
                self._outputs, self._leaves, weights, create_graph=True, allow_unused=True
            )
        parts = torch.from_numpy(directions).split([leaf.numel() for leaf in self._leaves], dim=1)
        along = [
            (each, part.reshape(len(part), *leaf.shape))
            for each, part, leaf in zip(pulled, parts, self._leaves, strict=True)
            if each is not None
        ]
        *own, changes = _backward(
            [each for each, _ in along], [*self._leaves, weights], [part for _, part in along]
        )
        bent = torch.from_numpy(np.ascontiguousarray(bend(changes.numpy())))
        turned = _backward([self._outputs], self._leaves, [bent])
        sums = [(a + b).reshape(len(directions), -1) for a, b in zip(own, turned, strict=True)]
        return torch.cat(sums, dim=1).numpy()

    def agree(self, turn: int = 0) -> bool:
        """Whether a product is what differences of the gradient say, of a function with slopes and a bend.

        Args:
            turn: another one is another direction.
        """
        weights = np.cos(np.arange(self.outputs.size) + turn).reshape(self.outputs.shape)
        numbers = np.concatenate([np.asarray(value, np.float64).reshape(-1) for value in self._values])
        direction = np.cos(np.arange(1, len(numbers) + 1) * (turn + 1.3)) * np.maximum(np.abs(numbers), 1)
        ends = [self._gradient_at(numbers + step * direction, weights) for step in (_STEP, -_STEP)]
        quotient = (ends[0] - ends[1]) / (2 * _STEP)
        product = self.products(self.outputs + weights, lambda changes: changes, direction[None])[0]
        gap, size, slope = (np.linalg.norm(each) for each in (quotient - product, product, ends[0]))
        return bool(gap <= _CLOSE * size + _ROUNDING * slope)

    def _gradient_at(self, numbers: Array, weights: Array) -> Array:
        """That of the sum of o^2 / 2 + weight o at other numbers (P,)."""
        parts = np.split(numbers, np.cumsum([np.size(value) for value in self._values])[:-1])
        values = [part.reshape(np.shape(value)) for part, value in zip(parts, self._values, strict=True)]
        moved = DerivativesByAutograd(self._function, values)
        return moved.gradient(moved.outputs + weights)


def _backward(outputs: Sequence[Tensor], inputs: Sequence[Tensor], slopes: Sequence[Tensor]) -> list[Tensor]:
    """Gradients by inputs, for K slopes of the outputs: (K, *shape) each, 0 where nothing depends on one."""

    def run(slopes: Sequence[Tensor], *, batched: bool) -> tuple[Tensor | None, ...]:
        return torch.autograd.grad(
            outputs, inputs, slopes, retain_graph=True, allow_unused=True, is_grads_batched=batched
        )

    count = len(slopes[0])
    parts: Sequence[Tensor | None]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of operations that are mapped one by one
            parts = run(slopes, batched=True)
    except RuntimeError:  # what cannot be mapped
        each = zip(*(run([slope[k] for slope in slopes], batched=False) for k in range(count)), strict=True)
        parts = [None if one[0] is None else torch.stack(list(one)) for one in each]
    return [
        torch.zeros(count, *given.shape, dtype=given.dtype) if part is None else part.detach()
        for part, given in zip(parts, inputs, strict=True)
    ]
