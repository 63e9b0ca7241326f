"""How a run became its result."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lrcli.analysis.recovery import Recovery
from lrcli.experiment.expectations import compare
from lrcli.experiment.experiment import Experiment
from lrcli.experiment.loading import Source
from lrcli.running.reference_words import describe_reference, undetermined_names
from lrcli.running.stability import Stability
from lrcli.storage.result_fields import Timing, digests_of
from lrcli.storage.run_result import BestRecord, CurvatureEnds, RecoveryRow, RunResult, RunStatus
from lrcli.training.loop import Members
from lrcli.training.problem import Array

__all__ = ["build_result"]


def build_result(
    experiment: Experiment,
    run_dir: Path,
    status: RunStatus,
    *,
    source: Source | None,
    expected: Mapping[str, str],
    metrics: Mapping[str, float],
    environment: Mapping[str, Any],
    members: Members | None = None,
    parameters: Mapping[str, Array] | None = None,
    original: Mapping[str, Array] | None = None,
    recovery: Recovery | None = None,
    outcome: str | None = None,
    stable: Stability | None = None,
    curvature: CurvatureEnds | None = None,
    timing: Timing | None = None,
) -> RunResult:
    """The result of a run of one member.

    Args:
        experiment: what was trained.
        run_dir: where its files are.
        status: how far it came.
        source: what the experiment was read from; None where it was made otherwise.
        expected: from name to comparison.
        metrics: the last value of each.
        environment: what the numbers depended on.
        members: what became of the member, once that is known.
        parameters: from name to (1, *shape), as they were trained.
        original: likewise, in the units of the data; None: they are the same.
        recovery: what they are held against.
        outcome: what became of its training loss, once it has ended.
        stable: which rates would have been, where the run diverged.
        curvature: before and after training.
        timing: seconds.
    """
    known = recovery is not None and recovery.known
    rows = _recovery_rows(experiment, recovery, parameters) if recovery and known and parameters else ()
    return RunResult(
        name=experiment.name,
        source=source.record if source else None,
        data=digests_of(experiment.dataset.files),
        status=status,
        run_dir=run_dir.as_posix(),
        seed=experiment.seed,
        epochs=int(members.epochs[0]) if members else 0,
        steps=int(members.steps[0]) if members else 0,
        diverged_step=(int(members.diverged_step[0]) or None) if members else None,
        outcome=outcome,
        stability=stable.record if stable else None,
        curvature=curvature,
        metrics=dict(metrics),
        best=_best(experiment, members),
        parameters={name: values.tolist()[0] for name, values in (original or parameters or {}).items()},
        recovery=rows,
        reference=describe_reference(experiment, recovery) if parameters else None,
        expectations=compare(expected, metrics, rows) if members else (),
        timing=timing,
        environment=dict(environment),
    )


def _best(experiment: Experiment, members: Members | None) -> BestRecord | None:
    """None where no record had a finite value."""
    if members is None or members.best.epoch[0] == 0:
        return None
    return BestRecord(experiment.best.metric, float(members.best.best[0]), int(members.best.epoch[0]))


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
    sources = (recovery.values, learned, errors, found, spreads, squares)
    return tuple(
        _row(experiment, recovery, element, *numbers, determined=element not in is_open)
        for name in recovery.values
        for element, *numbers in zip(
            recovery.names_of(name), *(arrays[name][0].ravel().tolist() for arrays in sources), strict=True
        )
    )


def _row(
    experiment: Experiment,
    recovery: Recovery,
    element: str,
    held_to: float,
    learned: float,
    error: float,
    reference: float,
    spread: float,
    squares: float,
    *,
    determined: bool,
) -> RecoveryRow:
    """One number among the parameters; what is not known of it is NaN."""
    best = recovery.reference
    known = recovery.truth is not None
    parted = determined and best is not None and best.minimises
    return RecoveryRow(
        element,
        held_to if known or experiment.dataset.truth_known else math.nan,
        learned,
        error,
        recovery.against,
        determined,
        _finite(reference),
        _finite(spread),
        sampling_error=_finite(held_to - reference) if parted and known else None,
        optimization_error=_finite(reference - learned) if parted else None,
        z=_finite(-error / spread) if known and spread > 0 else None,
        least_squares=_finite(squares) if determined else None,
    )


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None
