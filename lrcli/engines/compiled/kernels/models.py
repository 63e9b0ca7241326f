"""Dense models as the compiled engine computes them, a few examples at a time.

Layer l turns its inputs x, which are the data or the layer before, into ``act(x w + b)``; a linear model is
one layer. All of a member's parameters lie one after the other, layer by layer, each layer's weights (rows,
columns) before its bias (columns). The values of an example lie likewise, layer by layer.

Rows of lanes hold members. Where there is one member in a block, its units are the lanes: then a row of
weights or of a layer has several units, the last row of a layer filled up with zeros, while an input is a
number by itself. The formulas are the same, and so is the order in which anything is added up: over inputs,
over units, over examples, first to last.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from lrcli.engines.compiled.kernels.functions import sigmoid, tanh
from lrcli.engines.compiled.kernels.jit import choice, jit
from lrcli.engines.compiled.kernels.lanes import (
    detached,
    for_each,
    group_size,
    multiply_add,
    select,
    spaced,
    viewed,
    width,
    zeros,
)
from lrcli.engines.compiled.registry import ACTIVATIONS

__all__ = ["ACTIVATION_KERNELS", "ActivationKernel", "backward", "forward"]


class ActivationKernel(NamedTuple):
    """An activation h = act(z), and its derivative written with h."""

    function: Callable[..., Any]
    derivative: Callable[..., Any]


@jit
def relu(z):
    """max(z, 0)."""
    z = detached(z)
    return select(z < 0.0, 0.0, z)


@jit
def relu_derivative(h):
    """1 where h > 0, else 0."""
    return select(h > 0.0, 1.0, 0.0)


@jit
def tanh_derivative(h):
    """1 - h^2."""
    return 1.0 - h * h


@jit
def sigmoid_derivative(h):
    """h (1 - h)."""
    return h * (1.0 - h)


ACTIVATION_KERNELS = {
    "relu": ActivationKernel(relu, relu_derivative),
    "tanh": ActivationKernel(tanh, tanh_derivative),
    "sigmoid": ActivationKernel(sigmoid, sigmoid_derivative),
}


def _in_place(function: Callable[..., Any]) -> Callable[..., Any]:
    @jit
    def activate(h, count, examples, stride):
        for n in range(examples):
            for k in range(count):
                h[n * stride + k] = function(h[n * stride + k])

    return activate


def _times(derivative: Callable[..., Any]) -> Callable[..., Any]:
    @jit
    def multiply(d, h, count, examples, stride):
        for n in range(examples):
            for k in range(count):
                d[n * stride + k] = d[n * stride + k] * derivative(h[n * stride + k])

    return multiply


_activate = choice([_in_place(ACTIVATION_KERNELS[name].function) for name in ACTIVATIONS])
_times_derivative = choice([_times(ACTIVATION_KERNELS[name].derivative) for name in ACTIVATIONS])


@jit
def dense(x, w, b, z, rows, columns):
    """z = x w + b, for one example or a group of them."""
    for j in range(columns):
        z_j = for_each(b[j], z)
        for i in range(rows):
            z_j = multiply_add(w[i * columns + j], x[i], z_j)
        z[j] = z_j


@jit
def dense_gradient(x, d, dw, columns, examples, x_stride, d_stride, fresh):
    """dw = dw + x' d for one input or a group of them, summed over examples; d is the derivative by z.

    What was in dw does not count where it is fresh.
    """
    for j in range(columns):
        dw_j = for_each(zeros(d), dw) if fresh else dw[j]
        for n in range(examples):
            dw_j = multiply_add(d[n * d_stride + j], x[n * x_stride], dw_j)
        dw[j] = dw_j


@jit
def bias_gradient(d, db, columns, examples, stride, fresh):
    """db = db + d, summed over examples."""
    for j in range(columns):
        db_j = zeros(d) if fresh else db[j]
        for n in range(examples):
            db_j = db_j + d[n * stride + j]
        db[j] = db_j


@jit
def dense_backward(w, d, dx, rows, columns, stride):
    """dx = d w', for one example; a row of w begins `stride` after the row before."""
    for i in range(rows):
        dx_i = w[i * stride] * d[0]
        for j in range(1, columns):
            dx_i = multiply_add(w[i * stride + j], d[j], dx_i)
        dx[i] = dx_i


