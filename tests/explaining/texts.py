"""Texts of explanations: kept as files, and their numbers read out of them."""

import os
import re
from pathlib import Path

import pytest

from lrcli.reporting.explanation import explanation_lines

GOLDEN = Path(__file__).parent / "golden"
WRITES = os.environ.get("LRCLI_GOLDEN") == "write"
NUMBER = r"-?\d[\d,]*(?:\.\d+)?(?:e-?\d+)?"
_NUMBER = re.compile(rf"(?<![\w.]){NUMBER}(?![\w])")
_CLOSE = 0.01  # another machine rounds otherwise, and three digits are told


def held(name, explanation, *left_out):
    """Hold an explanation to the text that is kept, or keep it.

    The words and the commands are the same; numbers may differ a little where machines compute otherwise.

    Args:
        name: of the file.
        explanation: what is said now.
        left_out: strings that differ from place to place.

    Returns:
        Its text, in one line.
    """
    text = "\n".join(line.rstrip() for line in explanation_lines(explanation)) + "\n"
    for string in left_out:
        text = text.replace(string, "")
    file = GOLDEN / f"{name}.txt"
    if WRITES:
        GOLDEN.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    now, kept = (" ".join(of.split()) for of in (text, file.read_text(encoding="utf-8")))
    assert _NUMBER.sub("#", now) == _NUMBER.sub("#", kept)
    assert numbers(now) == pytest.approx(numbers(kept), rel=_CLOSE)
    return now


def numbers(text):
    """All numbers of a text, in their order."""
    return [number(found[0]) for found in _NUMBER.finditer(text)]


def number(written):
    return float(written.replace(",", ""))


def told(pattern, text):
    """What a pattern finds in a text: its groups, numbers as numbers; None where it is not there.

    In the pattern ``#`` stands for a group that is a number.
    """
    found = re.search(pattern.replace("#", f"({NUMBER})"), text)
    if found is None:
        return None
    return [number(group) if re.fullmatch(NUMBER, group) else group for group in found.groups()]
