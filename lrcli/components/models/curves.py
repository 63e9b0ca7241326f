"""Curves over one input that are not linear in their parameters."""

from collections.abc import Mapping
from typing import Literal

import numpy as np

from lrcli.components.initializers import Parameter
from lrcli.components.models.base import Array, NonlinearCurve, scalars
from lrcli.components.models.derivatives import DerivativesOfCurve, curve_derivatives
from lrcli.components.models.equations import sum_of_terms
from lrcli.components.models.least_squares import least_squares
from lrcli.components.models.sinusoids import nearest_sinusoid

__all__ = ["Legendre", "Sinusoid", "legendre_of_cubic"]

_ROUNDING = 1e-10  # of the largest term of a cubic


class Legendre(NonlinearCurve):
    """o = a + b P3(c + d x), P3(u) = (5 u^3 - 3 u) / 2, the Legendre polynomial of degree 3.

    Source: the PyTorch tutorial "Learning PyTorch with Examples", its own autograd Function.
    """

    kind: Literal["legendre"]

    @property
    def has_best_fit(self) -> bool:
        return True

    def parameters(self, num_features: int, num_outputs: int) -> tuple[Parameter, ...]:
        return scalars("a", "b", "c", "d")

    def outputs(self, parameters: Mapping[str, Array], inputs: Array) -> Array:
        a, b, c, d = (parameters[name] for name in "abcd")
        u = c + d * inputs
        return np.asarray(a + b * (5 * u**3 - 3 * u) / 2)

    def derivatives(self, parameters: Mapping[str, Array], features: Array) -> DerivativesOfCurve:
        """With P3' = (15 u^2 - 3) / 2 and P3'' = 15 u."""
        _, b, c, d = (parameters[name] for name in "abcd")
        x = features[:, 0]
        u = c + d * x
        value, slope, bend = (5 * u**3 - 3 * u) / 2, (15 * u**2 - 3) / 2, b * 15 * u
        zero = np.zeros_like(x)
        seconds = [[zero, slope, slope * x], [slope, bend, bend * x], [slope * x, bend * x, bend * x**2]]
        return curve_derivatives(
            self.outputs(parameters, features),
            [np.ones_like(x), value, b * slope, b * slope * x],
            [[zero] * 4, *([zero, *row] for row in seconds)],
        )

    def in_original_units(
        self, parameters: Mapping[str, Array], mean: Array, scale: Array
    ) -> dict[str, Array]:
        """Of c + d x: the slope d / scale, and c less what that adds at the mean."""
        slope = parameters["d"] / scale[..., 0]
        return {**parameters, "c": parameters["c"] - slope * mean[..., 0], "d": slope}

    def best_fit(
        self, inputs: Array, targets: Array, penalty: Array | None = None
    ) -> dict[str, Array] | None:
        """That of the best cubic, where there is one; a penalty is not taken into account."""
        powers = inputs ** np.arange(4)
        cubic = least_squares(powers, targets)[:, 0]
        shares = np.abs(cubic) * np.abs(powers).max(0)
        if shares[3] <= _ROUNDING * shares.max():  # the best cubic is a parabola or a line
            return None
        return legendre_of_cubic(cubic)

    def equation(self, parameters: Mapping[str, Array]) -> str:
        a, b, c, d = (parameters[name].item() for name in "abcd")
        outer = sum_of_terms([(a, ""), (b, f"P3({sum_of_terms([(c, ''), (d, 'x')])})")])
        return f"y = {outer}, P3(u) = (5 u^3 - 3 u) / 2"

    def nearest_equivalent(
        self, learned: Mapping[str, Array], reference: Mapping[str, Array]
    ) -> dict[str, Array]:
        """P3 is odd: b P3(c + d x) = -b P3(-c - d x)."""
        mirrored = learned["d"] * reference["d"] < 0
        turned = {name: np.where(mirrored, -learned[name], learned[name]) for name in "bcd"}
        return {"a": learned["a"], **turned}


