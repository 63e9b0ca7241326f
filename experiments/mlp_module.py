"""A multilayer perceptron as a torch.nn.Module: what mlp_module.yaml trains."""

from torch import Tensor, nn


class MyModule(nn.Module):
    """2-4-4-1 with ReLU, its layers in a ModuleList: Raschka, chapter 13.

    There it ends in a sigmoid; here its output is the logit, which the loss bce takes.
    """

    def __init__(self) -> None:
        super().__init__()
        layers = [nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 1)]
        self.module_list = nn.ModuleList(layers)

    def forward(self, x: Tensor) -> Tensor:
        """The logits (B, 1) of features (B, 2)."""
        for layer in self.module_list:
            x = layer(x)
        return x
