"""Training as machine code: many steps of a block of members in one call.

A block's parameters, its optimizer's state and what it needs for an example stay in the processor's cache
from step to step. Everything is written as for one member; what a number is, see
`lrcli.engines.compiled.kernels.lanes`.

Steps are trained without a look at what became of the numbers, a chunk of them at a time. If a member's
loss or parameters are found broken at the end of a chunk, it is trained again from where it began, this
time with a look after every step, and the member keeps what it had before the step that would have broken
it. Both ways give healthy members the same bits.
"""

from collections.abc import Callable
from typing import Any

from lrcli.engines.compiled.kernels.examples import bring
from lrcli.engines.compiled.kernels.jit import choice, jit
from lrcli.engines.compiled.kernels.lanes import (
    all_lanes,
    lane,
    multiply_add,
    narrowed,
    select,
    square_root,
    total,
    viewed,
    widened,
    width,
    zeros,
)
from lrcli.engines.compiled.kernels.losses import LOSS_KERNELS
from lrcli.engines.compiled.kernels.models import backward, forward
from lrcli.engines.compiled.kernels.optimizers import OPTIMIZER_KERNELS
from lrcli.engines.compiled.registry import LOSSES, OPTIMIZERS

__all__ = ["train_block"]

_CHUNK = 128  # steps


# A step -----------------------------------------------------------------------------------------------


def _summed(value: Callable[..., Any]) -> Callable[..., Any]:
    """The weighted sum of a loss over examples, added to what there is."""

    @jit
    def summed(o, y, y_stride, outputs, delta, weight, examples, stride, loss):
        for n in range(examples):
            loss = multiply_add(value(o + n * stride, y + n * y_stride, outputs, delta), weight, loss)
        return loss

    return summed


def _scaled(slope: Callable[..., Any]) -> Callable[..., Any]:
    """The derivatives of a loss by the outputs of examples, times a scale; returns the sum of the bounds."""

    @jit
    def scaled(o, y, y_stride, d, outputs, delta, scale, examples, stride):
        check = zeros(o)
        for n in range(examples):
            d_n = d + n * stride
            check = check + slope(o + n * stride, y + n * y_stride, d_n, outputs, delta)
            for k in range(outputs):
                d_n[k] = d_n[k] * scale
        return check

    return scaled


_values = choice([_summed(LOSS_KERNELS[kind].value) for kind in LOSSES])
_slopes = choice([_scaled(LOSS_KERNELS[kind].slope) for kind in LOSSES])
_update = choice([OPTIMIZER_KERNELS[kind] for kind in OPTIMIZERS])


@jit
def _gradient_of_batch(network, training, data, block, epoch, index, exact):
    """Fill in the gradient of a batch; returns what the batch adds to the loss of its epoch."""
    stop = min(index + training.batch, data.used)
    scale, weight = training.scale, training.weight
    if stop - index < training.batch:  # the last batch may be smaller
        scale, weight = training.last_scale, training.last_weight
    loss = zeros(block.values)
    first = index
    while first < stop:
        examples = min(data.tile, stop - first)
        x, x_stride, y, y_stride = bring(data, epoch, first, examples)
        outputs = forward(network, block.state, x, x_stride, block.values, examples)
        o, d, stride = block.values + outputs, block.slopes + outputs, network.num_values
        check = _slopes(network.loss, o, y, y_stride, d, data.outputs, network.delta, scale, examples, stride)
        if exact:
            loss = _values(
                network.loss, o, y, y_stride, data.outputs, network.delta, weight, examples, stride, loss
            )
        else:
            loss = loss + check
        backward(
            network, block.state, block.gradient, x, x_stride, block.values, block.slopes,
            examples, outputs, block.count, first == index,
        )  # fmt: skip
        first += examples
    return loss


@jit
def _gradient_of_quadratic(block):
    """Fill in the gradient G (p - p*) of a quadratic loss; returns the loss, least + (p - p*)'g / 2.

    In double precision, whatever that of training: a few numbers stand for all examples.
    """
    lanes, count = width(block.state) // width(block.values), block.count
    p, g = viewed(block.state, block.values), viewed(block.gradient, block.values)
    loss = block.least[0]
    for i in range(count):
        slope = zeros(block.matrix)
        for k in range(count):
            away = widened(p[k * lanes]) - block.minimum[k]
            slope = multiply_add(block.matrix[i * count + k], away, slope)
        block.gradient[i] = zeros(block.gradient)
        g[i * lanes] = narrowed(slope, g)
        loss = loss + (widened(p[i * lanes]) - block.minimum[i]) * slope * 0.5
    return narrowed(loss, block.values)


