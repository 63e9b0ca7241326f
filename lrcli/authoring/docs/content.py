"""What stands in the documentation, as data: topics of headings, paragraphs, lists, listings and tables."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile
from typing import ClassVar, Literal

__all__ = [
    "Block",
    "Code",
    "Heading",
    "Items",
    "Look",
    "Paragraph",
    "Span",
    "Table",
    "Text",
    "Topic",
    "code",
    "link",
    "plain",
    "prose",
]

Look = Literal["plain", "code", "strong", "emphasis"]


@dataclass(frozen=True)
class Span:
    """A stretch of text that looks the same.

    Attributes:
        text: what is read.
        look: how it is set.
        target: what it leads to: a topic, or a place in one, as ``TOPIC`` or ``TOPIC.PLACE``; or an address
            of the web. Empty: nowhere.
    """

    text: str
    look: Look = "plain"
    target: str = ""

    @property
    def leads_outside(self) -> bool:
        """Whether its target is an address of the web."""
        return "://" in self.target


Text = tuple[Span, ...]


@dataclass(frozen=True)
class Heading:
    """A heading within a topic.

    Attributes:
        text: what is read.
        level: 2 for a section, 3 for a part of it.
        place: its name within the topic, by which it is found and linked to.
    """

    kind: ClassVar[str] = "heading"
    text: str
    level: int
    place: str


@dataclass(frozen=True)
class Paragraph:
    """A paragraph."""

    kind: ClassVar[str] = "paragraph"
    text: Text


@dataclass(frozen=True)
class Code:
    """Lines that stand as they are.

    Attributes:
        lines: all of them, as one text.
        language: ``yaml``, ``console``, ``python``, ``sh``, ``text``.
    """

    kind: ClassVar[str] = "code"
    lines: str
    language: str


@dataclass(frozen=True)
class Items:
    """A list.

    Attributes:
        items: each one or more blocks.
        ordered: they are numbered.
    """

    kind: ClassVar[str] = "items"
    items: "Sequence[Sequence[Block]]"
    ordered: bool = False


@dataclass(frozen=True)
class Table:
    """A table; the first cell of a row names it.

    Attributes:
        head: the heading of each column.
        rows: as many cells as the head has.
    """

    kind: ClassVar[str] = "table"
    head: Sequence[str]
    rows: Sequence[Sequence[Text]]


Block = Heading | Paragraph | Code | Items | Table


@dataclass(frozen=True)
class Topic:
    """One page of the documentation.

    Attributes:
        name: by which it is found; letters, digits, ``-`` and ``_``.
        title: above it.
        summary: what it holds, a sentence.
        part: of the documentation that it belongs to.
        make: gives its content; called where that is wanted.
    """

    name: str
    title: str
    summary: str
    part: str
    make: Callable[[], Iterable[Block]]

    @cached_property
    def blocks(self) -> Sequence[Block]:
        """What it holds."""
        return tuple(self.make())

    @property
    def headings(self) -> Iterator[Heading]:
        """All of its headings."""
        return (block for block in self.blocks if isinstance(block, Heading))

    def section(self, place: str) -> Sequence[Block]:
        """From a heading up to the next of the same level; nothing where there is no such place."""
        after = iter(self.blocks)
        heading = next((b for b in after if isinstance(b, Heading) and b.place == place), None)
        if heading is None:
            return ()
        inside = takewhile(lambda b: not (isinstance(b, Heading) and b.level <= heading.level), after)
        return (heading, *inside)


def plain(text: str) -> Text:
    """Text as it is."""
    return (Span(text),) if text else ()


def code(text: str, target: str = "") -> Text:
    """A text to be typed, or found in a file."""
    return (Span(text, "code", target),) if text else ()


def link(text: str, target: str) -> Text:
    """A text that leads to a topic."""
    return (Span(text, "plain", target),)


def prose(text: str) -> Text:
    """Text in which what stands between backticks, single or double, is code."""
    parts = text.replace("``", "`").split("`")
    return tuple(Span(part, "code" if number % 2 else "plain") for number, part in enumerate(parts) if part)
