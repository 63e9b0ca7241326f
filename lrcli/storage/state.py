"""The last state of a training on the disk, and the one before it.

A new one is written beside them and flushed, then takes the place of the last, which takes the place of the
one before: a crash at any moment, or damage to one of the files, leaves a good state.
"""

from dataclasses import dataclass
from pathlib import Path

from lrcli.storage.files import reporting_errors
from lrcli.storage.sealed import Arrays, read_sealed, write_sealed

__all__ = ["KeptState", "delete_states", "read_state", "write_state"]


@dataclass(frozen=True, eq=False)
class KeptState:
    """What is there to go on from.

    Attributes:
        arrays: of the newest good state; None where there is none.
        damaged: the files that should have held one and do not, newest first.
    """

    arrays: Arrays | None
    damaged: tuple[Path, ...]


def write_state(path: Path, arrays: Arrays) -> None:
    """Keep a state, and the one that was there as the one before it.

    Args:
        path: of the last state, such as ``checkpoint/state.npz``.
        arrays: of which it consists.

    Raises:
        WriteError: it could not be written; what was there is unharmed.
    """
    before, following = _others(path)
    write_sealed(following, arrays)
    with reporting_errors(path):
        if path.exists():
            path.replace(before)
        following.replace(path)


def read_state(path: Path) -> KeptState:
    """The newest good state.

    Raises:
        RunDirectoryError: a newer lrcli has written it.
    """
    damaged: list[Path] = []
    for candidate in (path, _others(path)[0]):
        arrays = read_sealed(candidate)
        if arrays is not None:
            return KeptState(arrays, tuple(damaged))
        if candidate.exists():
            damaged.append(candidate)
    return KeptState(None, tuple(damaged))


def delete_states(path: Path) -> None:
    """Delete what `write_state` has written.

    Raises:
        WriteError: one could not be deleted.
    """
    for file in (path, *_others(path)):
        with reporting_errors(file):
            file.unlink(missing_ok=True)


def _others(path: Path) -> tuple[Path, Path]:
    """Where the state before the last is, and where the next one is written."""
    return path.with_stem(f"{path.stem}-before"), path.with_stem(f"{path.stem}-next")
