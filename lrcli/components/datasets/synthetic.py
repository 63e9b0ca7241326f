"""Synthetic datasets: a line, a sine, XOR."""

import math
from collections.abc import Iterator
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from lrcli.components.datasets.base import Array, GeneratedDataset, Spread, Starter
from lrcli.components.datasets.curves import CurveDataset

__all__ = ["LinearDataset", "SineDataset", "XorDataset"]


class LinearDataset(GeneratedDataset):
    """y = x . w + b + noise, features N(0, feature_std^2), noise N(0, noise^2).

    Source: Dive into Deep Learning, section 3.3.
    """

    width_key = "w"
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


class SineDataset(CurveDataset):
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

    def rule(self, inputs: Array) -> Array:
        return np.asarray(self.amplitude * np.sin(self.frequency * inputs + self.phase) + self.offset)

    def true_parameters(self, model: str) -> dict[str, Array] | None:
        if model == "sinusoid":
            names = ("amplitude", "frequency", "phase", "offset")
            return {name: np.array(getattr(self, name)) for name in names}
        return None


class XorDataset(GeneratedDataset):
    """Two features U[low, high); the target is 1 where x0 * x1 >= 0, else 0.

    Source: Minsky and Papert 1969; drawn as in Raschka's Machine Learning with PyTorch and Scikit-
    Learn, chapter 13.
    """

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

    @property
    def num_classes(self) -> int:
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
