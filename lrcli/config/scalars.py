"""What a plain YAML scalar means: the core schema of YAML 1.2 (section 10.3.2 of its specification).

PyYAML follows YAML 1.1, where ``1e-3`` is text, ``no`` is false and ``12:30`` is a number of seconds.
Experiment files are full of learning rates, so lrcli reads them with a loader of its own. The
resolvers belong to that subclass alone: PyYAML's loaders are shared by every library in the process.
"""

import re
from typing import Any

from yaml import SafeDumper, ScalarNode

try:
    from yaml import CSafeLoader as SafeLoader
except ImportError:  # a PyYAML built without libyaml: slower, the same nodes
    from yaml import SafeLoader  # type: ignore[assignment]

from lrcli.wording import one_line, printable

__all__ = ["MERGE_TAG", "Loader", "to_python"]

_NULL, _BOOL, _INT, _FLOAT, _STR = (
    f"tag:yaml.org,2002:{kind}" for kind in ("null", "bool", "int", "float", "str")
)

MERGE_TAG = "tag:yaml.org,2002:merge"  # not of the core schema, but what users know from YAML 1.1

_LONGEST_NUMBER = 1000  # digits: Python refuses to print numbers that are much longer
_CORE_SCHEMA = (
    (_NULL, r"~|null|Null|NULL|", ("~", "n", "N", "")),
    (_BOOL, r"true|True|TRUE|false|False|FALSE", tuple("tTfF")),
    (_INT, r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", tuple("-+0123456789")),
    (
        _FLOAT,
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        tuple("-+.0123456789"),
    ),
    (MERGE_TAG, r"<<", ("<",)),
)
_WRITTEN = {tag: re.compile(pattern) for tag, pattern, _ in _CORE_SCHEMA}


class Loader(SafeLoader):
    """A loader whose plain scalars follow YAML 1.2; used to compose nodes, never to construct."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012


class Dumper(SafeDumper):
    """A dumper that quotes the text which `Loader` would take for something else, such as 1e-3.

    Text of several lines is written on one, its line breaks as codes, and so is what a terminal would
    obey instead of show.
    """

    def represent_text(self, text: str) -> ScalarNode:
        """The node of a text."""
        return self.represent_scalar(_STR, text, style=None if one_line(text) == text else '"')

    def write_double_quoted(self, text: str, split: bool = True) -> None:
        """Write a quoted text; one that a terminal would not just show is written in ASCII."""
        allowed, self.allow_unicode = self.allow_unicode, printable(text) == text and self.allow_unicode
        super().write_double_quoted(text, split)
        self.allow_unicode = allowed


Dumper.add_representer(str, Dumper.represent_text)

for _tag, _pattern, _first_characters in _CORE_SCHEMA:
    Loader.add_implicit_resolver(_tag, re.compile(rf"^(?:{_pattern})$"), _first_characters)
    Dumper.add_implicit_resolver(_tag, re.compile(rf"^(?:{_pattern})$"), _first_characters)


def to_python(tag: str, text: str) -> Any:
    """The Python value of a scalar.

    Args:
        tag: the resolved tag, such as ``tag:yaml.org,2002:float``.
        text: the scalar as written.

    Raises:
        ValueError: the tag is none of the core schema's, or the text is no value of that tag.
    """
    if tag in {_STR, MERGE_TAG}:  # << merges as a key; as a value it is text
        return text
    short = tag.replace("tag:yaml.org,2002:", "!!")
    if tag not in _WRITTEN:
        raise ValueError(f"the tag {short} is not known here")
    if not _WRITTEN[tag].fullmatch(text):
        raise ValueError(f"is no {short}")
    if tag == _NULL:
        return None
    if tag == _BOOL:
        return text.lower() == "true"
    if tag == _INT and len(text) > _LONGEST_NUMBER:
        raise ValueError("is too long a number")
    if tag == _INT:
        return int(text, 0) if text[:2] in {"0o", "0x"} else int(text)
    return float(re.sub(r"\.(inf|nan)", r"\1", text.lower()))
