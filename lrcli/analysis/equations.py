"""The fitted curve as an equation a person can read."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

__all__ = ["equation"]

Array = NDArray[np.float64]

_NEGLIGIBLE = 1e-6  # beside the largest number of a sum, smaller ones are shown as 0


def equation(model: str, parameters: Mapping[str, Array]) -> str | None:
    """The curve's equation, such as ``y = 0.038 + 0.8736 x - 0.0066 x^2 - 0.0957 x^3``.

    Args:
        model: the model's kind.
        parameters: of one member, from name to array in the parameter's shape.

    Returns:
        None where the model is no curve over a single x.
    """
    p = {name: values.ravel().tolist() for name, values in parameters.items()}
    if model == "polynomial":
        return "y = " + _sum([(c, _power(i)) for i, c in enumerate(p["coef"])])
    if model == "linear" and len(p["w"]) == len(p["b"]) == 1:
        return "y = " + _sum([(p["b"][0], ""), (p["w"][0], "x")])
    if model == "legendre":
        inner = _sum([(p["c"][0], ""), (p["d"][0], "x")])
        return f"y = {_sum([(p['a'][0], ''), (p['b'][0], f'P3({inner})')])}, P3(u) = (5 u^3 - 3 u) / 2"
    if model == "sinusoid":
        angle = _sum([(p["frequency"][0], "x"), (p["phase"][0], "")])
        return "y = " + _sum([(p["amplitude"][0], f"sin({angle})"), (p["offset"][0], "")])
    return None


def _power(exponent: int) -> str:
    return "" if exponent == 0 else "x" if exponent == 1 else f"x^{exponent}"


def _sum(terms: list[tuple[float, str]]) -> str:
    """``1.5 x - 2 x^2`` of [(1.5, "x"), (-2, "x^2")]."""
    largest = max(abs(factor) for factor, _ in terms)
    text = ""
    for factor, name in terms:
        rounded = 0.0 if abs(factor) < _NEGLIGIBLE * largest else factor
        number = f"{abs(rounded):.4g} {name}".rstrip()
        sign = "-" if rounded < 0 else "+"
        if text:
            text += f" {sign} {number}"
        else:
            text = f"-{number}" if sign == "-" else number
    return text
