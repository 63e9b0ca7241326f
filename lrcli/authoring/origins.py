"""Where the values of an experiment come from, for those that its own file does not say."""

from collections.abc import Iterator, Mapping
from typing import Any

from lrcli.config.document import Document, KeyPath

__all__ = ["origins"]


def origins(document: Document, resolved: Mapping[str, Any]) -> dict[KeyPath, str]:
    """What to say about each key of a resolved experiment.

    Args:
        document: what was written, and where.
        resolved: the whole experiment as plain data.

    Returns:
        From path to ``base.yaml:3``, ``override optimizer.lr=0.1`` or ``default``. A key that the file
        itself gives has no entry, nor has a key whose whole mapping has one.
    """
    return dict(_origins(document, resolved, ()))


def _origins(document: Document, mapping: Mapping[str, Any], path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    for key, value in mapping.items():
        here = (*path, key)
        written = _written(document, here)
        if written not in document.values:
            yield here, "default"
        elif isinstance(value, Mapping) and value:
            yield from _origins(document, value, here)
        else:
            said = dict.fromkeys(_said(document, written, value))
            if said:
                yield here, ", ".join(said)


def _written(document: Document, path: KeyPath) -> KeyPath:
    """Where a key stands in the file: the only grid of a sweep may be in a list there."""
    grid = ("sweep", "grid")
    in_list = path[:2] == grid and len(path) > 2 and isinstance(document.at(grid), list)
    return (*grid, 0, *path[2:]) if in_list else path


def _said(document: Document, path: KeyPath, value: Any) -> Iterator[str]:
    """What the locations of a value, and of the items of a list, say."""
    location = document.values.get(path)
    if location is not None and location.line == 0:
        yield f"override {location.text}"
    elif location is not None and location.origin != document.values[()].origin:
        yield f"{location.origin}:{location.line}"
    if isinstance(value, list):
        for index, item in enumerate(value):
            at = document.values.get((*path, index))
            if at is not None and at != location and at.line == 0:
                yield from _said(document, (*path, index), item)
