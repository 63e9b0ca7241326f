"""Datasets: generators of examples whose rule is known."""

import math
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, Field

from lrcli.config.base import Config

__all__ = ["AnyDataset", "Dataset", "LinearDataset", "SineDataset", "XorDataset"]

Array = NDArray[np.float64]

_MOST = 10**12  # examples; memory ends long before


_INDEX = "0|[1-9][0-9]*"

Spread = Annotated[float, Field(ge=0)]
Starter = Mapping[str, Mapping[str, Any]]


def _as_index(key: Any) -> Any:
    """One way to write each index, so that none can be given twice."""
    if not isinstance(key, str):
        return key
    if not re.fullmatch(_INDEX, key):
        raise ValueError(f"must be the index of a training example, a number from 0, not {key[:40]!r}")
    return int(key)


class Dataset(Config):
    """Base of all generators.

    Attributes:
        num_classes: how many classes the targets name (0, 1, ...), or None where targets are numbers.
        size_key: the key that makes the features many; None where their number is fixed.
        drawing_numbers: the most numbers of an example that `sample` holds beside those that it returns.
        starter: what a first experiment file says beyond the keys that it must, by block: the first thing to
            try, which recovers the truth or solves the task.
    """

    num_classes: ClassVar[int | None] = None
    size_key: ClassVar[str | None] = None
    drawing_numbers: ClassVar[int] = 3
    starter: ClassVar[Starter] = {"training": {"epochs": 10, "batch_size": 32}}

    num_train: int = Field(1000, ge=1, le=_MOST, description="training examples")
    num_val: int = Field(1000, ge=0, le=_MOST, description="validation examples")
    num_test: int = Field(0, ge=0, le=_MOST, description="test examples")
    seed: int | None = Field(
        None, ge=0, description="fixes the data while the run's seed moves the rest; default: the run's"
    )
    outliers: dict[Annotated[int, BeforeValidator(_as_index)], float] = Field(
        default_factory=dict,
        description="from the index of a training example to the target it gets",
        json_schema_extra={"propertyNames": {"pattern": f"^({_INDEX})$(?!\n)"}},
    )

    @property
    def num_features(self) -> int:
        """D, the numbers that describe one example."""
        return 1

    def sample(self, rng: np.random.Generator, count: int) -> tuple[Array, Array]:
        """Draw examples.

        Args:
            rng: the generator of this seed and split.
            count: N, how many.

        Returns:
            inputs (N, D) and targets (N, 1).
        """
        raise NotImplementedError

    def rule(self, inputs: Array) -> Array | None:
        """What the targets are without noise, at any inputs.

        Args:
            inputs: (N, D), not only such as `sample` draws.

        Returns:
            targets (N, 1), or None where nothing is known of the rule behind the data.
        """
        return None

    def true_parameters(self, model: str) -> dict[str, Array] | None:
        """The parameters with which a model kind is the rule behind the data, where there are any.

        Args:
            model: the model's kind.

        Returns:
            From parameter name to array in the parameter's shape (a polynomial's ``coef`` is given as
            far as it is not zero), or None.
        """
        return None

    def mistakes(self) -> Iterator[tuple[str, str]]:
        """What one field alone cannot tell: (key, message) pairs."""
        for index in self.outliers:
            if not 0 <= index < self.num_train:
                yield "outliers", f"there is no training example {index}; there are 0 to {self.num_train - 1}"


class LinearDataset(Dataset):
    """y = x . w + b + noise, features N(0, feature_std^2), noise N(0, noise^2).

    Source: Dive into Deep Learning, section 3.3.
    """

    size_key = "w"
    drawing_numbers = 1
    starter: ClassVar[Starter] = {
        "dataset": {"noise": 0.01},
        "model": {"kind": "linear"},
        "loss": {"kind": "half_mse"},
        "optimizer": {"kind": "sgd", "lr": 0.03},
        "training": {"epochs": 10, "batch_size": 32},
    }

    kind: Literal["linear"]
    w: list[float] = Field(
        min_length=1, examples=[[2.0, -3.4]], description="true weights, one for each feature"
    )
    b: float = Field(examples=[4.2], description="true bias")
    noise: float = Field(0.0, ge=0, description="standard deviation of the noise in the targets")
    feature_std: Spread | list[Spread] = Field(
        1.0, description="standard deviation of the features: one number, or one for each"
    )

    @property
    def num_features(self) -> int:
        return len(self.w)

    def sample(self, rng: np.random.Generator, count: int) -> tuple[Array, Array]:
        inputs = rng.standard_normal((count, len(self.w)))
        inputs *= np.asarray(self.feature_std)
        targets = self.rule(inputs)
        noise = rng.standard_normal((count, 1))
        noise *= self.noise
        targets += noise
        return inputs, targets

    def rule(self, inputs: Array) -> Array:
        targets = np.asarray(inputs @ np.array(self.w)[:, None])
        targets += self.b
        return targets

    def true_parameters(self, model: str) -> dict[str, Array] | None:
        if model == "linear":
            return {"w": np.array(self.w)[:, None], "b": np.array([self.b])}
        if model == "polynomial":
            return {"coef": np.array([self.b, *self.w])}
        return None

    def mistakes(self) -> Iterator[tuple[str, str]]:
        yield from super().mistakes()
        stds = self.feature_std if isinstance(self.feature_std, list) else [self.feature_std]
        if isinstance(self.feature_std, list) and len(stds) != len(self.w):
            yield "feature_std", f"has {len(stds)} numbers where w has {len(self.w)}"


