"""Reading results again: result.json of any schema up to this version's own."""

import json
import os
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from lrcli.errors import RunDirectoryError
from lrcli.storage.beginnings import Command, command_of_experiment
from lrcli.storage.finding import why_no_result
from lrcli.storage.result_schema import COMMANDS, what_is_wrong
from lrcli.storage.run_result import RunResult
from lrcli.storage.sweep_result import SweepResult

__all__ = ["begun_command", "find_result", "read_result"]

_Result = RunResult | SweepResult
_MOST_SHOWN = 10  # mistakes
_BEGINNING = re.compile(rb'\{\s*"schema"')  # of every result that lrcli has written


def read_result(path: Path) -> _Result:
    """The result of a run or a sweep.

    Keys that this version does not know are left out; what is not finite, null in the file, is NaN.

    Args:
        path: of result.json, or of the directory that holds it.

    Raises:
        RunDirectoryError: there is none, it cannot be read, has been damaged or edited, or a newer lrcli has
            written it.
    """
    found = find_result(path)
    if found is None:
        why = why_no_result(path)
        if why:
            raise RunDirectoryError(f"{path}: {why}")
        raise RunDirectoryError(
            f"{path}: holds no result of a run or a sweep; name its directory or its result.json"
        )
    return found


def find_result(path: Path) -> _Result | None:
    """Likewise, but None where there is no result.

    Raises:
        RunDirectoryError: it cannot be read, has been damaged or edited, or a newer lrcli has written it.
    """
    file = path / "result.json" if os.path.isdir(path) else path  # noqa: PTH112 - that of pathlib raises
    content = _bytes(file)
    data = _mapping(content)
    _refuse_damage(file, content, data)
    if data.get("command") not in COMMANDS:
        return None
    try:
        return _validator().validate_python(data)
    except ValidationError as error:
        found = [f"{'.'.join(map(str, one['loc'][1:]))}: {one['msg']}" for one in error.errors()]
        raise RunDirectoryError(
            f"{file}: has been damaged; mend it, or train again:", found[:_MOST_SHOWN]
        ) from None


def _refuse_damage(file: Path, content: bytes, data: Mapping[str, Any]) -> None:
    """Refuse a result that is not as it was written, or that this version cannot understand.

    Args:
        file: that holds it.
        content: of the file.
        data: what it says.

    Raises:
        RunDirectoryError: it is such a result.
    """
    wrong = what_is_wrong(content, data)
    if wrong and (data.get("command") in COMMANDS or _BEGINNING.match(content)):
        raise RunDirectoryError(f"{file}: {wrong}")


def begun_command(directory: Path) -> Command | None:
    """What was begun in a directory, also where it was killed before it had a result; None: neither.

    Raises:
        RunDirectoryError: there is a result, and it has been damaged.
    """
    result = find_result(directory / "result.json")
    if result is not None:
        return result.command
    return command_of_experiment(directory / "experiment.yaml")


def _bytes(file: Path) -> bytes:
    """The content of a file; nothing where there is none.

    Raises:
        RunDirectoryError: it is there and cannot be read.
    """
    try:
        return file.read_bytes() if os.path.isfile(file) else b""  # noqa: PTH113 - a pipe would never end
    except (FileNotFoundError, ValueError):  # ValueError: the system has no such characters in names
        return b""
    except OSError as error:
        raise RunDirectoryError(f"{file}: cannot be read: {error.strerror or error}") from None


def _mapping(content: bytes) -> dict[str, Any]:
    """The mapping that JSON says; an empty one where it says none."""
    try:
        data = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


@cache
def _validator() -> TypeAdapter[_Result]:
    """Made when it is needed, which takes milliseconds."""
    return TypeAdapter(Annotated[_Result, Field(discriminator="command")])
