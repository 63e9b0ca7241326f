"""What references are looked for in, and what is found: many sets of data at once, numbers in a row."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lrcli.analysis.chunks import chunks_of_sets
from lrcli.components.losses import Loss

__all__ = ["Examples", "SetFits", "found_together", "minimises", "nothing_found"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Examples:
    """What K sets of parameters were trained on, and with how much weight decay.

    Attributes:
        inputs: (S, N, D).
        targets: (S, N, O).
        rows: (K,) which of the S sets of data each has.
        decay: (K, P) the weight decay of each number among the parameters, in their canonical order.
        scale: of the sum of an example's terms in the loss of a step: 1 / N and the like.
    """

    inputs: Array
    targets: Array
    rows: NDArray[np.intp]
    decay: Array
    scale: float


class SetFits(NamedTuple):
    """What was found of k sets, numbers in the parameters' canonical order; see `References`."""

    theta: Array
    errors: Array
    missing: NDArray[np.str_]
    freedom: Array
    several: NDArray[np.bool_]
    ends: Array
    squares: Array | None = None


def minimises(loss: Loss) -> bool:
    """Whether what is found makes a loss smallest; least squares stands in for others."""
    return loss.quadratic_factor is not None or loss.of_logits or loss.knee is not None


def nothing_found(sets: int, size: int, missing: str) -> SetFits:
    """What stands for sets of P numbers of which nothing was found, and why."""
    return SetFits(
        theta=np.full((sets, size), np.nan),
        errors=np.full((sets, size), np.nan),
        missing=np.full(sets, missing, "U9"),
        freedom=np.full(sets, np.inf),
        several=np.zeros((sets, size), dtype=bool),
        ends=np.full((sets, size, 2), np.nan),
    )


def found_together(find: Callable[[slice], SetFits], examples: Examples, size: int) -> SetFits:
    """What is found of all sets, some at a time."""
    parts = [find(chunk) for chunk in chunks_of_sets(len(examples.rows), examples.inputs.shape[1], size)]
    squares = [part.squares for part in parts if part.squares is not None]
    return SetFits(
        theta=np.concatenate([part.theta for part in parts]),
        errors=np.concatenate([part.errors for part in parts]),
        missing=np.concatenate([part.missing for part in parts]),
        freedom=np.concatenate([part.freedom for part in parts]),
        several=np.concatenate([part.several for part in parts]),
        ends=np.concatenate([part.ends for part in parts]),
        squares=np.concatenate(squares) if squares else None,
    )
