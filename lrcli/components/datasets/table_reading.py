r"""Tables read from files by polars: CSV in pieces, Parquet as it is.

A CSV file has a line with the names of its columns, then a line for each row; text may stand in double quotes
("...", a quote in it twice), and then hold separators and line breaks (RFC 4180). It is read in pieces of
some 16 MB, so that a large one takes little more memory than its numbers do, and whoever watches sees how far
it has come. A column is one of numbers where most of its cells in the first piece are; other cells of it are
mistakes then. Numbers are read to the nearest in float64, as Python and NumPy do.

polars is imported inside the functions: it takes a third of a second.
"""

import contextlib
import csv
import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lrcli.components.datasets.base import Array
from lrcli.components.datasets.table_columns import (
    LARGEST,
    MOST_NAMED,
    MOST_VALUES,
    TOO_LARGE,
    Cells,
    Faults,
    NumberColumn,
    Table,
    TextColumn,
    Words,
    shown,
)
from lrcli.config.watching import tell
from lrcli.wording import one_line

if TYPE_CHECKING:
    import polars as pl

__all__ = ["BOOLEANS", "MISSING", "TableError", "is_parquet", "read_names", "read_table"]

_PIECE = 2**24  # bytes of a file that are looked at together
_LONGEST_HEADER = 2**20  # bytes
MISSING = ("", "NA", "N/A", "NaN", "nan", "NULL", "null", "n/a", "<NA>")
_CURE = "fill it in, or leave such rows out with dataset.missing: drop"  # of a cell without a value
BOOLEANS = {"false": 0.0, "true": 1.0}

_SEPARATORS = {";": '";"', "\t": 'a tab, "\\t"', "|": '"|"', ",": '","'}


class TableError(Exception):
    """A file that cannot be read as a table; its text says why and what to do."""


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
            import polars as pl

            return list(pl.read_parquet_schema(path))
        with path.open("rb") as file:
            return _header(file, separator)[0]


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
            return _read_parquet(path, wanted, drop_missing=drop_missing, cure=cure)
        return _CsvReader(path, separator, wanted, drop_missing=drop_missing, cure=cure).read()


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


def _header(file: io.BufferedReader, separator: str) -> tuple[list[str], int]:
    """The names of the columns, and how many lines of the file they take."""
    start = file.read(_LONGEST_HEADER)
    if not start.strip():
        raise TableError("is empty; its first line must name its columns")
    text = start.decode("utf-8-sig", errors="ignore" if len(start) == _LONGEST_HEADER else "strict")
    lines = io.StringIO(text, newline="")
    rows = csv.reader(lines, delimiter=separator)
    names = [name.strip() for name in next(rows)]
    if not any(names):
        raise TableError("has an empty first line; it must name the columns")
    if len(names) == 1:
        other = next((known for known in _SEPARATORS if known in names[0]), "")
        if other:
            raise TableError(
                f"has a single column, {shown(names[0])}; its cells seem to be separated by "
                f"{_SEPARATORS[other]}: set dataset.separator to that"
            )
    file.seek(len(text[: lines.tell()].encode()) + (3 if start.startswith(b"\xef\xbb\xbf") else 0))
    return names, rows.line_num


