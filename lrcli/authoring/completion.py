"""What may follow on a command line: the keys of an experiment file, and their values."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from lrcli.components.registry import GROUPS
from lrcli.config.document import Document
from lrcli.config.dumping import in_line
from lrcli.config.inheritance import read_extended
from lrcli.config.keys import default_of, dotted_keys, value_at
from lrcli.config.overrides import override
from lrcli.errors import UsageError
from lrcli.experiment.experiment import Experiment

__all__ = ["complete_override"]


def complete_override(path: Path, overrides: Sequence[str], start: str) -> list[tuple[str, str]]:
    """The words that may follow for the beginning of a ``KEY=VALUE``.

    Args:
        path: the experiment file; one with mistakes still tells which kinds are meant.
        overrides: those already on the line.
        start: what has been typed of the word.

    Returns:
        (word, meaning) pairs: keys, up to their ``=``, or where only one key is left, its values.
    """
    document = _read_leniently(path, overrides)
    keys = dotted_keys(Experiment, document.data)
    matching = [key for key in keys if f"{key}=".startswith(start) or start.startswith(f"{key}=")]
    if len(matching) != 1:
        return [(f"{key}=", keys[key].description or "which one") for key in matching]
    (key,) = matching
    words = [] if start == f"{key}=" else [(f"{key}=", keys[key].description or "")]
    words += [(f"{key}={value}", about) for value, about in _values(key, keys[key], document.data)]
    return [(word, about) for word, about in words if word.startswith(start)]


def _read_leniently(path: Path, overrides: Sequence[str]) -> Document:
    try:
        document, _ = read_extended(path, str(path), Experiment)
    except UsageError:
        return Document({})
    for word in overrides:
        try:
            override(document, word)
        except UsageError:
            continue
    return document


def _values(key: str, field: FieldInfo, data: Any) -> Iterator[tuple[str, str]]:
    """Values to choose from, or the present one as an example."""
    *above, name = key.split(".")
    if name == "kind":
        for kind, config in GROUPS[above[-1]].items():
            yield kind, (config.__doc__ or "").partition("\n")[0]
    elif get_origin(field.annotation) is Literal:
        for value in get_args(field.annotation):
            yield str(value), ""
    elif field.annotation is bool:
        yield from (("true", ""), ("false", ""))
    else:
        value = value_at(data, key, default_of(field))
        if value is not None:
            yield in_line(value).replace(" ", ""), "as it is now"
