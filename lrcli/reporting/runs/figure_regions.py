"""Which class a model gives to each point of a plane, and how surely, as textbooks draw it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lrcli.reporting.drawing import Drawing
from lrcli.reporting.figure_axes import label_numbers
from lrcli.reporting.figure_style import COLORS, MARKERS, cut, title_and_legend
from lrcli.reporting.runs.words import SHOWN_SPLITS, SPLITS
from lrcli.reporting.scales import Array, thinned
from lrcli.running.trained import TrainedRun
from lrcli.training.problem import SplitName

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import FigureBase

__all__ = ["ClassifiedExamples", "Regions", "class_regions", "regions"]

_LONGEST_NAME = 30  # letters
_LONGEST_INSIDE = 12  # of one that stands in its region
_MOST_NAMES = 60
_SIDE = 220  # points of the grid, along each feature
_MOST_EXAMPLES = 500
_SHADE = 0.55  # of the class's colour where it is certain


@dataclass(frozen=True, eq=False)
class ClassifiedExamples:
    """Examples of a split, some of them where there are very many.

    Attributes:
        inputs: (n, 2).
        classes: (n,) that they are of.
        wrong: (n,) whether the model takes them for another.
        share_wrong: of all examples of the split.
    """

    inputs: Array
    classes: NDArray[np.intp]
    wrong: NDArray[np.bool_]
    share_wrong: float


@dataclass(frozen=True, eq=False)
class Regions:
    """Probabilities over a plane.

    Attributes:
        x: (G,) of the first feature.
        y: (G,) of the second.
        probabilities: (G, G, C) of each class, rows along y.
        examples: from split to its examples.
        features: what the two are called.
        classes: what the classes are called.
    """

    x: Array
    y: Array
    probabilities: Array
    examples: Mapping[SplitName, ClassifiedExamples]
    features: tuple[str, ...]
    classes: tuple[str, ...]


def class_regions(run: TrainedRun) -> Regions | None:
    """The regions of a classifier of two features; None of any other model."""
    problem = run.problem
    if problem.num_classes is None or problem.splits["train"].inputs.shape[2] != 2:
        return None
    inputs = np.concatenate(
        [problem.splits[name].inputs[0] for name in SHOWN_SPLITS if name in problem.splits]
    )
    low, high = inputs.min(axis=0), inputs.max(axis=0)
    margin = np.where(high > low, 0.06 * (high - low), 1.0)
    x, y = (np.linspace(low[i] - margin[i], high[i] + margin[i], _SIDE) for i in range(2))
    plane = np.stack(np.meshgrid(x, y), axis=-1)
    found = _probabilities(run, plane.reshape(-1, 2))
    if found is None:
        return None
    examples = {name: _classified(run, name) for name in SHOWN_SPLITS if name in problem.splits}
    dataset = problem.dataset
    features = dataset.feature_names or ("feature x0", "feature x1")
    classes = dataset.class_names or tuple(map(str, range(found.shape[1])))
    return Regions(x, y, found.reshape(_SIDE, _SIDE, -1), examples, features, classes)


def _probabilities(run: TrainedRun, inputs: Array) -> Array | None:
    """(N, C) of each class for each example."""
    with np.errstate(over="ignore", invalid="ignore"):
        outputs = run.experiment.model.outputs(run.path.at(-1), inputs)
    return None if outputs is None else run.problem.loss.probabilities(outputs)


def _classified(run: TrainedRun, name: SplitName) -> ClassifiedExamples:
    split = run.problem.splits[name]
    targets = split.targets[0]
    classes = targets.argmax(axis=1) if targets.shape[1] > 1 else targets[:, 0].round().astype(np.intp)
    found = _probabilities(run, split.inputs[0])
    wrong = np.zeros(len(classes), dtype=bool) if found is None else _decided(found) != classes
    shown = thinned(split.size, _MOST_EXAMPLES)
    return ClassifiedExamples(split.inputs[0][shown], classes[shown], wrong[shown], float(wrong.mean()))


def _decided(probabilities: Array) -> NDArray[np.intp]:
    """The most likely class of each; of two that are equal the last, as in training."""
    count = probabilities.shape[-1]
    return np.asarray(count - 1 - np.argmax(probabilities[..., ::-1], axis=-1))


def regions(run: TrainedRun) -> Drawing | None:
    """Each class's region in its colour, the paler the less sure, with the examples in it."""
    found = class_regions(run)
    if found is None:
        return None

    def draw(figure: "FigureBase") -> None:
        axes = figure.subplots()
        _draw_plane(axes, found)
        named = len(found.classes) <= len(COLORS)
        for name, examples in found.examples.items():
            _draw_examples(axes, name, examples, found.classes if named else None)
        if not named:
            _write_names(axes, found)
        wrong = np.concatenate([each.inputs[each.wrong] for each in found.examples.values()])
        if len(wrong):
            axes.plot(*wrong.T, "x", color="#000000", ms=4, mew=1, label="taken for another class")
        axes.set(
            **dict(zip(("xlabel", "ylabel"), (cut(n, _LONGEST_NAME) for n in found.features), strict=True))
        )
        label_numbers(axes.yaxis, *axes.get_ylim())
        axes.grid(visible=False)
        title_and_legend(axes, "Decision regions, the paler the less sure")

    return Drawing("Decision regions", _said(found), draw, size=(6.3, 5.0))


