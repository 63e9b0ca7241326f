"""Python files of the user's on their way to workers: what they hold, and where they lie to one another."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path, PurePath

from lrcli.errors import ClusterError, CodeError

__all__ = ["SentFile", "code_to_send"]

_NO_NAMES = {"", ".", ".."}


@dataclass(frozen=True)
class SentFile:
    """A file.

    Attributes:
        place: the names of folders, and its own, below a folder that all files have in common.
        content: of it.
        sha256: of that.
    """

    place: tuple[str, ...]
    content: bytes
    sha256: str

    def checked(self) -> bytes:
        """The content.

        Raises:
            ClusterError: it is not what its digest says.
        """
        if hashlib.sha256(self.content).hexdigest() != self.sha256:
            raise ClusterError(f"{'/'.join(self.place)} came with another content than it was sent with")
        return self.content

    def checked_place(self) -> tuple[str, ...]:
        """The place.

        Raises:
            ClusterError: it leads out of the folder, on some system at least.
        """
        if not self.place or any(name in _NO_NAMES or set(name) & set("/\\:\0") for name in self.place):
            raise ClusterError(f"{'/'.join(self.place)} is no place below a folder")
        return self.place


def code_to_send(digests: Mapping[str, str]) -> dict[str, SentFile]:
    """The files of code, read.

    Args:
        digests: from the absolute path of each to the SHA-256 of its content, as
            `lrcli.experiment.user_code.code_digests` has them.

    Raises:
        CodeError: one has changed since it was run, or cannot be read.
    """
    places = _places([Path(path) for path in digests])
    found = {}
    for (path, digest), place in zip(digests.items(), places, strict=True):
        try:
            content = Path(path).read_bytes()
        except OSError as error:
            raise CodeError(f"{path}: could not be read: {error.strerror}") from None
        if hashlib.sha256(content).hexdigest() != digest:
            raise CodeError(f"{path}: has changed since it was run; start again")
        found[path] = SentFile(place, content, digest)
    return found


def _places(paths: Iterable[PurePath]) -> list[tuple[str, ...]]:
    """Where files lie below what they have in common; on several drives, each below the drive's own name."""
    whole = [(path.drive, path.relative_to(path.anchor).parts) for path in paths]
    drives = sorted({drive for drive, _ in whole})
    if len(drives) > 1:
        return [(f"drive{drives.index(drive)}", *parts) for drive, parts in whole]
    levels = zip(*(parts[:-1] for _, parts in whole), strict=False)
    common = len([*takewhile(lambda names: len(set(names)) == 1, levels)])
    return [parts[common:] for _, parts in whole]
