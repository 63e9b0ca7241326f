"""Laws of physics, whose parameters are constants with units: curves are fitted for their sake."""

from collections.abc import Iterator, Mapping
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from lrcli.components.initializers import AnyInitializer, Constant, Parameter, Uniform, Values
from lrcli.components.laws import FIRST_RADIATION, SECOND_RADIATION, radiance, radiance_bend, radiance_slope
from lrcli.components.models.base import Array, NonlinearCurve, scalars
from lrcli.components.models.derivatives import DerivativesOfCurve, curve_derivatives
from lrcli.components.models.equations import sum_of_terms
from lrcli.components.models.nonlinear import nearest_curve

__all__ = ["ExponentialDecay", "Ohm", "Planck"]

_START = "where the parameters start"
_RATES = np.geomspace(1e-3, 1e3, 121)  # that are tried, over the longest time
_TEMPERATURES = np.geomspace(1.0, 1e9, 181)  # that are tried, in kelvin


class _PositiveConstant(NonlinearCurve):
    """A curve over one input whose one parameter is positive by its nature.

    Attributes:
        quantity: what the parameter is.
        usual: a number that it may start at.
    """

    quantity: ClassVar[str]
    usual: ClassVar[float]

    @property
    def has_best_fit(self) -> bool:
        return True

    def mistakes(self, num_features: int, num_outputs: int) -> Iterator[tuple[str, str]]:
        wrong = list(super().mistakes(num_features, num_outputs))
        yield from wrong
        (parameter,) = self.parameters(num_features, num_outputs)
        key = None if wrong else _not_positive(self.init, parameter.name)
        if key is not None:
            better = f"init: {{kind: constant, value: {self.usual:g}}}"
            yield key, f"a {self.quantity} is positive, so {parameter.name} must start above 0: {better}"


def _not_positive(init: AnyInitializer, name: str) -> str | None:
    """The key by which a parameter may start at 0 or below; None where it starts above."""
    match init:
        case Constant():
            key, lowest = "init.value", init.value
        case Uniform():
            key, lowest = "init.low", init.low
        case Values():
            key, lowest = f"init.values.{name}", init.values[name]
        case _:
            return "init.kind"
    return None if lowest > 0 else key


class Ohm(_PositiveConstant):
    """I = V / R, Ohm's law; V in volt, I in ampere, R in ohm (or volt, milliampere and kiloohm).

    Source: Ohm 1827; Dive into Deep Learning, section 3.4, exercise 2.
    """

    quantity = "resistance"
    usual = 10.0

    kind: Literal["ohm"]
    init: AnyInitializer = Field(
        default_factory=lambda: Constant(kind="constant", value=Ohm.usual), description=_START
    )

    def parameters(self, num_features: int, num_outputs: int) -> tuple[Parameter, ...]:
        return scalars("R")

    def outputs(self, parameters: Mapping[str, Array], inputs: Array) -> Array:
        return np.asarray(inputs / parameters["R"])

    def derivatives(self, parameters: Mapping[str, Array], features: Array) -> DerivativesOfCurve:
        x, resistance = features[:, 0], parameters["R"]
        outputs = self.outputs(parameters, features)
        return curve_derivatives(outputs, [-x / resistance**2], [[2 * x / resistance**3]])

    def best_fit(
        self, inputs: Array, targets: Array, penalty: Array | None = None
    ) -> dict[str, Array] | None:
        """That of the line through the origin, whose slope is 1 / R; a penalty is not taken into account."""
        slope = np.sum(inputs * targets)
        return None if slope == 0 else {"R": np.array(np.sum(inputs**2) / slope)}

    def equation(self, parameters: Mapping[str, Array]) -> str:
        return f"y = x / {sum_of_terms([(parameters['R'].item(), '')])}"


