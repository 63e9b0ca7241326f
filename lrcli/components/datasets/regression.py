"""Linear regression whose loss is a bowl of a chosen shape: a testbed of optimizers."""

import math
from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from lrcli.components.datasets.base import SPLITS, Array, GeneratedDataset, SplitName, Starter
from lrcli.components.randomness import generator
from lrcli.wording import counted

__all__ = ["QuadraticDataset", "random_rotation"]

_DIMENSION, _CONDITION = 10, 100.0
_ROUNDING = 1e-9  # of a condition that is said beside the eigenvalues that have it
_ROWS = 4096  # that are turned at a time

Eigenvalue = Annotated[float, Field(gt=0)]


class QuadraticDataset(GeneratedDataset):
    """y = x . w + b + noise, the features N(0, C), C having chosen eigenvalues.

    The training examples have them exactly: they are moved, stretched and turned so that their mean is 0 and
    X'X / N, not only its expectation, is C. So the Hessian of half_mse for a linear model has these
    eigenvalues and, for the bias, 1; that of mse twice these. The largest of a named spectrum is 1: the
    condition is that of the Hessian, and gradient descent on half_mse is stable below a rate of 2. With
    `rotate` the eigenvectors are drawn, for each seed anew; else each of them is a feature.

    Source: Nesterov 2018, Lectures on Convex Optimization, section 2.1, for what the condition number does.
    """

    width_key = "dimension"
    drawing_numbers = 1
    starter: ClassVar[Starter] = {
        "dataset": {"noise": 0.01},
        "model": {"kind": "linear", "init": {"kind": "zeros"}},
        "loss": {"kind": "half_mse"},
        "optimizer": {"kind": "sgd", "lr": 0.04, "momentum": 0.9},
        "training": {"epochs": 500, "batch_size": "full"},
        "logging": {"every": 10},
    }

    kind: Literal["quadratic"]
    dimension: int | None = Field(
        None,
        ge=1,
        le=10_000,
        description=f"how many features; default: {_DIMENSION}, or as many as spectrum lists",
    )
    condition: float | None = Field(
        None,
        ge=1,
        le=1e12,
        description=f"largest over smallest eigenvalue; default: {_CONDITION:g}, or as spectrum lists",
    )
    spectrum: (
        Literal["geometric", "linear", "two_level"]
        | Annotated[list[Eigenvalue], Field(min_length=1, max_length=10_000)]
    ) = Field(
        "geometric",
        description="eigenvalues from 1 to 1 / condition, with equal ratios, with equal differences, or half "
        "of them each; or a list of them",
    )
    rotate: bool = Field(True, description="whether the eigenvectors are drawn; else they are the features")
    w: float | list[float] = Field(
        1.0, description="true weights: one number for all, or one for each feature"
    )
    b: float = Field(0.0, description="true bias")
    noise: float = Field(0.0, ge=0, description="standard deviation of the noise in the targets")

    @property
    def num_features(self) -> int:
        return len(self.spectrum) if isinstance(self.spectrum, list) else self.dimension or _DIMENSION

    @property
    def eigenvalues(self) -> Array:
        """(D,) of the covariance of the features; those of a named spectrum from the largest on."""
        if isinstance(self.spectrum, list):
            return np.array(self.spectrum)
        count, least = self.num_features, 1 / (self.condition or _CONDITION)
        if self.spectrum == "geometric":
            return np.geomspace(1.0, least, count)
        if self.spectrum == "linear":
            return np.linspace(1.0, least, count)
        return np.where(np.arange(count) < (count + 1) // 2, 1.0, least)

    def draw_from(self, seed: int, split: SplitName) -> tuple[Array, Array]:
        """The examples of a split; all splits of a seed have the same eigenvectors."""
        axes = self._axes(generator(seed, "data", len(SPLITS)))
        rng = generator(seed, "data", SPLITS.index(split))
        return self._sample(rng, self.sizes[split], axes, exact=split == "train")

    def sample(self, rng: np.random.Generator, count: int) -> tuple[Array, Array]:
        return self._sample(rng, count, self._axes(rng), exact=True)

    def _axes(self, rng: np.random.Generator) -> Array:
        """(D, D) the eigenvectors of the covariance, in rows."""
        count = self.num_features
        return random_rotation(rng, count) if self.rotate else np.eye(count)

    def _sample(
        self, rng: np.random.Generator, count: int, axes: Array, *, exact: bool
    ) -> tuple[Array, Array]:
        inputs = rng.standard_normal((count, self.num_features))
        shape = np.sqrt(self.eigenvalues)[:, None] * axes
        if exact:
            inputs -= inputs.mean(axis=0)
            triangle = np.linalg.cholesky(inputs.T @ inputs / count)
            shape = np.linalg.solve(triangle.T, shape)
        for first in range(0, count, _ROWS):
            inputs[first : first + _ROWS] = inputs[first : first + _ROWS] @ shape
        return inputs, self.rule(inputs) + self.noise * rng.standard_normal((count, 1))

    def rule(self, inputs: Array) -> Array:
        return np.asarray(inputs @ self._weights() + self.b)

    def true_parameters(self, model: str) -> dict[str, Array] | None:
        return {"w": self._weights(), "b": np.array([self.b])} if model == "linear" else None

    def _weights(self) -> Array:
        """The true w, (D, 1)."""
        weights = self.w if isinstance(self.w, list) else [self.w] * self.num_features
        return np.array(weights)[:, None]

    def mistakes(self) -> Iterator[tuple[str, str]]:
        yield from super().mistakes()
        count = self.num_features
        if isinstance(self.w, list) and len(self.w) != count:
            yield "w", f"has {len(self.w)} numbers where there are {counted(count, 'feature')}"
        if isinstance(self.spectrum, list):
            yield from self._not_as_listed()
        elif count == 1 and self.condition != 1:
            yield "dimension", "a single feature has a condition of 1; take 2 or more, or condition: 1"
        if self.num_train <= count:
            message = f"a covariance of {counted(count, 'feature')} needs at least {count + 1:,} examples"
            yield "num_train", message

    def _not_as_listed(self) -> Iterator[tuple[str, str]]:
        """What is said beside a list of eigenvalues must hold of them."""
        values = self.eigenvalues
        condition = float(values.max() / values.min())
        if self.dimension not in {None, len(values)}:
            yield "dimension", f"must be {len(values)}, the eigenvalues under spectrum, or left out"
        if self.condition is not None and not math.isclose(self.condition, condition, rel_tol=_ROUNDING):
            yield "condition", f"must be {condition:g}, that of the eigenvalues under spectrum, or left out"


def random_rotation(rng: np.random.Generator, count: int) -> Array:
    """An orthogonal matrix, each as likely as any other.

    Source: Mezzadri 2007: the Q of a QR decomposition of normal numbers, R's diagonal positive.
    """
    q, r = np.linalg.qr(rng.standard_normal((count, count)))
    return np.asarray(q * np.sign(np.diag(r)))
