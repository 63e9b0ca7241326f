"""Reading tables again: a run's metrics.csv and path.npz, a sweep's results.csv, curves.npz and others."""

import csv
import itertools
import math
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from lrcli.storage.array_file import StoredArray, arrays_in, stored_arrays
from lrcli.storage.digests import KeptFile
from lrcli.storage.history import History
from lrcli.storage.parameter_path import ParameterPath
from lrcli.storage.tables import swept_value

__all__ = [
    "MemberTable",
    "StudyTable",
    "SummaryTable",
    "find_arrays",
    "find_curves",
    "read_arrays",
    "read_curves",
    "read_members",
    "read_metrics",
    "read_parameters",
    "read_path",
    "read_study",
    "read_summary",
]

Array = NDArray[np.float64]
_ROWS = 2**15  # of a table, that are texts at a time
_INTEGERS = ("member", "seed", "diverged_step", "epochs")


@dataclass(frozen=True, eq=False)
class MemberTable:
    """results.csv: what has become of the M members of a sweep.

    Attributes:
        member: (M,) their numbers, from 0.
        seed: (M,) their seeds.
        values: from swept key to a value for each member; None where it is null or there is none.
        status: (M,) completed, stopped_early, diverged or interrupted; one object for each word.
        outcome: (M,) likewise, as `lrcli.analysis.outcomes` defines it.
        diverged_step: (M,) the step that broke it; 0: it has not diverged.
        epochs: (M,) epochs finished.
        numbers: from the name of a further column, such as ``val/loss``, ``best/val/loss`` or ``error/w[0]``,
            to its numbers, (M,); NaN where there is none.
    """

    member: NDArray[np.int64]
    seed: NDArray[np.int64]
    values: Mapping[str, tuple[Any, ...]]
    status: NDArray[Any]
    outcome: NDArray[Any]
    diverged_step: NDArray[np.int64]
    epochs: NDArray[np.int64]
    numbers: Mapping[str, Array]


@dataclass(frozen=True, eq=False)
class SummaryTable:
    """summary.csv: the C configurations of a sweep, in the order of its grid.

    Attributes:
        values: from swept key to a value for each; None where it is null or there is none.
        n: (C,) members of each.
        diverged: (C,) how many of them diverged.
        numbers: from the name of a further column, such as ``median``, to its numbers, (C,); NaN where there
            is none.
    """

    values: Mapping[str, tuple[Any, ...]]
    n: NDArray[np.int64]
    diverged: NDArray[np.int64]
    numbers: Mapping[str, Array]


@dataclass(frozen=True, eq=False)
class StudyTable:
    """recovery.csv: what the seeds say together about each parameter of each configuration, L rows.

    Attributes:
        values: from swept key to a value for each row; None where it is null or there is none.
        parameter: (L,) such as ``w[0]``.
        n: (L,) members of the configuration.
        diverged: (L,) how many of them diverged.
        numbers: from the name of a further column, such as ``bias``, to its numbers, (L,); NaN where there is
            none.
    """

    values: Mapping[str, tuple[Any, ...]]
    parameter: NDArray[np.str_]
    n: NDArray[np.int64]
    diverged: NDArray[np.int64]
    numbers: Mapping[str, Array]


def read_metrics(file: Path | KeptFile) -> History:
    """A run's metrics.csv.

    Args:
        file: it; of `Result.file` it is known whether it is as it was written. So for each reader here.

    Raises:
        RunDirectoryError: it is not there, or has been damaged.
    """
    with _refusing_damage(file) as kept:
        columns = _columns(kept)
        epoch, step = (np.array(columns.pop(name), dtype=np.int64) for name in ("epoch", "step"))
        return History(epoch, step, {name: _numbers(cells)[None] for name, cells in columns.items()})


def read_curves(file: Path | KeptFile) -> History:
    """A sweep's curves.npz.

    Raises:
        RunDirectoryError: it is not there, or has been damaged.
    """
    epoch, step, metrics = _record_arrays(file)
    with _refusing_damage(file):
        _refuse_other_records({"epoch": epoch, "step": step, **metrics})
        return History(epoch, step, metrics)


