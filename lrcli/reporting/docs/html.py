"""The documentation as HTML: a page for each topic, without an address outside its folder, and no script."""

import itertools
from collections.abc import Mapping, Sequence
from itertools import groupby

from lrcli.authoring.docs.content import Topic
from lrcli.reporting.pages.html import rendered

__all__ = ["INDEX", "site"]

INDEX = "index.html"
_TITLE = "lrcli documentation"
_LISTED_FROM = 3  # sections, a page lists them at its beginning


def site(topics: Sequence[Topic]) -> Mapping[str, str]:
    """Every page by the name of its file.

    Args:
        topics: in the order of the table of contents.
    """
    parts = [(part, list(members)) for part, members in groupby(topics, key=lambda topic: topic.part)]
    pages = {INDEX: _page(parts, None)}
    return pages | {f"{topic.name}.html": _page(parts, topic) for topic in topics}


def _page(parts: Sequence[tuple[str, Sequence[Topic]]], topic: Topic | None) -> str:
    """The page of a topic, or the table of contents."""
    headings = [heading for heading in topic.headings if heading.level == 2] if topic else []
    return rendered(
        "docs.html",
        ["page.css", "docs.css"],
        topic=topic,
        title=topic.title if topic else _TITLE,
        whole=_TITLE,
        parts=parts,
        sections=headings if len(headings) >= _LISTED_FROM else [],
        index=INDEX,
        address=_address,
        number=itertools.count(1).__next__,
    )


def _address(target: str) -> str:
    """Where a link leads: to a topic, or a place in one."""
    if "://" in target:
        return target
    topic, _, place = target.partition(".")
    return f"{topic}.html#{place}" if place else f"{topic}.html"
