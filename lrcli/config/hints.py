"""What to do about a mistake: the likely meaning of what was written, as the end of a message.

Each function gives a text that follows the message, or nothing where no meaning is likely.
"""

import difflib
import re
from collections.abc import Iterable
from typing import Any

from lrcli.config.base import Config
from lrcli.config.document import KeyPath, SourceLocation
from lrcli.config.keys import dotted_keys, keys_at, kinds_at

__all__ = ["kind_hint", "meant", "nearest", "number_hint", "shell_hint", "stray_key_hint", "yaml_hint"]

_DECIMAL = re.compile(r"([-+]?[0-9]+),([0-9]+(?:[eE][-+]?[0-9]+)?)")
_THOUSANDS = re.compile(r"[-+]?[0-9]{1,3}(?:,[0-9]{3})+")
_BEFORE_COMMA = re.compile(r"([^\s,:{}\[\]]+)\s*:\s*([-+]?[0-9]+)\s*,\s*$")
_MOST_GUESSES = 3


def nearest(name: str, known: list[str]) -> str:
    """``"; did you mean X?"`` where one known name is a strong match."""
    match = difflib.get_close_matches(name, known, n=1, cutoff=0.7)
    return f"; did you mean {match[0]}?" if match else ""


def meant(name: str, dotted: Iterable[str], after: str = "") -> str:
    """Which dotted keys a name may be the end of, or nearly.

    Args:
        name: as it was written.
        dotted: the keys that there are.
        after: what follows the key where it was written, such as ``=0.1``.
    """
    ends: dict[str, list[str]] = {}
    for key in dotted:
        block, _, end = key.rpartition(".")
        ends.setdefault(end, []).append(key)
        if end == "kind":  # a block is called by its name
            ends.setdefault(block.rpartition(".")[2], []).append(key)
    close = difflib.get_close_matches(name, list(ends), n=1, cutoff=0.75)
    found = ends.get(name) or (ends[close[0]] if close else [])
    guesses = [f"{key}{after}" for key in found]
    return f"; did you mean {_listed(guesses)}?" if 0 < len(found) <= _MOST_GUESSES else ""


def stray_key_hint(path: KeyPath, location: SourceLocation, config: type[Config], data: Any) -> str:
    """What a key that is not known at its location may have meant, else which keys are known there.

    Args:
        path: the key's.
        location: where it was written.
        config: what the file is.
        data: what it holds.
    """
    name = str(path[-1])
    before = _BEFORE_COMMA.search(location.text[: location.column - 1])
    if before and re.fullmatch(r"[0-9]+(?:[eE][-+]?[0-9]+)?", name):
        return f"; decimals take a point: {before[1]}: {before[2]}.{name}"
    known, dotted = keys_at(config, path[:-1], data), dotted_keys(config, data)
    if name in dotted and len(path) == 1:
        *blocks, key = name.split(".")
        opened = "".join(f"{block}: {{" for block in blocks)
        return f"; in a file it is written {opened}{key}: ...{'}' * len(blocks)}"
    takes = f"; known here: {', '.join(known)}" if known else ""
    equals, after = location.text.partition("=")[1:] if location.line == 0 else ("", "")
    return nearest(name, known) or meant(name, dotted, equals + after) or takes


def kind_hint(path: KeyPath, value: Any, location: SourceLocation, config: type[Config], data: Any) -> str:
    """How to choose a kind, where one stands in the place of its whole block."""
    kinds = kinds_at(config, path, data) if isinstance(value, str) else []
    if value not in kinds:
        return ""
    here = ".".join(map(str, path))
    return f"; write {f'{here}.kind={value}' if location.line == 0 else f'{{kind: {value}}}'}"


def number_hint(value: Any, *, whole: bool) -> str:
    """How a number with a comma is written."""
    text = value.strip() if isinstance(value, str) else ""
    if whole and _THOUSANDS.fullmatch(text):
        return f"; numbers have no commas: {text.replace(',', '')}"
    match = _DECIMAL.fullmatch(text)
    return f"; decimals take a point: {match[1]}.{match[2]}" if match else ""


def yaml_hint(line: str, column: int) -> str:
    """What makes a line no YAML.

    Args:
        line: the line.
        column: where the loader stopped, counted from 1.
    """
    if "\t" in line[: len(line) - len(line.lstrip())] or line[column - 1 : column] == "\t":
        return ": there is a tab, and YAML indents with spaces"
    comparison = re.search(r":\s+(>=?\s*[-+.0-9][^#]*)", line)
    return f': a value with > needs quotes, "{comparison[1].strip()}"' if comparison else ""


def shell_hint(name: str, text: str) -> str:
    """What to do where the shell may have cut a value at a space; the whole message."""
    if all(text.count(left) == text.count(right) for left, right in ("[]", "{}")):
        return ""
    cure = f"if the shell has cut it at a space, put quotes around all of it: '{name}={text} ...'"
    return f"a bracket is open; {cure}"


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
