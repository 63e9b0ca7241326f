"""The figure of a metric over epochs: the best configuration of each group, or rates around the best one.

Where keys beside the rate were swept, a line is one combination of them at its own best rate: what each can
do when it is tuned. Where the rate alone was swept, the lines are the best rate, slower and faster ones, and
the smallest at which most members diverged: what a rate does to training.
"""

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lrcli.analysis.statistics import describe_metric
from lrcli.analysis.sweep_results import SweepResults
from lrcli.config.metrics import training_loss_of
from lrcli.reporting.drawing import Drawing
from lrcli.reporting.figure_axes import clipped_to, label_axis, scale_value_axis
from lrcli.reporting.figure_style import COLORS, MARKERS, STAR, cut, names_beside
from lrcli.reporting.key_names import label, short_key
from lrcli.reporting.scales import Array, thinned
from lrcli.reporting.sweeps.axes import Line, SweepLines, epoch_ticks, sweep_lines
from lrcli.reporting.sweeps.figure_words import diverged_words, of_seeds, sentences_of
from lrcli.reporting.sweeps.scores import best_first, curve_scores, is_plain, quantiles

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import FigureBase

__all__ = ["best_curves"]

_MOST_LINES = 8
_RATES = 5  # at which most members do not diverge
_MOST_POINTS = 300  # of a line
_MARKED = 8  # points of a line
_SMOOTH = 60  # points; lines of more are often ragged
_SHADE, _MANY = 0.14, 4  # bands of many lines overlap
_LONGEST_LINE, _MOST_TEXT = 26, 3  # letters, and lines of text, beside a line
_ROOM_ABOVE = 30.0  # times the largest value of those that train, for those that do not
_FIRM = "\u00a0"  # a space at which no line is broken


@dataclass(frozen=True)
class _Curve:
    """A configuration while it trains.

    Attributes:
        name: the values of its swept keys.
        epochs: (t,) of the records shown.
        bands: (3, t) quartiles with the median in the middle; infinite from where most seeds have diverged.
        best: whether it is the best configuration of the sweep.
    """

    name: str
    epochs: Array
    bands: Array
    best: bool

    @property
    def lost(self) -> int | None:
        """The epoch by which most members had diverged, or None."""
        gone = np.flatnonzero(np.isinf(self.bands[1]))
        return int(self.epochs[gone[0]]) if len(gone) else None


def best_curves(results: SweepResults) -> Drawing | None:
    """The selection metric over epochs, or the training loss where that has no curve."""
    metric = _metric_of_curves(results)
    if metric is None or results.epoch.shape[1] < 2:
        return None
    numbers, about = _chosen(results)
    best = best_first(results)[0]
    every = [_curve(results, metric, int(number), best=bool(number == best)) for number in numbers]
    curves = [curve for curve in every if np.isfinite(curve.bands[1]).sum() > 1]
    if not curves:
        return None
    shaded = ["middle half shaded"] if len(results.seeds) > 1 else []
    title = "\n".join(
        filter(None, [f"{metric} while training: {of_seeds(results)}", ", ".join(about + shaded)])
    )

    def draw(figure: "FigureBase") -> None:
        axes = figure.subplots()
        scale_value_axis(axes, "y", _to_see_whole(curves), metric, plain=is_plain(results, metric))
        bands = [clipped_to(axes, "y", curve.bands) for curve in curves]
        for i, (curve, band) in enumerate(zip(curves, bands, strict=True)):
            _draw(axes, curve, band, i, len(curves))
        axes.set(xlabel="epoch", ylabel=metric)
        axes.margins(x=0.015)
        label_axis(axes.xaxis, epoch_ticks(results))
        axes.set_title(title)
        names = [_name(curve, alone=len(curves) == 1) for curve in curves]
        names_beside(axes, names, [_last(band[1]) for band in bands])

    return Drawing(title, _description(results, metric, curves), draw)


def _to_see_whole(curves: list[_Curve]) -> Array:
    """Quartiles and medians (3, n) for which there is to be room: not all of what is about to diverge."""
    trained = [curve.bands for curve in curves if curve.lost is None]
    whole = [bands if np.isfinite(bands).all() else np.tile(bands[1], (3, 1)) for bands in trained]
    lost = np.concatenate([curve.bands[1] for curve in curves if curve.lost is not None] or [[]])
    most = _ROOM_ABOVE * max((np.abs(bands).max() for bands in whole), default=np.inf)
    return np.concatenate([*whole, np.tile(np.clip(lost[np.isfinite(lost)], -most, most), (3, 1))], axis=1)


def _metric_of_curves(results: SweepResults) -> str | None:
    """Of which metric there are curves worth showing."""
    curve = results.curves.get(results.metric)
    if curve is not None and any(np.isfinite(of_seed).any() for of_seed in curve):
        return results.metric
    return training_loss_of(results.curves)


def _chosen(results: SweepResults) -> tuple[NDArray[np.intp], list[str]]:
    """Which configurations are shown, in the order of their lines, and what they are in words."""
    swept, order = sweep_lines(results, _MOST_LINES), best_first(results)
    count = len(results.configurations)
    if swept is None or count == 1:
        few = [f"the {_MOST_LINES} best of {count}"] if count > _MOST_LINES else []
        return order[:_MOST_LINES], few
    key = short_key(swept.key, results.keys)
    if len(swept.lines) == 1:
        return _along(results, swept.best, key)
    rank = np.argsort(order)
    best = [line.configurations[np.argmin(rank[line.configurations])] for line in swept.lines]
    few = [f"the {len(best)} best of {len(best) + swept.left_out}"] if swept.left_out else []
    return np.array(best), [f"each {_others(results, swept)} at its best {key}", *few]


