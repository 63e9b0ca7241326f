"""The members of a sweep by what a user calls them: a number of results.csv, or ``best``."""

import re
from pathlib import Path

import numpy as np

from lrcli.errors import RunDirectoryError, UsageError
from lrcli.runs.table_reading import read_members
from lrcli.runs.tables import swept_text, swept_value
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
    if result.best is None:
        raise UsageError(f"{directory}: has no best member before all have ended; go on with lrcli resume")
    table = read_members(directory / "results.csv")
    try:
        wanted = [table.values[key] for key in result.best.values]
        scores = table.numbers[result.metric] * (-1 if result.mode == "max" else 1)
    except KeyError:
        raise RunDirectoryError(f"{directory}: its results.csv has been damaged") from None
    best = tuple(swept_value(swept_text(value)) for value in result.best.values.values())
    own = [number for number, values in enumerate(zip(*wanted, strict=True)) if values == best]
    if not own:
        raise RunDirectoryError(f"{directory}: its results.csv has been damaged")
    ordered = np.where(np.isfinite(scores[own]), scores[own], np.inf)  # members that diverged come last
    return int(table.member[own[int(np.argmin(ordered))]])
