"""Which components have a compiled form, and what the machine code knows them by: their numbers.

A component needs none: experiments with one that has none are trained by torch. To give it one, write its
kernel in `lrcli.engines.compiled.kernels`, and its name here; its number is its position. The kernels
themselves are imported only to be compiled.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from lrcli.components.losses import AnyLoss
from lrcli.components.models import MLP, AnyModel
from lrcli.components.optimizers import AnyOptimizer

__all__ = [
    "ACTIVATIONS",
    "LOSSES",
    "MODELS",
    "OPTIMIZERS",
    "OptimizerSpec",
    "activation_number",
    "loss_number",
    "optimizer_spec",
    "refusal",
]

MODELS = ("linear", "polynomial", "mlp")
ACTIVATIONS = ("relu", "tanh", "sigmoid")
LOSSES = ("mse", "half_mse", "l1", "huber", "bce", "cross_entropy")


class OptimizerSpec(NamedTuple):
    """How the machine code is to update parameters.

    Attributes:
        number: of the update rule.
        options: two, which variant of the rule it is; what they mean is the rule's.
        state: from the name of each array of state to what it starts at; each is as long as the parameters.
        coefficients: the names of what the rule needs at each step, in its order.
        decay: which of them is about weight decay, and
        undecayed: what it is for parameters that are not decayed.
    """

    number: int
    options: tuple[bool, bool]
    state: Mapping[str, float]
    coefficients: tuple[str, ...]
    decay: int
    undecayed: float

    @property
    def arrays(self) -> int:
        """How many arrays of state there are."""
        return len(self.state)


_Variant = tuple[tuple[bool, bool], tuple[str, ...]]  # options, coefficients
_UNDECAYED = {"weight_decay": 0.0, "shrink": 1.0}
_MOMENTS = ("step_size", "root_correction", "beta1", "one_minus_beta1", "beta2", "one_minus_beta2", "eps")


def _sgd(optimizer: Any, uses: Mapping[str, bool]) -> _Variant:
    momentum = uses["momentum"]
    return (momentum, optimizer.nesterov), ("lr", "momentum", "intake", "weight_decay")


def _rmsprop(optimizer: Any, uses: Mapping[str, bool]) -> _Variant:
    momentum, centered = uses["momentum"], optimizer.centered
    names = ("lr", "alpha", "one_minus_alpha", "eps", "weight_decay", "momentum")
    return (momentum, centered), names


def _adam(optimizer: Any, _: Mapping[str, bool]) -> _Variant:
    return (False, optimizer.amsgrad), (*_MOMENTS, "weight_decay")


def _adamw(optimizer: Any, _: Mapping[str, bool]) -> _Variant:
    return (True, optimizer.amsgrad), (*_MOMENTS, "shrink")


_VARIANTS: dict[str, Callable[[Any, Mapping[str, bool]], _Variant]] = {
    "sgd": _sgd,
    "rmsprop": _rmsprop,
    "adam": _adam,
    "adamw": _adamw,
}

OPTIMIZERS = tuple(_VARIANTS)


def refusal(model: AnyModel, loss: AnyLoss, optimizer: AnyOptimizer, device: str) -> tuple[str, str] | None:
    """The key that keeps the compiled engine from taking an experiment, and why; None where it can."""
    kinds: list[tuple[str, str, tuple[str, ...]]] = [("model.kind", model.kind, MODELS)]
    if isinstance(model, MLP):
        kinds.append(("model.activation", model.activation, ACTIVATIONS))
    kinds += [("loss.kind", loss.kind, LOSSES), ("optimizer.kind", optimizer.kind, OPTIMIZERS)]
    for key, kind, compiled in kinds:
        if kind not in compiled:
            *others, last = compiled
            known = f"{', '.join(others)} and {last}"
            return key, f"{kind} has no compiled form; the compiled engine takes {known}"
    if device not in {"auto", "cpu"}:
        return "device", f"the compiled engine computes on the cpu, not on {device}"
    return None


def optimizer_spec(optimizer: AnyOptimizer, uses: Mapping[str, bool]) -> OptimizerSpec:
    """How the machine code is to update parameters for an optimizer.

    Args:
        optimizer: its kind and its keys that hold no numbers.
        uses: for each numeric key, whether any member's is not zero.
    """
    options, coefficients = _VARIANTS[optimizer.kind](optimizer, uses)
    number = OPTIMIZERS.index(optimizer.kind)
    name, undecayed = next((name, value) for name, value in _UNDECAYED.items() if name in coefficients)
    decay = coefficients.index(name)
    return OptimizerSpec(number, options, optimizer.state(uses), coefficients, decay, undecayed)


def activation_number(model: AnyModel) -> int:
    """The number of a model's activation; 0 for a model that has none."""
    return ACTIVATIONS.index(model.activation) if isinstance(model, MLP) else 0


def loss_number(loss: AnyLoss) -> int:
    """The number of a loss."""
    return LOSSES.index(loss.kind)
