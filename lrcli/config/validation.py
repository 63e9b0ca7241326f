"""From a document to a validated `Config`, or to messages a user can act on.

All mistakes are shown at once, in the order of the file, each with its location.
"""

import json
import math
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from lrcli.config.base import Config
from lrcli.config.document import MOST_MISTAKES, Document, KeyPath, SourceLocation
from lrcli.config.hints import kind_hint, nearest, number_hint, stray_key_hint
from lrcli.config.keys import kinds_at
from lrcli.errors import ExperimentError

__all__ = ["Mistake", "refuse", "validate"]

_EXACT = 2.0**63  # beyond, JSON parsers differ

ConfigT = TypeVar("ConfigT", bound=Config)


@dataclass(frozen=True)
class Mistake:
    """One thing that is wrong, and the key to change.

    Attributes:
        path: the key, as a path from the top of the file.
        message: what is wrong and what would be right, without the key's name.
        at_key: the key itself is the culprit, not its value.
    """

    path: KeyPath
    message: str
    at_key: bool = False


def validate(document: Document, config: type[ConfigT]) -> ConfigT:
    """Check a document against a config class.

    Args:
        document: the experiment, overrides applied.
        config: what it must be.

    Raises:
        ExperimentError: with one message for each mistake.
    """
    try:
        # JSON is the one input form that is strict about scalars and still takes lists and keys as written.
        return config.model_validate_json(json.dumps(_whole_numbers(document.data)), strict=True)
    except ValidationError as error:
        details = error.errors(include_url=False)
        mistakes = [_explain(detail, document, config) for detail in details[:MOST_MISTAKES]]
        more = max(0, len(details) - MOST_MISTAKES)
        raise refuse(document, _merge_arms(mistakes), more) from None


