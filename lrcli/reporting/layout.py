"""Tables in the width that there is: no number and no key is ever cut.

A table that is too wide for its terminal gets shorter headings, then no lines around it, then loses the
columns that say least; where even the others find no room, each row becomes a few lines of its own. In a
pipe or a file there is always room.
"""

import itertools
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from rich.box import SIMPLE_HEAD, Box
from rich.cells import cell_len
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from lrcli.reporting.text import ENDLESS, packed, print_text, wrapped
from lrcli.wording import one_line

__all__ = ["Column", "print_table"]

_INDENT = "  "


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        heading: what stands above it.
        cells: what stands in it, a text for each row.
        short: the heading where room is short; empty: the same.
        right: whether it is set to the right.
        rank: the columns of the lowest are always shown, those of the highest are left out first.
        wraps: its cells are sentences, which may be broken between words.
        note: a clause that stands below the table where the column is shown.
    """

    heading: str
    cells: Sequence[str | Text]
    short: str = ""
    right: bool = True
    rank: int = 0
    wraps: bool = False
    note: str = ""


def print_table(
    out: Console,
    columns: Sequence[Column],
    box: Box = SIMPLE_HEAD,
    caption: str = "",
    *,
    as_on_a_terminal: bool = False,
) -> None:
    """Print a table as wide as it may be; a column in which nothing stands is not shown.

    Args:
        out: where.
        columns: all of the same length.
        box: the lines around it, where there is room for them.
        caption: a sentence to stand below it, after the notes of its columns.
        as_on_a_terminal: no wider in a pipe or a file: it is to be read, not worked on.
    """
    limited = as_on_a_terminal or out.is_terminal or os.environ.get("COLUMNS")
    room = out.width if limited else ENDLESS
    columns = [column for column in columns if any(map(str, column.cells))]
    for shown, lines in _forms(columns, box):
        table = _fitted(out, shown, lines, room)
        if table is not None:
            _print_as_wide(out, table)
            kept = max(column.rank for column in shown)
            break
    else:
        for row in zip(*(column.cells for column in columns), strict=True):
            _print_row(out, columns, row, room)
        kept = max(column.rank for column in columns)
    notes = [column.note for column in columns if column.rank <= kept]
    left_out = [column.heading for column in columns if column.rank > kept and column.heading]
    if left_out:
        print_text(out, f"no room for {', '.join(left_out)}")
    said = "; ".join(filter(None, [*notes, caption]))
    if said:
        print_text(out, said)


def _forms(columns: Sequence[Column], box: Box) -> Iterator[tuple[Sequence[Column], Box]]:
    """The columns and the box to try, the best first."""
    yield columns, box
    short = [replace(column, heading=column.short or column.heading) for column in columns]
    yield short, box
    yield short, SIMPLE_HEAD
    for rank in sorted({column.rank for column in columns}, reverse=True)[:-1]:
        yield [column for column in short if column.rank < rank], SIMPLE_HEAD


def _fitted(out: Console, columns: Sequence[Column], box: Box, room: int) -> Table | None:
    """The table, its sentences broken where they must be; None where it has no room."""
    widest = [max(map(cell_len, _texts(column))) for column in columns]
    longest = [
        max(cell_len(word) for text in _texts(column) for word in text.split(" ")) for column in columns
    ]
    table = _table(columns, box, widest)
    missing = _natural_width(out, table) - room
    if missing <= 0:
        return table
    spare = [
        (wide - word) * column.wraps for column, wide, word in zip(columns, widest, longest, strict=True)
    ]
    if missing > sum(spare):
        return None
    taken = [-(-part * missing // sum(spare)) for part in itertools.accumulate(spare, initial=0)]
    given_up = (after - before for before, after in itertools.pairwise(taken))
    return _table(columns, box, [wide - less for wide, less in zip(widest, given_up, strict=True)])


def _texts(column: Column) -> list[str]:
    """Everything that stands in a column."""
    return [one_line(text) for text in (column.heading, *column.cells)]


def _table(columns: Sequence[Column], box: Box, widths: Sequence[int]) -> Table:
    compact = box is SIMPLE_HEAD
    table = Table(box=box, padding=(0, 0, 0, 1) if compact else (0, 1), show_edge=not compact)
    for column, width in zip(columns, widths, strict=True):
        justify: Literal["left", "right"] = "right" if column.right else "left"
        table.add_column(
            Text(one_line(column.heading)), justify=justify, no_wrap=not column.wraps, width=width
        )
    for row in zip(*(column.cells for column in columns), strict=True):
        table.add_row(*(Text(one_line(cell)) if isinstance(cell, str) else cell for cell in row))
    return table


def _print_as_wide(out: Console, table: Table) -> None:
    """Print a table that may be wider than the console takes itself for."""
    width, out.width = out.width, max(out.width, _natural_width(out, table))
    out.print(table)
    out.width = width


def _natural_width(out: Console, table: Table) -> int:
    """How wide a table is where nothing limits it."""
    return Measurement.get(out, out.options.update(width=ENDLESS), table).maximum


def _print_row(out: Console, columns: Sequence[Column], row: Sequence[str | Text], room: int) -> None:
    """A row as headings and cells, one after the other in as many lines as they need."""
    items = [
        one_line(f"{column.short or column.heading} {cell}".strip())
        for column, cell in zip(columns, row, strict=True)
        if str(cell)
    ]
    for line in packed(items, room, _INDENT):
        out.print("\n".join(wrapped(line, room, _INDENT)), soft_wrap=True)
