"""How the fitted curve lies among the examples, where there is one feature."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lrcli.reporting.drawing import Drawing
from lrcli.reporting.figure_axes import label_numbers
from lrcli.reporting.figure_style import COLORS, DASHES, cut, title_and_legend
from lrcli.reporting.runs.words import SHOWN_SPLITS, SPLITS
from lrcli.reporting.scales import Array, inner_limits, thinned
from lrcli.running.trained import TrainedRun
from lrcli.training.problem import SplitName
from lrcli.wording import counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import FigureBase

__all__ = ["Fit", "fit", "fits", "fitted"]

_MOST_EXAMPLES = 500  # of each split
_POINTS = 400  # of a curve
_MOST_EARLIER = 5  # fits
_LONGEST_NAME = 40  # letters


@dataclass(frozen=True, eq=False)
class Fit:
    """A function of one feature and what it was fitted to.

    Attributes:
        examples: from split to inputs and targets (2, n), some of them where there are very many.
        count: of the training examples, all of them.
        x: (P,) where the curves are known, ascending.
        truth: (P,) the rule behind the data; None where it is not known.
        fitted: (P,) the model's outputs.
        earlier: from epoch to (P,), the outputs it had before, ascending.
        epoch: of the fit.
        labels: what x and y are called.
    """

    examples: Mapping[SplitName, Array]
    count: int
    x: Array
    truth: Array | None
    fitted: Array
    earlier: Mapping[int, Array]
    epoch: int
    labels: tuple[str, str] = ("x", "y")


def fitted(run: TrainedRun) -> Fit | None:
    """The curve of a model of one feature and one output; None of any other."""
    train = run.problem.splits["train"]
    if train.inputs.shape[2] != 1 or train.targets.shape[2] != 1 or run.problem.num_classes is not None:
        return None
    examples = {
        name: np.concatenate(
            [run.problem.splits[name].inputs[0], run.problem.splits[name].targets[0]], axis=1
        ).T
        for name in SHOWN_SPLITS
        if name in run.problem.splits
    }
    x = _grid(np.concatenate([points[0] for points in examples.values()]))
    curves = {i: _outputs(run, i, x) for i in (*_earlier(run.path.epoch), len(run.path) - 1)}
    last = curves.pop(len(run.path) - 1)
    if last is None:
        return None
    rule = run.problem.dataset.rule(x[:, None])
    x_label, y_label = run.problem.dataset.axis_labels
    return Fit(
        examples={name: points[:, _shown(points[1])] for name, points in examples.items()},
        count=train.size,
        x=x,
        truth=None if rule is None else rule[:, 0],
        fitted=last,
        earlier={int(run.path.epoch[i]): curve for i, curve in curves.items() if curve is not None},
        epoch=int(run.path.epoch[-1]),
        labels=(cut(x_label, _LONGEST_NAME), cut(y_label, _LONGEST_NAME)),
    )


def _shown(y: Array) -> NDArray[np.intp]:
    """Some hundred of the examples, those among them that lie far from nearly all others."""
    low, high = inner_limits(y)
    far = np.flatnonzero((y < low) | (y > high))[:_MOST_EXAMPLES]
    return np.union1d(thinned(len(y), _MOST_EXAMPLES), far)


def _grid(inputs: Array) -> Array:
    """Where examples are, and a little beyond."""
    low, high = float(inputs.min()), float(inputs.max())
    margin = 0.04 * (high - low) or 1.0
    return np.linspace(low - margin, high + margin, _POINTS)


def _outputs(run: TrainedRun, index: int, x: Array) -> Array | None:
    """What the model gave at a record of the path, (P,)."""
    with np.errstate(over="ignore", invalid="ignore"):
        outputs = run.experiment.model.outputs(run.path.at(index), x[:, None])
    return None if outputs is None else outputs[:, 0]


def _earlier(epochs: NDArray[np.int64]) -> list[int]:
    """Some records before the last: the first, and others that are ever further apart."""
    before = len(epochs) - 1
    if before <= _MOST_EARLIER:
        return list(range(before))
    wanted = np.geomspace(1, epochs[-1], _MOST_EARLIER + 1)[:-1] - 1
    return [int(i) for i in np.unique(np.searchsorted(epochs[:before], np.floor(wanted)))]


def fit(run: TrainedRun) -> Drawing | None:
    """Examples, the truth, the fitted curve, and earlier fits, the earlier the paler."""
    found = fitted(run)
    if found is None:
        return None

    def draw(figure: "FigureBase") -> None:
        axes = figure.subplots()
        _draw_examples(axes, found)
        shades = np.linspace(0.18, 0.5, len(found.earlier))
        for (epoch, curve), alpha in zip(found.earlier.items(), shades, strict=True):
            label = (
                f"earlier fits: after {_listed(found.earlier)} epochs"
                if epoch == max(found.earlier)
                else None
            )
            axes.plot(found.x, curve, color=COLORS[1], lw=1, alpha=alpha, label=label)
        axes.plot(
            found.x, found.fitted, color=COLORS[1], lw=2, label=f"fitted, {counted(found.epoch, 'epoch')}"
        )
        _draw_truth(axes, found)
        outside = _outside(found)
        far = f"\n{counted(outside, 'example')} beyond the picture" if outside else ""
        title_and_legend(axes, f"The fitted curve{far}")

    return Drawing("The fitted curve", _said_of_fit(found), draw)


def fits(runs: Mapping[str, TrainedRun]) -> Drawing | None:
    """The fitted curves of several runs among the examples of the first; None where their data differ."""
    found = {name: fitted(run) for name, run in runs.items()}
    known = {name: each for name, each in found.items() if each is not None}
    keys = {run.problem.sources[0].data_key for run in runs.values()}
    if len(known) < len(runs) or len(keys) > 1:
        return None
    first = next(iter(known.values()))

    def draw(figure: "FigureBase") -> None:
        axes = figure.subplots()
        _draw_examples(axes, first)
        for i, (name, each) in enumerate(known.items()):
            color = COLORS[1:][i % (len(COLORS) - 1)]
            axes.plot(
                each.x, each.fitted, DASHES[i % len(DASHES)], color=color, label=cut(name, _LONGEST_NAME)
            )
        _draw_truth(axes, first)
        title_and_legend(axes, "Fitted curves")

    return Drawing("Fitted curves", " ".join(f"{n}: {_said_of_fit(each)}" for n, each in known.items()), draw)


def _draw_examples(axes: "Axes", found: Fit) -> None:
    """The examples, and axes that hold them and the truth; an early fit may leave them."""
    for (name, points), marker in zip(found.examples.items(), ("o", "D"), strict=False):
        look: dict[str, Any] = {
            "color": COLORS[0] if name == "train" else "#7F7F7F",
            "alpha": 0.35,
            "mew": 0,
            "ms": 3,
        }
        axes.plot(*points, marker, label=f"{SPLITS[name]} examples", **look)
    low, high = _limits(found)
    axes.set(xlim=(found.x[0], found.x[-1]), ylim=(low, high), xlabel=found.labels[0], ylabel=found.labels[1])
    label_numbers(axes.yaxis, low, high)


def _limits(found: Fit) -> tuple[float, float]:
    """The ends of y: around the examples, and around the curves as far as these are not far away."""
    y = np.concatenate([points[1] for points in found.examples.values()])
    low, high = inner_limits(y)
    reach = high - low if np.ptp(y) > 0 else np.inf
    curves = np.concatenate([found.fitted, *([] if found.truth is None else [found.truth])])
    near = curves[np.isfinite(curves) & (curves > low - reach) & (curves < high + reach)]
    return (min(low, float(near.min())), max(high, float(near.max()))) if near.size else (low, high)


def _outside(found: Fit) -> int:
    """How many of the examples that are drawn lie above or below the picture."""
    low, high = _limits(found)
    return sum(int(np.sum((points[1] < low) | (points[1] > high))) for points in found.examples.values())


def _draw_truth(axes: "Axes", found: Fit) -> None:
    if found.truth is not None:
        axes.plot(found.x, found.truth, "--", color="#000000", lw=1.2, label="truth")


def _listed(earlier: Mapping[int, Array]) -> str:
    return ", ".join(f"{epoch:,}" for epoch in earlier)


def _said_of_fit(found: Fit) -> str:
    examples, epochs = counted(found.count, "training example"), counted(found.epoch, "epoch")
    low, high = found.x[[0, -1]]
    said = f"The curve fitted to {examples} in {epochs}, over x from {low:.4g} to {high:.4g}."
    outside = _outside(found)
    if outside:
        said += f" {counted(outside, 'example')} {'lies' if outside == 1 else 'lie'} far above or below it."
    if not np.isfinite(found.fitted).all():
        return f"{said} It is not finite everywhere."
    if found.truth is None:
        return said
    inputs = found.examples["train"][0]
    inside = (found.x >= inputs.min()) & (found.x <= inputs.max())
    if not inside.any():  # the inputs are one and the same
        inside[np.argmin(np.abs(found.x - inputs[0]))] = True
    gap = np.abs(found.fitted - found.truth)[inside]
    at = found.x[inside][int(np.argmax(gap))]
    return f"{said} Among them it is at most {gap.max():.3g} from the truth, at x = {at:.3g}."
