"""Removing runs and sweeps, and never anything else.

A directory is first given a hidden name beside its own, so that nobody ever finds half a run; a kill leaves
that behind, and the next removal takes it along. Links are never followed: those inside go, what they lead to
stays, and a run that is itself reached by a link is refused.
"""

import contextlib
import errno
import os
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lrcli.errors import RunDirectoryError, RunError, UsageError, WriteError
from lrcli.storage.finding import find_run, holds_run, is_numbered
from lrcli.storage.locking import locked, refuse_owned

__all__ = ["Removable", "removable", "remove"]

_ASIDE = re.compile(r"\..+\.[0-9]+\.deleted")  # what a directory is called while it is removed
_MOST_TRIES = 100


@dataclass(frozen=True)
class Removable:
    """A run or a sweep that may be removed.

    Attributes:
        directory: where it is.
        files: how many there are, links among them.
        size: bytes in them.
    """

    directory: Path
    files: int
    size: int


def removable(words: Sequence[str], runs_dir: Path) -> list[Removable]:
    """What the words mean, each once, and how much there is of it. Nothing is removed yet.

    Args:
        words: as `lrcli.storage.finding.find_run` knows them.
        runs_dir: the directory of all runs.

    Raises:
        UsageError: for one of them there is no run, it may not be removed, or a process is at work there; of
            several all that is wrong.
    """
    found: dict[str, Removable] = {}
    mistakes: list[UsageError] = []
    for word in words:
        try:
            directory = find_run(word, runs_dir)
            _refuse(directory, runs_dir)
            refuse_owned(directory)
            found.setdefault(os.path.realpath(directory), _measured(directory))
        except UsageError as error:
            mistakes.append(error)
    if len(mistakes) == 1:
        raise mistakes[0]
    if mistakes:
        lines = [line for mistake in mistakes for line in str(mistake).split("\n")]
        raise RunDirectoryError("nothing was deleted:", lines)
    return list(found.values())


def remove(directory: Path, runs_dir: Path) -> None:
    """Remove a directory that is `removable`, and that of its experiment where nothing else is in it.

    Raises:
        RunDirectoryError: a process has begun to work there.
        RunError: not all of it could be removed.
    """
    finish_removals(directory.parent)
    aside = directory.with_name(f".{directory.name}.{os.getpid()}.deleted")
    with _alone(directory):
        _refuse(directory, runs_dir)  # it may have become something else since
        try:
            directory.rename(aside)
        except OSError as error:
            raise _failed(directory, error) from None
    _remove_tree(aside)
    if os.path.realpath(directory.parent.parent) == os.path.realpath(runs_dir):
        with contextlib.suppress(OSError):  # the experiment's has other runs
            directory.parent.rmdir()


def finish_removals(parent: Path) -> None:
    """Remove what killed removals have left in a directory, as far as that can be."""
    with contextlib.suppress(OSError):
        left = [path for path in parent.iterdir() if _ASIDE.fullmatch(path.name) and not path.is_symlink()]
        for path in left:
            with contextlib.suppress(RunError):
                _remove_tree(path)


@contextlib.contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """Keep others out, also of a directory on a full disk, where nothing can say that it is in use."""
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(locked(directory))
        except WriteError:
            refuse_owned(directory)
        if sys.platform == "win32":  # there a directory with an open file has the name it has
            stack.close()
        yield


def _refuse(directory: Path, runs_dir: Path) -> None:
    """Refuse what is no run, or more than one.

    Raises:
        RunDirectoryError: it is, and what.
    """
    real, whole = Path(os.path.realpath(directory)), Path(os.path.realpath(runs_dir))
    if directory.is_symlink():
        raise RunDirectoryError(f"{directory}: is a link, and links are not followed; remove the link itself")
    inside = Path(os.path.abspath(directory)).is_relative_to(os.path.abspath(runs_dir))  # noqa: PTH100
    if inside and not real.is_relative_to(whole):
        raise RunDirectoryError(f"{directory}: is reached by a link that leads out of {runs_dir}")
    numbered = is_numbered(directory.name) and real.parent.parent == whole
    if not numbered and not holds_run(directory):
        raise RunDirectoryError(f"{directory}: holds nothing that lrcli has written; remove it yourself")
    here = Path(os.path.realpath(os.curdir))
    if real == whole or whole.is_relative_to(real) or here.is_relative_to(real):
        what = "the current directory is in it" if here.is_relative_to(real) else f"it holds {runs_dir}"
        raise RunDirectoryError(f"{directory}: {what}")


def _measured(directory: Path) -> Removable:
    """Count its files, none of them outside.

    Raises:
        RunDirectoryError: other things are in it than a run leaves.
    """
    files = size = 0
    for folder, folders, names in os.walk(directory):
        path = Path(folder)
        if ".git" in folders or (path != directory and holds_run(path)):
            other = "a repository" if ".git" in folders else "another run"
            raise RunDirectoryError(f"{directory}: holds {other}, {path}; remove it yourself")
        for name in (*names, *(each for each in folders if (path / each).is_symlink())):
            files += 1
            with contextlib.suppress(OSError):
                size += (path / name).lstat().st_size
    return Removable(directory, files, size)


def _remove_tree(aside: Path) -> None:
    """Remove a directory that has a hidden name; another process may do so at the same time.

    Raises:
        RunError: something in it cannot be removed.
    """
    for tries in range(_MOST_TRIES, 0, -1):
        try:
            shutil.rmtree(aside)
        except OSError as error:
            if not os.path.lexists(aside):
                return
            is_shared = isinstance(error, FileNotFoundError) or error.errno == errno.ENOTEMPTY
            if tries == 1 or not is_shared:
                raise _failed(aside, error) from None
        else:
            return


def _failed(path: Path, error: OSError) -> RunError:
    return RunError(f"{path}: could not be deleted: {error.filename or path}: {error.strerror or error}")
