"""How a run became its result."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from lrcli.analysis.recovery import Recovery
from lrcli.experiment.expectations import compare
from lrcli.experiment.experiment import Experiment
from lrcli.running.reference_words import describe_reference, undetermined_names
from lrcli.running.stability import Stability
from lrcli.storage.result_fields import SourceFiles, Timing, digests_of
from lrcli.storage.run_result import BestRecord, CurvatureEnds, RecoveryRow, RunResult, RunStatus
from lrcli.training.loop import Members
from lrcli.training.problem import Array

__all__ = ["Findings", "Setting", "build_result"]


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What is known of a run once it has ended, or while it goes on.

    Attributes:
        members: what became of its one member.
        parameters: from name to (1, *shape), as they were trained.
        original: likewise, in the units of the data; None: they are the same.
        recovery: what they are held against.
        outcome: what became of its training loss, once it has ended.
        stable: which rates would have been, where the run diverged.
        curvature: before and after training.
        timing: seconds.
    """

    members: Members | None = None
    parameters: Mapping[str, Array] | None = None
    original: Mapping[str, Array] | None = None
    recovery: Recovery | None = None
    outcome: str | None = None
    stable: Stability | None = None
    curvature: CurvatureEnds | None = None
    timing: Timing | None = None


@dataclass(frozen=True)
class Setting:
    """What is known of a run from its beginning.

    Attributes:
        experiment: what is trained.
        run_dir: where its files are.
        source: what the experiment was read from; None where it was made otherwise.
        expected: from name to comparison.
    """

    experiment: Experiment
    run_dir: Path
    source: SourceFiles | None
    expected: Mapping[str, str]


def build_result(
    setting: Setting,
    status: RunStatus,
    metrics: Mapping[str, float],
    environment: Mapping[str, Any],
    found: Findings,
) -> RunResult:
    """The result of a run of one member.

    Args:
        setting: what was known before.
        status: how far it came.
        metrics: the last value of each.
        environment: what the numbers depended on.
        found: what is known of it now.
    """
    experiment, members = setting.experiment, found.members
    parameters, recovery = found.parameters, found.recovery
    known = recovery is not None and recovery.known
    rows = _recovery_rows(experiment, recovery, parameters) if recovery and known and parameters else ()
    return RunResult(
        name=experiment.name,
        source=setting.source,
        data=digests_of(experiment.dataset.files),
        status=status,
        run_dir=setting.run_dir.as_posix(),
        seed=experiment.seed,
        epochs=int(members.epochs[0]) if members else 0,
        steps=int(members.steps[0]) if members else 0,
        diverged_step=(int(members.diverged_step[0]) or None) if members else None,
        outcome=found.outcome,
        stability=found.stable.record if found.stable else None,
        curvature=found.curvature,
        metrics=dict(metrics),
        best=_best(experiment, members),
        parameters={name: v.tolist()[0] for name, v in (found.original or parameters or {}).items()},
        recovery=rows,
        reference=describe_reference(experiment, recovery) if parameters else None,
        expectations=compare(setting.expected, metrics, rows),
        timing=found.timing,
        environment=dict(environment),
    )


def _best(experiment: Experiment, members: Members | None) -> BestRecord | None:
    """None where no record had a finite value."""
    if members is None or members.best.epoch[0] == 0:
        return None
    return BestRecord(experiment.best.metric, float(members.best.best[0]), int(members.best.epoch[0]))


class _Numbers(NamedTuple):
    """What is known of one number among the parameters, NaN where it is not.

    Attributes:
        held_to: what it is held against.
        learned: what training found.
        error: the difference.
        reference: what minimises what was trained.
        spread: its standard error.
        squares: the value of least squares.
        several: whether other references are as good.
        low, high: the least and the greatest of them.
    """

    held_to: float
    learned: float
    error: float
    reference: float
    spread: float
    squares: float
    several: bool
    low: float
    high: float


def _recovery_rows(
    experiment: Experiment, recovery: Recovery, parameters: Mapping[str, Array]
) -> tuple[RecoveryRow, ...]:
    """A row for each number among the parameters."""
    only = np.array([0])
    learned, errors = recovery.equivalent(parameters, only), recovery.errors(parameters, only)
    is_open = set(undetermined_names(recovery))
    best = recovery.reference
    none = {name: np.full(values.shape, np.nan) for name, values in recovery.values.items()}
    found = none if best is None else best.values
    spreads = none if best is None else best.standard_errors
    squares = none if best is None or best.least_squares is None else best.least_squares
    several = {name: values == 0 for name, values in none.items()} if best is None else best.several
    low, high = (none if best is None else {n: v[..., end] for n, v in best.ends.items()} for end in (0, 1))
    sources = (recovery.values, learned, errors, found, spreads, squares, several, low, high)
    return tuple(
        _row(experiment, recovery, element, _Numbers(*numbers), determined=element not in is_open)
        for name in recovery.values
        for element, *numbers in zip(
            recovery.names_of(name), *(arrays[name][0].ravel().tolist() for arrays in sources), strict=True
        )
    )


def _row(
    experiment: Experiment, recovery: Recovery, element: str, numbers: _Numbers, *, determined: bool
) -> RecoveryRow:
    """One number among the parameters; what is not known of it is NaN."""
    best, known, held_to = recovery.reference, recovery.truth is not None, numbers.held_to
    alone = determined and not numbers.several
    parted = alone and best is not None and best.minimises
    return RecoveryRow(
        element,
        held_to if known or experiment.dataset.truth_known else math.nan,
        numbers.learned,
        numbers.error,
        recovery.against,
        determined,
        _finite(numbers.reference),
        _finite(numbers.spread),
        sampling_error=_finite(held_to - numbers.reference) if parted and known else None,
        optimization_error=_finite(numbers.reference - numbers.learned) if parted else None,
        z=_finite((numbers.learned - held_to) / numbers.spread) if known and numbers.spread > 0 else None,
        least_squares=_finite(numbers.squares) if determined else None,
        interval=(numbers.low, numbers.high) if determined and numbers.several else None,
    )


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None
