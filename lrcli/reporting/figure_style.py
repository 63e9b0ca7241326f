"""The look of every figure: fonts, colours, titles and legends, for the screen and for print.

matplotlib is imported inside the functions: it takes a third of a second.
"""

import logging
import os
import sys
import textwrap
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lrcli.reporting.scales import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "COLORS",
    "DASHES",
    "LOOKS",
    "MARKERS",
    "STAR",
    "Look",
    "cut",
    "load_matplotlib",
    "names_beside",
    "quiet_about_glyphs",
    "style",
    "title_and_legend",
]

Look = Literal["screen", "paper"]
LOOKS: tuple[Look, ...] = ("screen", "paper")

_STYLE: dict[str, Any] = {
    "figure.constrained_layout.use": True,
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#E0E0E0",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "lines.linewidth": 1.6,
    "lines.markersize": 4,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "legend.columnspacing": 1.4,
    "legend.handlelength": 1.8,
    "hatch.linewidth": 0.6,
    "figure.dpi": 150,
    "text.parse_math": False,
    "svg.fonttype": "none",  # text stays text, which can be searched and read aloud
    "svg.hashsalt": "lrcli",  # the same figure is the same bytes
}
_PAPER: dict[str, Any] = {  # small beside the text of a page, and complete wherever the file goes
    "font.size": 8,
    "axes.titlesize": 8,
    "legend.fontsize": 7,
    "lines.linewidth": 1.2,
    "lines.markersize": 3,
    "figure.dpi": 300,
    "svg.fonttype": "path",
    "pdf.fonttype": 42,  # TrueType, as publishers ask
}
_OF_GLYPHS = (r"Glyph \d+ .* missing from", "Matplotlib currently does not support .* natively")
# Okabe and Ito's palette, which colour-blind readers tell apart, without its yellow, too pale for a line.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#7F7F7F")
MARKERS = "os^Dv<>X"
DASHES = ("-", "--", "-.", ":")
STAR: dict[str, Any] = {
    "marker": "*",
    "ls": "none",
    "color": "#F0E442",
    "mec": "black",
    "ms": 12,
    "zorder": 5,
}
_HANDLE_WIDTH = 14  # letters of a small font
_LETTERS_PER_INCH = 16 * 8  # of a font of one point
_LINE_HEIGHT = 1.45  # of text beside the axes, in font sizes


_ALONE = threading.RLock()  # matplotlib's settings are those of the whole process


def load_matplotlib() -> None:
    """Import matplotlib, whatever MPLBACKEND names: what is drawn into files needs no backend.

    A notebook's shell hands on the notebook's own, which may not be installed beside lrcli; matplotlib
    itself could then not be imported.
    """
    if "matplotlib" in sys.modules:
        return
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # where its cache is, nobody has asked
    wanted = os.environ.pop("MPLBACKEND", None)
    try:
        import matplotlib as mpl
    finally:
        if wanted is not None:
            os.environ["MPLBACKEND"] = wanted
    if wanted:
        with suppress(ValueError):
            mpl.rcParams["backend"] = wanted


@contextmanager
def style(look: Look = "screen") -> Iterator[None]:
    """The look of every figure, whatever the user's own matplotlibrc says.

    Args:
        look: screen, or paper: smaller letters and thinner lines, fonts as a part of the file.
    """
    load_matplotlib()
    import matplotlib as mpl

    # Setting the backend would import pyplot.
    defaults = {key: mpl.rcParamsDefault[key] for key in mpl.rcParamsDefault if "backend" not in key}
    chosen: Any = {**defaults, **_STYLE, **(_PAPER if look == "paper" else {})}
    with _ALONE, mpl.rc_context(chosen), quiet_about_glyphs():
        yield


@contextmanager
def quiet_about_glyphs() -> Iterator[None]:
    """Nothing is said of letters that the font lacks or cannot join, such as an emoji in a column's name.

    They are drawn as boxes or one by one, and there is nothing that the user could do.
    """
    with warnings.catch_warnings():
        for message in _OF_GLYPHS:
            warnings.filterwarnings("ignore", message, UserWarning)
        yield


def title_and_legend(axes: "Axes", title: str, *, legend: bool = True) -> None:
    """The legend, where one is wanted, between title and axes: inside them it would hide some line."""
    import matplotlib as mpl

    handles, names = axes.get_legend_handles_labels()
    inches = axes.figure.bbox.width / axes.figure.get_dpi()
    small, large = (mpl.rcParams[name] for name in ("legend.fontsize", "axes.titlesize"))
    rows = 0
    if legend and handles:
        room = int(_LETTERS_PER_INCH * inches / small)
        columns = next(c for c in range(len(names), 0, -1) if c == 1 or _width(names, c) <= room)
        rows = -(-len(handles) // columns)
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=columns, borderaxespad=0.2)
    most = max(20, int(0.9 * _LETTERS_PER_INCH * inches / large))
    lines = [part for line in title.split("\n") for part in textwrap.wrap(line, most)]
    axes.set_title("\n".join(lines), pad=6 + 1.75 * small * rows)


def names_beside(axes: "Axes", names: list[str], values: list[float]) -> None:
    """Name lines at the right of the axes, each at the height of its last value, or as near as there is room.

    Args:
        axes: whose scale and limits are set; its lines are drawn in the order of `COLORS`.
        names: of the lines, of one or two lines of text.
        values: where each one ends.
    """
    from matplotlib.font_manager import FontProperties

    if names == [""]:
        return
    place = axes.transData + axes.transAxes.inverted()
    heights = np.array([place.transform((axes.get_xlim()[0], value))[1] for value in values])
    size = FontProperties(size="small").get_size_in_points() / 72
    height = axes.get_window_extent().height / axes.figure.dpi
    room = np.array([_LINE_HEIGHT * size / height * (1 + name.count("\n")) for name in names])
    for i, (name, height) in enumerate(zip(names, _apart(heights, room), strict=True)):
        look: dict[str, Any] = {"color": COLORS[i], "marker": MARKERS[i]}
        axes.plot(
            [1.03, 1.055, 1.08], [height] * 3, transform=axes.transAxes, clip_on=False, markevery=[1], **look
        )
        axes.text(1.1, height, name, transform=axes.transAxes, va="center", size="small", linespacing=1.0)


def _apart(heights: Array, room: Array) -> Array:
    """Heights (n,) from 0 to 1 that are as far apart as the room of two neighbours, moved up or down."""
    order = np.argsort(heights, kind="stable")
    half = room[order] / 2
    places = np.clip(heights[order], half[0], 1)
    least = half[1:] + half[:-1]
    for i in range(1, len(places)):
        places[i] = max(places[i], places[i - 1] + least[i - 1])
    places[-1] = min(places[-1], 1 - half[-1])
    for i in range(len(places) - 2, -1, -1):
        places[i] = min(places[i], places[i + 1] - least[i])
    found = np.empty_like(places)
    found[order] = places
    return found


def _width(names: list[str], columns: int) -> int:
    """About how many letters wide a legend is; its columns fill up from the top, the first ones more."""
    lengths = np.array_split(np.array([len(name) for name in names]), columns)
    return sum(int(column.max()) + _HANDLE_WIDTH for column in lengths)


def cut(text: str, most: int) -> str:
    """Text of at most so many letters, its beginning and its end, where numbers are that tell names apart."""
    tail = most // 3
    return text if len(text) <= most else f"{text[: most - 1 - tail]}…{text[len(text) - tail :]}"
