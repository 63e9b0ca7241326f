"""Errors and notes on standard error, in colour where it is a terminal that shows colours."""

import re

from rich.text import Text

from lrcli.reporting.streams import console
from lrcli.wording import one_line, printable

__all__ = ["print_error", "print_note"]

_LOCATION = re.compile(r"^[^\s|].*?:\d+:\d+: ")
_CARET = re.compile(r"^ +\| *\^$")


def print_error(message: str) -> None:
    """Show what is wrong, the locations and the carets standing out."""
    text = Text.assemble(("error: ", "bold red"))
    for number, line in enumerate(printable(message).split("\n")):
        if number:
            text.append("\n")
        location = _LOCATION.match(line)
        start = location.end() if location else 0
        text.append(line[:start], style="bold")
        text.append(line[start:], style="bold red" if _CARET.match(line) else "")
    _print(text)


def print_note(message: str) -> None:
    """Show what the user should know."""
    _print(Text.assemble(("note: ", "bold"), one_line(message)))


def _print(text: Text) -> None:
    console(stderr=True).print(text, soft_wrap=True)
