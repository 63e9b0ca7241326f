"""The largest stable learning rate of each optimizer, given the curvature of a loss.

SGD on a quadratic is stable up to a rate that is known exactly (`lrcli.analysis.theory`). Where the curvature
is not the same everywhere the same formula holds near the parameters that it was taken at: a diagnostic.

Adam and RMSprop divide each number of a step by sqrt(v) + eps. While that divisor D hardly changes they are
SGD in other units, and what counts is the largest eigenvalue l of D^-1 H, the preconditioned sharpness
(Cohen et al. 2022). Adam's mean of the gradients takes the share 1 - b of each, so r is stable where
r (1 - b) l < 2 (1 + b): 38 / l for b = 0.9. AdamW shrinks the parameters by r c before each step besides,
and then the characteristic polynomial z^2 - t z + u has t = 1 - r c - r (1 - b) l + b and u = b (1 - r c),
so that by Jury's conditions r ((1 - b) l + (1 + b) c) < 2 (1 + b). Training that goes on near that limit
adapts D to it, so a rate above it is a sign of trouble and no proof.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lrcli.analysis.curvature import Curvature
from lrcli.analysis.theory import Rule, largest_stable_rate
from lrcli.components.optimizers import SGD, Adam, AdamW, AnyOptimizer, RMSprop

__all__ = ["Limit", "curvature_at_limit", "divisor", "formula_of", "has_divisor", "limit_of"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Limit:
    """The largest stable learning rate where every step sees all examples.

    Attributes:
        rate: None where none is known.
        sense: what stable means, to be put behind "the largest stable rate"; empty where it needs no words.
        diagnostic: it is a sign, and no bound: the curvature changes with the parameters, or the optimizer
            adapts to it.
        unknown: why there is no rate, a clause; empty where there is one.
    """

    rate: float | None
    sense: str = ""
    diagnostic: bool = False
    unknown: str = ""


def limit_of(optimizer: AnyOptimizer, curvature: Curvature) -> Limit:
    """The largest stable rate of an optimizer on a loss of some curvature.

    Args:
        optimizer: whose rate is asked for; its schedule is not looked at.
        curvature: with the weight decay that is part of the gradient; an adaptive optimizer needs
            `Curvature.preconditioned`.
    """
    if not isinstance(optimizer, SGD | Adam | AdamW | RMSprop):
        return Limit(None, unknown=f"none is known for {optimizer.kind}")
    sharpness = curvature.preconditioned if optimizer.adaptive else curvature.largest
    if sharpness is None:
        return Limit(None, unknown=f"the state of {optimizer.kind} is not known")
    if not sharpness > (0.0 if optimizer.adaptive else curvature.uncertainty):
        return Limit(None, unknown="the loss curves upwards nowhere here")
    rate = _rate(optimizer, sharpness)
    if rate is None:
        return Limit(None, unknown=f"there is none for this momentum of {optimizer.kind}")
    diagnostic = optimizer.adaptive or not curvature.exact
    return Limit(rate, "near these parameters" if diagnostic else "", diagnostic)


def formula_of(optimizer: AnyOptimizer) -> str:
    """How the limit follows from the curvature, in the optimizer's own keys: ``2 / largest curvature``.

    Args:
        optimizer: one that `limit_of` has a limit for.
    """
    if isinstance(optimizer, SGD):
        return _formula_of_momentum(optimizer.momentum, optimizer.dampening, optimizer.nesterov)
    if isinstance(optimizer, RMSprop):
        return _formula_of_momentum(optimizer.momentum).replace("largest", "largest preconditioned")
    return "2 (1 + beta1) / ((1 - beta1) largest preconditioned curvature)"


def curvature_at_limit(optimizer: AnyOptimizer, rate: float) -> float | None:
    """The curvature for which a rate is the largest stable one, preconditioned for an adaptive optimizer.

    Args:
        optimizer: whose limit it is.
        rate: above 0.

    Returns:
        0 where no curvature is stable at that rate; None where no limit is known.
    """
    if not isinstance(optimizer, SGD | Adam | AdamW | RMSprop):
        return None
    if isinstance(optimizer, Adam | AdamW):
        b = optimizer.betas[0]
        shrinking = optimizer.weight_decay if optimizer.decoupled else 0.0
        return max(0.0, (1 + b) / (1 - b) * (2 / rate - shrinking))
    limit = _rate(optimizer, 1.0)  # in inverse proportion to the curvature
    return None if limit is None else limit / rate


def has_divisor(optimizer: AnyOptimizer) -> bool:
    """Whether it is an adaptive optimizer whose `divisor` is known."""
    return isinstance(optimizer, Adam | AdamW | RMSprop)


def divisor(optimizer: AnyOptimizer, state: Mapping[str, Array], steps: int) -> Array | None:
    """What an adaptive optimizer divides each number of its steps by, as it stands.

    Args:
        optimizer: with its own eps and betas; those of members that differ are to be put in.
        state: by the names of `lrcli.components.optimizers.Optimizer.state`, (..., P) each.
        steps: taken so far.

    Returns:
        (..., P), all above 0; None where the optimizer is not adaptive, has taken no step, or would divide
        by 0.
    """
    if steps < 1 or not isinstance(optimizer, Adam | AdamW | RMSprop):
        return None
    if isinstance(optimizer, RMSprop):
        square = state["square"] - state["mean"] ** 2 if optimizer.centered else state["square"]
    else:
        square = state["largest_square" if optimizer.amsgrad else "square"]
        square = square / (1 - optimizer.betas[1] ** steps)
    found = np.sqrt(np.maximum(square, 0.0).astype(np.float64)) + optimizer.eps
    return found if np.all(found > 0) else None


def _rate(optimizer: SGD | Adam | AdamW | RMSprop, sharpness: float) -> float | None:
    if isinstance(optimizer, SGD):
        return largest_stable_rate(
            sharpness, Rule(optimizer.momentum, optimizer.dampening, optimizer.nesterov)
        )
    if isinstance(optimizer, RMSprop):
        return largest_stable_rate(sharpness, Rule(optimizer.momentum))
    b = optimizer.betas[0]
    shrinking = (1 + b) * optimizer.weight_decay if optimizer.decoupled else 0.0
    return 2 * (1 + b) / ((1 - b) * sharpness + shrinking)


def _formula_of_momentum(momentum: float, dampening: float = 0.0, nesterov: bool = False) -> str:
    if not momentum:
        return "2 / largest curvature"
    if nesterov:
        return "2 (1 + momentum) / ((1 + 2 momentum) largest curvature)"
    if dampening:
        return "2 (1 + momentum) / ((1 - dampening) largest curvature)"
    return "2 (1 + momentum) / largest curvature"
