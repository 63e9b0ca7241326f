"""A population: R runs trained together, each with its own seed and hyperparameters."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lrcli.components.optimizers import AnyOptimizer
from lrcli.config.blocks import Training
from lrcli.training.problem import Array

__all__ = ["Population", "build_population"]


@dataclass(frozen=True)
class Population:
    """The members of a population; what is not a vector here is the same for all of them.

    Attributes:
        draw_index: (R,) which of the problem's draws each member has.
        optimizer: the kind, and its keys that hold no numbers.
        training: how long and in what portions.
        hyperparameters: from name to (R,): the optimizer's numeric keys, and ``clip_grad_norm`` where
            gradients are clipped (infinity: not this member's).
    """

    draw_index: NDArray[np.intp]
    optimizer: AnyOptimizer
    training: Training
    hyperparameters: Mapping[str, Array]

    @property
    def size(self) -> int:
        """R, the number of members."""
        return len(self.draw_index)

    @property
    def uses(self) -> dict[str, bool]:
        """For each hyperparameter, whether any member's is not zero."""
        return {name: bool(np.any(values != 0)) for name, values in self.hyperparameters.items()}

    def rates(self, steps: NDArray[np.int64], total: int) -> Array:
        """The learning rate of each member at some steps, (K, R); steps count from 1."""
        rates = self.optimizer.rates(self.hyperparameters, steps - 1, total)
        return np.broadcast_to(rates, (len(steps), self.size))

    def take(self, members: Sequence[int]) -> "Population":
        """The population of some of the members, in the order given."""
        index = np.asarray(members, dtype=np.intp)
        vectors = {name: values[index] for name, values in self.hyperparameters.items()}
        return Population(self.draw_index[index], self.optimizer, self.training, vectors)


def build_population(
    optimizer: AnyOptimizer,
    training: Training,
    draw_index: Sequence[int] | NDArray[np.intp],
    varied: Mapping[str, Sequence[float] | Array] | None = None,
) -> Population:
    """A population from one optimizer and the numbers in which its members differ.

    Args:
        optimizer: the optimizer that all share.
        training: the training block that all share.
        draw_index: which of the problem's draws each of the R members has.
        varied: from the name of a numeric key, such as ``lr`` or ``betas.0``, or ``clip_grad_norm``,
            to R values.

    Raises:
        KeyError: a varied name is none of the optimizer's.
    """
    size = len(draw_index)
    shared = optimizer.hyperparameters()
    varied = dict(varied or {})
    if training.clip_grad_norm is not None or "clip_grad_norm" in varied:
        shared["clip_grad_norm"] = training.clip_grad_norm or math.inf
    unknown = set(varied) - set(shared)
    if unknown:
        raise KeyError(f"{', '.join(sorted(unknown))}: not among {', '.join(shared)}")
    vectors = {
        name: np.array(varied.get(name, np.full(size, value)), dtype=np.float64)
        for name, value in shared.items()
    }
    return Population(np.asarray(draw_index, dtype=np.intp), optimizer, training, vectors)
