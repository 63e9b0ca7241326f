"""How far the parameters are from what they are held against, over the steps."""

from collections.abc import Mapping

import numpy as np

from lrcli.config.metrics import ERROR_NORM, MAX_ABS_ERROR, error_name
from lrcli.reporting.drawing import Drawing
from lrcli.reporting.figure_style import COLORS
from lrcli.reporting.runs.curves import Curve, curve_of, over_time
from lrcli.reporting.runs.parameter_errors import parameter_errors
from lrcli.reporting.runs.words import compared_with
from lrcli.running.trained import TrainedRun

__all__ = ["recoveries", "recovery", "recovery_curves"]

_OF_ALL = {MAX_ABS_ERROR: "largest", ERROR_NORM: "norm"}
_MOST_ERRORS = 6  # numbers among the parameters with a curve of their own
_COLORS = ("#000000", "#7F7F7F", *COLORS)


def recovery(run: TrainedRun) -> Drawing | None:
    """The largest error, the norm of all, and each where there are few; None where nothing is known."""
    curves = recovery_curves(run)
    if not curves:
        return None
    title = f"Distance from the {compared_with(run.result)} parameters"
    return over_time(curves, "step", title, names=lambda _: "error, without sign", colors=_COLORS)


def recovery_curves(run: TrainedRun) -> list[Curve]:
    """The errors over the steps, without their signs; none where nothing is known to compare with."""
    history = run.history
    curves = [
        curve_of(name, label, history.step, history.metrics[name][0])
        for name, label in _OF_ALL.items()
        if name in history.metrics
    ]
    errors = parameter_errors(run) if curves else {}
    if 1 < len(errors) <= _MOST_ERRORS:
        curves += [
            curve_of(error_name(name), name, run.path.step, np.abs(values)) for name, values in errors.items()
        ]
    return [curve for curve in curves if len(curve.x)]


def recoveries(runs: Mapping[str, TrainedRun]) -> Drawing | None:
    """The largest error of a parameter in several runs; None where one of them knows none."""
    found = {name: recovery_curves(run)[:1] for name, run in runs.items()}
    if not all(found.values()):
        return None
    curves = [Curve(curve.metric, name, curve.x, curve.y) for name, (curve,) in found.items()]
    return over_time(curves, "step", "Largest error of a parameter")
