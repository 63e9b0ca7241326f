"""What things in a Python file may be: told by their classes, or by what they take."""

import inspect
from types import FunctionType
from typing import Any

import torch
from torch import nn

from lrcli.components.python_file import PythonFile

__all__ = ["group_of", "needed", "own_components"]

_TARGETS = ("target", "label", "y")  # how the second argument of a loss may begin


def group_of(value: Any) -> str | None:
    """The group of components that something in a file belongs to, such as ``model``; None: to none."""
    if isinstance(value, type):
        return _group_of_class(value)
    if isinstance(value, FunctionType):
        return _group_of_function(value)
    if isinstance(value, nn.Module):
        return "model"
    return _by_methods(value)


def _group_of_class(value: type) -> str | None:
    if issubclass(value, nn.modules.loss._Loss):  # noqa: SLF001 - the base that all of torch's losses have
        return "loss"
    if issubclass(value, nn.Module):
        return "model"
    return "optimizer" if issubclass(value, torch.optim.Optimizer) else _by_methods(value)


def _by_methods(value: Any) -> str | None:
    if _has_method(value, "sample"):
        return "dataset"
    return "optimizer" if all(_has_method(value, name) for name in ("init", "update")) else None


def _has_method(value: Any, name: str) -> bool:
    """Whether there is such a method; an object of the user's may fail when it is asked."""
    try:
        return callable(getattr(value, name, None))
    except Exception:
        return False


def _group_of_function(value: FunctionType) -> str | None:
    arguments = list(inspect.signature(value).parameters)
    if arguments[:1] == ["rng"]:
        return "dataset"
    if len(needed(value)) == 2 and arguments[1].startswith(_TARGETS):
        return "loss"
    returns = value.__annotations__.get("return")
    is_module = isinstance(returns, type) and issubclass(returns, nn.Module)
    return "model" if is_module or (isinstance(returns, str) and returns.endswith("Module")) else None


def needed(value: Any) -> list[str]:
    """The arguments that something must be called with; none where that is not known."""
    try:
        parameters = inspect.signature(value).parameters.values()
    except (TypeError, ValueError):
        return []
    kinds = {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}
    return [p.name for p in parameters if p.default is p.empty and p.kind not in kinds]


def own_components(file: PythonFile) -> dict[str, str]:
    """From each name that a file defines to its group, where it belongs to one."""
    groups = {name: group_of(getattr(file.module, name)) for name in file.own_names}
    return {name: group for name, group in groups.items() if group is not None}
