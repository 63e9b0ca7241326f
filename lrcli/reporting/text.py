"""Text in the width that there is: lines are broken between words, never inside a number or a key.

In a pipe or a file there is always room.
"""

from collections.abc import Iterable

from rich.cells import cell_len
from rich.console import Console

from lrcli.reporting.streams import console, standard_output
from lrcli.wording import one_line, printable

__all__ = ["ENDLESS", "packed", "print_items", "print_sentences", "print_text", "wrapped"]

ENDLESS = 100_000  # characters
_GAP = "  "


def print_text(out: Console, text: str, *, as_on_a_terminal: bool = False) -> None:
    """Print a text; on a terminal its lines are broken between words.

    Args:
        out: where.
        text: one line or more.
        as_on_a_terminal: likewise in a pipe or a file: it is to be read, not worked on.
    """
    if out.is_terminal or as_on_a_terminal:
        text = printable(text)
        text = "\n".join(part for line in text.split("\n") for part in wrapped(line, out.width))
    out.print(text, soft_wrap=True)


def print_items(out: Console, items: Iterable[str]) -> None:
    """Print short texts beside one another, on a terminal in as many lines as they need; none is broken."""
    room = out.width if out.is_terminal else ENDLESS
    for line in packed(map(one_line, items), room):
        out.print(line, soft_wrap=True)


def print_sentences(sentences: Iterable[str]) -> None:
    """Write lines to standard output, on a terminal broken between words.

    Raises:
        WriteError: standard output could not be written.
    """
    with standard_output():
        out = console()
        for sentence in sentences:
            print_text(out, one_line(sentence))


def wrapped(line: str, width: int, hanging: str = "") -> list[str]:
    """A line in as many as it needs, broken at spaces only; a word that is longer than a line stays whole.

    Args:
        line: its indentation is that of all.
        width: in characters of a terminal, of which wide ones take two.
        hanging: stands before all lines but the first, behind the indentation.
    """
    if cell_len(line) <= width:
        return [line]
    first, *words = line.lstrip(" ").split(" ")
    indent = " " * (len(line) - len(line.lstrip(" ")))
    lines = [indent + first]
    for word in words:
        longer = f"{lines[-1]} {word}"
        if cell_len(longer) <= width:
            lines[-1] = longer
        elif word:
            lines.append(f"{indent}{hanging}{word}")
    return [part.rstrip(" ") for part in lines]


def packed(items: Iterable[str], room: int, indent: str = "") -> list[str]:
    """Items beside one another, in as many lines as they need, all but the first indented.

    Args:
        items: short texts; empty ones are left out.
        room: characters in a line.
        indent: before all lines but the first.
    """
    lines: list[str] = []
    for item in filter(None, items):
        longer = f"{lines[-1]}{_GAP}{item}" if lines else item
        if lines and cell_len(longer) > room:
            lines.append(indent + item)
        else:
            lines[-1:] = [longer]
    return lines
