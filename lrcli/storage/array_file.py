"""Arrays out of .npz files that anybody may have written: no code is executed, and no array beats its file.

lrcli and `numpy.savez` keep arrays as they are, uncompressed. So what a file says of the size of an array
is held against the file's own before memory is taken for it.
"""

import math
import os
import struct
import zipfile
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
from numpy.typing import NDArray

from lrcli.storage.digests import HashingFile

__all__ = ["StoredArray", "StreamedArray", "arrays_in", "put_arrays", "stored_arrays"]

_READ_HEADER: dict[tuple[int, int], Callable[[Any], tuple[tuple[int, ...], bool, np.dtype[Any]]]] = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


_LOCAL_HEADER = struct.Struct("<26xHH")  # of a member of a zip file: the lengths of its name and its extras


@dataclass(frozen=True, eq=False)
class StreamedArray:
    """An array that is to be written and is never in memory as a whole.

    Attributes:
        shape: of it.
        dtype: of its numbers.
        pieces: its rows, some at a time, from the first to the last.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    pieces: Iterable[NDArray[Any]]


@dataclass(frozen=True, eq=False)
class StoredArray:
    """An array of a file, whose rows are read when they are asked for.

    Attributes:
        path: of the file.
        offset: where in it the numbers begin.
        shape: of the array.
        dtype: of its numbers.
        fortran: whether the first axis changes fastest.
    """

    path: Path
    offset: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran: bool

    @property
    def mapped(self) -> NDArray[Any]:
        """All of it, of which only what is looked at is read; the file is open as long as this is there."""
        if 0 in self.shape:
            return np.empty(self.shape, self.dtype)
        order: Literal["F", "C"] = "F" if self.fortran else "C"
        return np.memmap(self.path, self.dtype, "r", self.offset, self.shape, order).view(np.ndarray)

    def __getitem__(self, rows: slice) -> NDArray[Any]:
        return np.array(self.mapped[rows])


def put_arrays(file: IO[bytes] | HashingFile, arrays: Mapping[str, NDArray[Any] | StreamedArray]) -> None:
    """Write arrays to a file, of any name; among those of `numpy.savez` are names of its own."""
    with zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                if isinstance(array, StreamedArray):
                    _write_pieces(member, array)
                else:
                    np.lib.format.write_array(member, np.asarray(array), allow_pickle=False)


def _write_pieces(file: IO[bytes], array: StreamedArray) -> None:
    """Write what `write_array` would.

    Raises:
        ValueError: the pieces are not the array.
    """
    descr = np.lib.format.dtype_to_descr(array.dtype)
    np.lib.format.write_array_header_1_0(file, {"descr": descr, "fortran_order": False, "shape": array.shape})
    rows = 0
    for piece in array.pieces:
        if piece.shape[1:] != array.shape[1:] or piece.dtype != array.dtype:
            raise ValueError("a piece is of another array")
        rows += len(piece)
        file.write(np.ascontiguousarray(piece).data.cast("B") if piece.size else b"")
    if rows != array.shape[0]:
        raise ValueError(f"the pieces have {rows} rows of {array.shape[0]}")


def stored_arrays(path: Path, file: IO[bytes]) -> dict[str, StoredArray]:
    """Where the arrays of a file lie.

    Args:
        path: of the file.
        file: it, open at its beginning.

    Raises:
        ValueError: it is no such file, or has been damaged, or says that it holds more than it does.
        OSError: it cannot be read.
    """
    size = file.seek(0, os.SEEK_END)
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            _check(members, size)
            return {each.filename.removesuffix(".npy"): _stored(path, file, each, size) for each in members}
    except OSError:
        raise
    except Exception as error:  # as in `arrays_in`
        raise ValueError(str(error)) from None


def _stored(path: Path, file: IO[bytes], member: zipfile.ZipInfo, size: int) -> StoredArray:
    """Where one lies, once its header has been found to be true."""
    file.seek(member.header_offset)
    name, extras = _LOCAL_HEADER.unpack(file.read(_LOCAL_HEADER.size))
    begin = file.seek(member.header_offset + _LOCAL_HEADER.size + name + extras)
    shape, fortran, dtype = _READ_HEADER[np.lib.format.read_magic(file)](file)
    header = file.tell() - begin
    _refuse_other_size(shape, dtype, member.file_size - header)
    if file.tell() + member.file_size - header > size:
        raise ValueError("an array is larger than the file")
    return StoredArray(path, file.tell(), shape, dtype, fortran)


def _refuse_other_size(shape: tuple[int, ...], dtype: np.dtype[Any], size: int) -> None:
    if dtype.hasobject or not dtype.itemsize or dtype.itemsize * math.prod(shape) != size:
        raise ValueError("an array is not as large as its header says")


def arrays_in(file: IO[bytes], size: int, names: Container[str] | None = None) -> dict[str, NDArray[Any]]:
    """The arrays of a file that is open at its beginning, by their names.

    Args:
        file: it.
        size: bytes of it.
        names: of those that are read; None: all.

    Raises:
        ValueError: it is no such file, or has been damaged, or says that it holds more than it does.
        OSError: it cannot be read.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            _check(members, size)
            by_name = {each.filename.removesuffix(".npy"): each for each in members}
            wanted = (name for name in by_name if names is None or name in names)
            return {name: _array(archive, by_name[name]) for name in wanted}
    except OSError:
        raise
    except Exception as error:  # what a reader of zip files or headers makes of bytes that are no such thing
        raise ValueError(str(error)) from None


def _check(members: Sequence[zipfile.ZipInfo], size: int) -> None:
    """Refuse members that a file of this many bytes cannot have, or that have one name."""
    stored = all(each.compress_type == zipfile.ZIP_STORED for each in members)
    if not stored or sum(each.file_size for each in members) > size:
        raise ValueError("an array is compressed, or larger than the file")
    if len({each.filename for each in members}) < len(members):
        raise ValueError("two arrays have one name")


def _array(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> NDArray[Any]:
    """One array, once its header has been found to be true."""
    with archive.open(member) as stream:
        shape, _, dtype = _READ_HEADER[np.lib.format.read_magic(stream)](stream)
        _refuse_other_size(shape, dtype, member.file_size - stream.tell())
    with archive.open(member) as stream:
        return np.asarray(np.lib.format.read_array(stream, allow_pickle=False))
