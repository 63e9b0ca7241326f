"""How far event files had been written when a state was taken, and cutting them back to there.

A run that goes on writes a new event file: TensorBoard reads all that lie in a directory, in the order of
their names, and takes up a new one while it watches; one that it has read must not become shorter and grow
again. So that no step is there twice, the old ones are cut back first.
"""

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from lrcli.storage.directories import EVENT_FILE
from lrcli.storage.files import reporting_errors

__all__ = ["Prefix", "cut_back", "prefixes_from", "text_of"]


@dataclass(frozen=True)
class Prefix:
    """The beginning of a file.

    Attributes:
        name: of the file, in its directory.
        size: in bytes.
        sha256: of these bytes.
    """

    name: str
    size: int
    sha256: str


def text_of(prefixes: Sequence[Prefix]) -> str:
    """As a state keeps them."""
    return json.dumps([asdict(each) for each in prefixes])


def prefixes_from(text: str) -> list[Prefix]:
    """From what `text_of` gave.

    Raises:
        ValueError: it is something else.
    """
    try:
        found = [
            Prefix(str(each["name"]), int(each["size"]), str(each["sha256"])) for each in json.loads(text)
        ]
    except (TypeError, KeyError) as error:
        raise ValueError(f"no list of files: {error}") from None
    if any(Path(each.name).name != each.name or each.size < 0 for each in found):
        raise ValueError("files of another directory")
    return found


def cut_back(directory: Path, prefixes: Sequence[Prefix]) -> bool:
    """Leave these beginnings of the event files in a directory, and nothing else of any.

    Where one of them is not there as it was, nothing is left: what it held has to be written anew.

    Args:
        directory: of a run.
        prefixes: what had been written.

    Returns:
        Whether they are there.

    Raises:
        WriteError: a file could not be deleted or cut.
    """
    whole = all(_has(directory / each.name, each) for each in prefixes)
    sizes = {each.name: each.size for each in prefixes} if whole else {}
    for path in directory.glob(f"{EVENT_FILE}*"):
        with reporting_errors(path):
            if path.is_symlink() or path.name not in sizes:
                _delete(path)
            elif path.stat().st_size > sizes[path.name]:
                with path.open("r+b") as file:
                    file.truncate(sizes[path.name])
    return whole


def _delete(path: Path) -> None:
    """Delete an event file; one that cannot go, as on Windows while TensorBoard reads it, is made empty."""
    try:
        path.unlink()
    except PermissionError:
        if path.is_symlink():
            raise
        os.truncate(path, 0)


def _has(path: Path, prefix: Prefix) -> bool:
    """Whether a file begins so."""
    if path.is_symlink() or not path.is_file():
        return False
    with reporting_errors(path), path.open("rb") as file:
        return hashlib.sha256(file.read(prefix.size)).hexdigest() == prefix.sha256
