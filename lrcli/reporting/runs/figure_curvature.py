"""The curvature of the training loss over the epochs, and what the learning rate allows."""

from typing import TYPE_CHECKING

import numpy as np

from lrcli.analysis.stability_limits import curvature_at_limit
from lrcli.config.metrics import LARGEST_CURVATURE, LR, PRECONDITIONED_CURVATURE, SMALLEST_CURVATURE
from lrcli.reporting.drawing import Drawing
from lrcli.reporting.figure_style import COLORS
from lrcli.reporting.runs.curves import Curve, curve_of, over_time
from lrcli.reporting.scales import Array
from lrcli.running.trained import TrainedRun

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["curvature", "curvature_curves"]

_NAMES = {  # from metric to label and name beside the axes; the first that there is has the limit
    PRECONDITIONED_CURVATURE: ("largest, preconditioned", "preconditioned"),
    LARGEST_CURVATURE: ("largest", "largest"),
    SMALLEST_CURVATURE: ("smallest", "smallest"),
}
_IN_SIGHT = 1000  # times the largest value
_COLORS = (COLORS[0], "#000000")  # of what is measured, and of the limit


def curvature(run: TrainedRun) -> Drawing | None:
    """Each curvature in axes of its own, with the limit that the rate sets; None where none is recorded."""
    curves = curvature_curves(run)
    if not curves:
        return None

    def beside(axes: "Axes", curve: Curve) -> None:
        if curve.label.startswith("limit"):
            axes.lines[-1].set(marker="", linewidth=1.1)
        low, high = axes.get_ylim()
        if curve.metric == SMALLEST_CURVATURE and low < 0 < high:
            axes.axhline(0.0, color="#606060", linewidth=0.9, linestyle=":")

    title = "Curvature of the training loss"
    return over_time(
        curves, "epoch", title, names=lambda curve: _NAMES[curve.metric][1], colors=_COLORS, beside=beside
    )


def curvature_curves(run: TrainedRun) -> list[Curve]:
    """Those that are recorded, the first of them followed by its limit, where one is known."""
    history = run.history
    curves = [
        curve_of(metric, label, history.epoch, history.metrics[metric][0])
        for metric, (label, _) in _NAMES.items()
        if metric in history.metrics
    ]
    curves = [curve for curve in curves if len(curve.x)]
    limit = _limit(run)
    if curves and limit is not None and curves[0].metric != SMALLEST_CURVATURE:
        whole = len(run.experiment.training.batch_sizes(run.experiment.dataset.sizes["train"])) == 1
        label = "limit at this rate" if whole else "limit at this rate, of full batches"
        seen = np.where(limit <= _IN_SIGHT * np.max(curves[0].y), limit, np.nan)
        curves.insert(1, curve_of(curves[0].metric, label, history.epoch, seen))
    return [curve for curve in curves if len(curve.x)]


def _limit(run: TrainedRun) -> Array | None:
    """(T,) the curvature above which the rate of each record would be unstable; None where none is known."""
    if run.experiment.training.clip_grad_norm is not None:  # clipped steps have no limit
        return None
    optimizer, rates = run.experiment.optimizer, run.history.metrics[LR][0]
    found = [
        curvature_at_limit(optimizer, rate) if np.isfinite(rate) and rate > 0 else np.nan
        for rate in rates.tolist()
    ]
    return None if None in found else np.array(found, dtype=np.float64)
