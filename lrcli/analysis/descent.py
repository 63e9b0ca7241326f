"""Gradient descent on a quadratic, step by step or all steps at once.

Along an eigenvector of eigenvalue l let q be the slope, v the velocity and d how far parameters have come.
A step of SGD at rate r with momentum b that takes the share e of a slope is linear in the three,

    v' = e q + b v,    s = v' (with nesterov: q + b v'),    q' = q - r l s,    d' = d - r s,

so after k steps they are M^k of what they were. The slope, and no distance to the minimum, is followed:
where l is nearly 0 the minimum is far away and its place full of rounding, while d is as exact as q. The
first velocity is the slope itself, whatever the dampening is.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lrcli.analysis.linear_maps import after
from lrcli.analysis.quadratics import Array, Quadratic
from lrcli.analysis.theory import Rule

__all__ = ["Rates", "descend", "step_maps"]

SLOPE, VELOCITY, MOVED = range(3)


@dataclass(frozen=True)
class Rates:
    """The learning rate of each step, for several rates of an optimizer side by side.

    Attributes:
        lr: (G,) the optimizer's own.
        of_steps: from steps (T,), the first being 0, to (T, G), or to (1, G) where no step differs; None: the
            rate is constant.
    """

    lr: Array
    of_steps: Callable[[NDArray[np.int64]], Array] | None = None


def step_maps(rates: Array, eigenvalues: Array, rule: Rule, *, first: bool = False) -> Array:
    """M of the module's docstring, (..., P, 3, 3).

    Args:
        rates: (..., 1).
        eigenvalues: (P,).
        rule: of SGD.
        first: whether it is the first step of a run.
    """
    intake, b = (1.0 if first else rule.intake), rule.momentum
    of_slope, of_velocity = (1 + b * intake, b * b) if rule.nesterov else (intake, b)
    rates, eigenvalues = np.broadcast_arrays(rates, eigenvalues)
    maps = np.zeros((*rates.shape, 3, 3))
    maps[..., SLOPE, SLOPE] = 1 - rates * eigenvalues * of_slope
    maps[..., SLOPE, VELOCITY] = -rates * eigenvalues * of_velocity
    maps[..., VELOCITY, SLOPE], maps[..., VELOCITY, VELOCITY] = intake, b
    maps[..., MOVED, SLOPE], maps[..., MOVED, VELOCITY] = -rates * of_slope, -rates * of_velocity
    maps[..., MOVED, MOVED] = 1.0
    return maps


def descend(loss: Quadratic, start: Array, steps: NDArray[np.int64], rates: Rates, rule: Rule) -> Array:
    """Where all parameters are after some steps, along the directions of the loss.

    Args:
        loss: what is made small.
        start: (P,) the parameters.
        steps: (K,) ascending.
        rates: G of them.
        rule: of SGD.

    Returns:
        (K, G, P, 3): slope, velocity, and how far they have come.
    """
    states = np.zeros((len(rates.lr), len(start), 3))
    states[..., SLOPE] = loss.slopes(start)
    if rates.of_steps is not None:
        return _one_by_one(loss, states, steps, rates.of_steps, rule)
    lr = rates.lr[:, None]
    with np.errstate(all="ignore"):
        first = (step_maps(lr, loss.eigenvalues, rule, first=True) @ states[..., None])[..., 0]
    found = after(np.maximum(steps - 1, 0), step_maps(lr, loss.eigenvalues, rule), first)
    found[steps == 0] = states
    return found


def _one_by_one(
    loss: Quadratic,
    states: Array,
    steps: NDArray[np.int64],
    of_steps: Callable[[NDArray[np.int64]], Array],
    rule: Rule,
) -> Array:
    """The same for a rate that changes."""
    last = int(steps.max(initial=0))
    rates = np.broadcast_to(of_steps(np.arange(last, dtype=np.int64)), (last, len(states)))[..., None]
    q, v, moved = np.moveaxis(states, -1, 0).copy()
    found = np.empty((len(steps), *states.shape))
    number = 0
    with np.errstate(all="ignore"):
        for step in range(last + 1):
            while number < len(steps) and steps[number] == step:
                found[number] = np.stack([q, v, moved], axis=-1)
                number += 1
            if step == last:
                break
            v = (rule.intake if step else 1.0) * q + rule.momentum * v
            taken = rates[step] * (q + rule.momentum * v if rule.nesterov else v)
            q, moved = q - loss.eigenvalues * taken, moved - taken
    return found
