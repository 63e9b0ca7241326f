"""The losses as the compiled engine computes them, an example at a time.

`lrcli.components.losses` has the formulas. o are the outputs for an example, y its targets, each in rows of
lanes; of cross-entropy the targets are one-hot. delta is that of the Huber loss, and means nothing to others.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from lrcli.engines.compiled.kernels.functions import exp, log, sigmoid, softplus
from lrcli.engines.compiled.kernels.jit import jit
from lrcli.engines.compiled.kernels.lanes import absolute, select

__all__ = ["LOSS_KERNELS", "LossKernel"]


class LossKernel(NamedTuple):
    """A loss as the compiled engine computes it.

    Attributes:
        value: (o, y, outputs, delta) -> the loss of the example, summed over its terms.
        slope: (o, y, d, outputs, delta) writes into d the derivative by each output, and returns a number
            that is finite only where the value is, but cheaper.
        correct: (o, y, outputs) -> 1 where the predicted class is the example's, else 0.
    """

    value: Callable[..., Any]
    slope: Callable[..., Any]
    correct: Callable[..., Any]


def _of_terms(term: Callable[..., Any]) -> Callable[..., Any]:
    """The sum of a term over the outputs."""

    @jit
    def value(o, y, outputs, delta):
        result = term(o[0], y[0], delta)
        for k in range(1, outputs):
            result = result + term(o[k], y[k], delta)
        return result

    return value


def _of_slopes(derivative: Callable[..., Any], bound: Callable[..., Any]) -> Callable[..., Any]:
    """The derivative of each output's own term, and the sum of their bounds."""

    @jit
    def slope(o, y, d, outputs, delta):
        d[0] = derivative(o[0], y[0], delta)
        check = bound(o[0], y[0], delta)
        for k in range(1, outputs):
            d[k] = derivative(o[k], y[k], delta)
            check = check + bound(o[k], y[k], delta)
        return check

    return slope


@jit
def squared_error(o, y, delta):
    """(o - y)^2."""
    return (o - y) * (o - y)


@jit
def squared_error_slope(o, y, delta):
    """2 (o - y)."""
    return (o - y) * 2.0


@jit
def half_squared_error(o, y, delta):
    """(o - y)^2 / 2."""
    return (o - y) * (o - y) * 0.5


@jit
def half_squared_error_slope(o, y, delta):
    """o - y."""
    return o - y


@jit
def absolute_error(o, y, delta):
    """|o - y|."""
    return absolute(o - y)


@jit
def absolute_error_slope(o, y, delta):
    """The sign of o - y; 0 where they are equal."""
    e = o - y
    return select(e > 0.0, 1.0, select(e < 0.0, -1.0, e))


@jit
def huber(o, y, delta):
    """e^2 / 2 where |e| <= delta, else delta (|e| - delta / 2)."""
    size = absolute(o - y)
    return select(size <= delta, size * size * 0.5, (size - 0.5 * delta) * delta)


@jit
def huber_slope(o, y, delta):
    """The error, held between -delta and delta."""
    e = o - y
    return select(e > delta, delta, select(e < -delta, -delta, e))


@jit
def logistic(o, y, delta):
    """log(1 + e^o) - y o."""
    return softplus(o) - y * o


@jit
def logistic_slope(o, y, delta):
    """sigmoid(o) - y."""
    return sigmoid(o) - y


@jit
def magnitude(o, y, delta):
    """|o|: where it is finite, so is a loss that grows no faster."""
    return absolute(o)


@jit
def _largest(o, outputs):
    largest = o[0]
    for k in range(1, outputs):
        largest = select(o[k] > largest, o[k], largest)
    return largest


@jit
def cross_entropy(o, y, outputs, delta):
    """log(sum_k exp(o_k)) - o_y, the largest output taken off all of them first."""
    largest = _largest(o, outputs)
    powers = exp(o[0] - largest)
    own = (o[0] - largest) * y[0]
    for k in range(1, outputs):
        powers = powers + exp(o[k] - largest)
        own = own + (o[k] - largest) * y[k]
    return log(powers) - own


@jit
def cross_entropy_slope(o, y, d, outputs, delta):
    """exp(o_k) / sum_j exp(o_j) - y_k."""
    largest = _largest(o, outputs)
    powers = largest * 0.0
    for k in range(outputs):
        d[k] = exp(o[k] - largest)
        powers = powers + d[k]
    check = largest * 0.0
    for k in range(outputs):
        d[k] = d[k] / powers - y[k]
        check = check + absolute(o[k])
    return check


@jit
def nearest_class(o, y, outputs):
    """A number is taken for class 1 from one half on."""
    wrong = select(o[0] >= 0.5, 1.0, 0.0) - select(y[0] >= 0.5, 1.0, 0.0)
    return 1.0 - wrong * wrong


@jit
def positive_logit(o, y, outputs):
    """A logit from 0 on means class 1."""
    wrong = select(o[0] >= 0.0, 1.0, 0.0) - select(y[0] >= 0.5, 1.0, 0.0)
    return 1.0 - wrong * wrong


@jit
def largest_logit(o, y, outputs):
    """The class is that of the largest logit, the first of several."""
    largest, right = o[0], y[0]
    for k in range(1, outputs):
        larger = o[k] > largest
        largest = select(larger, o[k], largest)
        right = select(larger, y[k], right)
    return right


def _kernel(term, derivative, bound, correct):
    """The kernel of a loss that is a sum of a term for each output."""
    return LossKernel(_of_terms(term), _of_slopes(derivative, bound), correct)


LOSS_KERNELS = {
    "mse": _kernel(squared_error, squared_error_slope, squared_error, nearest_class),
    "half_mse": _kernel(half_squared_error, half_squared_error_slope, half_squared_error, nearest_class),
    "l1": _kernel(absolute_error, absolute_error_slope, absolute_error, nearest_class),
    "huber": _kernel(huber, huber_slope, huber, nearest_class),
    "bce": _kernel(logistic, logistic_slope, magnitude, positive_logit),
    "cross_entropy": LossKernel(cross_entropy, cross_entropy_slope, largest_logit),
}
