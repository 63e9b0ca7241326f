"""How the numbers of each parameter are spread, before, while and after training."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lrcli.reporting.drawing import Drawing
from lrcli.reporting.figure_style import COLORS, cut
from lrcli.reporting.scales import Array
from lrcli.running.trained import TrainedRun

if TYPE_CHECKING:
    from matplotlib.figure import FigureBase

__all__ = ["Spread", "histograms", "spreads"]

_MOST_PARAMETERS = 8
_FEWEST_NUMBERS = 3
_BINS = 24
_TIMES = 4


@dataclass(frozen=True, eq=False)
class Spread:
    """The numbers of a parameter at some epochs.

    Attributes:
        name: of the parameter.
        edges: (B + 1,) of the bins.
        counts: from epoch to (B,) how many numbers are in each bin.
        ranges: from epoch to the smallest and the largest of its finite numbers; None where it has none.
    """

    name: str
    edges: Array
    counts: dict[int, Array]
    ranges: dict[int, tuple[float, float] | None]


def spreads(run: TrainedRun) -> list[Spread]:
    """Of each parameter of several numbers; those that are not finite are left aside."""
    epochs = run.path.epoch
    wanted = np.concatenate([[0], np.geomspace(1, max(1, epochs[-1]), _TIMES - 1)])
    chosen = np.unique(np.minimum(np.searchsorted(epochs, np.floor(wanted)), len(epochs) - 1))
    found = []
    for parameter in run.problem.parameters:
        values = run.path.parameters[parameter.name][chosen].reshape(len(chosen), -1)
        finite = values[np.isfinite(values)]
        if parameter.size < _FEWEST_NUMBERS or not finite.size:
            continue
        low, high = float(finite.min()), float(finite.max())
        gap = 1e-6 * max(1.0, abs(low), abs(high))
        edges = np.linspace(low - gap, high + gap, _BINS + 1)
        rows = {int(epochs[i]): row[np.isfinite(row)] for i, row in zip(chosen, values, strict=True)}
        counts = {epoch: np.histogram(row, edges)[0].astype(np.float64) for epoch, row in rows.items()}
        ranges = {
            epoch: (float(row.min()), float(row.max())) if row.size else None for epoch, row in rows.items()
        }
        found.append(Spread(parameter.name, edges, counts, ranges))
    return found[:_MOST_PARAMETERS]


def histograms(run: TrainedRun) -> Drawing | None:
    """A panel for each parameter, its histograms one above the other, the first at the bottom."""
    found = spreads(run) if run.experiment.logging.histograms else []
    if not found:
        return None
    columns = min(2, len(found))
    rows = -(-len(found) // columns)

    def draw(figure: "FigureBase") -> None:
        panels = figure.subplots(rows, columns, squeeze=False).ravel()
        for panel in panels[len(found) :]:
            panel.set_axis_off()
        for axes, spread in zip(panels, found, strict=False):
            highest = max(counts.max() for counts in spread.counts.values()) or 1.0
            for i, counts in enumerate(spread.counts.values()):
                shade = 0.25 + 0.5 * i / max(1, len(spread.counts) - 1)
                heights = i + 0.85 * counts / highest
                axes.stairs(heights, spread.edges, baseline=i, fill=True, color=COLORS[0], alpha=shade)
                axes.stairs(heights, spread.edges, baseline=i, color=COLORS[0], lw=0.8)
            labels = [f"epoch {epoch:,}" for epoch in spread.counts]
            axes.set(yticks=range(len(labels)), yticklabels=labels, xlabel=cut(spread.name, 30))
            axes.grid(visible=False)
        figure.suptitle("Histograms of the parameters", x=0.01, ha="left", fontsize="large")

    said = " ".join(_said(spread) for spread in found)
    return Drawing("Histograms of the parameters", said, draw, size=(6.3, 1.0 + 2.0 * rows))


def _said(spread: Spread) -> str:
    """Between what the numbers lie, at first and at last."""
    epochs = list(spread.ranges)
    parts = []
    for epoch in dict.fromkeys((epochs[0], epochs[-1])):
        held = spread.ranges[epoch]
        lie = f"from {held[0]:.3g} to {held[1]:.3g}" if held else "nowhere, as none is finite,"
        parts.append(f"{lie} at epoch {epoch:,}")
    return f"The numbers of {spread.name} lie {', '.join(parts)}."
