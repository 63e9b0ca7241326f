"""A part of a notebook as HTML: it needs no stylesheet, no script and no address outside itself."""

import base64
from collections.abc import Mapping, Sequence
from functools import partial

from lrcli.reporting.drawing import Drawing, unless_it_fails
from lrcli.reporting.figure_files import figure_bytes, figure_of
from lrcli.reporting.pages.content import Column, Table
from lrcli.reporting.pages.html import shown_cell, templates

__all__ = ["card_html"]

_PIXELS = 72  # of the notebook for an inch of the picture, which has twice as many of its own


def card_html(
    heading: str, summary: Sequence[str], tables: Sequence[Table], drawings: Mapping[str, Drawing]
) -> str:
    """A card as an HTML element.

    Args:
        heading: what it is about.
        summary: paragraphs below.
        tables: below these.
        drawings: below these, by name; one that cannot be drawn is warned of.
    """
    pictures = [
        {
            "data": base64.b64encode(png).decode(),
            "title": drawing.title,
            "description": drawing.description,
            "width": round(_PIXELS * drawing.size[0]),
        }
        for name, drawing in drawings.items()
        if (png := unless_it_fails(partial(_png, drawing), f"{name}: could not be drawn")) is not None
    ]
    template = templates().get_template("card.html")
    return template.render(
        heading=heading, summary=summary, tables=tables, pictures=pictures, shown=shown_cell, side=_side
    )


def _side(column: Column) -> str:
    """Where the cells of a column are set: numbers to the right, whatever the notebook's own style is."""
    return "right" if column.look == "number" else "left"


def _png(drawing: Drawing) -> bytes:
    return figure_bytes(figure_of(drawing), "png")
