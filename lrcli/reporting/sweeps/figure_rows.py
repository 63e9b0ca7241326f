"""The figure of a metric after training where no numeric key was swept: a row for each configuration."""

from typing import TYPE_CHECKING

import numpy as np

from lrcli.analysis.statistics import scores
from lrcli.analysis.sweep_results import SweepResults
from lrcli.reporting.drawing import Drawing
from lrcli.reporting.figure_axes import scale_value_axis
from lrcli.reporting.figure_style import COLORS, cut, title_and_legend
from lrcli.reporting.key_names import label
from lrcli.reporting.sweeps.figure_words import best_words, diverged_words, of_seeds, sentences_of
from lrcli.reporting.sweeps.scores import best_first, diverged_share, is_plain, quantiles

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import FigureBase

__all__ = ["row_for_each", "say_nothing_is_left"]

_PROBABILITIES = (0.1, 0.25, 0.5, 0.75, 0.9)
_MOST_ROWS = 40
_LONGEST_ROW = 36  # letters


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
        plain = is_plain(results, results.metric)
        bands = scale_value_axis(axes, "x", found, results.metric, plain=plain)
        if len(results.seeds) > 1:
            axes.hlines(rows, bands[0], bands[4], color=COLORS[0], lw=1.5, label="middle 80 %")
            axes.hlines(rows, bands[1], bands[3], color=COLORS[0], lw=6, alpha=0.4, label="middle 50 %")
        axes.plot(bands[2], rows, "o", color=COLORS[0], ms=6, label="median")
        labels = [name + note for name, note in zip(names, notes, strict=True)]
        axes.set(yticks=rows, yticklabels=labels, ylim=(len(order) - 0.5, -0.5), xlabel=results.metric)
        anything = bool(np.isfinite(bands[2]).any())
        title_and_legend(axes, title, legend=anything)
        if not anything:
            axes.set_xticks([])
            say_nothing_is_left(axes)

    rows = f"A row for each of {len(order)} configurations, best first" if len(order) > 1 else "One row"
    axis = f"{rows}; along the bottom {results.metric} after training, {of_seeds(results)}."
    description = sentences_of(axis, best_words(results, results.metric), diverged_words(results))
    return Drawing(title, description, draw, size=(6.3, 1.4 + 0.34 * len(order)))


def say_nothing_is_left(axes: "Axes") -> None:
    """Words in place of values."""
    words = "most members diverged, everywhere"
    axes.text(0.5, 0.5, words, transform=axes.transAxes, ha="center", va="center")
