"""The classical test of learning rates: what is said of it, and its picture."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from lrcli.analysis.rate_ramp import Ramp
from lrcli.reporting.drawing import Drawing
from lrcli.reporting.figure_axes import scale_key_axis, scale_value_axis
from lrcli.reporting.figure_style import COLORS, STAR, title_and_legend

if TYPE_CHECKING:
    from matplotlib.figure import FigureBase

__all__ = ["ramp_figure", "ramp_sentences"]


def ramp_sentences(ramp: Ramp) -> Iterator[str]:
    """What the test says, and what it cannot say."""
    if not len(ramp.rates):
        yield "ramp: the loss was no number from the first step on"
        return
    end = "to its end" if ramp.stopped is None else f"until the loss broke off at {ramp.stopped:.3g}"
    yield f"ramp: one run whose rate grows with every step from {ramp.rates[0]:.3g}, {end}"
    if ramp.steepest is None:
        yield "the smoothed loss never falls: the test suggests nothing"
    else:
        yield f"steepest fall at {ramp.steepest:.3g}: what the test suggests (Smith 2017; a habit)"
    yield (
        "each loss is that of parameters which all smaller rates have already trained, so rate and progress "
        "are confounded; without --ramp every rate is tried from the start"
    )


def ramp_figure(ramp: Ramp) -> Drawing:
    """The loss of each step over its rate, as it is and smoothed."""
    title = "training loss while the rate grows with every step"

    def draw(figure: "FigureBase") -> None:
        axes = figure.subplots()
        both = np.stack([ramp.losses, ramp.smoothed, ramp.losses])
        scale_value_axis(axes, "y", both, "train/loss")
        scale_key_axis(axes, ramp.rates, "log")
        axes.plot(ramp.rates, ramp.losses, ".", color=COLORS[5], label="after each step")
        axes.plot(ramp.rates, ramp.smoothed, color=COLORS[0], label="smoothed")
        if ramp.steepest is not None:
            at = ramp.smoothed[np.searchsorted(ramp.rates, ramp.steepest)]
            axes.plot(ramp.steepest, at, label=f"steepest (Smith 2017): {ramp.steepest:.3g}", **STAR)
        axes.set(xlabel="learning rate (optimizer.lr)", ylabel="train/loss")
        title_and_legend(axes, title)

    return Drawing(title, " ".join(ramp_sentences(ramp)), draw)
