"""Models: their parameters, and the fixed features they see. Their arithmetic is the engines'."""

import itertools
from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from lrcli.components.initializers import AnyInitializer, Default, Parameter, Uniform, Values
from lrcli.config.base import Config

__all__ = ["MLP", "AnyModel", "Legendre", "Linear", "Model", "Polynomial", "Sinusoid"]

Array = NDArray[np.float64]


class Model(Config):
    """Base of all models.

    Attributes:
        one_feature: the model is a curve over a single input x.
        dense: made of products of matrices alone; quickest on the CPU at the sizes lrcli is for.
        linear_in_parameters: its output is features times parameters, so least squares solves it.
        size_key: the key that makes the parameters many; empty where that is the dataset's.
    """

    one_feature: ClassVar[bool] = False
    dense: ClassVar[bool] = False
    linear_in_parameters: ClassVar[bool] = False
    size_key: ClassVar[str] = ""

    init: AnyInitializer = Field(
        default_factory=lambda: Default(kind="default"), description="where the parameters start"
    )

    @property
    def noise_of_inputs(self) -> float:
        """The standard deviation of what training adds to the inputs."""
        return 0.0

    def parameters(self, num_features: int, num_outputs: int) -> tuple[Parameter, ...]:
        """The model's parameters for D features and O outputs, in their canonical order."""
        raise NotImplementedError

    def features(self, inputs: Array) -> Array:
        """What the model is given in place of the inputs, worked out once for all examples.

        Args:
            inputs: (..., D).

        Returns:
            (..., F); the inputs themselves unless the model says otherwise.
        """
        return inputs

    def mistakes(self, num_features: int, num_outputs: int) -> Iterator[tuple[str, str]]:
        """What keeps the model from taking D features and giving O outputs: (key, message) pairs."""
        kind = getattr(self, "kind", "")
        if self.one_feature and num_features != 1:
            yield "kind", f"a {kind} is a curve over one feature, but the dataset has {num_features}"
            return
        if self.one_feature and num_outputs != 1:
            yield "kind", f"a {kind} has one output, but the loss needs {num_outputs}"
            return
        if isinstance(self.init, Values):
            for name, message in self.init.mismatch(self.parameters(num_features, num_outputs)):
                yield f"init.values.{name}".rstrip("."), message
        if isinstance(self.init, Uniform) and not self.init.low < self.init.high:
            yield "init.high", f"must be greater than low, which is {self.init.low:g}"


class Linear(Model):
    """o = x w + b: linear regression, or logistic regression under bce.

    Source: Dive into Deep Learning, section 3.1.
    """

    dense = True
    linear_in_parameters = True

    kind: Literal["linear"]

    def parameters(self, num_features: int, num_outputs: int) -> tuple[Parameter, ...]:
        return _dense("w", "b", num_features, num_outputs)


class Polynomial(Model):
    """o = coef[0] + coef[1] x + ... + coef[degree] x^degree.

    Source: the PyTorch tutorial "Learning PyTorch with Examples", for degree 3.
    """

    one_feature = True
    dense = True
    linear_in_parameters = True
    size_key = "degree"

    kind: Literal["polynomial"]
    degree: int = Field(ge=0, le=50, examples=[3], description="highest power of x")

    def parameters(self, num_features: int, num_outputs: int) -> tuple[Parameter, ...]:
        size = self.degree + 1
        return (Parameter("coef", (size,), (size, 1), fan_in=self.degree),)

    def features(self, inputs: Array) -> Array:
        """The powers 1, x, ..., x^degree."""
        return inputs ** np.arange(self.degree + 1)


class Legendre(Model):
    """o = a + b P3(c + d x), P3(u) = (5 u^3 - 3 u) / 2, the Legendre polynomial of degree 3.

    Source: the PyTorch tutorial "Learning PyTorch with Examples", its own autograd Function.
    """

    one_feature = True

    kind: Literal["legendre"]

    def parameters(self, num_features: int, num_outputs: int) -> tuple[Parameter, ...]:
        return _scalars("a", "b", "c", "d")


class Sinusoid(Model):
    """o = amplitude * sin(frequency * x + phase) + offset.

    Source: the rule behind the sine dataset, with its parameters to be found.
    """

    one_feature = True

    kind: Literal["sinusoid"]

    def parameters(self, num_features: int, num_outputs: int) -> tuple[Parameter, ...]:
        return _scalars("amplitude", "frequency", "phase", "offset")


class MLP(Model):
    """Dense layers with an activation between them: h1 = act(x w1 + b1), ..., o = h w + b.

    The last layer has no activation: its output is a number or a logit.

    Source: Rumelhart, Hinton and Williams 1986; the layers are those of torch.nn.Linear.
    """

    dense = True
    size_key = "hidden"

    kind: Literal["mlp"]
    hidden: list[Annotated[int, Field(ge=1, le=10**12)]] = Field(
        examples=[[4, 4]], description="units of each hidden layer; may be empty"
    )
    activation: Literal["relu", "tanh", "sigmoid"] = Field("relu", description="after each hidden layer")
    input_noise: float = Field(
        0.0, ge=0, description="standard deviation of noise added to the inputs, in training only"
    )

    @property
    def noise_of_inputs(self) -> float:
        return self.input_noise

    def parameters(self, num_features: int, num_outputs: int) -> tuple[Parameter, ...]:
        sizes = [num_features, *self.hidden, num_outputs]
        layers = enumerate(itertools.pairwise(sizes), start=1)
        return tuple(
            parameter
            for i, (rows, columns) in layers
            for parameter in _dense(f"w{i}", f"b{i}", rows, columns)
        )


def _dense(weight: str, bias: str, rows: int, columns: int) -> tuple[Parameter, Parameter]:
    """The weight and the bias of one dense layer."""
    return (
        Parameter(weight, (rows, columns), (rows, columns), fan_in=rows, fan_out=columns),
        Parameter(bias, (columns,), (1, columns), fan_in=rows, fan_out=columns, is_bias=True),
    )


def _scalars(*names: str) -> tuple[Parameter, ...]:
    return tuple(Parameter(name, (), (1, 1), fan_in=1) for name in names)


AnyModel = Annotated[Linear | Polynomial | Legendre | Sinusoid | MLP, Field(discriminator="kind")]
