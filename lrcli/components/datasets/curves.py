"""What datasets of one feature have in common: where x lies, and noise on y."""

from collections.abc import Iterator
from typing import Literal

import numpy as np
from pydantic import Field

from lrcli.components.datasets.base import Array, GeneratedDataset

__all__ = ["CurveDataset"]


class CurveDataset(GeneratedDataset):
    """y = rule(x) + noise, noise N(0, noise^2), x between low and high."""

    low: float = Field(description="smallest x")
    high: float = Field(description="largest x; greater than low")
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
        raise NotImplementedError

    def mistakes(self) -> Iterator[tuple[str, str]]:
        yield from super().mistakes()
        if not self.low < self.high:
            yield "high", f"must be greater than low, which is {self.low:g}"
