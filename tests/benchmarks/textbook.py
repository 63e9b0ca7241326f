"""The peer: training loops as textbooks and tutorials write them, with nothing of lrcli in them.

Each function takes the tensors of one problem and returns `train`, which trains for a number of epochs.
"""

import itertools
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

__all__ = ["Train", "classifier", "dense", "linear_regression", "sine_legendre", "sine_polynomial", "xor_mlp"]

Train = Callable[[int], None]


def dense(*sizes: int) -> nn.Sequential:
    """A network of `nn.Linear` with ReLU between them."""
    layers = [nn.Linear(*pair) for pair in itertools.pairwise(sizes)]
    return nn.Sequential(layers[0], *(module for layer in layers[1:] for module in (nn.ReLU(), layer)))


def linear_regression(inputs: Tensor, targets: Tensor, lr: float, batch_size: int) -> Train:
    """Minibatch SGD on half the mean squared error, the model one `nn.Linear`."""
    model = nn.Linear(inputs.shape[1], 1)
    mse = nn.MSELoss()
    return _minibatches(model, lambda o, y: mse(o, y) / 2, inputs, targets, lr, batch_size)


def xor_mlp(inputs: Tensor, targets: Tensor, lr: float, batch_size: int) -> Train:
    """Minibatch SGD on the binary cross-entropy of a 2-4-4-1 network with ReLU."""
    return _minibatches(dense(2, 4, 4, 1), nn.BCEWithLogitsLoss(), inputs, targets, lr, batch_size)


def classifier(
    inputs: Tensor,
    targets: Tensor,
    lr: float,
    batch_size: int,
    optimizer: type[torch.optim.Optimizer] = torch.optim.SGD,
) -> Train:
    """Minibatches on the cross-entropy of a network with two hidden layers; a target is a class."""
    model = dense(inputs.shape[1], 32, 16, 10)
    return _minibatches(model, nn.CrossEntropyLoss(), inputs, targets, lr, batch_size, optimizer)


def _minibatches(
    model: nn.Module,
    loss_function: Callable[[Tensor, Tensor], Tensor],
    inputs: Tensor,
    targets: Tensor,
    lr: float,
    batch_size: int,
    optimizer_kind: type[torch.optim.Optimizer] = torch.optim.SGD,
) -> Train:
    """The loop over a `DataLoader` that every tutorial has."""
    loader = DataLoader(TensorDataset(inputs, targets), batch_size=batch_size, shuffle=True)
    optimizer = optimizer_kind(model.parameters(), lr=lr)

    def train(epochs: int) -> None:
        for _ in range(epochs):
            for x, y in loader:
                loss = loss_function(model(x), y)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()

    return train


def sine_polynomial(x: Tensor, y: Tensor, lr: float) -> Train:
    """A cubic fitted to a sine, all points in each step: PyTorch's own example with `nn` and `optim`."""
    x, y = x.flatten(), y.flatten()
    powers = x.unsqueeze(-1).pow(torch.tensor([1, 2, 3]))
    model = nn.Sequential(nn.Linear(3, 1), nn.Flatten(0, 1))
    loss_function = nn.MSELoss(reduction="sum")
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)

    def train(epochs: int) -> None:
        for _ in range(epochs):
            loss = loss_function(model(powers), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    return train


class LegendrePolynomial3(torch.autograd.Function):
    """P3(u) = (5 u^3 - 3 u) / 2, with its derivative by hand."""

    @staticmethod
    def forward(ctx, u):
        ctx.save_for_backward(u)
        return 0.5 * (5 * u**3 - 3 * u)

    @staticmethod
    def backward(ctx, slope):
        (u,) = ctx.saved_tensors
        return slope * 1.5 * (5 * u**2 - 1)


def sine_legendre(x: Tensor, y: Tensor, lr: float) -> Train:
    """a + b P3(c + d x) fitted to a sine: PyTorch's own example with a custom Function, updated by hand."""
    a, b, c, d = (torch.full((), value, requires_grad=True) for value in (0.0, -1.0, 0.0, 0.3))

    def train(epochs: int) -> None:
        for _ in range(epochs):
            p3 = LegendrePolynomial3.apply
            loss = (a + b * p3(c + d * x) - y).pow(2).sum()
            loss.backward()
            with torch.no_grad():
                for parameter in (a, b, c, d):
                    parameter -= lr * parameter.grad
                    parameter.grad = None

    return train
