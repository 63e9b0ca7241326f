r"""Tables read from CSV files by polars, in pieces.

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

from lrcli.components.datasets.examples import Array
from lrcli.components.datasets.table_columns import (
    LARGEST,
    MOST_NAMED,
    MOST_VALUES,
    TOO_LARGE,
    Cells,
    Faults,
    NumberColumn,
    Table,
    TableError,
    TextColumn,
    Words,
    shown,
)
from lrcli.config.watching import tell

if TYPE_CHECKING:
    import polars as pl

__all__ = ["BOOLEANS", "MISSING", "CsvReader", "header"]

_PIECE = 2**24  # bytes of a file that are looked at together
_LONGEST_HEADER = 2**20  # bytes
MISSING = ("", "NA", "N/A", "NaN", "nan", "NULL", "null", "n/a", "<NA>")
BOOLEANS = {"false": 0.0, "true": 1.0}

_SEPARATORS = {";": '";"', "\t": 'a tab, "\\t"', "|": '"|"', ",": '","'}


def header(file: io.BufferedReader, separator: str) -> tuple[list[str], int]:
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


class CsvReader:
    """Reads a CSV file from its beginning to its end.

    Attributes of a column while it is read: parts of numbers or of codes, one for each piece of the file.
    """

    def __init__(
        self, path: Path, separator: str, wanted: Sequence[str], *, drop_missing: bool, cure: str
    ) -> None:
        self._path, self._separator = path, separator
        self._cure = cure
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
            self._names, lines = header(file, self._separator)
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
