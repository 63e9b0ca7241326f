"""A page as HTML: one file, without an address outside itself, which needs no script.

Text from outside goes through the template alone: what a browser or a terminal would obey is shown there.
"""

import base64
import datetime
import hashlib
import itertools
import math
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lrcli import __version__
from lrcli.reporting.pages.content import Cell, Figure, Page
from lrcli.reporting.pages.inline_svg import inline_svg
from lrcli.wording import one_line, printable

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["GENERATOR", "TEMPLATES", "page_html", "rendered", "shown_cell", "templates"]

GENERATOR = "lrcli"  # by which a page of ours is known among others
TEMPLATES = Path(__file__).with_name("templates")


def page_html(page: Page, written: datetime.date) -> str:
    """A page as HTML.

    Args:
        page: what is to stand on it.
        written: the day to be named at its end.
    """
    script = (TEMPLATES / "sorting.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return rendered(
        "page.html",
        ["page.css"],
        page=page,
        sections=[section for section in page.sections if section.blocks],
        written=written.isoformat(),
        script=script,
        script_digest=digest,
        figure_number=itertools.count(1).__next__,
        svg=_svg,
        shown=shown_cell,
        value=_value,
    )


def rendered(template: str, styles: Sequence[str], **content: Any) -> str:
    """A whole page.

    Args:
        template: the name of one that extends ``base.html``.
        styles: the names of its stylesheets, which stand in it one after the other.
        content: what the template is given beside what stands on every page.
    """
    style = "".join((TEMPLATES / name).read_text(encoding="utf-8") for name in styles)
    page = templates().get_template(template)
    return page.render(generator=GENERATOR, version=__version__, style=style, **content)


@cache
def templates() -> "Environment":
    """The templates of all pages; what they are given is escaped, and harmless to a terminal, too."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_harmless,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _harmless(value: Any) -> Any:
    """Text with what would be obeyed instead of shown as its code; it is escaped after that."""
    return printable(value) if type(value) is str else value


def _svg(figure: Figure, prefix: str) -> str:
    title = f"{figure.title}, {figure.name}" if figure.name else figure.title
    return inline_svg(figure.svg, prefix, title, figure.description)


def shown_cell(cell: Cell, digits: int) -> str:
    """A cell as a reader sees it."""
    if cell is None or isinstance(cell, str):
        return one_line(cell or "")
    if isinstance(cell, int):
        return f"{cell:,}"
    return f"{cell:.{digits}g}" if math.isfinite(cell) else "not finite"


def _value(cell: Cell) -> str | None:
    """A cell as it is sorted: a number in full, nothing for what has no place among numbers."""
    if cell is None or isinstance(cell, str):
        return None
    return repr(cell) if math.isfinite(cell) else ""
