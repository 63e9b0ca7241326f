"""The error of each number among the parameters, all along their path."""

import numpy as np

from lrcli.components.truth import true_parameters
from lrcli.reporting.runs.words import reference_arrays
from lrcli.reporting.scales import Array
from lrcli.running.trained import TrainedRun

__all__ = ["parameter_errors", "reference_parameters"]


def reference_parameters(run: TrainedRun) -> dict[str, Array] | None:
    """What the parameters are held against, from name to array in its shape; None where nothing is known.

    The result says it where the run has ended, the dataset where the model is the rule behind the data.
    """
    shapes = {parameter.name: parameter.shape for parameter in run.problem.parameters}
    named = {row.name.partition("[")[0] for row in run.result.recovery}
    if named and named <= set(shapes):
        return reference_arrays(run.result.recovery, shapes)
    true = true_parameters(run.problem.dataset, run.experiment.model)
    if true is None or not {name: values.shape for name, values in true.items()}.items() <= shapes.items():
        return None
    return true


def parameter_errors(run: TrainedRun) -> dict[str, Array]:
    """True minus learned at each record of the path, from a number's name such as ``w[0]`` to (K,).

    Of the numbers whose errors say something.
    """
    reference = reference_parameters(run)
    if reference is None:
        return {}
    count = len(run.path)
    true = {name: np.broadcast_to(values, (count, *values.shape)) for name, values in reference.items()}
    learned = run.experiment.model.nearest_equivalent(dict(run.path.parameters), true)
    errors: dict[str, Array] = {}
    elements = run.problem.elements
    empty = {row.name for row in run.result.recovery if not row.told}
    for name in reference:
        columns = (true[name] - learned[name]).reshape(count, -1).T
        errors.update(zip(elements[name], columns, strict=True))
    return {element: error for element, error in errors.items() if element not in empty}
