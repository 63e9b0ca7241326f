"""What stands on a page, as data: sections of paragraphs, tables, listings and figures.

How it looks is in ``templates/``; `lrcli.reporting.pages.html` puts the two together.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

__all__ = ["Block", "Cell", "Column", "Figure", "Listing", "Page", "Paragraph", "Row", "Section", "Table"]

Cell = str | int | float | None
_SHORT = 24  # letters


@dataclass(frozen=True)
class Paragraph:
    """A paragraph of text."""

    kind: ClassVar[str] = "paragraph"
    text: str


@dataclass(frozen=True)
class Listing:
    """Lines to be copied: a command, a file.

    Attributes:
        text: the lines.
        label: what they are, for those who cannot see them.
    """

    kind: ClassVar[str] = "listing"
    text: str
    label: str


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        heading: what stands above it.
        cells: one for each row. Numbers are shown short, set to the right, and held in full for sorting;
            None is an empty cell.
        digits: of a number, as it is shown.
        marks: from a row's number to what stands before its cell, such as ``best``.
    """

    heading: str
    cells: Sequence[Cell]
    digits: int = 6
    marks: Mapping[int, str] = field(default_factory=dict)

    @property
    def look(self) -> str:
        """The class of its cells in the stylesheet: a number, a few words that stay in a line, or a text."""
        texts = [cell for cell in self.cells if isinstance(cell, str)]
        if not texts:
            return "number"
        return "short" if max(map(len, texts)) <= _SHORT else ""


@dataclass(frozen=True)
class Table:
    """A table; the first cell of each row names it.

    Attributes:
        caption: what it holds.
        columns: all of the same length.
        note: a sentence below it; empty: none.
    """

    kind: ClassVar[str] = "table"
    caption: str
    columns: Sequence[Column]
    note: str = ""

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return len(self.columns[0].cells)


@dataclass(frozen=True)
class Figure:
    """A figure.

    Attributes:
        title: what it shows, a clause.
        description: what there is to be seen, in sentences.
        svg: the bytes of a file.
        name: of what it is, where there are several of a kind; empty: it needs none.
    """

    kind: ClassVar[str] = "figure"
    title: str
    description: str
    svg: bytes
    name: str = ""


@dataclass(frozen=True)
class Row:
    """Figures beside each other where there is room for that."""

    kind: ClassVar[str] = "row"
    figures: Sequence[Figure]


Block = Paragraph | Listing | Table | Figure | Row


@dataclass(frozen=True)
class Section:
    """A part of a page.

    Attributes:
        heading: what stands above it.
        blocks: what it holds; a section without any is not shown.
    """

    heading: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Page:
    """A page.

    Attributes:
        title: its heading.
        description: a line below it, as the experiment file has it; empty: none.
        summary: what was asked, how it ended and what was found, a paragraph each.
        sections: the rest, in order.
        findings: what to make of it, a sentence each.
    """

    title: str
    description: str
    summary: Sequence[str]
    sections: Sequence[Section]
    findings: Sequence[str] = ()
