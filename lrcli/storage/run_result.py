"""The result of a run: what result.json and ``--json`` hold, with a type."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

from lrcli.storage.result_fields import Number, Result, StableRate, Timing, Value, plain

__all__ = [
    "BestRecord",
    "CurvatureEnds",
    "CurvatureRow",
    "ExpectationRow",
    "PreconditionedRow",
    "RecoveryRow",
    "Reference",
    "RunResult",
    "RunStatus",
]

RunStatus = Literal["running", "completed", "stopped_early", "diverged", "interrupted", "failed"]


@dataclass(frozen=True)
class BestRecord:
    """The record at which a run was best.

    Attributes:
        metric: by which.
        value: of this metric.
        epoch: of the record, from 1.
    """

    metric: str
    value: Number
    epoch: int


@dataclass(frozen=True)
class RecoveryRow:
    """One number among the parameters.

    Attributes:
        name: such as ``w[0]``.
        true: the value behind the data, or the best possible one of data that were drawn; not finite where
            the data were observed, and nobody knows.
        learned: what training found.
        error: what it is held against minus learned; not finite where that says nothing, since the data leave
            the number open, or the reference is one of many that are as good.
        against: how the reference was found, as in `Reference`.
        determined: whether the data determine it.
        reference: what minimises what was trained; None where that is not known. The shortest of many where
            the data leave it open. Earlier versions have here what it is held against.
        standard_error: of the reference as an estimate of the truth; None where there is none.
        sampling_error: true minus reference, what these data cannot tell; None where either is not known.
        optimization_error: reference minus learned, what training still owes; None where there is no
            reference.
        z: (learned - true) / standard_error.
        least_squares: the value of least squares, whatever the loss is; None where the model is not linear in
            its parameters.
        interval: the least and the greatest value that make small what was trained as well as the reference
            does, not finite where they are not known; None where there is one value alone.
    """

    name: str
    true: Number
    learned: Number
    error: Number
    against: str = "true"
    determined: bool = True
    reference: float | None = None
    standard_error: float | None = None
    sampling_error: float | None = None
    optimization_error: float | None = None
    z: float | None = None
    least_squares: float | None = None
    interval: tuple[Number, Number] | None = None

    @property
    def told(self) -> bool:
        """Whether its error says something."""
        return self.determined and (self.interval is None or self.against == "true")

    @property
    def held_to(self) -> float:
        """What it is held against: the true value where it is known, else the reference."""
        return self.true if self.reference is None or self.against == "true" else self.reference


@dataclass(frozen=True)
class Reference:
    """What learned parameters are held against.

    Attributes:
        against: ``true``, ``least_squares``, ``ridge``, ``optimum``; None where there is nothing.
        text: a clause about it, or sentences that say why there is none.
        undetermined: the numbers among the parameters that the data leave open, such as ``w[0]``.
        why: a sentence about these; empty where there are none.
        missing: a sentence or two that say why there is no reference, or it has no standard errors, or
            others are as good; empty where nothing is missing.
    """

    against: str | None
    text: str
    undetermined: tuple[str, ...] = ()
    why: str = ""
    missing: str = ""


@dataclass(frozen=True)
class CurvatureRow:
    """The curvature of what training makes small, at some parameters.

    Attributes:
        largest: along the direction in which it is largest.
        smallest: likewise; negative where the loss is no valley.
        condition: largest over smallest; None where the smallest is not surely above 0.
        exact: it is the same everywhere; else it is that at these parameters.
    """

    largest: float
    smallest: float
    condition: float | None
    exact: bool


@dataclass(frozen=True)
class PreconditionedRow:
    """The largest curvature as an adaptive optimizer meets it, each number in units of its own steps.

    Attributes:
        largest: at the last parameters, divided by what the last step was divided by.
        threshold: the rate above which steps along its direction grow while what they are divided by stays
            as it is (Cohen et al. 2022).
        rate: of the last step.
        diagnostic: the threshold is a sign, and no bound: the optimizer adapts to steps that grow.
    """

    largest: float
    threshold: float
    rate: float
    diagnostic: bool = True


@dataclass(frozen=True)
class CurvatureEnds:
    """The curvature where training begins and where it ends.

    Attributes:
        start: at the initial parameters; None where it is not known.
        end: at the last ones; likewise.
        unknown: why it is not, a clause; empty where both are.
        preconditioned: as the optimizer meets it where training ends; None where it does not adapt, or its
            state is not known.
    """

    start: CurvatureRow | None
    end: CurvatureRow | None
    unknown: str = ""
    preconditioned: PreconditionedRow | None = None


@dataclass(frozen=True)
class ExpectationRow:
    """An expectation, and what came of it.

    Attributes:
        name: of a metric, or of a recovery error.
        expected: the comparison, such as ``<= 0.25``.
        value: what it was compared with; None where the run did not come to have it.
        passed: whether it holds. No number at all passes nothing.
    """

    name: str
    expected: str
    value: float | None
    passed: bool


@dataclass(frozen=True)
class Repetition:
    """How the numbers of a run compare with those of the one whose experiment.yaml it was trained from.

    Attributes:
        run_dir: of that run, as it was named.
        same: whether all records and parameters are equal to the last bit.
        epoch: the first one whose record differs; None where only the parameters do, or nothing does.
    """

    run_dir: str
    same: bool
    epoch: int | None = None

    @property
    def text(self) -> str:
        """What it comes to, a clause."""
        if self.same:
            return f"repeats {self.run_dir} to the bit"
        since = "in its parameters" if self.epoch is None else f"from epoch {self.epoch} on"
        return f"differs from {self.run_dir} {since}"


@dataclass(frozen=True, kw_only=True)
class RunResult(Result):
    """How a run ended, and what it found.

    A number that is not finite is null in result.json and NaN when it is read again.

    Attributes:
        seed: of the experiment.
        epochs: finished.
        steps: optimizer updates finished.
        diverged_step: the step that would have broken it, from 1; None: it has not diverged.
        outcome: what became of its training loss, as `lrcli.analysis.outcomes` defines it; None before it
            has ended and in files of earlier versions.
        stability: which rates would have been stable, where it diverged.
        curvature: of the loss, before and after training; None before the run has ended.
        metrics: the last value of each.
        best: its best record; None where no record had a finite value.
        parameters: the last ones, from name to nested lists of their shape; a number for a scalar.
        recovery: a row for each number among the parameters; empty where nothing is known to compare with.
        reference: what they are held against; None before the run has ended.
        expectations: in the order of the file.
        repetition: how it compares with the run that it repeats; None where it repeats none.
        timing: None before the run has ended.
        environment: what the numbers depended on: versions, device, engine, commit.
    """

    command: Literal["train"] = "train"
    status: RunStatus
    seed: int
    epochs: int
    steps: int
    diverged_step: int | None = None
    outcome: str | None = None
    stability: StableRate | None = None
    curvature: CurvatureEnds | None = None
    metrics: Mapping[str, Number] = field(default_factory=dict)
    best: BestRecord | None = None
    parameters: Mapping[str, Value] = field(default_factory=dict)
    recovery: tuple[RecoveryRow, ...] = ()
    reference: Reference | None = None
    expectations: tuple[ExpectationRow, ...] = ()
    repetition: Repetition | None = None
    timing: Annotated[Timing | None, BeforeValidator(lambda timing: timing or None)] = None
    environment: Mapping[str, Any] = field(default_factory=dict)

    @property
    def ended_well(self) -> bool:
        """Whether it trained to its end, or to where it no longer improved."""
        return self.status in {"completed", "stopped_early"}

    @property
    def met_expectations(self) -> bool:
        """Whether every expectation holds."""
        return all(row.passed for row in self.expectations)

    def as_data(self) -> dict[str, Any]:
        """The content of result.json."""
        return plain(self) | {"timing": plain(self.timing) if self.timing else {}}
