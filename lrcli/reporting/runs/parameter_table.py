"""The learned parameters of a run as columns, on a terminal, on a page and in TensorBoard."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from lrcli.reporting.pages import content
from lrcli.reporting.runs.words import held_against, zero_but_for_rounding
from lrcli.storage.run_result import RecoveryRow, Reference

__all__ = ["ParameterColumn", "on_a_page", "parameter_columns", "said_of"]

_BEYOND = 1e6  # times the true value: parts of such an error say nothing
_SAMPLING = "its parts: sampling error = true - reference, what these data cannot tell"
_OPTIMIZATION = "optimization error = reference - learned, what training still owes"


@dataclass(frozen=True)
class ParameterColumn:
    """A column.

    Attributes:
        heading: what stands above it; empty above marks.
        cells: one for each parameter; None where there is nothing to say.
        short: the heading where room is short; empty: the same.
        digits: of a number.
        rank: the columns of the lowest are always shown, those of the highest are left out first.
        note: a clause that explains it.
    """

    heading: str
    cells: Sequence[str | float | None]
    short: str = ""
    digits: int = 6
    rank: int = 0
    note: str = ""

    @property
    def texts(self) -> list[str]:
        """Its cells as text."""
        return ["" if c is None else c if isinstance(c, str) else f"{c:.{self.digits}g}" for c in self.cells]

    @property
    def of_words(self) -> bool:
        """Whether it holds names or marks, no numbers."""
        return self.heading in {"parameter", ""}


def parameter_columns(
    recovery: Sequence[RecoveryRow], reference: Reference, most: int
) -> list[ParameterColumn]:
    """What was learned beside what it is held against, and what is known of the difference.

    Args:
        recovery: a row for each number among the parameters.
        reference: what they are held against.
        most: rows to show, the first ones.
    """
    rows = recovery[:most]
    against, errors = held_against(reference)
    spreads = [row.standard_error for row in rows]
    columns = [
        ParameterColumn("parameter", [row.name for row in rows]),
        ParameterColumn(against, _held_to(recovery, reference)[:most], against.partition(" ")[0], rank=2),
        ParameterColumn("learned", [row.learned for row in rows], rank=1),
        ParameterColumn("error", [row.error if row.told else None for row in rows], note=errors),
    ]
    near = all(
        not abs(row.error) > _BEYOND * max(1.0, abs(row.held_to)) for row in rows
    )  # it has not diverged
    if near and any(row.sampling_error is not None for row in rows):
        columns += _parts(rows)
    elif near:
        columns.insert(2, ParameterColumn("std. error", spreads, rank=3))
    columns.append(ParameterColumn("", [None if row.determined else "not determined" for row in rows]))
    return [c for c in columns if c.heading == "error" or any(cell is not None for cell in c.cells)]


def _parts(rows: Sequence[RecoveryRow]) -> list[ParameterColumn]:
    """The two parts of the errors, and their sizes beside what the data can tell."""
    return [
        ParameterColumn("sampling error", [r.sampling_error for r in rows], "sampling", 4, 3, _SAMPLING),
        ParameterColumn(
            "optimization error", [r.optimization_error for r in rows], "optimization", 4, 4, _OPTIMIZATION
        ),
        ParameterColumn("std. error", [r.standard_error for r in rows], digits=4, rank=5),
        ParameterColumn("z", [r.z for r in rows], digits=4, rank=6),
    ]


def _held_to(rows: Sequence[RecoveryRow], reference: Reference) -> list[str | float | None]:
    """What learned parameters are held against; what least squares find as a zero is rounding."""
    if reference.against == "true":
        return [row.held_to for row in rows]
    zeros = zero_but_for_rounding(rows)
    return [
        0.0 if zero and row.interval is None else _best(row) for row, zero in zip(rows, zeros, strict=True)
    ]


def _best(row: RecoveryRow) -> str | float:
    """The best possible value, or all that are as good."""
    if row.interval is None:
        return row.held_to
    low, high = row.interval
    return f"{low:.5g} to {high:.5g}" if low < high else f"near {row.held_to:.3g}"


def said_of(columns: Sequence[ParameterColumn], left_out: str = "") -> str:
    """What stands below a table: what its columns are, and how many rows are elsewhere."""
    return "; ".join(filter(None, [*(column.note for column in columns), left_out]))


def on_a_page(columns: Sequence[ParameterColumn]) -> list[content.Column]:
    """The columns of a page's table, which has a heading for each."""
    named = [replace(column, heading=column.heading or "note") for column in columns]
    return [content.Column(column.heading, list(column.cells), column.digits) for column in named]
