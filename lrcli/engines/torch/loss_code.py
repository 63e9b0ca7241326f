"""Losses of the user's: called for the outputs of all members, their slope from autograd."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.func import vmap

from lrcli.components.losses import PythonLoss
from lrcli.components.user_code import NamedCode
from lrcli.engines.torch.answers import Wanted, refuse_answer
from lrcli.engines.torch.second_derivatives import DerivativesByAutograd, derivatives_by_autograd

__all__ = ["LossCode"]

Array = NDArray[np.float64]
_SAMPLE = 0.5  # an output that is a number, a logit and a probability


class LossCode:
    """A loss from a file.

    Attributes:
        code: the file, and the name in it.
    """

    def __init__(self, loss: PythonLoss) -> None:
        """Run the file.

        Raises:
            CodeError: it cannot be run, or the name is nothing that can be called.
        """
        self.code = NamedCode(loss, "loss")
        function = self.code.named
        self._function = partial(function, **self.code.args) if self.code.is_function else self.code.made()
        if not callable(self._function):
            raise self.code.refuse("is no function of outputs and targets")

    def placed(
        self, targets: Tensor | None, num_outputs: int
    ) -> Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]:
        """(outputs (R, B, O), targets) -> the terms (R, B, 1) and their slope (R, B, O).

        Args:
            targets: (B, O) or (B, 1), some that it will have.
            num_outputs: O.

        Raises:
            CodeError: it fails for them, or gives no term for each example.
        """
        if targets is None:
            raise ValueError("a loss must know what it will compute with")
        sample = torch.full((len(targets), num_outputs), _SAMPLE).to(targets).requires_grad_()
        given = targets.clone()
        with torch.enable_grad(), self.code.running("failed"):
            terms = self._function(sample, given)
        self._refuse(terms, sample)
        if not torch.equal(given, targets):
            raise self.code.refuse("changes its targets in place; write t = t / 2, not t /= 2")
        every = self._mapped(sample, targets)

        def values_and_slope(outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
            leaf = outputs.detach().requires_grad_()
            with torch.enable_grad(), self.code.running("failed", trains=True):
                terms = every(leaf, targets).reshape(*outputs.shape[:2], 1)
                (slope,) = torch.autograd.grad(terms.sum(), leaf)
            return terms.detach().clone(), slope.clone()

        return values_and_slope

    def computed(self, outputs: Array, targets: Array) -> tuple[Array, Array]:
        """The terms (R, B, 1) and their slope (R, B, O), in float64.

        Args:
            outputs: (R, B, O).
            targets: (R, B, O) or (R, B, 1).
        """
        o, y = (torch.from_numpy(array.copy()) for array in (outputs, targets))
        terms, slope = self.placed(y[0], outputs.shape[2])(o, y)
        return terms.numpy(), slope.numpy()

    def slopes(self, outputs: Array, targets: Array) -> Array | None:
        """The derivative of the sum of the terms by each output, (N, O).

        Args:
            outputs: (N, O).
            targets: (N, O) or (N, 1).

        Returns:
            None where torch has no second derivatives of it to rely on.
        """
        found = derivatives_by_autograd(self._terms_for(targets), [outputs])
        return None if found is None else found.gradient(np.ones_like(found.outputs)).reshape(outputs.shape)

    def bends(self, outputs: Array, targets: Array, changes: Array) -> Array:
        """How these change with the outputs, (..., N, O), of a loss that has them.

        Args:
            outputs: (N, O).
            targets: (N, O) or (N, 1).
            changes: (..., N, O) of the outputs.
        """
        found = DerivativesByAutograd(self._terms_for(targets), [outputs])
        flat = changes.reshape(-1, outputs.size)
        return found.products(np.ones_like(found.outputs), np.zeros_like, flat).reshape(changes.shape)

    def _terms_for(self, targets: Array) -> Callable[[Sequence[Tensor]], Tensor]:
        """From outputs (N, O) to their terms (N, 1)."""
        wanted = torch.from_numpy(np.array(targets, dtype=np.float64))

        def terms(values: Sequence[Tensor]) -> Tensor:
            with self.code.running("failed"):
                found: Tensor = self._function(values[0], wanted)
            return found.reshape(-1, 1)

        return terms

    def _refuse(self, terms: Any, outputs: Tensor) -> None:
        count = len(outputs)
        must = f"a term for each example, ({count},), not their mean or sum (say reduction='none')"
        wanted = Wanted("gives", "outputs", ((count,), (count, 1)), must, "the outputs")
        refuse_answer(self.code, terms, outputs, wanted)

    def _mapped(self, outputs: Tensor, targets: Tensor) -> Callable[[Tensor, Tensor], Tensor]:
        """The function for all members, at once where it can be."""
        every = vmap(self._function)
        try:
            with torch.enable_grad():
                every(outputs[None], targets[None])
        except Exception:
            return lambda o, y: torch.stack([self._function(a, b) for a, b in zip(o, y, strict=True)])
        return lambda o, y: self._function(o[0], y[0])[None] if len(o) == 1 else every(o, y)
