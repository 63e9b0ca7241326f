"""How a run ended, where that alone says much; and what was expected of it and did not come out."""

from collections.abc import Iterator

from lrcli.explaining.finding import Finding
from lrcli.explaining.numerals import short
from lrcli.explaining.runs.facts import RunFacts
from lrcli.wording import counted, one_line, typed

__all__ = ["not_ended", "unmet"]

_WORDS = {
    "running": "The run has not ended, or was ended before it could say how",
    "interrupted": "The run was interrupted",
    "failed": "The run failed before its end",
}


def not_ended(facts: RunFacts) -> Iterator[Finding]:
    """It did not train to its end: what follows is of a part only."""
    result = facts.result
    if result.status in _WORDS:
        epochs = facts.experiment.training.epochs
        text = f"{_WORDS[result.status]}, after {counted(result.epochs, 'epoch')} of {epochs:,}."
        numbers = {"epochs": float(result.epochs), "planned": float(epochs)}
        yield Finding(result.status, text, numbers, commands=(typed("lrcli", "resume", result.run_dir),))


def unmet(facts: RunFacts) -> Iterator[Finding]:
    """Expectations that did not come out."""
    rows = [row for row in facts.result.expectations if not row.passed]
    if facts.result.status in _WORDS:  # what it has not come to is said
        rows = [row for row in rows if row.value is not None]
    if rows:
        said = ", ".join(
            f"{one_line(row.name)} {one_line(row.expected)} (it is "
            f"{'not there' if row.value is None else short(row.value)})"
            for row in rows
        )
        numbers = {row.name: row.value for row in rows}
        yield Finding("unmet", f"Expected and not met: {said}.", numbers)