@jit
def _norm(block):
    """The length of each member's gradient."""
    g = viewed(block.gradient, block.values)
    squares = g[0] * g[0]
    for k in range(1, block.count * (width(block.state) // width(block.values))):
        squares = multiply_add(g[k], g[k], squares)
    return square_root(squares)


@jit
def _clip(block, norm):
    """Gradients no longer than each member's limit, as torch.nn.utils.clip_grad_norm_ scales them."""
    limit = block.limits[0]
    scale = limit / (norm + 1e-6)
    scale = select(scale < 1.0, scale, select(norm >= 0.0, 1.0, norm))  # what is not a number stays so
    for k in range(block.count):
        block.gradient[k] = block.gradient[k] * scale


@jit
def _finite(x):
    return x * 0.0 >= 0.0


@jit
def _all_finite(rows, count, like):
    """Whether each member's numbers are all finite."""
    check = rows[0] * 0.0
    for k in range(1, count):
        check = check + rows[k] * 0.0
    return total(check, like) >= 0.0


@jit
def _copy(target, source, count):
    for k in range(count):
        target[k] = source[k]


@jit
def _keep(mask, rows, old, count):
    """Put back the old numbers of the members outside the mask."""
    for k in range(count):
        rows[k] = select(mask, rows[k], old[k])


@jit
def _state_rows(block):
    """The rows of the parameters and of the optimizer's arrays."""
    return (block.arrays + 1) * block.count


@jit
def _freeze_broken(block, loss, step):
    """Freeze the members that this step would break: they keep what they had before it."""
    active = block.active[0] > 0.5
    sound = _finite(loss) & _all_finite(block.state, block.count, loss)
    for member in range(width(block.active)):
        if lane(active, member) and not lane(sound, member):
            block.broken[member] = step + 1
    active = active & sound
    block.active[0] = select(active, 1.0, 0.0)
    _keep(active, block.state, block.before, _state_rows(block))


@jit
def _load_coefficients(training, block, step):
    """Bring the optimizer's coefficients of a step together."""
    for i in range(training.num_coefficients):
        steps = training.coefficient_strides[i] * (step - training.first_step)
        block.current[i] = block.coefficients[training.coefficient_starts[i] + steps]


@jit
def _update_all(training, block):
    """Update the parameters: rows that are decayed and rows that are not, by turns."""
    first = 0
    for i in range(training.num_decay_edges):
        last = training.decay_edges[i]
        decay = block.current[training.decay] if i % 2 == 0 else zeros(block.current) + training.undecayed
        _update(
            training.optimizer, block.state, block.gradient, block.state + block.count, block.count,
            first, last, block.current, decay, training.option_1, training.option_2,
        )  # fmt: skip
        first = last


@jit
def _step(network, training, data, block, step, epoch, index, wanted, guarded):
    """One update of every member; `step` counts from 0. Returns its share of the epoch's loss.

    The loss is exact, and the gradient's norm known, where the snapshot after `wanted` steps needs them.
    """
    exact = guarded or step >= wanted - training.steps
    if training.is_quadratic:
        loss = _gradient_of_quadratic(block)
    else:
        loss = _gradient_of_batch(network, training, data, block, epoch, index, exact)
    if training.clips or step == wanted - 1:
        norm = _norm(block)
        block.norm[0] = norm
        if training.clips:
            _clip(block, norm)
    if guarded:
        _copy(block.before, block.state, _state_rows(block))
    if training.moving:
        _load_coefficients(training, block, step)
    _update_all(training, block)
    if guarded:
        _freeze_broken(block, loss, step)
    return loss


# Chunks of steps --------------------------------------------------------------------------------------


@jit
def _run(network, training, data, block, first, last, running, wanted, guarded):
    """Train from one step to another; returns the running loss of the epoch."""
    _load_coefficients(training, block, first)
    check = running
    epoch = first // training.steps
    index = first % training.steps * training.batch
    for step in range(first, last):
        if index == 0:
            running = zeros(block.values)
        loss = _step(network, training, data, block, step, epoch, index, wanted, guarded)
        running = running + loss
        check = check + loss
        index += training.batch
        if index >= data.used:
            epoch, index = epoch + 1, 0
    block.check[0] = check
    return running


@jit
def _take_snapshot(block, snapshot, running):
    """Keep the parameters and what the epoch told."""
    _copy(block.snapshot_parameters + snapshot * block.count, block.state, block.count)
    block.snapshot_losses[snapshot] = running
    block.snapshot_norms[snapshot] = block.norm[0]


@jit
def _train_chunk(network, training, data, block, first, last, running, wanted):
    """Train a chunk of steps, again with a look at each where a member breaks; returns the running loss."""
    active, inactive, rows = block.active[0] > 0.5, block.active[0] < 0.5, _state_rows(block)
    _copy(block.kept, block.state, rows)
    guarded = False
    while True:
        reached = _run(network, training, data, block, first, last, running, wanted, guarded)
        sound = _finite(block.check[0]) & _all_finite(block.state, block.count, reached)
        if guarded or all_lanes(sound | inactive):
            break
        _copy(block.state, block.kept, rows)
        guarded = True
    if not guarded:
        _keep(active, block.state, block.kept, rows)
    return reached


@jit
def train_block(network, training, data, block):
    """Train a block, chunk by chunk, as long as one of its members is active, and take its snapshots."""
    running = block.running_loss[0]
    step, last, snapshot = training.first_step, training.last_step, training.first_snapshot
    while step < last:
        wanted = training.snapshot_steps[snapshot]
        end = min(last, wanted)
        if not all_lanes(block.active[0] < 0.5):
            end = min(end, step + _CHUNK)
            running = _train_chunk(network, training, data, block, step, end, running, wanted)
        step = end
        if step == wanted:
            _take_snapshot(block, snapshot, running)
            snapshot += 1
    block.running_loss[0] = running
