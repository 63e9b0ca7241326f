"""IDX, the format of the MNIST files: a block of numbers behind a header that says their type and sizes.

    bytes 0, 1   zero
    byte 2       the type of the numbers: one of `_TYPES`
    byte 3       how many sizes follow
    then         the sizes, four bytes each
    then         the numbers, the last index moving fastest

All are big-endian. A file may be packed with gzip, whatever it is called.

Source: LeCun, Cortes and Burges, The MNIST database of handwritten digits.
"""

import difflib
import gzip
import hashlib
import io
import math
import os
import stat
import zlib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lrcli.errors import UsageError

__all__ = ["Numbers", "digest_of", "forget_changed", "read_idx"]

Numbers = NDArray[Any]

_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_PACKED = b"\x1f\x8b"  # begins every gzip file
_SUFFIX = ".gz"
_STRONGEST = 1032  # times smaller: no gzip file is packed more tightly
_MOST = 2**34  # bytes of numbers; memory ends before
_CHUNK = 2**20  # bytes that are read at a time
_KEPT_FILES = 8
_TAKEN_FOR_IT = {  # what a download may be instead, by how it begins
    b"<": "a web page",
    b"PK": "a ZIP archive, to be unpacked",
    b"\x89PNG": "a picture",
    b"\x93NUMPY": "a NumPy file",
    b"version https://git-lfs": "a pointer to a file that Git LFS has yet to fetch",
}
_BELONGS = {
    "train-images-idx3-ubyte": "the 60,000 training images of MNIST",
    "train-labels-idx1-ubyte": "the labels of MNIST's training images",
    "t10k-images-idx3-ubyte": "the 10,000 test images of MNIST",
    "t10k-labels-idx1-ubyte": "the labels of MNIST's test images",
}


class _Kept(NamedTuple):
    """What was read of a file.

    Attributes:
        stamp: told it from a later file of its name: size, and time of the last change.
        numbers: as the file holds them, not to be written to.
    """

    stamp: tuple[int, int]
    numbers: Numbers


_kept: dict[str, _Kept] = {}  # by the path as named; the one that was read last comes last
_digests: dict[tuple[str, tuple[int, int]], str] = {}  # by the file and its stamp


def read_idx(path: str) -> Numbers:
    """The numbers of a file, in its own type and sizes.

    They are kept as they were read: a run that is under way does not mind what becomes of its files.

    Args:
        path: of the file; it may have ``.gz`` more, or less, than is said here.

    Raises:
        UsageError: it is not there, or damaged; the message begins with what is wrong, then names the file.
    """
    if path not in _kept:
        found = _find(path)
        stamp = _stamp(found)
        _kept[path] = _Kept(stamp, _read(found, stamp[0]))
        for old in list(_kept)[:-_KEPT_FILES]:
            del _kept[old]
    return _kept[path].numbers


def forget_changed(path: str) -> None:
    """Have a file read anew where it is no longer what was read of it.

    Args:
        path: as `read_idx` takes it.
    """
    try:
        if path in _kept and _stamp(_find(path)) != _kept[path].stamp:
            del _kept[path]
    except UsageError:
        del _kept[path]


def digest_of(path: str) -> tuple[str, str] | None:
    """The file that was read for a path, and the SHA-256 of its content.

    Args:
        path: as `read_idx` takes it.

    Returns:
        None where the file is no longer what was read.
    """
    read_idx(path)
    try:
        found = _find(path)
        key = found, _stamp(found)
        if key[1] != _kept[path].stamp:
            return None
        if key not in _digests:
            with Path(found).open("rb") as file:
                _digests[key] = hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, UsageError):
        return None
    return found, _digests[key]


def _find(path: str) -> str:
    """The file of this name, or with ``.gz``, or without.

    Raises:
        UsageError: there is none; the message says where it belongs.
    """
    other = path.removesuffix(_SUFFIX) if path.endswith(_SUFFIX) else path + _SUFFIX
    for candidate in (path, other):
        if os.path.exists(candidate):  # noqa: PTH110 - Path.exists raises where a name is too long
            return candidate
    what = _BELONGS.get(Path(path).name.removesuffix(_SUFFIX), "")
    belongs = f": {what} belong there, packed (.gz) or not" if what else f", nor {Path(other).name} beside it"
    raise UsageError(f"there is no file {path}{belongs}{_nearest(path)}")


