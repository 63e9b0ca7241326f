"""Derivatives as they are computed against differences of the function itself, in float64."""

from collections.abc import Callable, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lrcli.components.losses import AnyLoss
from lrcli.components.models import AnyModel
from lrcli.engines.torch.losses import torch_loss
from lrcli.engines.torch.models import Place, torch_model

__all__ = ["gradient_error", "slope_error"]

Array = NDArray[np.float64]
_STEP = 1e-6
_MOST = 40  # numbers that are moved


def gradient_error(model: AnyModel, initial: Mapping[str, Array], inputs: Array, num_outputs: int) -> float:
    """How far the gradient is from finite differences, beside the largest of them.

    Args:
        model: the model.
        initial: the parameters, from name to array in their shape.
        inputs: (B, F).
        num_outputs: O.
    """
    examples = torch.from_numpy(inputs)
    form = torch_model(model, Place([0], examples, num_outputs))
    shapes = {p.name: p for p in model.parameters(inputs.shape[1], num_outputs)}
    tensors = {
        name: torch.from_numpy(initial[name].reshape(1, *p.matrix).copy()) for name, p in shapes.items()
    }
    slope = torch.from_numpy(np.cos(np.arange(len(inputs) * num_outputs)).reshape(1, -1, num_outputs))
    gradient = {name: torch.zeros_like(tensor) for name, tensor in tensors.items()}
    _begin(form.at)
    form.vjp(tensors, examples[None])[1](slope.clone(), gradient)

    def value() -> float:
        _begin(form.at)
        return float((form.vjp(dict(tensors), examples[None])[0] * slope).sum())

    pairs = [(tensors[name], gradient[name]) for name, p in shapes.items() if not p.is_frozen]
    return _worst(value, pairs)


def _begin(at: Callable[[int], None] | None) -> None:
    """The same step each time, so that what is drawn in it is the same."""
    if at is not None:
        at(0)


def slope_error(loss: AnyLoss, outputs: Array, targets: Array) -> float:
    """How far the slope of a loss is from finite differences, beside the largest of them.

    Args:
        loss: the loss.
        outputs: (B, O).
        targets: (B, O) or (B, 1).
    """
    wanted = torch.from_numpy(targets)
    terms = torch_loss(loss, wanted).terms
    tensor = torch.from_numpy(outputs[None].copy())
    return _worst(
        lambda: float(terms(tensor, wanted[None])[0].sum()), [(tensor, terms(tensor, wanted[None])[1])]
    )


def _worst(value: Callable[[], float], pairs: list[tuple[Tensor, Tensor]]) -> float:
    """The largest difference of a derivative from the difference quotient, at some numbers of each tensor."""
    worst, largest = 0.0, 1e-3
    for tensor, derivative in pairs:
        numbers = tensor.view(-1)
        for i in np.unique(np.linspace(0, numbers.numel() - 1, _MOST).astype(int)).tolist():
            before = numbers[i].item()
            ends = []
            for moved in (before + _STEP, before - _STEP):
                numbers[i] = moved
                ends.append(value())
            numbers[i] = before
            quotient = (ends[0] - ends[1]) / (2 * _STEP)
            worst = max(worst, abs(quotient - derivative.reshape(-1)[i].item()))
            largest = max(largest, abs(quotient))
    return worst / largest
