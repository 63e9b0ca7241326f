"""The learning rates of a sweep against the largest stable ones: which members should diverge, which did."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Foretold", "LargestStable", "StableRates"]


@dataclass(frozen=True)
class LargestStable:
    """The largest stable rate of configurations that differ in the rate alone.

    Seeds have data of their own, and so limits of their own; those of a few tell where they lie.

    Attributes:
        limit: the median of these; None where none is known.
        low: the lowest of them; likewise.
        high: the highest; likewise.
        seeds: how many there are.
        sense: what stable means, to be put behind "the largest stable rate"; empty where it needs no words.
        diagnostic: it is a sign, and no bound: the curvature changes with the parameters.
        unknown: why there is none, a clause; empty where there is one.
    """

    limit: float | None
    low: float | None = None
    high: float | None = None
    seeds: int = 0
    sense: str = ""
    diagnostic: bool = False
    unknown: str = ""


@dataclass(frozen=True)
class Foretold:
    """Members by whether their rate is above the largest stable one, and whether they diverged.

    Attributes:
        predicted_and_did: above it, and diverged.
        predicted_but_did_not: above it, and trained to their end: too few steps, or only just above.
        not_predicted_but_did: not above it, and diverged.
        neither: the rest of those whose limit is known.
        unpredicted: those whose limit is not.
    """

    predicted_and_did: int
    predicted_but_did_not: int
    not_predicted_but_did: int
    neither: int
    unpredicted: int


@dataclass(frozen=True)
class StableRates:
    """The rates of the C configurations of a sweep, and what would be stable.

    Attributes:
        rates: (C,) their own, before any schedule.
        largest: (C,) for each; the very same object where nothing but the rate differs.
    """

    rates: tuple[float, ...]
    largest: tuple[LargestStable, ...]

    def limits(self) -> NDArray[np.float64]:
        """(C,) NaN where none is known."""
        return np.array([np.nan if each.limit is None else each.limit for each in self.largest])

    def foretold(self, status: NDArray[np.str_]) -> Foretold:
        """What was to be expected of members, and what came.

        Args:
            status: (S, C) as in `lrcli.analysis.sweep_results.SweepResults`; one that was interrupted is
                not counted.
        """
        limits = self.limits()
        above = np.broadcast_to(np.array(self.rates) > limits, status.shape)
        known = np.broadcast_to(np.isfinite(limits), status.shape)
        ended, diverged = status != "interrupted", status == "diverged"

        def count(mask: NDArray[np.bool_]) -> int:
            return int(np.count_nonzero(mask & ended))

        return Foretold(
            predicted_and_did=count(known & above & diverged),
            predicted_but_did_not=count(known & above & ~diverged),
            not_predicted_but_did=count(known & ~above & diverged),
            neither=count(known & ~above & ~diverged),
            unpredicted=count(~known),
        )
