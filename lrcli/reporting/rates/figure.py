"""The picture of a search: the score over the rate, every seed, the blow-up, the suggestion."""

from typing import TYPE_CHECKING

import numpy as np

from lrcli.reporting.drawing import Drawing
from lrcli.reporting.figure_axes import scale_key_axis, scale_value_axis
from lrcli.reporting.figure_style import COLORS, STAR, title_and_legend
from lrcli.reporting.rates.words import sentences
from lrcli.sweeps.rate_finding import RateFinding
from lrcli.wording import counted, one_line

if TYPE_CHECKING:
    from matplotlib.figure import FigureBase

__all__ = ["rates_figure"]


def rates_figure(finding: RateFinding) -> Drawing:
    """Every rate that was trained as long as any: each seed a dot, their median a line."""
    trials, metric, found = finding.decisive, finding.select.metric, finding.blow_up
    title = f"{metric} after {counted(finding.epochs, 'epoch')}: {counted(len(finding.seeds), 'seed')} a rate"

    def draw(figure: "FigureBase") -> None:
        axes = figure.subplots()
        medians = np.where(np.isfinite(finding.medians), finding.medians, np.nan)
        scores = np.where(trials.blown, np.nan, trials.scores)
        scale_value_axis(axes, "y", np.nanquantile(_known(scores), [0, 0.5, 1], axis=0), metric)
        scale_key_axis(axes, trials.rates, "log")
        for number, row in enumerate(scores):
            label = "a seed" if number == 0 else None
            axes.plot(trials.rates, row, "o", color=COLORS[5], ms=2.5, alpha=0.6, label=label)
        axes.plot(trials.rates, medians, color=COLORS[0], label="median")
        right = axes.get_xlim()[1]
        if found is not None:
            axes.axvline(found.rate, color=COLORS[1], ls="--", label=f"blow-up: {found.rate:.3g}")
            axes.axvspan(max(found.low, trials.rates[0]), right, color=COLORS[1], alpha=0.1, lw=0)
            axes.set_xlim(right=right)
        if finding.suggestion is not None and finding.chosen is not None:
            label = f"suggestion: {finding.suggestion:.3g}"
            axes.axvspan(finding.chosen.low, finding.chosen.high, color=COLORS[2], alpha=0.15, lw=0)
            axes.plot(finding.suggestion, finding.chosen.score, label=label, clip_on=False, **STAR)
        axes.set(xlabel="learning rate (optimizer.lr)", ylabel=metric)
        title_and_legend(axes, title)

    return Drawing(title, one_line(" ".join(sentences(finding, ""))), draw)


def _known(scores: np.ndarray) -> np.ndarray:
    """The columns in which any seed has a score; a zero where none has."""
    kept = scores[:, np.isfinite(scores).any(axis=0)]
    return kept if kept.size else np.zeros((1, 1))
