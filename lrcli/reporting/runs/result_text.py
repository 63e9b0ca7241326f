"""What a run has come to, as a page in Markdown: how it ended, what was expected, what it recovered."""

from collections.abc import Iterator

from lrcli.experiment.experiment import Experiment
from lrcli.reporting.curve_ends import FAR
from lrcli.reporting.markdown import block, markdown_table, plain
from lrcli.reporting.runs.parameter_table import parameter_columns, said_of
from lrcli.reporting.runs.words import equations, headline
from lrcli.storage.run_result import RunResult
from lrcli.wording import counted

__all__ = ["result_markdown"]

_MOST_ROWS = 100


def result_markdown(result: RunResult, experiment: Experiment, left_out: int = 0) -> str:
    """The page of a run.

    Args:
        result: of the run.
        experiment: what was trained.
        left_out: records that the curves do not show, `lrcli.reporting.curve_ends`.
    """
    return "\n\n".join(_parts(result, experiment, left_out)) + "\n"


def _parts(result: RunResult, experiment: Experiment, left_out: int) -> Iterator[str]:
    """Paragraphs and tables."""
    yield f"**{plain(headline(result))}**"
    if experiment.description:
        yield f"Description: {plain(experiment.description)}"
    if left_out:
        yield _about(left_out)
    if result.expectations:
        yield "Expectations:"
        yield _expectations(result)
    if result.reference is not None:
        yield from _recovery(result)
    formulas = equations(result, experiment.model) if result.parameters else []
    if formulas:
        yield block("\n".join(formulas))
    if result.metrics:
        numbers = [(name, f"{value:.6g}") for name, value in result.metrics.items()]
        yield "Last values:"
        yield markdown_table(["metric", "last value"], numbers)
    yield f"Run: {plain(result.run_dir)}"


def _about(left_out: int) -> str:
    """Why curves end before the run does."""
    records = counted(left_out, "record")
    return (
        f"The curves end before the last {records}: from there on the training loss was more than "
        f"{FAR:g} times what it was at first, or no number, and would flatten all other curves. "
        "`metrics.csv` has every record."
    )


def _expectations(result: RunResult) -> str:
    rows = [
        (
            row.name,
            row.expected,
            "none" if row.value is None else f"{row.value:.6g}",
            "met" if row.passed else "NOT met",
        )
        for row in result.expectations
    ]
    return markdown_table(["expected", "", "value", ""], rows)


def _recovery(result: RunResult) -> Iterator[str]:
    """What was learned beside what it is held against, or why that cannot be."""
    reference, rows = result.reference, result.recovery
    if reference is None or not rows:
        yield plain(reference.text if reference else "")
        return
    columns = parameter_columns(rows, reference, _MOST_ROWS)
    left = len(rows) - _MOST_ROWS
    yield f"Parameters ({plain(said_of(columns, f'{left:,} more in result.json' if left > 0 else ''))}):"
    table = list(zip(*(column.texts for column in columns), strict=True))
    yield markdown_table([column.heading for column in columns], table)
    yield from map(plain, filter(None, (reference.missing, reference.why)))
