"""What the seeds of a sweep tell: how sure its winner is, and bias and coverage of what it learned."""

from collections.abc import Iterator

import numpy as np

from lrcli.analysis.statistics import scores
from lrcli.analysis.study import NOMINAL, Study, shortfall, study_of, study_of_references
from lrcli.analysis.winners import Needed, agreement
from lrcli.explaining.finding import Finding
from lrcli.explaining.numerals import percent, short
from lrcli.explaining.sweeps.facts import SweepFacts
from lrcli.wording import counted, one_line

__all__ = ["bias_and_coverage", "same_winner"]


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
        commands = (facts.same_grid.command("sweep", None, "--seeds", str(needed.estimate)),)
    yield Finding("seeds", f"{text}{said}", numbers, estimate=True, commands=commands)


def _needed(needed: Needed | None) -> str:
    if needed is None:
        return ""
    if needed.seeds is not None:
        return f" To be right 19 times of 20 takes {counted(needed.seeds, 'seed')}."
    if needed.estimate is not None:
        return (
            f" To be right 19 times of 20 takes about {needed.estimate:,}, more than half of those trained."
        )
    return " How many it takes to be right 19 times of 20 cannot be told from these."


def bias_and_coverage(facts: SweepFacts) -> Iterator[Finding]:
    """Of the best configuration: the parameter whose intervals hold the truth least often."""
    best = facts.best
    known = {
        name: study
        for name, study in study_of(facts.results).items()
        if np.isfinite(study.coverage[best]) and np.isfinite(study.bias_mcse[best])
    }
    if not known or not facts.verdict.best.has_median:
        return
    name = min(known, key=lambda each: float(known[each].coverage[best]))
    study = known[name]
    bias, error = float(study.bias[best]), float(study.bias_mcse[best])
    coverage, count = float(study.coverage[best]), int(study.n[best] - study.diverged[best])
    text = (
        f"Over {counted(count, 'seed')} of the best configuration, {one_line(name)} is off by "
        f"{short(bias)} +- {short(error)} on average (learned minus true); an interval that should hold "
        f"the truth in 95% of trainings holds it in {percent(coverage)}{_why_seldom(facts, name, study)}."
    )
    numbers: dict[str, float | str | None] = {
        "parameter": name,
        "bias": bias,
        "bias_mcse": error,
        "coverage": coverage,
    }
    yield Finding("coverage", text, numbers, estimate=True)


def _why_seldom(facts: SweepFacts, name: str, study: Study) -> str:
    """A clause: why so few intervals hold the truth; empty where enough of them do."""
    best = facts.best
    reference = study_of_references(facts.results)[name]
    match shortfall(study, reference, best):
        case "unfinished":
            return ": training is not finished"
        case "noisy":
            spread, alone = float(study.empirical_se[best]), float(study.standard_error[best])
            return f": over the seeds it spreads by {short(spread)}, where data alone would by {short(alone)}"
        case "reference":
            held = percent(float(reference.coverage[best]))
            return (
                f". Finished training would hold it in no more than {held}: the model or the loss does that"
            )
    count = int(study.n[best] - study.diverged[best])
    return "" if study.coverage[best] >= NOMINAL else f", which {count:,} seeds cannot tell from 95%"


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
