"""Symmetric solutions: different parameters of the same curve.

A learned solution counts as recovered when any parameters of its curve are the true ones, so it is
compared in the equivalent form that lies nearest to them.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

__all__ = ["nearest_equivalent"]

Array = NDArray[np.float64]


def nearest_equivalent(
    model: str, learned: Mapping[str, Array], reference: Mapping[str, Array]
) -> dict[str, Array]:
    """The equivalent of the learned parameters that is nearest to the reference.

    Args:
        model: the model's kind; kinds without symmetries are returned as they are.
        learned: from parameter name to (R, *shape).
        reference: likewise.
    """
    if model == "sinusoid":
        return _sinusoid(learned, reference)
    if model == "legendre":
        return _legendre(learned, reference)
    if model == "linear":
        return _linear(learned, reference)
    return dict(learned)


def _sinusoid(learned: Mapping[str, Array], reference: Mapping[str, Array]) -> dict[str, Array]:
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


def _legendre(learned: Mapping[str, Array], reference: Mapping[str, Array]) -> dict[str, Array]:
    """P3 is odd: b P3(c + d x) = -b P3(-c - d x)."""
    mirrored = learned["d"] * reference["d"] < 0
    turned = {name: np.where(mirrored, -learned[name], learned[name]) for name in "bcd"}
    return {"a": learned["a"], **turned}


def _linear(learned: Mapping[str, Array], reference: Mapping[str, Array]) -> dict[str, Array]:
    """An output for each class: the same may be added to all of them, and no class becomes more likely."""
    if learned["b"].shape[-1] == 1:
        return dict(learned)
    shift = {name: (reference[name] - learned[name]).mean(axis=-1, keepdims=True) for name in learned}
    return {name: values + shift[name] for name, values in learned.items()}
