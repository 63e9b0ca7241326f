"""Reading results again: result.json of any schema up to this version's own."""

import json
import os
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from lrcli.errors import RunDirectoryError
from lrcli.storage.digests import is_sealed
from lrcli.storage.finding import why_no_result
from lrcli.storage.result_fields import SCHEMA
from lrcli.storage.run_result import RunResult
from lrcli.storage.sweep_result import SweepResult

__all__ = ["begun_command", "experiment_comment", "find_result", "read_result"]

Command = Literal["train", "sweep"]

_Result = RunResult | SweepResult
_MOST_SHOWN = 10  # mistakes
_COMMANDS = ("train", "sweep")
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
    if data.get("command") not in _COMMANDS:
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
    schema = data.get("schema", SCHEMA)
    is_number, whole = type(schema) is int, is_sealed(content)
    if "command" in data and is_number and schema > SCHEMA and (whole or "sha256" not in data):
        raise RunDirectoryError(
            f"{file}: is of schema {schema}, from a newer lrcli; this one knows {SCHEMA}: update lrcli"
        )
    of_lrcli = data.get("command") in _COMMANDS
    without_digest = of_lrcli and is_number and schema == 1 and "sha256" not in data
    sound = (whole and not of_lrcli) or (whole and is_number and schema >= 1) or without_digest
    if not sound and (of_lrcli or _BEGINNING.match(content)):
        raise RunDirectoryError(f"{file}: has been damaged or edited by hand; train again")


def experiment_comment(command: Command) -> str:
    """The first line of the experiment.yaml in a directory."""
    what = "run" if command == "train" else "sweep"
    return f"Resolved by lrcli; `lrcli {command}` on this file repeats the {what}."


def begun_command(directory: Path) -> Command | None:
    """What was begun in a directory, also where it was killed before it had a result; None: neither.

    Raises:
        RunDirectoryError: there is a result, and it has been damaged.
    """
    result = find_result(directory / "result.json")
    if result is not None:
        return result.command
    try:
        with (directory / "experiment.yaml").open(encoding="utf-8", errors="replace") as file:
            first = file.readline().strip().removeprefix("# ")
    except OSError:
        return None
    commands: tuple[Command, ...] = ("train", "sweep")
    return next((command for command in commands if first == experiment_comment(command)), None)


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
