"""Models that are linear in their parameters: o = X theta."""

import math
from collections.abc import Mapping
from typing import Literal

import numpy as np
from pydantic import Field

from lrcli.components.initializers import Parameter
from lrcli.components.models.base import Array, Model, dense_in_original_units, dense_layer
from lrcli.components.models.equations import power_of_x, sum_of_terms

__all__ = ["Linear", "Polynomial"]


class Linear(Model):
    """o = x w + b: linear regression, or logistic regression under bce.

    Source: Dive into Deep Learning, section 3.1.
    """

    dense = True
    linear_in_parameters = True

    kind: Literal["linear"]

    def parameters(self, num_features: int, num_outputs: int) -> tuple[Parameter, ...]:
        w, b = dense_layer("w", "b", num_features, num_outputs)
        return w._replace(of_features=True), b

    def design(self, features: Array) -> Array:
        """The features and a column of ones, for the bias."""
        return np.concatenate([features, np.ones((*features.shape[:-1], 1))], axis=-1)

    def outputs(self, parameters: Mapping[str, Array], inputs: Array) -> Array:
        return np.asarray(inputs @ parameters["w"] + parameters["b"])

    def in_original_units(
        self, parameters: Mapping[str, Array], mean: Array, scale: Array
    ) -> dict[str, Array]:
        """Of x w + b: w / scale, and b - mean (w / scale)."""
        w, b = dense_in_original_units(parameters["w"], parameters["b"], mean, scale)
        return {"w": w, "b": b}

    def equation(self, parameters: Mapping[str, Array]) -> str | None:
        w, b = parameters["w"], parameters["b"]
        if w.size > 1 or b.size > 1:
            return None
        return "y = " + sum_of_terms([(b.item(), ""), (w.item(), "x")])

    def nearest_equivalent(
        self, learned: Mapping[str, Array], reference: Mapping[str, Array]
    ) -> dict[str, Array]:
        """With an output for each class the same may be added to all: no class becomes more likely."""
        if learned["b"].shape[-1] == 1:
            return dict(learned)
        shift = {name: (reference[name] - learned[name]).mean(axis=-1, keepdims=True) for name in learned}
        return {name: values + shift[name] for name, values in learned.items()}


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

    @property
    def highest_power(self) -> int:
        return self.degree

    def parameters(self, num_features: int, num_outputs: int) -> tuple[Parameter, ...]:
        size = self.degree + 1
        return (Parameter("coef", (size,), (size, 1), fan_in=self.degree),)

    def features(self, inputs: Array) -> Array:
        """The powers 1, x, ..., x^degree."""
        return inputs ** np.arange(self.degree + 1)

    def outputs(self, parameters: Mapping[str, Array], inputs: Array) -> Array:
        return np.asarray(self.features(inputs) @ parameters["coef"][:, None])

    def in_original_units(
        self, parameters: Mapping[str, Array], mean: Array, scale: Array
    ) -> dict[str, Array]:
        """(x / s - m / s)^k has C(k, j) (1 / s)^j (-m / s)^(k - j) of x^j, by the binomial theorem."""
        coef = parameters["coef"]
        slope, offset = 1 / scale[..., 0], -mean[..., 0] / scale[..., 0]
        powers = [np.zeros(np.broadcast_shapes(coef.shape[:-1], slope.shape)) for _ in range(self.degree + 1)]
        for k in range(self.degree + 1):
            for j in range(k + 1):
                powers[j] = powers[j] + coef[..., k] * math.comb(k, j) * slope**j * offset ** (k - j)
        return {"coef": np.stack(powers, axis=-1)}

    def equation(self, parameters: Mapping[str, Array]) -> str:
        terms = [(factor, power_of_x(i)) for i, factor in enumerate(parameters["coef"].tolist())]
        return "y = " + sum_of_terms(terms)
