"""The way of two numbers among the parameters over the loss that training makes small."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lrcli.reporting.drawing import Drawing
from lrcli.reporting.figure_axes import label_numbers
from lrcli.reporting.figure_style import COLORS, STAR, title_and_legend
from lrcli.reporting.runs.parameter_errors import reference_parameters
from lrcli.reporting.runs.words import compared_with
from lrcli.reporting.scales import Array, thinned
from lrcli.running.trained import TrainedRun
from lrcli.wording import counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import FigureBase

__all__ = ["LossPath", "loss_path", "path"]

_SIDE = 61  # points of the grid, along each number
_MOST_EXAMPLES = 2000  # over which the loss is taken
_LEVELS = 14
_FEW_POINTS = 40  # each of which is marked


@dataclass(frozen=True, eq=False)
class LossPath:
    """Two numbers among the parameters, and the loss around their path.

    Attributes:
        names: of the two, such as ``w[0]`` and ``w[1]``.
        epochs: (K,) of the points of the path.
        points: (K, 2) their values there.
        target: (2,) what they are held against; None where nothing is known.
        x: (G,) of the first.
        y: (G,) of the second.
        loss: (G, G) of the training examples, rows along y.
        held: the other numbers, by name: as they were at last, or, of a run that diverged, as they should be.
        examples: over how many the loss was taken.
    """

    names: tuple[str, str]
    epochs: Array
    points: Array
    target: Array | None
    x: Array
    y: Array
    loss: Array
    held: Mapping[str, float]
    examples: int


def loss_path(run: TrainedRun) -> LossPath | None:
    """Of a model that is linear in its parameters and has two weights, or two numbers altogether."""
    chosen = _chosen(run)
    if chosen is None:
        return None
    names, points = _flat(run)
    reference = reference_parameters(run)
    best = None
    if reference is not None:
        best = np.concatenate([reference[p.name].ravel() for p in run.problem.parameters])
    target = None if best is None else best[chosen]
    way = points[:, chosen]
    flies = run.result.status == "diverged"
    x, y = _window(way, target, flies=flies)
    others = points[-1] if not flies else points[0] if best is None else best
    losses = _losses(run, others, chosen, x, y)
    if losses is None or not np.isfinite(losses).any():
        return None
    rest = [(name, float(others[i])) for i, name in enumerate(names) if i not in chosen]
    count = min(run.problem.splits["train"].size, _MOST_EXAMPLES)
    pair = (names[chosen[0]], names[chosen[1]])
    return LossPath(pair, run.path.epoch.astype(np.float64), way, target, x, y, losses, dict(rest), count)


def _chosen(run: TrainedRun) -> list[int] | None:
    """Which two of the numbers; None where there are not two."""
    parameters = run.problem.parameters
    if not run.experiment.model.linear_in_parameters or run.problem.splits["train"].targets.shape[2] != 1:
        return None
    bias = np.concatenate([np.full(p.size, p.is_bias) for p in parameters])
    for candidates in (np.flatnonzero(~bias), np.arange(len(bias))):
        if len(candidates) == 2:
            return [int(i) for i in candidates]
    return None


def _flat(run: TrainedRun) -> tuple[list[str], Array]:
    """The names of all numbers (P,) and their values along the path (K, P)."""
    elements = run.problem.elements
    names: list[str] = []
    columns = []
    for parameter in run.problem.parameters:
        names += elements[parameter.name]
        columns.append(run.path.parameters[parameter.name].reshape(len(run.path), -1))
    return names, np.concatenate(columns, axis=1)


def _window(way: Array, target: Array | None, *, flies: bool) -> tuple[Array, Array]:
    """The grid around the path; around its beginning and the target where it flies off."""
    ends = way[:1] if target is None else np.stack([way[0], target])
    reach = 2 * (np.ptp(ends, axis=0).max() or 1.0) if flies else np.inf
    near = way[np.abs(way - ends.mean(axis=0)).max(axis=1) <= reach]
    points = np.concatenate([near, ends])
    low, high = points.min(axis=0), points.max(axis=0)
    margin = np.maximum(0.15 * (high - low), 0.05 * (high - low).max() or 1.0)
    axes = (np.linspace(low[i] - margin[i], high[i] + margin[i], _SIDE) for i in range(2))
    x, y = axes
    return x, y


def _losses(run: TrainedRun, last: Array, chosen: list[int], x: Array, y: Array) -> Array | None:
    """The loss at each point of the grid, (G, G)."""
    train, loss = run.problem.splits["train"], run.problem.loss
    shown = thinned(train.size, _MOST_EXAMPLES)
    design = run.experiment.model.design(train.features[0][shown])
    targets = train.targets[0][shown]
    found = np.empty((len(y), len(x)))
    theta = np.repeat(last[:, None], len(x), axis=1)
    theta[chosen[0]] = x
    with np.errstate(over="ignore", invalid="ignore"):
        for row, value in zip(found, y, strict=True):
            theta[chosen[1]] = value
            terms = loss.terms(design @ theta, targets)
            if terms is None:
                return None
            row[:] = terms.mean(axis=0)
    return found if loss.reduction == "mean" else found * train.size


def path(run: TrainedRun) -> Drawing | None:
    """The path from where training began, over contours of the loss."""
    found = loss_path(run)
    if found is None:
        return None
    held = ", ".join(f"{name} = {value:.4g}" for name, value in found.held.items())
    beside = f" where {held}" if held else ""

    def draw(figure: "FigureBase") -> None:
        axes = figure.subplots()
        _draw_contours(axes, found)
        marker = "o" if len(found.points) <= _FEW_POINTS else None
        axes.plot(*found.points.T, color=COLORS[1], marker=marker, ms=3, label="path")
        axes.plot(*found.points[0], "s", color="#000000", ms=6, label="beginning")
        if found.target is not None:
            axes.plot(*found.target, **STAR, label=_target_name(run))
        axes.set(xlabel=found.names[0], ylabel=found.names[1])
        axes.set(xlim=(found.x[0], found.x[-1]), ylim=(found.y[0], found.y[-1]))
        label_numbers(axes.yaxis, *axes.get_ylim())
        axes.grid(visible=False)
        title_and_legend(axes, f"Path over the training loss{beside}")

    return Drawing("Path over the training loss", _said(run, found), draw)


def _draw_contours(axes: "Axes", found: LossPath) -> None:
    """The loss around the path, and a bar that says what its colours mean."""
    from matplotlib.colors import LogNorm, Normalize

    low, high = _bounds(found.loss)
    logarithmic = high > 5 * low
    levels = np.geomspace(low, high, _LEVELS) if logarithmic else np.linspace(low, high, _LEVELS)
    norm = LogNorm(low, high) if logarithmic else Normalize(low, high)
    shades = axes.contourf(
        found.x,
        found.y,
        np.clip(found.loss, low, high),
        levels,
        norm=norm,
        cmap="Blues",
        alpha=0.8,
    )
    bar = axes.figure.colorbar(shades, ax=axes, label="train/loss")
    bar.set_ticks(levels[::3].tolist(), labels=_labels(levels[::3]))
    bar.outline.set_visible(False)
    bar.ax.minorticks_off()


def _bounds(losses: Array) -> tuple[float, float]:
    """The smallest and the largest level, both positive, no more than nine decades apart."""
    finite = losses[np.isfinite(losses) & (losses > 0)]
    high = float(finite.max()) if finite.size else 1.0
    low = max(float(finite.min()) if finite.size else 1.0, 1e-9 * high)
    return (low, high) if high > (1 + 1e-9) * low else (0.9 * low, 1.1 * high)


def _labels(levels: Array) -> list[str]:
    """Levels in as few digits as tell them apart."""
    texts = ([f"{level:.{digits}g}" for level in levels] for digits in range(2, 12))
    return next((each for each in texts if len(set(each)) == len(levels)), [""] * len(levels))


def _target_name(run: TrainedRun) -> str:
    word = compared_with(run.result)
    return "true values" if word == "true" else word


def _said(run: TrainedRun, found: LossPath) -> str:
    first, last = (", ".join(f"{value:.4g}" for value in found.points[i]) for i in (0, -1))
    names = " and ".join(found.names)
    said = f"{names} go from ({first}) before training to ({last}) at epoch {found.epochs[-1]:,.0f}"
    if found.target is not None:
        said += f"; the {_target_name(run)} are ({', '.join(f'{value:.4g}' for value in found.target)})"
    examples = counted(found.examples, "example")
    return f"{said}. Contours of the training loss over {examples} lie behind the path."
