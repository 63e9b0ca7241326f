"""The losses in torch: the value of each term, and its derivative by the outputs.

Outputs and targets are (R, B, O); see `lrcli.components.losses` for the formulas. The derivatives are
written out: each is one line, and training then needs no autograd between the loss and the model.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from lrcli.components.losses import AnyLoss
from lrcli.engines.torch.functions import sigmoid

__all__ = ["TorchLoss", "torch_loss"]


class TorchLoss(NamedTuple):
    """A loss as torch computes it.

    Attributes:
        terms: (outputs, targets) -> (values, slope): the loss's terms, (R, B, terms of an example), and
            the derivative of their sum by each output, (R, B, O). The two share their intermediate
            results, and never memory.
        correct: (outputs, targets) -> whether each example's class is the predicted one, (R, B, 1).
    """

    terms: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
    correct: Callable[[Tensor, Tensor], Tensor]


def torch_loss(loss: AnyLoss, targets: Tensor | None = None) -> TorchLoss:
    """A loss as torch computes it.

    Args:
        loss: the loss.
        targets: (B, O) or (B, 1), some that it will have; a loss of the user's looks at them.

    Raises:
        CodeError: a loss of the user's cannot be trained with.
    """
    if loss.kind in _LOSSES:
        return _LOSSES[loss.kind](loss)
    outputs = loss.num_outputs(3)
    correct = _largest_logit if outputs > 1 else _positive_logit if loss.gives_logit else _nearest_class
    if loss.code is not None:
        return TorchLoss(loss.code.placed(targets, outputs), correct)
    form = loss.torch_form()
    return form if isinstance(form, TorchLoss) else TorchLoss(_by_autograd(form), correct)


def _by_autograd(
    terms: Callable[[Tensor, Tensor], Tensor],
) -> Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """The terms together with the slopes that autograd derives."""

    def with_slope(outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        leaf = outputs.detach().requires_grad_()
        with torch.enable_grad():
            values = terms(leaf, targets)
            (slope,) = torch.autograd.grad(values, leaf, torch.ones_like(values))
        return values.detach(), slope.contiguous()  # which the engine writes to

    return with_slope


def _nearest_class(outputs: Tensor, targets: Tensor) -> Tensor:
    """A number is taken for class 1 from one half on."""
    return (outputs >= 0.5) == (targets >= 0.5)


def _positive_logit(outputs: Tensor, targets: Tensor) -> Tensor:
    return (outputs >= 0) == (targets >= 0.5)


def _largest_logit(outputs: Tensor, targets: Tensor) -> Tensor:
    return outputs.argmax(-1, keepdim=True) == targets.argmax(-1, keepdim=True)


def _mse(_: Any) -> TorchLoss:
    def terms(outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        error = outputs - targets
        return error.square(), error.mul_(2)

    return TorchLoss(terms, _nearest_class)


def _half_mse(_: Any) -> TorchLoss:
    def terms(outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        error = outputs - targets
        return error.square().mul_(0.5), error

    return TorchLoss(terms, _nearest_class)


def _l1(_: Any) -> TorchLoss:
    def terms(outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        error = outputs - targets
        return error.abs(), error.sign_()

    return TorchLoss(terms, _nearest_class)


def _huber(loss: Any) -> TorchLoss:
    delta = loss.delta

    def terms(outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        error = outputs - targets
        size = error.abs()
        values = torch.where(size <= delta, 0.5 * size.square(), delta * (size - 0.5 * delta))
        return values, error.clamp_(-delta, delta)

    return TorchLoss(terms, _nearest_class)


def _bce(_: Any) -> TorchLoss:
    def terms(outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        # log(1 + exp(o)) - y o without overflow: max(o, 0) - y o + log(1 + exp(-|o|))
        values = outputs.clamp_min(0) - targets * outputs + torch.log1p(torch.exp(-outputs.abs()))
        return values, sigmoid(outputs).sub_(targets)

    return TorchLoss(terms, _positive_logit)


def _cross_entropy(_: Any) -> TorchLoss:
    """Targets are one-hot."""

    def terms(outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        logs = functional.log_softmax(outputs, -1)
        return -(logs * targets).sum(-1, keepdim=True), logs.exp() - targets

    return TorchLoss(terms, _largest_logit)


_LOSSES: dict[str, Callable[[Any], TorchLoss]] = {
    "mse": _mse,
    "half_mse": _half_mse,
    "l1": _l1,
    "huber": _huber,
    "bce": _bce,
    "cross_entropy": _cross_entropy,
}
