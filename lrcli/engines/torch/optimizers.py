"""The optimizers in torch: a pure function for each, one update of all parameters.

All parameters of a member lie in one row, so a population's parameters, gradients and each array of
state are (R, P), P numbers for each of R members. A coefficient is (R, 1): a hyperparameter may differ
from member to member, and a member's arithmetic is the same whether it does or not. The coefficients
of a step, and the names of the arrays of state, come from `lrcli.components.optimizers`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from lrcli.components.optimizers import SGD, Adam, AdamW, AnyOptimizer, RMSprop
from lrcli.engines.torch.optimizer_code import CodeUpdate, Coefficients, State

__all__ = ["Coefficients", "State", "Update", "starting_state", "torch_optimizer"]

Update = Callable[[Tensor, State, Tensor, Coefficients], tuple[Tensor, State]]


def torch_optimizer(
    optimizer: AnyOptimizer,
    uses: Mapping[str, bool],
    decayed: Tensor | None = None,
    shapes: Sequence[tuple[int, ...]] = (),
) -> Update:
    """One update as an optimizer makes it.

    Args:
        optimizer: its kind and its keys that hold no numbers.
        uses: for each numeric key, whether any member's is not zero. A term that is zero for all
            members is left out; where it is zero for some, it adds exactly nothing to theirs.
        decayed: (P,) which of a member's parameters weight decay takes from; None: all.
        shapes: of the model's parameters, for an optimizer of the user's.

    Returns:
        (gradient, state, parameters, coefficients) -> (new parameters, new state), the state by the names
        of `Optimizer.state`.
    """
    if optimizer.kind in _OPTIMIZERS:
        return _OPTIMIZERS[optimizer.kind](optimizer, uses, decayed)
    if optimizer.code is not None:
        placed: CodeUpdate = optimizer.code.placed(shapes)
        return placed
    update: Update = optimizer.torch_form(uses, decayed)
    return update


def starting_state(
    optimizer: AnyOptimizer, uses: Mapping[str, bool], update: Update, parameters: Tensor
) -> State:
    """The state before the first step, by name.

    Args:
        optimizer: its kind and its keys that hold no numbers.
        uses: as for `torch_optimizer`.
        update: what that gave.
        parameters: (R, P).

    Raises:
        CodeError: the user's own optimizer fails.
    """
    if isinstance(update, CodeUpdate):
        return update.begin(parameters)
    return {name: torch.full_like(parameters, start) for name, start in optimizer.state(uses).items()}


def _penalized(g: Tensor, p: Tensor, c: Coefficients, decayed: Tensor | None) -> Tensor:
    """The gradient with that of the L2 penalty."""
    return g + c["weight_decay"] * (p if decayed is None else p * decayed)


def _shrunk(p: Tensor, c: Coefficients, decayed: Tensor | None) -> Tensor:
    """The parameters without the share that decoupled decay takes off."""
    shrunk = c["shrink"] * p
    return shrunk if decayed is None else torch.where(decayed, shrunk, p)


def _sgd(optimizer: SGD, uses: Mapping[str, bool], decayed: Tensor | None) -> Update:
    def update(g: Tensor, state: State, p: Tensor, c: Coefficients) -> tuple[Tensor, State]:
        if uses["weight_decay"]:
            g = _penalized(g, p, c, decayed)
        if not uses["momentum"]:
            return p - c["lr"] * g, {}
        velocity = c["momentum"] * state["velocity"] + c["intake"] * g
        step = g + c["momentum"] * velocity if optimizer.nesterov else velocity
        return p - c["lr"] * step, {"velocity": velocity}

    return update


def _rmsprop(optimizer: RMSprop, uses: Mapping[str, bool], decayed: Tensor | None) -> Update:
    def update(g: Tensor, state: State, p: Tensor, c: Coefficients) -> tuple[Tensor, State]:
        new: State = {}
        if uses["weight_decay"]:
            g = _penalized(g, p, c, decayed)
        square = new["square"] = c["alpha"] * state["square"] + c["one_minus_alpha"] * (g * g)
        if optimizer.centered:
            mean = new["mean"] = c["alpha"] * state["mean"] + c["one_minus_alpha"] * g
            square = square - mean * mean
        step = g / (square.sqrt() + c["eps"])
        if uses["momentum"]:
            step = new["step"] = c["momentum"] * state["step"] + step
        return p - c["lr"] * step, new

    return update


def _adam(optimizer: Adam | AdamW, uses: Mapping[str, bool], decayed: Tensor | None) -> Update:
    def update(g: Tensor, state: State, p: Tensor, c: Coefficients) -> tuple[Tensor, State]:
        if optimizer.decoupled:
            p = _shrunk(p, c, decayed)
        elif uses["weight_decay"]:
            g = _penalized(g, p, c, decayed)
        mean = c["beta1"] * state["mean"] + c["one_minus_beta1"] * g
        square = c["beta2"] * state["square"] + c["one_minus_beta2"] * (g * g)
        new = {"mean": mean, "square": square}
        if optimizer.amsgrad:
            square = new["largest_square"] = torch.maximum(state["largest_square"], square)
        return p - c["step_size"] * mean / (square.sqrt() / c["root_correction"] + c["eps"]), new

    return update


_OPTIMIZERS: dict[str, Callable[[Any, Mapping[str, bool], Tensor | None], Update]] = {
    "sgd": _sgd,
    "rmsprop": _rmsprop,
    "adam": _adam,
    "adamw": _adam,
}
