"""Where a run's files go. Two runs never share a directory, and nothing is ever overwritten."""

import itertools
import re
from pathlib import Path

from lrcli.errors import RunDirectoryError

__all__ = ["new_run_directory", "take_directory"]


def new_run_directory(runs_dir: Path, name: str, command: str) -> Path:
    """Make the next numbered directory of an experiment, such as ``runs/linear/train-0001``.

    The number is taken by making the directory, which only one of several processes can do.

    Args:
        runs_dir: the directory of all runs; made where it is missing.
        name: of the experiment.
        command: ``train``, say.

    Raises:
        RunDirectoryError: it cannot be made.
    """
    parent = runs_dir / name
    try:
        parent.mkdir(parents=True, exist_ok=True)
        for number in itertools.count(_highest(parent, command) + 1):
            path = parent / f"{command}-{number:04d}"
            try:
                path.mkdir()
            except FileExistsError:
                continue
            return path
    except (OSError, ValueError) as error:  # ValueError: the system has no such characters in names
        raise RunDirectoryError(f"{parent}: cannot hold runs: {_reason(error)}") from None
    raise AssertionError("there is always a next number")


def _highest(parent: Path, command: str) -> int:
    pattern = re.compile(rf"{re.escape(command)}-(\d+)")
    matches = (pattern.fullmatch(path.name) for path in parent.iterdir())
    return max((int(match[1]) for match in matches if match), default=0)


def take_directory(path: Path) -> Path:
    """Make the directory the user named; one that is there already must be empty.

    Raises:
        RunDirectoryError: it holds something, or cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        if any(path.iterdir()):
            raise RunDirectoryError(f"{path}: is not empty, and nothing is ever overwritten")
    except (OSError, ValueError) as error:
        raise RunDirectoryError(f"{path}: cannot be written to: {_reason(error)}") from None
    return path


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
