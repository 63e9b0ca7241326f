"""Topics of the documentation on standard output: text to be read, in the width that there is."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from rich.console import Console

from lrcli.authoring.docs.content import Block, Code, Heading, Items, Paragraph, Span, Table, Text, Topic
from lrcli.reporting.layout import Column, print_table
from lrcli.reporting.streams import console, standard_output
from lrcli.reporting.text import wrapped
from lrcli.wording import printable

__all__ = ["print_contents", "print_topic"]

_WIDEST = 100  # characters of a line of text; a longer one is hard to come back from
_GAP, _NARROW = 2, 30
_BULLET, _CODE = "- ", "    "


def print_contents(topics: Sequence[Topic]) -> None:
    """A line for each topic, and what to do with it.

    Raises:
        WriteError: standard output could not be written.
    """
    with standard_output():
        out = console()
        _say(out, "lrcli docs TOPIC prints one of these; lrcli docs --html DIR writes them all as pages.")
        for part, members in groupby(topics, key=lambda topic: topic.part):
            listed = list(members)
            out.print(f"\n{part}\n", style="bold", soft_wrap=True)
            longest = max(len(topic.name) for topic in listed)
            for topic in listed:
                _entry(out, topic, longest + _GAP)


def _entry(out: Console, topic: Topic, indent: int) -> None:
    room = min(out.width, _WIDEST)
    if room - indent < _NARROW:  # the summary stands below
        lines = [f"  {topic.name}", *wrapped(f"    {topic.summary}", room)]
    else:
        lines = wrapped(f"  {topic.name:<{indent}}{topic.summary}", room, " " * indent)
    for line in lines:
        out.print(line, soft_wrap=True)


def print_topic(topic: Topic, blocks: Sequence[Block]) -> None:
    """A topic, or a part of it, below its title.

    Args:
        topic: whose title is shown.
        blocks: what is shown of it.

    Raises:
        WriteError: standard output could not be written.
    """
    with standard_output():
        out = console()
        _heading(out, topic.title, "=")
        for block in blocks:
            out.print()
            _show(out, block, "")


def _heading(out: Console, text: str, line: str) -> None:
    lines = wrapped(text, min(out.width, _WIDEST))
    out.print("\n".join(lines), style="bold", soft_wrap=True)
    if line:
        out.print(line * max(map(len, lines)), soft_wrap=True)


def _show(out: Console, block: Block, indent: str) -> None:
    if isinstance(block, Heading):
        _heading(out, block.text, "-" if block.level == 2 else "")
    elif isinstance(block, Paragraph):
        _say(out, indent + as_words(block.text))
    elif isinstance(block, Code):
        for line in block.lines.splitlines():
            out.print(f"{indent}{_CODE}{line}".rstrip(), soft_wrap=True)
    elif isinstance(block, Items):
        _items(out, block, indent)
    else:
        print_table(out, list(_columns(block)), as_on_a_terminal=True)


def _items(out: Console, block: Items, indent: str) -> None:
    for number, item in enumerate(block.items, 1):
        bullet = f"{number}. " if block.ordered else _BULLET
        inner = indent + " " * len(bullet)
        for place, part in enumerate(item):
            if place == 0 and isinstance(part, Paragraph):
                _say(out, indent + bullet + as_words(part.text), " " * len(bullet))
            else:
                _show(out, part, inner)


def _columns(table: Table) -> Iterator[Column]:
    """The first and what stands as code are never broken; sentences are."""
    for number, heading in enumerate(table.head):
        cells = [row[number] for row in table.rows]
        is_code = all(span.look == "code" for cell in cells for span in cell)
        texts = ["".join(span.text for span in cell) for cell in cells]
        yield Column(heading, texts, right=False, wraps=not is_code)


def as_words(text: Text) -> str:
    """A text in letters alone: code between backticks, and behind a link how to get there."""
    return "".join(map(_as_words, text))


def _as_words(span: Span) -> str:
    shown = f"`{span.text}`" if span.look == "code" else span.text
    if not span.target or span.text == span.target:
        return shown
    return f"{shown} ({span.target})" if span.leads_outside else f"{shown} (lrcli docs {span.target})"


def _say(out: Console, text: str, hanging: str = "") -> None:
    for line in wrapped(printable(text), min(out.width, _WIDEST), hanging):
        out.print(line, soft_wrap=True)
