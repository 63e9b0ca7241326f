"""Equations as people write them: ``y = 0.038 + 0.8736 x - 0.0066 x^2``."""

from collections.abc import Sequence

__all__ = ["power_of_x", "sum_of_terms"]


def power_of_x(exponent: int) -> str:
    """``x^2`` of 2; nothing of 0."""
    return "" if exponent == 0 else "x" if exponent == 1 else f"x^{exponent}"


def sum_of_terms(terms: Sequence[tuple[float, str]]) -> str:
    """``1.5 x - 2 x^2`` of [(1.5, "x"), (-2, "x^2")].

    Args:
        terms: each a factor and the name of what it multiplies, which is empty for a constant.
    """
    text = ""
    for factor, name in terms:
        number = f"{abs(factor):.4g} {name}".rstrip()
        sign = "-" if factor < 0 else "+"
        if text:
            text += f" {sign} {number}"
        else:
            text = f"-{number}" if sign == "-" else number
    return text
