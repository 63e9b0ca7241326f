"""Plain data in which every key and value knows its location, and how a location is shown in a message."""

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from lrcli.errors import Excerpt
from lrcli.wording import one_line

__all__ = ["EXTENDS", "MOST_MISTAKES", "Document", "KeyPath", "SourceLocation"]

EXTENDS = "extends"  # the key that names a base

KeyPath = tuple[str | int, ...]

MOST_MISTAKES = 100  # that are shown; the rest is counted
MAX_WIDTH = 200  # characters of a line that a message shows


@dataclass(frozen=True)
class SourceLocation:
    """A position, lines and columns counted from 1; line 0 is an override on the command line.

    Attributes:
        origin: the file, as messages call it.
        line: in it.
        column: in the line.
        text: of the line.
        numbered: whether there is such a file, in which a reader could look for the line.
    """

    origin: str
    line: int
    column: int
    text: str
    numbered: bool = True

    def show(self, message: str) -> Excerpt:
        """The message as ``origin:line:column: message`` above the line with a caret under the culprit."""
        origin = one_line(self.origin)
        where = f"{origin}:{self.line}:{self.column}" if self.line and self.numbered else origin
        number = str(self.line or "") if self.numbered else ""
        start = max(0, self.column - MAX_WIDTH // 2) if len(self.text) > MAX_WIDTH else 0
        before, after = (
            one_line(part.expandtabs(1))
            for part in (self.text[start : self.column - 1], self.text[self.column - 1 : start + MAX_WIDTH])
        )
        indent = " " * sum(map(_cells, before))
        return Excerpt(
            f"{where}: {one_line(message)}\n  {number} | {before}{after}\n  {' ' * len(number)} | {indent}^"
        )


def _cells(character: str) -> int:
    """The columns that a character takes on a terminal: 0, 1 or 2."""
    if unicodedata.category(character) in {"Mn", "Me", "Cf"}:  # combining, enclosing, invisible
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


@dataclass
class Document:
    """Plain data and where each part of it was written.

    Attributes:
        data: dicts, lists and scalars.
        keys: for each path, the location of its key (list items have none).
        values: for each path, the location of its value; the empty path is the document.
        files: from each file that it was read from, as it was called, to the SHA-256 of its content; the
            file itself first, then those that it extends.
    """

    data: Any
    keys: dict[KeyPath, SourceLocation] = field(default_factory=dict)
    values: dict[KeyPath, SourceLocation] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)

    def location(self, path: KeyPath, *, key: bool = False) -> SourceLocation:
        """The location of a path, or of its nearest ancestor that was written down."""
        if key and path in self.keys:
            return self.keys[path]
        while path not in self.values:
            path = path[:-1]
        return self.values[path]

    def at(self, path: KeyPath) -> Any:
        """The data at a path."""
        data = self.data
        for part in path:
            data = data[part]
        return data

    def forget(self, path: KeyPath, data: Any) -> None:
        """Drop the locations of data under a path, which something else replaces."""
        for old in _paths_below(path, data):
            self.keys.pop(old, None)
            self.values.pop(old, None)

    def adopt(self, path: KeyPath, other: "Document") -> None:
        """Take the locations of a path, and of all under it, from another document."""
        for here in (path, *_paths_below(path, other.at(path))):
            for mine, theirs in ((self.keys, other.keys), (self.values, other.values)):
                if here in theirs:
                    mine[here] = theirs[here]


def _paths_below(path: KeyPath, data: Any) -> Iterator[KeyPath]:
    """The path of everything inside the data at a path."""
    items: Iterable[tuple[str | int, Any]] = ()
    if isinstance(data, dict):
        items = data.items()
    elif isinstance(data, list):
        items = enumerate(data)
    for key, value in items:
        yield (*path, key)
        yield from _paths_below((*path, key), value)
