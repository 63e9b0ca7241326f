"""The learned parameters of a run as columns: of its page, and of what a notebook shows."""

from collections.abc import Sequence

from lrcli.reporting.pages.content import Column
from lrcli.reporting.runs.words import (
    has_parts,
    has_standard_errors,
    held_against,
    parts_of,
    reference_values,
)
from lrcli.storage.run_result import RecoveryRow, Reference

__all__ = ["parameter_columns"]


def parameter_columns(recovery: Sequence[RecoveryRow], reference: Reference, most: int) -> list[Column]:
    """What was learned beside what it is held against, with its standard errors where these are known.

    Args:
        recovery: a row for each number among the parameters.
        reference: what they are held against.
        most: rows to show, the first ones.
    """
    rows = recovery[:most]
    against, _ = held_against(reference)
    columns = [
        Column("parameter", [row.name for row in rows]),
        Column(against, reference_values(recovery, reference)[:most]),
        Column("learned", [row.learned for row in rows]),
        Column("error", [row.error for row in rows]),
    ]
    columns += [Column(name, cells) for name, cells in parts_of(rows).items()]
    if has_standard_errors(rows) and not has_parts(rows):
        columns.insert(2, Column("std. error", [row.standard_error for row in rows]))
    if reference.undetermined:
        columns.append(Column("determined by the data", ["yes" if r.determined else "no" for r in rows]))
    return columns
