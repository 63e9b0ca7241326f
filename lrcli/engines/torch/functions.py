"""Functions whose bits depend on their argument alone, where those of torch's own do not.

On the CPU torch computes a function of a tensor in vectors of several numbers, and what is left over at its
end, or at the end of a thread's share of it, one by one. For some functions the two round in other ways:
torch.sigmoid, silu, gelu, softplus, elu, exp2, sinh and powers are among them. A member's bits would then
depend on where it lies in a population, and on the number of threads. Sums, products, quotients and square
roots are rounded alike everywhere; exp, expm1, log, log1p, sin, cos and tanh are computed in vectors to the
end. So lrcli's own models, losses and optimizers are made of these.
"""

import torch
from torch import Tensor

__all__ = ["sigmoid"]


def sigmoid(x: Tensor) -> Tensor:
    """1 / (1 + exp(-x)), as near to it as torch.sigmoid is.

    Its derivative is to be written with its value; that of autograd is NaN where exp(-x) is infinite.
    """
    return (torch.neg(x).exp_() + 1).reciprocal_()
