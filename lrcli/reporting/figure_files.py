"""Figures as files. matplotlib is imported when the first one is made."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from lrcli.reporting.figure_style import style
from lrcli.runs.files import make_directory, write_whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["figure_bytes", "save_figures"]


def figure_bytes(figure: "Figure", file_type: Literal["svg", "png"]) -> bytes:
    """A figure as the bytes of a file."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    buffer = io.BytesIO()
    with style():  # the canvases themselves, for savefig draws every figure twice
        if file_type == "svg":
            FigureCanvasSVG(figure).print_svg(  # type: ignore[no-untyped-call]
                buffer, metadata={"Date": None}
            )
        else:
            FigureCanvasAgg(figure).print_png(buffer)  # type: ignore[no-untyped-call]
    return buffer.getvalue()


def save_figures(figures: "Mapping[str, Figure]", directory: Path) -> list[Path]:
    """Write each figure as PNG and as SVG.

    Args:
        figures: from the name of a file, without its ending.
        directory: where; it is made if it is not there.

    Returns:
        The files written.

    Raises:
        WriteError: a file could not be written.
    """
    make_directory(directory)
    written = []
    file_types: tuple[Literal["png", "svg"], ...] = ("png", "svg")
    for name, figure in figures.items():
        for file_type in file_types:
            path = directory / f"{name}.{file_type}"
            write_whole(path, figure_bytes(figure, file_type))
            figure.set_layout_engine("none")  # what the first file has laid out stays where it is
            written.append(path)
    return written
