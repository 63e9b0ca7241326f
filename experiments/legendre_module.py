"""An autograd Function and the module around it: what legendre_module.yaml trains."""

from typing import Any

import torch
from torch import Tensor, nn


class LegendrePolynomial3(torch.autograd.Function):
    """P3(u) = (5 u^3 - 3 u) / 2, with its derivative by hand: the PyTorch examples.

    Context apart from forward, and a rule for vmap that torch makes: so it trains in populations, too.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(u: Tensor) -> Tensor:
        """P3(u)."""
        return 0.5 * (5 * u**3 - 3 * u)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:  # noqa: ARG004 - torch's signature
        """Keep what the derivative needs."""
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> Tensor:
        """P3'(u) = 1.5 (5 u^2 - 1), times the slope."""
        (u,) = ctx.saved_tensors
        return slope * 1.5 * (5 * u**2 - 1)


class Legendre(nn.Module):
    """y = a + b P3(c + d x), from where the example begins."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Parameter(torch.tensor(0.0))
        self.b = nn.Parameter(torch.tensor(-1.0))
        self.c = nn.Parameter(torch.tensor(0.0))
        self.d = nn.Parameter(torch.tensor(0.3))

    def forward(self, x: Tensor) -> Tensor:
        """Outputs (B, 1) of inputs (B, 1)."""
        return self.a + self.b * LegendrePolynomial3.apply(self.c + self.d * x)
