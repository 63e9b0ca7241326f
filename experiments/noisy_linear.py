"""A layer that adds noise to its inputs in training: what noisy_linear.yaml trains."""

import torch
from torch import Tensor, nn


class NoisyLinear(nn.Module):
    """o = (x + noise) w + b, noise N(0, std^2) in training only: Raschka, chapter 13."""

    def __init__(self, inputs: int, outputs: int, std: float = 0.1) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.empty(inputs, outputs))
        self.b = nn.Parameter(torch.zeros(outputs))
        nn.init.xavier_uniform_(self.w)
        self.std = std

    def forward(self, x: Tensor) -> Tensor:
        """Outputs (B, O) of inputs (B, F); lrcli keys what is drawn here by the seed and the step."""
        if self.training:
            x = x + self.std * torch.randn_like(x)
        return x @ self.w + self.b


class MyNoisyModule(nn.Module):
    """2-4-4-1 with ReLU, whose first layer is noisy."""

    def __init__(self, std: float = 0.07) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            NoisyLinear(2, 4, std), nn.ReLU(), nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        """The logits (B, 1) of features (B, 2)."""
        return self.layers(x)
