"""What the results of runs and of sweeps have in common."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator

from lrcli.storage.digests import KeptFile
from lrcli.storage.result_schema import SCHEMA
from lrcli.wording import typed

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

__all__ = [
    "FileDigest",
    "Number",
    "Result",
    "SourceFiles",
    "StableRate",
    "Timing",
    "Value",
    "digests_of",
    "plain",
]


def _with_nan(value: Any) -> Any:
    """The same data with NaN in place of None, which is how JSON holds what is not finite."""
    if isinstance(value, list):
        return [_with_nan(item) for item in value]
    return math.nan if value is None else value


Number = Annotated[float, BeforeValidator(_with_nan)]  # one that is not finite is null in the file
Value = Annotated[Any, BeforeValidator(_with_nan)]  # a number, or lists of lists of numbers


@dataclass(frozen=True)
class FileDigest:
    """A file that was read.

    Attributes:
        file: its path, as it was given.
        sha256: of its content.
    """

    file: str
    sha256: str


@dataclass(frozen=True)
class SourceFiles(FileDigest):
    """What an experiment was read from: the file itself, and what was added to it.

    Attributes:
        extends: the files that it extends.
        overrides: the ``KEY=VALUE`` words of the command line.
        lesson: the files whose expectations took the place of its own.
    """

    extends: tuple[FileDigest, ...] = ()
    overrides: tuple[str, ...] = ()
    lesson: tuple[FileDigest, ...] = ()


def digests_of(files: Mapping[str, str]) -> tuple[FileDigest, ...]:
    """Files as a result keeps them: from path to the SHA-256 of the content."""
    return tuple(FileDigest(*each) for each in files.items())


@dataclass(frozen=True, kw_only=True)
class Result:
    """What every result says first: what it is of, and what it came from.

    Attributes:
        schema: the version of this record.
        command: ``train`` or ``sweep``, which tells results apart.
        name: of the experiment.
        source: what the experiment was read from; None where it was made otherwise.
        command_line: the program and its arguments; None under Python, and in files of earlier versions.
        started: when its directory was made, in ISO 8601 with the offset from UTC; empty in files of earlier
            versions.
        ended: likewise, when it ended, well or not; empty before that.
        data: the files that its examples were read from.
        status: how far it came.
        run_dir: where its files are, with slashes.
        files: the SHA-256 of each file beside it that is not going to change, by its path with slashes.
    """

    schema: int = SCHEMA
    command: str
    name: str
    source: SourceFiles | None = None
    command_line: tuple[str, ...] | None = None
    started: str = ""
    ended: str = ""
    data: tuple[FileDigest, ...] = ()
    status: str
    run_dir: str
    files: Mapping[str, str] = field(default_factory=dict)

    def file(self, directory: Path, name: str) -> KeptFile:
        """A file of the run or the sweep, whose reader then finds out whether it has been damaged.

        Args:
            directory: where the result was read.
            name: the file's path in it, with slashes.
        """
        if name in self.files:
            cure = f"have it made again by {typed('lrcli', 'resume', str(directory))}"
        else:
            again = typed("lrcli", self.command, str(directory / "experiment.yaml"))
            cure = f"train again with {again}"
        return KeptFile(directory / name, self.files.get(name), cure)


@dataclass(frozen=True)
class StableRate:
    """What is known of the learning rates that would have been stable, where training diverged.

    Attributes:
        largest_stable_rate: None where none is known.
        sense: what stable means, to be put behind "the largest stable rate"; empty where it needs no words.
        formula: how it follows from the curvature; empty where it does from more than that.
        curvature: the largest one; None where the rate follows from more than that.
        diagnostic: it is a sign, and no bound: the curvature changes with the parameters.
    """

    largest_stable_rate: float | None
    sense: str = ""
    formula: str = ""
    curvature: float | None = None
    diagnostic: bool = False


@dataclass(frozen=True)
class Timing:
    """Seconds.

    Attributes:
        train_seconds: in the engine, evaluations included.
        total_seconds: from the drawing of the data to the tables.
    """

    train_seconds: float
    total_seconds: float


def plain(record: "DataclassInstance") -> dict[str, Any]:
    """A record and the records in it as mappings, in the order of their fields; tuples as lists."""
    return {field.name: _plain(getattr(record, field.name)) for field in fields(record)}


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return plain(value)
    return list(map(_plain, value)) if isinstance(value, tuple) else value
