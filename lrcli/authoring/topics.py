"""What can be described of an experiment file: components, blocks, and the keys at the top.

The blocks are found by walking through the classes that validate a file, so none is missing.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from lrcli.authoring.descriptions import Description, describe, describe_block, find
from lrcli.authoring.minimal_files import minimal_experiment
from lrcli.components.registry import GROUPS
from lrcli.config.base import Config
from lrcli.config.hints import nearest
from lrcli.config.keys import configs_in, default_of
from lrcli.errors import UsageError
from lrcli.experiment.experiment import Experiment

__all__ = ["Topic", "block_names", "find_topics", "topic_names"]

_WHOLE = "experiment"


@dataclass(frozen=True)
class Topic:
    """One thing to describe.

    Attributes:
        description: what there is to know about it.
        content: a file, or the part of one, that uses it.
        is_file: the content is a whole file.
    """

    description: Description
    content: dict[str, Any]
    is_file: bool


def find_topics(name: str) -> list[Topic]:
    """What a name stands for: a group, a kind with or without its group, a block, or a key at the top.

    Raises:
        UsageError: there is nothing of that name.
    """
    blocks = {path: config for path, config in _blocks(Experiment, ()) if _called(path, name)}
    groups = [group for group, kinds in GROUPS.items() if name in kinds]
    if name in GROUPS or ("." in name and not blocks):
        return [_component(*pair) for pair in find(name)]
    if name == _WHOLE:
        return [Topic(_top_level(_WHOLE), minimal_experiment(), is_file=True)]
    if blocks:
        return [_block(path, config) for path, config in blocks.items()]
    if groups:
        return [_component(group, name) for group in groups]
    if name in Experiment.model_fields:
        return [_key(name)]
    kinds = [kind for group in GROUPS.values() for kind in group]
    guess = nearest(name, [*GROUPS, *kinds, *topic_names()])
    raise UsageError(
        f"nothing is called {name}{guess}; lrcli list shows the components, and there are also "
        f"{', '.join(topic_names())}"
    )


def topic_names() -> list[str]:
    """The names of blocks and of keys at the top."""
    keys = [key for key in Experiment.model_fields if key not in GROUPS]
    return list(dict.fromkeys([*block_names(), _WHOLE, *keys]))


def block_names() -> list[str]:
    """The names of blocks that choose no component, by the keys that lead to them."""
    return [".".join(path) for path, _ in _blocks(Experiment, ())]


def _blocks(config: type[Config], above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], type[Config]]]:
    """Every block that chooses no component, by the keys that lead to it."""
    for name, field in config.model_fields.items():
        for inner in configs_in(field.annotation):
            if "kind" not in inner.model_fields:
                yield (*above, name), inner
                yield from _blocks(inner, (*above, name))


def _called(path: tuple[str, ...], name: str) -> bool:
    return name in {path[-1], ".".join(path)}


def _component(group: str, kind: str) -> Topic:
    return Topic(describe(group, kind), minimal_experiment(group, kind), is_file=True)


def _block(path: tuple[str, ...], config: type[Config]) -> Topic:
    content: Any = _example(config)
    if path[-1] == "grid":  # whose keys are those of the file
        content = {"optimizer.lr": content}
    for key in reversed(path):
        content = {key: content}
    return Topic(describe_block(".".join(path), config), content, is_file=False)


def _key(name: str) -> Topic:
    """A key at the top that holds no block."""
    field = Experiment.model_fields[name]
    value = field.examples[0] if field.examples else default_of(field)
    value = "linear" if name == "name" else value
    return Topic(_top_level(name, only=name), {name: value}, is_file=False)


def _top_level(name: str, only: str = "") -> Description:
    """The keys at the top, of which a file need not say its name."""
    described = describe_block(name, Experiment, only)
    options = [
        replace(option, required=option.required and option.name != "name") for option in described.options
    ]
    return replace(described, options=tuple(options))


def _example(config: type[Config]) -> dict[str, Any]:
    """Each key at an example or at its default, those left out that have neither."""
    values = {
        name: field.examples[0] if field.examples else default_of(field)
        for name, field in config.model_fields.items()
    }
    return {name: value for name, value in values.items() if value is not None}
