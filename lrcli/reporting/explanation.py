"""Explanations and words of the glossary as lines of text, on standard output."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from lrcli.explaining.finding import Explanation
from lrcli.explaining.glossary.term import Term
from lrcli.reporting.streams import console, standard_output
from lrcli.reporting.text import packed, wrapped
from lrcli.storage.files import replace_nonfinite
from lrcli.wording import one_line

__all__ = ["explanation_lines", "print_data", "print_explanation", "print_term", "print_terms"]

_WIDEST = 100  # characters, for text that is to be read
_BULLET, _COMMAND = "- ", "    "


def explanation_lines(explanation: Explanation, width: int = _WIDEST) -> list[str]:
    """An explanation: a bullet for each finding, the commands below it, indented and never broken.

    Args:
        explanation: what to say.
        width: of a line, in characters.
    """
    lines = [one_line(explanation.subject)]
    for finding in explanation.findings:
        lines += ["", *wrapped(_BULLET + one_line(finding.text), width, " " * len(_BULLET))]
        lines += [f"{_COMMAND}{one_line(command)}" for command in finding.commands]
    if not explanation.findings:
        lines += ["", "Nothing stands out."]
    return lines


def print_explanation(explanation: Explanation) -> None:
    """Print an explanation.

    Raises:
        WriteError: standard output could not be written.
    """
    _print(explanation_lines(explanation, _width()))


def print_term(term: Term) -> None:
    """Print what a word means.

    Raises:
        WriteError: standard output could not be written.
    """
    width = _width()
    also = f" (also: {', '.join(term.also)})" if term.also else ""
    _print(
        [
            *wrapped(f"{term.name}{also}", width, "  "),
            "",
            *wrapped(term.text, width),
            "",
            *wrapped(f"Source: {term.source}", width, "  "),
        ]
    )


def print_terms(terms: Sequence[Term]) -> None:
    """Print the words that there are, beside one another.

    Raises:
        WriteError: standard output could not be written.
    """
    names = [f"{term.name}," for term in terms[:-1]] + [term.name for term in terms[-1:]]
    _print(
        [
            "What a run, a sweep or an experiment file comes to:",
            "  lrcli explain RUN|SWEEP|FILE",
            "",
            "Words, each explained by lrcli explain WORD:",
            *(f"  {line}" for line in packed(names, _width() - 2)),
        ]
    )


def print_data(data: Any) -> None:
    """Print plain data as a line of JSON.

    Raises:
        WriteError: standard output could not be written.
    """
    with standard_output():
        print(json.dumps(replace_nonfinite(data), allow_nan=False))  # noqa: T201


def _width() -> int:
    return min(console().width, _WIDEST)


def _print(lines: Sequence[str] | Iterator[str]) -> None:
    with standard_output():
        out = console()
        for line in lines:
            out.print(line, soft_wrap=True)
