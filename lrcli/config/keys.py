"""Which keys may stand where, read off the config classes: for messages and for completion."""

from collections.abc import Iterator, Mapping
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from lrcli.config.base import Config
from lrcli.config.document import EXTENDS, KeyPath

__all__ = [
    "blocks_at",
    "configs_in",
    "default_of",
    "dotted",
    "dotted_keys",
    "keys_at",
    "kinds_at",
    "models_at",
    "value_at",
]


def keys_at(config: type[Config], path: KeyPath, data: Any) -> list[str]:
    """The keys that the mapping at a path may hold."""
    names = [name for model in models_at(config, path, data) for name in model.model_fields]
    return names if path else [*names, EXTENDS]


def kinds_at(config: type[Config], path: KeyPath, data: Any) -> list[str]:
    """The kinds that the mapping at a path may choose from."""
    models = models_at(config, path, data)
    return [kind for model in models for kind in _kinds(model)]


def models_at(config: type[Config], path: KeyPath, data: Any) -> list[type[Config]]:
    """The models that may describe the mapping at a path: one, or every arm while kind is unknown."""
    models: list[type[Config]] = [config]
    for part in path:
        data = data[part]
        if isinstance(part, str) and any(part in model.model_fields for model in models):
            fields = [m.model_fields[part].annotation for m in models if part in m.model_fields]
            models = [model for field in fields for model in configs_in(field)]
        if isinstance(data, dict) and "kind" in data:
            models = [m for m in models if data["kind"] in _kinds(m)] or models
    return models


def blocks_at(config: type[Config], path: KeyPath, data: Any) -> list[type[Config]]:
    """The blocks that the mapping at a path may be; none where it may hold any key, as a grid does."""
    blocks: list[type[Config]] = [config]
    for part in path:
        data = data[part]
        fields = [block.model_fields[part] for block in blocks if part in block.model_fields]
        blocks = [block for field in fields for block in _blocks(field.annotation)]
        if isinstance(data, dict) and "kind" in data:
            blocks = [block for block in blocks if data["kind"] in _kinds(block)] or blocks
    return blocks


def _kinds(model: type[Config]) -> tuple[Any, ...]:
    return get_args(model.model_fields["kind"].annotation) if "kind" in model.model_fields else ()


def configs_in(annotation: Any) -> Iterator[type[Config]]:
    """The model classes inside an annotation such as ``list[Annotated[A | B, ...]] | None``."""
    if isinstance(annotation, type) and issubclass(annotation, Config):
        yield annotation
    for inner in get_args(annotation):
        yield from configs_in(inner)


def dotted_keys(config: type[Config], data: Any) -> dict[str, FieldInfo]:
    """Every key that an override may set in a file, by its dotted name.

    Args:
        config: what the file is.
        data: what it holds, which decides between kinds; without a kind the keys of all are there.
    """
    found: dict[str, FieldInfo] = {}
    for name in config.key_order():
        field = config.model_fields[name]
        inside = data.get(name) if isinstance(data, dict) else None
        kind = inside.get("kind") if isinstance(inside, dict) else None
        blocks = list(_blocks(field.annotation))
        for block in [block for block in blocks if kind in _kinds(block)] or blocks:
            for key, inner in dotted_keys(block, inside).items():
                found.setdefault(f"{name}.{key}", inner)
        if not blocks:
            found[name] = field
    return found


def _blocks(annotation: Any) -> Iterator[type[Config]]:
    """The blocks that a key may hold itself, not in a list or a mapping."""
    if isinstance(annotation, type) and issubclass(annotation, Config):
        yield annotation
    elif get_origin(annotation) in {Annotated, Union, UnionType}:
        for inner in get_args(annotation):
            yield from _blocks(inner)


def value_at(data: Any, key: str, default: Any = None) -> Any:
    """The value at a dotted key, whose numbers count the items of a list; the default where there is none."""
    for part in key.split("."):
        if isinstance(data, list) and part.isdecimal() and int(part) < len(data):
            data = data[int(part)]
        elif isinstance(data, dict) and part in data:
            data = data[part]
        else:
            return default
    return data


def default_of(field: FieldInfo) -> Any:
    """The default of a key as plain data; None where it has none."""
    if field.is_required():
        return None
    default = field.get_default(call_default_factory=True, validated_data={})
    return default.model_dump() if isinstance(default, Config) else default


def dotted(tree: Mapping[str, Any]) -> dict[str, Any]:
    """A tree of values by dotted keys; mappings without any key are left out."""
    found: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, Mapping):
            found |= {f"{key}.{inner}": item for inner, item in dotted(value).items()}
        else:
            found[key] = value
    return found
