"""The members of a sweep by what a user calls them: a number of results.csv, or ``best``."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np

from lrcli.errors import UsageError
from lrcli.storage.shards import refuse_share
from lrcli.storage.table_reading import MemberTable, read_members
from lrcli.storage.tables import swept_text, swept_value
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
    refuse_share(directory, result.shard)
    file = result.file(directory, "results.csv")
    if result.best is None:
        raise UsageError(f"{directory}: has no best member before all have ended; go on with lrcli resume")
    try:
        return _best_member(read_members(file), result.best.values, result.metric, result.mode)
    except (KeyError, ValueError):
        raise file.damaged() from None


def _best_member(
    table: MemberTable, values: Mapping[str, Any], metric: str, mode: Literal["min", "max"]
) -> int:
    """The member with the best score among those of a configuration.

    Args:
        table: results.csv.
        values: of the configuration.
        metric: that ranks.
        mode: whether small or large values of it are good.

    Raises:
        KeyError: the table lacks a column.
        ValueError: the table lacks the configuration.
    """
    own = np.ones(len(table.member), dtype=bool)
    for key, value in values.items():
        wanted = swept_value(swept_text(value))
        own &= np.array([other == wanted for other in table.values[key]], dtype=bool)
    scores = table.numbers[metric][own] * (-1 if mode == "max" else 1)
    best = np.argmin(np.where(np.isfinite(scores), scores, np.inf))  # members that diverged come last
    return int(table.member[own][best])