class _CsvReader:
    """Reads a CSV file from its beginning to its end.

    Attributes of a column while it is read: parts of numbers or of codes, one for each piece of the file.
    """

    def __init__(
        self, path: Path, separator: str, wanted: Sequence[str], *, drop_missing: bool, cure: str
    ) -> None:
        self._path, self._separator, self._cure = path, separator, cure
        self._wanted, self._drop = list(wanted), drop_missing
        self._faults = Faults("line")
        self._parts: dict[str, list[NDArray[Any]]] = {name: [] for name in wanted}
        self._words: dict[str, Words] = {}
        self._numbers: list[NDArray[np.int64] | range] = []
        self._plain = True  # row i is line i + 2
        self._left_out = 0

    def read(self) -> Table:
        """The table."""
        digest, size, line = hashlib.sha256(), self._path.stat().st_size, 1
        with self._path.open("rb") as file:
            self._names, lines = _header(file, self._separator)
            start = file.tell()
            file.seek(0)
            digest.update(file.read(start))
            line += lines
            for piece in _pieces(file):
                digest.update(piece)
                self._take(piece, line)
                line += piece.count(b"\n")
                tell(self._path, file.tell(), size)
        count = sum(map(len, self._numbers))
        columns = {name: self._column(name) for name in self._wanted}
        numbers = None if self._plain else np.concatenate(self._numbers)
        mistakes = tuple(self._faults.sentences())
        return Table(
            self._path, columns, count, numbers, "line", self._left_out, digest.hexdigest(), mistakes
        )

    def _column(self, name: str) -> NumberColumn | TextColumn:
        """A column as a whole; its parts are let go."""
        parts = self._parts.pop(name)
        words = self._words.get(name)
        if words is not None:
            return _boolean_or_text(words.sorted(np.concatenate([*parts, np.zeros(0, np.int32)])))
        return NumberColumn(np.concatenate([*parts, np.zeros(0)]))

    def _take(self, piece: bytes, line: int) -> None:
        """Add the rows of a piece that begins with a line."""
        frame, numbers = self._frame(piece, line)
        missing = np.zeros(len(numbers), dtype=bool)
        read = {}
        for name in self._wanted:
            values, absent = self._cells(name, frame[f"c{self._names.index(name)}"], numbers)
            read[name] = values
            missing |= absent
        if self._drop and missing.any():
            self._left_out += int(missing.sum())
            read = {name: values[~missing] for name, values in read.items()}
            numbers = numbers[~missing]
        for name, values in read.items():
            self._parts[name].append(values)
        first = sum(map(len, self._numbers)) + 2
        expected = range(first, first + len(numbers))
        plain = np.array_equal(numbers, expected)
        self._plain = self._plain and plain
        self._numbers.append(expected if plain else numbers)

    def _frame(self, piece: bytes, line: int) -> "tuple[pl.DataFrame, NDArray[np.int64]]":
        """The rows of a piece as text, and the line that each begins in."""
        import polars as pl

        schema: dict[str, Any] = {f"c{i}": pl.String for i in range(len(self._names))}
        numbers = {
            f"c{i}": pl.Float64
            for i, name in enumerate(self._names)
            if self._parts.get(name) and name not in self._words
        }
        with contextlib.suppress(pl.exceptions.PolarsError):  # it says neither line nor column
            frame = pl.read_csv(
                piece,
                has_header=False,
                schema=schema | numbers,
                separator=self._separator,
                null_values=list(MISSING),
            )
            lines = piece.count(b"\n") + (not piece.endswith(b"\n"))
            last = frame[:, -1].null_count() if frame.width > 1 else 0
            if frame.height == lines and not last:
                return frame, np.arange(line, line + frame.height, dtype=np.int64)
        return self._slowly(piece, line, schema)

    def _slowly(
        self, piece: bytes, line: int, schema: Mapping[str, Any]
    ) -> "tuple[pl.DataFrame, NDArray[np.int64]]":
        """Likewise, row by row: with line breaks in cells, empty lines, rows that are too short or long."""
        import polars as pl

        rows, numbers, wrong = [], [], Cells([], [])
        begins, reader = line, csv.reader(io.StringIO(piece.decode(), newline=""), delimiter=self._separator)
        for row in reader:
            if len(row) == len(self._names):
                rows.append([None if cell.strip() in MISSING else cell for cell in row])
                numbers.append(begins)
            elif any(cell.strip() for cell in row):
                wrong.numbers.append(begins)
                wrong.values.append(f"has {len(row)} cells")
            begins = line + reader.line_num
        if wrong.numbers:
            self._faults.add("", f" where the first line names {len(self._names)} columns", wrong)
        return pl.DataFrame(rows, schema=dict(schema), orient="row"), np.array(numbers, dtype=np.int64)

    def _cells(
        self, name: str, cells: "pl.Series", numbers: NDArray[np.int64]
    ) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """The numbers or codes of a column in a piece, and which have no value."""
        cells = _without_spaces(cells)
        absent = cells.is_null().to_numpy()
        if absent.any() and not self._drop:
            self._fault(name, f"no value; {self._cure}", absent, None, numbers)
        if name not in self._words:
            values = _as_numbers(cells)
            strange = np.isnan(values) & ~absent
            first = not self._parts[name]
            if not first or 2 * strange.sum() <= (~absent).sum():
                self._fault_numbers(name, cells, strange, numbers)
                infinite = np.isinf(values)
                self._fault(name, " is not finite", infinite, cells, numbers)
                self._fault(name, TOO_LARGE, (np.abs(values) > LARGEST) & ~infinite, cells, numbers)
                return values, absent
            self._words[name] = Words()
        words = self._words[name]
        text = cells.fill_null("")
        different = text.unique(maintain_order=True)
        if len(words) + len(different) > 2 * MOST_VALUES:
            different = different.head(2 * MOST_VALUES)
        codes = [words.code(word) if word else 0 for word in different.to_list()]
        found = text.replace_strict(different, codes, default=0, return_dtype=_int32())
        return found.to_numpy(), absent

    def _fault_numbers(
        self, name: str, cells: "pl.Series", strange: NDArray[np.bool_], numbers: NDArray[np.int64]
    ) -> None:
        cure = " is not a number, as the other cells of the column are"
        self._fault(name, cure, strange, cells, numbers)

    def _fault(
        self,
        name: str,
        kind: str,
        where: NDArray[np.bool_],
        cells: "pl.Series | None",
        numbers: NDArray[np.int64],
    ) -> None:
        rows = np.flatnonzero(where).tolist()
        if rows:
            values = ["" if cells is None else shown(cells[row]) for row in rows[:MOST_NAMED]]
            values += [""] * (len(rows) - len(values))
            self._faults.add(name, kind, Cells(numbers[rows].tolist(), values))


def _int32() -> Any:
    import polars as pl

    return pl.Int32


