"""The loss of a whole set as machine code."""

from collections.abc import Callable
from typing import Any, NamedTuple

from lrcli.engines.compiled.kernels.examples import bring
from lrcli.engines.compiled.kernels.jit import choice, jit
from lrcli.engines.compiled.kernels.lanes import widened, zeros
from lrcli.engines.compiled.kernels.losses import FORMS
from lrcli.engines.compiled.kernels.models import forward
from lrcli.engines.compiled.registry import LOSSES

__all__ = ["Evaluation", "evaluate_block"]


class Evaluation(NamedTuple):
    """The memory of a block in an evaluation."""

    state: Any
    values: Any
    inputs: Any
    targets: Any


def _totalled(value: Callable[..., Any], correct: Callable[..., Any]) -> Callable[..., Any]:
    """The sums of a loss and of the hits over examples, in double precision, added to what there is."""

    @jit
    def totalled(o, y, y_stride, outputs, delta, examples, stride, totals):
        loss, hits = totals[0], totals[1]
        for n in range(examples):
            o_n, y_n = o + n * stride, y + n * y_stride
            loss = loss + widened(value(o_n, y_n, outputs, delta))
            hits = hits + widened(correct(o_n, y_n, outputs))
        totals[0] = loss
        totals[1] = hits

    return totalled


_totals = choice([_totalled(FORMS[kind].value, FORMS[kind].correct) for kind in LOSSES])


@jit
def evaluate_block(network, loss, delta, tile, data, block, totals):
    """Sum the loss and the hits over all examples."""
    totals[0] = totals[1] = zeros(totals)
    first = 0
    while first < data.examples:
        examples = min(tile, data.examples - first)
        x, x_stride, y, y_stride = bring(data, 0, first, examples, block.inputs, block.targets)
        outputs = forward(network, block.state, x, x_stride, block.values, examples)
        o, stride = block.values + outputs, network.values
        _totals(loss, o, y, y_stride, data.outputs, delta, examples, stride, totals)
        first += examples
