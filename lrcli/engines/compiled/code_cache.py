"""A cache of machine code on the disk: a file is found as it was written, or not at all.

Code that somebody else could have written is never run, so only folders are used to which nobody but the
user can write; see `lrcli.engines.compiled.private_folder`.
"""

import hashlib
import os
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from lrcli.engines.compiled.private_folder import OWNERS_KNOWN, private_folder

__all__ = ["find", "folders", "keep"]

_FOLDER = "lrcli"
_DIGEST = hashlib.sha256().digest_size


def find(name: str) -> bytes | None:
    """The content that `keep` has written under a name; None where there is none."""
    for path in folders():
        with suppress(OSError), private_folder(path) as folder:
            data = folder.read(name)
            if data[:_DIGEST] == hashlib.sha256(data[_DIGEST:]).digest():  # else damaged, and would crash
                return data[_DIGEST:]
    return None


def keep(name: str, content: bytes) -> None:
    """Write content under a name, to the first folder that takes it; where none does, nothing is kept."""
    for path in folders():
        with suppress(OSError), private_folder(path, make=True) as folder:
            folder.write(name, hashlib.sha256(content).digest() + content)
            return


def folders() -> list[Path]:
    """Where to look, in this order: the user's caches; the temporary folder, where files have owners."""
    found = []
    with suppress(OSError, RuntimeError):  # no home
        found.append(_caches() / _FOLDER)
    if OWNERS_KNOWN:
        with suppress(OSError):  # no temporary folder
            found.append(Path(tempfile.gettempdir()) / f"{_FOLDER}-{os.geteuid()}")
    return found


def _caches() -> Path:
    """The folder for caches of the user, as the platform has it."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    named = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return named if named.is_absolute() else Path.home() / ".cache"  # as the standard has it