def _without_spaces(cells: "pl.Series") -> "pl.Series":
    """Cells without the spaces around them, of which those that say nothing are null."""
    import polars as pl

    if cells.dtype != pl.String:
        return cells
    stripped = cells.str.strip_chars()
    empty = stripped.is_in(MISSING).fill_null(value=False)
    return stripped.set(empty, None) if empty.any() else stripped


def _as_numbers(cells: "pl.Series") -> Array:
    """(n,) the numbers that text stands for; NaN where it stands for none."""
    import polars as pl

    if cells.dtype == pl.Float64:
        return np.array(cells.fill_null(np.nan).to_numpy(), dtype=np.float64)
    values = cells.cast(pl.Float64, strict=False)
    return np.array(values.fill_null(np.nan).to_numpy(), dtype=np.float64)


def _boolean_or_text(column: TextColumn) -> NumberColumn | TextColumn:
    """True and false, however they are written, as numbers."""
    values = [BOOLEANS.get(name.lower()) for name in column.names]
    known = [value for value in values if value is not None]
    if len(known) < len(values) or not known:
        return column
    return NumberColumn(np.array(known)[column.codes], is_boolean=True)


def _pieces(file: io.BufferedReader) -> Iterator[bytes]:
    """A file from where it is to its end, in pieces that end with a row."""
    rest = b""
    while True:
        more = file.read(_PIECE)
        piece = rest + more
        if not more:
            if piece.count(b'"') % 2:
                raise TableError("has a cell that begins with a double quote and does not end")
            if piece.strip():
                yield piece
            return
        end = _last_row(piece)
        if end:
            yield piece[:end]
        rest = piece[end:]


def _last_row(piece: bytes) -> int:
    """Where the last whole row ends; a line break within quotes ends none."""
    end = piece.rfind(b"\n") + 1
    quotes = piece.count(b'"', 0, end)
    while end and quotes % 2:
        before = piece.rfind(b"\n", 0, end - 1) + 1
        quotes -= piece.count(b'"', before, end)
        end = before
    return end


def _read_parquet(path: Path, wanted: Sequence[str], *, drop_missing: bool, cure: str) -> Table:
    import polars as pl

    size = path.stat().st_size
    frame = pl.read_parquet(path, columns=list(wanted))
    tell(path, size, size)
    faults = Faults("row")
    numbers: NDArray[np.int64] = np.arange(1, frame.height + 1, dtype=np.int64)
    absent = np.zeros(frame.height, dtype=bool)
    for name in wanted:
        none = _without_value(frame[name])
        absent |= none
        rows = numbers[none].tolist() if not drop_missing else []
        if rows:
            faults.add(name, f"no value; {cure}", Cells(rows, [""] * len(rows)))
    if drop_missing and absent.any():
        frame, numbers = frame.filter(pl.Series(~absent)), numbers[~absent]
    columns = {}
    for name in wanted:
        columns[name] = _parquet_column(name, frame.drop_in_place(name), numbers, faults)
    digest = _digest(path)
    left_out = int(absent.sum()) if drop_missing else 0
    return Table(path, columns, len(numbers), numbers, "row", left_out, digest, tuple(faults.sentences()))


def _without_value(cells: "pl.Series") -> NDArray[np.bool_]:
    """(N,) which cells of a Parquet column hold nothing: no number, or no letter as in a CSV file.

    There ``NA`` is a text as any other, since it has its own way to say that there is nothing.
    """
    import polars as pl

    if cells.dtype.is_float():
        cells = cells.fill_nan(None)
    elif _is_text(cells):
        cells = cells.cast(pl.String)
        blank = (cells.str.strip_chars() == "").fill_null(value=True)
        return np.asarray(blank.to_numpy())
    return np.asarray(cells.is_null().to_numpy())


def _is_text(cells: "pl.Series") -> bool:
    import polars as pl

    return cells.dtype in (pl.String, pl.Categorical) or isinstance(cells.dtype, pl.Enum)


def _parquet_column(
    name: str, cells: "pl.Series", numbers: NDArray[np.int64], faults: Faults
) -> NumberColumn | TextColumn:
    import polars as pl

    if cells.dtype == pl.Boolean:
        return NumberColumn(cells.fill_null(value=False).cast(pl.Float64).to_numpy(), is_boolean=True)
    if cells.dtype.is_numeric():
        values = np.array(cells.cast(pl.Float64).fill_null(np.nan).to_numpy(), dtype=np.float64)
        infinite = np.isinf(values)
        for kind, wrong in (
            (" is not finite", infinite),
            (TOO_LARGE, (np.abs(values) > LARGEST) & ~infinite),
        ):
            rows = numbers[wrong].tolist()
            if rows:
                faults.add(name, kind, Cells(rows, [f"{v:g}" for v in values[wrong].tolist()]))
        return NumberColumn(values)
    if _is_text(cells):
        words = Words()
        text = cells.cast(pl.String).fill_null("")
        different = text.unique(maintain_order=True).head(2 * MOST_VALUES)
        codes = [words.code(word) for word in different.to_list()]
        return words.sorted(
            text.replace_strict(different, codes, default=0, return_dtype=pl.Int32).to_numpy()
        )
    raise TableError(f"column {shown(name)} holds {cells.dtype}, which is neither numbers nor text")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
