"""From plain data to YAML text that lrcli's loader reads back to the same data."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from lrcli.config.document import KeyPath
from lrcli.config.scalars import Dumper
from lrcli.wording import one_line

__all__ = ["annotated_yaml", "in_line", "yaml_text"]

_WIDEST_ALIGNED = 50  # comments are not pushed further right by a longer line above or below


def yaml_text(value: Mapping[str, Any]) -> str:
    """The YAML of plain data in the order given, the innermost mappings and lists on one line."""
    return _dump(dict(value), width=100, default_flow_style=None)


def annotated_yaml(value: Mapping[str, Any], comments: Mapping[KeyPath, str]) -> str:
    """The YAML of plain data, a line for each key, with comments behind the lines.

    Args:
        value: the data, in the order given.
        comments: from the path of a key to what is said about it.
    """
    lines = list(_lines(value, (), comments))
    lengths = [len(line) for line, comment in lines if comment and len(line) <= _WIDEST_ALIGNED]
    width = max(lengths, default=0)
    return "".join(
        f"{line:<{width}}  # {one_line(comment)}\n" if comment else f"{line}\n" for line, comment in lines
    )


def _lines(
    mapping: Mapping[str, Any], path: KeyPath, comments: Mapping[KeyPath, str]
) -> Iterator[tuple[str, str]]:
    """Each line and its comment."""
    for key, value in mapping.items():
        here = (*path, key)
        start = "  " * len(path) + f"{in_line(key)}:"
        if isinstance(value, Mapping) and value:
            yield start, comments.get(here, "")
            yield from _lines(value, here, comments)
        else:
            yield f"{start} {in_line(value)}", comments.get(here, "")


def in_line(value: Any) -> str:
    """Data on a single line."""
    text = _dump(value, width=math.inf, default_flow_style=True)
    return text.removesuffix("\n").removesuffix("...").rstrip("\n")


def _dump(value: Any, **options: Any) -> str:
    return str(yaml.dump(value, Dumper=Dumper, sort_keys=False, allow_unicode=True, **options))
