"""Text and tables in the width that there is: no number and no key is ever cut.

A table that is too wide for its terminal gets shorter headings, then no lines around it, then loses the
columns that say least; where even the others find no room, each row becomes a few lines of its own. In a
pipe or a file there is always room.
"""

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

from lrcli.wording import one_line, printable

__all__ = ["Column", "print_table", "print_text", "wrapped"]

_ENDLESS = 100_000  # characters
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
    """

    heading: str
    cells: Sequence[str | Text]
    short: str = ""
    right: bool = True
    rank: int = 0
    wraps: bool = False


def print_text(out: Console, text: str) -> None:
    """Print a text; on a terminal its lines are broken between words."""
    if out.is_terminal:
        text = printable(text)
        text = "\n".join(part for line in text.split("\n") for part in wrapped(line, out.width))
    out.print(text, soft_wrap=True)


def wrapped(line: str, width: int) -> list[str]:
    """A line in as many as it needs, broken at spaces only; a word that is longer than a line stays whole."""
    if cell_len(line) <= width:
        return [line]
    lines = [""]
    for word in line.split(" "):
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if cell_len(longer) <= width or not lines[-1].strip():
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def print_table(out: Console, columns: Sequence[Column], box: Box = SIMPLE_HEAD, caption: str = "") -> None:
    """Print a table as wide as it may be.

    Args:
        out: where.
        columns: all of the same length.
        box: the lines around it, where there is room for them.
        caption: a sentence to stand below it.
    """
    room = out.width if out.is_terminal or os.environ.get("COLUMNS") else _ENDLESS
    fitting = (form for form in _forms(columns, box) if _measured(out, _table(*form)).minimum <= room)
    form = next(fitting, None)
    if form is None:
        for row in zip(*(column.cells for column in columns), strict=True):
            _print_row(out, columns, row, room)
        left_out = []
    else:
        table = _table(*form)
        width, out.width = out.width, max(out.width, min(room, _measured(out, table).maximum))
        out.print(table)
        out.width = width
        kept = max(column.rank for column in form[0])
        left_out = [column.heading for column in columns if column.rank > kept]
    if left_out:
        print_text(out, f"no room for {', '.join(left_out)}")
    if caption:
        print_text(out, caption)


def _forms(columns: Sequence[Column], box: Box) -> Iterator[tuple[Sequence[Column], Box]]:
    """The columns and the box to try, the best first."""
    yield columns, box
    short = [replace(column, heading=column.short or column.heading) for column in columns]
    yield short, box
    yield short, SIMPLE_HEAD
    for rank in sorted({column.rank for column in columns}, reverse=True)[:-1]:
        yield [column for column in short if column.rank < rank], SIMPLE_HEAD


def _table(columns: Sequence[Column], box: Box) -> Table:
    compact = box is SIMPLE_HEAD
    table = Table(box=box, padding=(0, 0, 0, 1) if compact else (0, 1), show_edge=not compact)
    for column in columns:
        justify: Literal["left", "right"] = "right" if column.right else "left"
        widest = max(cell_len(one_line(text)) for text in (column.heading, *column.cells))
        whole = None if column.wraps else widest
        table.add_column(
            Text(one_line(column.heading)), justify=justify, no_wrap=not column.wraps, min_width=whole
        )
    for row in zip(*(column.cells for column in columns), strict=True):
        table.add_row(*(Text(one_line(cell)) if isinstance(cell, str) else cell for cell in row))
    return table


def _measured(out: Console, table: Table) -> Measurement:
    """The widths between which a table can be printed."""
    return Measurement.get(out, out.options.update(width=_ENDLESS), table)


def _print_row(out: Console, columns: Sequence[Column], row: Sequence[str | Text], room: int) -> None:
    """A row as headings and cells, one after the other in as many lines as they need."""
    line = ""
    for column, cell in zip(columns, row, strict=True):
        text = f"{column.short or column.heading} {cell}".strip() if str(cell) else ""
        if line and len(line) + len(_INDENT) + len(text) > room:
            print_text(out, line)
            line = _INDENT + text
        elif text:
            line = f"{line}{_INDENT}{text}" if line else text
    print_text(out, line)
