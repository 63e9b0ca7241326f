"""What the figures of a sweep share: their style, limits, ticks and heatmaps.

matplotlib is imported inside the functions: it takes a third of a second.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lrcli.config.metrics import metric_of
from lrcli.reporting.sweeps.axes import Scale, scale_of
from lrcli.reporting.sweeps.scores import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["STAR", "heatmap", "limits", "scale_key_axis", "scale_value_axis", "style"]

_STYLE: dict[str, Any] = {
    "figure.figsize": (6.3, 3.9),  # inches: the width of a page's text, 16 cm
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
STAR: dict[str, Any] = {
    "marker": "*",
    "ls": "none",
    "color": "#F0E442",
    "mec": "black",
    "ms": 12,
    "zorder": 5,
}
_MOST_LABELS = 12
_HATCHED: dict[str, Any] = {"facecolor": "#E8E8E8", "edgecolor": "#A0A0A0", "hatch": "////", "linewidth": 0}


@contextmanager
def style() -> Iterator[None]:
    """The look of every figure, whatever the user's own matplotlibrc says."""
    import matplotlib as mpl

    # Setting the backend would import pyplot.
    defaults = {key: mpl.rcParamsDefault[key] for key in mpl.rcParamsDefault if "backend" not in key}
    look: Any = {**defaults, **_STYLE}
    with mpl.rc_context(look):
        yield


def limits(values: Array, metric: str, decades: float) -> tuple[float, float, bool]:
    """The smallest and largest value to show, and whether on a log axis.

    Args:
        values: of the metric; infinite ones are left aside.
        metric: its name.
        decades: how far above the median of the values a log axis goes at most: the losses of members
            about to diverge would leave no room for the rest.
    """
    finite = values[np.isfinite(values)]
    if not finite.size:
        return 0.0, 1.0, False
    positive = finite[finite > 0]
    if positive.size and finite.min() >= 0 and metric_of(metric).scale == "log":
        low = float(positive.min())
        high = min(float(positive.max()), float(np.median(positive)) * 10**decades)
        if high >= 5 * low:
            return low, high, True
    low, high = float(finite.min()), float(finite.max())
    gap = 1e-3 * max(abs(low), abs(high)) or 1.0
    return (low, high, False) if high - low > 1e-6 * gap else (low - gap, high + gap, False)


