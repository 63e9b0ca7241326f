"""How parameters start: drawn once for each seed and parameter, in float64.

As in the textbooks, an initializer draws the weights and a bias starts at zero, with two exceptions:
``default``, which does what ``torch.nn.Linear`` does, and ``values``, which lists every number.
"""

import math
from collections.abc import Sequence
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from lrcli.config.base import Config

__all__ = [
    "AnyInitializer",
    "Default",
    "Initializer",
    "Own",
    "Parameter",
    "Values",
    "element_names",
    "elements_by_name",
    "mismatch",
    "shape_of",
]

Array = NDArray[np.float64]


class Parameter(NamedTuple):
    """One array of a model's parameters.

    Attributes:
        name: as in the experiment file and in result.json.
        shape: as users see it.
        matrix: the (rows, columns) it multiplies or adds as; same size as `shape`.
        fan_in: inputs that reach one output through it.
        fan_out: outputs that one input reaches through it.
        is_bias: added rather than multiplied.
        of_features: its first axis has a place for each feature, and so their names.
        is_frozen: it keeps the values that it begins with.
    """

    name: str
    shape: tuple[int, ...]
    matrix: tuple[int, int]
    fan_in: int
    fan_out: int = 1
    is_bias: bool = False
    of_features: bool = False
    is_frozen: bool = False

    @property
    def size(self) -> int:
        return math.prod(self.shape)


def element_names(name: str, shape: tuple[int, ...], rows: Sequence[str] | None = None) -> list[str]:
    """The names of a parameter's numbers: ``w[0]`` of (D, 1), ``w[0,1]`` of (D, O), ``b`` of (1,) and ().

    Args:
        name: of the parameter.
        shape: of the parameter.
        rows: what stands in place of the numbers of the first axis, such as the names of the features.
    """
    if math.prod(shape) == 1 and len(shape) < 2:
        return [name]
    kept = [axis for axis, size in enumerate(shape) if axis == 0 or size > 1]
    return [
        f"{name}[{','.join(str(rows[index[a]] if rows and a == 0 else index[a]) for a in kept)}]"
        for index in np.ndindex(*shape)
    ]


def elements_by_name(
    parameters: Sequence[Parameter], feature_names: Sequence[str] | None
) -> dict[str, list[str]]:
    """The names of the numbers of each parameter, with the names of the features where they have any."""
    return {
        p.name: element_names(p.name, p.shape, feature_names if p.of_features else None) for p in parameters
    }


class Initializer(Config):
    """Base of all initializers."""

    def draw(self, parameter: Parameter, rng: np.random.Generator) -> Array:
        """The initial value of one parameter.

        Args:
            parameter: what to draw.
            rng: this seed's and this parameter's own generator.

        Returns:
            An array of the parameter's shape.
        """
        if parameter.is_bias:
            return np.zeros(parameter.shape)
        return self.weights(parameter, rng)

    def weights(self, parameter: Parameter, rng: np.random.Generator) -> Array:
        """The initial value of a parameter that is no bias."""
        raise NotImplementedError


class Default(Initializer):
    """U(-1/sqrt(fan_in), 1/sqrt(fan_in)) for weights and biases, as torch.nn.Linear draws them.

    Source: torch.nn.Linear.
    """

    kind: Literal["default"]

    def draw(self, parameter: Parameter, rng: np.random.Generator) -> Array:
        bound = 1 / math.sqrt(parameter.fan_in) if parameter.fan_in else 0.0
        return rng.uniform(-bound, bound, parameter.shape)


class Own(Initializer):
    """As the constructor of a model of kind module sets them, from the seed of the run.

    Source: the user's file.
    """

    kind: Literal["own"]


class Normal(Initializer):
    """N(0, std^2).

    Source: torch.nn.init.normal_.
    """

    kind: Literal["normal"]
    std: float = Field(1.0, ge=0, description="standard deviation of the weights")

    def weights(self, parameter: Parameter, rng: np.random.Generator) -> Array:
        return self.std * rng.standard_normal(parameter.shape)


class Uniform(Initializer):
    """U[low, high).

    Source: torch.nn.init.uniform_.
    """

    kind: Literal["uniform"]
    low: float = Field(0.0, description="smallest weight")
    high: float = Field(1.0, description="largest weight; greater than low")

    def weights(self, parameter: Parameter, rng: np.random.Generator) -> Array:
        return rng.uniform(self.low, self.high, parameter.shape)


class Zeros(Initializer):
    """Every parameter is zero.

    Source: torch.nn.init.zeros_.
    """

    kind: Literal["zeros"]

    def weights(self, parameter: Parameter, rng: np.random.Generator) -> Array:
        return np.zeros(parameter.shape)


