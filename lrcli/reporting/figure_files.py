"""Drawings as figures, and figures as files. matplotlib is imported when the first one is made."""

import io
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from lrcli.reporting.drawing import Drawing, unless_it_fails
from lrcli.reporting.figure_style import Look, load_matplotlib, style
from lrcli.storage.files import make_directory, write_whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    _Figure = TypeVar("_Figure", bound=Figure)

__all__ = ["FILES_BESIDE", "FILE_TYPES", "draw_into", "figure_bytes", "figure_of", "save_figures"]

FILES_BESIDE = ("png", "svg")  # of each figure in the directory of a run


def figure_of(drawing: Drawing, look: Look = "screen", size: tuple[float, float] | None = None) -> "Figure":
    """Draw a figure.

    Args:
        drawing: what to draw.
        look: of the figure.
        size: width and height in inches; default: the drawing's own.
    """
    load_matplotlib()
    from matplotlib.figure import Figure

    return draw_into(Figure, drawing, look, size)


def draw_into(
    kind: "type[_Figure]", drawing: Drawing, look: Look, size: tuple[float, float] | None
) -> "_Figure":
    """Draw a figure of a class of its own; for the rest as `figure_of`."""
    with style(look):
        figure = kind(figsize=size or drawing.size)
        drawing.draw(figure)
    return figure


def figure_bytes(
    figure: "Figure", file_type: str, look: Look = "screen", drawing: Drawing | None = None
) -> bytes:
    """A figure as the bytes of a file; the same figure is the same bytes.

    Args:
        figure: what `figure_of` has drawn.
        file_type: one of `FILE_TYPES`.
        look: with which it was drawn.
        drawing: whose title and description the file is to hold, where its type has room for them.
    """
    said = {"Title": drawing.title, "Description": drawing.description} if drawing else {}
    buffer = io.BytesIO()
    with style(look):
        _WRITERS[file_type](figure, buffer, said)
    return buffer.getvalue()


# The canvases themselves, each when it is needed: savefig would draw every figure twice.


def _write_svg(figure: "Figure", buffer: io.BytesIO, said: Mapping[str, Any]) -> None:
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    canvas: Any = FigureCanvasSVG(figure)
    canvas.print_svg(buffer, metadata={**said, "Date": None})


def _write_png(figure: "Figure", buffer: io.BytesIO, said: Mapping[str, Any]) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas: Any = FigureCanvasAgg(figure)
    canvas.print_png(buffer, metadata=dict(said))


def _write_pdf(figure: "Figure", buffer: io.BytesIO, said: Mapping[str, Any]) -> None:
    from matplotlib.backends.backend_pdf import FigureCanvasPdf

    canvas: Any = FigureCanvasPdf(figure)
    told = {"Title": said.get("Title"), "Subject": said.get("Description"), "CreationDate": None}
    canvas.print_pdf(buffer, metadata=told)


_WRITERS = {"svg": _write_svg, "png": _write_png, "pdf": _write_pdf}
FILE_TYPES = tuple(_WRITERS)


def save_figures(drawings: Mapping[str, Drawing], directory: Path) -> dict[str, dict[str, bytes]]:
    """Draw figures, and write each as PNG and as SVG.

    One that cannot be drawn is warned of: what it was to show is not lost.

    Args:
        drawings: from the name of a file, without its ending.
        directory: where; it is made if it is not there.

    Returns:
        From name to the bytes of its files, by type.

    Raises:
        WriteError: a file could not be written.
    """
    make_directory(directory)
    drawn = {}
    for name, drawing in drawings.items():
        files = unless_it_fails(partial(_files, drawing), f"{directory / name}: could not be drawn")
        if files is None:
            continue
        for file_type, content in files.items():
            write_whole(directory / f"{name}.{file_type}", content)
        drawn[name] = files
    return drawn


def _files(drawing: Drawing) -> dict[str, bytes]:
    """The files of a drawing, from type to bytes."""
    figure = figure_of(drawing)
    files = {}
    for file_type in FILES_BESIDE:
        files[file_type] = figure_bytes(figure, file_type, drawing=drawing)
        figure.set_layout_engine("none")  # what the first file has laid out stays where it is
    return files
