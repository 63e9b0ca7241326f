"""Curves of what was recorded, and how they are drawn: a pair of axes for each quantity, below each other."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lrcli.config.metrics import direction_of, is_recovery, metric_of
from lrcli.reporting.drawing import Drawing
from lrcli.reporting.figure_axes import scale_value_axis
from lrcli.reporting.figure_style import COLORS, DASHES, MARKERS, cut, title_and_legend
from lrcli.reporting.scales import Array, thinned

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import FigureBase

__all__ = ["Curve", "curve_of", "over_time", "quantities"]

_MOST_POINTS = 600  # of a curve
_FEW_POINTS = 30  # each of which is marked
_LONGEST_NAME = 40  # letters


@dataclass(frozen=True, eq=False)
class Curve:
    """A metric over time, as far as it is a number.

    Attributes:
        metric: whose values.
        label: in a legend.
        x: (n,) epochs or steps, ascending.
        y: (n,) finite.
    """

    metric: str
    label: str
    x: Array
    y: Array

    @property
    def quantity(self) -> str:
        """What is measured, without the set of examples."""
        if is_recovery(self.metric):
            return "error"
        return "loss" if metric_of(self.metric).is_loss else metric_of(self.metric).name


def curve_of(metric: str, label: str, x: Any, y: Array) -> Curve:
    """A curve of at most some hundred points, its ends and its best among them.

    Args:
        metric: whose values.
        label: in a legend.
        x: (T,) epochs or steps, ascending.
        y: (T,) values, of which those that are not finite are left out.
    """
    known = np.flatnonzero(np.isfinite(y))
    shown = known
    if len(known) > _MOST_POINTS:
        best = _best(metric, y[known])
        shown = known[np.union1d(thinned(len(known), _MOST_POINTS), best)]
    return Curve(metric, label, np.asarray(x, dtype=np.float64)[shown], y[shown])


def quantities(curves: Sequence[Curve]) -> str:
    """What curves show, as a title begins."""
    return " and ".join(dict.fromkeys(curve.quantity for curve in curves)).capitalize()


def over_time(
    curves: Sequence[Curve],
    unit: str,
    title: str,
    *,
    names: "Callable[[Curve], str] | None" = None,
    colors: Sequence[str] = COLORS,
    beside: "Callable[[Axes, Curve], None] | None" = None,
) -> Drawing:
    """Draw curves, those of a quantity in the same axes.

    Args:
        curves: of one or several quantities, one at least.
        unit: what x counts: epoch or step.
        title: of the figure; its lines after the first are no part of the drawing's own title.
        names: what is written beside the axes of a curve; default: its metric, or the quantity of several.
        colors: of the curves of each quantity, in turn.
        beside: draws what belongs to a curve.
    """
    groups = list(_by_quantity(curves))

    def draw(figure: "FigureBase") -> None:
        ratios = [3, *[2] * (len(groups) - 1)]
        panels = figure.subplots(len(groups), sharex=True, height_ratios=ratios, squeeze=False)[:, 0]
        for axes, group in zip(panels, groups, strict=True):
            _plot(axes, group, colors)
            for curve in group if beside is not None else ():
                beside(axes, curve)  # type: ignore[misc]
            axes.set_ylabel(names(group[0]) if names else _name(group))
            title_and_legend(axes, title if axes is panels[0] else "", legend=axes is panels[0])
        panels[-1].set_xlabel(unit)
        figure.align_ylabels()

    apart = len({curve.metric for curve in curves}) < len(curves)  # by what they are of, not by their metric
    said = [
        _said(curve, f"{curve.metric} ({curve.label})" if apart else curve.metric, unit) for curve in curves
    ]
    return Drawing(title.partition("\n")[0], " ".join(said), draw)


def _by_quantity(curves: Sequence[Curve]) -> Iterator[list[Curve]]:
    kinds: dict[str, list[Curve]] = {}
    for curve in curves:
        kinds.setdefault(curve.quantity, []).append(curve)
    yield from kinds.values()


def _name(curves: Sequence[Curve]) -> str:
    """The metric, where it is one; else what is measured."""
    metrics = {curve.metric for curve in curves}
    return curves[0].quantity if len(metrics) > 1 else metrics.pop()


def _plot(axes: "Axes", curves: Sequence[Curve], colors: Sequence[str]) -> None:
    """Curves that are told apart by colour, dashes and, where their points are few, by markers."""
    whole = np.concatenate([curve.y for curve in curves])
    drawn = scale_value_axis(axes, "y", whole[None], curves[0].metric)[0]
    edges = np.cumsum([len(curve.y) for curve in curves])[:-1]
    for i, (curve, y) in enumerate(zip(curves, np.split(drawn, edges), strict=True)):
        few = len(curve.x) <= _FEW_POINTS
        axes.plot(
            curve.x,
            y,
            DASHES[(i + i // len(colors)) % len(DASHES)],  # other ones where the colours begin anew
            color=colors[i % len(colors)],
            marker=MARKERS[i % len(MARKERS)] if few else None,
            label=cut(curve.label, _LONGEST_NAME),
        )
    if not whole.size:
        axes.set_yticks([])
        axes.text(0.5, 0.5, "no finite value", transform=axes.transAxes, ha="center", color="#606060")
    last = max((curve.x[-1] for curve in curves if len(curve.x)), default=1.0)
    axes.set_xlim(-0.015 * last, 1.015 * last or 1.0)
    axes.locator_params(axis="x", integer=True)


def _said(curve: Curve, name: str, unit: str) -> str:
    """A sentence about where a curve begins and ends, and its best value where that is neither."""
    if not len(curve.x):
        return f"{name}: no finite value."
    first, last = (f"{value:.4g}" for value in curve.y[[0, -1]])
    if len(curve.x) == 1:
        return f"{name} is {first} at {unit} {curve.x[0]:,.0f}."
    verb = "falls" if curve.y[-1] < curve.y[0] else "rises" if curve.y[-1] > curve.y[0] else "goes"
    said = f"{name} {verb} from {first} at {unit} {curve.x[0]:,.0f} to {last} at {unit} {curve.x[-1]:,.0f}"
    best = _best(curve.metric, curve.y)
    if curve.y[best] not in curve.y[[0, -1]]:
        said += f", with {curve.y[best]:.4g} at {unit} {curve.x[best]:,.0f} as its best"
    return f"{said}."


def _best(metric: str, values: Array) -> int:
    """Which of the values of a metric is the best, the first of several that are."""
    return int(np.argmin(values) if direction_of(metric) == "min" else np.argmax(values))
