"""Where machine code is kept: files that are found again whole, or not at all.

What others could have written is never executed, so a folder must be one that the user alone can write to;
see `lrcli.engines.compiled.private_folder`.
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
    """What `keep` has kept under a name, in this process or an earlier one."""
    for path in folders():
        with suppress(OSError), private_folder(path) as folder:
            data = folder.read(name)
            if data[:_DIGEST] == hashlib.sha256(data[_DIGEST:]).digest():  # else damaged, and would crash
                return data[_DIGEST:]
    return None


def keep(name: str, content: bytes) -> None:
    """The first folder that takes the file is enough, none is no misfortune."""
    for path in folders():
        with suppress(OSError), private_folder(path, make=True) as folder:
            folder.write(name, hashlib.sha256(content).digest() + content)
            return


def folders() -> list[Path]:
    """The folder in the user's caches; then, where its owner can be told, one in the temporary folder."""
    found = []
    with suppress(OSError, RuntimeError):  # no home
        found.append(_caches() / _FOLDER)
    if OWNERS_KNOWN:
        with suppress(OSError):  # no temporary folder
            found.append(Path(tempfile.gettempdir()) / f"{_FOLDER}-{os.geteuid()}")
    return found


def _caches() -> Path:
    """The folder in which the platform has caches of the user."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    named = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return named if named.is_absolute() else Path.home() / ".cache"  # as the standard has it
