"""The axes of figures: their scales, limits, ticks, and heatmaps in them.

matplotlib is imported inside the functions: it takes a third of a second.
"""

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lrcli.reporting.scales import Array, Scale, limits, power_text, scale_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["heatmap", "scale_key_axis", "scale_value_axis"]

_MOST_LABELS = 12
_HATCHED: dict[str, Any] = {"facecolor": "#E8E8E8", "edgecolor": "#A0A0A0", "hatch": "////", "linewidth": 0}


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
    """Scale the bottom axis for the points (n,) of a key."""
    positive = points[points > 0]
    if scale == "log":
        axes.set_xscale("log")
        _set_ticks(axes.xaxis, float(points.min()), float(points.max()), logarithmic=True)
    elif scale == "symlog":
        axes.set_xscale("symlog", linthresh=float(positive.min()), linscale=0.5)
        shown = np.unique(positive)
        _set_labels(axes.xaxis, np.array([0.0, *shown]), np.array([0.0, *shown]))


def heatmap(
    axes: "Axes", x: Array, y: Array, values: Array, metric: str, infinite: str
) -> tuple[Array, Array]:
    """Values as colours; hatched where infinite; blank where NaN.

    Along an axis whose values are spaced neither evenly nor by an even ratio every value has a cell of
    the same size.

    Args:
        axes: where.
        x: (X,) along the bottom.
        y: (Y,) along the side.
        values: (Y, X) of a metric.
        metric: its name.
        infinite: what the hatched cells are, in words.

    Returns:
        The positions of x, (X,), and of y, (Y,), on the axes.
    """
    (x_edges, x_positions), (y_edges, y_positions) = _cells(axes, "x", x), _cells(axes, "y", y)
    edges = [x_edges, y_edges]
    axes.grid(visible=False)
    hatched = np.isinf(values)
    if hatched.any():
        _hatch(axes, edges, hatched, infinite)
    if np.isfinite(values).any():
        _color(axes, edges, np.where(hatched, np.nan, values), metric)
    return x_positions, y_positions


def _hatch(axes: "Axes", edges: list[Array], hatched: Array, name: str) -> None:
    """Hatch the whole background and cover the other cells: a hatch for each cell is slow."""
    from matplotlib.colors import ListedColormap
    from matplotlib.patches import Patch

    axes.patch.set(**_HATCHED)
    covered = np.where(hatched, np.nan, 1.0)
    axes.pcolormesh(*edges, covered, cmap=ListedColormap(["white"]), rasterized=True)
    patch = Patch(**_HATCHED, label=name)
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
    positions = np.arange(len(points), dtype=np.float64)
    _set_labels(axis, positions, points)
    return _edges(positions), positions


def _edges(points: Array) -> Array:
    if len(points) == 1:
        return np.array([points[0] - 0.5, points[0] + 0.5])
    middle = (points[1:] + points[:-1]) / 2
    return np.concatenate([[2 * points[0] - middle[0]], middle, [2 * points[-1] - middle[-1]]])


def _set_labels(axis: Any, positions: Array, values: Array) -> None:
    """The values themselves as labels, at most a dozen of them."""
    every = -(-len(positions) // _MOST_LABELS)
    axis.set_ticks(positions[::every], [f"{value:.4g}" for value in values[::every]])
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
    text = (lambda value, _: f"{value:g}") if plain else (lambda value, _: power_text(value))
    axis.set_major_formatter(ticker.FuncFormatter(text))
    axis.set_minor_formatter(ticker.NullFormatter())
