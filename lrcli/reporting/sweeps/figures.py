"""The figures of a sweep: each a function from its results to a drawing.

Lines are medians over seeds, in which a member that diverged counts as infinitely bad, so a line ends
where most members diverged. matplotlib is imported when the first figure is drawn. Its pyplot, which keeps
figures alive and looks for a window system, is not used.
"""

from collections.abc import Callable

from lrcli.analysis.sweep_results import SweepResults
from lrcli.reporting.drawing import Drawing
from lrcli.reporting.sweeps.figure_curves import best_curves
from lrcli.reporting.sweeps.figure_lines import final_metric, recovery_error
from lrcli.reporting.sweeps.figure_maps import metric_map, training_loss

__all__ = ["best_curves", "drawings", "final_metric", "metric_map", "recovery_error", "training_loss"]

_KINDS: dict[str, Callable[[SweepResults], Drawing | None]] = {
    "final_metric": final_metric,
    "best_curves": best_curves,
    "training_loss": training_loss,
    "recovery_error": recovery_error,
    "metric_map": metric_map,
}


def drawings(results: SweepResults) -> dict[str, Drawing]:
    """The figures that make sense for a sweep, from file name to drawing."""
    found = {name: kind(results) for name, kind in _KINDS.items()}
    return {name: drawing for name, drawing in found.items() if drawing is not None}
