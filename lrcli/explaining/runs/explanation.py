"""What there is to say of a run: every diagnosis asked in turn, the one that matters most first."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from lrcli.explaining.data import model_limits, order, targets
from lrcli.explaining.finding import Explanation, Finding
from lrcli.explaining.runs import (
    adaptive_rate,
    batch_noise,
    curves,
    divergence,
    ending,
    errors,
    hidden_units,
    learning_rate,
    outliers,
    precision,
    schedules,
)
from lrcli.explaining.runs.facts import RunFacts, facts_of
from lrcli.running.trained import TrainedRun

__all__ = ["explain_run", "what_matters_most"]


@dataclass(frozen=True)
class _Diagnosis:
    """A question to a run.

    Attributes:
        find: what it comes to; nothing where there is nothing to say.
        unless: kinds of findings that make the question idle, since they say it better.
        in_report: what it finds is no part of a run's report already, and asks for something to be done.
    """

    find: Callable[[RunFacts], Iterator[Finding]]
    unless: frozenset[str] = frozenset()
    in_report: bool = True


_IDLE = frozenset({"dead_units", "saturated_units", "alike", "same_targets"})
_LIMITS = frozenset({"cannot", "sorted", "outlier", "above_limit"})  # what no further training gets over
_EDGE = frozenset({"edge_of_stability"})
_ELSEWHERE = frozenset({"other_minimum"})
_FOUND = frozenset({"stuck", "swings", "cannot", "hardly_moved"})

# In the order of what a reader should hear first.
_DIAGNOSES = (
    _Diagnosis(ending.not_ended, in_report=False),
    _Diagnosis(divergence.diverged, in_report=False),
    _Diagnosis(learning_rate.above_limit),
    _Diagnosis(learning_rate.uneven, in_report=False),
    _Diagnosis(targets.same_targets),
    _Diagnosis(adaptive_rate.larger_than_weights, frozenset({"same_targets"})),
    _Diagnosis(model_limits.no_better_than_chance, frozenset({"same_targets"})),
    _Diagnosis(hidden_units.idle_units, frozenset({"same_targets"})),
    _Diagnosis(learning_rate.hardly_moved, _IDLE),
    _Diagnosis(hidden_units.stuck, _IDLE | {"hardly_moved"}),
    _Diagnosis(outliers.dominating_example),
    _Diagnosis(order.sorted_examples),
    _Diagnosis(errors.other_minimum, _LIMITS),
    _Diagnosis(adaptive_rate.edge_of_stability, _IDLE | _ELSEWHERE),
    _Diagnosis(curves.swings, _IDLE | _EDGE | {"above_limit"}),
    _Diagnosis(schedules.schedule_ended, _LIMITS),
    _Diagnosis(schedules.stopped_too_early, _LIMITS),
    _Diagnosis(errors.decay_bias),
    _Diagnosis(batch_noise.noise_of_batches, _LIMITS, in_report=False),
    _Diagnosis(errors.unfinished, _LIMITS | _EDGE | _ELSEWHERE | {"batch_noise"}),
    _Diagnosis(curves.overfit),
    _Diagnosis(errors.undetermined, in_report=False),
    _Diagnosis(curves.still_falling, _FOUND | _IDLE),
    _Diagnosis(precision.label_noise, in_report=False),
    _Diagnosis(precision.rounding, in_report=False),
    _Diagnosis(errors.finished, _LIMITS | {"batch_noise", "float32"}, in_report=False),
    _Diagnosis(adaptive_rate.finished_at_the_edge, _LIMITS, in_report=False),
    _Diagnosis(ending.unmet, in_report=False),
    _Diagnosis(errors.without_spread, in_report=False),
)


def explain_run(run: TrainedRun) -> Explanation:
    """All that can be said of a run.

    Args:
        run: as it ended, or as it was read back.
    """
    facts = facts_of(run)
    found = [finding for finding, _ in _found(facts)]
    told = any(finding.kind != "without_spread" for finding in found)
    found = found if told else [*curves.levels(facts), *found]
    return Explanation(run.result.run_dir, tuple(_each_command_once(found)))


def _each_command_once(findings: list[Finding]) -> list[Finding]:
    """Two findings may have the same cure: it is given with the first of them."""
    said: set[str] = set()
    kept = []
    for finding in findings:
        commands = tuple(command for command in finding.commands if command not in said)
        kept.append(replace(finding, commands=commands))
        said.update(commands)
    return kept


def what_matters_most(run: TrainedRun) -> Finding | None:
    """What the run's report should end with; None where all is well, or the report says it already.

    Takes a few milliseconds: of data that are not quickly fitted it says nothing.
    """
    facts = facts_of(run, foresees=False)
    if not run.result.ended_well or not facts.quick_to_fit:
        return None
    return next((finding for finding, in_report in _found(facts) if in_report), None)


def _found(facts: RunFacts) -> Iterator[tuple[Finding, bool]]:
    """Each finding, and whether it should end a report."""
    kinds: set[str] = set()
    for diagnosis in _DIAGNOSES:
        if not kinds & diagnosis.unless:
            for finding in diagnosis.find(facts):
                kinds.add(finding.kind)
                yield finding, diagnosis.in_report
