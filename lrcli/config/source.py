"""From YAML text to plain data in which every key and value knows its location.

    text -> events (depth counted) -> nodes -> Document(data, locations)

The walk is over nodes, not over constructed objects, so a mistake found later, by validation, can be
shown on the line that caused it. Size, depth and alias expansion are bounded: a file that would
explode is refused before it does.
"""

import hashlib
import re
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from lrcli.config.document import MOST_MISTAKES, Document, KeyPath, SourceLocation
from lrcli.config.hints import yaml_hint
from lrcli.config.opening import UnreadableError, read_bytes
from lrcli.config.scalars import MERGE_TAG, Loader, to_python
from lrcli.errors import ExperimentError
from lrcli.wording import one_line

__all__ = ["MAX_DEPTH", "FileText", "parse", "parse_file", "read", "read_text"]

MAX_BYTES = 1_000_000
MAX_DEPTH = 40
MAX_NODES = 50_000

_TOO_DEEP = f"is nested more than {MAX_DEPTH} levels deep"
_COLLECTION_TAGS = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")
_LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")  # as YAML counts lines


def read(path: Path, origin: str) -> Document:
    """Read an experiment file.

    Args:
        path: the file.
        origin: how messages call it.

    Raises:
        ExperimentError: it cannot be read, or is not one YAML mapping.
    """
    return parse_file(read_text(path, origin), one_line(origin))


class FileText(NamedTuple):
    """The text of a file, and the SHA-256 of its bytes."""

    text: str
    sha256: str


def read_text(path: Path, origin: str) -> FileText:
    """The text of a file.

    Raises:
        ExperimentError: it cannot be read or is no text; nothing of its content is shown.
    """
    origin = one_line(origin)
    try:
        raw = read_bytes(path, MAX_BYTES)
    except UnreadableError as error:
        raise ExperimentError([f"{origin}: {error}"]) from None
    if len(raw) > MAX_BYTES:
        raise ExperimentError([f"{origin}: is larger than 1 MB; an experiment file is a page"])
    try:
        return FileText(raw.decode("utf-8-sig"), hashlib.sha256(raw).hexdigest())
    except UnicodeDecodeError as error:
        message = f"{origin}: is not a text file in UTF-8 (byte {error.start} is 0x{raw[error.start]:02x})"
        raise ExperimentError([message]) from None


def parse_file(file: FileText, origin: str) -> Document:
    """Parse an experiment file: see `parse`.

    Raises:
        ExperimentError: as there, or it is no mapping.
    """
    document = parse(file.text, origin)
    document.files[origin] = file.sha256
    if document.data is None:
        raise ExperimentError([f"{origin}: is empty; an experiment needs at least a dataset and a model"])
    if not isinstance(document.data, dict):
        what = "a list" if isinstance(document.data, list) else "a single value"
        message = f"an experiment file is a mapping of keys to values, not {what}"
        raise ExperimentError([document.values[()].show(message)])
    return document


def parse(text: str, origin: str) -> Document:
    """Parse YAML text.

    Args:
        text: one YAML document; a file or the value of an override.
        origin: how messages call the text.

    Raises:
        ExperimentError: invalid YAML, a duplicate key, an unknown tag, several documents, or a
            document deeper or larger (aliases expanded) than an experiment can be.
    """
    walk = _Walk(origin, _LINE_BREAK.split(text))
    try:
        walk.check_size(text)
        loader = Loader(text)
        try:
            node = loader.get_single_node()
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = "is not valid YAML: " + ", ".join(filter(None, (error.context, error.problem)))
        if "several" in what or "another document" in what:
            what = "holds several documents; an experiment file is one"
        if mark is None:
            raise ExperimentError([f"{origin}: {what}"]) from None
        location = walk.location(mark)
        hint = yaml_hint(location.text, location.column)  # instead of the parser's own words, which tell less
        raise ExperimentError([location.show(f"is not valid YAML{hint}" if hint else what)]) from None
    except yaml.YAMLError as error:
        message = f"{origin}: is not valid YAML: {' '.join(str(error).split())}"
        raise ExperimentError([message]) from None
    except UnicodeEncodeError:
        raise ExperimentError([f"{origin}: is not valid YAML: it is not text in UTF-8"]) from None
    document = Document(None)
    document.values[()] = (
        walk.location(node.start_mark) if node else SourceLocation(origin, 1, 1, walk.lines[0])
    )
    if node is not None:
        document.data = walk.convert(node, (), document)
    if walk.mistakes:
        raise ExperimentError(list(dict.fromkeys(walk.mistakes)))  # an alias repeats those of its anchor
    return document


