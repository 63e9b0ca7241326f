"""What a run and a sweep have in common for Python: a directory, a result, figures, a resolved experiment."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from lrcli.errors import LrcliError

if TYPE_CHECKING:
    from lrcli.reporting.drawing import Drawing
    from lrcli.reporting.notebook_figure import NotebookFigure

__all__ = ["Stored"]


@dataclass(frozen=True, eq=False, repr=False)
class Stored:
    """A directory with what training has left, read when it is asked for.

    Attributes:
        directory: where its files are; absolute.
    """

    directory: Path

    @functools.cached_property
    def experiment(self) -> dict[str, Any]:
        """The whole experiment as plain data, every default written out.

        It can be changed and given to `lrcli.train` or `lrcli.sweep` again.

        Raises:
            ExperimentError: experiment.yaml is not there, or has been damaged.
        """
        from lrcli.config.source import read

        file = self.directory / "experiment.yaml"
        return dict(read(file, str(file)).data)

    @property
    def figures(self) -> tuple[str, ...]:
        """The kinds of figures that make sense for it, each for `figure`.

        Raises:
            RunDirectoryError: its files are not there, or have been damaged.
        """
        return tuple(self._drawings)

    def figure(
        self,
        kind: str | None = None,
        *,
        style: Literal["screen", "paper"] = "screen",
        size: tuple[float, float] | None = None,
    ) -> "NotebookFigure":
        """Draw a figure; a notebook shows it, ``savefig`` writes it to a file.

        Args:
            kind: one of `figures`; the first where none is given.
            style: ``paper`` has smaller letters and thinner lines.
            size: width and height in inches; the figure's own where none is given.

        Returns:
            A matplotlib figure, of which pyplot knows nothing.

        Raises:
            RunDirectoryError: there is no such figure, with those that there are; or its files are not there.
        """
        from lrcli.api import chosen_figures
        from lrcli.reporting.figure_style import load_matplotlib

        drawing = next(iter(chosen_figures(self._drawings, kind, str(self.directory)).values()))
        load_matplotlib()
        from lrcli.reporting.notebook_figure import NotebookFigure

        return NotebookFigure.of(drawing, style, size)

    @functools.cached_property
    def _drawings(self) -> "Mapping[str, Drawing]":
        from lrcli.api import figures

        return figures([self.directory])

    def _drawings_if_any(self) -> "Mapping[str, Drawing]":
        """None of a run that has no records yet, or whose files are gone."""
        try:
            return self._drawings
        except LrcliError:
            return {}
