"""The examples of a block of members, brought to where the machine code computes with them."""

from numba.extending import overload

from lrcli.engines.compiled.kernels.jit import jit
from lrcli.engines.compiled.kernels.lanes import single, viewed

__all__ = ["bring"]


@jit
def _start(data, row, epoch, index):
    """The number of an example among those of all rows and epochs."""
    turn = row * data.epochs
    if data.epochs > 1:
        turn += epoch - data.first_epoch
    return turn * data.examples + index


def bring(data, epoch, index, examples):
    """Examples of an epoch from an index on, for each member its own.

    Returns:
        Inputs and their stride, targets and their stride.
    """


@overload(bring)
def _bring_kind(data, epoch, index, examples):
    members = data[data.fields.index("lane_inputs")].count

    def bring_as_they_are(data, epoch, index, examples):
        start = _start(data, data.row_index[0], epoch, index)
        inputs, targets = viewed(data.inputs, data.lane_inputs), viewed(data.targets, data.lane_targets)
        return inputs + start * data.features, data.features, targets + start * data.outputs, data.outputs

    def bring_to_lanes(data, epoch, index, examples):
        x, y = data.lane_inputs, data.lane_targets
        row = data.row_index[0]
        if row == data.row_index[members - 1]:  # members lie row by row
            start = _start(data, row, epoch, index)
            for i in range(examples * data.features):
                x[i] = data.inputs[start * data.features + i]
            for k in range(examples * data.outputs):
                y[k] = data.targets[start * data.outputs + k]
            return x, data.features, y, data.outputs
        numbers, wanted = single(x), single(y)
        for member in range(members):
            start = _start(data, data.row_index[member], epoch, index)
            for i in range(examples * data.features):
                numbers[i * members + member] = data.inputs[start * data.features + i]
            for k in range(examples * data.outputs):
                wanted[k * members + member] = data.targets[start * data.outputs + k]
        return x, data.features, y, data.outputs

    return bring_as_they_are if members == 1 else bring_to_lanes
