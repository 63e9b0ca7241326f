"""Markdown as blocks of the documentation."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from lrcli.authoring.docs.content import Block, Code, Heading, Items, Look, Paragraph, Span, Table, Text

if TYPE_CHECKING:
    from markdown_it.tree import SyntaxTreeNode

__all__ = ["blocks_of"]

_LOOKS: dict[str, Look] = {"strong": "strong", "em": "emphasis"}
_NO_WORD = re.compile(r"[^\w]+")


def blocks_of(text: str) -> list[Block]:
    """What a text in Markdown holds: of CommonMark what `content` has a block for, and tables.

    A link leads to a topic or to a place in one, by name: ``[sweeps](sweeps)``.

    Raises:
        ValueError: it holds something else, such as a picture or HTML.
    """
    from markdown_it import MarkdownIt
    from markdown_it.tree import SyntaxTreeNode

    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    return list(_blocks(SyntaxTreeNode(parser.parse(text))))


def _blocks(parent: "SyntaxTreeNode") -> Iterator[Block]:
    for node in parent.children:
        if node.type == "heading":
            text = "".join(span.text for span in _text(node))
            yield Heading(text, int(node.tag[1]), _NO_WORD.sub("-", text.lower()).strip("-"))
        elif node.type == "paragraph":
            yield Paragraph(_text(node))
        elif node.type in {"fence", "code_block"}:
            yield Code(node.content.rstrip("\n"), node.info if node.type == "fence" else "text")
        elif node.type in {"bullet_list", "ordered_list"}:
            yield Items([list(_blocks(item)) for item in node.children], node.type == "ordered_list")
        elif node.type == "table":
            head, *rows = ([_text(cell) for cell in row.children] for row in node.walk() if row.type == "tr")
            yield Table(["".join(span.text for span in cell) for cell in head], rows)
        else:
            raise ValueError(f"line {(node.map or (0, 0))[0] + 1}: nothing shows a {node.type}")


def _text(block: "SyntaxTreeNode") -> Text:
    """The text of a block that holds one."""
    return tuple(span for inline in block.children for span in _spans(inline))


def _spans(parent: "SyntaxTreeNode") -> Iterator[Span]:
    for node in parent.children:
        if node.type == "text":
            if node.content:
                yield Span(node.content)
        elif node.type in {"softbreak", "hardbreak"}:
            yield Span(" ")
        elif node.type == "code_inline":
            yield Span(node.content, "code")
        elif node.type in _LOOKS:
            yield from (replace(span, look=_LOOKS[node.type]) for span in _spans(node))
        elif node.type == "link":
            yield from (replace(span, target=str(node.attrs["href"])) for span in _spans(node))
        else:
            raise ValueError(f"nothing shows a {node.type}")
