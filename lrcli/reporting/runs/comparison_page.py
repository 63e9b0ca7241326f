"""Several runs side by side as a page: what differs between them, and what came of it."""

import math
import shlex
from collections.abc import Iterator, Mapping, Sequence

from lrcli.config.dumping import in_line
from lrcli.config.metrics import metric_of
from lrcli.reporting.pages.content import Block, Cell, Column, Page, Paragraph, Section, Table
from lrcli.reporting.pages.sections import figures_section
from lrcli.reporting.runs.naming import differing_keys
from lrcli.reporting.runs.words import compared_with, outcome_of
from lrcli.running.trained import TrainedRun
from lrcli.storage.run_result import RunResult
from lrcli.wording import counted

__all__ = ["comparison_page"]

_MOST_PARAMETERS = 40
_DIGITS = 12  # of a setting: what differs must be seen to differ
_MARKED = "Of runs that ended well, the best is marked."
_UNLIKE = (
    "None is marked as the best: their data or their losses differ, so these values are of different things."
)
_ENVIRONMENT = ("device", "engine", "lrcli", "platform", "git_commit")


def comparison_page(runs: Mapping[str, TrainedRun], figures: Sequence[Block]) -> Page:
    """A comparison of runs.

    Args:
        runs: from what each is to be called to the run; two at least.
        figures: of all of them, in the order to show them.
    """
    results = {label: run.result for label, run in runs.items()}
    return Page(
        title=f"{counted(len(runs), 'run')} compared",
        description="",
        summary=[f"Runs of lrcli: {', '.join(runs)}."],
        sections=[
            Section("What differs", list(_differences(runs))),
            Section("What came out", [_endings(results), _metrics(runs)]),
            figures_section(figures),
            Section("Errors of the parameters", list(_errors(results))),
            Section("How to repeat them", [_repetitions(results)]),
        ],
    )


def _differences(runs: Mapping[str, TrainedRun]) -> Iterator[Block]:
    """The keys in which the experiments differ, and what else the numbers depend on that does."""
    differing = differing_keys([run.experiment for run in runs.values()])
    facts = [run.result.environment for run in runs.values()]
    unlike = [name for name in _ENVIRONMENT if len({str(each.get(name)) for each in facts}) > 1]
    if not differing:
        yield Paragraph("Their settings are the same.")
    if differing or unlike:
        told = [["" if value is None else in_line(value) for value in each] for each in differing.values()]
        told += [[str(fact.get(name, "")) for fact in facts] for name in unlike]
        columns = _table(list(runs), [*differing, *unlike], told)
        yield Table("What differs between the runs", columns, "Empty where a run has no such key.")


def _table(runs: Sequence[str], keys: Sequence[str], values: Sequence[Sequence[str]]) -> list[Column]:
    """Values, (keys, runs): a row for each run, or where keys are as many, for each key."""
    if len(runs) > len(keys):
        pairs = zip(keys, values, strict=True)
        return [Column("run", runs), *(Column(key, list(map(_cell, each)), _DIGITS) for key, each in pairs)]
    columns = [Column(run, each) for run, each in zip(runs, zip(*values, strict=True), strict=True)]
    return [Column("key", keys), *columns]


def _cell(text: str) -> Cell:
    """A value, a number as one, so that runs can be sorted by it."""
    for kind in (int, float):
        try:
            number = kind(text)
        except ValueError:
            continue
        return number if math.isfinite(number) else text
    return text or None


def _endings(results: Mapping[str, RunResult]) -> Table:
    """How each run ended, and where it is."""
    every = list(results.values())
    columns = [
        Column("run", list(results)),
        Column("status", [result.status.replace("_", " ") for result in every]),
        Column("outcome", [outcome_of(result) or None for result in every]),
        Column("epochs", [result.epochs for result in every]),
        Column("steps", [result.steps for result in every]),
        Column("seconds", [result.timing.train_seconds if result.timing else None for result in every]),
    ]
    if any(result.expectations for result in every):
        columns.append(Column("expectations", [_met(result) for result in every]))
    columns.append(Column("directory", [result.run_dir for result in every]))
    return Table("How each run ended", columns)


def _met(result: RunResult) -> str:
    passed = sum(row.passed for row in result.expectations)
    return f"{passed} of {len(result.expectations)} met" if result.expectations else ""


def _metrics(runs: Mapping[str, TrainedRun]) -> Table:
    """The last values of the metrics that say how well training has done; the best marked, where one is."""
    results = {label: run.result for label, run in runs.items()}
    differing = differing_keys([run.experiment for run in runs.values()])
    unlike = any(key.startswith(("dataset.", "loss.")) for key in differing)
    names = dict.fromkeys(name for result in results.values() for name in result.metrics)
    outcomes = [name for name in names if metric_of(name).is_outcome]
    columns = [Column("run", list(results))]
    for name in outcomes:
        values = [result.metrics.get(name) for result in results.values()]
        columns.append(Column(name, values, marks={} if unlike else _best(name, list(results.values()))))
    return Table("The last value of each metric", columns, _UNLIKE if unlike else _MARKED)


def _best(name: str, results: Sequence[RunResult]) -> dict[int, str]:
    """The runs with the best value of an outcome, where there are others that are worse."""
    metric = metric_of(name)
    sign = -1 if metric.direction == "max" else 1
    known = {
        i: sign * result.metrics[name]
        for i, result in enumerate(results)
        if result.ended_well and math.isfinite(result.metrics.get(name, math.nan))
    }
    if metric.direction is None or len(set(known.values())) < 2:
        return {}
    return {i: "best" for i, value in known.items() if value == min(known.values())}


def _errors(results: Mapping[str, RunResult]) -> Iterator[Block]:
    """The errors of the parameters, those of one name beside each other."""
    errors = [{row.name: row.error for row in result.recovery if row.told} for result in results.values()]
    names = list(dict.fromkeys(name for each in errors for name in each))
    if not names:
        return
    shown = names[:_MOST_PARAMETERS]
    columns = [Column("parameter", shown)]
    for label, each in zip(results, errors, strict=True):
        columns.append(Column(label, [each.get(name) for name in shown]))
    left = len(names) - len(shown)
    notes = [*({_against(result) for result in results.values()} - {""})]
    notes += [f"{left:,} more in the runs' result.json"] if left else []
    yield Table("Errors of the parameters after training", columns, "; ".join(sorted(notes)))


def _against(result: RunResult) -> str:
    return f"error = {compared_with(result)} - learned" if result.recovery else ""


def _repetitions(results: Mapping[str, RunResult]) -> Table:
    """The command for each run, and its seed."""
    every = list(results.values())
    return Table(
        "Commands",
        [
            Column("run", list(results)),
            Column("command", [f"lrcli train {shlex.quote(each.run_dir)}/experiment.yaml" for each in every]),
            Column("seed", [each.seed for each in every]),
            Column("lrcli", [str(each.environment.get("lrcli", "")) for each in every]),
        ],
    )
