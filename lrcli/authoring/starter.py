"""A first experiment file for a user to change: every key is there, with what it means."""

import inspect
from collections.abc import Iterator, Mapping
from typing import Any, get_args

from lrcli.authoring.minimal_files import minimal_experiment
from lrcli.components.datasets import Dataset
from lrcli.components.registry import GROUPS
from lrcli.config.base import Config
from lrcli.config.blocks import Logging, Training
from lrcli.config.dumping import in_line
from lrcli.config.keys import default_of
from lrcli.experiment.experiment import Experiment

__all__ = ["MODELINE", "SCHEMA_FILE", "starter_text"]

SCHEMA_FILE = "lrcli.schema.json"
MODELINE = f"# yaml-language-server: $schema=./{SCHEMA_FILE}"

_HEAD = """\
{modeline}
# A first experiment. Check it with    lrcli check {file}    and train it with    lrcli train {file}
# A key behind a # stands at its default. More about a component, such as its formula:
# lrcli describe dataset.{dataset}

"""
_EXPECT = """
# expect:                        # checked after training; exit code 3 where it does not hold
#   train/loss: "<= 0.1"
"""
_TOP = ("name", "description", "seed", "device", "engine", "dtype")
_BLOCKS: dict[str, type[Config]] = {"training": Training, "logging": Logging}
_COMMENT_COLUMN = 32
_EXTENDS = (
    f"{'# extends: base.yaml':<{_COMMENT_COLUMN}} # a file that this one changes; its path from this one"
)


def starter_text(dataset: str, file: str) -> str:
    """A commented experiment file.

    Args:
        dataset: the dataset's kind.
        file: what the file will be called.
    """
    chosen: dict[str, Any] = minimal_experiment("dataset", dataset)
    for block, keys in _starter(dataset).items():
        chosen[block] = keys if "kind" in keys else chosen.get(block, {}) | keys
    names = [name for name, field in Experiment.model_fields.items() if name in chosen or name in _BLOCKS]
    top = [_line(Experiment, name, {}, "") for name in _TOP]
    lines = [_EXTENDS, *top, *(line for name in names for line in _block(name, chosen.get(name, {})))]
    lines += ["", *_optional(Experiment, "sweep", "# ")]
    return _HEAD.format(modeline=MODELINE, file=file, dataset=dataset) + "\n".join(lines) + "\n" + _EXPECT


def _starter(dataset: str) -> Mapping[str, Mapping[str, Any]]:
    config = GROUPS["dataset"][dataset]
    return config.starter if issubclass(config, Dataset) else {}


def _block(name: str, chosen: Mapping[str, Any]) -> Iterator[str]:
    """The lines of one mapping of the file."""
    config = GROUPS[name][chosen["kind"]] if "kind" in chosen else _BLOCKS[name]
    yield ""
    yield f"{name}:" if chosen else f"# {name}:"
    if "kind" in chosen:
        yield f"  # {inspect.cleandoc(config.__doc__ or '').splitlines()[0]}"
    indent, off = ("  ", "  # ") if chosen else ("#   ", "#   ")
    for key in sorted(config.key_order(), key=lambda key: key not in chosen):
        yield from _optional(config, key, off) or [_line(config, key, chosen, indent)]


def _optional(config: type[Config], key: str, start: str) -> list[str]:
    """A mapping that is not there by default, with all its keys behind the start; nothing for other keys."""
    field = config.model_fields[key]
    inner = [arm for arm in get_args(field.annotation) if isinstance(arm, type) and issubclass(arm, Config)]
    if len(inner) != 1 or default_of(field) is not None:
        return []
    lines = [_commented(f"{start}{key}:", field.description or "")]
    fields = inner[0].model_fields
    needed = {name: examples[0] for name in fields if (examples := fields[name].examples)}
    for name in inner[0].key_order():
        lines += _optional(inner[0], name, f"{start}  ") or [_line(inner[0], name, needed, f"{start}  ")]
    return lines


def _line(config: type[Config], key: str, chosen: Mapping[str, Any], indent: str) -> str:
    """A key with its value and its meaning, behind a # where it stands at its default."""
    field = config.model_fields[key]
    if key == "kind":
        group = next(name for name, kinds in GROUPS.items() if config in kinds.values())
        others = [kind for kind in GROUPS[group] if kind != chosen["kind"]]
        return _commented(f"{indent}kind: {chosen['kind']}", f"or {', '.join(others)}")
    if key in chosen:
        return _commented(f"{indent}{key}: {in_line(chosen[key])}", field.description or "")
    default = default_of(field)
    value = "" if default is None else in_line(default)
    off = indent if "#" in indent else f"{indent}# "
    return _commented(f"{off}{key}: {value}".rstrip(), field.description or "")


def _commented(line: str, comment: str) -> str:
    return f"{line:<{_COMMENT_COLUMN}} # {comment}" if comment else line
