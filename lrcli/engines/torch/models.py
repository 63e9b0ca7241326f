"""The models in torch: pure functions of (parameters, inputs), and their gradients.

Every tensor has the members R of a population as its leading axis: inputs (R, B, F), a weight
(R, rows, columns), a bias (R, 1, columns), a scalar (R, 1, 1), outputs (R, B, O). So a formula reads as
in the textbook and trains a thousand members at once.

Beside its forward function a model has a `vjp`: it returns the outputs together with a pullback, the
function that turns the slope of the loss (its derivative by each output) into the gradient. Dense
models write theirs out, backpropagation in a few lines: autograd's bookkeeping costs several times the
arithmetic of a small model. Any other model gets its pullback from autograd, see `by_autograd`.

Products and sums over examples are batched matrix products throughout: torch computes each matrix of a
batch of two or more with the same routine wherever it stands in the batch, so that a member's bits do
not depend on its neighbours. `torch.sum` promises nothing of the kind; nor do some functions of single
numbers, see `lrcli.engines.torch.functions`.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import torch
from torch import Tensor

from lrcli.components.laws import FIRST_RADIATION, SECOND_RADIATION, WIEN_END
from lrcli.components.models import MLP, AnyModel
from lrcli.engines.torch.functions import sigmoid

__all__ = ["P3", "Forward", "Parameters", "Place", "Pullback", "TorchModel", "by_autograd", "torch_model"]

_LITTLE = 64  # numbers of a member's batch: examples times features
_ALIGNMENT = 16  # bytes; rows of other lengths are rounded one way here and another there in a batch

Parameters = Mapping[str, Tensor]
Forward = Callable[[Parameters, Tensor], Tensor]
Pullback = Callable[[Tensor, Parameters], None]


class Place(NamedTuple):
    """Where a model is to compute, for those that must look before they do.

    Attributes:
        seeds: (R,) of each member.
        examples: (B, F), some that a step will have.
        num_outputs: O.
    """

    seeds: Sequence[int]
    examples: Tensor
    num_outputs: int


class TorchModel(NamedTuple):
    """A model as torch computes it.

    Attributes:
        forward: (parameters, inputs) -> outputs.
        vjp: (parameters, inputs) -> (outputs, pullback); pullback(slope, gradient) writes the gradient of
            sum(outputs * slope) into the tensors of `gradient`, named and shaped as the parameters.
        at: told the number of each step before it, where what a step computes depends on it.
    """

    forward: Forward
    vjp: Callable[[Parameters, Tensor], tuple[Tensor, Pullback]]
    at: Callable[[int], None] | None = None


def torch_model(model: AnyModel, place: Place | None = None) -> TorchModel:
    """A model as torch computes it.

    Args:
        model: the model.
        place: where; a model of the user's needs it.

    Raises:
        CodeError: a model of the user's cannot be trained.
    """
    if model.kind in _MODELS:
        return _MODELS[model.kind](model)
    if model.code is not None:
        placed: TorchModel = model.code.placed(place)
        return placed
    form = model.torch_form()
    return form if isinstance(form, TorchModel) else by_autograd(form)


def by_autograd(
    forward: Forward, training: Forward | None = None, frozen: Collection[str] = ()
) -> TorchModel:
    """A model whose pullback torch's autograd derives from its forward function.

    Args:
        forward: (parameters, inputs) -> outputs.
        training: the same in training, where that is another function.
        frozen: names of parameters that have no gradient.
    """
    trained = training or forward
    known: Parameters = {}
    leaves: dict[str, Tensor] = {}

    def vjp(parameters: Parameters, inputs: Tensor) -> tuple[Tensor, Pullback]:
        nonlocal known, leaves
        if parameters is not known:  # a training step changes the parameters' memory, which leaves share
            known = parameters
            leaves = {name: p.detach().requires_grad_(name not in frozen) for name, p in parameters.items()}
        with torch.enable_grad():
            outputs = trained(leaves, inputs)

        def pullback(slope: Tensor, gradient: Parameters) -> None:
            # Each output belongs to one member, so the members' gradients do not mix.
            followed = {name: leaf for name, leaf in leaves.items() if leaf.requires_grad}
            parts = torch.autograd.grad(outputs, tuple(followed.values()), slope, allow_unused=True)
            for name, part in zip(followed, parts, strict=True):
                if part is None:
                    gradient[name].zero_()
                else:
                    gradient[name].copy_(part)

        return outputs.detach(), pullback

    return TorchModel(forward, vjp)


# Dense models -----------------------------------------------------------------------------------------


def linear(parameters: Parameters, inputs: Tensor) -> Tensor:
    """o = x w + b."""
    return _product(inputs, parameters["w"]).add_(parameters["b"])


def linear_vjp(parameters: Parameters, inputs: Tensor) -> tuple[Tensor, Pullback]:
    """dw = x' slope, db = the sum of slope over the examples."""

    def pullback(slope: Tensor, gradient: Parameters) -> None:
        gradient["w"].copy_(_by_weight(inputs, slope))
        gradient["b"].copy_(_by_bias(slope))

    return linear(parameters, inputs), pullback


