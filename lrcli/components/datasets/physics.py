"""Measurements of a law of physics, whose constants are to be recovered."""

from collections.abc import Iterator
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from lrcli.components.datasets.base import Array, Starter
from lrcli.components.datasets.curves import CurveDataset
from lrcli.components.laws import radiance

__all__ = ["ExponentialDecayDataset", "OhmDataset", "PlanckDataset"]

_SHORTEST = 1e-3  # um; float32 has no numbers for what is beyond


class OhmDataset(CurveDataset):
    """I = V / R + noise, Ohm's law: currents y measured in ampere at voltages x in volt, R in ohm.

    A linear model learns the conductance 1 / R as its weight.

    Source: Ohm 1827; Dive into Deep Learning, section 3.4, exercise 2.
    """

    starter: ClassVar[Starter] = {
        "dataset": {"noise": 0.02},
        "model": {"kind": "ohm"},
        "loss": {"kind": "half_mse"},
        "optimizer": {"kind": "adam", "lr": 0.05},
        "training": {"epochs": 500, "batch_size": "full"},
        "logging": {"every": 10},
    }

    kind: Literal["ohm"]
    R: float = Field(gt=0, examples=[4.7], description="true resistance, in ohm")
    low: float = Field(0.0, description="smallest voltage")
    high: float = Field(10.0, description="largest voltage; greater than low")
    noise: float = Field(0.0, ge=0, description="standard deviation of the measured currents, in ampere")

    @property
    def axis_labels(self) -> tuple[str, str]:
        return "voltage (V)", "current (A)"

    def rule(self, inputs: Array) -> Array:
        return np.asarray(inputs / self.R)

    def true_parameters(self, model: str) -> dict[str, Array] | None:
        if model == "ohm":
            return {"R": np.array(self.R)}
        if model == "linear":
            return {"w": np.array([[1 / self.R]]), "b": np.zeros(1)}
        return {"coef": np.array([0.0, 1 / self.R])} if model == "polynomial" else None


class PlanckDataset(CurveDataset):
    """B = 2 h c^2 / x^5 / (exp(h c / (x k T)) - 1) + noise, the spectrum of a black body of T kelvin.

    The wavelength x is in micrometres (um), the spectral radiance y in kW / (m^2 sr nm), which is also MW /
    (m^2 sr um): 26 at the top of the Sun's spectrum, 1 at that of a body of 3000 K.

    Source: Planck 1901; constants of the SI of 2019; Dive into Deep Learning, section 3.4, exercise 3.
    """

    starter: ClassVar[Starter] = {
        "dataset": {"noise": 0.5},
        "model": {"kind": "planck"},
        "loss": {"kind": "half_mse"},
        "optimizer": {"kind": "adam", "lr": 20.0},
        "training": {"epochs": 1000, "batch_size": "full"},
        "logging": {"every": 10},
    }

    kind: Literal["planck"]
    temperature: float = Field(
        gt=0, examples=[5772.0], description="true temperature, in kelvin; 5772 is the Sun's"
    )
    low: float = Field(0.2, description="shortest wavelength, in um; positive")
    high: float = Field(3.0, description="longest wavelength, in um; greater than low")
    noise: float = Field(
        0.0, ge=0, description="standard deviation of the measured radiances, in kW / (m^2 sr nm)"
    )

    @property
    def axis_labels(self) -> tuple[str, str]:
        return "wavelength (\N{MICRO SIGN}m)", "radiance (kW / (m\N{SUPERSCRIPT TWO} sr nm))"

    def rule(self, inputs: Array) -> Array:
        return radiance(inputs, self.temperature)

    def true_parameters(self, model: str) -> dict[str, Array] | None:
        return {"T": np.array(self.temperature)} if model == "planck" else None

    def mistakes(self) -> Iterator[tuple[str, str]]:
        yield from super().mistakes()
        if self.low < _SHORTEST:
            yield "low", f"a wavelength is positive: must be at least {_SHORTEST:g} um, not {self.low:g}"


class ExponentialDecayDataset(CurveDataset):
    """y = amplitude exp(-rate x) + noise; the time x in seconds, the rate in 1 / s.

    Source: Rutherford and Soddy 1902, the law of radioactive decay; half is left after log(2) / rate.
    """

    starter: ClassVar[Starter] = {
        "dataset": {"noise": 0.05},
        "model": {"kind": "exponential_decay"},
        "loss": {"kind": "half_mse"},
        "optimizer": {"kind": "adam", "lr": 0.02},
        "training": {"epochs": 1000, "batch_size": "full"},
        "logging": {"every": 10},
    }

    kind: Literal["exponential_decay"]
    amplitude: float = Field(3.0, description="what there is at time 0")
    rate: float = Field(0.5, description="share that is lost, in 1 / s; growth where it is negative")
    low: float = Field(0.0, description="earliest time, in s")
    high: float = Field(10.0, description="latest time, in s; later than low")

    @property
    def axis_labels(self) -> tuple[str, str]:
        return "time (s)", "y"

    def rule(self, inputs: Array) -> Array:
        return np.asarray(self.amplitude * np.exp(-self.rate * inputs))

    def true_parameters(self, model: str) -> dict[str, Array] | None:
        if model == "exponential_decay":
            return {"amplitude": np.array(self.amplitude), "rate": np.array(self.rate)}
        return None
