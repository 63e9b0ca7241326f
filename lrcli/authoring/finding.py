"""Which components a Python file of the user's defines, for `lrcli test`."""

from collections.abc import Iterator, Mapping
from typing import Any

from lrcli.components.python_file import PythonFile, open_file
from lrcli.components.registry import GROUPS
from lrcli.components.user_code import FromFile
from lrcli.errors import CodeError, UsageError

__all__ = ["components_of", "left_out"]


def components_of(
    path: str, name: str | None, args: Mapping[str, Any], outputs: int | None
) -> Iterator[tuple[str, FromFile]]:
    """The components of a file, each with its group.

    Args:
        path: of the file.
        name: of the only one; None: all of which the file says enough.
        args: that they are made with.
        outputs: O, which a loss must be told.

    Raises:
        CodeError: the file cannot be run, or has no such name.
        UsageError: there is nothing that could be one.
    """
    from lrcli.engines.torch.user_kinds import group_of, needed, own_components

    file = open_file(path)
    if name is not None:
        group = group_of(file.named(name)) or ("model" if not needed(file.named(name)) else None)
        if group is None:
            raise UsageError(f"{path}: {name} is no model, loss, dataset or optimizer: see lrcli describe")
        found = {name: group}
    else:
        found = {each: group for each, group in own_components(file).items() if each not in left_out(file)}
    if not found:
        raise CodeError(
            f"{path}: defines no model, loss, dataset or optimizer that could be made without args"
        )
    for each, group in found.items():
        keys: dict[str, Any] = {"path": path, "name": each, "args": dict(args)}
        if group == "loss" and outputs:
            keys["outputs"] = outputs
        kind = "module" if group == "model" else "python"
        yield group, GROUPS[group][kind].model_validate({"kind": kind, **keys})  # type: ignore[misc]


def left_out(file: PythonFile) -> dict[str, list[str]]:
    """The classes that cannot be made without arguments, such as layers, and what they need."""
    from lrcli.engines.torch.user_kinds import needed, own_components

    free = {"dataset": 0, "loss": 0, "model": 0, "optimizer": 0}
    missing = {}
    for name, group in own_components(file).items():
        value = getattr(file.module, name)
        is_rule = group == "optimizer" and needed(value)[:1] == ["params"]
        if isinstance(value, type) and not is_rule and len(needed(value)) > free[group]:
            missing[name] = needed(value)
    return missing
