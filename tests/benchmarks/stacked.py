"""The peer of a population: many models trained together as users of `torch.func` write it."""

import copy
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, stack_module_state, vmap

__all__ = ["Stacked"]


class Stacked:
    """An ensemble as in PyTorch's tutorial, trained by SGD with a rate for each model.

    Attributes:
        parameters: from name to the parameters of all models, stacked.
    """

    def __init__(
        self,
        models: Sequence[nn.Module],
        rates: Tensor,
        loss_function: Callable[[Tensor, Tensor], Tensor],
        *,
        shared_data: bool,
    ) -> None:
        """Stack the models; with `shared_data` a step's examples are the same for all."""
        self.parameters, self._buffers = stack_module_state(models)
        self._rates = rates
        base = copy.deepcopy(models[0]).to("meta")

        def loss(parameters, buffers, x, y):
            return loss_function(functional_call(base, (parameters, buffers), (x,)), y)

        axis = None if shared_data else 0
        self._gradients = vmap(grad(loss), in_dims=(0, 0, axis, axis))

    @torch.no_grad()
    def step(self, x: Tensor, y: Tensor) -> None:
        """One update of every model; x and y are (B, ...), or (R, B, ...) where data differ."""
        for name, gradient in self._gradients(self.parameters, self._buffers, x, y).items():
            self.parameters[name] -= self._rates.view(-1, *[1] * (gradient.ndim - 1)) * gradient
