"""The report of a run as a page."""

import math
from collections.abc import Iterator, Sequence

from lrcli.config.metrics import is_of_best, metric_of, split_of
from lrcli.experiment.experiment import Experiment
from lrcli.reporting.pages.content import Block, Column, Figure, Page, Paragraph, Section, Table
from lrcli.reporting.pages.sections import figures_section, repeat_section, settings_section
from lrcli.reporting.runs.parameter_table import on_a_page, parameter_columns, said_of
from lrcli.reporting.runs.words import (
    SPLITS,
    compared_with,
    equations,
    how_it_ended,
    unmet_expectations,
)
from lrcli.running.summary import summarize
from lrcli.storage.run_result import Reference, RunResult
from lrcli.wording import counted

__all__ = ["run_page"]

_MOST_ROWS = 300


def run_page(result: RunResult, experiment: Experiment, figures: Sequence[Figure], why: str = "") -> Page:
    """The report of a run.

    Args:
        result: of the run.
        experiment: what was trained.
        figures: in the order to show them.
        why: the sentence that matters most; empty where there is none.
    """
    return Page(
        title=result.name,
        description=experiment.description,
        summary=[f"A run of lrcli: {summarize(experiment)}.", *_summary(result), *filter(None, [why])],
        sections=[
            figures_section(figures),
            Section("Parameters", list(_parameters(result, experiment))),
            Section("Expectations", list(_expectations(result))),
            Section("Metrics", list(_metrics(result))),
            settings_section(experiment),
            repeat_section(result),
        ],
    )


def _summary(result: RunResult) -> Iterator[str]:
    """How it ended, what it came to, whether that was expected; a sentence or two each."""
    ended = how_it_ended(result)
    yield f"{ended[0].upper()}{ended[1:]}."
    last = [f"{name} {_said(value)}" for name, value in result.metrics.items() if metric_of(name).splits]
    if last:
        best = result.best
        found = f"; the best {best.metric} was {_said(best.value)}, at epoch {best.epoch:,}" if best else ""
        yield f"At its end: {', '.join(last)}{found}."
    if result.reference is not None:
        yield _recovered(result, result.reference)
    if result.expectations:
        passed = sum(row.passed for row in result.expectations)
        unmet = unmet_expectations(result)
        yield f"{passed} of {counted(len(result.expectations), 'expectation')} met{unmet and f': {unmet}'}."


def _said(value: float) -> str:
    """A number within a sentence."""
    return f"{value:.4g}" if math.isfinite(value) else "not finite"


def _recovered(result: RunResult, reference: Reference) -> str:
    """The largest error among the parameters that the data determine."""
    rows = [row for row in result.recovery if row.told]
    if not rows:
        return reference.why or reference.missing or reference.text
    values = compared_with(result)
    if not all(math.isfinite(row.error) for row in rows):
        return (
            f"The learned parameters are not all finite, so their errors against the {values} ones are none."
        )
    worst = max(rows, key=lambda row: abs(row.error))
    return (
        f"Of {counted(len(rows), 'parameter')}, {worst.name} is the farthest from its {values} value: "
        f"{worst.learned:.4g} learned, {worst.held_to:.4g} {values}, an error of {worst.error:.4g}."
    )


def _parameters(result: RunResult, experiment: Experiment) -> Iterator[Block]:
    """What was learned beside what it is held against, or why that cannot be; the curve."""
    reference, rows = result.reference, result.recovery[:_MOST_ROWS]
    if reference is None:
        return
    if not rows:
        yield Paragraph(reference.text)
    else:
        left = len(result.recovery) - len(rows)
        columns = parameter_columns(result.recovery, reference, _MOST_ROWS)
        note = said_of(columns, f"{left:,} more in result.json" if left else "")
        yield Table("Parameters after training", on_a_page(columns), note)
        yield from map(Paragraph, filter(None, (reference.missing, reference.why)))
    yield from map(Paragraph, equations(result, experiment.model))


def _expectations(result: RunResult) -> Iterator[Table]:
    rows = result.expectations
    if rows:
        yield Table(
            "What was expected, and what came out",
            [
                Column("of", [row.name for row in rows]),
                Column("expected", [row.expected for row in rows]),
                Column("value", [row.value for row in rows]),
                Column("verdict", ["passed" if row.passed else "failed" for row in rows]),
            ],
        )


def _metrics(result: RunResult) -> Iterator[Block]:
    if not result.metrics:
        return
    names = list(result.metrics)
    best = result.best
    yield Table(
        "The last value of each metric",
        [
            Column("metric", names),
            Column("value", list(result.metrics.values())),
            Column("what it is", list(map(_meaning, names))),
        ],
        f"best: {best.metric} {_said(best.value)} at epoch {best.epoch:,}" if best else "",
    )


def _meaning(name: str) -> str:
    """What a metric is, its set of examples and what it is of it first."""
    metric = metric_of(name)
    of_set = f"{metric.name} of the {SPLITS[split_of(name)]} set, " if metric.splits else ""
    return f"{of_set}{'of the best record' if is_of_best(name) else metric.description}"
