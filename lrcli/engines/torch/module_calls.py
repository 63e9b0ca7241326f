"""A module of the user's as a function of the parameters of one member."""

import contextlib
import inspect
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn
from torch.func import functional_call

__all__ = ["Call", "default_dtype"]


@contextlib.contextmanager
def default_dtype(dtype: torch.dtype) -> Iterator[None]:
    """What is made meanwhile without a dtype has this one."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


class Call:
    """A module as a function, in training or in evaluation.

    Attributes:
        buffers: of the module, which all members share.
    """

    def __init__(self, module: nn.Module, dtype: torch.dtype, device: torch.device, *, trains: bool) -> None:
        """Take a module over."""
        self._module = module.to(device, dtype)
        self._module.train(trains)
        self._dtype = dtype
        self.buffers = dict(self._module.named_buffers())
        self._options = {"training": trains} if _is_told(self._module) else {}

    def __call__(
        self, parameters: Mapping[str, Tensor], inputs: Tensor, buffers: Mapping[str, Tensor] | None = None
    ) -> Tensor:
        """The outputs (B, O) of inputs (B, F); a module of one output may give (B,).

        Args:
            parameters: of the member, from name to tensor in the parameter's shape.
            inputs: of the member.
            buffers: in place of the module's own.
        """
        values = {**parameters, **(self.buffers if buffers is None else buffers)}
        with default_dtype(self._dtype):
            outputs: Tensor = functional_call(self._module, values, (inputs,), self._options)
        return outputs.unsqueeze(-1) if isinstance(outputs, Tensor) and outputs.dim() == 1 else outputs


def _is_told(module: nn.Module) -> bool:
    """Whether forward takes an argument training, as in some textbooks; functions of C do not say."""
    try:
        return "training" in inspect.signature(module.forward).parameters
    except (TypeError, ValueError):
        return False
