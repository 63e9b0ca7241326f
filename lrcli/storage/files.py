"""Writing files that a reader may open at any moment.

A file appears whole or not at all: it is written beside its place, flushed to the disk and renamed. A
file that grows does so by whole lines. What a later step relies on outlives a loss of power, too: results and
arrays have their directory flushed, which also keeps the names of what was written there before them.
"""

import contextlib
import errno
import hashlib
import json
import math
import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from lrcli.errors import UsageError, WriteError
from lrcli.storage.digests import HashingFile, seal
from lrcli.wording import one_line, shown_in_json

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lrcli.storage.array_file import StreamedArray

__all__ = [
    "LineFile",
    "flush_directory",
    "make_directory",
    "refuse_link",
    "remove_leftovers",
    "replace_nonfinite",
    "reporting_errors",
    "write_arrays",
    "write_json",
    "write_new",
    "write_result",
    "write_whole",
    "write_yaml",
    "writing_hashed",
    "writing_new",
    "writing_whole",
]


_NO_FLUSHING = {errno.EINVAL, errno.ENOTSUP, errno.EBADF}  # of file systems that cannot flush directories
_ASIDE = re.compile(r"\..+\.[0-9]+\.tmp")  # where a process writes a file before it is whole


@contextlib.contextmanager
def reporting_errors(path: Path) -> Iterator[None]:
    """Turn an operating system's error while writing a file into a `WriteError` that names it."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise WriteError(f"{path}: could not be written: {reason}") from error


def make_directory(path: Path) -> None:
    """Make a directory inside a run's; one that is there already is fine.

    Raises:
        WriteError: it could not be made, or is a link to files that are not the run's.
    """
    with reporting_errors(path):
        path.mkdir(exist_ok=True)
        flush_directory(path.parent)
    refuse_link(path)


def refuse_link(path: Path) -> None:
    """Refuse a link in a run's directory, which may lead to files that are not the run's.

    Raises:
        WriteError: there is one.
    """
    if path.is_symlink():
        raise WriteError(f"{path}: is a link, through which nothing is written; remove it and try again")


@contextlib.contextmanager
def writing_whole(path: Path, *, lasting: bool = False) -> Iterator[IO[bytes]]:
    """A file to write to, bit by bit, that appears whole, in place of an earlier one of that name.

    Args:
        path: of the file.
        lasting: that it has appeared outlives a loss of power from the end on.

    Raises:
        WriteError: it could not be written; an earlier file of that name is unharmed.
    """
    with reporting_errors(path), _writing_aside(path, Path.replace) as file:
        yield file
    if lasting:
        with reporting_errors(path):
            flush_directory(path.parent)


@contextlib.contextmanager
def _writing_aside(path: Path, put: Callable[[Path, Path], object]) -> Iterator[IO[bytes]]:
    """A file to write to beside its place, which is then put there."""
    aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        aside.unlink(missing_ok=True)  # of a process of the same number, long ago
        with aside.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        put(aside, path)
    finally:
        with contextlib.suppress(OSError):
            aside.unlink()


def flush_directory(path: Path) -> None:
    """Have the names in a directory outlive a loss of power, where the system can.

    Raises:
        OSError: the disk refuses.
    """
    if os.name == "nt":  # there it cannot be asked for
        return
    try:
        directory = os.open(path, os.O_RDONLY)
    except PermissionError:  # it can be written to and not be read
        return
    try:
        os.fsync(directory)
    except OSError as error:
        if error.errno not in _NO_FLUSHING:
            raise
    finally:
        os.close(directory)


def remove_leftovers(directory: Path) -> None:
    """Remove what killed processes were writing when they ended, from a directory and those in it.

    Nobody else may be at work there. Links are not followed; what cannot be removed stays.
    """
    for folder, _, names in os.walk(directory):
        for name in filter(_ASIDE.fullmatch, names):
            with contextlib.suppress(OSError):
                os.unlink(os.path.join(folder, name))  # noqa: PTH108, PTH118 - as it was found


@contextlib.contextmanager
def writing_hashed(path: Path, *, lasting: bool = False) -> Iterator[HashingFile]:
    """As `writing_whole`, with the digest of what has been written; it can only be written on and on."""
    with writing_whole(path, lasting=lasting) as file:
        yield HashingFile(file)


def write_whole(path: Path, data: bytes, *, lasting: bool = False) -> str:
    """Write a file that appears whole; see `writing_whole`.

    Returns:
        The SHA-256 of its content.
    """
    with writing_hashed(path, lasting=lasting) as file:
        file.write(data)
    return file.sha256


@contextlib.contextmanager
def writing_new(path: Path) -> Iterator[IO[bytes]]:
    """As `writing_whole`, of a file that must not be there yet; the directories above it are made.

    It appears whole, and of several processes only one writes it.

    Raises:
        UsageError: it is there.
        WriteError: it could not be written.
    """
    with reporting_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    taken = UsageError(f"{path}: is there already, and nothing is ever overwritten")
    if os.path.lexists(path):
        raise taken
    with reporting_errors(path):
        try:
            with _writing_aside(path, _put_new) as file:
                yield file
        except FileExistsError:
            raise taken from None


def write_new(path: Path, data: bytes) -> None:
    """Write a file that must not be there yet; see `writing_new`."""
    with writing_new(path) as file:
        file.write(data)


def _put_new(aside: Path, path: Path) -> None:
    """Give a file its name, which no other file may have.

    Raises:
        FileExistsError: one has it.
    """
    if os.name == "nt":
        aside.rename(path)
        return
    try:
        path.hardlink_to(aside)
    except FileExistsError:
        raise
    except OSError:  # a file system without links: here, and here alone, half a file may be seen
        with path.open("xb") as file:
            file.write(aside.read_bytes())


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write JSON, numbers that are not finite as null, to last; see `writing_whole`."""
    write_whole(path, f"{_json_text(value)}\n".encode(), lasting=True)


