"""The figures of a metric after training over a swept key: a line for each combination of the others.

A line joins values that its own configurations were trained at, with no value between them that only others
were; see `lrcli.reporting.sweeps.axes.SweepLines.gaps`. A value that stands alone is a marker.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lrcli.analysis.statistics import scores
from lrcli.analysis.sweep_results import SweepResults
from lrcli.config.metrics import MAX_ABS_ERROR
from lrcli.reporting.drawing import Drawing
from lrcli.reporting.figure_axes import scale_key_axis, scale_value_axis
from lrcli.reporting.figure_style import COLORS, MARKERS, STAR, cut, title_and_legend
from lrcli.reporting.key_names import key_title, label
from lrcli.reporting.scales import Array
from lrcli.reporting.sweeps.axes import Line, SweepLines, sweep_lines
from lrcli.reporting.sweeps.figure_limits import draw_limits, limits_words
from lrcli.reporting.sweeps.figure_rows import row_for_each, say_nothing_is_left
from lrcli.reporting.sweeps.figure_words import (
    best_words,
    diverged_words,
    of_seeds,
    rates_words,
    sentences_of,
    values_words,
)
from lrcli.reporting.sweeps.scores import best_first, diverged_share, is_plain, quantiles

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import FigureBase

__all__ = ["final_metric", "recovery_error"]

_PROBABILITIES = (0.1, 0.25, 0.5, 0.75, 0.9)
_MOST_VALUES = 2000  # of the swept key, on a line
_LONGEST_LABEL = 66  # letters


def final_metric(results: SweepResults) -> Drawing:
    """The selection metric after training: over the swept rate, or a row for each configuration."""
    swept = sweep_lines(results)
    if swept is None or len(results.configurations) == 1:
        return row_for_each(results)
    return _over_rate(results, results.metric, swept)


def recovery_error(results: SweepResults) -> Drawing | None:
    """The largest error of a recovered parameter, over the swept rate."""
    swept = sweep_lines(results)
    if swept is None or len(results.configurations) == 1 or MAX_ABS_ERROR not in results.final:
        return None
    if not np.isfinite(quantiles(scores(results, MAX_ABS_ERROR), (0.5,))).any():
        return None
    return _over_rate(results, MAX_ABS_ERROR, swept)


def _over_rate(results: SweepResults, metric: str, swept: SweepLines) -> Drawing:
    """Medians and bands of a metric after training; below, where any diverged, what share did."""
    few = f"\nthe {len(swept.lines)} best of {len(swept.lines) + swept.left_out} lines"
    title = f"{metric} after training: {of_seeds(results)}{few if swept.left_out else ''}"

    def draw(figure: "FigureBase") -> None:
        shown = np.concatenate([line.configurations for line in swept.lines])
        share = 100 * diverged_share(results)
        ratios = [4, 1] if share[shown].any() else [1]
        panels = figure.subplots(len(ratios), sharex=True, height_ratios=ratios, squeeze=False)[:, 0]
        clipped = _scaled(panels[0], results, metric, shown)
        drawn = swept.thinned(_MOST_VALUES)
        for i, line in enumerate(drawn.lines):
            x, (*bands, percent) = _with_gaps(
                drawn, line, np.vstack([clipped, share])[:, line.configurations]
            )
            _draw_line(panels[0], line.label, x, np.array(bands), i, alone=len(swept.lines) == 1)
            if len(panels) > 1:
                look = {"color": COLORS[i], "marker": MARKERS[i], "ms": 2.5, "clip_on": False}
                panels[1].plot(x, percent, **look)
        draw_limits(list(panels), results, swept)
        if metric == results.metric:
            _mark_best(panels[0], results, swept, clipped[2])
        panels[0].set_ylabel(metric)
        anything = bool(np.isfinite(clipped[2]).any())
        title_and_legend(panels[0], title, legend=anything)
        if not anything:
            panels[0].set_yticks([])
            say_nothing_is_left(panels[0])
        if len(panels) > 1:
            panels[1].set(ylabel="diverged, %", ylim=(0, 100), yticks=(0, 50, 100))
            figure.align_ylabels()
        panels[-1].set_xlabel(key_title(swept.key))
        scale_key_axis(panels[-1], swept.points, swept.scale)

    return Drawing(title, _description(results, metric, swept), draw)


def _scaled(axes: "Axes", results: SweepResults, metric: str, shown: NDArray[np.intp]) -> Array:
    """Scale the side to some configurations; what to draw of all of them, (Q, C), NaN for the others."""
    found = quantiles(scores(results, metric), _PROBABILITIES)
    clipped = np.full_like(found, np.nan)
    plain = is_plain(results, metric)
    clipped[:, shown] = scale_value_axis(axes, "y", found[:, shown], metric, plain=plain)
    return clipped


def _description(results: SweepResults, metric: str, swept: SweepLines) -> str:
    """What is on the axes, what is best, which rates are about as good, and how many diverged."""
    names = [line.label for line in swept.lines if line.label]
    lines = f" A line for each of {len(names)}: {'; '.join(names)}." if len(names) > 1 else ""
    along = f"Over {values_words(swept.key, swept.points)}: {metric} after training, {of_seeds(results)}."
    usable = rates_words(results, swept) if metric == results.metric else ""
    stable = limits_words(results, swept)
    return sentences_of(along + lines, best_words(results, metric), usable, stable, diverged_words(results))


def _with_gaps(swept: SweepLines, line: Line, values: Array) -> tuple[Array, Array]:
    """The points of a line and their values (k, n), with NaN where the line is broken."""
    after = np.flatnonzero(swept.gaps(line)) + 1
    return np.insert(line.x, after, np.nan), np.insert(values, after, np.nan, axis=1)


def _draw_line(axes: "Axes", name: str, x: Array, bands: Array, i: int, *, alone: bool) -> None:
    """The median of a line with its bands; beside other lines only the inner one, for they overlap."""
    look: dict[str, Any] = {"color": COLORS[i], "lw": 0}
    spread = bool(np.nanmax(bands[4] - bands[0], initial=0) > 0)
    if spread and alone:
        axes.fill_between(x, bands[0], bands[4], alpha=0.13, label="middle 80 %", **look)
        axes.fill_between(x, bands[1], bands[3], alpha=0.25, label="middle 50 %", **look)
    elif spread:
        axes.fill_between(x, bands[1], bands[3], alpha=0.13, **look)
    by_itself = _by_itself(bands[2])
    if by_itself.any():  # a band of no width cannot be seen
        axes.vlines(x[by_itself], *bands[[1, 3]][:, by_itself], color=COLORS[i], lw=4, alpha=0.25)
    every = max(1, len(x) // 50)
    shown = cut(name, _LONGEST_LABEL) or ("median" if spread else None)
    axes.plot(x, bands[2], color=COLORS[i], marker=MARKERS[i], markevery=every, label=shown)


def _by_itself(values: Array) -> NDArray[np.bool_]:
    """Which of the values (n,) of a line have no neighbour to be joined with."""
    there = np.concatenate([[False], np.isfinite(values), [False]])
    return np.asarray(there[1:-1] & ~there[:-2] & ~there[2:])


def _mark_best(axes: "Axes", results: SweepResults, swept: SweepLines, medians: Array) -> None:
    best = best_first(results)[0]
    configuration = results.configurations[best]
    if np.isfinite(medians[best]) and swept.key in configuration:
        text = cut(f"best: {label(configuration, results.keys)}", _LONGEST_LABEL)
        axes.plot(float(configuration[swept.key]), medians[best], label=text, clip_on=False, **STAR)
