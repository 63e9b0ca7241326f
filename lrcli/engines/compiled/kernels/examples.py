"""The examples of a block of members, brought to where the machine code computes with them."""

from typing import Any, NamedTuple

from numba.extending import overload

from lrcli.engines.compiled.kernels.jit import jit
from lrcli.engines.compiled.kernels.lanes import single, viewed

__all__ = ["Data", "bring"]


class Data(NamedTuple):
    """The examples of a block's members; see `lrcli.engines.compiled.signatures`."""

    inputs: Any
    targets: Any
    rows: Any
    first_row: Any
    examples: Any
    features: Any
    outputs: Any
    epochs: Any
    first_epoch: Any
    used: Any


@jit
def _start(data, row, epoch, place):
    """The number of an example among those of all rows and epochs."""
    turn = row * data.epochs
    if data.epochs > 1:
        turn += epoch - data.first_epoch
    return turn * data.examples + place


def bring(data, epoch, place, examples, x, y):
    """Examples from a place of an epoch on, for each member its own, with room for them in x and y.

    Returns:
        Inputs and their stride, targets and their stride.
    """


@overload(bring)
def _bring_kind(data, epoch, place, examples, x, y):
    members = x.count

    def bring_as_they_are(data, epoch, place, examples, x, y):
        start = _start(data, data.rows[data.first_row], epoch, place)
        inputs, targets = viewed(data.inputs, x), viewed(data.targets, y)
        return inputs + start * data.features, data.features, targets + start * data.outputs, data.outputs

    def bring_to_lanes(data, epoch, place, examples, x, y):
        row = data.rows[data.first_row]
        if row == data.rows[data.first_row + members - 1]:  # members lie row by row
            start = _start(data, row, epoch, place)
            for i in range(examples * data.features):
                x[i] = data.inputs[start * data.features + i]
            for k in range(examples * data.outputs):
                y[k] = data.targets[start * data.outputs + k]
            return x, data.features, y, data.outputs
        numbers, wanted = single(x), single(y)
        for member in range(members):
            start = _start(data, data.rows[data.first_row + member], epoch, place)
            for i in range(examples * data.features):
                numbers[i * members + member] = data.inputs[start * data.features + i]
            for k in range(examples * data.outputs):
                wanted[k * members + member] = data.targets[start * data.outputs + k]
        return x, data.features, y, data.outputs

    return bring_as_they_are if members == 1 else bring_to_lanes
