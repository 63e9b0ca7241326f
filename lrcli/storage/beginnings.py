"""What was begun in a directory, by the beginnings of its files: nothing is parsed, so many are soon read."""

import os
import re
from pathlib import Path
from typing import Literal, cast

__all__ = ["Command", "command_of_experiment", "command_of_result", "experiment_comment"]

Command = Literal["train", "sweep"]

_WHAT: dict[Command, str] = {"train": "run", "sweep": "sweep"}
_HEAD = 200  # bytes of a file, among whose first the command is
_IN_RESULT = re.compile(rb'"command": *"(train|sweep)"')
_IN_EXPERIMENT = re.compile(rb"# Resolved by lrcli; `lrcli (train|sweep)` ")  # as `experiment_comment` has it


def experiment_comment(command: Command) -> str:
    """The first line of the experiment.yaml in a directory."""
    return f"Resolved by lrcli; `lrcli {command}` on this file repeats the {_WHAT[command]}."


def command_of_result(file: Path) -> Command | None:
    """What made a result.json; None where lrcli has not written it."""
    return _found_in(file, _IN_RESULT)


def command_of_experiment(file: Path) -> Command | None:
    """What was begun with an experiment.yaml; None where lrcli has not written it."""
    return _found_in(file, _IN_EXPERIMENT)


def _found_in(file: Path, sign: re.Pattern[bytes]) -> Command | None:
    """The command that the beginning of a file names."""
    try:
        if not os.path.isfile(file):  # noqa: PTH113 - nobody waits at a pipe
            return None
        with file.open("rb") as opened:
            match = sign.search(opened.read(_HEAD))
    except (OSError, ValueError):  # ValueError: no such characters in names
        return None
    return None if match is None else cast("Command", match[1].decode())