@jit
def forward(network, parameters, x, x_stride, values, examples):
    """Fill in the values of every layer for some examples.

    Args:
        network: the model.
        parameters: of every layer.
        x: the examples' inputs.
        x_stride: from one example's inputs to the next one's.
        values: to be filled in.
        examples: how many.

    Returns:
        Where among an example's values those of the last layer, the outputs, begin.
    """
    lanes, stride = width(parameters) // width(values), network.num_values
    start, after = 0, 0
    for layer in range(network.depth):
        rows, columns = network.sizes[layer], -(-network.sizes[layer + 1] // lanes)
        start, after = after, after + columns * lanes
        bias, z = parameters + rows * columns, viewed(values + start, parameters)
        z_stride = stride // lanes
        n = 0
        while n + group_size() <= examples:
            some, results = spaced(x + n * x_stride, x_stride), spaced(z + n * z_stride, z_stride)
            dense(some, parameters, bias, results, rows, columns)
            n += group_size()
        while n < examples:
            dense(x + n * x_stride, parameters, bias, z + n * z_stride, rows, columns)
            n += 1
        if layer < network.depth - 1:
            _activate(network.activation, z, columns, examples, z_stride)
        x, x_stride = values + start, stride
        parameters = bias + columns
    return start


@jit
def backward(network, parameters, gradient, x, x_stride, values, slopes, examples, outputs, count, fresh):
    """Add the examples' derivatives to the gradient.

    Args:
        network: the model.
        parameters: of which there are `count` rows.
        gradient: to which they are added.
        x: the examples' inputs.
        x_stride: from one example's inputs to the next one's.
        values: of every layer.
        slopes: as `values`; the derivatives by the outputs are given.
        examples: how many.
        outputs: where among an example's values the outputs begin.
        count: of the rows of parameters.
        fresh: the gradient is that of these examples alone.
    """
    lanes, stride = width(parameters) // width(values), network.num_values
    start, offset = outputs, count
    for layer in range(network.depth - 1, -1, -1):
        rows, columns = network.sizes[layer], -(-network.sizes[layer + 1] // lanes)
        offset -= (rows + 1) * columns
        d, dw, d_stride = viewed(slopes + start, parameters), gradient + offset, stride // lanes
        bias_gradient(d, dw + rows * columns, columns, examples, d_stride, fresh)
        before = start - -(-rows // lanes) * lanes if layer > 0 else 0
        h, h_stride = (values + before, stride) if layer > 0 else (x, x_stride)
        i = 0
        while i + group_size() <= rows:
            some, results = spaced(h + i, 1), spaced(dw + i * columns, columns)
            dense_gradient(some, d, results, columns, examples, h_stride, d_stride, fresh)
            i += group_size()
        while i < rows:
            dense_gradient(h + i, d, dw + i * columns, columns, examples, h_stride, d_stride, fresh)
            i += 1
        if layer > 0:
            w = viewed(parameters + offset, values)
            for n in range(examples):
                d_n, dx_n = slopes + (n * stride + start), slopes + (n * stride + before)
                dense_backward(w, d_n, dx_n, rows, network.sizes[layer + 1], columns * lanes)
                for i in range(rows, -(-rows // lanes) * lanes):  # units that are none
                    dx_n[i] = zeros(dx_n)
            dx, z = viewed(slopes + before, parameters), viewed(values + before, parameters)
            _times_derivative(network.activation, dx, z, -(-rows // lanes), examples, d_stride)
        start = before
