"""The columns of a table, and what is wrong with its cells."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lrcli.components.datasets.examples import Array
from lrcli.wording import one_line

__all__ = [
    "LARGEST",
    "MOST_NAMED",
    "MOST_VALUES",
    "TOO_LARGE",
    "Cells",
    "Faults",
    "NumberColumn",
    "Table",
    "TableError",
    "TextColumn",
    "Words",
    "is_number",
    "shown",
]

LARGEST = 1e38  # of a number; beyond it float32 has none, nor float64 its square
MOST_VALUES = 1000  # different ones in a column of text; more are names, not kinds
MOST_NAMED = 20  # mistakes of a kind in a column that are named one by one
TOO_LARGE = f" is larger than {LARGEST:g}; give the column in another unit"  # ends a sentence about a cell
_LONGEST = 40  # letters of a cell


class TableError(Exception):
    """A file that cannot be read as a table; its text says why and what to do."""


@dataclass(frozen=True, eq=False)
class NumberColumn:
    """A column of numbers.

    Attributes:
        values: (N,).
        is_boolean: they were written as true and false, and are 1 and 0.
    """

    values: Array
    is_boolean: bool = False

    @property
    def num_bytes(self) -> int:
        """Of its array."""
        return self.values.nbytes


@dataclass(frozen=True, eq=False)
class TextColumn:
    """A column of text.

    Attributes:
        codes: (N,) which of the names each row has.
        names: the different values, sorted.
    """

    codes: NDArray[np.int32]
    names: tuple[str, ...]

    @property
    def num_bytes(self) -> int:
        """Of its array."""
        return self.codes.nbytes


@dataclass(frozen=True, eq=False)
class Table:
    """What was read of a file.

    Attributes:
        path: of the file.
        columns: those that were asked for, by name.
        size: N, the rows.
        numbers: (N,) what each row is called: its line in a text file, its number from 1 in Parquet; None
            where row i is line i + 2.
        unit: ``line`` or ``row``.
        left_out: rows that were left out because a value is missing.
        sha256: of the file's content.
        mistakes: what is wrong with the cells, a sentence each; where there are any, the columns may lack
            rows.
    """

    path: Path
    columns: Mapping[str, "NumberColumn | TextColumn"]
    size: int
    numbers: NDArray[np.int64] | None
    unit: str
    left_out: int
    sha256: str
    mistakes: tuple[str, ...]

    @property
    def num_bytes(self) -> int:
        """Of its arrays."""
        named = 0 if self.numbers is None else self.numbers.nbytes
        return named + sum(column.num_bytes for column in self.columns.values())

    def row_name(self, row: int) -> str:
        """What a row is called, such as ``line 7``."""
        number = row + 2 if self.numbers is None else int(self.numbers[row])
        return f"{self.unit} {number:,}"


def shown(value: object) -> str:
    """A cell or a name within a message, in quotes; `repr` gives codes for what a terminal would obey."""
    text = str(value)
    return one_line(repr(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."))


def is_number(text: str) -> bool:
    """Whether text stands for a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True


@dataclass
class Faults:
    """What is wrong with cells: of each column the first of each kind are named, the rest is counted."""

    unit: str
    _named: list[tuple[int, str]] = field(default_factory=list)
    _counts: dict[tuple[str, str], int] = field(default_factory=dict)

    def add(self, column: str, kind: str, cells: "Cells") -> None:
        """Note cells of a column that are wrong in the same way.

        Args:
            column: its name; empty where whole lines are wrong.
            kind: what is wrong, the end of a sentence.
            cells: where, and what stands there.
        """
        before = self._counts.get((column, kind), 0)
        of_column = f", column {shown(column)}" if column else ""
        shown_cells = list(zip(cells.numbers, cells.values, strict=True))[: max(0, MOST_NAMED - before)]
        for number, value in shown_cells:
            self._named.append((number, f"{self.unit} {number:,}{of_column}: {value}{kind}"))
        self._counts[column, kind] = before + len(cells.numbers)

    def sentences(self) -> Iterator[str]:
        """Each that is named, in the order of the file, and how many more there are."""
        yield from (text for _, text in sorted(self._named, key=lambda pair: pair[0]))
        for (column, kind), count in self._counts.items():
            if count > MOST_NAMED:
                where = f"column {shown(column)}: " if column else ""
                more = f"{count - MOST_NAMED:,} more such {'cell' if column else 'line'}"
                yield f"{where}{more}{'s' if count > MOST_NAMED + 1 else ''} ({kind.strip()})"


@dataclass(frozen=True)
class Cells:
    """Some cells of a column.

    Attributes:
        numbers: of their lines or rows.
        values: what stands there, as a message says it; empty where that needs no words.
    """

    numbers: list[int]
    values: list[str]


class Words:
    """The different values of a column of text, in the order in which they come up."""

    def __init__(self) -> None:
        self._codes: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._codes)

    def code(self, word: str) -> int:
        """The number of a value, a new one if need be."""
        return self._codes.setdefault(word, len(self._codes))

    def sorted(self, codes: NDArray[np.int32]) -> TextColumn:
        """The column of these values, whose names are in the order of the alphabet.

        A value that no row has, since rows with it were left out, is none of them.
        """
        there = np.bincount(codes, minlength=len(self._codes)) > 0
        names = sorted(name for name, code in self._codes.items() if there[code])
        ranks = np.zeros(len(there), dtype=np.int32)
        for rank, name in enumerate(names):
            ranks[self._codes[name]] = rank
        return TextColumn(ranks[codes], tuple(names))
