"""The figures of a metric after training: lines over a swept key, or a row for each configuration."""

from typing import TYPE_CHECKING, Any

import numpy as np

from lrcli.analysis.statistics import scores
from lrcli.analysis.sweep_results import SweepResults
from lrcli.reporting.drawing import Drawing
from lrcli.reporting.figure_axes import scale_key_axis, scale_value_axis
from lrcli.reporting.figure_style import COLORS, MARKERS, STAR, cut, title_and_legend
from lrcli.reporting.scales import Array
from lrcli.reporting.sweeps.axes import Line, SweepLines, key_title, label
from lrcli.reporting.sweeps.scores import best_first, diverged_share, quantiles

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import FigureBase

__all__ = ["of_seeds", "over_rate", "row_for_each"]

_PROBABILITIES = (0.1, 0.25, 0.5, 0.75, 0.9)
_MOST_ROWS = 40
_LONGEST_LABEL, _LONGEST_ROW = 66, 36  # letters


def of_seeds(results: SweepResults) -> str:
    """What a value stands for, in a title."""
    count = len(results.seeds)
    return f"median of {count} seeds" if count > 1 else "one seed"


def over_rate(results: SweepResults, metric: str, swept: SweepLines) -> Drawing:
    """Medians and bands of a metric after training; below, where any diverged, what share did."""
    few = f"\nthe {len(swept.lines)} best of {len(swept.lines) + swept.left_out} lines"
    title = f"{metric} after training: {of_seeds(results)}{few if swept.left_out else ''}"

    def draw(figure: "FigureBase") -> None:
        found = quantiles(scores(results, metric), _PROBABILITIES)
        shown = np.concatenate([line.configurations for line in swept.lines])
        share = 100 * diverged_share(results)
        ratios = [4, 1] if share[shown].any() else [1]
        panels = figure.subplots(len(ratios), sharex=True, height_ratios=ratios, squeeze=False)[:, 0]
        clipped = np.full_like(found, np.nan)
        clipped[:, shown] = scale_value_axis(panels[0], "y", found[:, shown], metric)
        for i, line in enumerate(swept.lines):
            _draw_line(panels[0], line, clipped[:, line.configurations], i, alone=len(swept.lines) == 1)
            if len(panels) > 1:
                look = {"color": COLORS[i], "marker": MARKERS[i], "ms": 2.5, "clip_on": False}
                panels[1].plot(line.x, share[line.configurations], **look)
        if metric == results.metric:
            _mark_best(panels[0], results, swept, clipped[2])
        panels[0].set_ylabel(metric)
        _finish(panels[0], title, anything=bool(np.isfinite(clipped[2]).any()))
        if len(panels) > 1:
            panels[1].set(ylabel="diverged, %", ylim=(0, 100), yticks=(0, 50, 100))
            figure.align_ylabels()
        panels[-1].set_xlabel(key_title(swept.key))
        scale_key_axis(panels[-1], np.concatenate([line.x for line in swept.lines]), swept.scale)

    return Drawing(title, f"{title}, over {key_title(swept.key)}.", draw)


def _draw_line(axes: "Axes", line: Line, bands: Array, i: int, *, alone: bool) -> None:
    """The median of a line with its bands; beside other lines only the inner one, for they overlap."""
    look: dict[str, Any] = {"color": COLORS[i], "lw": 0}
    spread = bool(np.nanmax(bands[4] - bands[0], initial=0) > 0)
    if spread and alone:
        axes.fill_between(line.x, bands[0], bands[4], alpha=0.13, label="middle 80 %", **look)
        axes.fill_between(line.x, bands[1], bands[3], alpha=0.25, label="middle 50 %", **look)
    elif spread:
        axes.fill_between(line.x, bands[1], bands[3], alpha=0.13, **look)
    every = max(1, len(line.x) // 50)
    name = cut(line.label, _LONGEST_LABEL) or ("median" if spread else None)
    axes.plot(line.x, bands[2], color=COLORS[i], marker=MARKERS[i], markevery=every, label=name)


def _mark_best(axes: "Axes", results: SweepResults, swept: SweepLines, medians: Array) -> None:
    best = best_first(results)[0]
    configuration = results.configurations[best]
    if np.isfinite(medians[best]) and swept.key in configuration:
        text = cut(f"best: {label(configuration, results.keys)}", _LONGEST_LABEL)
        axes.plot(float(configuration[swept.key]), medians[best], label=text, clip_on=False, **STAR)


def _finish(axes: "Axes", title: str, *, anything: bool) -> None:
    """Title and legend; words in place of them where most members diverged, everywhere."""
    if not anything:
        axes.set_yticks([])
        axes.text(0.5, 0.5, "most members diverged, everywhere", transform=axes.transAxes, ha="center")
    title_and_legend(axes, title, legend=anything)


def row_for_each(results: SweepResults) -> Drawing:
    """A row for each of the best configurations: median, middle half, middle 80 %, share diverged."""
    order = best_first(results)[:_MOST_ROWS]
    few = f"\nthe {len(order)} best of {len(results.configurations)}"
    title = f"{results.metric} after training: {of_seeds(results)}"
    title += few if len(order) < len(results.configurations) else ""

    def draw(figure: "FigureBase") -> None:
        share = 100 * diverged_share(results)[order]
        names = [cut(label(results.configurations[i], results.keys), _LONGEST_ROW) for i in order]
        notes = [f"\n{percent:.3g} % diverged" if percent else "" for percent in share]
        found = quantiles(scores(results, results.metric), _PROBABILITIES)[:, order]
        rows = np.arange(len(order))
        axes = figure.subplots()
        bands = scale_value_axis(axes, "x", found, results.metric)
        if len(results.seeds) > 1:
            axes.hlines(rows, bands[0], bands[4], color=COLORS[0], lw=1.5, label="middle 80 %")
            axes.hlines(rows, bands[1], bands[3], color=COLORS[0], lw=6, alpha=0.4, label="middle 50 %")
        axes.plot(bands[2], rows, "o", color=COLORS[0], ms=6, label="median")
        labels = [name + note for name, note in zip(names, notes, strict=True)]
        axes.set(yticks=rows, yticklabels=labels, ylim=(len(order) - 0.5, -0.5), xlabel=results.metric)
        anything = bool(np.isfinite(bands[2]).any())
        _finish(axes, title, anything=anything)
        if not anything:
            axes.set(xticks=[], yticks=rows, yticklabels=labels)

    return Drawing(title, f"{title}.", draw, size=(6.3, 1.4 + 0.34 * len(order)))
