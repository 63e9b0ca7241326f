"""The error of each number among the parameters, all along their path."""

import numpy as np

from lrcli.reporting.runs.words import reference_arrays
from lrcli.reporting.scales import Array
from lrcli.running.trained import TrainedRun

__all__ = ["parameter_errors", "reference_parameters"]


def reference_parameters(run: TrainedRun) -> dict[str, Array] | None:
    """What the parameters are held against, from name to array in its shape; None where nothing is known.

    The result says it where the run has ended, the dataset where the model is the rule behind the data.
    """
    shapes = {parameter.name: parameter.shape for parameter in run.problem.parameters}
    if {row.name.partition("[")[0] for row in run.result.recovery} == set(shapes):
        return reference_arrays(run.result.recovery, shapes)
    true = run.problem.dataset.true_parameters(getattr(run.experiment.model, "kind", ""))
    if true is None or {name: values.shape for name, values in true.items()} != shapes:
        return None
    return true


def parameter_errors(run: TrainedRun) -> dict[str, Array]:
    """True minus learned at each record of the path, from a number's name such as ``w[0]`` to (K,)."""
    reference = reference_parameters(run)
    if reference is None:
        return {}
    count = len(run.path)
    true = {name: np.broadcast_to(values, (count, *values.shape)) for name, values in reference.items()}
    learned = run.experiment.model.nearest_equivalent(dict(run.path.parameters), true)
    errors: dict[str, Array] = {}
    elements = run.problem.elements
    for name in reference:
        columns = (true[name] - learned[name]).reshape(count, -1).T
        errors.update(zip(elements[name], columns, strict=True))
    return errors
