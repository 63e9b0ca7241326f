"""Paths in an experiment file: relative to the file that says them, absolute from here on.

A path in an override is relative to the current directory, as any word of the command line; one in a sweep's
grid is relative to the experiment file. A file of Python code is named by a file alone: nothing that comes
from a command line or a grid can have code run.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, get_args

from pydantic import Field
from pydantic.fields import FieldInfo

from lrcli.config.base import Config
from lrcli.config.document import Document, KeyPath
from lrcli.config.keys import dotted_keys
from lrcli.config.validation import Mistake

__all__ = ["CodePath", "DataPath", "anchor"]


@dataclass(frozen=True)
class _NamesFile:
    """Marks a key that holds a path.

    Attributes:
        code: of a file of Python code, not of data.
    """

    code: bool


DataPath = Annotated[str, Field(min_length=1), _NamesFile(code=False)]
CodePath = Annotated[str, Field(min_length=1), _NamesFile(code=True)]


def anchor(document: Document, config: type[Config], base: Path | None = None) -> list[Mistake]:
    """Make every path of a document absolute, in place.

    Args:
        document: an experiment, overrides applied.
        config: what it must be.
        base: the folder that a path is relative to where no file says it; None: the current directory.

    Returns:
        The paths of code that no file says.
    """
    mistakes = []
    for path, marker in _paths(document, config):
        location = document.location(path)
        if marker.code and not location.line:
            mistakes.append(
                Mistake(path, "code is run only from a path that the experiment file says itself")
            )
        folder = Path(location.origin).parent if location.line else base or Path()
        value = Path(document.at(path)).expanduser()
        document.at(path[:-1])[path[-1]] = os.path.abspath(folder / value)  # noqa: PTH100 - links stay as they are named
    return mistakes


def _paths(document: Document, config: type[Config]) -> Iterator[tuple[KeyPath, _NamesFile]]:
    """The keys that hold a path, and what kind of file it is of."""
    for key, field in dotted_keys(config, document.data).items():
        marker = _marker(field)
        if marker is None:
            continue
        path: KeyPath = tuple(key.split("."))
        try:
            value = document.at(path)
        except (KeyError, TypeError):
            continue
        if isinstance(value, str) and value and "\0" not in value:
            yield path, marker


def _marker(field: FieldInfo) -> _NamesFile | None:
    return next((m for m in [*field.metadata, *_inside(field.annotation)] if isinstance(m, _NamesFile)), None)


def _inside(annotation: Any) -> Iterator[Any]:
    """Everything that an annotation is made of, such as ``Annotated[str, marker] | None``."""
    for part in get_args(annotation):
        yield part
        yield from _inside(part)
