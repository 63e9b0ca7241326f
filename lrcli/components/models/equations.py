"""Equations as people write them: ``y = 0.038 + 0.8736 x - 0.0066 x^2``."""

from collections.abc import Sequence

__all__ = ["power_of_x", "sum_of_terms"]

_NEGLIGIBLE = 1e-6  # beside the largest number of a sum, smaller ones are shown as 0


def power_of_x(exponent: int) -> str:
    """``x^2`` of 2; nothing of 0."""
    return "" if exponent == 0 else "x" if exponent == 1 else f"x^{exponent}"


def sum_of_terms(terms: Sequence[tuple[float, str]]) -> str:
    """``1.5 x - 2 x^2`` of [(1.5, "x"), (-2, "x^2")].

    Args:
        terms: each a factor and the name of what it multiplies, which is empty for a constant.
    """
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
