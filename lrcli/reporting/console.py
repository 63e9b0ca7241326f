"""The report of a finished run on standard output."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from rich.markup import escape
from rich.table import Table

from lrcli.analysis.equations import equation
from lrcli.experiment.training import Finished
from lrcli.reporting.streams import console, standard_output
from lrcli.runs.files import replace_nonfinite

__all__ = ["print_json", "print_report"]

_SHOWN_METRICS = ("loss", "accuracy")


def print_report(finished: Finished, model: str) -> None:
    """Print how the run ended, its losses and what it recovered, on standard output.

    Args:
        finished: the run.
        model: the model's kind.

    Raises:
        WriteError: standard output could not be written.
    """
    result = finished.result
    with standard_output():
        out = console()

        def show(text: str) -> None:
            out.print(text, highlight=False, markup=False, soft_wrap=True)

        show(_headline(result))
        show(_metrics_line(result["metrics"]) + "\n")
        if result["recovery"]:
            out.print(_recovery_table(result["recovery"]))
        else:
            show(_why_no_recovery(result, model))
        curve = _equations(finished, model)
        if curve:
            show("\n" + "\n".join(curve))
        if result["expectations"]:
            show("")
            out.print(_expectations_table(result["expectations"]))
        show(f"\nrun: {result['run_dir']}")


def print_json(result: Mapping[str, Any]) -> None:
    """Print the result as a line of JSON on standard output.

    Raises:
        WriteError: standard output could not be written.
    """
    with standard_output():
        print(json.dumps(replace_nonfinite(result), allow_nan=False))  # noqa: T201


def _why_no_recovery(result: dict[str, Any], model: str) -> str:
    if model == "mlp" or "train/accuracy" in result["metrics"] or "val/accuracy" in result["metrics"]:
        return (
            "The parameters of this model are not identifiable from these data: other parameters give the "
            "same function. Judge it by its losses and accuracies."
        )
    return "No true parameters, and no best possible ones, are known for this model on these data."


def _headline(result: dict[str, Any]) -> str:
    seconds = result["timing"]["train_seconds"]
    counted = f"{result['epochs']} epochs, {result['steps']} steps in {seconds:.3g} s"
    words = {
        "completed": "completed",
        "stopped_early": "stopped early: no improvement",
        "interrupted": "interrupted; its state is saved",
        "diverged": f"diverged at step {result['diverged_step']}; try a smaller learning rate",
    }
    return f"{result['name']}: {words[result['status']]} ({counted})"


def _metrics_line(metrics: dict[str, float]) -> str:
    shown = {name: value for name, value in metrics.items() if name.rpartition("/")[2] in _SHOWN_METRICS}
    return "  ".join(f"{name} {value:.6g}" for name, value in shown.items())


def _recovery_table(rows: list[dict[str, Any]]) -> Table:
    """Parameter, true, learned, error; at most a screen of them."""
    limit = 30
    against = {"true": "true", "least_squares": "best possible"}[rows[0]["against"]]
    table = Table(caption="error = true - learned" if against == "true" else "best possible: least squares")
    table.add_column("parameter")
    for heading in (against, "learned", "error"):
        table.add_column(heading, justify="right")
    for row in rows[:limit]:
        table.add_row(row["name"], *(f"{row[key]:.6g}" for key in ("true", "learned", "error")))
    if len(rows) > limit:
        table.add_row(f"{len(rows) - limit} more in result.json", "", "", "")
    return table


def _expectations_table(rows: list[dict[str, Any]]) -> Table:
    """What was expected, what came out."""
    table = Table()
    for heading in ("expected", "", "value", ""):
        table.add_column(heading, justify="right" if heading == "value" else "left")
    for row in rows:
        value = "none" if row["value"] is None else f"{row['value']:.6g}"
        verdict = "[green]passed[/]" if row["passed"] else "[red]failed[/]"
        table.add_row(escape(row["name"]), row["expected"], value, verdict)
    return table


def _equations(finished: Finished, model: str) -> list[str]:
    """The fitted curve, and the best possible one where no true one exists."""
    parameters = {name: np.asarray(v) for name, v in finished.result["parameters"].items()}
    fitted = equation(model, parameters)
    if fitted is None:
        return []
    recovery = finished.recovery
    if recovery is None:
        return [f"fitted: {fitted}"]
    reference = equation(model, {name: values[0] for name, values in recovery.values.items()})
    label = "true" if recovery.against == "true" else "best"
    return [f"fitted: {fitted}", f"{label}:   {reference}"]