class SineDataset(Dataset):
    """y = amplitude * sin(frequency * x + phase) + offset + noise, x between low and high (radians).

    Source: the PyTorch tutorial "Learning PyTorch with Examples".
    """

    starter: ClassVar[Starter] = {
        "model": {"kind": "sinusoid"},
        "loss": {"kind": "mse"},
        "optimizer": {"kind": "adam", "lr": 0.01},
        "training": {"epochs": 500, "batch_size": "full"},
        "logging": {"every": 50},
    }

    kind: Literal["sine"]
    amplitude: float = Field(1.0, description="height of the wave")
    frequency: float = Field(1.0, description="radians for each unit of x")
    phase: float = Field(0.0, description="radians at x = 0")
    offset: float = Field(0.0, description="mean level")
    low: float = Field(-math.pi, description="smallest x")
    high: float = Field(math.pi, description="largest x; greater than low")
    spacing: Literal["grid", "uniform"] = Field(
        "grid", description="grid: equally spaced, both ends included, in order; uniform: drawn"
    )
    noise: float = Field(0.0, ge=0, description="standard deviation of the noise in the targets")

    def sample(self, rng: np.random.Generator, count: int) -> tuple[Array, Array]:
        if self.spacing == "grid":
            x = np.linspace(self.low, self.high, count)
        else:
            x = rng.uniform(self.low, self.high, count)
        inputs = x[:, None]
        return inputs, self.rule(inputs) + self.noise * rng.standard_normal((count, 1))

    def rule(self, inputs: Array) -> Array:
        return np.asarray(self.amplitude * np.sin(self.frequency * inputs + self.phase) + self.offset)

    def true_parameters(self, model: str) -> dict[str, Array] | None:
        if model == "sinusoid":
            names = ("amplitude", "frequency", "phase", "offset")
            return {name: np.array(getattr(self, name)) for name in names}
        return None

    def mistakes(self) -> Iterator[tuple[str, str]]:
        yield from super().mistakes()
        if not self.low < self.high:
            yield "high", f"must be greater than low, which is {self.low:g}"


class XorDataset(Dataset):
    """Two features U[low, high); the target is 1 where x0 * x1 >= 0, else 0.

    Source: Minsky and Papert 1969; drawn as in Raschka's Machine Learning with PyTorch and Scikit-
    Learn, chapter 13.
    """

    num_classes = 2
    drawing_numbers = 2
    starter: ClassVar[Starter] = {
        "model": {"kind": "mlp", "hidden": [16]},
        "loss": {"kind": "bce"},
        "optimizer": {"kind": "adam", "lr": 0.01},
        "training": {"epochs": 50, "batch_size": 10},
    }

    kind: Literal["xor"]
    low: float = Field(-1.0, description="smallest feature")
    high: float = Field(1.0, description="largest feature; greater than low")
    label_noise: float = Field(
        0.0, ge=0, le=1, description="probability with which a target is flipped, in every split"
    )

    @property
    def num_features(self) -> int:
        return 2

    def sample(self, rng: np.random.Generator, count: int) -> tuple[Array, Array]:
        inputs = rng.uniform(self.low, self.high, (count, 2))
        flipped = rng.random((count, 1)) < self.label_noise
        return inputs, np.logical_xor(self.rule(inputs), flipped).astype(np.float64)

    def rule(self, inputs: Array) -> Array:
        """1 where the features' signs are alike, else 0: the targets that are not flipped."""
        return (inputs[:, :1] * inputs[:, 1:] >= 0).astype(np.float64)

    def mistakes(self) -> Iterator[tuple[str, str]]:
        yield from super().mistakes()
        if not self.low < self.high:
            yield "high", f"must be greater than low, which is {self.low:g}"
        for index, target in self.outliers.items():
            if target not in (0, 1):
                yield "outliers", f"the target of example {index} must be 0 or 1, not {target:g}"


AnyDataset = Annotated[LinearDataset | SineDataset | XorDataset, Field(discriminator="kind")]