def scale_value_axis(axes: "Axes", which: Literal["x", "y"], found: Array, metric: str) -> Array:
    """Scale an axis to quantiles of a metric.

    Args:
        axes: whose.
        which: of its two.
        found: (Q, n), the median in the middle.
        metric: its name.

    Returns:
        (Q, n) what to draw: infinity just outside the axis, NaN where the median is infinite.
    """
    has_median = np.isfinite(found[len(found) // 2])
    low, high, logarithmic = limits(found[:, has_median], metric, decades=6)
    if logarithmic:
        getattr(axes, f"set_{which}scale")("log", nonpositive="clip")
        low, high = low / 1.3, high * 1.3
        outside = (low / 10, high * 10)
    else:
        margin = 0.05 * (high - low)
        outside = (2 * low - high, 2 * high - low)
        low, high = low - margin, high + margin
    getattr(axes, f"set_{which}lim")(low, high)
    _set_ticks(getattr(axes, f"{which}axis"), low, high, logarithmic=logarithmic)
    return np.where(has_median, np.clip(found, *outside), np.nan)


def scale_key_axis(axes: "Axes", points: Array, scale: Scale) -> None:
    """Scale the bottom axis for the values of a key."""
    positive = points[points > 0]
    if scale == "log":
        axes.set_xscale("log")
        _set_ticks(axes.xaxis, float(points.min()), float(points.max()), logarithmic=True)
    elif scale == "symlog":
        axes.set_xscale("symlog", linthresh=float(positive.min()), linscale=0.5)
        shown = np.unique(positive)
        _set_labels(axes.xaxis, np.array([0.0, *shown]), np.array([0.0, *shown]))


def heatmap(axes: "Axes", x: Array, y: Array, values: Array, metric: str) -> tuple[Array, Array]:
    """Values (y, x) as colours; hatched where infinite, for most members diverged; blank where NaN.

    Along an axis whose values are spaced neither evenly nor by an even ratio every value has a cell of
    the same size.

    Returns:
        Where the values of x and of y lie on the axes.
    """
    (x_edges, x_places), (y_edges, y_places) = _cells(axes, "x", x), _cells(axes, "y", y)
    edges = [x_edges, y_edges]
    axes.grid(visible=False)
    diverged = np.isinf(values)
    if diverged.any():
        _hatch(axes, edges, diverged)
    if np.isfinite(values).any():
        _color(axes, edges, np.where(diverged, np.nan, values), metric)
    return x_places, y_places


def _hatch(axes: "Axes", edges: list[Array], diverged: Array) -> None:
    """Hatch the whole background and cover what did not diverge: a hatch for each cell is slow."""
    from matplotlib.colors import ListedColormap
    from matplotlib.patches import Patch

    axes.patch.set(**_HATCHED)
    covered = np.where(diverged, np.nan, 1.0)
    axes.pcolormesh(*edges, covered, cmap=ListedColormap(["white"]), rasterized=True)
    patch = Patch(**_HATCHED, label="most members diverged")
    axes.legend(handles=[patch], loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2)


def _color(axes: "Axes", edges: list[Array], values: Array, metric: str) -> None:
    from matplotlib.colors import LogNorm, Normalize

    low, high, logarithmic = limits(values, metric, decades=2)
    norm = LogNorm(low, high) if logarithmic else Normalize(low, high)
    beyond = bool((values > high).any())  # comparisons with NaN are False
    mesh = axes.pcolormesh(*edges, values, norm=norm, cmap="viridis", rasterized=True)
    extend: Any = "max" if beyond else "neither"
    bar = axes.figure.colorbar(mesh, ax=axes, label=metric, extend=extend)
    bar.outline.set_visible(False)
    _set_ticks(bar.ax.yaxis, low, high, logarithmic=logarithmic)


def _cells(axes: "Axes", which: Literal["x", "y"], points: Array) -> tuple[Array, Array]:
    """Scale an axis of a heatmap; the edges of the cells around n points, (n + 1,), and their middles."""
    axis = getattr(axes, f"{which}axis")
    if scale_of(points) == "log":
        edges: Array = np.exp(_edges(np.log(points)))
        getattr(axes, f"set_{which}scale")("log")
        _set_ticks(axis, points[0], points[-1], logarithmic=True)
        return edges, points
    gaps = np.diff(points)
    if len(points) > _MOST_LABELS and np.allclose(gaps, gaps[0], rtol=0.2):
        return _edges(points), points
    places = np.arange(len(points), dtype=np.float64)
    _set_labels(axis, places, points)
    return _edges(places), places


def _edges(points: Array) -> Array:
    if len(points) == 1:
        return np.array([points[0] - 0.5, points[0] + 0.5])
    middle = (points[1:] + points[:-1]) / 2
    return np.concatenate([[2 * points[0] - middle[0]], middle, [2 * points[-1] - middle[-1]]])


def _set_labels(axis: Any, places: Array, values: Array) -> None:
    """The values themselves as labels, at most a dozen of them."""
    every = -(-len(places) // _MOST_LABELS)
    axis.set_ticks(places[::every], [f"{value:.4g}" for value in values[::every]])
    axis.set_ticks([], minor=True)


def _set_ticks(axis: Any, low: float, high: float, *, logarithmic: bool) -> None:
    """Labels that people read: powers of ten over decades, plain numbers where there are few digits."""
    from matplotlib import ticker

    if not logarithmic:
        axis.get_major_formatter().set_useOffset(False)
        return
    if high >= 30 * low:
        axis.set_major_locator(ticker.LogLocator(numticks=8))
        few = high < 1e3 * low  # each little tick takes time to draw
        axis.set_minor_locator(ticker.LogLocator(subs="all") if few else ticker.NullLocator())
    else:
        axis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
        axis.set_minor_locator(ticker.NullLocator())
    plain = high < 30 * low or (low > 0.9e-4 and high < 1.1e4)
    axis.set_major_formatter(ticker.FuncFormatter((lambda value, _: f"{value:g}") if plain else _power))
    axis.set_minor_formatter(ticker.NullFormatter())


def _power(value: float, _: int | None = None) -> str:
    """A power of ten, as text, which is drawn faster than matplotlib's own formulas."""
    digits = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
    return f"10{str(round(np.log10(value))).translate(digits)}"
