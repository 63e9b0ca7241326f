"""Arrays out of .npz files that anybody may have written: no code is executed, and no array beats its file.

lrcli and `numpy.savez` keep arrays as they are, uncompressed. So what a file says of the size of an array
is held against the file's own before memory is taken for it.
"""

import math
import zipfile
from collections.abc import Callable, Mapping, Sequence
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from lrcli.storage.digests import HashingFile

__all__ = ["arrays_in", "put_arrays"]

_READ_HEADER: dict[tuple[int, int], Callable[[Any], tuple[tuple[int, ...], bool, np.dtype[Any]]]] = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def put_arrays(file: IO[bytes] | HashingFile, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays to a file, of any name; among those of `numpy.savez` are names of its own."""
    with zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asarray(array), allow_pickle=False)


def arrays_in(file: IO[bytes], size: int) -> dict[str, NDArray[Any]]:
    """All arrays of a file that is open at its beginning, by their names.

    Args:
        file: it.
        size: bytes of it.

    Raises:
        ValueError: it is no such file, or has been damaged, or says that it holds more than it does.
        OSError: it cannot be read.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            _check(members, size)
            return {each.filename.removesuffix(".npy"): _array(archive, each) for each in members}
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
        size = dtype.itemsize * math.prod(shape)
        if dtype.hasobject or not dtype.itemsize or size != member.file_size - stream.tell():
            raise ValueError("an array is not as large as its header says")
    with archive.open(member) as stream:
        return np.asarray(np.lib.format.read_array(stream, allow_pickle=False))
