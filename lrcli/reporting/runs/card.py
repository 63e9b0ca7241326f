"""A run as it shows itself in a notebook."""

from collections.abc import Iterator, Mapping

from lrcli.reporting.drawing import Drawing
from lrcli.reporting.pages.card import card_html
from lrcli.reporting.pages.content import Column, Table
from lrcli.reporting.runs.parameter_table import on_a_page, parameter_columns, said_of
from lrcli.reporting.runs.words import headline, unmet_expectations
from lrcli.storage.run_result import RunResult

__all__ = ["run_card"]

_MOST_ROWS = 20
_PICTURES = ("loss", "fit", "regions")


def run_card(result: RunResult, drawings: Mapping[str, Drawing]) -> str:
    """A run as HTML: how it ended, its metrics, its parameters, and what it looks like.

    Args:
        result: of the run.
        drawings: its figures, by kind; none where it cannot be drawn.
    """
    unmet = unmet_expectations(result)
    pictures = {kind: drawings[kind] for kind in _PICTURES if kind in drawings}
    summary = [result.run_dir, *([f"not as expected: {unmet}"] if unmet else [])]
    return card_html(headline(result), summary, list(_tables(result)), pictures)


def _tables(result: RunResult) -> Iterator[Table]:
    rows, reference = result.recovery[:_MOST_ROWS], result.reference
    if rows and reference is not None:
        left = len(result.recovery) - len(rows)
        columns = parameter_columns(result.recovery, reference, _MOST_ROWS)
        note = said_of(columns, f"{left:,} more in .recovery" if left else "")
        yield Table("Parameters", on_a_page(columns), ". ".join(filter(None, [note, reference.missing])))
    if result.metrics:
        names, values = list(result.metrics), list(result.metrics.values())
        yield Table("Metrics", [Column("metric", names), Column("value", values)])
