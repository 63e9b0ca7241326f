"""Flat states: mappings of arrays whose names say whose they are, such as ``engine/parameters``."""

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

__all__ = ["State", "group_of", "grouped"]

State = dict[str, NDArray[Any]]


def grouped(name: str, arrays: Mapping[str, NDArray[Any]]) -> State:
    """Arrays below a name, as a part of a state."""
    return {f"{name}/{key}": array for key, array in arrays.items()}


def group_of(state: Mapping[str, NDArray[Any]], name: str) -> State:
    """The arrays below a name."""
    return {key.removeprefix(f"{name}/"): array for key, array in state.items() if key.startswith(f"{name}/")}
