"""The members of a sweep by what a user calls them: a number of results.csv, or ``best``."""

import csv
import json
import math
import re
from pathlib import Path
from typing import Any

from lrcli.errors import RunDirectoryError, UsageError
from lrcli.sweeps.resuming import result_of_sweep

__all__ = ["BEST", "member_number"]

BEST = "best"


def member_number(directory: Path, word: str) -> int:
    """The number of a member.

    Args:
        directory: of the sweep.
        word: a number, or ``best``: of the best configuration the member with the best score.

    Raises:
        UsageError: the word is neither, or the sweep has no best yet.
        RunDirectoryError: there is no sweep, or its files have been damaged.
    """
    if re.fullmatch("-?[0-9]{1,18}", word):
        return int(word)
    if word != BEST:
        raise UsageError(f"{word}: is no member; write its number in results.csv, or {BEST}")
    result = result_of_sweep(directory)
    if not result.get("best"):
        raise UsageError(f"{directory}: has no best member before all have ended; go on with lrcli resume")
    try:
        with (directory / "results.csv").open(newline="", encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if _is_of(row, result["best"]["values"])]
        sign = -1 if result["mode"] == "max" else 1
        return min((_score(row, result["metric"], sign), int(row["member"])) for row in rows)[1]
    except (OSError, ValueError, KeyError):
        raise RunDirectoryError(f"{directory}: its results.csv has been damaged") from None


def _is_of(row: dict[str, str], values: dict[str, Any]) -> bool:
    """Whether a row of results.csv is of the configuration with these values."""
    return all(row[key] in _texts(value) for key, value in values.items())


def _texts(value: Any) -> set[str]:
    """How a value may stand there; a key that a grid leaves out and the file leaves empty is nothing."""
    text = value if isinstance(value, str) else json.dumps(value)
    return {text, ""} if value is None else {text}


def _score(row: dict[str, str], metric: str, sign: int) -> float:
    """Small for a good one; members that diverged come last."""
    text = row[metric]
    return sign * float(text) if text and math.isfinite(float(text)) else math.inf
