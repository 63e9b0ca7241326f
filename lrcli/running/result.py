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
    learned = recovery.equivalent(parameters, only)
    errors = recovery.errors(parameters, only)
    is_open = set(undetermined_names(recovery))
    none = {name: np.full(values.shape, np.nan) for name, values in recovery.values.items()}
    sources = (recovery.values, learned, errors, recovery.standard_errors or none)
    return tuple(
        RecoveryRow(
            element,
            reference if experiment.dataset.truth_known else math.nan,
            value,
            error,
            recovery.against,
            element not in is_open,
            reference,
            spread if math.isfinite(spread) else None,
        )
        for name in recovery.values
        for element, reference, value, error, spread in zip(
            recovery.names_of(name), *(arrays[name][0].ravel().tolist() for arrays in sources), strict=True
        )
    )
