"""The loss of a whole set as machine code."""

from collections.abc import Callable
from typing import Any

from lrcli.engines.compiled.kernels.examples import bring
from lrcli.engines.compiled.kernels.jit import choice, jit
from lrcli.engines.compiled.kernels.lanes import widened, zeros
from lrcli.engines.compiled.kernels.losses import LOSS_KERNELS
from lrcli.engines.compiled.kernels.models import forward
from lrcli.engines.compiled.registry import LOSSES

__all__ = ["evaluate_block"]


def _totalled(value: Callable[..., Any], correct: Callable[..., Any]) -> Callable[..., Any]:
    """The sums of a loss and of the hits over examples, in double precision, added to what there is."""

    @jit
    def totalled(o, y, y_stride, outputs, delta, examples, stride, total_loss, total_hits):
        loss, hits = total_loss[0], zeros(o)
        for n in range(examples):
            loss = loss + widened(value(o + n * stride, y + n * y_stride, outputs, delta))
        total_loss[0] = loss
        for n in range(examples):  # of a tile there are few: their number is exact in any precision
            hits = hits + correct(o + n * stride, y + n * y_stride, outputs)
        total_hits[0] = total_hits[0] + widened(hits)

    return totalled


_totals = choice([_totalled(LOSS_KERNELS[kind].value, LOSS_KERNELS[kind].correct) for kind in LOSSES])


@jit
def evaluate_block(network, data, block):
    """Sum the loss and the hits over all examples."""
    block.total_loss[0] = zeros(block.total_loss)
    block.total_hits[0] = zeros(block.total_hits)
    first = 0
    while first < data.examples:
        examples = min(data.tile, data.examples - first)
        x, x_stride, y, y_stride = bring(data, 0, first, examples)
        outputs = forward(network, block.state, x, x_stride, block.values, examples)
        o, stride = block.values + outputs, network.num_values
        _totals(
            network.loss, o, y, y_stride, data.outputs, network.delta, examples, stride,
            block.total_loss, block.total_hits,
        )  # fmt: skip
        first += examples
