"""The report of a finished run on standard output."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from rich.box import HEAVY_HEAD
from rich.console import Console
from rich.text import Text

from lrcli.components.model import Model
from lrcli.config.metrics import metric_of
from lrcli.reporting.layout import Column, print_table, print_text
from lrcli.reporting.streams import console, standard_output
from lrcli.running.single import Finished
from lrcli.running.stability import advice
from lrcli.runs.files import replace_nonfinite
from lrcli.wording import counted, one_line

__all__ = ["print_json", "print_report", "titled"]

_MOST_ROWS = 30
_ROUNDING = 1e-12


def print_report(finished: Finished, model: Model) -> None:
    """Print how the run ended, its losses and what it recovered, on standard output.

    Args:
        finished: the run.
        model: what was trained.

    Raises:
        WriteError: standard output could not be written.
    """
    result = finished.result
    with standard_output():
        out = console()
        print_text(out, _headline(result))
        print_text(out, _metrics_line(result["metrics"]) + "\n")
        if result["recovery"]:
            _print_recovery(out, result["recovery"], result["reference"])
            if result["reference"]["why"]:
                print_text(out, result["reference"]["why"])
        else:
            print_text(out, result["reference"]["text"])
        curve = _equations(finished, model)
        if curve:
            print_text(out, "\n" + "\n".join(curve))
        if result["expectations"]:
            print_text(out, "")
            _print_expectations(out, result["expectations"])
        print_text(out, f"\nrun: {one_line(result['run_dir'])}")


def print_json(result: Mapping[str, Any]) -> None:
    """Print the result as a line of JSON on standard output.

    Raises:
        WriteError: standard output could not be written.
    """
    with standard_output():
        print(json.dumps(replace_nonfinite(result), allow_nan=False))  # noqa: T201


def _headline(result: dict[str, Any]) -> str:
    seconds = result["timing"]["train_seconds"]
    done = f"{counted(result['epochs'], 'epoch')}, {counted(result['steps'], 'step')} in {seconds:.3g} s"
    words = {
        "completed": "completed",
        "stopped_early": "stopped early: no improvement",
        "interrupted": "interrupted; its parameters and metrics so far are saved, but it cannot be resumed",
    }
    smaller = advice(result["stability"], result["metrics"].get("lr", np.inf))
    how = words.get(result["status"]) or f"diverged at step {result['diverged_step']}; {smaller}"
    return f"{titled(result)}: {how} ({done})"


def titled(result: Mapping[str, Any]) -> str:
    """The name of a run or a sweep, and its file where that is called otherwise."""
    name, source = result["name"], result["source"]
    if source is None or Path(source["file"]).stem in {name, "experiment"}:
        return one_line(name)
    return one_line(f"{name}, from {source['file']}")


def _metrics_line(metrics: dict[str, float]) -> str:
    shown = {name: value for name, value in metrics.items() if metric_of(name).splits}
    return "  ".join(f"{name} {value:.6g}" for name, value in shown.items())


def _print_recovery(out: Console, rows: list[dict[str, Any]], reference: Mapping[str, Any]) -> None:
    """Parameter, true, learned, error; at most a screen of them."""
    against = "true" if reference["against"] == "true" else "best possible"
    said = ["error = true - learned" if against == "true" else f"best possible: {reference['text']}"]
    shown = rows[:_MOST_ROWS]
    if len(rows) > len(shown):
        said.append(f"{len(rows) - len(shown):,} more in result.json")
    # What least squares find as a zero is rounding beside the others.
    largest = 0.0 if against == "true" else max(abs(row["true"]) for row in rows)
    true = [0.0 if abs(row["true"]) < _ROUNDING * largest else row["true"] for row in shown]
    columns = [
        Column("parameter", [row["name"] for row in shown], right=False),
        Column(against, [f"{number:.6g}" for number in true]),
        Column("learned", [f"{row['learned']:.6g}" for row in shown]),
        Column("error", [f"{row['error']:.6g}" for row in shown]),
    ]
    if reference["undetermined"]:
        marks = ["" if row["determined"] else "not determined" for row in shown]
        columns.append(Column("", marks, right=False))
    print_table(out, columns, HEAVY_HEAD, "; ".join(said))


def _print_expectations(out: Console, rows: list[dict[str, Any]]) -> None:
    """What was expected, what came out."""
    passed, failed = Text("passed", "green"), Text("failed", "red")
    columns = [
        Column("expected", [row["name"] for row in rows], right=False),
        Column("", [row["expected"] for row in rows], right=False),
        Column("value", ["none" if row["value"] is None else f"{row['value']:.6g}" for row in rows]),
        Column("", [passed if row["passed"] else failed for row in rows], right=False),
    ]
    print_table(out, columns, HEAVY_HEAD)


def _equations(finished: Finished, model: Model) -> list[str]:
    """The fitted curve, and the best possible one where no true one exists."""
    parameters = {name: np.asarray(v) for name, v in finished.result["parameters"].items()}
    fitted = model.equation(parameters)
    if fitted is None:
        return []
    recovery = finished.recovery
    if recovery is None or not recovery.known:
        return [f"fitted: {fitted}"]
    reference = model.equation({name: values[0] for name, values in recovery.values.items()})
    label = "true" if recovery.against == "true" else "best"
    return [f"fitted: {fitted}", f"{label}:   {reference}"]
