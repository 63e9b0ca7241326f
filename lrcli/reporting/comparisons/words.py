"""The numbers and the words of a comparison as texts."""

import math
from collections.abc import Sequence
from typing import Any

from lrcli.config.dumping import in_line
from lrcli.running.comparison import BitComparison, Comparison, ResultRow
from lrcli.wording import counted, times

__all__ = [
    "change_of",
    "number_texts",
    "result_texts",
    "said_of_repetition",
    "setting_text",
    "sized",
]

_FEWEST_DIGITS, _MOST_DIGITS = 5, 17
_NEARLY = 1.01  # a ratio below which it is told in percent


def setting_text(value: Any) -> str:
    """A value as a file has it; nothing where there is none."""
    return "" if value is None else in_line(value)


def number_texts(values: Sequence[float | None]) -> list[str]:
    """Numbers in as few digits as show which of them differ, from five on; nothing where there is none."""
    known = {value for value in values if value is not None}
    for digits in range(_FEWEST_DIGITS, _MOST_DIGITS + 1):
        texts = {value: f"{value:.{digits}g}" for value in known}
        if len(set(texts.values())) == len(known):
            break
    return ["" if value is None else texts[value] for value in values]


def result_texts(row: ResultRow) -> list[str]:
    """The values of a row; of several runs the best is marked."""
    if row.kind in {"word", "count"}:
        texts = ["" if value is None else str(value).replace("_", " ") for value in row.values]
    else:
        texts = number_texts(row.values)
    several = len(row.values) > 2 and row.best
    return [text + ("*" if run in row.best else " ") for run, text in enumerate(texts)] if several else texts


def change_of(row: ResultRow) -> str:
    """The second of two against the first: a ratio or a difference, and which of the two is better."""
    if row.equal:
        return "equal"
    what = ""
    if row.ratio is not None and row.ratio > 0:
        what = sized(row.ratio, ("longer", "shorter") if row.kind == "seconds" else ("larger", "smaller"))
    elif row.difference is not None:
        what = f"{row.difference:+.4g}"
    return ", ".join(filter(None, [what, row.verdict]))


def sized(ratio: float, words: tuple[str, str] = ("larger", "smaller")) -> str:
    """A ratio above 0 in words: ``1.12 times larger``, ``0.3% smaller``, ``equal``."""
    if ratio == 1:
        return "equal"
    larger = ratio if ratio > 1 else (1 / ratio if ratio > 1 / math.inf else math.inf)
    word = words[0] if ratio > 1 else words[1]
    if larger < _NEARLY:
        return f"{100 * abs(ratio - 1):.2g}% {word}"
    return f"{times(larger)} {word}"


def said_of_repetition(comparison: Comparison, each: BitComparison) -> str:
    """Whether one run repeats another, in a sentence."""
    first, second = (comparison.names[run] for run in each.runs)
    same = f"{second} has the same settings and seed as {first}"
    records = counted(each.records, "record")
    if each.equal is None:
        return f"{same}, but whether their bits are equal is not known: {each.unknown}"
    if each.equal:
        return f"{same}, and the same bits in all {records} that both have"
    where = "" if each.epoch is None else f" at epoch {each.epoch}"
    where += "" if each.step is None else f" (step {each.step})"
    a, b = (value or "none" for value in each.values)
    numbers = f": {a} and {b}" if any(each.values) else ""
    return f"{same}, but not the same bits: they first differ{where} in {each.metric}{numbers}"