class Constant(Initializer):
    """Every weight is the same number.

    Source: torch.nn.init.constant_.
    """

    kind: Literal["constant"]
    value: float = Field(examples=[0.1], description="the number")

    def weights(self, parameter: Parameter, rng: np.random.Generator) -> Array:
        return np.full(parameter.shape, self.value)


class XavierUniform(Initializer):
    """U(-a, a), a = sqrt(6 / (fan_in + fan_out)).

    Source: Glorot and Bengio 2010, equation 16; torch.nn.init.xavier_uniform_.
    """

    kind: Literal["xavier_uniform"]

    def weights(self, parameter: Parameter, rng: np.random.Generator) -> Array:
        bound = math.sqrt(6 / (parameter.fan_in + parameter.fan_out))
        return rng.uniform(-bound, bound, parameter.shape)


class XavierNormal(Initializer):
    """N(0, 2 / (fan_in + fan_out)).

    Source: Glorot and Bengio 2010; torch.nn.init.xavier_normal_.
    """

    kind: Literal["xavier_normal"]

    def weights(self, parameter: Parameter, rng: np.random.Generator) -> Array:
        std = math.sqrt(2 / (parameter.fan_in + parameter.fan_out))
        return std * rng.standard_normal(parameter.shape)


class KaimingUniform(Initializer):
    """U(-a, a), a = sqrt(6 / fan_in), for ReLU.

    Source: He et al. 2015; torch.nn.init.kaiming_uniform_ with fan_in and relu.
    """

    kind: Literal["kaiming_uniform"]

    def weights(self, parameter: Parameter, rng: np.random.Generator) -> Array:
        bound = math.sqrt(6 / max(parameter.fan_in, 1))
        return rng.uniform(-bound, bound, parameter.shape)


class KaimingNormal(Initializer):
    """N(0, 2 / fan_in), for ReLU.

    Source: He et al. 2015, equation 10; torch.nn.init.kaiming_normal_ with fan_in and relu.
    """

    kind: Literal["kaiming_normal"]

    def weights(self, parameter: Parameter, rng: np.random.Generator) -> Array:
        std = math.sqrt(2 / max(parameter.fan_in, 1))
        return std * rng.standard_normal(parameter.shape)


class Values(Initializer):
    """Every parameter as listed, in its exact shape.

    Source: the experiment file.
    """

    kind: Literal["values"]
    values: dict[str, Any] = Field(
        examples=[{"w": [[0.1], [0.2]], "b": [0.0]}],
        description="from each parameter's name to its numbers",
    )

    def draw(self, parameter: Parameter, rng: np.random.Generator) -> Array:
        return np.array(self.values[parameter.name], dtype=np.float64).reshape(parameter.shape)

    def mismatch(self, parameters: tuple[Parameter, ...]) -> list[tuple[str, str]]:
        """What keeps the listed values from being the model's parameters: (name, message) pairs."""
        missing = [p.name for p in parameters if p.name not in self.values]
        return [
            *mismatch(self.values, parameters),
            *(("", f"the parameter {name} is missing") for name in missing),
        ]


def mismatch(values: dict[str, Any], parameters: tuple[Parameter, ...]) -> list[tuple[str, str]]:
    """What keeps nested lists of numbers from being those of parameters: (name, message) pairs."""
    wanted = {parameter.name: parameter for parameter in parameters}
    wrong = []
    for name, value in values.items():
        if name not in wanted:
            wrong.append((name, f"the model has no parameter {name}; it has {', '.join(wanted)}"))
        elif shape_of(value) != wanted[name].shape:
            wrong.append((name, f"must be {_shape_words(wanted[name].shape)}"))
    return wrong


def shape_of(value: Any) -> tuple[int, ...] | None:
    """The shape of nested lists of finite numbers, or None where they are anything else."""
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return ()
    if not isinstance(value, list) or not value:
        return None
    shapes = {shape_of(item) for item in value}
    inner = shapes.pop()
    return None if shapes or inner is None else (len(value), *inner)


def _shape_words(shape: tuple[int, ...]) -> str:
    if not shape:
        return "a number"
    if len(shape) == 1:
        return f"a list of {shape[0]} numbers"
    if len(shape) == 2:
        return f"a list of {shape[0]} lists of {shape[1]} numbers"
    return f"nested lists of {' x '.join(map(str, shape))} numbers"


AnyInitializer = Annotated[
    Default
    | Own
    | Normal
    | Uniform
    | Zeros
    | Constant
    | XavierUniform
    | XavierNormal
    | KaimingUniform
    | KaimingNormal
    | Values,
    Field(discriminator="kind"),
]
