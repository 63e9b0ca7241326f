"""Tables read from files, CSV or Parquet as the name of the file says."""

import contextlib
import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from lrcli.components.datasets.table_columns import Table, TableError
from lrcli.components.datasets.table_csv import CsvReader, header
from lrcli.components.datasets.table_parquet import read_parquet, read_parquet_names
from lrcli.wording import one_line

__all__ = ["TableError", "is_parquet", "read_names", "read_table"]

_CURE = "fill it in, or leave such rows out with dataset.missing: drop"  # of a cell without a value


def is_parquet(path: Path) -> bool:
    """Whether a file is read as Parquet: its name says so."""
    return path.suffix.lower() in {".parquet", ".pq"}


def read_names(path: Path, separator: str) -> list[str]:
    """The names of a file's columns.

    Raises:
        TableError: there is no file, or no names in it.
    """
    with _opening(path):
        if is_parquet(path):
            return read_parquet_names(path)
        with path.open("rb") as file:
            return header(file, separator)[0]


def read_table(
    path: Path, separator: str, wanted: Sequence[str], *, drop_missing: bool, cure: str = _CURE
) -> Table:
    """Some columns of a file.

    Args:
        path: of the file.
        separator: between the cells of a CSV file.
        wanted: the names of the columns, each once in the file.
        drop_missing: rows in which one of these has no value are left out; else they are mistakes.
        cure: what to do then, the end of a sentence.

    Raises:
        TableError: it cannot be read at all.
    """
    with _opening(path):
        if is_parquet(path):
            return read_parquet(path, wanted, drop_missing=drop_missing, cure=cure)
        return CsvReader(path, separator, wanted, drop_missing=drop_missing, cure=cure).read()


@contextlib.contextmanager
def _opening(path: Path) -> Iterator[None]:
    """What the system and polars say of a file, as a `TableError`."""
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise TableError(f"{one_line(path)} is no ordinary file; it is read more than once")
    try:
        yield
    except FileNotFoundError:
        raise TableError(f"there is no file {one_line(path)}") from None
    except IsADirectoryError:
        raise TableError(f"{one_line(path)} is a directory, not a file") from None
    except OSError as error:
        raise TableError(f"{one_line(path)} cannot be read: {error.strerror or error}") from None
    except (TableError, UnicodeDecodeError, csv.Error) as error:
        raise TableError(f"{one_line(path)}: {_said(error)}") from None
    except Exception as error:
        if type(error).__module__.split(".")[0] != "polars":
            raise
        raise TableError(f"{one_line(path)} cannot be read: {_said(error)}") from None


def _said(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "is not UTF-8 text; save it as UTF-8 (in a spreadsheet: CSV UTF-8)"
    return (str(error).splitlines() or [type(error).__name__])[0]