def _draw_plane(axes: "Axes", found: Regions) -> None:
    from matplotlib.colors import to_rgb

    count = found.probabilities.shape[2]
    decided = _decided(found.probabilities)
    sure = (found.probabilities.max(axis=2) - 1 / count) / (1 - 1 / count)
    colors = np.array([to_rgb(COLORS[i % len(COLORS)]) for i in range(count)])[decided]
    shades = 1 - (1 - colors) * _SHADE * np.nan_to_num(sure)[:, :, None]
    extent = (found.x[0], found.x[-1], found.y[0], found.y[-1])
    axes.imshow(shades, origin="lower", extent=extent, aspect="auto", interpolation="bilinear")
    for kind in range(1, count):
        border = found.probabilities[:, :, kind] - np.delete(found.probabilities, kind, axis=2).max(axis=2)
        if np.isfinite(border).all() and border.min() < 0 < border.max():
            axes.contour(found.x, found.y, border, levels=[0.0], colors="#000000", linewidths=1.2)


def _draw_examples(
    axes: "Axes", name: SplitName, examples: ClassifiedExamples, names: tuple[str, ...] | None
) -> None:
    """Training examples are filled, others hollow.

    Args:
        axes: to draw into.
        name: of the split.
        examples: of it.
        names: of the classes, for the legend; None: it says the split alone, once.
    """
    for kind in np.unique(examples.classes).tolist():
        of_kind = examples.inputs[examples.classes == kind].T
        color = COLORS[kind % len(COLORS)]
        look: dict[str, Any] = {"ms": 5, "mew": 0.8, "mec": "white" if name == "train" else color}
        face = color if name == "train" else "none"
        label = f"class {cut(names[kind], _LONGEST_NAME)}, {SPLITS[name]}" if names else ""
        axes.plot(*of_kind, MARKERS[kind % len(MARKERS)], mfc=face, label=label, **look)
    if names is None:
        filled: dict[str, Any] = {
            "mfc": "#000000" if name == "train" else "none",
            "mec": "#000000",
            "ms": 5,
            "mew": 0.8,
        }
        axes.plot([], [], "o", label=f"{SPLITS[name]} examples", **filled)


def _write_names(axes: "Axes", found: Regions) -> None:
    """More classes than there are colours are named where their training examples are, some at most."""
    from matplotlib.patheffects import withStroke

    examples = found.examples["train"]
    halo = [withStroke(linewidth=2, foreground="white")]
    for kind in np.unique(examples.classes).tolist()[:_MOST_NAMES]:
        place = np.median(examples.inputs[examples.classes == kind], axis=0)
        name = cut(found.classes[kind], _LONGEST_INSIDE)
        axes.text(place[0], place[1], name, ha="center", va="center", fontsize=7, path_effects=halo, zorder=4)


def _said(found: Regions) -> str:
    shares = np.bincount(_decided(found.probabilities).ravel(), minlength=found.probabilities.shape[2])
    parts = [
        f"class {name} on {share:.0%}"
        for name, share in zip(found.classes, shares / shares.sum(), strict=True)
    ]
    said = f"Of the plane around the examples the model gives {', '.join(parts)}."
    for name, examples in found.examples.items():
        said += f" It takes {examples.share_wrong:.1%} of the {SPLITS[name]} examples for another class."
    return said