class _Walk:
    """One pass over the nodes of one text."""

    def __init__(self, origin: str, lines: list[str]) -> None:
        self.origin = origin
        self.lines = lines
        self.mistakes: list[str] = []
        self.count = 0
        self.open: set[int] = set()

    def location(self, mark: Any) -> SourceLocation:
        text = self.lines[mark.line] if mark.line < len(self.lines) else ""
        return SourceLocation(self.origin, mark.line + 1, min(mark.column, len(text)) + 1, text)

    def check_size(self, text: str) -> None:
        """Refuse deep nesting and too many values on the event stream, before they are composed."""
        depth = count = 0
        loader = Loader(text)
        try:
            while loader.check_event():
                event = loader.get_event()
                if event is None:
                    break
                count += isinstance(event, yaml.NodeEvent)
                depth += isinstance(event, yaml.CollectionStartEvent)
                depth -= isinstance(event, yaml.CollectionEndEvent)
                if count > MAX_NODES:
                    message = f"holds more than {MAX_NODES:,} values"
                    raise ExperimentError([self.location(event.start_mark).show(message)])
                if depth > MAX_DEPTH:
                    raise ExperimentError([self.location(event.start_mark).show(_TOO_DEEP)])
        finally:
            loader.dispose()

    def convert(self, node: yaml.Node, path: KeyPath, document: Document) -> Any:
        """The node's data; its locations go into the document, its mistakes into `mistakes`."""
        self.count += 1
        if self.count > MAX_NODES:
            message = f"expands to more than {MAX_NODES:,} values through its aliases"
            raise ExperimentError([self.location(node.start_mark).show(message)])
        if id(node) in self.open:
            message = "an alias that contains itself cannot be expanded"
            raise ExperimentError([self.location(node.start_mark).show(message)])
        document.values[path] = self.location(node.start_mark)
        if isinstance(node, yaml.ScalarNode):
            return self.scalar(node)
        if len(self.open) == MAX_DEPTH:  # only aliases reach this
            raise ExperimentError([self.location(node.start_mark).show(_TOO_DEEP)])
        if node.tag not in _COLLECTION_TAGS:
            self.mistake(node, f"the tag {node.tag.replace('tag:yaml.org,2002:', '!!')} is not known here")
        self.open.add(id(node))
        try:
            if isinstance(node, yaml.SequenceNode):
                return [self.convert(child, (*path, i), document) for i, child in enumerate(node.value)]
            return self.mapping(node, path, document)
        finally:
            self.open.discard(id(node))

    def scalar(self, node: yaml.ScalarNode) -> Any:
        try:
            return to_python(node.tag, node.value)
        except ValueError as error:
            self.mistake(node, f"{_shorten(node.value)}: {error}")
            return None

    def mapping(self, node: yaml.Node, path: KeyPath, document: Document) -> dict[str, Any]:
        """Keys as written; what a ``<<`` merges in is overridden by the mapping's own keys."""
        merges = [pair for pair in node.value if pair[0].tag == MERGE_TAG]
        for key_node, _ in merges[1:]:
            self.mistake(key_node, "the key << is given twice; merge several as <<: [*a, *b]")
        merged = self.merge(merges[0][1], path, document) if merges else {}
        document.values[path] = self.location(node.start_mark)
        own: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if key_node.tag == MERGE_TAG:
                continue
            if not isinstance(key_node, yaml.ScalarNode):
                self.mistake(key_node, "a key must be a plain word")
                continue
            key = key_node.value
            if key in own:
                first = document.keys[*path, key].line
                self.mistake(key_node, f"the key {key} is given twice, first on line {first}")
                continue
            if key in merged:
                document.forget((*path, key), merged[key])
            document.keys[*path, key] = self.location(key_node.start_mark)
            own[key] = self.convert(value_node, (*path, key), document)
        return merged | own

    def merge(self, node: yaml.Node, path: KeyPath, document: Document) -> dict[str, Any]:
        """What ``<<: *base`` or ``<<: [*a, *b]`` brings in; the earlier of a list wins."""
        parts = node.value if isinstance(node, yaml.SequenceNode) else [node]
        merged: dict[str, Any] = {}
        for part in reversed(parts):
            if not isinstance(part, yaml.MappingNode):
                self.mistake(part, "<< merges mappings only")
                continue
            value = self.convert(part, path, document)
            merged |= value
        return merged

    def mistake(self, node: yaml.Node, message: str) -> None:
        """Note what is wrong with a node; a file with no end of mistakes is refused before its end."""
        self.mistakes.append(self.location(node.start_mark).show(message))
        if len(self.mistakes) == MOST_MISTAKES:
            raise ExperimentError(
                [*dict.fromkeys(self.mistakes), f"{self.origin}: and perhaps more mistakes"]
            )


def _shorten(text: str, limit: int = 40) -> str:
    return text if len(text) <= limit else text[: limit - 3] + "..."