def _refuse_other_records(arrays: Mapping[str, NDArray[Any] | StoredArray]) -> None:
    """Refuse arrays of curves.npz that have not all the same records.

    Raises:
        ValueError: they have not.
    """
    records = {each.shape[-1:] for each in arrays.values()}
    lacking = not {"epoch", "step"} <= arrays.keys()
    flat = any(len(each.shape) != 2 for name, each in arrays.items() if name not in ("step", "epoch"))
    if lacking or flat or len(records) != 1 or records == {()}:
        raise ValueError("its arrays have not the same records")


def find_curves(file: KeptFile) -> dict[str, StoredArray]:
    """Where the metrics of a sweep's curves.npz lie, (M, T) each.

    Raises:
        RunDirectoryError: it is not there, or has been damaged.
    """
    with _refusing_damage(file):
        arrays = find_arrays(file)
        _refuse_other_records(arrays)
        metrics = {name: each for name, each in arrays.items() if name not in ("step", "epoch")}
        if any(each.dtype != np.float64 for each in metrics.values()):
            raise ValueError
        return metrics


def read_path(file: Path | KeptFile) -> ParameterPath:
    """A run's path.npz.

    Raises:
        RunDirectoryError: it is not there, or has been damaged.
    """
    epoch, step, parameters = _record_arrays(file)
    with _refusing_damage(file):
        if epoch.ndim != 1 or step.shape != epoch.shape or not len(epoch):
            raise ValueError
        if any(len(values) != len(epoch) for values in parameters.values()):
            raise ValueError
        return ParameterPath(epoch, step, parameters)


def _record_arrays(
    file: Path | KeptFile,
) -> tuple[NDArray[np.int64], NDArray[np.int64], dict[str, Array]]:
    """The epoch and the step of each record, and the other arrays of a file, which are numbers.

    Raises:
        RunDirectoryError: it is not there, has been damaged, or lacks these.
    """
    arrays = read_arrays(file)
    with _refusing_damage(file):
        epoch, step = (arrays.pop(name).astype(np.int64, casting="safe") for name in ("epoch", "step"))
        return (
            epoch,
            step,
            {name: values.astype(np.float64, casting="safe") for name, values in arrays.items()},
        )


def read_parameters(file: Path | KeptFile) -> dict[str, Array]:
    """Parameters by their names, such as those in checkpoint/last.npz.

    Raises:
        RunDirectoryError: it is not there, or has been damaged.
    """
    arrays = read_arrays(file)
    with _refusing_damage(file):
        return {name: values.astype(np.float64, casting="safe") for name, values in arrays.items()}


def find_arrays(file: KeptFile) -> dict[str, StoredArray]:
    """Where the named arrays of an .npz file lie, to be read one by one.

    Raises:
        RunDirectoryError: it is not there, or has been damaged.
    """
    with _refusing_damage(file) as kept, kept.open() as stream:
        return stored_arrays(kept.path, stream)


def read_arrays(file: Path | KeptFile) -> dict[str, NDArray[Any]]:
    """The named arrays of an .npz file.

    Raises:
        RunDirectoryError: it is not there, or has been damaged.
    """
    with _refusing_damage(file) as kept, kept.open() as stream:
        return arrays_in(stream, os.fstat(stream.fileno()).st_size)


def read_members(file: Path | KeptFile) -> MemberTable:
    """A sweep's results.csv.

    Raises:
        RunDirectoryError: it is not there, or has been damaged.
    """
    with _refusing_damage(file) as kept:
        blocks = [_members_of(columns) for columns in _blocks(kept)]
        keys, names = (tuple(getattr(blocks[0], table)) for table in ("values", "numbers"))
        arrays = ("member", "seed", "status", "outcome", "diverged_step", "epochs")
        found = {name: np.concatenate([getattr(block, name) for block in blocks]) for name in arrays}
        return MemberTable(
            values={key: tuple(itertools.chain(*(block.values[key] for block in blocks))) for key in keys},
            numbers={name: np.concatenate([block.numbers[name] for block in blocks]) for name in names},
            **found,
        )


