"""The figures of a sweep: each a function from its results to a drawing.

Lines are medians over seeds, in which a member that diverged counts as infinitely bad, so a line ends
where most members diverged. matplotlib is imported when the first figure is drawn. Its pyplot, which keeps
figures alive and looks for a window system, is not used.
"""

from collections.abc import Callable, Sequence

from lrcli.analysis.sweep_results import SweepResults
from lrcli.reporting.drawing import Drawing, made_of, side_by_side
from lrcli.reporting.runs.naming import directory_names
from lrcli.reporting.sweeps.figure_bias import bias_and_spread
from lrcli.reporting.sweeps.figure_curves import best_curves
from lrcli.reporting.sweeps.figure_lines import final_metric, recovery_error
from lrcli.reporting.sweeps.figure_maps import metric_map, training_loss
from lrcli.sweeps.reading import FinishedSweep

__all__ = [
    "KINDS",
    "best_curves",
    "bias_and_spread",
    "drawings",
    "drawings_of_sweeps",
    "final_metric",
    "metric_map",
    "recovery_error",
    "training_loss",
]

_KINDS: dict[str, Callable[[SweepResults], Drawing | None]] = {
    "final_metric": final_metric,
    "best_curves": best_curves,
    "training_loss": training_loss,
    "recovery_error": recovery_error,
    "bias_and_spread": bias_and_spread,
    "metric_map": metric_map,
}

KINDS = tuple(_KINDS)


def drawings(results: SweepResults) -> dict[str, Drawing]:
    """The figures that make sense for a sweep, from file name to drawing."""
    return made_of(results, _KINDS)


def drawings_of_sweeps(sweeps: Sequence[FinishedSweep]) -> dict[str, Drawing]:
    """The figures of several sweeps side by side; those that make sense for all of them.

    Args:
        sweeps: one at least, whose own figures they are where it is the only one.
    """
    if len(sweeps) == 1:
        return drawings(sweeps[0].results)
    names = directory_names([sweep.result.run_dir for sweep in sweeps])
    each = {name: drawings(sweep.results) for name, sweep in zip(names, sweeps, strict=True)}
    common = [kind for kind in KINDS if all(kind in drawn for drawn in each.values())]
    return {kind: side_by_side({name: drawn[kind] for name, drawn in each.items()}) for kind in common}
