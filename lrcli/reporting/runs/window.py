"""A window with the figures of a run that follows its training, where there is a display."""

import os
import sys
import time
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING

from lrcli.reporting.figure_style import load_matplotlib, quiet_about_glyphs, style
from lrcli.reporting.runs.figures import drawings
from lrcli.running.single import Event, Finished, Started
from lrcli.running.trained import TrainedRun
from lrcli.training.records import Records

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["FigureWindow", "why_no_window"]

_TOLD_MOST = ("fit", "regions", "path", "predictions", "recovery")  # beside the loss, the first that there is
_SIZE, _DPI = (12.0, 5.0), 90  # inches; dots for each
_LEAST_PAUSE = 0.5  # seconds between two pictures
_SHARE = 0.25  # of the time, at most, that drawing takes


def why_no_window() -> str:
    """Why no window can be opened; empty where one can.

    Found out by asking matplotlib for a figure: its canvas belongs to a toolkit for windows, or to none.
    """
    load_matplotlib()
    from matplotlib import pyplot as plt

    try:
        figure = plt.figure()
    except Exception as error:
        return f"matplotlib cannot open a window: {error}"
    toolkit = figure.canvas.required_interactive_framework
    plt.close(figure)
    if toolkit:
        return ""
    if sys.platform == "linux" and not {"DISPLAY", "WAYLAND_DISPLAY"} & set(os.environ):
        return "there is no display"
    if "MPLBACKEND" in os.environ:
        return f"MPLBACKEND is {os.environ['MPLBACKEND']}, which has no windows"
    return (
        "there is no display that can be reached, or no toolkit that matplotlib opens windows with (Tk, Qt)"
    )


class FigureWindow:
    """Shows the loss, and the figure that says most beside it, while a run trains.

    Closing it ends nothing: training goes on.
    """

    def __init__(self) -> None:
        self._figure: Figure | None = None
        self._so_far: Callable[[], TrainedRun] | None = None
        self._due = 0.0

    def observe(self, event: Event) -> None:
        """Draw again, where the last picture is old enough."""
        if isinstance(event, Started):
            self._open(event)
        elif isinstance(event, Records) and self._so_far is not None and time.perf_counter() > self._due:
            self._draw(self._so_far())
        elif isinstance(event, Finished):
            self._draw(event.run)

    def wait(self) -> None:
        """Wait until all windows are closed."""
        from matplotlib import pyplot as plt

        if plt.get_fignums():
            with quiet_about_glyphs():
                plt.show(block=True)

    @property
    def _is_open(self) -> bool:
        from matplotlib import pyplot as plt

        return self._figure is not None and plt.fignum_exists(self._figure.number)

    def _open(self, event: Started) -> None:
        from matplotlib import pyplot as plt

        self._so_far = event.so_far
        with style():
            self._figure = plt.figure(f"lrcli: {event.run_dir.as_posix()}", figsize=_SIZE, dpi=_DPI)
        plt.show(block=False)

    def _draw(self, run: TrainedRun) -> None:
        from matplotlib import pyplot as plt

        if not self._is_open or self._figure is None:
            return
        began = time.perf_counter()
        try:
            with style():
                _show(self._figure, run)
                plt.pause(0.001)
        except Exception as error:  # what cannot be drawn ends no training
            warnings.warn(f"the window could not be drawn: {error!r}", stacklevel=2)
        ended = time.perf_counter()
        self._due = ended + max(_LEAST_PAUSE, (ended - began) / _SHARE)


def _show(figure: "Figure", run: TrainedRun) -> None:
    """Draw the loss, and what says most beside it, into an emptied figure."""
    found = drawings(run)
    beside = next((kind for kind in _TOLD_MOST if kind in found), None)
    shown = [found[kind] for kind in ("loss", beside) if kind in found]
    figure.clear()
    panels = figure.subfigures(1, len(shown), squeeze=False)[0]
    for panel, drawing in zip(panels, shown, strict=True):
        drawing.draw(panel)
    figure.canvas.draw_idle()
