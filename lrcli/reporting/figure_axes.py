"""The axes of figures: their scales, limits, ticks, and heatmaps in them.

matplotlib is imported inside the functions: it takes a third of a second.
"""

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lrcli.reporting.scales import (
    Array,
    Scale,
    Ticks,
    key_ticks,
    limits,
    log_ticks,
    number_text,
    plain_numbers,
    scale_of,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["clipped_to", "heatmap", "label_axis", "label_numbers", "scale_key_axis", "scale_value_axis"]

_MOST_LABELS = 12
_BLANK: dict[str, Any] = {"facecolor": "white", "edgecolor": "#A0A0A0", "linewidth": 0.6}
_HATCHED: dict[str, Any] = {"facecolor": "#E8E8E8", "edgecolor": "#A0A0A0", "hatch": "////", "linewidth": 0}


def scale_value_axis(
    axes: "Axes", which: Literal["x", "y"], found: Array, metric: str, *, plain: bool | None = None
) -> Array:
    """Scale an axis to quantiles of a metric.

    Args:
        axes: whose.
        which: of its two.
        found: (Q, n), the median in the middle.
        metric: its name.
        plain: whether the numbers of a log axis are written out; None: as they are by themselves.

    Returns:
        (Q, n) what to draw: infinity just outside the axis, NaN where the median is infinite.
    """
    has_median = np.isfinite(found[len(found) // 2])
    low, high, logarithmic = limits(found[:, has_median], metric, decades=6)
    if logarithmic:
        getattr(axes, f"set_{which}scale")("log", nonpositive="clip")
        low, high = low / 1.3, high * 1.3
    else:
        margin = 0.05 * (high - low)
        low, high = low - margin, high + margin
    getattr(axes, f"set_{which}lim")(low, high)
    _set_ticks(getattr(axes, f"{which}axis"), low, high, logarithmic=logarithmic, plain=plain)
    return clipped_to(axes, which, found)


def clipped_to(axes: "Axes", which: Literal["x", "y"], found: Array) -> Array:
    """Quantiles as they can be drawn.

    Args:
        axes: whose.
        which: of its two, scaled already.
        found: (Q, n), the median in the middle.

    Returns:
        (Q, n) infinity just outside the axis, NaN where the median is infinite.
    """
    low, high = getattr(axes, f"get_{which}lim")()
    logarithmic = getattr(axes, f"get_{which}scale")() == "log"
    outside = (low / 10, high * 10) if logarithmic else (2 * low - high, 2 * high - low)
    return np.where(np.isfinite(found[len(found) // 2]), np.clip(found, *outside), np.nan)


def scale_key_axis(axes: "Axes", points: Array, scale: Scale) -> None:
    """Scale the bottom axis for the points (n,) of a key.

    Args:
        axes: whose.
        points: of the key.
        scale: how they are spaced.
    """
    if scale == "log":
        axes.set_xscale("log")
    elif scale == "symlog":
        axes.set_xscale("symlog", linthresh=float(points[points > 0].min()), linscale=0.5)
    label_axis(axes.xaxis, key_ticks(points, scale))


def heatmap(
    axes: "Axes",
    x: Array,
    y: Array,
    values: Array,
    metric: str,
    infinite: str,
    *,
    blank: str = "",
    ticks: tuple[Ticks | None, Ticks | None] = (None, None),
    plain: bool | None = None,
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
        blank: what the blank cells are, in words; empty where they need none.
        ticks: what is labelled along the bottom and the side; None: what suits the points.
        plain: whether the numbers of a log scale of colours are written out; None: as they are by themselves.

    Returns:
        The positions of x, (X,), and of y, (Y,), on the axes.
    """
    x_edges, x_positions = _cells(axes, "x", x, ticks[0])
    y_edges, y_positions = _cells(axes, "y", y, ticks[1])
    edges = [x_edges, y_edges]
    axes.grid(visible=False)
    hatched = np.isinf(values)
    if hatched.any():
        _hatch(axes, edges, hatched)
    if np.isfinite(values).any():
        _color(axes, edges, np.where(hatched, np.nan, values), metric, plain)
    _name_cells(axes, infinite if hatched.any() else "", blank if np.isnan(values).any() else "")
    return x_positions, y_positions


def _hatch(axes: "Axes", edges: list[Array], hatched: Array) -> None:
    """Hatch the whole background and cover the other cells: a hatch for each cell is slow."""
    from matplotlib.colors import ListedColormap

    axes.patch.set(**_HATCHED)
    covered = np.where(hatched, np.nan, 1.0)
    axes.pcolormesh(*edges, covered, cmap=ListedColormap(["white"]), rasterized=True)


def _name_cells(axes: "Axes", infinite: str, blank: str) -> None:
    """A legend of the cells without a colour that there are."""
    from matplotlib.patches import Patch

    named = [(_HATCHED, infinite), (_BLANK, blank)]
    patches = [Patch(**look, label=name) for look, name in named if name]
    if patches:
        axes.legend(
            handles=patches, loc="lower left", bbox_to_anchor=(0, 1), ncols=len(patches), borderaxespad=0.2
        )


def _color(axes: "Axes", edges: list[Array], values: Array, metric: str, plain: bool | None) -> None:
    from matplotlib.colors import LogNorm, Normalize

    low, high, logarithmic = limits(values, metric, decades=2)
    norm = LogNorm(low, high) if logarithmic else Normalize(low, high)
    beyond = bool((values > high).any())  # comparisons with NaN are False
    mesh = axes.pcolormesh(*edges, values, norm=norm, cmap="viridis", rasterized=True)
    extend: Any = "max" if beyond else "neither"
    bar = axes.figure.colorbar(mesh, ax=axes, label=metric, extend=extend)
    bar.outline.set_visible(False)
    same = np.unique(values[np.isfinite(values)])
    if len(same) == 1:
        label_axis(bar.ax.yaxis, Ticks(same, [f"{same[0]:.4g}"]))
    else:
        _set_ticks(bar.ax.yaxis, low, high, logarithmic=logarithmic, plain=plain)


def _cells(axes: "Axes", which: Literal["x", "y"], points: Array, ticks: Ticks | None) -> tuple[Array, Array]:
    """Scale an axis of a heatmap; the edges of the cells around n points, (n + 1,), and their middles."""
    axis, scale = getattr(axes, f"{which}axis"), scale_of(points)
    gaps = np.diff(points)
    if scale == "log":
        edges: Array = np.exp(_edges(np.log(points)))
        getattr(axes, f"set_{which}scale")("log")
    elif scale == "linear" and np.allclose(gaps, gaps[:1], rtol=0.2):
        edges = _edges(points)
    else:
        positions = np.arange(len(points), dtype=np.float64)
        every = -(-len(points) // _MOST_LABELS)
        label_axis(axis, Ticks(positions[::every], [f"{value:.4g}" for value in points[::every]]))
        return _edges(positions), positions
    chosen = ticks or key_ticks(points, scale)
    inside = [pair for pair in zip(*chosen, strict=True) if edges[0] <= pair[0] <= edges[-1]]
    label_axis(axis, Ticks(np.array([at for at, _ in inside]), [text for _, text in inside]))
    return edges, points


def _edges(points: Array) -> Array:
    if len(points) == 1:
        return np.array([points[0] - 0.5, points[0] + 0.5])
    middle = (points[1:] + points[:-1]) / 2
    return np.concatenate([[2 * points[0] - middle[0]], middle, [2 * points[-1] - middle[-1]]])


def label_axis(axis: Any, ticks: Ticks) -> None:
    """Label some positions and no others."""
    axis.set_ticks(ticks.positions, ticks.texts)
    axis.set_ticks([], minor=True)


def label_numbers(axis: Any, low: float, high: float) -> None:
    """Label a linear axis with complete numbers: a common power of ten above it would stand in the legend.

    Args:
        axis: which.
        low: where it begins.
        high: where it ends.
    """
    if 1e-3 <= max(abs(low), abs(high)) < 1e6:
        axis.get_major_formatter().set_useOffset(False)
    else:
        axis.set_major_formatter(lambda value, _: f"{value:.6g}")


def _set_ticks(axis: Any, low: float, high: float, *, logarithmic: bool, plain: bool | None) -> None:
    """Labels that people read: powers of ten over decades, plain numbers where there are few digits."""
    from matplotlib import ticker

    if not logarithmic:
        label_numbers(axis, low, high)
        return
    positions = log_ticks(low, high)
    written = plain_numbers(low, high) if plain is None else plain
    label_axis(axis, Ticks(positions, [number_text(float(value), plain=written) for value in positions]))
    if 30 * low <= high < 1e3 * low:  # each little tick takes time to draw
        axis.set_minor_locator(ticker.LogLocator(subs="all"))
        axis.set_minor_formatter(ticker.NullFormatter())
