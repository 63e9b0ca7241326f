"""Several files at a glance: one row each, as a teacher reads them."""

from collections.abc import Mapping
from typing import Any

from rich.text import Text

from lrcli.reporting.layout import Column, print_table, print_text
from lrcli.reporting.streams import console, standard_output
from lrcli.running.result import ended_well
from lrcli.wording import counted

__all__ = ["failure", "print_overview"]

_WRONG = "wrong"  # a file that could not be trained


def print_overview(results: Mapping[str, dict[str, Any] | None]) -> None:
    """Print a row for each file, and how many of them did well, on standard output.

    Args:
        results: from file to the content of its result.json; None where the file is wrong.

    Raises:
        WriteError: standard output could not be written.
    """
    rows = list(results.values())
    metrics = {result["best"]["metric"] for result in rows if result and result["best"]}
    heading = metrics.pop() if len(metrics) == 1 else ""
    columns = [
        Column("file", list(results), right=False),
        Column("name", [result["name"] if result else "" for result in rows], right=False, rank=2),
        Column("status", [_status(result) for result in rows], right=False),
        Column("expectations", [_passed(result) for result in rows], rank=1),
        Column(heading or "value", [_value(result, named=not heading) for result in rows], rank=1),
    ]
    with standard_output():
        out = console()
        print_text(out, "")
        print_table(out, columns)
        print_text(out, f"\n{_summary(rows)}")


def failure(result: Mapping[str, Any]) -> str:
    """Why a run did not do well, in a line."""
    if result["status"] == "diverged":
        return f"diverged at step {result['diverged_step']}"
    if not ended_well(result):
        return str(result["status"])
    return "; ".join(
        f"{row['name']} is {_number(row['value'])}, expected {row['expected']}"
        for row in result["expectations"]
        if not row["passed"]
    )


def _number(value: float | None) -> str:
    return "missing" if value is None else f"{value:.4g}"


def _status(result: dict[str, Any] | None) -> Text:
    status = _WRONG if result is None else str(result["status"])
    return Text(status.replace("_", " "), "" if result and ended_well(result) else "red")


def _passed(result: dict[str, Any] | None) -> Text:
    rows = result["expectations"] if result else []
    passed = sum(row["passed"] for row in rows)
    text = f"{passed} of {len(rows)} met" if rows else ""
    return Text(text, "green" if passed == len(rows) else "red")


def _value(result: dict[str, Any] | None, *, named: bool) -> str:
    """The last value of the metric that decides which state was best."""
    if not result or not result["best"]:
        return ""
    metric = result["best"]["metric"]
    value = result["metrics"].get(metric)
    return "" if value is None else f"{metric if named else ''} {value:.4g}".strip()


def _summary(rows: list[dict[str, Any] | None]) -> str:
    """How many of the files ended in which way."""
    trained = [result for result in rows if result is not None]
    wrong = len(rows) - len(trained)
    failed = sum(not ended_well(result) for result in trained)
    unmet = sum(ended_well(result) and bool(failure(result)) for result in trained)
    well = len(trained) - failed - unmet
    others = ((wrong, _WRONG), (failed, "failed"), (unmet, "short of an expectation"))
    counts = [f"{well} did well", *(f"{count} {word}" for count, word in others if count)]
    return f"{counted(len(rows), 'file')}: {', '.join(counts)}"
