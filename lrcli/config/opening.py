"""Reading the bytes of a file that a user has named, whatever it turns out to be.

Only files and pipes hold text that ends. A pipe is what ``lrcli train <(command)`` hands over and what
``/dev/stdin`` may be; one that nobody writes to would be waited for without end, so it is refused.
"""

import difflib
import os
import stat
from pathlib import Path
from typing import IO

__all__ = ["UnreadableError", "read_bytes"]

_CHUNK = 1 << 16
_SUFFIXES = ("", ".yaml", ".yml")
_USUAL_LOCATION = "experiments"


class UnreadableError(Exception):
    """Why a file cannot be read, in words that follow its name."""


def read_bytes(path: Path, limit: int) -> bytes:
    """The content of a file or a pipe; what is longer than the limit is cut at one byte more.

    Raises:
        UnreadableError: it is not there, is neither, or the system does not let it be read.
    """
    try:
        with open(path, "rb", buffering=0, opener=_open_at_once) as file:
            return _read(file, limit)
    except FileNotFoundError:
        raise UnreadableError(f"there is no such file{_nearest(path)}") from None
    except OSError as error:
        is_directory = os.path.isdir(path)  # noqa: PTH112 - Path.is_dir raises where a name is too long
        reason = "is a directory, not an experiment file" if is_directory else error.strerror
        raise UnreadableError(reason or str(error)) from None
    except ValueError:  # a name that no file can have
        raise UnreadableError("there is no such file") from None


def _open_at_once(path: str, flags: int) -> int:
    """Open without waiting for whoever would write to a pipe."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _read(file: IO[bytes], limit: int) -> bytes:
    mode = os.fstat(file.fileno()).st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISFIFO(mode):
        raise UnreadableError("is a device, not an experiment file")
    content = b""
    while len(content) <= limit:
        part: bytes | None = file.read(min(_CHUNK, limit + 1 - len(content)))
        if part is None:  # a pipe whose writer has more to say
            os.set_blocking(file.fileno(), True)
        elif part:
            content += part
        elif content or stat.S_ISREG(mode):
            break
        else:
            raise UnreadableError("is a pipe that nobody writes to")
    return content


def _nearest(path: Path) -> str:
    """``"; did you mean X?"`` where there is a file that may have been meant."""
    locations = [path, path.parent / _USUAL_LOCATION / path.name]
    for candidate in (
        location.with_name(location.name + suffix) for location in locations for suffix in _SUFFIXES
    ):
        if path.name and os.path.isfile(candidate):  # noqa: PTH113 - as above
            return f"; did you mean {candidate}?"
    try:
        names = [entry.name for entry in path.parent.iterdir() if entry.suffix in _SUFFIXES[1:]]
    except OSError:
        return ""
    match = difflib.get_close_matches(path.name, names, n=1, cutoff=0.8)
    return f"; did you mean {path.with_name(match[0])}?" if match else ""
