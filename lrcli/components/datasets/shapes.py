"""Classes with a shape: two features, so that what a model makes of the plane can be seen."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from lrcli.components.datasets.base import Array, GeneratedDataset, Starter

__all__ = ["BlobsDataset", "CirclesDataset", "MoonsDataset", "SpiralsDataset"]

_NOISE = "standard deviation of the noise in each feature"
_CLASSES = "how many classes; more than two need the loss cross_entropy"


def _starter(model: Mapping[str, Any], loss: str, epochs: int) -> Starter:
    return {
        "model": model,
        "loss": {"kind": loss},
        "optimizer": {"kind": "adam", "lr": 0.01},
        "training": {"epochs": epochs, "batch_size": 32},
    }


class ShapesDataset(GeneratedDataset):
    """Points of two features, as many of each class as of any other, but for one; in random order.

    Noise moves the points, not their classes. The rule gives a point the class to whose points without noise
    it is nearest.
    """

    drawing_numbers = 5

    noise: float = Field(0.0, ge=0, description=_NOISE)

    @property
    def num_features(self) -> int:
        return 2

    @property
    def num_classes(self) -> int:
        raise NotImplementedError

    def points(self, classes: Array, rng: np.random.Generator) -> Array:
        """Points without noise.

        Args:
            classes: (N,) of each, numbers from 0.
            rng: of this seed and split.

        Returns:
            (N, 2).
        """
        raise NotImplementedError

    def sample(self, rng: np.random.Generator, count: int) -> tuple[Array, Array]:
        classes = rng.permutation(np.arange(count) % self.num_classes).astype(np.float64)
        inputs = self.points(classes, rng)
        inputs += self.noise * rng.standard_normal((count, 2))
        return inputs, classes[:, None]

    def mistakes(self) -> Iterator[tuple[str, str]]:
        yield from super().mistakes()
        last = self.num_classes - 1
        for index, target in self.outliers.items():
            if target not in range(last + 1):
                yield (
                    "outliers",
                    f"the target of example {index} must be a class, 0 to {last}, not {target:g}",
                )


class BlobsDataset(ShapesDataset):
    """Normal clouds, one for each class, around centres at equal distances on a circle.

    Class k of K has its centre at the angle 2 pi k / K. The rule is that of the best possible classifier: the
    nearest centre.

    Source: sklearn.datasets.make_blobs, with these centres.
    """

    starter: ClassVar[Starter] = _starter({"kind": "linear"}, "cross_entropy", 10)

    kind: Literal["blobs"]
    classes: int = Field(3, ge=2, le=1000, description=_CLASSES)
    radius: float = Field(4.0, gt=0, description="distance of the centres from the origin")
    noise: float = Field(1.0, ge=0, description="standard deviation of each cloud, in each feature")

    @property
    def num_classes(self) -> int:
        return self.classes

    def points(self, classes: Array, rng: np.random.Generator) -> Array:
        return self.radius * _on_circle(2 * np.pi * classes / self.classes)

    def rule(self, inputs: Array) -> Array:
        return _turns(_angle(inputs), self.classes)


class CirclesDataset(ShapesDataset):
    """Circles around the origin, one for each class, class 0 of radius 1, the last of radius `factor`.

    Those between lie at equal distances.

    Source: sklearn.datasets.make_circles, with the angles drawn.
    """

    starter: ClassVar[Starter] = {
        "dataset": {"factor": 0.5, "noise": 0.05},
        **_starter({"kind": "mlp", "hidden": [16]}, "bce", 50),
    }

    kind: Literal["circles"]
    classes: int = Field(2, ge=2, le=1000, description=_CLASSES)
    factor: float = Field(0.8, ge=0, lt=1, description="radius of the smallest circle")

    @property
    def num_classes(self) -> int:
        return self.classes

    def points(self, classes: Array, rng: np.random.Generator) -> Array:
        radii = 1 - classes * (1 - self.factor) / (self.classes - 1)
        return radii[:, None] * _on_circle(rng.uniform(0, 2 * np.pi, len(classes)))

    def rule(self, inputs: Array) -> Array:
        inwards = (1 - np.hypot(*inputs.T)) / (1 - self.factor) * (self.classes - 1)
        return np.asarray(np.clip(np.round(inwards), 0, self.classes - 1))[:, None]


class MoonsDataset(ShapesDataset):
    """Two half circles of radius 1 that reach into each other.

    Class 0 is (cos t, sin t), class 1 is (1 - cos t, 1/2 - sin t), t between 0 and pi.

    Source: sklearn.datasets.make_moons, with t drawn.
    """

    starter: ClassVar[Starter] = {
        "dataset": {"noise": 0.1},
        **_starter({"kind": "mlp", "hidden": [16]}, "bce", 50),
    }

    kind: Literal["moons"]

    @property
    def num_classes(self) -> int:
        return 2

    def points(self, classes: Array, rng: np.random.Generator) -> Array:
        upper = _on_circle(rng.uniform(0, np.pi, len(classes)))
        return np.where(classes[:, None] == 1, [1.0, 0.5] - upper, upper)

    def rule(self, inputs: Array) -> Array:
        lower = _from_half_circle([1.0, 0.5] - inputs)
        return (lower < _from_half_circle(inputs)).astype(np.float64)[:, None]


class SpiralsDataset(ShapesDataset):
    """Spirals, one for each class, that wind around the origin: radius r, angle 2 pi (k / K + turns r).

    r is drawn between 0 and 1. The rule gives a point the class whose spiral is nearest along the circle on
    which the point lies.

    Source: Lang and Witbrock 1988, the two spirals; Karpathy, CS231n, for any number of classes.
    """

    starter: ClassVar[Starter] = {
        "dataset": {"noise": 0.02},
        **_starter({"kind": "mlp", "hidden": [32, 32], "activation": "tanh"}, "cross_entropy", 100),
    }

    kind: Literal["spirals"]
    classes: int = Field(3, ge=2, le=1000, description=_CLASSES)
    turns: float = Field(0.75, description="how often each winds around the origin, counterclockwise")

    @property
    def num_classes(self) -> int:
        return self.classes

    def points(self, classes: Array, rng: np.random.Generator) -> Array:
        r = rng.uniform(0, 1, len(classes))
        return r[:, None] * _on_circle(2 * np.pi * (classes / self.classes + self.turns * r))

    def rule(self, inputs: Array) -> Array:
        return _turns(_angle(inputs) - 2 * np.pi * self.turns * np.hypot(*inputs.T), self.classes)


def _on_circle(angles: Array) -> Array:
    """Points (N, 2) of the circle with radius 1."""
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def _angle(points: Array) -> Array:
    return np.asarray(np.arctan2(points[:, 1], points[:, 0]))


def _turns(angles: Array, classes: int) -> Array:
    """Which of so many directions is nearest, (N, 1), the first being 0."""
    nearest = np.round(angles * classes / (2 * np.pi))
    return np.asarray(nearest % classes)[:, None]


def _from_half_circle(points: Array) -> Array:
    """The distances (N,) from the upper half of the circle with radius 1."""
    x, y = points.T
    return np.asarray(np.where(y >= 0, np.abs(np.hypot(x, y) - 1), np.hypot(np.abs(x) - 1, y)))
