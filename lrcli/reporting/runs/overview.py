"""Several files at a glance: one row each, as a teacher reads them."""

from collections.abc import Mapping

from rich.text import Text

from lrcli.reporting.layout import Column, print_table
from lrcli.reporting.runs.words import outcome_of, unmet_expectations
from lrcli.reporting.streams import console, standard_output
from lrcli.reporting.text import print_text
from lrcli.storage.run_result import RunResult
from lrcli.wording import counted

__all__ = ["failure", "print_overview"]

_WRONG = "wrong"  # a file that could not be trained


def print_overview(results: Mapping[str, RunResult | None]) -> None:
    """Print a row for each file, and how many of them did well, on standard output.

    Args:
        results: from file to its result; None where the file is wrong.

    Raises:
        WriteError: standard output could not be written.
    """
    rows = list(results.values())
    metrics = {result.best.metric for result in rows if result and result.best}
    heading = metrics.pop() if len(metrics) == 1 else ""
    columns = [
        Column("file", list(results), right=False),
        Column("name", [result.name if result else "" for result in rows], right=False, rank=4),
        Column("status", [_status(result) for result in rows], right=False),
        Column("outcome", [outcome_of(result) if result else "" for result in rows], right=False, rank=3),
        Column("expectations", [_passed(result) for result in rows], "expected", rank=1),
        Column(heading or "value", [_value(result, named=not heading) for result in rows], rank=2),
    ]
    with standard_output():
        out = console()
        print_text(out, "")
        print_table(out, columns)
        print_text(out, f"\n{_summary(rows)}")


def failure(result: RunResult) -> str:
    """Why a run did not do well, in a line."""
    if result.status == "diverged":
        return f"diverged at step {result.diverged_step}"
    if not result.ended_well:
        return result.status
    return unmet_expectations(result)


def _status(result: RunResult | None) -> Text:
    status = _WRONG if result is None else result.status
    return Text(status.replace("_", " "), "" if result and result.ended_well else "red")


def _passed(result: RunResult | None) -> Text:
    rows = result.expectations if result else []
    passed = sum(row.passed for row in rows)
    text = f"{passed} of {len(rows)} met" if rows else ""
    return Text(text, "green" if passed == len(rows) else "red")


def _value(result: RunResult | None, *, named: bool) -> str:
    """The last value of the metric that decides which state was best."""
    if not result or not result.best:
        return ""
    metric = result.best.metric
    value = result.metrics.get(metric)
    return "" if value is None else f"{metric if named else ''} {value:.4g}".strip()


def _summary(rows: list[RunResult | None]) -> str:
    """How many of the files ended in which way."""
    trained = [result for result in rows if result is not None]
    wrong = len(rows) - len(trained)
    failed = sum(not result.ended_well for result in trained)
    unmet = sum(result.ended_well and bool(failure(result)) for result in trained)
    well = len(trained) - failed - unmet
    others = ((wrong, _WRONG), (failed, "failed"), (unmet, "short of an expectation"))
    counts = [f"{well} did well", *(f"{count} {word}" for count, word in others if count)]
    return f"{counted(len(rows), 'file')}: {', '.join(counts)}"
