"""The report of a finished run on standard output."""

import json
from collections.abc import Mapping, Sequence

from rich.box import HEAVY_HEAD
from rich.console import Console
from rich.text import Text

from lrcli.components.models.base import Model
from lrcli.config.metrics import metric_of
from lrcli.reporting.layout import Column, print_table
from lrcli.reporting.runs.parameter_table import parameter_columns
from lrcli.reporting.runs.words import equations, headline
from lrcli.reporting.streams import console, standard_output
from lrcli.reporting.text import print_items, print_text
from lrcli.storage.files import replace_nonfinite
from lrcli.storage.run_result import ExpectationRow, RecoveryRow, Reference, RunResult
from lrcli.storage.sweep_result import SweepResult
from lrcli.wording import one_line

__all__ = ["print_json", "print_report"]

_MOST_ROWS = 30


def print_report(result: RunResult, model: Model, why: str = "") -> None:
    """Print how the run ended, its losses and what it recovered, on standard output.

    Args:
        result: of the run.
        model: what was trained.
        why: the sentence that matters most; empty where there is none.

    Raises:
        WriteError: standard output could not be written.
    """
    with standard_output():
        out = console()
        print_text(out, headline(result))
        print_items(out, _metric_values(result.metrics))
        print_text(out, "")
        if result.reference is not None:
            _print_reference(out, result.recovery, result.reference)
        curve = equations(result, model)
        if curve:
            print_text(out, "\n" + "\n".join(curve))
        if result.expectations:
            print_text(out, "")
            _print_expectations(out, result.expectations)
        if why:
            print_text(out, f"\nwhy: {one_line(why)} See lrcli explain {one_line(result.run_dir)}")
        print_text(out, f"\nrun: {one_line(result.run_dir)}")
        if result.repetition is not None:
            print_text(out, one_line(result.repetition.text))


def print_json(result: RunResult | SweepResult) -> None:
    """Print the result as a line of JSON on standard output.

    Raises:
        WriteError: standard output could not be written.
    """
    with standard_output():
        print(json.dumps(replace_nonfinite(result.as_data()), allow_nan=False))  # noqa: T201


def _metric_values(metrics: Mapping[str, float]) -> list[str]:
    return [f"{name} {value:.6g}" for name, value in metrics.items() if metric_of(name).splits]


def _print_reference(out: Console, rows: Sequence[RecoveryRow], reference: Reference) -> None:
    """What was learned beside what it is held against, or why that cannot be."""
    if not rows:
        print_text(out, reference.text)
        return
    _print_recovery(out, rows, reference)
    for sentence in filter(None, (reference.missing, reference.why)):
        print_text(out, sentence)


def _print_recovery(out: Console, rows: Sequence[RecoveryRow], reference: Reference) -> None:
    """Parameter, true, learned, error, its parts; at most a screen of them."""
    left = len(rows) - _MOST_ROWS
    columns = [
        Column(column.heading, column.texts, column.short, not column.of_words, column.rank, note=column.note)
        for column in parameter_columns(rows, reference, _MOST_ROWS)
    ]
    print_table(out, columns, HEAVY_HEAD, f"{left:,} more in result.json" if left > 0 else "")


def _print_expectations(out: Console, rows: Sequence[ExpectationRow]) -> None:
    """What was expected, what came out."""
    passed, failed = Text("passed", "green"), Text("failed", "red")
    columns = [
        Column("expected", [row.name for row in rows], right=False),
        Column("", [row.expected for row in rows], right=False),
        Column("value", ["none" if row.value is None else f"{row.value:.6g}" for row in rows]),
        Column("", [passed if row.passed else failed for row in rows], right=False),
    ]
    print_table(out, columns, HEAVY_HEAD)
