"""What there is to say of a run: every diagnosis asked in turn, the one that matters most first."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lrcli.explaining.finding import Explanation, Finding
from lrcli.explaining.runs import divergence, ending
from lrcli.explaining.runs.facts import RunFacts
from lrcli.running.trained import TrainedRun

__all__ = ["explain_run", "what_matters_most"]


@dataclass(frozen=True)
class _Diagnosis:
    """A question to a run.

    Attributes:
        find: what it comes to; nothing where there is nothing to say.
        quick: it takes a millisecond or two, whatever the run is, so that every report can afford it.
    """

    find: Callable[[RunFacts], Iterator[Finding]]
    quick: bool = True


# In the order of what a reader should hear first.
_DIAGNOSES = (
    _Diagnosis(ending.not_ended),
    _Diagnosis(divergence.diverged, quick=False),
    _Diagnosis(ending.unmet),
)


def explain_run(run: TrainedRun) -> Explanation:
    """All that can be said of a run.

    Args:
        run: as it ended, or as it was read back.
    """
    facts = RunFacts(run)
    return Explanation(run.result.run_dir, tuple(_found(facts)))


def what_matters_most(run: TrainedRun) -> Finding | None:
    """What a report should end with; None where all is well. Takes milliseconds."""
    facts = RunFacts(run)
    found = (finding for each in _DIAGNOSES if each.quick for finding in each.find(facts))
    return next(found, None)


def _found(facts: RunFacts) -> Iterator[Finding]:
    for diagnosis in _DIAGNOSES:
        yield from diagnosis.find(facts)
