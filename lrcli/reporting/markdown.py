"""Markdown as TensorBoard renders it, whatever the texts in it hold."""

import re
from collections.abc import Sequence

from lrcli.wording import one_line, printable

__all__ = ["block", "markdown_table", "plain"]

_MARKUP = re.compile(r"[\\`*_{}\[\]<>|&~]")


def plain(text: object) -> str:
    """A text within a line or a cell, shown as it is: what Markdown or HTML would obey stands as its code."""
    return _MARKUP.sub(lambda match: f"&#{ord(match[0])};", one_line(text))


def block(lines: str) -> str:
    """Lines that are shown as they are, in letters of one width."""
    return "\n".join(f"    {line}" for line in printable(lines).splitlines())


def markdown_table(head: Sequence[object], rows: Sequence[Sequence[object]]) -> str:
    """A table; every cell is shown as it is."""
    lines = [map(plain, head), ["---"] * len(head), *(map(plain, row) for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
