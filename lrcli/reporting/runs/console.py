"""The report of a finished run on standard output."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from rich.box import HEAVY_HEAD
from rich.console import Console
from rich.text import Text

from lrcli.components.model import Model
from lrcli.config.metrics import metric_of
from lrcli.reporting.layout import Column, print_items, print_table, print_text
from lrcli.reporting.streams import console, standard_output
from lrcli.running.stability import advice
from lrcli.runs.files import replace_nonfinite
from lrcli.runs.run_result import ExpectationRow, RecoveryRow, Reference, RunResult
from lrcli.runs.sweep_result import SweepResult
from lrcli.wording import counted, one_line

__all__ = ["equations", "headline", "print_json", "print_report", "reference_values", "titled"]

_MOST_ROWS = 30
_ROUNDING = 1e-12


def print_report(result: RunResult, model: Model) -> None:
    """Print how the run ended, its losses and what it recovered, on standard output.

    Args:
        result: of the run.
        model: what was trained.

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
        print_text(out, f"\nrun: {one_line(result.run_dir)}")


def print_json(result: RunResult | SweepResult) -> None:
    """Print the result as a line of JSON on standard output.

    Raises:
        WriteError: standard output could not be written.
    """
    with standard_output():
        print(json.dumps(replace_nonfinite(result.as_data()), allow_nan=False))  # noqa: T201


def headline(result: RunResult) -> str:
    """How a run ended, in a line."""
    seconds = result.timing.train_seconds if result.timing else 0.0
    done = f"{counted(result.epochs, 'epoch')}, {counted(result.steps, 'step')} in {seconds:.3g} s"
    words = {
        "completed": "completed",
        "stopped_early": "stopped early: no improvement",
        "interrupted": "interrupted; its parameters and metrics so far are saved, but it cannot be resumed",
    }
    smaller = advice(result.stability, result.metrics.get("lr", np.inf))
    how = words.get(result.status) or f"diverged at step {result.diverged_step}; {smaller}"
    return f"{titled(result)}: {how} ({done})"


def titled(result: RunResult | SweepResult) -> str:
    """The name of a run or a sweep, and its file where that is called otherwise."""
    name, source = result.name, result.source
    if source is None or Path(source.file).stem in {name, "experiment"}:
        return one_line(name)
    return one_line(f"{name}, from {source.file}")


def _metric_values(metrics: Mapping[str, float]) -> list[str]:
    return [f"{name} {value:.6g}" for name, value in metrics.items() if metric_of(name).splits]


def _print_reference(out: Console, rows: Sequence[RecoveryRow], reference: Reference) -> None:
    """What was learned beside what it is held against, or why that cannot be."""
    if not rows:
        print_text(out, reference.text)
        return
    _print_recovery(out, rows, reference)
    if reference.why:
        print_text(out, reference.why)


def _print_recovery(out: Console, rows: Sequence[RecoveryRow], reference: Reference) -> None:
    """Parameter, true, learned, error; at most a screen of them."""
    against = "true" if reference.against == "true" else "best possible"
    said = ["error = true - learned" if against == "true" else f"best possible: {reference.text}"]
    shown = rows[:_MOST_ROWS]
    if len(rows) > len(shown):
        said.append(f"{len(rows) - len(shown):,} more in result.json")
    columns = [
        Column("parameter", [row.name for row in shown], right=False),
        Column(
            against,
            [f"{number:.6g}" for number in reference_values(rows, reference)[: len(shown)]],
            against.partition(" ")[0],
            rank=2,
        ),
        Column("learned", [f"{row.learned:.6g}" for row in shown], rank=1),
        Column("error", [f"{row.error:.6g}" for row in shown]),
    ]
    if reference.undetermined:
        marks = ["" if row.determined else "not determined" for row in shown]
        columns.append(Column("", marks, right=False))
    print_table(out, columns, HEAVY_HEAD, "; ".join(said))


def reference_values(rows: Sequence[RecoveryRow], reference: Reference) -> list[float]:
    """What learned parameters are held against; what least squares find as a zero is no rounding."""
    largest = 0.0 if reference.against == "true" else max((abs(row.true) for row in rows), default=0.0)
    return [0.0 if abs(row.true) < _ROUNDING * largest else row.true for row in rows]


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


def equations(result: RunResult, model: Model) -> list[str]:
    """The fitted curve, and the best possible one where no true one exists."""
    parameters = {name: np.asarray(values) for name, values in result.parameters.items()}
    fitted = model.equation(parameters)
    if fitted is None:
        return []
    if not result.recovery:
        return [f"fitted: {fitted}"]
    numbers: dict[str, list[float]] = {}
    for row in result.recovery:  # in the order in which a parameter's numbers lie
        numbers.setdefault(row.name.partition("[")[0], []).append(row.true)
    reference = {name: np.reshape(true, parameters[name].shape) for name, true in numbers.items()}
    label = "true" if result.recovery[0].against == "true" else "best"
    return [f"fitted: {fitted}", f"{label}:   {model.equation(reference)}"]
