"""The figures of a sweep: each a function from its results to a drawing.

Lines are medians over seeds, in which a member that diverged counts as infinitely bad, so a line ends
where most members diverged. matplotlib is imported when the first figure is drawn. Its pyplot, which keeps
figures alive and looks for a window system, is not used.
"""

from collections.abc import Callable, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lrcli.analysis.statistics import scores
from lrcli.analysis.sweep_results import SweepResults
from lrcli.config.metrics import MAX_ABS_ERROR, training_loss_of
from lrcli.reporting.drawing import Drawing, side_by_side
from lrcli.reporting.figure_axes import heatmap
from lrcli.reporting.figure_style import STAR, cut
from lrcli.reporting.scales import Array, thinned
from lrcli.reporting.sweeps.axes import key_title, numeric_keys, sweep_lines
from lrcli.reporting.sweeps.figure_lines import of_seeds, over_rate, row_for_each
from lrcli.reporting.sweeps.scores import best_first, curve_scores, quantiles
from lrcli.sweeps.reading import FinishedSweep

if TYPE_CHECKING:
    from matplotlib.figure import FigureBase

__all__ = [
    "KINDS",
    "drawings",
    "drawings_of_sweeps",
    "final_metric",
    "metric_map",
    "recovery_error",
    "training_loss",
]

_LONGEST_LABEL = 50  # letters, in a title
_MOST_CELLS = 250  # along each side of a heatmap


def drawings(results: SweepResults) -> dict[str, Drawing]:
    """The figures that make sense for a sweep, from file name to drawing."""
    found = {name: kind(results) for name, kind in _KINDS.items()}
    return {name: drawing for name, drawing in found.items() if drawing is not None}


def drawings_of_sweeps(sweeps: Sequence[FinishedSweep]) -> dict[str, Drawing]:
    """The figures of several sweeps side by side; those that make sense for all of them.

    Args:
        sweeps: one at least, whose own figures they are where it is the only one.
    """
    if len(sweeps) == 1:
        return drawings(sweeps[0].results)
    names = ["/".join(PurePosixPath(sweep.result.run_dir).parts[-2:]) for sweep in sweeps]
    each = {name: drawings(sweep.results) for name, sweep in zip(names, sweeps, strict=True)}
    common = [kind for kind in KINDS if all(kind in drawn for drawn in each.values())]
    return {kind: side_by_side({name: drawn[kind] for name, drawn in each.items()}) for kind in common}


def final_metric(results: SweepResults) -> Drawing:
    """The selection metric after training: over the swept rate, or a row for each configuration."""
    swept = sweep_lines(results)
    if swept is None or len(results.configurations) == 1:
        return row_for_each(results)
    return over_rate(results, results.metric, swept)


def recovery_error(results: SweepResults) -> Drawing | None:
    """The largest error of a recovered parameter, over the swept rate."""
    swept = sweep_lines(results)
    if swept is None or len(results.configurations) == 1 or MAX_ABS_ERROR not in results.final:
        return None
    if not np.isfinite(quantiles(scores(results, MAX_ABS_ERROR), (0.5,))).any():
        return None
    return over_rate(results, MAX_ABS_ERROR, swept)


def training_loss(results: SweepResults) -> Drawing | None:
    """A heatmap of the median training loss: epochs times the swept rate, other keys at their best."""
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
    return _map(title, metric, (epochs, line.x[kept]), ("epoch", key_title(swept.key)), median)


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
    titles = (key_title(keys[0]), key_title(keys[1]))
    title = f"{results.metric} after training: {of_seeds(results)}"
    best = best_first(results)[0]
    spot = (row[best], column[best])
    return _map(title, results.metric, (points[0], points[1]), titles, medians, spot)


_KINDS: dict[str, Callable[[SweepResults], Drawing | None]] = {
    "final_metric": final_metric,
    "training_loss": training_loss,
    "recovery_error": recovery_error,
    "metric_map": metric_map,
}

KINDS = tuple(_KINDS)


def _map(
    title: str,
    metric: str,
    points: tuple[Array, Array],
    titles: tuple[str, str],
    values: Array,
    best: tuple[int, int] | None = None,
) -> Drawing:
    """A heatmap.

    Args:
        title: of the figure.
        metric: whose values.
        points: along the bottom (X,) and the side (Y,).
        titles: of the two.
        values: (Y, X).
        best: the row and the column to mark.
    """

    def draw(figure: "FigureBase") -> None:
        axes = figure.subplots()
        x, y = heatmap(axes, *points, values, metric, "most members diverged")
        if best is not None and np.isfinite(values[best]):
            axes.plot(x[best[1]], y[best[0]], **STAR)
        axes.set(xlabel=titles[0], ylabel=titles[1])
        above = 14 * (axes.get_legend() is not None)
        axes.set_title(title, pad=6 + above)

    return Drawing(title, f"{title}, over {titles[0]} and {titles[1]}.", draw)


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
