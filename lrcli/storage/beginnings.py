"""What was begun in a directory, by the beginnings of its files: nothing is parsed, so many are soon read."""

import os
import re
from pathlib import Path
from typing import Literal, cast

__all__ = [
    "Command",
    "command_of_experiment",
    "command_of_result",
    "experiment_comment",
    "shard_of_experiment",
]

Command = Literal["train", "sweep"]

_WHAT: dict[Command, str] = {"train": "run", "sweep": "sweep"}
_HEAD = 200  # bytes of a file, among whose first the command is
_IN_RESULT = re.compile(rb'"command": *"(train|sweep)"')
_IN_EXPERIMENT = re.compile(rb"# Resolved by lrcli; `lrcli (train|sweep)` ")  # as `experiment_comment` has it
_SHARD = re.compile(
    rb"# Resolved by lrcli; .* of which this is share ([0-9]{1,18}) of ([0-9]{1,18})\."
)  # likewise


def experiment_comment(command: Command, shard: tuple[int, int] | None = None) -> str:
    """The first line of the experiment.yaml in a directory.

    Args:
        command: that made it.
        shard: of a share of a sweep, its number and the count of shares.
    """
    share = "" if shard is None else f", of which this is share {shard[0]} of {shard[1]}"
    return f"Resolved by lrcli; `lrcli {command}` on this file repeats the {_WHAT[command]}{share}."


def command_of_result(file: Path) -> Command | None:
    """What made a result.json; None where lrcli has not written it."""
    return _command_in(file, _IN_RESULT)


def command_of_experiment(file: Path) -> Command | None:
    """What was begun with an experiment.yaml; None where lrcli has not written it."""
    return _command_in(file, _IN_EXPERIMENT)


def shard_of_experiment(file: Path) -> tuple[int, int] | None:
    """Which share of how many was begun with an experiment.yaml; None where it is none."""
    match = _found_in(file, _SHARD)
    return None if match is None else (int(match[1]), int(match[2]))


def _command_in(file: Path, sign: re.Pattern[bytes]) -> Command | None:
    """The command that the beginning of a file names."""
    match = _found_in(file, sign)
    return None if match is None else cast("Command", match[1].decode())


def _found_in(file: Path, sign: re.Pattern[bytes]) -> re.Match[bytes] | None:
    """Where the beginning of a file has a sign."""
    try:
        if not os.path.isfile(file):  # noqa: PTH113 - nobody waits at a pipe
            return None
        with file.open("rb") as opened:
            return sign.search(opened.read(_HEAD))
    except (OSError, ValueError):  # ValueError: no such characters in names
        return None
