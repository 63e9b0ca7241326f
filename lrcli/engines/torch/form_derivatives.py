"""Derivatives of components that say what they compute as a ``torch_form`` alone, in float64 by autograd."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lrcli.components.initializers import Parameter
from lrcli.engines.torch.losses import TorchLoss
from lrcli.engines.torch.models import TorchModel
from lrcli.engines.torch.second_derivatives import (
    DerivativesByAutograd,
    bends_of_terms,
    derivatives_by_autograd,
    slopes_of_terms,
)

__all__ = ["LossByForm", "model_derivatives"]

Array = NDArray[np.float64]


def model_derivatives(
    form: Any, parameters: Sequence[Parameter], values: Mapping[str, Array], features: Array
) -> DerivativesByAutograd | None:
    """Those of a model's outputs.

    Args:
        form: see `lrcli.components.models.base.Model.torch_form`.
        parameters: of the model.
        values: of one member, from name to array in the parameter's shape.
        features: (N, F).

    Returns:
        None where torch has none to rely on.
    """
    forward = form.forward if isinstance(form, TorchModel) else form
    inputs = torch.from_numpy(np.array(features, dtype=np.float64))

    def outputs(tensors: Sequence[Tensor]) -> Tensor:
        members = zip(parameters, tensors, strict=True)
        found: Tensor = forward({p.name: each.reshape(1, *p.matrix) for p, each in members}, inputs[None])
        return found[0]

    return derivatives_by_autograd(outputs, [values[p.name] for p in parameters])


class LossByForm:
    """The slopes of a loss, and how they change; see `lrcli.components.losses.Loss`."""

    def __init__(self, form: Any) -> None:
        """Take a loss.

        Args:
            form: see `lrcli.components.losses.Loss.torch_form`.
        """
        self._form = form

    def slopes(self, outputs: Array, targets: Array) -> Array | None:
        """(N, O); None where torch has no second derivatives to rely on."""
        if isinstance(self._form, TorchLoss):  # its slopes are written out, and their derivatives are not
            return None
        return slopes_of_terms(self._terms_for(targets), outputs)

    def bends(self, outputs: Array, targets: Array, changes: Array) -> Array:
        """(..., N, O) of changes of the outputs."""
        return bends_of_terms(self._terms_for(targets), outputs, changes)

    def _terms_for(self, targets: Array) -> Callable[[Sequence[Tensor]], Tensor]:
        """From outputs (N, O) to the terms of all examples, (N, terms of one)."""
        wanted = torch.from_numpy(np.array(targets, dtype=np.float64))[None]

        def terms(tensors: Sequence[Tensor]) -> Tensor:
            found: Tensor = self._form(tensors[0][None], wanted)
            return found.reshape(wanted.shape[1], -1)

        return terms
