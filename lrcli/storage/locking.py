"""One process at a time in a run directory: the one that trains, goes on or deletes holds its lock.

    with locked(directory):
        ...  # nobody else is at work here; who tries is told of this process

The lock is the operating system's, on a hidden file in the directory, and ends with the process however that
ends: what a killed process has left is taken over. The file says who holds it, for messages; that it is there
says nothing. It is removed while the lock is held, and whoever had opened it before sees that and opens the
new one. One that stays does no harm.

Locks of NFS hold across hosts. Where a file system has no locks at all, the file itself is one: it is taken
over from a process of this host that is gone, and from others never. Where locks are seen on their own host
alone, as some cluster file systems are mounted, processes of different hosts do not see each other.
"""

import contextlib
import errno
import json
import os
import socket
import stat
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lrcli.errors import LrcliError, RunDirectoryError, WriteError

__all__ = ["LOCK_FILE", "Owner", "cannot_be_used", "locked", "owner_of", "refuse_owned"]

LOCK_FILE = ".lock"

_PATIENCE = 0.3  # seconds, in which whoever only looks who holds a lock has looked
_PAUSE = 0.01
_RECORD = 1  # where it begins; the byte before it is locked, and on Windows nobody else may read that
_LONGEST_RECORD = 1000  # bytes
_PLAIN = (
    getattr(os, "O_NOFOLLOW", 0)  # what a link leads to is not the run's
    | getattr(os, "O_NONBLOCK", 0)  # nobody waits at a pipe
    | getattr(os, "O_BINARY", 0)
)
_NO_LOCKS = {errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL, errno.EBADF}
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EIO}


@dataclass(frozen=True)
class Owner:
    """The process that is at work in a directory.

    Attributes:
        pid: its number; 0 where that is not known.
        host: the name of its machine.
    """

    pid: int
    host: str

    def __str__(self) -> str:
        return f"process {self.pid} on host {self.host}" if self.pid else "another process"


def owner_of(directory: Path) -> Owner | None:
    """Who is at work in a directory; None: nobody.

    It is found by trying the lock, which is given back at once.
    """
    path = directory / LOCK_FILE
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            file = _open_to_look(path)
        except OSError:
            return None
        try:
            if _try(file, created=False):
                return None
            owner = _read(file)
        finally:
            os.close(file)
        # One who has ended holds no lock: somebody else looks, or has not yet written who it is.
        if not _has_ended(owner) or time.monotonic() > deadline:
            return owner
        time.sleep(_PAUSE)


def refuse_owned(directory: Path) -> None:
    """Refuse a directory in which another process is at work.

    Raises:
        RunDirectoryError: one is, and which.
    """
    owner = owner_of(directory)
    if owner is not None:
        raise _busy(directory, owner)


@contextlib.contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Keep others out of a directory.

    Raises:
        RunDirectoryError: another process is at work there, and which; or the directory cannot be written to.
        WriteError: the disk is full.
    """
    path = directory / LOCK_FILE
    try:
        file = _take(path)
    except OSError as error:
        raise cannot_be_used(directory, "cannot be written to", error) from None
    if isinstance(file, Owner):
        raise _busy(directory, file)
    try:
        yield
    finally:
        _give_back(path, file)


def cannot_be_used(path: Path, what: str, error: Exception) -> LrcliError:
    """The error of a directory for runs that the system refuses; a full disk is no mistake of the user's."""
    reason = getattr(error, "strerror", None) or str(error)
    if isinstance(error, OSError) and error.errno in _FULL:
        return WriteError(f"{path}: could not be written: {reason}")
    return RunDirectoryError(f"{path}: {what}: {reason}")


def _busy(directory: Path, owner: Owner) -> RunDirectoryError:
    return RunDirectoryError(f"{directory}: {owner} is at work here; wait for it or stop it")


def _take(path: Path) -> int | Owner:
    """The lock's file, open and locked, with this process in it; or who has it.

    Raises:
        OSError: the file cannot be there.
    """
    deadline = time.monotonic() + _PATIENCE
    while True:
        file, created = _open(path)
        try:
            if _try(file, created=created) and _is_at(path, file):
                with contextlib.suppress(OSError):  # a full disk: the lock holds all the same
                    _write(file)
                return file
            owner = _read(file)
        except BaseException:
            os.close(file)
            raise
        os.close(file)
        if time.monotonic() > deadline:
            return owner
        time.sleep(_PAUSE)


def _give_back(path: Path, file: int) -> None:
    """Remove the file and end the lock; on Windows an open file stays, and one that nobody has open goes."""
    with contextlib.suppress(OSError):
        if sys.platform != "win32" and _is_at(path, file):
            path.unlink()
    os.close(file)
    with contextlib.suppress(OSError):
        if sys.platform == "win32":
            path.unlink()


def _open(path: Path) -> tuple[int, bool]:
    """The lock's file, and whether it has been made for this."""
    while True:
        with contextlib.suppress(FileExistsError):
            return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | _PLAIN, 0o666), True
        with contextlib.suppress(FileNotFoundError):  # removed by who had it
            return _open_to_look(path), False


def _open_to_look(path: Path) -> int:
    """The lock's file, open; to be read alone where it is another user's."""
    try:
        file = os.open(path, os.O_RDWR | _PLAIN)
    except OSError as error:
        if error.errno not in {errno.EACCES, errno.EPERM, errno.EROFS}:
            raise
        file = os.open(path, os.O_RDONLY | _PLAIN)
    facts = os.fstat(file)
    if not stat.S_ISREG(facts.st_mode) or facts.st_nlink > 1:
        os.close(file)
        raise OSError(errno.EEXIST, f"{LOCK_FILE} is there, and no lock; remove it")
    return file


def _try(file: int, *, created: bool) -> bool:
    """Lock a file, if nobody has locked it."""
    from filelock import lock_descriptor  # takes a moment to import, which `--help` does not need

    try:
        return lock_descriptor(file, blocking=False)
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        return created or _has_ended(_read(file))


def _is_at(path: Path, file: int) -> bool:
    """Whether an open file is still the one of its name; on Windows it cannot be removed."""
    if sys.platform == "win32":
        return True
    try:
        return os.path.samestat(path.stat(follow_symlinks=False), os.fstat(file))
    except OSError:
        return False


def _write(file: int) -> None:
    """Say in a lock's file that this process has it."""
    record = json.dumps({"pid": os.getpid(), "host": socket.gethostname()})
    os.ftruncate(file, 0)
    os.lseek(file, 0, os.SEEK_SET)
    os.write(file, f"\n{record}\n".encode())


def _read(file: int) -> Owner:
    """Who has written into a lock's file."""
    try:
        os.lseek(file, _RECORD, os.SEEK_SET)
        record = json.loads(os.read(file, _LONGEST_RECORD))
        return Owner(max(0, int(record["pid"])), str(record["host"]))
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return Owner(0, "")


def _has_ended(owner: Owner) -> bool:
    """Whether a process is known to be there no more: only of this host, and not of one without a record."""
    if sys.platform == "win32" or owner.pid <= 0 or owner.host != socket.gethostname():
        return False
    try:
        os.kill(owner.pid, 0)
    except (ProcessLookupError, OverflowError):
        return True
    except OSError:  # another user's
        return False
    return False