def _nearest(path: str) -> str:
    """``"; did you mean X?"`` where a file of a similar name is there."""
    name = Path(path).name
    try:
        names = [entry.name for entry in Path(path).parent.iterdir()]
    except (OSError, ValueError):
        return ""
    match = difflib.get_close_matches(name, names, n=1, cutoff=0.85)
    return f"; did you mean {match[0]}, which is there?" if match else ""


def _stamp(path: str) -> tuple[int, int]:
    try:
        status = Path(path).stat()
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot be read ({_why(error)}): {path}") from None
    if not stat.S_ISREG(status.st_mode):
        raise UsageError(f"is {'a directory' if stat.S_ISDIR(status.st_mode) else 'no plain file'}: {path}")
    return status.st_size, status.st_mtime_ns


def _why(error: Exception) -> str:
    return (isinstance(error, OSError) and error.strerror) or str(error)


def _read(path: str, size: int) -> Numbers:
    """Read a file of so many bytes.

    Raises:
        UsageError: it cannot be read, or is damaged.
    """
    try:
        with Path(path).open("rb") as file:
            if file.peek(2)[:2] != _PACKED:
                return _unpacked(file, path, size)
            with gzip.GzipFile(fileobj=file) as unpacked:
                return _unpacked(unpacked, path, size * _STRONGEST)
    except EOFError:
        raise UsageError(
            f"ends in the middle of its gzip data, so it is not the whole file: {path}"
        ) from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise UsageError(f"its gzip data are damaged ({error}): {path}") from None
    except OSError as error:
        raise UsageError(f"cannot be read ({_why(error)}): {path}") from None
    except MemoryError:
        raise UsageError(f"does not fit in memory: {path}") from None


def _unpacked(file: io.BufferedIOBase, path: str, most: int) -> Numbers:
    """The numbers of a stream that has at most so many bytes."""
    dtype, sizes = _header(file, path)
    count = math.prod(sizes)
    told = f"{' x '.join(f'{size:,}' for size in sizes)} numbers"
    if count * dtype.itemsize > min(most, _MOST):
        raise UsageError(f"is too short for what its header says, {told}: {path}")
    content = bytearray(count * dtype.itemsize)
    filled = _fill(file, memoryview(content))
    if filled < len(content):
        raise UsageError(f"holds {filled // dtype.itemsize:,} numbers, and its header says {told}: {path}")
    if file.read(1):  # which has gzip compare its checksum, too
        raise UsageError(f"goes on after what its header says, {told}: {path}")
    numbers = np.frombuffer(content, dtype).reshape(sizes)
    numbers.flags.writeable = False
    return numbers


def _header(file: io.BufferedIOBase, path: str) -> tuple[np.dtype[Any], tuple[int, ...]]:
    """The type and the sizes of the numbers that follow."""
    start = file.read(4)
    if len(start) < 4 or start[:2] != b"\0\0" or start[2] not in _TYPES or start[3] == 0:
        begins = start + file.read(28)
        guess = next((what for mark, what in _TAKEN_FOR_IT.items() if begins.startswith(mark)), "")
        what = "is empty" if not start else "is not in the IDX format" + (guess and f": it is {guess}")
        raise UsageError(f"{what}: {path}")
    sizes = file.read(4 * start[3])
    if len(sizes) < 4 * start[3]:
        raise UsageError(f"ends within its header: {path}")
    return np.dtype(_TYPES[start[2]]), tuple(np.frombuffer(sizes, ">u4").tolist())


def _fill(file: io.BufferedIOBase, content: memoryview) -> int:
    """Read until a block of memory is full or the stream ends; tells how many bytes there were."""
    filled = 0
    while count := file.readinto(content[filled : filled + _CHUNK]):
        filled += count
    return filled
