"""The learning rates of a sweep: the edge of the grid, and where training diverged."""

from collections.abc import Iterator

import numpy as np

from lrcli.explaining.finding import Finding
from lrcli.explaining.numerals import percent, short
from lrcli.explaining.sweeps.facts import RATE, SweepFacts
from lrcli.wording import counted

__all__ = ["diverged", "edge", "too_large", "usable"]


def edge(facts: SweepFacts) -> Iterator[Finding]:
    """The best rate is the last one tried."""
    rates = facts.verdict.rates
    if rates is None or rates.edge is None or not facts.verdict.best.has_median:
        return
    advice = rates.edge
    which = {"low": "the lowest", "high": "the highest", "both": "the only one"}[advice.edge]
    text = f"The best learning rate is {which} of the grid, so a better one may lie beyond."
    low, high = float(advice.low), float(advice.high)
    command = facts.other_rates(f"{low:.2g}:{high:.2g}:13")
    yield Finding("edge", text, {"low": low, "high": high}, commands=(command,))


def too_large(facts: SweepFacts) -> Iterator[Finding]:
    """Every rate is too large for most seeds."""
    lowest = facts.verdict.lowest_rate
    if facts.verdict.best.has_median:
        return
    text = f"Every configuration diverged in at least half of its seeds ({facts.verdict.seeds:,})."
    commands: tuple[str, ...] = ()
    if lowest is not None and np.isfinite(lowest):
        text += f" The lowest learning rate tried, {short(lowest)}, is too large."
        lr = f"{lowest / 1000:.2g}:{lowest:.2g}:13"
        commands = (facts.other_rates(lr),)
    yield Finding("no_winner", text, {"lowest_rate": lowest}, commands=commands)


def usable(facts: SweepFacts) -> Iterator[Finding]:
    """How wide the band of usable rates is."""
    rates = facts.verdict.rates
    if rates is None or rates.band is None or rates.edge is not None or rates.held:
        return
    band = rates.band
    good = "at most 0.05 below the best" if facts.results.mode == "max" else "at most twice the best"
    text = (
        f"Learning rates from {short(band.low)} to {short(band.high)} are usable, a band of "
        f"{short(band.decades)} decade{'s' * (short(band.decades) != '1')}: their median is {good}."
    )
    if band.low == band.high:
        text = f"The learning rate {short(band.low)} alone is usable: no median of the next ones is {good}."
    beyond = [side for side, is_open in (("lower", band.open_low), ("higher", band.open_high)) if is_open]
    if beyond:
        text += f" No {' or '.join(beyond)} rate was tried, so it may be wider."
    yield Finding("usable", text, {"low": band.low, "high": band.high, "decades": band.decades})


def diverged(facts: SweepFacts) -> Iterator[Finding]:
    """How many members diverged, and from which rate on most of them do."""
    lost = facts.results.diverged
    if not lost.any():
        return
    text = f"{counted(int(lost.sum()), 'member')} of {lost.size:,} diverged ({percent(float(lost.mean()))})"
    first = _first_rate(facts)
    if first is not None:
        text += f", from a learning rate of {short(first)} on in most seeds"
    limit, sense = _limit(facts)
    if limit is not None:
        text += f"; the largest stable rate is {short(limit)}{sense and f' ({sense})'}"
    yield Finding("diverged", f"{text}.", {"share": float(lost.mean()), "first_rate": first, "limit": limit})


def _limit(facts: SweepFacts) -> tuple[float | None, str]:
    """The largest stable rate, where all configurations have the same, and what stable means."""
    known, rows = facts.result.stability, facts.result.divergence and facts.result.divergence.stable_rates
    if known is not None:
        return known.largest_stable_rate, known.sense
    return (rows[0].limit, rows[0].sense) if rows and len(rows) == 1 else (None, "")


def _first_rate(facts: SweepFacts) -> float | None:
    """The lowest rate from which on at least half of the members diverge; None where rates are not alone."""
    if facts.results.keys != (RATE,):
        return None
    rates = np.array([float(values[RATE]) for values in facts.results.configurations])
    most = facts.results.diverged.mean(axis=0) >= 0.5
    order = np.argsort(rates)
    above = np.logical_and.accumulate(most[order][::-1])[::-1]
    return float(rates[order][above][0]) if above.any() else None
