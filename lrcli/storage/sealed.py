"""Arrays in a file that tells when it has been damaged: .npz, and after its end a digest of all before it.

The digest is looked at before anything else, so what has been cut off, flipped or written over is found
before it is taken for numbers, or for the size of an array. `numpy.load` reads such a file, too.
"""

import hashlib
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from lrcli.errors import RunDirectoryError
from lrcli.storage.array_file import arrays_in
from lrcli.storage.files import writing_whole

__all__ = ["Arrays", "read_sealed", "write_sealed"]

Arrays = Mapping[str, NDArray[Any]]

_FORMAT = "format"  # a key beside those of the arrays
_VERSION = 1  # a reader knows every version up to its own
_DIGEST_BYTES = hashlib.sha256().digest_size


def write_sealed(path: Path, arrays: Arrays) -> None:
    """Write arrays as a file that appears whole.

    Raises:
        WriteError: it could not be written; an earlier file of that name is unharmed.
    """
    with writing_whole(path) as file:
        hashing = _Hashing(file)
        with zipfile.ZipFile(hashing, "w") as archive:  # type: ignore[call-overload]
            for name, array in {_FORMAT: np.array(_VERSION), **arrays}.items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, np.asarray(array), allow_pickle=False)
        file.write(hashing.digest.digest())


def read_sealed(path: Path) -> dict[str, NDArray[Any]] | None:
    """The arrays of a file; None where there is none, or it has been damaged.

    Raises:
        RunDirectoryError: a newer lrcli has written it.
    """
    try:
        content = memoryview(path.read_bytes())
    except OSError:
        return None
    whole, digest = content[:-_DIGEST_BYTES], content[-_DIGEST_BYTES:]
    if hashlib.sha256(whole).digest() != digest:
        return None
    try:
        arrays = arrays_in(io.BytesIO(whole), len(whole))
        version = int(arrays.pop(_FORMAT))
    except (KeyError, ValueError, TypeError):  # somebody else has sealed it
        return None
    if version > _VERSION:
        raise RunDirectoryError(
            f"{path}: is of format {version}, from a newer lrcli; this one knows {_VERSION}: update lrcli"
        )
    return arrays


class _Hashing:
    """A file that can only be written to, from its beginning to its end.

    Attributes:
        digest: of what has been written.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self.digest = hashlib.sha256()
        self._file = file

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        return self._file.write(data)

    def flush(self) -> None:
        self._file.flush()
