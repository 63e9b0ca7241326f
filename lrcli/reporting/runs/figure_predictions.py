"""What a model predicts beside what is true, where there are several features."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lrcli.reporting.drawing import Drawing
from lrcli.reporting.figure_style import COLORS, title_and_legend
from lrcli.reporting.runs.words import SHOWN_SPLITS, SPLITS
from lrcli.reporting.scales import Array, inner_limits, thinned
from lrcli.running.trained import TrainedRun
from lrcli.training.problem import SplitName

if TYPE_CHECKING:
    from matplotlib.figure import FigureBase

__all__ = ["Predictions", "predicted", "predictions"]

_MOST_EXAMPLES = 500  # of each split


@dataclass(frozen=True, eq=False)
class Predictions:
    """The model's outputs beside the targets.

    Attributes:
        pairs: from split to targets and outputs (2, n), some of them where there are very many.
        rmse: from split to the root of the mean squared difference, over all examples.
    """

    pairs: Mapping[SplitName, Array]
    rmse: Mapping[SplitName, float]


def predicted(run: TrainedRun) -> Predictions | None:
    """Of a model of several features whose targets are numbers; None of any other."""
    train = run.problem.splits["train"]
    if train.inputs.shape[2] < 2 or train.targets.shape[2] != 1 or run.problem.num_classes is not None:
        return None
    pairs: dict[SplitName, Array] = {}
    rmse: dict[SplitName, float] = {}
    for name in SHOWN_SPLITS:
        if name not in run.problem.splits:
            continue
        split = run.problem.splits[name]
        with np.errstate(over="ignore", invalid="ignore"):
            outputs = run.experiment.model.outputs(run.path.at(-1), split.inputs[0])
            if outputs is None:
                return None
            rmse[name] = float(np.sqrt(np.mean((outputs - split.targets[0]) ** 2)))
        shown = thinned(split.size, _MOST_EXAMPLES)
        pairs[name] = np.stack([split.targets[0][shown, 0], outputs[shown, 0]])
    return Predictions(pairs, rmse)


def predictions(run: TrainedRun) -> Drawing | None:
    """Predicted over true targets, and below what is between them."""
    found = predicted(run)
    if found is None:
        return None

    said = " ".join(
        f"Over the {SPLITS[name]} examples the root mean squared error is {value:.4g}."
        for name, value in found.rmse.items()
    )
    return Drawing(
        "Predicted over true targets",
        said,
        lambda figure: _draw_predictions(figure, found),
        size=(6.3, 4.4),
    )


def _draw_predictions(figure: "FigureBase", found: Predictions) -> None:
    over, between = figure.subplots(2, sharex=True, height_ratios=[3, 1.3])
    for (name, (true, outputs)), marker in zip(found.pairs.items(), ("o", "D"), strict=False):
        color = COLORS[0] if name == "train" else COLORS[1]
        look: dict[str, Any] = {
            "color": color,
            "alpha": 0.4,
            "mew": 0,
            "ms": 3,
            "label": f"{SPLITS[name]} examples",
        }
        over.plot(true, outputs, marker, **look)
        with np.errstate(over="ignore"):
            between.plot(true, outputs - true, marker, **look)
    true = inner_limits(np.concatenate([pair[0] for pair in found.pairs.values()]))
    over.set_xlim(*true)
    over.set_ylim(*inner_limits(np.concatenate([pair[1] for pair in found.pairs.values()])))
    between.set_ylim(*inner_limits(np.concatenate([pair[1] - pair[0] for pair in found.pairs.values()])))
    over.plot(true, true, color="#000000", lw=1, ls="--", label="predicted = true")
    between.axhline(0, color="#000000", lw=1, ls="--")
    for axes in (over, between):  # else a power of ten stands where the legend is
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:.4g}")
    over.set_ylabel("predicted")
    between.set(xlabel="true target", ylabel="predicted\n- true")
    figure.align_ylabels()
    title_and_legend(over, "Predicted over true targets")
