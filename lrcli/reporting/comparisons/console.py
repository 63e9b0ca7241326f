"""A comparison on standard output: for people, as CSV, as Markdown."""

import csv
import io
from collections.abc import Iterator

from rich.console import Console

from lrcli.reporting.comparisons.runs import rows_of_runs, sheets_of_runs
from lrcli.reporting.comparisons.sweeps import rows_of_sweeps, sentences_of_sweeps, sheets_of_sweeps
from lrcli.reporting.comparisons.tables import Sheet
from lrcli.reporting.comparisons.words import said_of_repetition
from lrcli.reporting.layout import print_table
from lrcli.reporting.markdown import markdown_table, plain
from lrcli.reporting.streams import console, standard_output
from lrcli.reporting.text import print_text
from lrcli.running.comparison import Comparison, RunComparison
from lrcli.sweeps.comparison import SweepComparison
from lrcli.wording import one_line

__all__ = ["print_comparison", "print_csv", "print_markdown"]


def print_comparison(comparison: Comparison) -> None:
    """Print a comparison in the width that there is.

    Raises:
        WriteError: standard output could not be written.
    """
    with standard_output():
        out = console()
        for number, name in enumerate(_called(comparison), 1):
            print_text(out, one_line(f"{number}  {name}"))
        for sheet in _sheets(comparison, whole=False):
            out.print()
            _print_sheet(out, sheet)
        sentences = list(_sentences(comparison))
        if sentences:
            out.print()
        for sentence in sentences:
            print_text(out, one_line(f"- {sentence}"))


def print_markdown(comparison: Comparison) -> None:
    """Print a comparison, whole, as Markdown.

    Raises:
        WriteError: standard output could not be written.
    """
    parts = ["\n".join(f"{number}. {plain(name)}" for number, name in enumerate(_called(comparison), 1))]
    for sheet in _sheets(comparison, whole=True):
        parts.append(f"**{plain(sheet.title)}**")
        rows = list(zip(*(map(str, column.cells) for column in sheet.columns), strict=True))
        if rows:
            parts.append(markdown_table([column.heading for column in sheet.columns], rows))
        if sheet.said:
            parts.append(plain(sheet.said))
    sentences = list(_sentences(comparison))
    if sentences:
        parts.append("\n".join(f"- {plain(sentence)}" for sentence in sentences))
    with standard_output():
        print("\n\n".join(parts))  # noqa: T201


def print_csv(comparison: Comparison) -> None:
    """Print a comparison, whole, as CSV.

    Raises:
        WriteError: standard output could not be written.
    """
    header, rows = _table(comparison)
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([map(one_line, row) for row in (header, *rows)])
    with standard_output():
        print(text.getvalue(), end="")  # noqa: T201


def _called(comparison: Comparison) -> list[str]:
    """Each run and how far it came."""
    told = zip(comparison.names, comparison.statuses, strict=True)
    return [f"{name}  {status.replace('_', ' ')}" for name, status in told]


def _sheets(comparison: Comparison, *, whole: bool) -> Iterator[Sheet]:
    if isinstance(comparison, RunComparison):
        yield from sheets_of_runs(comparison, whole=whole)
    elif isinstance(comparison, SweepComparison):
        yield from sheets_of_sweeps(comparison, whole=whole)


def _table(comparison: Comparison) -> tuple[list[str], list[list[str]]]:
    if isinstance(comparison, RunComparison):
        return rows_of_runs(comparison)
    if isinstance(comparison, SweepComparison):
        return rows_of_sweeps(comparison)
    raise TypeError(type(comparison).__name__)


def _sentences(comparison: Comparison) -> Iterator[str]:
    """What is said below the tables."""
    if isinstance(comparison, RunComparison):
        for each in comparison.repetitions:
            yield said_of_repetition(comparison, each)
    elif isinstance(comparison, SweepComparison):
        yield from sentences_of_sweeps(comparison)
    yield from comparison.notes


def _print_sheet(out: Console, sheet: Sheet) -> None:
    if any(column.cells for column in sheet.columns):
        print_table(out, sheet.columns, caption=sheet.said)
    elif sheet.said:
        print_text(out, sheet.said)
