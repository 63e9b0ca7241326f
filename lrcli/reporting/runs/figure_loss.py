"""Losses and accuracies of training and validation over the epochs, from the record before training on.

What was expected is drawn beside them once a run has ended, and where it is worked out in no time.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lrcli.config.metrics import metric_of, split_of, training_loss_of
from lrcli.reporting.drawing import Drawing
from lrcli.reporting.figure_axes import clipped_to
from lrcli.reporting.figure_style import STAR
from lrcli.reporting.runs.curves import Curve, curve_of, over_time, quantities
from lrcli.reporting.runs.words import SPLITS
from lrcli.running.forecast import Forecast, forecast, is_quick
from lrcli.running.trained import TrainedRun

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["loss", "loss_curves", "losses"]

_EXPECTED: dict[str, Any] = {"color": "black", "lw": 1.1, "ls": (0, (3, 3)), "zorder": 4}
_FLOOR: dict[str, Any] = {"color": "#606060", "lw": 0.9, "ls": ":", "zorder": 1}
_APART = 0.02  # of the least loss: what can be seen
_COMMON = (("val/loss", "train/loss", "train/running_loss"), ("val/accuracy", "train/accuracy"))


def loss(run: TrainedRun) -> Drawing:
    """The losses, what was expected, the accuracies below, the best record, and where training broke."""
    curves = loss_curves(run)
    best, expected = run.result.best, _expected(run)
    title = f"{quantities(curves)} while training"
    if run.result.diverged_step:
        title += f"\ndiverged at step {run.result.diverged_step:,}"

    def name(curve: Curve) -> str:
        return f"loss ({run.experiment.loss.kind})" if curve.quantity == "loss" else curve.quantity

    def mark_best(axes: "Axes", curve: Curve) -> None:
        if best is not None and best.metric == curve.metric and best.epoch < run.result.epochs:
            axes.plot(best.epoch, best.value, label=f"best: epoch {best.epoch:,}", clip_on=False, **STAR)
        if curve.metric == "train/loss" and expected is not None:
            _draw_expected(axes, expected, run.result.epochs)

    return over_time(curves, "epoch", title, names=name, beside=mark_best)


def _expected(run: TrainedRun) -> Forecast | None:
    """What was to be expected; None while training goes on, and where it is not known or takes its time."""
    experiment = run.experiment
    if run.result.status == "running" or "train/loss" not in run.history.metrics:
        return None
    if experiment.needs_code or not is_quick(experiment):
        return None
    standardised = experiment.dataset.scaling(experiment.seed) is not None
    known = forecast(experiment, None if standardised else run.problem)
    return known if isinstance(known, Forecast) else None


def _draw_expected(axes: "Axes", expected: Forecast, epochs: int) -> None:
    """The expected training loss as far as the run has come, and the level at which noise ends it.

    That level is drawn where it is in sight, and apart from the least loss.
    """
    shown = expected.epoch <= epochs
    curve = curve_of("train/loss", "expected", expected.epoch[shown], expected.loss[shown])
    axes.plot(curve.x, clipped_to(axes, "y", curve.y[None])[0], label=curve.label, **_EXPECTED)
    level, (low, high) = expected.least + expected.floor, axes.get_ylim()
    if expected.floor > _APART * expected.least and low < level < high:  # NaN is neither
        axes.axhline(level, label="noise floor", **_FLOOR)


def loss_curves(run: TrainedRun) -> list[Curve]:
    """The losses over the epochs, then the accuracies; of the batches only where nothing else is known."""
    metrics = run.history.metrics
    names = [name for name in metrics if name in (training_loss_of(metrics), "val/loss")]
    names += [name for name in metrics if metric_of(name).of_classes]
    labels = [SPLITS.get(split_of(name), "training, in batches") for name in names]
    return [
        curve_of(name, label, run.history.epoch, metrics[name][0])
        for name, label in zip(names, labels, strict=True)
    ]


def losses(runs: Mapping[str, TrainedRun]) -> Drawing | None:
    """One loss of several runs, and one accuracy; None where they have no loss in common."""
    each = {name: loss_curves(run) for name, run in runs.items()}
    common = [_first_common(wanted, list(each.values())) for wanted in _COMMON]
    if common[0] is None:
        return None
    curves = [
        Curve(curve.metric, name, curve.x, curve.y)
        for metric in filter(None, common)
        for name, found in each.items()
        for curve in found
        if curve.metric == metric
    ]
    kinds = {(run.experiment.loss.kind, run.experiment.loss.reduction) for run in runs.values()}
    differ = "\nthe runs have different losses" if len(kinds) > 1 else ""
    return over_time(curves, "epoch", f"{quantities(curves)} while training{differ}")


def _first_common(wanted: Sequence[str], each: Sequence[Sequence[Curve]]) -> str | None:
    """The first metric that all of some runs have."""
    known = [{curve.metric for curve in curves if len(curve.x)} for curves in each]
    return next((metric for metric in wanted if all(metric in names for names in known)), None)
