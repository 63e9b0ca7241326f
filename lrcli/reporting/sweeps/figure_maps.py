"""The figures of a sweep that are maps: a colour for each epoch and rate, or for each pair of two keys."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lrcli.analysis.statistics import scores
from lrcli.analysis.sweep_results import SweepResults
from lrcli.config.metrics import training_loss_of
from lrcli.reporting.drawing import Drawing
from lrcli.reporting.figure_axes import heatmap
from lrcli.reporting.figure_style import STAR, cut
from lrcli.reporting.key_names import key_title, short_key
from lrcli.reporting.scales import Array, Ticks, key_ticks, scale_of, thinned
from lrcli.reporting.sweeps.axes import Line, SweepLines, epoch_ticks, numeric_keys, sweep_lines
from lrcli.reporting.sweeps.figure_words import (
    best_words,
    diverged_words,
    of_seeds,
    sentences_of,
    values_words,
)
from lrcli.reporting.sweeps.scores import best_first, curve_scores, is_plain, quantiles
from lrcli.wording import counted

if TYPE_CHECKING:
    from matplotlib.figure import FigureBase

__all__ = ["metric_map", "training_loss"]

_LONGEST_LABEL = 50  # letters, in a title
_MOST_CELLS = 250  # along each side of a map
_DIVERGED = "most members diverged"


def training_loss(results: SweepResults) -> Drawing | None:
    """A map of the median training loss: epochs times the swept rate, other keys at their best."""
    swept = sweep_lines(results)
    metric = training_loss_of(results.curves)
    if swept is None or metric is None or len(swept.best.x) < 2:
        return None
    line = swept.best
    kept = thinned(len(line.x), _MOST_CELLS)
    epochs, median = _median_curves(results, metric, line.configurations[kept])
    title = f"{metric} while training: {of_seeds(results)}"
    if line.label:
        title += f"\nat the best {cut(line.label, _LONGEST_LABEL)}"

    def draw(figure: "FigureBase") -> None:
        axes = figure.subplots()
        look: dict[str, Any] = {"blank": "no record", "plain": is_plain(results, metric)}
        ticks = (epoch_ticks(results), swept.ticks)
        heatmap(axes, epochs, line.x[kept], median, metric, _DIVERGED, ticks=ticks, **look)
        axes.set(xlabel="epoch", ylabel=key_title(swept.key))
        axes.set_title(title, pad=_pad(axes.get_legend() is not None))

    return Drawing(title, _words_of_training(results, metric, swept, epochs, median[:, -1]), draw)


def metric_map(results: SweepResults) -> Drawing | None:
    """The selection metric over exactly two numeric keys."""
    swept, values = sweep_lines(results), numeric_keys(results)
    everywhere = all(len(found) == len(results.configurations) for found in values.values())
    if swept is None or len(results.keys) != 2 or len(values) != 2 or not everywhere:
        return None
    keys = (swept.key, next(key for key in results.keys if key != swept.key))
    points = [np.unique(values[key]) for key in keys]
    if min(map(len, points)) < 2:
        return None
    column, row = (np.searchsorted(at, values[key]) for at, key in zip(points, keys, strict=True))
    medians = np.full((len(points[1]), len(points[0])), np.nan)
    medians[row, column] = quantiles(scores(results, results.metric), (0.5,))[0]
    title = f"{results.metric} after training: {of_seeds(results)}"
    best = best_first(results)[0]
    ticks: tuple[Ticks, Ticks] = (swept.ticks, key_ticks(points[1], scale_of(points[1])))

    def draw(figure: "FigureBase") -> None:
        axes = figure.subplots()
        look: dict[str, Any] = {"blank": "not trained", "plain": is_plain(results, results.metric)}
        x, y = heatmap(axes, points[0], points[1], medians, results.metric, _DIVERGED, ticks=ticks, **look)
        if np.isfinite(medians[row[best], column[best]]):
            axes.plot(x[column[best]], y[row[best]], **STAR)
        axes.set(xlabel=key_title(keys[0]), ylabel=key_title(keys[1]))
        axes.set_title(title, pad=_pad(axes.get_legend() is not None))

    along = " and ".join(values_words(key, at) for key, at in zip(keys, points, strict=True))
    untried = int(np.isnan(medians).sum())
    description = sentences_of(
        f"Colours over {along}: {title}.",
        best_words(results, results.metric),
        f"{untried} of {medians.size} combinations were not trained." if untried else "",
        diverged_words(results),
    )
    return Drawing(title, description, draw)


def _pad(has_legend: bool) -> float:
    """Points between the axes and the title."""
    return 20 if has_legend else 6


def _words_of_training(
    results: SweepResults, metric: str, swept: SweepLines, epochs: Array, last: Array
) -> str:
    """The axes, which rate ends lowest, which rates most members did not survive, and how many diverged."""
    line: Line = swept.best
    what = short_key(swept.key, results.keys)
    beside = f" with {line.label}" if line.label else ""
    axes = f"over epochs {epochs[0]:.0f} to {epochs[-1]:.0f} and {values_words(swept.key, line.x)}{beside}"
    lowest = f"At the last epoch it is smallest at {what}={{:.4g}}: {{:.4g}}."
    kept = line.x[thinned(len(line.x), _MOST_CELLS)]
    at = np.nanargmin(last) if np.isfinite(last).any() else None
    lost = kept[np.isinf(last)]
    return sentences_of(
        f"Colours: {metric}, {of_seeds(results)}, {axes}.",
        lowest.format(kept[at], last[at]) if at is not None else "",
        f"Most members had diverged at {counted(len(lost), 'value')}, from {lost.min():.4g} on."
        if len(lost)
        else "",
        diverged_words(results),
    )


def _median_curves(
    results: SweepResults, metric: str, configurations: NDArray[np.intp]
) -> tuple[Array, Array]:
    """Epochs (t,) and the median of a metric at each, (n, t); NaN where a configuration has ended."""
    epoch = results.epoch[configurations]
    longest = epoch[np.argmax(epoch.max(axis=1))]
    count = int(np.sum(longest >= 0))
    shown = thinned(count, _MOST_CELLS)
    epochs = longest[shown].astype(np.float64)
    if (epoch == longest).all():
        (median,) = quantiles(curve_scores(results, metric, configurations, shown), (0.5,))
        return epochs, median
    every = np.arange(epoch.shape[1])
    (median,) = quantiles(curve_scores(results, metric, configurations, every), (0.5,))
    # Records at other epochs: each column shows the last one so far.
    index = np.array([np.searchsorted(row[row >= 0], epochs, side="right") - 1 for row in epoch])
    at = np.take_along_axis(median, np.maximum(index, 0), axis=1)
    return epochs, np.where((index < 0) | (epochs > epoch.max(axis=1, keepdims=True)), np.nan, at)
