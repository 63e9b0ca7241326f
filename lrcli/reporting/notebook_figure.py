"""Figures for Python: matplotlib's, which a notebook shows without pyplot. Imports matplotlib at once."""

from matplotlib.figure import Figure

from lrcli.reporting.drawing import Drawing
from lrcli.reporting.figure_files import draw_into, figure_bytes
from lrcli.reporting.figure_style import Look

__all__ = ["NotebookFigure"]


class NotebookFigure(Figure):
    """A figure that shows itself where it is the value of a notebook's cell."""

    @classmethod
    def of(cls, drawing: Drawing, look: Look, size: tuple[float, float] | None) -> "NotebookFigure":
        """Draw a figure; see `lrcli.reporting.figure_files.figure_of`."""
        return draw_into(cls, drawing, look, size)

    def _repr_png_(self) -> bytes:
        return figure_bytes(self, "png")
