"""What users are told about a component, read off the class that validates it.

Nothing is written twice: the line about a kind is its class's docstring, a key's type, default, range
and meaning are those of its field. So the reference cannot drift from what is accepted.
"""

import inspect
import types
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from lrcli.components.installed import PACKAGES
from lrcli.components.registry import GROUPS, kind_of
from lrcli.config.base import Config
from lrcli.config.hints import nearest
from lrcli.config.keys import default_of
from lrcli.errors import UsageError

__all__ = ["Description", "Option", "describe", "describe_block", "example", "find"]


_SOURCE = "Source: "  # begins the last paragraph of a component's docstring
_MEMORY_ENDS_BEFORE = 10**12  # a bound that nobody meets is not worth telling


@dataclass(frozen=True)
class Option:
    """One key of a component.

    Attributes:
        name: the key.
        type: what it takes, in words.
        default: its value where it is not given; None where there is none.
        required: it must be given.
        range: the numbers it may be, in words; empty where any.
        meaning: what it does.
    """

    name: str
    type: str
    default: Any
    required: bool
    range: str
    meaning: str

    @property
    def default_text(self) -> str:
        """The default as it would be written in a file."""
        return _written(self.default)


@dataclass(frozen=True)
class Description:
    """One kind of a component, or one block.

    Attributes:
        name: ``optimizer.adam`` or ``training``, say.
        summary: the formula or the idea, in a line.
        details: what else its docstring says.
        source: where the formula or the idea comes from; empty for a block.
        options: its keys but for ``kind``.
        package: that it is of, such as ``my-package 1.2``; empty: lrcli's own.
    """

    name: str
    summary: str
    details: str
    source: str
    options: tuple[Option, ...]
    package: str = ""


def find(name: str) -> list[tuple[str, str]]:
    """The (group, kind) pairs that a name such as ``optimizer`` or ``optimizer.adam`` stands for.

    Raises:
        UsageError: there is no such group or kind.
    """
    group, dot, kind = name.partition(".")
    if group not in GROUPS:
        raise UsageError(f"unknown group {group}{nearest(group, list(GROUPS))}; one of {', '.join(GROUPS)}")
    kinds = GROUPS[group]
    if not dot:
        return [(group, kind) for kind in kinds]
    if kind not in kinds:
        raise UsageError(f"unknown {group} {kind}{nearest(kind, list(kinds))}; one of {', '.join(kinds)}")
    return [(group, kind)]


def describe(group: str, kind: str) -> Description:
    """What there is to know about one kind."""
    return _described(f"{group}.{kind}", GROUPS[group][kind])


def describe_block(name: str, config: type[Config], only: str = "") -> Description:
    """What there is to know about a block that chooses no component.

    Args:
        name: of the block.
        config: its class.
        only: of all its keys this one, which the description is then about.
    """
    described = _described(name, config)
    if not only:
        return described
    options = tuple(option for option in described.options if option.name == only)
    return Description(name, options[0].meaning, "", "", options)


def _described(name: str, config: type[Config]) -> Description:
    paragraphs = [" ".join(part.split()) for part in inspect.cleandoc(config.__doc__ or "").split("\n\n")]
    source = next((text.removeprefix(_SOURCE) for text in paragraphs if text.startswith(_SOURCE)), "")
    told = "\n\n".join(text for text in paragraphs[1:] if not text.startswith(_SOURCE))
    options = [_option(key, config.model_fields[key]) for key in config.key_order() if key != "kind"]
    options.sort(key=lambda option: not option.required)
    package = PACKAGES.get(config, "")
    return Description(name, paragraphs[0], told, source, tuple(options), package)


def example(config: type[Config]) -> dict[str, Any]:
    """The shortest mapping that chooses a component: its kind and the keys that have no default.

    Raises:
        TypeError: one of these has no example.
    """
    required = {name: field for name, field in config.model_fields.items() if field.is_required()}
    del required["kind"]
    for name, field in required.items():
        if not field.examples:
            raise TypeError(f"{config.__name__}.{name} has no default, so its Field needs examples=[...]")
    return {"kind": kind_of(config)} | {name: (field.examples or [])[0] for name, field in required.items()}


def _option(name: str, field: FieldInfo) -> Option:
    default = default_of(field)
    if isinstance(default, dict) and default and "kind" not in default:
        default = None  # a block, whose keys have their own defaults
    bounds = _bounds(field.metadata)
    return Option(
        name, _words(field.annotation), default, field.is_required(), bounds, field.description or ""
    )


def _bounds(metadata: list[Any]) -> str:
    """The constraints of a number in words, such as ``>= 0, < 1``."""
    signs = {"gt": ">", "ge": ">=", "lt": "<", "le": "<="}
    found = [
        f"{sign} {getattr(part, name):g}"
        for part in metadata
        for name, sign in signs.items()
        if getattr(part, name, None) is not None and getattr(part, name) < _MEMORY_ENDS_BEFORE
    ]
    return ", ".join(found)


def _written(value: Any) -> str:
    """A default as it would be written in a file."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_written(item)}" for key, item in value.items()) + "}"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


_TYPES = {
    float: "number",
    int: "whole number",
    bool: "true or false",
    str: "text",
    Any: "numbers",
    object: "anything",
}


def _words(annotation: Any) -> str:
    """An annotation in the words of the experiment file."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if annotation in _TYPES:
        return _TYPES[annotation]
    if origin is Annotated:
        return _words(arguments[0])
    if origin is Literal:
        return _alternatives([str(value) for value in arguments])
    if origin in {Union, types.UnionType}:
        if all(isinstance(arm, type) and issubclass(arm, Config) for arm in arguments):
            return "a mapping with its own kind"
        return _alternatives([_words(arm) for arm in arguments if arm is not type(None)])
    if origin is list:
        bounds = _bounds([m for field in get_args(arguments[0])[1:] for m in field.metadata])
        return f"list of {_plural(arguments[0])} {bounds}".rstrip()
    if isinstance(annotation, type) and issubclass(annotation, Config):
        return "a mapping"
    if origin is dict:
        return f"mapping from {_words(arguments[0])} to {_words(arguments[1])}"
    return str(annotation)


def _plural(annotation: Any) -> str:
    """What a list is of."""
    words = "value" if annotation is Any else _words(annotation)
    return words.replace("mapping", "mappings", 1) if words.startswith("mapping") else f"{words}s"


def _alternatives(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
