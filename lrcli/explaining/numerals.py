"""Numbers within a sentence: at most three digits that count, as a person would write them."""

import math
import re

__all__ = ["about", "percent", "short"]

_PLAIN = 1e6  # from here on with a power of ten
_EXPONENT = re.compile(r"e([+-])0*")


def short(number: float) -> str:
    """Three digits of a number: ``0.0143``, ``12,300``, ``1.2e-5``."""
    if not math.isfinite(number):
        return "no number" if math.isnan(number) else "infinite"
    if 999.5 <= abs(number) < _PLAIN:
        return f"{float(f'{number:.2e}'):,.0f}"
    return _EXPONENT.sub(lambda match: "e" + match[1].replace("+", ""), f"{number:.3g}")


def about(said: str) -> str:
    """An estimate in words; what is said to be under or over something needs no ``about``."""
    return said if said.startswith(("under", "over")) else f"about {said}"


def percent(share: float) -> str:
    """A share in percent: ``5.4%``, ``0.03%``; what is nearly all is not said to be all."""
    if 0 < share < 1e-5:
        return "under 0.001%"
    if 0.995 <= share < 1:
        return "over 99.5%"
    return f"{100 * share:.2g}%" if share < 0.995 else f"{100 * share:.0f}%"
