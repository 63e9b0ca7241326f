"""The optimizers as the compiled engine computes them: one update of all of a member's parameters.

p, g are the parameters and the gradient, `count` rows each, of which those from `first` to `last` are
updated; state is the optimizer's arrays, one after the other, each as long; c are the coefficients of the
step, in the order of `lrcli.engines.compiled.registry`. That of weight decay is `decay` instead, for some
rows are not decayed. `lrcli.components.optimizers` has the formulas, and works the coefficients out. The two
options tell which variant of a rule it is.
"""

from lrcli.engines.compiled.kernels.jit import jit
from lrcli.engines.compiled.kernels.lanes import select, square_root

__all__ = ["OPTIMIZER_KERNELS"]


@jit
def sgd(p, g, state, count, first, last, c, decay, momentum, nesterov):
    """v = momentum v + intake g; p = p - lr v, or along g + momentum v with nesterov."""
    lr, mu, intake = c[0], c[1], c[2]
    for k in range(first, last):
        step = g[k] + decay * p[k]
        if momentum:
            velocity = mu * state[k] + intake * step
            state[k] = velocity
            step = step + mu * velocity if nesterov else velocity
        p[k] = p[k] - lr * step


@jit
def rmsprop(p, g, state, count, first, last, c, decay, momentum, centered):
    """v = alpha v + (1 - alpha) g^2; p = p - lr g / (sqrt(v) + eps)."""
    lr, alpha, one_minus_alpha, eps, mu = c[0], c[1], c[2], c[3], c[5]
    mean = state + count
    steps = mean + count if centered else mean
    for k in range(first, last):
        slope = g[k] + decay * p[k]
        square = alpha * state[k] + one_minus_alpha * (slope * slope)
        state[k] = square
        if centered:
            mean[k] = alpha * mean[k] + one_minus_alpha * slope
            square = square - mean[k] * mean[k]
        step = slope / (square_root(square) + eps)
        if momentum:
            step = mu * steps[k] + step
            steps[k] = step
        p[k] = p[k] - lr * step


@jit
def adam(p, g, state, count, first, last, c, decay, decoupled, amsgrad):
    """m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2; p = p - step_size m / (sqrt(v) / correction + eps)."""
    step_size, correction, eps = c[0], c[1], c[6]
    square, largest = state + count, state + 2 * count
    for k in range(first, last):
        old = decay * p[k] if decoupled else p[k]
        slope = g[k] if decoupled else g[k] + decay * p[k]
        mean = c[2] * state[k] + c[3] * slope
        v = c[4] * square[k] + c[5] * (slope * slope)
        state[k], square[k] = mean, v
        if amsgrad:
            v = select(largest[k] > v, largest[k], v)
            largest[k] = v
        p[k] = old - step_size * mean / (square_root(v) / correction + eps)


OPTIMIZER_KERNELS = {"sgd": sgd, "rmsprop": rmsprop, "adam": adam, "adamw": adam}