def polynomial(parameters: Parameters, powers: Tensor) -> Tensor:
    """o = powers coef, the powers of x being the features."""
    return _product(powers, parameters["coef"])


def polynomial_vjp(parameters: Parameters, powers: Tensor) -> tuple[Tensor, Pullback]:
    """dcoef = powers' slope."""

    def pullback(slope: Tensor, gradient: Parameters) -> None:
        gradient["coef"].copy_(_by_weight(powers, slope))

    return polynomial(parameters, powers), pullback


def _product(inputs: Tensor, weight: Tensor) -> Tensor:
    """inputs times weight, (R, B, F) and (R, F, O) to (R, B, O).

    A batched product has a fixed cost for each member. Where there is little to multiply, adding up
    columns takes half the time for a thousand members; the choice depends on the shapes of one member.
    """
    if inputs.shape[1] * inputs.shape[2] > _LITTLE or weight.shape[2] > 1:
        return torch.bmm(inputs, weight)
    columns, factors = inputs.unbind(2), weight.unbind(1)
    outputs = columns[0] * factors[0]
    for column, factor in zip(columns[1:], factors[1:], strict=True):
        outputs.add_(column * factor)
    return outputs.unsqueeze(2)


class Activation(NamedTuple):
    """An activation h = act(z), and its derivative written with h."""

    function: Callable[[Tensor], Tensor]
    derivative: Callable[[Tensor], Tensor]


ACTIVATIONS = {
    "relu": Activation(torch.relu, lambda h: h > 0),
    "tanh": Activation(torch.tanh, lambda h: 1 - h * h),
    "sigmoid": Activation(sigmoid, lambda h: h * (1 - h)),
}


def mlp(model: MLP) -> TorchModel:
    """Dense layers with an activation between them, and backpropagation through them."""
    activation = ACTIVATIONS[model.activation]
    depth = len(model.hidden) + 1

    def layers(parameters: Parameters, inputs: Tensor) -> list[Tensor]:
        """What each layer is given, and the outputs."""
        values = [inputs]
        for i in range(1, depth + 1):
            z = torch.bmm(values[-1], parameters[f"w{i}"]).add_(parameters[f"b{i}"])
            values.append(activation.function(z) if i < depth else z)
        return values

    def vjp(parameters: Parameters, inputs: Tensor) -> tuple[Tensor, Pullback]:
        values = layers(parameters, inputs)

        def pullback(slope: Tensor, gradient: Parameters) -> None:
            for i in range(depth, 0, -1):
                gradient[f"w{i}"].copy_(_by_weight(values[i - 1], slope))
                gradient[f"b{i}"].copy_(_by_bias(slope))
                if i > 1:
                    back = torch.bmm(slope, parameters[f"w{i}"].transpose(1, 2))
                    slope = back.mul_(activation.derivative(values[i - 1]))

        return values[-1], pullback

    return TorchModel(lambda parameters, inputs: layers(parameters, inputs)[-1], vjp)


