"""Overrides: ``KEY=VALUE`` on the command line changes one value of the file.

The key is dotted, the value is YAML read by the file's own loader, and one word is one pair: a comma
never separates two. A mistake in an override is shown as the override, not as a line of the file.
"""

import json
from collections.abc import Mapping
from typing import Any

from lrcli.config.document import EXTENDS, Document, KeyPath, SourceLocation
from lrcli.config.hints import shell_hint
from lrcli.config.inheritance import no_longer
from lrcli.config.source import parse
from lrcli.errors import ExperimentError, UsageError

__all__ = ["override", "put", "words_of"]


def override(document: Document, word: str) -> list[str]:
    """Change one value of a document, in place.

    A changed ``kind`` replaces its whole mapping: the keys of one kind mean nothing to another.

    Args:
        document: the experiment.
        word: ``optimizer.lr=1e-2``, say. Intermediate mappings are made where they are missing; a
            number selects an item of a list.

    Returns:
        What the user should know beyond the change itself, a sentence each.

    Raises:
        UsageError: the word is no ``KEY=VALUE``.
        ExperimentError: the value is not valid YAML, or the key leads through something that is no
            mapping.
    """
    name, equals, text = word.partition("=")
    if not equals or not all(name.split(".")):
        raise UsageError(f"{word}: is no override; write KEY=VALUE, such as optimizer.lr=0.01")
    if name.split(".")[0] == EXTENDS:
        raise UsageError(f"{word}: {EXTENDS} is said in a file; an override changes what came of it")
    value = _parse_value(word, name, text)
    parent, path = _find_parent(document, word, name.split("."))
    notes = []
    key = path[-1]
    if key == "kind" and isinstance(parent, dict) and parent.get("kind", value.data) != value.data:
        dropped = [other for other in parent if other != "kind"]
        if dropped:
            block = ".".join(map(str, path[:-1]))
            notes.append(f"{word} replaces the whole {block}; {no_longer(dropped)}")
        document.forget(path[:-1], parent)
        parent.clear()
    if path in document.values:
        document.forget(path, document.at(path))
    parent[key] = value.data
    _graft(document, path, value, _at(word, 1))
    return notes


def words_of(chosen: Mapping[str, Any]) -> list[str]:
    """Values as the overrides that set them, those first that would replace what others set.

    Args:
        chosen: from dotted key to plain data.
    """
    kinds_first = sorted(chosen, key=lambda name: (not name.endswith("kind"), name.count(".")))
    return [f"{name}={json.dumps(chosen[name], ensure_ascii=False)}" for name in kinds_first]


def put(document: Document, path: KeyPath, word: str, data: Any) -> None:
    """Put data at a path, in place; what it replaces is forgotten.

    Args:
        document: the experiment.
        path: the key; mappings above it are made where they are missing.
        word: of the command line, to which mistakes in it point.
        data: plain data.
    """
    parent = document.data
    for part in path[:-1]:
        if parent.get(part) is None:
            parent[part] = {}
        parent = parent[part]
        if not isinstance(parent, dict):
            return  # and whoever checks the document says so
    if path in document.values:
        document.forget(path, document.at(path))
    document.keys.pop(path, None)
    document.values.pop(path, None)
    parent[path[-1]] = data
    _graft(document, path, Document(data), _at(word, 1))


def _parse_value(word: str, name: str, text: str) -> Document:
    """The value's document, with locations that point into the word."""
    offset = len(name) + 1
    try:
        value = parse(text, "value")
    except ExperimentError as error:
        location = _at(word, offset + 1)
        # Each begins "value:1:7: " or "value: ", and its column counts from the value.
        reasons = [mistake.splitlines()[0].partition(": ")[2] for mistake in error.mistakes]
        cut = shell_hint(name, text)
        raise ExperimentError(
            [location.show(f"{name}: {reason}") for reason in ([cut] if cut else reasons)]
        ) from None
    keys, values = (
        {path: _at(word, location.column + offset) for path, location in locations.items()}
        for locations in (value.keys, value.values)
    )
    return Document(value.data, keys, values)


def _at(word: str, column: int) -> SourceLocation:
    """A position in an override, columns counted from 1."""
    return SourceLocation("override", 0, column, word)


def _find_parent(document: Document, word: str, names: list[str]) -> tuple[Any, KeyPath]:
    """The container that the last name selects from, and the whole path."""
    here: Any = document.data
    path: KeyPath = ()
    for depth, name in enumerate(names):
        index = _list_index(here, name)
        if index is None and not isinstance(here, dict):
            above = ".".join(names[:depth])
            location = _at(word, len(above) + 2)
            what = "a list; select an item by its number" if isinstance(here, list) else "not a mapping"
            raise ExperimentError([location.show(f"{above} is {what}")])
        path = (*path, name if index is None else index)
        if depth == len(names) - 1:
            return here, path
        here = here[index] if index is not None else here.setdefault(name, {})
    raise AssertionError("an override has at least one name")


def _list_index(container: Any, name: str) -> int | None:
    if isinstance(container, list) and name.isdecimal() and int(name) < len(container):
        return int(name)
    return None


def _graft(document: Document, path: KeyPath, value: Document, here: SourceLocation) -> None:
    """Let `path` point to the override, and every path under it into the override's value."""
    for length in range(1, len(path) + 1):
        document.keys.setdefault(path[:length], here)
        document.values.setdefault(path[:length], here)
    document.keys[path] = here
    document.keys.update({(*path, *rest): at for rest, at in value.keys.items()})
    document.values.update({(*path, *rest): at for rest, at in value.values.items()})
