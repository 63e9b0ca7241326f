"""What the compiled engine knows its components by: the numbers of their forms in the machine code.

The forms themselves are in `lrcli.engines.compiled.kernels`; they are imported only to be compiled.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple, get_args

from lrcli.components.losses import AnyLoss
from lrcli.components.models import MLP, AnyModel
from lrcli.components.optimizers import AnyOptimizer

__all__ = [
    "ACTIVATIONS",
    "LOSSES",
    "OPTIMIZERS",
    "OptimizerForm",
    "activation_number",
    "loss_number",
    "optimizer_form",
    "refusal",
]

LOSSES = ("mse", "half_mse", "l1", "huber", "bce", "cross_entropy")
ACTIVATIONS: tuple[str, ...] = get_args(MLP.model_fields["activation"].annotation)
OPTIMIZERS = ("sgd", "rmsprop", "adam", "adamw")


def refusal(model: AnyModel, loss: AnyLoss, optimizer: AnyOptimizer, device: str) -> tuple[str, str] | None:
    """The key that keeps the compiled engine from taking an experiment, and why; None where it can."""
    if not model.dense:
        reason = f"{model.kind} is no dense model; the compiled engine takes linear, polynomial and mlp"
        return "model.kind", reason
    for group, kind, known in (("loss", loss.kind, LOSSES), ("optimizer", optimizer.kind, OPTIMIZERS)):
        if kind not in known:
            return f"{group}.kind", f"{kind} has no compiled form; {', '.join(known)} have one"
    if device not in {"auto", "cpu"}:
        return "device", f"the compiled engine computes on the cpu, not on {device}"
    return None


class OptimizerForm(NamedTuple):
    """How the machine code is to update parameters.

    Attributes:
        number: of the update rule.
        options: two, which of its forms it takes; what they mean is the rule's.
        starts: what the arrays of state start at, each of which is as long as the parameters.
        coefficients: the names of what the rule needs at each step, in its order.
        decay: which of them is about weight decay, and
        undecayed: what it is for parameters that are not decayed.
    """

    number: int
    options: tuple[bool, bool]
    starts: tuple[float, ...]
    coefficients: tuple[str, ...]
    decay: int
    undecayed: float

    @property
    def arrays(self) -> int:
        """How many arrays of state there are."""
        return len(self.starts)


def optimizer_form(optimizer: AnyOptimizer, uses: Mapping[str, bool]) -> OptimizerForm:
    """The form of an optimizer.

    Args:
        optimizer: its kind and its keys that hold no numbers.
        uses: for each numeric key, whether any member's is not zero.
    """
    options, coefficients = _FORMS[optimizer.kind](optimizer, uses)
    starts = tuple(optimizer.state(uses).values())
    number = OPTIMIZERS.index(optimizer.kind)
    name, undecayed = next((name, value) for name, value in _UNDECAYED.items() if name in coefficients)
    return OptimizerForm(number, options, starts, coefficients, coefficients.index(name), undecayed)


_Form = tuple[tuple[bool, bool], tuple[str, ...]]
_UNDECAYED = {"weight_decay": 0.0, "shrink": 1.0}
_MOMENTS = ("step_size", "root_correction", "beta1", "one_minus_beta1", "beta2", "one_minus_beta2", "eps")


def _sgd(optimizer: Any, uses: Mapping[str, bool]) -> _Form:
    momentum = uses["momentum"]
    return (momentum, optimizer.nesterov), ("lr", "momentum", "intake", "weight_decay")


def _rmsprop(optimizer: Any, uses: Mapping[str, bool]) -> _Form:
    momentum, centered = uses["momentum"], optimizer.centered
    names = ("lr", "alpha", "one_minus_alpha", "eps", "weight_decay", "momentum")
    return (momentum, centered), names


def _adam(optimizer: Any, _: Mapping[str, bool]) -> _Form:
    return (False, optimizer.amsgrad), (*_MOMENTS, "weight_decay")


def _adamw(optimizer: Any, _: Mapping[str, bool]) -> _Form:
    return (True, optimizer.amsgrad), (*_MOMENTS, "shrink")


_FORMS = {"sgd": _sgd, "rmsprop": _rmsprop, "adam": _adam, "adamw": _adamw}


def activation_number(model: AnyModel) -> int:
    """The number of a model's activation; 0 for a model that has none."""
    return ACTIVATIONS.index(model.activation) if isinstance(model, MLP) else 0


def loss_number(loss: AnyLoss) -> int:
    """The number of a loss."""
    return LOSSES.index(loss.kind)