@lru_cache(maxsize=16)
def _row_of_ones(members: int, examples: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    return torch.ones(1, 1, examples, dtype=dtype, device=device).expand(members, 1, examples)


def _by_bias(slope: Tensor) -> Tensor:
    """The derivative by a bias: the sum of the slopes over the examples, (R, 1, O)."""
    return torch.bmm(_row_of_ones(slope.shape[0], slope.shape[1], slope.dtype, slope.device), slope)


def _by_weight(inputs: Tensor, slope: Tensor) -> Tensor:
    """The derivative by a weight: inputs' slope, (R, F, O)."""
    aligned = inputs.shape[2] * inputs.element_size() % _ALIGNMENT == 0
    if slope.shape[2] == 1 and aligned:  # the same numbers as a row: faster for many examples
        return torch.bmm(slope.transpose(1, 2), inputs).transpose(1, 2)
    return torch.bmm(inputs.transpose(1, 2), slope)


# Curves -----------------------------------------------------------------------------------------------


class P3(torch.autograd.Function):
    """The Legendre polynomial of degree 3, P3(u) = (5 u^3 - 3 u) / 2, with its derivative by hand."""

    @staticmethod
    def forward(ctx: Any, u: Tensor) -> Tensor:
        square = u * u
        ctx.save_for_backward(square)
        return (2.5 * square).sub_(1.5).mul_(u)

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> Tensor:
        """P3'(u) = (15 u^2 - 3) / 2, times the slope."""
        (square,) = ctx.saved_tensors
        derivative: Tensor = (7.5 * square).sub_(1.5)
        return derivative.mul_(slope)


def legendre(parameters: Parameters, x: Tensor) -> Tensor:
    """o = a + b P3(c + d x)."""
    a, b, c, d = (parameters[name] for name in "abcd")
    curve: Tensor = P3.apply(c + d * x)  # type: ignore[no-untyped-call]
    return a + b * curve


def sinusoid(parameters: Parameters, x: Tensor) -> Tensor:
    """o = amplitude * sin(frequency * x + phase) + offset."""
    angle = parameters["frequency"] * x + parameters["phase"]
    return parameters["amplitude"] * torch.sin(angle) + parameters["offset"]


def ohm(parameters: Parameters, voltage: Tensor) -> Tensor:
    """o = V / R."""
    return voltage / parameters["R"]


def planck(parameters: Parameters, wavelength: Tensor) -> Tensor:
    """o = 2 h c^2 / lambda^5 exp(-x) / (1 - exp(-x)), x = h c / (lambda k T).

    Written with exp(-x), since exp(x) of short wavelengths is more than float32 holds. See
    `lrcli.components.laws.radiance` for units and for what is at the ends.
    """
    product = (wavelength * parameters["T"]).clamp(min=SECOND_RADIATION / WIEN_END)
    x = SECOND_RADIATION / product
    lit = wavelength.where(wavelength > 0, torch.inf)
    square = lit * lit
    strength = FIRST_RADIATION / (square * square * lit)  # a power would have other bits here and there
    return strength * torch.exp(-x) / -torch.expm1(-x)


def exponential_decay(parameters: Parameters, time: Tensor) -> Tensor:
    """o = amplitude * exp(-rate * t)."""
    return parameters["amplitude"] * torch.exp(-parameters["rate"] * time)


_MODELS: dict[str, Callable[[Any], TorchModel]] = {
    "linear": lambda _: TorchModel(linear, linear_vjp),
    "polynomial": lambda _: TorchModel(polynomial, polynomial_vjp),
    "legendre": lambda _: by_autograd(legendre),
    "sinusoid": lambda _: by_autograd(sinusoid),
    "mlp": mlp,
    "ohm": lambda _: by_autograd(ohm),
    "planck": lambda _: by_autograd(planck),
    "exponential_decay": lambda _: by_autograd(exponential_decay),
}