def write_result(path: Path, value: Mapping[str, Any]) -> None:
    """Write a result: JSON that ends with a digest of itself; see `write_json`."""
    write_whole(path, seal(_json_text(value)), lasting=True)


def _json_text(value: Mapping[str, Any]) -> str:
    text = json.dumps(replace_nonfinite(value), indent=2, ensure_ascii=False, allow_nan=False)
    return shown_in_json(text)


def write_yaml(path: Path, value: Mapping[str, Any], comment: str) -> str:
    """Write YAML below a line of comment; see `write_whole`."""
    from lrcli.config.dumping import yaml_text  # which YAML and NumPy come with

    return write_whole(path, f"# {comment}\n{yaml_text(value)}".encode())


def write_arrays(path: Path, arrays: "Mapping[str, NDArray[Any] | StreamedArray]") -> str:
    """Write named arrays as .npz, which `numpy.load` reads without executing code, to last.

    Returns:
        The SHA-256 of the file.
    """
    # With NumPy, which those do without who only read results.
    from lrcli.storage.array_file import put_arrays

    with writing_hashed(path, lasting=True) as file:
        put_arrays(file, arrays)
    return file.sha256


def replace_nonfinite(value: Any) -> Any:
    """The same data with None in place of NaN and infinity, which JSON cannot hold."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: replace_nonfinite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [replace_nonfinite(item) for item in value]
    return value


class LineFile:
    """A text file that grows by whole lines and is on disk after each; never what a link leads to."""

    def __init__(self, path: Path, size: int | None = None) -> None:
        """Open the file, at its end.

        Args:
            path: of the file.
            size: bytes of it that are kept, where it has more; None: all of them.

        Raises:
            WriteError: it could not be opened, or is a link to a file that is not the run's.
        """
        refuse_link(path)
        self._path = path
        with reporting_errors(path):
            # Unbuffered: a line is one write, so another process never sees half of one.
            self._file: IO[bytes] = path.open("ab", buffering=0)
            if size is not None and self.size > size:
                self._file.truncate(size)
                self._file.seek(size)
            self._hash = hashlib.sha256(path.read_bytes() if self.size else b"")

    @property
    def size(self) -> int:
        """Bytes that are in it."""
        return self._file.tell()

    @property
    def sha256(self) -> str:
        """Of all that is in the file."""
        return self._hash.hexdigest()

    def write(self, *lines: str) -> None:
        """Append lines.

        Raises:
            WriteError: they could not be written, none of them.
        """
        data = "".join(f"{one_line(line)}\n" for line in lines).encode()
        with reporting_errors(self._path):
            end = self._file.tell()
            written = 0
            try:
                while written < len(data):  # a disk that fills up takes a part, then refuses the rest
                    written += self._file.write(data[written:])
            except OSError:
                self._file.truncate(end)
                raise
        self._hash.update(data)

    def close(self) -> None:
        """Close the file; more than once is allowed."""
        with reporting_errors(self._path):
            self._file.close()
