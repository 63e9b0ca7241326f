"""What the seeds of a sweep tell: how sure its winner is, and bias and coverage of what it learned."""

from collections.abc import Iterator

import numpy as np

from lrcli.analysis.statistics import scores
from lrcli.analysis.study import study_of
from lrcli.analysis.winners import Needed, agreement
from lrcli.explaining.finding import Finding
from lrcli.explaining.numerals import percent, short
from lrcli.explaining.sweeps.facts import SweepFacts
from lrcli.wording import counted, one_line

__all__ = ["bias_and_coverage", "same_winner"]

_FEW = 2  # standard errors


def same_winner(facts: SweepFacts) -> Iterator[Finding]:
    """How often fewer seeds would have picked the same winner, and how many are needed."""
    found = agreement(scores(facts.results), facts.results.mode)
    if found is None or not found.shares:
        return
    first, *others = found.shares
    begin = f"{first.seeds:,} of these seeds would have picked the same winner in"
    parts = [f"{begin} {percent(first.winner)} of draws"]
    parts += [f"{share.seeds:,} in {percent(share.winner)}" for share in others]
    text = f"{_listed(parts)}."
    if any(share.overlaps for share in found.shares):
        text += " Draws of more than half of the seeds overlap, and so agree too often."
    needed, said = found.needed, _needed(found.needed)
    numbers: dict[str, float | str | None] = {f"share_of_{s.seeds}": s.winner for s in found.shares}
    seeds = None if needed is None else needed.seeds or needed.estimate
    numbers["needed"] = None if seeds is None else float(seeds)
    commands: tuple[str, ...] = ()
    if needed is not None and needed.estimate is not None:
        commands = (facts.origin.command("sweep", None, "--seeds", str(needed.estimate)),)
    yield Finding("seeds", f"{text}{said}", numbers, estimate=True, commands=commands)


def _needed(needed: Needed | None) -> str:
    if needed is None:
        return ""
    if needed.seeds is not None:
        return f" To be right 19 times of 20 takes {needed.seeds:,} seeds."
    if needed.estimate is not None:
        return (
            f" To be right 19 times of 20 takes about {needed.estimate:,}, more than half of those trained."
        )
    return " How many it takes to be right 19 times of 20 cannot be told from so few."


def bias_and_coverage(facts: SweepFacts) -> Iterator[Finding]:
    """Of the best configuration: the parameter whose intervals hold the truth least often."""
    best = facts.best
    known = {
        name: study
        for name, study in study_of(facts.results).items()
        if np.isfinite(study.coverage[best]) and np.isfinite(study.bias[best])
    }
    if not known or len(facts.results.seeds) < _FEW:
        return
    name = min(known, key=lambda each: float(known[each].coverage[best]))
    study = known[name]
    bias, error = float(study.bias[best]), float(study.bias_mcse[best])
    coverage, spread = float(study.coverage[best]), float(study.coverage_mcse[best])
    count = int(study.n[best] - study.diverged[best])
    low = coverage + _FEW * max(spread, float(np.sqrt(0.05 * 0.95 / count))) < 0.95
    text = (
        f"Over {counted(count, 'seed')} of the best configuration, {one_line(name)} is off by "
        f"{short(bias)} +- {short(error)} on average (learned minus true); an interval that should hold "
        f"the truth in 95% of trainings holds it in {percent(coverage)}"
    )
    text += (
        ": training leaves more than the data do."
        if low
        else f", which {count:,} seeds cannot tell from 95%."
    )
    numbers: dict[str, float | str | None] = {
        "parameter": name,
        "bias": bias,
        "bias_mcse": error,
        "coverage": coverage,
    }
    yield Finding("coverage", text, numbers, estimate=True)


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