def _others(results: SweepResults, swept: SweepLines) -> str:
    """The keys beside the rate."""
    names = [short_key(key, results.keys) for key in results.keys if key != swept.key]
    return names[0] if len(names) == 1 else "combination"


def _along(results: SweepResults, line: Line, key: str) -> tuple[NDArray[np.intp], list[str]]:
    """The best of a line, others evenly along it, and the first in which most members diverged."""
    medians = describe_metric(results).median[line.configurations]
    trained = np.flatnonzero(np.isfinite(medians))
    if not len(trained):
        return line.configurations[:_RATES], [f"the smallest values of {key}"]
    best = int(np.argmin(np.argsort(best_first(results))[line.configurations]))
    even = trained[thinned(len(trained), _RATES)]
    if best not in even:
        inner = even[1:-1]
        even = np.where(even == inner[np.argmin(np.abs(inner - best))], best, even)
    lost = np.arange(trained[-1] + 1, len(line.x))[:1]
    return line.configurations[np.concatenate([even, lost])], [f"the best {key} and others"]


def _curve(results: SweepResults, metric: str, number: int, *, best: bool) -> _Curve:
    """The curve of a configuration, as far as any of its members went."""
    own = np.array([number])
    epoch = results.epoch[number][results.epoch[number] >= 0]
    reached = int(np.searchsorted(epoch, results.epochs[:, number].max(), side="right"))
    lost = int(np.any(results.status[:, number] == "diverged"))  # by the record after
    records = thinned(min(reached + lost, len(epoch)), _MOST_POINTS)
    bands = quantiles(curve_scores(results, metric, own, records), (0.25, 0.5, 0.75))[:, 0]
    there = ~np.isnan(bands[1])
    there[1:] &= ~np.logical_or.accumulate(np.isinf(bands[1]))[:-1]  # of diverged ones the first record
    name = label(results.configurations[number], results.keys)
    best = best and not np.isinf(bands[1]).any()
    return _Curve(name, epoch[records][there].astype(np.float64), bands[:, there], best)


def _draw(axes: "Axes", curve: _Curve, bands: Array, i: int, count: int) -> None:
    """The line i of some, told from the others by its markers, too; a cross where most members diverge."""
    alpha = _SHADE if count < _MANY else _SHADE / 2
    axes.fill_between(curve.epochs, bands[0], bands[2], color=COLORS[i], alpha=alpha, lw=0)
    marked = thinned(len(curve.epochs), _MARKED)
    if len(curve.epochs) > 4 * _MARKED:  # beside those of other lines, not on them
        marked = marked[:-1] + i * int(marked[1]) // _MOST_LINES
    look: dict[str, Any] = {"color": COLORS[i], "marker": MARKERS[i], "markevery": marked.tolist()}
    look |= {"lw": 1.2} if len(curve.epochs) > _SMOOTH else {}
    axes.plot(curve.epochs, bands[1], label=curve.name or "median", **look)
    last = np.flatnonzero(np.isfinite(bands[1]))[-1]
    if curve.lost is not None:
        _cross(axes, curve.epochs[last], bands[1, last])
    elif curve.best and count > 1:
        axes.plot(curve.epochs[last], bands[1, last], clip_on=False, **STAR)


def _cross(axes: "Axes", x: float, y: float) -> None:
    """Mark the end of a line; within the axes, where the line has left them."""
    height = (axes.transData + axes.transAxes.inverted()).transform((x, y))[1]
    look: dict[str, Any] = {"color": "black", "ms": 8, "mew": 2, "zorder": 4}
    axes.plot(x, np.clip(height, 0.03, 0.97), "x", transform=axes.get_xaxis_transform(), **look)


def _name(curve: _Curve, *, alone: bool) -> str:
    """What stands beside a line."""
    note = "\nmost diverged" if curve.lost is not None else "\nbest" if curve.best and not alone else ""
    lines = textwrap.wrap(curve.name.replace(" ", _FIRM).replace("," + _FIRM, ", "), _LONGEST_LINE) or [""]
    if len(lines) > _MOST_TEXT:
        lines = [*lines[: _MOST_TEXT - 1], "…"]
    return "\n".join(cut(line.replace(_FIRM, " "), _LONGEST_LINE) for line in lines) + note


def _last(median: Array) -> float:
    """The last value of a line."""
    return float(median[np.flatnonzero(np.isfinite(median))[-1]])


def _description(results: SweepResults, metric: str, curves: list[_Curve]) -> str:
    """What is on the axes, where each line begins and ends, and how many members diverged."""
    last = max(curve.epochs[-1] for curve in curves)
    return sentences_of(
        f"{metric} over epochs {curves[0].epochs[0]:.0f} to {last:.0f}, {of_seeds(results)}.",
        "; ".join(_told(curve, several=len(curves) > 1) for curve in curves) + ".",
        diverged_words(results),
    )


def _told(curve: _Curve, *, several: bool) -> str:
    """A line in a clause."""
    median = curve.bands[1]
    name = (curve.name or "it") + (" (the best)" if curve.best and several else "")
    ends = f"{name} goes from {median[0]:.4g} to {_last(median):.4g}"
    return ends if curve.lost is None else f"{ends}, and most members have diverged by epoch {curve.lost}"
