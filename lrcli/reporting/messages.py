"""Errors, warnings and notes on standard error, in colour where it is a terminal that shows colours.

On a terminal their lines are broken between words; a line of a file, and the caret below it, never.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.text import Text

from lrcli.reporting.streams import console
from lrcli.reporting.text import wrapped
from lrcli.wording import one_line, printable, typed

__all__ = ["print_error", "print_note", "print_warning", "say_how_to_go_on"]

_ERROR, _NOTE, _WARNING = "error: ", "note: ", "warning: "
_LOCATION = re.compile(r"^[^\s|].*?:\d+:\d+: ")
_CARET = re.compile(r"^ +\| *\^$")
_EXCERPT = re.compile(r"^ +[0-9]* *\| ")


def print_error(message: str) -> None:
    """Show what is wrong, the locations and the carets standing out."""
    out = console(stderr=True)
    text = Text.assemble((_ERROR, "bold red"))
    for number, line in enumerate(_lines(out, _ERROR, printable(message))):
        if number:
            text.append("\n")
        location = _LOCATION.match(line)
        start = location.end() if location else 0
        text.append(line[:start], style="bold")
        text.append(line[start:], style="bold red" if _CARET.match(line) else "")
    out.print(text, soft_wrap=True)


def print_note(message: str) -> None:
    """Show what the user should know."""
    _print_line(_NOTE, message)


def print_warning(message: str) -> None:
    """Show what went wrong without ending anything."""
    _print_line(_WARNING, message)


def say_how_to_go_on(directory: Path) -> None:
    """Show the command that goes on with what was interrupted."""
    print_note(f"to go on: {typed('lrcli', 'resume', str(directory))}")


def _print_line(label: str, message: str) -> None:
    out = console(stderr=True)
    text = "\n".join(_lines(out, label, one_line(message)))
    out.print(Text.assemble((label, "bold"), text), soft_wrap=True)


def _lines(out: Console, label: str, message: str) -> Iterator[str]:
    """The lines that stand behind a label, as short as the terminal needs them."""
    for number, line in enumerate(message.split("\n")):
        before = "" if number else label
        if out.is_terminal and not _EXCERPT.match(line):
            first, *others = wrapped("x" * len(before) + line, out.width)  # the label stays beside it
            yield from (first[len(before) :], *others)
        else:
            yield line
