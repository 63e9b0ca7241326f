"""An experiment that is a mapping of Python's instead of a file: numbers of NumPy, tuples and paths are fine.

It is written down as a file would be and read as one is, so it means what the file would mean, and a mistake
is shown with the line that the file would have.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import PurePath
from typing import Any

from lrcli.config.base import Config
from lrcli.config.document import Document
from lrcli.config.dumping import yaml_text
from lrcli.config.inheritance import extended
from lrcli.config.source import MAX_DEPTH, FileText, parse_file
from lrcli.errors import ExperimentError

__all__ = ["MAPPING", "plain_data", "read_mapping"]

MAPPING = "experiment"  # how messages call one


def read_mapping(mapping: Mapping[str, Any], config: type[Config]) -> tuple[Document, list[str]]:
    """Read an experiment from a mapping, and every file that it extends.

    Args:
        mapping: as a file would have it.
        config: what it must be.

    Returns:
        The document, which was read from no file, and what the user should know about it.

    Raises:
        ExperimentError: something in it could not stand in a file, with all that could not.
    """
    document = parse_file(FileText(yaml_text(plain_data(mapping, MAPPING)), ""), MAPPING)
    document.files.clear()
    for locations in (document.keys, document.values):
        for path, location in locations.items():
            locations[path] = replace(location, numbered=False)
    return extended(document, PurePath(MAPPING), config)


def plain_data(value: Any, name: str) -> Any:
    """Data as a file can hold them: dicts with text as keys, lists, text, numbers, true, false and nothing.

    Args:
        value: mappings, sequences and arrays of such data; paths are text.
        name: how messages call it.

    Raises:
        ExperimentError: with everything that has no place in a file.
    """
    mistakes: list[str] = []
    plain = _plain(value, name, mistakes, 0)
    if mistakes:
        raise ExperimentError(mistakes)
    return plain


def _plain(value: Any, name: str, mistakes: list[str], depth: int) -> Any:
    if value is None or type(value) in {bool, int, float, str}:
        return value
    if depth > MAX_DEPTH:
        raise ExperimentError([f"{name[:80]}: is nested more than {MAX_DEPTH} levels deep"])
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, str | int | float) and not hasattr(value, "tolist"):
        return next(kind(value) for kind in (str, int, float) if isinstance(value, kind))
    if isinstance(value, Mapping):
        return _plain_mapping(value, name, mistakes, depth)
    if hasattr(value, "tolist"):  # a number or an array of NumPy
        return _plain(value.tolist(), name, mistakes, depth + 1)
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return [_plain(item, f"{name}.{i}", mistakes, depth + 1) for i, item in enumerate(value)]
    mistakes.append(f"{name}: a {type(value).__name__} cannot stand in an experiment")
    return None


def _plain_mapping(mapping: Mapping[Any, Any], name: str, mistakes: list[str], depth: int) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for key, value in mapping.items():
        index = isinstance(key, int) and not isinstance(key, bool)
        if not isinstance(key, str) and not index:
            mistakes.append(f"{name}: a key must be text, not {key!r:.40}")
            continue
        if str(key) in plain:
            mistakes.append(f"{name}: the key {key} is given twice, as text and as a number")
        plain[str(key)] = _plain(value, f"{name}.{key}", mistakes, depth + 1)
    return plain
