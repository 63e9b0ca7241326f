"""Laws of physics that a dataset and a model share, and the constants in them.

The constants are exact by definition, those of the SI of 2019. Source: BIPM, The International System of
Units, 9th edition (2019), table 1; CODATA 2018.
"""

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "BOLTZMANN",
    "FIRST_RADIATION",
    "LIGHT_SPEED",
    "PLANCK",
    "SECOND_RADIATION",
    "WIEN_END",
    "radiance",
    "radiance_bend",
    "radiance_slope",
]

Array = NDArray[np.float64]

PLANCK = 6.62607015e-34  # h, J s
LIGHT_SPEED = 299_792_458.0  # c, m / s
BOLTZMANN = 1.380649e-23  # k, J / K

FIRST_RADIATION = 2 * PLANCK * LIGHT_SPEED**2 * 1e18  # 2 h c^2 in kW um^5 / (m^2 sr nm): 119.104
SECOND_RADIATION = PLANCK * LIGHT_SPEED / BOLTZMANN * 1e6  # h c / k in um K: 14387.8

WIEN_END = 80.0  # of h c / (lambda k T): beyond it there is no light, and float32 has no smaller numbers


def radiance(wavelength: Array, temperature: Array | float) -> Array:
    """Planck's law, B = 2 h c^2 / lambda^5 / (exp(h c / (lambda k T)) - 1), the light of a black body.

    There is none at temperatures and wavelengths that are not positive.

    Args:
        wavelength: lambda in micrometres.
        temperature: T in kelvin.

    Returns:
        The spectral radiance in kW / (m^2 sr nm), in the shape of both.
    """
    x = _photon_energy(wavelength, temperature)
    return np.asarray(_strength(wavelength) * np.exp(-x) / -np.expm1(-x))


def radiance_slope(wavelength: Array, temperature: Array | float) -> Array:
    """How much `radiance` grows with each kelvin: B x / (T (1 - exp(-x))), x = h c / (lambda k T).

    Args:
        wavelength: lambda in micrometres.
        temperature: T in kelvin, positive.
    """
    growth = _growth(_photon_energy(wavelength, temperature))
    return np.asarray(radiance(wavelength, temperature) * growth / temperature)


def radiance_bend(wavelength: Array, temperature: Array | float) -> Array:
    """The second derivative of `radiance` by T: B g (g (1 + exp(-x)) - 2) / T^2, g = x / (1 - exp(-x)).

    Args:
        wavelength: lambda in micrometres.
        temperature: T in kelvin, positive.
    """
    x = _photon_energy(wavelength, temperature)
    growth = _growth(x)
    turn = growth * (growth * (1 + np.exp(-x)) - 2)
    return np.asarray(radiance(wavelength, temperature) * turn / temperature**2)


def _growth(x: Array) -> Array:
    """X / (1 - exp(-x)): by how many percent radiance grows with a percent of T; 0 where there is none."""
    return np.where(x < WIEN_END, x / -np.expm1(-x), 0.0)


def _photon_energy(wavelength: Array, temperature: Array | float) -> Array:
    """X = h c / (lambda k T), at most `WIEN_END`: a photon's energy in units of k T."""
    return SECOND_RADIATION / np.maximum(wavelength * temperature, SECOND_RADIATION / WIEN_END)


def _strength(wavelength: Array) -> Array:
    """2 h c^2 / lambda^5, and 0 where there is no such wavelength."""
    return FIRST_RADIATION * np.where(wavelength > 0, wavelength, np.inf) ** -5
