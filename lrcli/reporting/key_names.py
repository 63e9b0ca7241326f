"""What the keys of an experiment, and their values, are called in pictures, tables and the names of runs."""

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["key_title", "label", "short_key", "value_text"]

_TITLES = {"lr": "learning rate", "std": "standard deviation", "alpha": "smoothing constant alpha"}


def key_title(key: str) -> str:
    """A key in words, and the key: ``learning rate (optimizer.lr)``."""
    last = key.rpartition(".")[2]
    words = _TITLES.get(last, last.replace("_", " "))
    return key if words == key else f"{words} ({key})"


def label(configuration: Mapping[str, Any], keys: Sequence[str]) -> str:
    """The values of some keys: ``lr=0.01, activation=relu``."""
    return ", ".join(
        f"{short_key(key, keys)}={value_text(configuration[key])}" for key in keys if key in configuration
    )


def short_key(key: str, keys: Sequence[str]) -> str:
    """A key's last name, or as many as tell it from the others; for a kind, what it is a kind of."""
    names = key.removesuffix(".kind").split(".")
    others = [other.removesuffix(".kind") for other in keys if other != key]
    for start in range(len(names) - 1, 0, -1):
        short = ".".join(names[start:])
        if not any(other == short or other.endswith(f".{short}") for other in others):
            return short
    return ".".join(names)


def value_text(value: Any) -> str:
    """A swept value, short."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list | tuple):
        return "x".join(map(value_text, value)) or "none"
    if isinstance(value, Mapping):
        return " ".join(f"{value_text(item)}" for item in value.values())
    return str(value)
