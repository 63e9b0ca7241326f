"""A folder that only the user can write to, opened once and held.

    with private_folder(path, make=True) as folder:
        folder.write("name", data)
        folder.read("name")

Whoever can write to a folder above it can exchange what a path leads to between a check and its use: for a
link, or for another folder. So the folders of the path are opened one by one from the root, none through a
link, and each is checked after it was opened. Files are opened from the folder that was checked, and are
checked again.
"""

import contextlib
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

__all__ = ["OWNERS_KNOWN", "PrivateFolder", "private_folder"]

OWNERS_KNOWN = os.open in os.supports_dir_fd and hasattr(os, "geteuid") and hasattr(os, "O_NOFOLLOW")
"""Whether files have owners here, and can be opened from a folder that is open."""

_OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH
_STEP = getattr(os, "O_PATH", os.O_RDONLY) | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0)
_FILE = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)  # a pipe would wait for its other end


class PrivateFolder(Protocol):
    """A folder of files that nobody but the user can write; every method raises OSError."""

    def read(self, name: str) -> bytes:
        """The content of a file that nobody else could have written."""

    def write(self, name: str, data: bytes) -> None:
        """Write a file that appears whole or not at all, in place of what had the name."""


@contextlib.contextmanager
def private_folder(path: Path, *, make: bool = False) -> Iterator[PrivateFolder]:
    """Open a folder that nobody else can write to, or exchange for another.

    Args:
        path: where it is. Links above it are followed before the checks; it must not be a link itself.
        make: whether to make it, and the folders above it that are missing.

    Raises:
        OSError: it is not there, or others could write to it.
    """
    if not OWNERS_KNOWN:
        if make:
            path.mkdir(parents=True, exist_ok=True)
        yield _ByPath(path)
        return
    descriptor = _open_steps(Path(os.path.realpath(path.parent), path.name), make=make)
    try:
        yield _Opened(descriptor)
    finally:
        os.close(descriptor)


def _open_steps(path: Path, *, make: bool) -> int:
    """Open a folder from the root down; every step must be safe from others before the next is taken."""
    folder = os.open(path.anchor, _STEP)
    root = os.fstat(folder).st_uid  # not zero in a container whose users have other numbers inside
    try:
        for name in path.parts[1:]:
            _refuse(os.fstat(folder), {root, 0, os.geteuid()}, sticky=True)
            inner = _step(name, folder, make=make)
            os.close(folder)
            folder = inner
        _refuse(os.fstat(folder), {os.geteuid()})
    except BaseException:
        os.close(folder)
        raise
    return folder


def _step(name: str, folder: int, *, make: bool) -> int:
    try:
        return os.open(name, _STEP, dir_fd=folder)
    except FileNotFoundError:
        if not make:
            raise
    with contextlib.suppress(FileExistsError):  # by a process that makes the same
        os.mkdir(name, 0o700, dir_fd=folder)
    return os.open(name, _STEP, dir_fd=folder)


def _refuse(state: os.stat_result, owners: set[int], *, sticky: bool = False) -> None:
    """Raise PermissionError where others may change what is there.

    Args:
        state: of what was opened.
        owners: who may own it.
        sticky: others may write, if what they may exchange there is their own alone, as in /tmp.
    """
    shared = state.st_mode & _OTHERS_MAY_WRITE and not (sticky and state.st_mode & stat.S_ISVTX)
    if shared or state.st_uid not in owners:
        raise PermissionError("others could have written it")


class _Opened:
    """A folder by its descriptor."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def read(self, name: str) -> bytes:
        with open(name, "rb", opener=self._opener(_FILE)) as file:
            state = os.fstat(file.fileno())
            _refuse(state, {os.geteuid()})
            if not stat.S_ISREG(state.st_mode) or state.st_nlink != 1:  # else it has a name elsewhere, too
                raise PermissionError("not a file of this folder alone")
            return file.read()

    def write(self, name: str, data: bytes) -> None:
        aside = _aside(name)
        try:
            with open(aside, "xb", opener=self._opener(_FILE)) as file:
                file.write(data)
            os.replace(aside, name, src_dir_fd=self._descriptor, dst_dir_fd=self._descriptor)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(aside, dir_fd=self._descriptor)
            raise

    def _opener(self, flags: int) -> Callable[[str, int], int]:
        return lambda name, mode: os.open(name, mode | flags, 0o600, dir_fd=self._descriptor)


class _ByPath:
    """A folder by its path, where files have no owners."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, name: str) -> bytes:
        return (self._path / name).read_bytes()

    def write(self, name: str, data: bytes) -> None:
        aside = self._path / _aside(name)
        try:
            with aside.open("xb") as file:
                file.write(data)
            aside.replace(self._path / name)
        except BaseException:
            with contextlib.suppress(OSError):
                aside.unlink()
            raise


def _aside(name: str) -> str:
    """A name that nobody has foreseen."""
    return f".{name}.{secrets.token_hex(8)}"
