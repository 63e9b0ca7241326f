"""What tells that a file has been damaged: a result holds the digests of the files beside it, and its own.

They are SHA-256 of bytes. A text whose line breaks alone were changed, as Git does on some systems, is whole.
"""

import contextlib
import hashlib
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TextIO

from lrcli.errors import RunDirectoryError

__all__ = ["HashingFile", "KeptFile", "digest_of", "is_sealed", "seal"]

_SEAL = re.compile(rb',\n  "sha256": "([0-9a-f]{64})"\n\}\n\Z')
_CHUNK = 2**20  # bytes that are looked at at a time
_SEAL_BYTES = len(',\n  "sha256": ""\n}\n') + 64


def digest_of(content: bytes) -> str:
    """The SHA-256 of some bytes, as text."""
    return hashlib.sha256(content).hexdigest()


def seal(text: str) -> bytes:
    """A JSON object with one more key, ``sha256``, the digest of all that stands before it.

    Args:
        text: of an object with some keys, indented by 2.
    """
    body = text.removesuffix("\n}").encode()
    return body + f',\n  "sha256": "{digest_of(body)}"\n}}\n'.encode()


def is_sealed(content: bytes) -> bool:
    """Whether what `seal` has made is as it was."""
    content = content.replace(b"\r\n", b"\n")
    found = _SEAL.search(content, max(0, len(content) - _SEAL_BYTES))
    return found is not None and digest_of(content[: found.start()]).encode() == found[1]


def _digest_of_lines(file: IO[bytes]) -> str:
    """The SHA-256 of a text file as it is where a line break is one byte."""
    digest, left = hashlib.sha256(), b""
    while chunk := file.read(_CHUNK):
        text = left + chunk
        left = b"\r" if text.endswith(b"\r") else b""  # half of a line break, perhaps
        digest.update(text.removesuffix(left).replace(b"\r\n", b"\n"))
    digest.update(left)
    return digest.hexdigest()


class HashingFile:
    """A file that is written from its beginning to its end.

    Attributes:
        size: bytes that have been written.
        sha256: of them.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self.size = 0
        self._file = file
        self._hash = hashlib.sha256()

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def write(self, data: bytes) -> int:
        """Append some bytes; returns how many."""
        self._hash.update(data)
        self.size += len(data)
        return self._file.write(data)

    def flush(self) -> None:
        """Hand on what has been written."""
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


@dataclass(frozen=True)
class KeptFile:
    """A file of a run or a sweep, with what the result says of it.

    Attributes:
        path: of the file.
        sha256: of its content as it was written; None where the result does not say.
        cure: what to do where it is damaged.
    """

    path: Path
    sha256: str | None = None
    cure: str = "train again"

    def content(self) -> bytes:
        """All of it.

        Raises:
            RunDirectoryError: it has been damaged or changed.
            OSError: it cannot be read.
        """
        self._refuse_what_is_no_file()
        content = self.path.read_bytes()
        if self.sha256 not in {None, digest_of(content), digest_of(content.replace(b"\r\n", b"\n"))}:
            raise self.damaged()
        return content

    @contextlib.contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """Open it at its beginning, once all of it has been looked at.

        Raises:
            RunDirectoryError: it has been damaged or changed.
            OSError: it cannot be read.
        """
        self._refuse_what_is_no_file()
        with self.path.open("rb") as file:
            if self.sha256 is not None and hashlib.file_digest(file, "sha256").hexdigest() != self.sha256:
                raise self.damaged()
            file.seek(0)
            yield file

    @contextlib.contextmanager
    def open_text(self) -> Iterator[TextIO]:
        """Open it at its beginning as text, once all of it has been looked at.

        Raises:
            RunDirectoryError: it has been damaged or changed, but for its line breaks.
            OSError: it cannot be read.
        """
        self._refuse_what_is_no_file()
        with self.path.open("rb") as file:
            if self.sha256 is not None and hashlib.file_digest(file, "sha256").hexdigest() != self.sha256:
                file.seek(0)
                if _digest_of_lines(file) != self.sha256:
                    raise self.damaged()
            file.seek(0)
            yield io.TextIOWrapper(file, "utf-8", newline="")

    def _refuse_what_is_no_file(self) -> None:
        """A pipe, which somebody may have put there, would never end."""
        if self.path.exists() and not self.path.is_file():
            raise self.damaged()

    def whole(self) -> bool:
        """Whether it is there, and as it was written where that is known."""
        with contextlib.suppress(OSError, RunDirectoryError), self.open():
            return True
        with contextlib.suppress(OSError, RunDirectoryError):
            self.content()
            return True
        return False

    def unreadable(self, error: OSError) -> RunDirectoryError:
        """The error to raise where the system does not give it."""
        reason = error.strerror or error
        if self.sha256 is None:
            return RunDirectoryError(
                f"{self.path}: cannot be read: {reason}; name a file of a run or a sweep"
            )
        return RunDirectoryError(f"{self.path}: cannot be read: {reason}; put it back, or {self.cure}")

    def damaged(self) -> RunDirectoryError:
        """The error to raise where it is not as it was."""
        if self.sha256 is None:
            return RunDirectoryError(f"{self.path}: has been damaged; {self.cure}")
        return RunDirectoryError(
            f"{self.path}: has been damaged or changed since it was written; put it back, or {self.cure}"
        )
