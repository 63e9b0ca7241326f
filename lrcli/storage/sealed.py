"""Arrays in a file that tells when it has been damaged: .npz, and after its end a digest of all before it.

The digest is looked at before anything else, so what has been cut off, flipped or written over is found
before it is taken for numbers, or for the size of an array. `numpy.load` reads such a file, too.
"""

import hashlib
import io
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrcli.errors import RunDirectoryError
from lrcli.storage.array_file import arrays_in, put_arrays
from lrcli.storage.digests import HashingFile, KeptFile
from lrcli.storage.files import writing_whole

__all__ = ["Arrays", "read_sealed", "sealed_content", "write_sealed"]

Arrays = Mapping[str, NDArray[Any]]

_FORMAT = "format"  # a key beside those of the arrays
_VERSION = 1  # a reader knows every version up to its own
_DIGEST_BYTES = hashlib.sha256().digest_size


def write_sealed(path: Path, arrays: Arrays) -> None:
    """Write arrays as a file that appears whole.

    Raises:
        WriteError: it could not be written; an earlier file of that name is unharmed.
    """
    with writing_whole(path, lasting=True) as file:
        hashing = HashingFile(file)
        put_arrays(hashing, {_FORMAT: np.array(_VERSION), **arrays})
        file.write(bytes.fromhex(hashing.sha256))


def read_sealed(path: Path) -> dict[str, NDArray[Any]] | None:
    """The arrays of a file; None where there is none, or it has been damaged.

    Raises:
        RunDirectoryError: a newer lrcli has written it.
    """
    found = sealed_content(path)
    return None if found is None else found[1]


def sealed_content(
    path: Path, names: Collection[str] | None = None
) -> tuple[bytes, dict[str, NDArray[Any]]] | None:
    """The bytes of a file and its arrays, or some of these; None where there is none, or it has been damaged.

    Args:
        path: of the file.
        names: of the arrays; None: all.

    Raises:
        RunDirectoryError: a newer lrcli has written it.
    """
    try:
        content = KeptFile(path).content()
    except (OSError, RunDirectoryError):
        return None
    whole, digest = memoryview(content)[:-_DIGEST_BYTES], content[-_DIGEST_BYTES:]
    if hashlib.sha256(whole).digest() != digest:
        return None
    try:
        wanted = None if names is None else {_FORMAT, *names}
        arrays = arrays_in(io.BytesIO(whole), len(whole), wanted)
        version = int(arrays.pop(_FORMAT))
    except (KeyError, TypeError, ValueError, OverflowError):  # somebody else's
        return None
    if version > _VERSION:
        raise RunDirectoryError(
            f"{path}: is of format {version}, from a newer lrcli; this one knows {_VERSION}: update lrcli"
        )
    return content, arrays
