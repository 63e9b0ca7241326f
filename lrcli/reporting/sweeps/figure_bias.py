"""The figure of a simulation study: bias and spread of each parameter over the swept key.

As Morris, White and Crowther (2019) advise, each measure is drawn with its Monte Carlo error.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from lrcli.analysis.study import Study, study_of
from lrcli.analysis.sweep_results import SweepResults
from lrcli.reporting.drawing import Drawing
from lrcli.reporting.figure_axes import label_axis, label_numbers, scale_key_axis
from lrcli.reporting.figure_style import COLORS, MARKERS, cut
from lrcli.reporting.key_names import key_title
from lrcli.reporting.scales import Array, Ticks, log_ticks, number_text, plain_numbers
from lrcli.reporting.sweeps.axes import Line, SweepLines, sweep_lines
from lrcli.reporting.sweeps.figure_words import diverged_words, sentences_of, values_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import FigureBase

__all__ = ["bias_and_spread"]

_MOST_PARAMETERS, _MOST_LINES = 4, 4
_MOST_VALUES = 1000  # of the swept key, those of all lines added up
_REACH = 1.96  # Monte Carlo standard errors to each side, 95%
_LONGEST_LABEL = 40  # letters
_FAR = 100.0  # times the smallest bias that can be told from 0, from which on an axis is logarithmic


def bias_and_spread(results: SweepResults) -> Drawing | None:
    """Bias, and the standard deviation over seeds, of each parameter over the swept key."""
    swept = sweep_lines(results, most=_MOST_LINES)
    if swept is None or len(swept.points) < 2 or len(results.seeds) < 2:
        return None
    shown = np.concatenate([line.configurations for line in swept.lines])
    every = {name: of for name, of in study_of(results).items() if np.isfinite(of.bias_mcse[shown]).any()}
    if not every:
        return None
    studies = dict(list(every.items())[:_MOST_PARAMETERS])
    title = f"bias and spread of what was learned: {len(results.seeds)} seeds"
    title += f"\nthe first {len(studies)} of {len(every)} parameters" if len(studies) < len(every) else ""
    title += f"\nthe {len(swept.lines)} best lines" if swept.left_out else ""

    def draw(figure: "FigureBase") -> None:
        drawn = swept.thinned(_MOST_VALUES // len(swept.lines))
        panels = figure.subplots(len(studies), 2, sharex=True, squeeze=False)
        for (name, of), (left, right) in zip(studies.items(), panels, strict=True):
            _draw_bias(left, of, drawn)
            _draw_spread(right, of, drawn)
            left.set_ylabel(name)
        panels[0, 0].set_title("bias, ± 1.96 Monte Carlo SE", size="small")
        panels[0, 1].set_title("empirical standard error", size="small")
        for axes in panels.ravel():
            axes.tick_params(labelsize="small")
        for axes in panels[-1]:
            axes.set_xlabel(key_title(swept.key), size="small")
            scale_key_axis(axes, swept.points, swept.scale)
        figure.suptitle(title, x=0.01, ha="left", size=10)
        handles, names = panels[0, 1].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside lower left", ncols=2)

    size = (6.3, 1.6 + 1.25 * len(studies))
    return Drawing(title, _description(results, swept, studies), draw, size)


def _draw_bias(axes: "Axes", of: Study, swept: SweepLines) -> None:
    axes.axhline(0, color="black", lw=0.8)
    shown = np.concatenate([line.configurations for line in swept.lines])
    _scale_bias(axes, of.bias[shown], of.bias_mcse[shown])
    for i, line in enumerate(swept.lines):
        bias, error = of.bias[line.configurations], _REACH * of.bias_mcse[line.configurations]
        look: dict[str, Any] = {"color": COLORS[i], "marker": MARKERS[i], "ms": 3, "lw": 1, "elinewidth": 0.8}
        axes.errorbar(line.x, bias, yerr=np.nan_to_num(error), capsize=1.5, **look)


def _scale_bias(axes: "Axes", bias: Array, error: Array) -> None:
    """Linear around 0, as far as a bias cannot be told from it; logarithmic where others lie far beyond."""
    largest = float(np.nanmax(np.abs(bias), initial=0.0))
    reach = _REACH * np.nan_to_num(error)
    told = reach[reach > 0]
    within = 10.0 ** np.ceil(np.log10(told.min())) if told.size else 0.0
    if not within or largest <= _FAR * within:
        label_numbers(axes.yaxis, float(np.nanmin(bias)), float(np.nanmax(bias)))
        return
    powers = np.arange(np.log10(within), np.ceil(np.log10(largest)) + 0.5)
    labelled = 10.0 ** powers[:: -(-len(powers) // 3)]
    positions = np.concatenate([-labelled[::-1], [0.0], labelled])
    axes.set_yscale("symlog", linthresh=within)
    axes.set_ylim(
        min(2 * float(np.nanmin(bias - reach)), -2 * within),
        max(2 * float(np.nanmax(bias + reach)), 2 * within),
    )
    low, high = axes.get_ylim()
    positions = positions[(positions >= low) & (positions <= high)]
    label_axis(axes.yaxis, Ticks(positions, [f"{value:.4g}" for value in positions]))


def _draw_spread(axes: "Axes", of: Study, swept: SweepLines) -> None:
    for i, line in enumerate(swept.lines):
        spread = _positive(of.empirical_se, line)
        error = _REACH * np.nan_to_num(of.empirical_se_mcse[line.configurations])
        look: dict[str, Any] = {"color": COLORS[i], "marker": MARKERS[i], "ms": 3, "lw": 1, "elinewidth": 0.8}
        below = np.minimum(error, 0.9 * np.nan_to_num(spread))
        label = cut(line.label, _LONGEST_LABEL) or "over the seeds"
        axes.errorbar(line.x, spread, yerr=[below, error], capsize=1.5, label=label, **look)
    alone = _positive(of.standard_error, swept.best)
    if np.isfinite(alone).any():
        axes.plot(swept.best.x, alone, color="black", ls="--", lw=1, label="the data alone: standard error")
    _scale_spread(axes)


def _scale_spread(axes: "Axes") -> None:
    """Logarithmic, as far as the lines go."""
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    positions = log_ticks(low, high, most=4)
    plain = plain_numbers(low, high)
    label_axis(axes.yaxis, Ticks(positions, [number_text(float(value), plain=plain) for value in positions]))


def _positive(values: Array, line: Line) -> Array:
    found = values[line.configurations]
    return np.where(found > 0, found, np.nan)


def _description(results: SweepResults, swept: SweepLines, studies: dict[str, Study]) -> str:
    """The axes, and where the bias of each parameter is smallest."""
    told = []
    for name, of in studies.items():
        bias = of.bias[swept.best.configurations]
        if np.isfinite(bias).any():
            at = int(np.nanargmin(np.abs(bias)))
            first = int(np.flatnonzero(np.isfinite(bias))[0])
            told.append(
                f"{name} is off by {bias[first]:.3g} at {swept.best.x[first]:.4g}, least at "
                f"{swept.best.x[at]:.4g}: {bias[at]:.3g}."
            )
    return sentences_of(
        f"Over {values_words(swept.key, swept.points)}: for each parameter the mean of learned minus true "
        f"over {len(results.seeds)} seeds with its Monte Carlo error, and beside it the standard deviation.",
        *told,
        diverged_words(results),
    )