class Sinusoid(NonlinearCurve):
    """o = amplitude * sin(frequency * x + phase) + offset.

    Source: the rule behind the sine dataset, with its parameters to be found.
    """

    many_valleys = True

    kind: Literal["sinusoid"]

    @property
    def has_best_fit(self) -> bool:
        return True

    def parameters(self, num_features: int, num_outputs: int) -> tuple[Parameter, ...]:
        return scalars("amplitude", "frequency", "phase", "offset")

    def outputs(self, parameters: Mapping[str, Array], inputs: Array) -> Array:
        angle = parameters["frequency"] * inputs + parameters["phase"]
        return np.asarray(parameters["amplitude"] * np.sin(angle) + parameters["offset"])

    def derivatives(self, parameters: Mapping[str, Array], features: Array) -> DerivativesOfCurve:
        x, amplitude = features[:, 0], parameters["amplitude"]
        angle = parameters["frequency"] * x + parameters["phase"]
        sine, cosine = np.sin(angle), np.cos(angle)
        bend, zero = -amplitude * sine, np.zeros_like(x)
        return curve_derivatives(
            self.outputs(parameters, features),
            [sine, amplitude * cosine * x, amplitude * cosine, np.ones_like(x)],
            [
                [zero, cosine * x, cosine, zero],
                [cosine * x, bend * x**2, bend * x, zero],
                [cosine, bend * x, bend, zero],
                [zero] * 4,
            ],
        )

    def in_original_units(
        self, parameters: Mapping[str, Array], mean: Array, scale: Array
    ) -> dict[str, Array]:
        """Of frequency * x + phase, as of any line."""
        slope = parameters["frequency"] / scale[..., 0]
        phase = parameters["phase"] - slope * mean[..., 0]
        return {**parameters, "frequency": slope, "phase": phase}

    def best_fit(
        self, inputs: Array, targets: Array, penalty: Array | None = None
    ) -> dict[str, Array] | None:
        """The lowest of the valleys that frequencies up to half a turn between inputs lead into.

        A penalty is not taken into account. There is none where a line or a parabola fits better.
        """
        return nearest_sinusoid(inputs[:, 0], targets[:, 0])

    def equation(self, parameters: Mapping[str, Array]) -> str:
        p = {name: values.item() for name, values in parameters.items()}
        angle = sum_of_terms([(p["frequency"], "x"), (p["phase"], "")])
        return "y = " + sum_of_terms([(p["amplitude"], f"sin({angle})"), (p["offset"], "")])

    def nearest_equivalent(
        self, learned: Mapping[str, Array], reference: Mapping[str, Array]
    ) -> dict[str, Array]:
        """A sin(f x + p) = -A sin(-f x - p) = -A sin(f x + p + pi), and p counts modulo 2 pi."""
        amplitude, frequency, phase, offset = (
            learned[name] for name in ("amplitude", "frequency", "phase", "offset")
        )
        mirrored = frequency * reference["frequency"] < 0
        amplitude, frequency, phase = (
            np.where(mirrored, -values, values) for values in (amplitude, frequency, phase)
        )
        inverted = amplitude * reference["amplitude"] < 0
        amplitude = np.where(inverted, -amplitude, amplitude)
        phase = np.where(inverted, phase + np.pi, phase)
        phase = phase - 2 * np.pi * np.round((phase - reference["phase"]) / (2 * np.pi))
        return {"amplitude": amplitude, "frequency": frequency, "phase": phase, "offset": offset}


def legendre_of_cubic(cubic: Array) -> dict[str, Array] | None:
    """The Legendre curve a + b P3(c + d x) that is a given cubic, its d positive.

    Comparing powers of x with k0 + k1 x + k2 x^2 + k3 x^3 and writing m = c / d gives m = k2 / (3 k3),
    d^2 = 0.6 / (3 m^2 - k1 / k3), b = 0.4 k3 / d^3, a = k0 - b P3(c).

    Args:
        cubic: (4,) the coefficients, constant first.

    Returns:
        The parameters ``a b c d``, or None where no such curve is that cubic.
    """
    k0, k1, k2, k3 = cubic
    if k3 == 0:
        return None
    m = k2 / (3 * k3)
    spread = 3 * m**2 - k1 / k3
    if spread <= 0:
        return None
    d = np.sqrt(0.6 / spread)
    b = 0.4 * k3 / d**3
    c = m * d
    a = k0 - b * (5 * c**3 - 3 * c) / 2
    return {"a": np.array(a), "b": np.array(b), "c": np.array(c), "d": np.array(d)}