def _members_of(columns: dict[str, Sequence[str]]) -> MemberTable:
    """Some rows of results.csv.

    Raises:
        ValueError: a column is missing, or a cell is not what it should be; so do KeyError and OverflowError.
    """
    names = list(columns)
    keys = names[names.index("seed") + 1 : names.index("status")]
    values = {key: _swept(columns.pop(key)) for key in keys}
    found: dict[str, Any] = {
        name: np.array([cell or "0" for cell in columns.pop(name)], dtype=np.int64) for name in _INTEGERS
    }
    for name in ("status", "outcome"):
        found[name] = np.array([sys.intern(word) for word in columns.pop(name)], dtype=object)
    return MemberTable(
        values=values, numbers={name: _numbers(cells) for name, cells in columns.items()}, **found
    )


def _swept(cells: Sequence[str]) -> tuple[Any, ...]:
    """The values of a swept key: equal ones are one object."""
    values = {cell: swept_value(cell) for cell in set(cells)}
    return tuple(map(values.__getitem__, cells))


def read_summary(file: Path | KeptFile) -> SummaryTable:
    """A sweep's summary.csv.

    Raises:
        RunDirectoryError: it is not there, or has been damaged.
    """
    with _refusing_damage(file) as kept:
        columns = _columns(kept)
        values = _swept_before("n", columns)
        return SummaryTable(values, *_counts_and_numbers(columns))


def read_study(file: Path | KeptFile) -> StudyTable:
    """A sweep's recovery.csv.

    Raises:
        RunDirectoryError: it is not there, or has been damaged.
    """
    with _refusing_damage(file) as kept:
        columns = _columns(kept)
        values = _swept_before("parameter", columns)
        parameter = np.array(columns.pop("parameter"), dtype=np.str_)
        return StudyTable(values, parameter, *_counts_and_numbers(columns))


def _swept_before(name: str, columns: dict[str, Sequence[str]]) -> dict[str, tuple[Any, ...]]:
    """The columns of swept keys, which stand before one of some name; they are taken out."""
    names = list(columns)
    return {key: tuple(map(swept_value, columns.pop(key))) for key in names[: names.index(name)]}


def _counts_and_numbers(
    columns: dict[str, Sequence[str]],
) -> tuple[NDArray[np.int64], NDArray[np.int64], dict[str, Array]]:
    """The columns n and diverged, and all others that are left."""
    n, diverged = (np.array(columns.pop(name), dtype=np.int64) for name in ("n", "diverged"))
    return n, diverged, {key: _numbers(cells) for key, cells in columns.items()}


def _columns(kept: KeptFile) -> dict[str, Sequence[str]]:
    """The cells of each column below its name; see `_blocks`."""
    blocks = list(_blocks(kept))
    return {name: list(itertools.chain(*(block[name] for block in blocks))) for name in blocks[0]}


def _blocks(kept: KeptFile) -> Iterator[dict[str, Sequence[str]]]:
    """The cells of each column below its name, some rows at a time; one block at least.

    Raises:
        RunDirectoryError: the file is not as it was written.
        ValueError: a row is longer or shorter than the first, two columns have one name, or the last line
            does not end.
    """
    with kept.open_text() as file:
        rows = csv.reader(_whole_lines(file))
        header = next(rows, [])
        if not header or len(set(header)) < len(header):
            raise ValueError("has no header, or two columns of one name")
        block = list(itertools.islice(rows, _ROWS))
        while True:
            if any(len(row) != len(header) for row in block):
                raise ValueError("rows differ in length")
            columns = zip(*block, strict=True) if block else ([] for _ in header)
            yield dict(zip(header, columns, strict=True))
            block = list(itertools.islice(rows, _ROWS))
            if not block:
                return


def _whole_lines(file: TextIO) -> Iterator[str]:
    """The lines of a file.

    Raises:
        ValueError: the last one does not end.
    """
    for line in file:
        if not line.endswith("\n"):
            raise ValueError("is not whole")
        yield line


def _numbers(cells: Sequence[str]) -> Array:
    return np.array([float(cell) if cell else math.nan for cell in cells])


@contextmanager
def _refusing_damage(file: Path | KeptFile) -> Iterator[KeptFile]:
    kept = file if isinstance(file, KeptFile) else KeptFile(file)
    try:
        yield kept
    except OSError as error:
        raise kept.unreadable(error) from None
    except (ValueError, TypeError, KeyError, OverflowError, csv.Error):
        raise kept.damaged() from None
