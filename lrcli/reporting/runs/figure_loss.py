"""Losses and accuracies of training and validation over the epochs, from the record before training on."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lrcli.config.metrics import metric_of, split_of, training_loss_of
from lrcli.reporting.drawing import Drawing
from lrcli.reporting.figure_axes import clipped_to
from lrcli.reporting.figure_style import STAR
from lrcli.reporting.runs.curves import Curve, curve_of, over_time, quantities
from lrcli.reporting.runs.words import SPLITS
from lrcli.running.forecast import Unforeseen, forecast
from lrcli.running.trained import TrainedRun

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["loss", "loss_curves", "losses"]

_EXPECTED: dict[str, Any] = {"color": "black", "lw": 1.1, "ls": (0, (3, 3)), "zorder": 4}
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
            axes.plot(
                expected.x, clipped_to(axes, "y", expected.y[None])[0], label=expected.label, **_EXPECTED
            )

    return over_time(curves, "epoch", title, names=name, beside=mark_best)


def _expected(run: TrainedRun) -> Curve | None:
    """The training loss that was to be expected, as far as the run has come; None where it is not known."""
    experiment = run.experiment
    if "train/loss" not in run.history.metrics or experiment.needs_code:
        return None
    standardised = experiment.dataset.scaling(experiment.seed) is not None
    known = forecast(experiment, None if standardised else run.problem)
    if isinstance(known, Unforeseen):
        return None
    shown = known.epoch <= run.history.epoch[-1]
    return curve_of("train/loss", "expected", known.epoch[shown], known.loss[shown])


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