def _whole_numbers(data: Any) -> Any:
    """The same data with 1e3 as 1000, so that a count may be written so; to JSON Schema it is one, too."""
    if isinstance(data, float) and data.is_integer() and abs(data) < _EXACT:
        return data if math.copysign(1, data) < 0 and not data else int(data)  # -0.0 keeps its sign
    if isinstance(data, dict):
        return {key: _whole_numbers(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_whole_numbers(value) for value in data]
    return data


def refuse(document: Document, mistakes: list[Mistake], more: int = 0) -> ExperimentError:
    """The error that shows these mistakes in the order of the file, and says how many more there are."""
    located = [(document.location(m.path, key=m.at_key), m) for m in dict.fromkeys(mistakes)]
    first = document.values[()].origin

    def rank(pair: tuple[SourceLocation, Mistake]) -> tuple[bool, bool, str, int, int]:
        """The file itself, then those that it extends, then the overrides, which have no line."""
        location = pair[0]
        return location.line == 0, location.origin != first, location.origin, location.line, location.column

    located.sort(key=rank)
    rest = [f"{first}: and {more:,} more mistakes"] if more else []
    return ExperimentError([*(location.show(_named(mistake)) for location, mistake in located), *rest])


def _named(mistake: Mistake) -> str:
    name = ".".join(map(str, mistake.path))
    return f"{name}: {mistake.message}" if name else mistake.message


def _explain(detail: ErrorDetails, document: Document, config: type[Config]) -> Mistake:
    """Pydantic's error in the words of the experiment file."""
    kind, context = detail["type"], detail.get("ctx", {})
    path = _written_path(detail["loc"], document.data)
    value = _describe(detail["input"])
    if kind == "extra_forbidden":
        hint = stray_key_hint(path, document.location(path, key=True), config, document.data)
        return Mistake(path, f"unknown key{hint}", at_key=True)
    if kind == "missing":
        return Mistake(path, f"the key {detail['loc'][-1]} is missing")
    if kind == "union_tag_not_found":
        known = kinds_at(config, path, document.data)
        return Mistake(path, f"the key kind is missing; one of {', '.join(known)}")
    if kind == "union_tag_invalid":
        known = [tag.strip("' ") for tag in context["expected_tags"].split(",")]
        written = detail["input"]["kind"]
        message = f"must be text, not {_describe(written)}"
        if isinstance(written, str):
            message = f"unknown kind {written}{nearest(written, known)}"
        return Mistake((*path, "kind"), f"{message}; one of {', '.join(known)}{_help_with(path)}")
    if kind in _WANTED:
        hint = _hint(kind, path, detail["input"], document, config)
        return Mistake(path, f"must be {_WANTED[kind].format(**context)}, not {value}{hint}")
    if kind == "value_error":
        return Mistake(path, str(context["error"]), at_key=detail["loc"][-1:] == ("[key]",))
    return Mistake(path, f"{detail['msg']} (it is {value})")


def _help_with(path: KeyPath) -> str:
    """Where to read what the kinds of a block are."""
    return f" (lrcli list {path[-1]} tells what they are)"


def _hint(kind: str, path: KeyPath, value: Any, document: Document, config: type[Config]) -> str:
    """What to do about a value of a wrong type."""
    if kind.startswith(("int_", "float_")):
        return number_hint(value, whole=kind.startswith("int_"))
    if kind.startswith(("model_", "dict_")):
        return kind_hint(path, value, document.location(path), config, document.data)
    return ""


def _merge_arms(mistakes: list[Mistake]) -> list[Mistake]:
    """One message where each arm of a union such as ``number or list of numbers`` gave its own.

    An arm that fits deeper than another says more, so it alone is kept; so does a bound that is not met
    where another arm would have been a list: there the type was right.
    """
    out_of_bounds = {m.path for m in mistakes if m.message.startswith(_BOUNDS)}
    mistakes = [
        m for m in mistakes if m.path not in out_of_bounds or not m.message.startswith("must be a list")
    ]
    above = {m.path[:length] for m in mistakes for length in range(len(m.path))}
    merged: dict[KeyPath, Mistake] = {}
    for mistake in mistakes:
        path, message = mistake.path, mistake.message
        wanted = message.removeprefix("must be ").rpartition(", not ")[0]
        if path in above and wanted:
            continue
        earlier = merged.get(path)
        if earlier and wanted and wanted not in earlier.message and ", not " in earlier.message:
            before, _, value = earlier.message.rpartition(", not ")
            merged[path] = Mistake(path, f"{before} or {wanted}, not {value}")
        elif earlier and earlier.message != message:
            merged[path] = Mistake(path, f"{earlier.message}; {message}")
        else:
            merged[path] = mistake
    return list(merged.values())


_WANTED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "string_type": "text",
    "string_too_short": "text of at least one character",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "greater_than": "greater than {gt:g}",
    "greater_than_equal": "at least {ge:g}",
    "less_than": "less than {lt:g}",
    "less_than_equal": "at most {le:g}",
    "literal_error": "{expected}",
    "too_short": "a list of at least {min_length}",
    "too_long": "a list of at most {max_length}",
    "none_required": "left empty",
}


_BOUNDS = ("must be greater than ", "must be at least ", "must be less than ", "must be at most ")


def _describe(value: Any) -> str:
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f"the text {value[:40]!r}"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return f"a list of {len(value)}" if value else "an empty list"
    return f"{value!r}"[:40]


def _written_path(location: tuple[int | str, ...], data: Any) -> KeyPath:
    """Pydantic's location without the union tags and arms that nobody wrote."""
    path: KeyPath = ()
    for position, part in enumerate(location):
        last = position == len(location) - 1
        if not last and isinstance(data, dict) and data.get("kind") == part:
            continue  # the tag of a union, which a key may be called as well
        if isinstance(data, dict) and str(part) in data:
            path, data = (*path, str(part)), data[str(part)]
        elif isinstance(data, list) and isinstance(part, int) and part < len(data):
            path, data = (*path, part), data[part]
        elif last and isinstance(data, dict) and data.get("kind") != part and part != "[key]":
            return path  # a missing key: its mapping is the location
    return path
