"""The second derivative through autograd: Dive into Deep Learning, section 2.5, first exercise.

The first derivative is computed with a graph of its own, which the second one runs through backward. That is
why it costs more: the graph of the first derivative must be kept, and is several times that of the function.

    >>> x = torch.tensor([1.0, 2.0], dtype=torch.float64)
    >>> second_derivative(torch.sin, x) + torch.sin(x)
    tensor([0., 0.], dtype=torch.float64)

A Function with a backward of its own can be differentiated twice where that is made of operations that can:
P3''(u) = 15 u.

    >>> from legendre_module import LegendrePolynomial3
    >>> second_derivative(LegendrePolynomial3.apply, x)
    tensor([15., 30.], dtype=torch.float64)
"""

from collections.abc import Callable

import torch
from torch import Tensor


def second_derivative(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """f''(x) of a function that works on each number by itself."""
    x = x.detach().requires_grad_()
    (first,) = torch.autograd.grad(function(x).sum(), x, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), x)
    return second