class Planck(_PositiveConstant):
    """B = 2 h c^2 / x^5 / (exp(h c / (x k T)) - 1), Planck's law; x the wavelength in um, T in kelvin.

    B is the spectral radiance of a black body in kW / (m^2 sr nm). Nothing shines at T <= 0, so such a
    temperature learns no more. A learning rate has units, too: adam moves T by about `lr` kelvin a step.

    Source: Planck 1901; Dive into Deep Learning, section 3.4, exercise 3.
    """

    quantity = "temperature"
    usual = 3000.0

    kind: Literal["planck"]
    init: AnyInitializer = Field(
        default_factory=lambda: Constant(kind="constant", value=Planck.usual), description=_START
    )

    def parameters(self, num_features: int, num_outputs: int) -> tuple[Parameter, ...]:
        return scalars("T")

    def outputs(self, parameters: Mapping[str, Array], inputs: Array) -> Array:
        return radiance(inputs, parameters["T"])

    def derivatives(self, parameters: Mapping[str, Array], features: Array) -> DerivativesOfCurve:
        x, temperature = features[:, 0], parameters["T"]
        outputs = self.outputs(parameters, features)
        if not temperature > 0:  # nothing shines, and nothing changes
            return curve_derivatives(outputs, [np.zeros_like(x)], [[np.zeros_like(x)]])
        return curve_derivatives(outputs, [radiance_slope(x, temperature)], [[radiance_bend(x, temperature)]])

    def best_fit(
        self, inputs: Array, targets: Array, penalty: Array | None = None
    ) -> dict[str, Array] | None:
        """Least squares, from the best of many temperatures; a penalty is not taken into account."""
        x, y = inputs[:, 0], targets[:, 0]
        costs = [np.sum((y - radiance(x, temperature)) ** 2) for temperature in _TEMPERATURES]
        best = int(np.argmin(costs))
        if best in {0, len(_TEMPERATURES) - 1}:  # the darker the better, or the brighter
            return None
        found = nearest_curve(
            lambda t: (radiance(x, t), radiance_slope(x, t)[:, None]), _TEMPERATURES[[best]], y
        )
        return None if found is None else {"T": found[0]}

    def equation(self, parameters: Mapping[str, Array]) -> str:
        if parameters["T"] <= 0:
            return "y = 0"
        exponent = f"{SECOND_RADIATION:.6g} / ({parameters['T'].item():.6g} x)"
        return f"y = {FIRST_RADIATION:.6g} / x^5 / (exp({exponent}) - 1)"


class ExponentialDecay(NonlinearCurve):
    """y = amplitude exp(-rate x); x the time, rate in 1 / time.

    Source: Rutherford and Soddy 1902, the law of radioactive decay; half is left after log(2) / rate.
    """

    kind: Literal["exponential_decay"]
    init: AnyInitializer = Field(
        default_factory=lambda: Constant(kind="constant", value=1.0), description=_START
    )

    @property
    def has_best_fit(self) -> bool:
        return True

    def parameters(self, num_features: int, num_outputs: int) -> tuple[Parameter, ...]:
        return scalars("amplitude", "rate")

    def outputs(self, parameters: Mapping[str, Array], inputs: Array) -> Array:
        return np.asarray(parameters["amplitude"] * np.exp(-parameters["rate"] * inputs))

    def derivatives(self, parameters: Mapping[str, Array], features: Array) -> DerivativesOfCurve:
        x, amplitude = features[:, 0], parameters["amplitude"]
        share = np.exp(-parameters["rate"] * x)
        return curve_derivatives(
            self.outputs(parameters, features),
            [share, -amplitude * x * share],
            [[np.zeros_like(x), -x * share], [-x * share, amplitude * x**2 * share]],
        )

    def in_original_units(
        self, parameters: Mapping[str, Array], mean: Array, scale: Array
    ) -> dict[str, Array]:
        """Of rate (x - mean) / scale: rate / scale, and the amplitude that there is at x = 0."""
        rate = parameters["rate"] / scale[..., 0]
        with np.errstate(over="ignore"):  # of a member about to diverge
            return {"amplitude": parameters["amplitude"] * np.exp(rate * mean[..., 0]), "rate": rate}

    def best_fit(
        self, inputs: Array, targets: Array, penalty: Array | None = None
    ) -> dict[str, Array] | None:
        """Least squares, from the best of many rates; a penalty is not taken into account."""
        x, y = inputs[:, 0], targets[:, 0]
        longest = np.abs(x).max()
        if longest == 0 or not y.any():
            return None
        rates = np.concatenate([-_RATES[::-1], _RATES]) / longest
        amplitudes, costs = _best_amplitudes(rates, x, y)
        best = int(np.argmin(costs))
        if best in {0, len(rates) - 1}:  # steeper than the data can tell
            return None
        found = nearest_curve(lambda p: _decay(p, x), np.array([amplitudes[best], rates[best]]), y)
        return None if found is None else {"amplitude": found[0], "rate": found[1]}

    def equation(self, parameters: Mapping[str, Array]) -> str:
        power = sum_of_terms([(-parameters["rate"].item(), "x")])
        return "y = " + sum_of_terms([(parameters["amplitude"].item(), f"exp({power})")])


def _best_amplitudes(rates: Array, x: Array, y: Array) -> tuple[Array, Array]:
    """For each rate the amplitude that fits best, and the sum of squared errors: (K,) each."""
    power = -rates[:, None] * x
    top = power.max(axis=1, keepdims=True)
    curves = np.exp(power - top)  # at most 1
    heights = curves @ y / np.sum(curves**2, axis=1)
    costs = np.sum((y - heights[:, None] * curves) ** 2, axis=1)
    with np.errstate(over="ignore", under="ignore"):
        return heights * np.exp(-top[:, 0]), costs


def _decay(parameters: Array, x: Array) -> tuple[Array, Array]:
    """Amplitude exp(-rate x), and its derivatives by both."""
    amplitude, rate = parameters
    with np.errstate(over="ignore", invalid="ignore"):
        share = np.exp(-rate * x)
        return amplitude * share, np.stack([share, -amplitude * x * share], axis=1)
