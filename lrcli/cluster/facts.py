"""What a process that trains says of itself, and how it is held against what the client says.

Both sides ask the same function; a worker whose lrcli is another one does not get so far, see
`lrcli.cluster.plugin`.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from lrcli.cluster.sent_code import SentFile
from lrcli.storage.provenance import environment

__all__ = ["Wanted", "data_reasons", "facts_here", "file_digest", "reasons_against"]

_LIBRARIES = ("torch", "numba", "llvmlite")


@dataclass(frozen=True)
class Wanted:
    """What a worker must have.

    Attributes:
        facts: of the client, as `facts_here` has them.
        equal: keys of those that must be the same; of versions, up to what names the build (``+cpu``).
        data: from each file of examples that must be there to the SHA-256 of its content.
        code: from the path of each Python file of the user's to it; a worker that lacks one is sent all.
    """

    facts: Mapping[str, Any]
    equal: tuple[str, ...] = ("lrcli",)
    data: Mapping[str, str] = field(default_factory=dict)
    code: Mapping[str, SentFile] = field(default_factory=dict)


def facts_here() -> dict[str, Any]:
    """Versions, machine, processor and packages of this process; None: a library that is not installed."""
    import lrcli.experiment.experiment  # noqa: F401 - so that what packages offer is known

    return environment() | {name: _version(name) for name in _LIBRARIES}


def _version(name: str) -> str | None:
    """Of a library, without importing it."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def reasons_against(wanted: Wanted, facts: Mapping[str, Any]) -> list[str]:
    """Why a process cannot train what the client would; none: it can.

    Args:
        wanted: by the client.
        facts: of the process.
    """
    reasons = []
    for key in wanted.equal:
        there, here = facts.get(key), wanted.facts.get(key)
        if there is None and here is not None:
            reasons.append(f"it has no {key}, and {_shown(here)} is needed")
        elif _release(there) != _release(here):
            reasons.append(f"{key} {_shown(there)} there, {_shown(here)} here")
    return reasons


def data_reasons(data: Mapping[str, str]) -> list[str]:
    """The files of examples that this process lacks, or has with another content."""
    reasons = []
    for path, digest in data.items():
        found = file_digest(path)
        if found is None:
            reasons.append(f"it has no {path}")
        elif found != digest:
            reasons.append(f"its {path} has another content")
    return reasons


def file_digest(path: str) -> str | None:
    """The SHA-256 of a file's content; None: it cannot be read."""
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError):
        return None


def _release(value: object) -> object:
    """A version without the name of the build."""
    return value.partition("+")[0] if isinstance(value, str) else value


def _shown(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "none"
    return "none" if value is None else str(value)
