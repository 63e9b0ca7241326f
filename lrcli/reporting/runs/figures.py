"""The figures of a run: each a function from what was trained to a drawing, or None where it has no sense.

    loss         losses, and accuracies, over the epochs
    fit          one feature: examples, the truth, the fitted curve and earlier ones
    regions      two features and classes: which class where, and how surely
    predictions  predicted over true targets
    path         two numbers among the parameters on their way over the loss
    recovery     errors of the parameters over the steps
    curvature    of the training loss over the epochs, where logging.curvature asks for it
    histograms   the numbers of each parameter, where logging.histograms asks for them

A new one is a function in a file of its subject and its row in the table below. matplotlib is imported when
the first figure is drawn.
"""

import warnings
from collections.abc import Callable, Mapping, Sequence

from lrcli.reporting.drawing import Drawing, made_of, side_by_side
from lrcli.reporting.runs.figure_curvature import curvature
from lrcli.reporting.runs.figure_fit import fit, fits
from lrcli.reporting.runs.figure_histograms import histograms
from lrcli.reporting.runs.figure_loss import loss, losses
from lrcli.reporting.runs.figure_path import path
from lrcli.reporting.runs.figure_predictions import predictions
from lrcli.reporting.runs.figure_recovery import recoveries, recovery
from lrcli.reporting.runs.figure_regions import regions
from lrcli.reporting.runs.naming import labels_of
from lrcli.running.trained import TrainedRun

__all__ = ["KINDS", "drawings", "drawings_of_runs", "overlays"]

_OF_ONE: dict[str, Callable[[TrainedRun], Drawing | None]] = {
    "loss": loss,
    "fit": fit,
    "regions": regions,
    "predictions": predictions,
    "path": path,
    "recovery": recovery,
    "curvature": curvature,
    "histograms": histograms,
}
_OF_SEVERAL: dict[str, Callable[[Mapping[str, TrainedRun]], Drawing | None]] = {  # in one pair of axes
    "loss": losses,
    "fit": fits,
    "recovery": recoveries,
}
KINDS = tuple(_OF_ONE)
_COMPUTED = ("fit", "regions", "predictions", "path")  # from the model, the loss and the data


def drawings(run: TrainedRun) -> dict[str, Drawing]:
    """The figures that make sense for a run, from kind to drawing.

    Those that must be computed are drawn as training ends where that takes code of the user's, and not again.
    """
    if not (run.experiment.model.needs_code or run.experiment.dataset.needs_code):
        return made_of(run, _OF_ONE)
    warnings.warn(
        f"{run.result.run_dir}: figures that only its Python code can compute ({', '.join(_COMPUTED)}) were "
        "drawn when it was trained; the others are drawn again",
        stacklevel=2,
    )
    return made_of(run, {kind: make for kind, make in _OF_ONE.items() if kind not in _COMPUTED})


def overlays(runs: Mapping[str, TrainedRun]) -> dict[str, Drawing]:
    """The figures that show several runs in the same axes, from kind to drawing.

    Args:
        runs: from what each is to be called to the run.
    """
    return made_of(runs, _OF_SEVERAL)


def drawings_of_runs(runs: Sequence[TrainedRun]) -> dict[str, Drawing]:
    """The figures of several runs in one: in the same axes, or else side by side.

    Args:
        runs: one at least, whose own figures they are where it is the only one.

    Returns:
        From kind to drawing; those that make sense for one of the runs at least.
    """
    if len(runs) == 1:
        return drawings(runs[0])
    named = dict(zip(labels_of(runs), runs, strict=True))
    each = {name: drawings(run) for name, run in named.items()}
    found = {}
    together = overlays(named)
    for kind in KINDS:
        apart = {name: drawn[kind] for name, drawn in each.items() if kind in drawn}
        if kind in together:
            found[kind] = together[kind]
        elif apart:
            found[kind] = side_by_side(apart)
    return found
