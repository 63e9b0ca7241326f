"""What there is to say of a sweep: every diagnosis asked in turn, the one that matters most first."""

from lrcli.explaining.finding import Explanation, Finding
from lrcli.explaining.sweeps import rates, seeds, winner
from lrcli.explaining.sweeps.facts import SweepFacts
from lrcli.sweeps.reading import FinishedSweep

__all__ = ["explain_sweep"]

# In the order of what a reader should hear first.
_DIAGNOSES = (
    rates.too_large,
    winner.best,
    rates.edge,
    rates.usable,
    rates.diverged,
    seeds.same_winner,
    seeds.bias_and_coverage,
)


def explain_sweep(sweep: FinishedSweep) -> Explanation:
    """All that can be said of a sweep all of whose members have ended."""
    facts = SweepFacts(sweep)
    found: list[Finding] = []
    for diagnosis in _DIAGNOSES:
        found += diagnosis(facts)
    return Explanation(sweep.result.run_dir, tuple(found))
