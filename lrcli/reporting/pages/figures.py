"""Drawings as the figures of a page."""

from collections.abc import Mapping, Sequence
from functools import partial

from lrcli.reporting.drawing import Drawing, unless_it_fails
from lrcli.reporting.figure_files import figure_bytes, figure_of
from lrcli.reporting.pages.content import Figure

__all__ = ["figures_of"]


def figures_of(
    drawings: Mapping[str, Drawing], drawn: Mapping[str, Mapping[str, bytes]] | None = None
) -> Sequence[Figure]:
    """Drawings as figures; one that cannot be drawn is warned of, and the page goes without it.

    Args:
        drawings: by name.
        drawn: what `lrcli.reporting.figure_files.save_figures` has made of them; what is not among it could
            not be drawn. None: draw them now.
    """
    figures = []
    for name, drawing in drawings.items():
        if drawn is None:
            svg = unless_it_fails(partial(_svg, drawing), f"{name}: could not be drawn")
        else:
            svg = drawn.get(name, {}).get("svg")
        if svg is not None:
            figures.append(Figure(drawing.title, drawing.description, svg))
    return figures


def _svg(drawing: Drawing) -> bytes:
    return figure_bytes(figure_of(drawing), "svg")
