"""A run in words and numbers, wherever they are to stand: how it ended, its equations, what it is held to."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from lrcli.components.models.base import Model
from lrcli.reporting.scales import Array
from lrcli.running.stability import advice
from lrcli.storage.run_result import RecoveryRow, Reference, RunResult
from lrcli.storage.sweep_result import SweepResult
from lrcli.training.problem import SplitName
from lrcli.wording import counted, one_line

__all__ = [
    "SHOWN_SPLITS",
    "SPLITS",
    "compared_with",
    "equations",
    "headline",
    "held_against",
    "how_it_ended",
    "outcome_of",
    "reference_arrays",
    "titled",
    "unmet_expectations",
    "zero_but_for_rounding",
]

SPLITS = {"train": "training", "val": "validation", "test": "test"}  # sets of examples
SHOWN_SPLITS: tuple[SplitName, ...] = ("train", "val")  # in pictures of examples

_ROUNDING, _ROUNDING_OF_TRAINING = 1e-12, 1e-6  # of the largest parameter
_TOLD = 10  # standard errors from zero: no rounding, however small the unit makes it


def titled(result: RunResult | SweepResult) -> str:
    """The name of a run or a sweep, and its file where that is called otherwise."""
    name, source = result.name, result.source
    if source is None or Path(source.file).stem in {name, "experiment"}:
        return one_line(name)
    return one_line(f"{name}, from {source.file}")


def headline(result: RunResult) -> str:
    """What ran and how it ended, in a line."""
    return f"{titled(result)}: {how_it_ended(result)}"


def how_it_ended(result: RunResult) -> str:
    """A clause, such as ``completed (3 epochs, 96 steps in 0.04 s), outcome improving``."""
    words = {
        "running": "has not ended, or was ended before it could say how; lrcli resume goes on with it",
        "completed": "completed",
        "stopped_early": "stopped early: no improvement",
        "interrupted": "interrupted; lrcli resume goes on with it",
        "failed": "failed; lrcli resume goes on with it",
    }
    smaller = advice(result.stability, result.metrics.get("lr", np.inf))
    how = words.get(result.status) or f"diverged at step {result.diverged_step}; {smaller}"
    done = f"{counted(result.epochs, 'epoch')}, {counted(result.steps, 'step')}"
    seconds = f" in {result.timing.train_seconds:.3g} s" if result.timing else ""
    known = outcome_of(result)
    return f"{how} ({done}{seconds}){known and f', outcome {known}'}"


def outcome_of(result: RunResult) -> str:
    """What became of its training loss; empty where the status says that already, or it is not known."""
    return (result.outcome or "") if result.ended_well and result.outcome != "unknown" else ""


def held_against(reference: Reference) -> tuple[str, str]:
    """What learned parameters are held against: the heading of a column, and what the errors are."""
    if reference.against == "true":
        return "true", "error = true - learned"
    return "best possible", f"best possible: {reference.text}"


def compared_with(result: RunResult) -> str:
    """The word for what parameters are compared with: true, or best possible."""
    rows = [row.against for row in result.recovery[:1]] or ["true"]
    against = rows[0] if result.reference is None else result.reference.against
    return "true" if against == "true" else "best possible"


def reference_arrays(rows: Sequence[RecoveryRow], shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Array]:
    """What learned parameters are held against, from name to array in the parameter's shape.

    Args:
        rows: of every number among the parameters, in the order in which they lie.
        shapes: from name to shape.
    """
    numbers: dict[str, list[float]] = {}
    for row in rows:
        numbers.setdefault(row.name.partition("[")[0], []).append(row.held_to)
    return {name: np.reshape(values, shapes[name]) for name, values in numbers.items()}


def zero_but_for_rounding(rows: Sequence[RecoveryRow]) -> list[bool]:
    """Of which parameters the value they are held against is a zero, as computers find it.

    It is tiny beside the largest one, and neither training nor the data tell it from zero. A slope of 4e-15
    beside a constant of 2 may well be one of them told: of features as large as 1e15.
    """
    largest = max((abs(row.held_to) for row in rows if np.isfinite(row.held_to)), default=0.0)
    return [abs(row.held_to) <= _ROUNDING * largest and not _told_from_zero(row) for row in rows]


def _told_from_zero(row: RecoveryRow) -> bool:
    if row.against == "true" or row.held_to == 0:
        return row.held_to != 0
    trained = abs(row.learned - row.held_to) < abs(row.held_to)
    return trained or (row.standard_error or np.inf) * _TOLD < abs(row.held_to)


def equations(result: RunResult, model: Model) -> list[str]:
    """The fitted curve, and the best possible one where no true one exists; zeros without their rounding."""
    learned = {name: np.asarray(values) for name, values in result.parameters.items()}
    if model.equation(learned) is None:
        return []
    if not result.recovery:
        return [f"fitted: {model.equation(learned)}"]
    reference = reference_arrays(result.recovery, {name: values.shape for name, values in learned.items()})
    zeros = zero_but_for_rounding(result.recovery)
    fitted = model.equation(_without(_ROUNDING_OF_TRAINING, learned, zeros))
    label = "true" if result.recovery[0].against == "true" else "best"
    return [f"fitted: {fitted}", f"{label}:   {model.equation(_without(_ROUNDING, reference, zeros))}"]


def _without(rounding: float, values: Mapping[str, Array], zeros: Sequence[bool]) -> dict[str, Array]:
    """Parameters with a zero for each number that is to be one and is no larger than rounding.

    Args:
        rounding: of the largest number.
        values: from name to array.
        zeros: for each number, in the order in which they lie.
    """
    least = rounding * max(float(np.abs(array).max()) for array in values.values())
    ends = np.cumsum([array.size for array in values.values()])[:-1]
    parts = zip(values.items(), np.split(np.asarray(zeros), ends), strict=True)
    return {
        name: np.where(zero.reshape(array.shape) & (np.abs(array) <= least), 0.0, array)
        for (name, array), zero in parts
    }


def unmet_expectations(result: RunResult) -> str:
    """What was expected and did not come out; empty where all did."""
    return "; ".join(
        f"{row.name} is {_number(row.value)}, expected {row.expected}"
        for row in result.expectations
        if not row.passed
    )


def _number(value: float | None) -> str:
    return "missing" if value is None else f"{value:.4g}"
