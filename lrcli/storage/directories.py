"""Where a run's files go. Two runs never share a directory, and nothing is ever overwritten.

Whoever gets a directory has it alone, see `lrcli.storage.locking`, until it leaves the context.
"""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

from lrcli.errors import RunDirectoryError
from lrcli.storage.files import flush_directory
from lrcli.storage.locking import LOCK_FILE, cannot_be_used, locked, refuse_owned

__all__ = ["EVENT_FILE", "new_run_directory", "take_directory"]

EVENT_FILE = "events.out.tfevents."  # the name of every file of TensorBoard's begins so

_MOST_TRIES = 100  # that other processes may spoil; what fails more often the system refuses


@contextlib.contextmanager
def new_run_directory(runs_dir: Path, name: str, command: str) -> Iterator[Path]:
    """Make the next numbered directory of an experiment, such as ``runs/linear/train-0001``.

    The number is taken by making the directory, which only one of several processes can do. Where an error
    comes before anything was written, the directory goes again.

    Args:
        runs_dir: the directory of all runs; made where it is missing.
        name: of the experiment.
        command: ``train``, say.

    Raises:
        RunDirectoryError: it cannot be made.
        WriteError: the disk is full.
    """
    parent = runs_dir / name
    with contextlib.ExitStack() as stack:
        try:
            parent.mkdir(parents=True, exist_ok=True)
            path = _next(parent, command, stack)
            for above in (runs_dir, parent):
                flush_directory(above)
        except (OSError, ValueError) as error:  # ValueError: the system has no such characters in names
            raise cannot_be_used(parent, "cannot hold runs", error) from None
        yield path


def _next(parent: Path, command: str, stack: contextlib.ExitStack) -> Path:
    """The next numbered directory, made and locked.

    Raises:
        OSError: none can be made.
        RunDirectoryError: none can be locked.
        WriteError: the disk is full.
    """
    number, refused = _highest(parent, command) + 1, 0
    while True:
        path = parent / f"{command}-{number:04d}"
        try:
            path.mkdir()
            stack.enter_context(_held(path))
        except FileExistsError:  # another process was faster
            number += 1
        except (FileNotFoundError, RunDirectoryError):
            # The experiment's directory went with its last run, or this one was deleted as one that is empty.
            refused += 1
            if refused == _MOST_TRIES:
                raise
            parent.mkdir(parents=True, exist_ok=True)
        else:
            return path


def _highest(parent: Path, command: str) -> int:
    pattern = re.compile(rf"{re.escape(command)}-(\d+)")
    matches = (pattern.fullmatch(path.name) for path in parent.iterdir())
    return max((int(match[1]) for match in matches if match), default=0)


@contextlib.contextmanager
def take_directory(path: Path) -> Iterator[Path]:
    """Make the directory the user named; one that is there already must be empty.

    Raises:
        RunDirectoryError: it holds something, another process is at work there, or it cannot be made.
        WriteError: the disk is full.
    """
    with contextlib.ExitStack() as stack:
        try:
            is_new = not path.exists()
            path.mkdir(parents=True, exist_ok=True)
            _refuse_full(path)
            stack.enter_context(_held(path) if is_new else locked(path))
            _refuse_full(path)  # another may have been there, and gone
            flush_directory(path.parent)
        except (OSError, ValueError) as error:
            raise cannot_be_used(path, "cannot be written to", error) from None
        yield path


def _refuse_full(path: Path) -> None:
    """Refuse a directory that holds something.

    Raises:
        RunDirectoryError: it does, or a process is at work there.
    """
    if any(inside.name != LOCK_FILE for inside in path.iterdir()):
        refuse_owned(path)
        raise RunDirectoryError(f"{path}: is not empty, and nothing is ever overwritten")


@contextlib.contextmanager
def _held(path: Path) -> Iterator[None]:
    """Lock a directory that has just been made; with an error it goes again if nothing is in it."""
    try:
        with locked(path):
            yield
    except BaseException:
        with contextlib.suppress(OSError):
            path.rmdir()
        raise
