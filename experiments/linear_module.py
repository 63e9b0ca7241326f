"""Linear regression as a torch.nn.Module: what linear_module.yaml trains."""

from torch import nn


def net(features: int = 2) -> nn.Module:
    """One layer, y = x w + b; d2l 3.3 writes it as nn.Sequential(nn.Linear(2, 1))."""
    return nn.Sequential(nn.Linear(features, 1))
