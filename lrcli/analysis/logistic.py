"""The optimum of logistic regression, by Newton's method, of many sets of data at once."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["fisher_covariance", "logistic_optima", "within_reach"]

Array = NDArray[np.float64]

_STEPS = 100
_HALVINGS = 30
_ROUNDING = 1e-15  # of the objective: what no step can lower any more
_MOST_WORK = 1e9  # of a step, which takes a tenth of a second
_OF_INVERSE = 20  # operations of a pseudoinverse for each of its products
_CERTAIN = 30.0  # logits beyond which no example has a say: e^-30


def within_reach(examples: int, numbers: int) -> bool:
    """Whether the optimum of one set of data is found in a second or two.

    Args:
        examples: N.
        numbers: those of all parameters, P O.
    """
    return (examples + _OF_INVERSE * numbers) * numbers**2 <= _MOST_WORK


def logistic_optima(columns: Array, targets: Array, scale: float, decay: Array) -> Array:
    """The parameters that make scale * (sum of cross-entropies) + (sum of decay p^2) / 2 smallest.

    The objective is convex, and Newton's method with step halving finds its minimum from zero (Boyd and
    Vandenberghe 2004, section 9.5). With one output it is that of ``bce``; with several, that of
    ``cross_entropy``, to whose parameters a constant may be added for all outputs alike: the shortest steps
    keep the sum over the outputs at 0.

    Without decay there is no minimum where a plane separates the classes: the larger the parameters, the
    smaller the loss (Albert and Anderson 1984). Parameters that classify every example right, with a margin,
    prove it; where examples lie on the plane, logits that grow beyond any doubt show it.

    Args:
        columns: (K, N, P) the design matrices.
        targets: (K, N, O) of 0 and 1.
        scale: of the sum of the examples' losses.
        decay: (K, P, O) the weight decay of each parameter.

    Returns:
        (K, P, O); NaN where the classes are separable.
    """
    sets, _, size = columns.shape
    theta = np.zeros((sets, size, targets.shape[2]))
    separable = np.zeros(sets, dtype=bool)
    left = np.arange(sets)
    for _ in range(_STEPS):
        data = columns[left], targets[left], scale, decay[left]
        theta[left], done = _step(theta[left], *data)
        logits = columns[left] @ theta[left]
        decays = np.any(decay[left] > 0, axis=(1, 2))
        certain = np.abs(logits).max(axis=(1, 2)) > _CERTAIN
        apart = ~decays & (_separates(logits, targets[left]) | certain)
        separable[left] = apart
        left = left[~(done | apart)]
        if not left.size:
            break
    return np.where(separable[:, None, None], np.nan, theta)


def fisher_covariance(columns: Array, theta: Array) -> Array:
    """The inverse of Fisher's information at maximum likelihood, which is that of the sum of cross-entropies.

    With several outputs it is that of parameters that add up to 0 over them.

    Args:
        columns: (K, N, P).
        theta: (K, P, O).

    Returns:
        (K, P O, P O), the numbers in the order of theta.
    """
    _, size, outputs = theta.shape
    none = np.zeros((*columns.shape[:2], outputs))
    hessian = _derivatives(theta, columns, none, 1.0, np.zeros_like(theta))[1]
    lengths = np.sqrt(np.einsum("kpp->kp", hessian))
    lengths = np.where(lengths == 0, 1.0, lengths)
    scaled = hessian / lengths[:, None] / lengths[..., None]
    inverse: Array
    if outputs == 1:
        inverse = np.asarray(np.linalg.pinv(scaled, rcond=1e-13, hermitian=True), dtype=np.float64)
        inverse = inverse / lengths[:, None] / lengths[..., None]
    else:  # where lengths differ between the outputs, scaling would change which is the shortest
        inverse = np.asarray(np.linalg.pinv(hessian, rcond=1e-13, hermitian=True), dtype=np.float64)
    order = np.arange(outputs * size).reshape(outputs, size).T.ravel()
    return np.asarray(inverse[:, order[:, None], order])


def _step(
    theta: Array, columns: Array, targets: Array, scale: float, decay: Array
) -> tuple[Array, NDArray[np.bool_]]:
    """One step of each set, halved until it lowers the objective; and which can go no further."""
    gradient, hessian = _derivatives(theta, columns, targets, scale, decay)
    inverse = np.linalg.pinv(hessian, hermitian=True)
    flat = -np.einsum("kij,kj->ki", inverse, gradient)
    step = flat.reshape(len(theta), theta.shape[2], -1).transpose(0, 2, 1)
    promised = -np.einsum("ki,ki->k", gradient, flat)  # twice what a quadratic would be lowered by
    value = _objective(theta, columns, targets, scale, decay)
    done = promised <= _ROUNDING * np.abs(value)
    share = np.ones(len(theta))
    for _ in range(_HALVINGS):
        new = _objective(theta + share[:, None, None] * step, columns, targets, scale, decay)
        high = ~done & ~(new < value)
        if not high.any():
            break
        share = np.where(high, share / 2, share)
    else:  # rounding alone is left
        share, done = np.where(high, 0.0, share), done | high
    return theta + share[:, None, None] * step, done


def _objective(theta: Array, columns: Array, targets: Array, scale: float, decay: Array) -> Array:
    with np.errstate(over="ignore", invalid="ignore"):  # a step that is too long has no value, and is halved
        return _value(columns @ theta, theta, targets, scale, decay)


def _value(logits: Array, theta: Array, targets: Array, scale: float, decay: Array) -> Array:
    if targets.shape[2] == 1:
        terms = (np.logaddexp(0.0, logits) - targets * logits).sum(axis=(1, 2))
    else:
        terms = (np.logaddexp.reduce(logits, axis=2) - np.sum(targets * logits, axis=2)).sum(axis=1)
    return np.asarray(scale * terms + np.sum(decay * theta**2, axis=(1, 2)) / 2)


def _derivatives(
    theta: Array, columns: Array, targets: Array, scale: float, decay: Array
) -> tuple[Array, Array]:
    """The gradients (K, O P) and the Hessians (K, O P, O P), output by output."""
    logits = columns @ theta
    sets, size, outputs = theta.shape
    if outputs == 1:
        chances = np.exp(-np.logaddexp(0.0, -logits))
    else:
        chances = np.exp(logits - np.logaddexp.reduce(logits, axis=2, keepdims=True))
    turned = columns.transpose(0, 2, 1)
    gradient = scale * turned @ (chances - targets) + decay * theta
    hessian = np.empty((sets, outputs, size, outputs, size))
    for k in range(outputs):
        for j in range(outputs):
            weights = chances[:, :, k] * ((k == j) - chances[:, :, j])
            hessian[:, k, :, j] = scale * turned @ (columns * weights[:, :, None])
    matrix = hessian.reshape(sets, outputs * size, -1)
    matrix += np.eye(outputs * size) * decay.transpose(0, 2, 1).reshape(sets, 1, -1)
    return gradient.transpose(0, 2, 1).reshape(sets, -1), matrix


def _separates(logits: Array, targets: Array) -> NDArray[np.bool_]:
    """Whether every example of a set is on its own side, by more than rounding."""
    if targets.shape[2] == 1:
        margins = np.where(targets > 0.5, logits, -logits).min(axis=(1, 2))
    else:
        others = np.where(targets > 0.5, -np.inf, logits).max(axis=2)
        margins = (np.sum(targets * logits, axis=2) - others).min(axis=1)
    return np.asarray(margins > 1e-12 * np.abs(logits).max(axis=(1, 2)))
