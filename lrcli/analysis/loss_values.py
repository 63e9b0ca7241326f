"""Losses in NumPy: what outputs cost, and the best that a constant output can do."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from lrcli.components.losses import AnyLoss

__all__ = ["constant_loss", "loss_value"]

Array = NDArray[np.float64]


def _huber(errors: Array, delta: float) -> Array:
    sizes = np.abs(errors)
    return np.where(sizes <= delta, errors**2 / 2, delta * (sizes - delta / 2))


_TERMS: Mapping[str, Callable[[AnyLoss, Array, Array], Array]] = {
    "mse": lambda _, o, y: (o - y) ** 2,
    "half_mse": lambda _, o, y: (o - y) ** 2 / 2,
    "l1": lambda _, o, y: np.abs(o - y),
    "huber": lambda loss, o, y: _huber(o - y, getattr(loss, "delta", 1.0)),
    "bce": lambda _, o, y: np.logaddexp(0.0, o) - y * o,
    "cross_entropy": lambda _, o, y: np.logaddexp.reduce(o, axis=1) - np.sum(o * y, axis=1),
}


def loss_value(loss: AnyLoss, outputs: Array, targets: Array) -> float | None:
    """The loss of a set of examples, by the formulas of `lrcli.components.losses`.

    Args:
        loss: the loss.
        outputs: (N, O).
        targets: (N, O), one-hot where there is an output for each class.

    Returns:
        None for a loss that has no formula here.
    """
    terms = _TERMS.get(loss.kind)
    if terms is None:
        return None
    with np.errstate(over="ignore"):
        values = terms(loss, outputs, targets)
        return float(values.mean() if loss.reduction == "mean" else values.sum())


def constant_loss(loss: AnyLoss, targets: Array) -> float | None:
    """The smallest loss of a model that answers the same for every example.

    The mean is best for squares, the median for absolute errors (for Huber's loss the better of the two is
    taken, which is near the best), and the classes' shares for cross-entropies.

    Args:
        loss: the loss.
        targets: (N, O).

    Returns:
        None for a loss that has no formula here.
    """
    with np.errstate(divide="ignore", over="ignore"):
        shares = targets.mean(axis=0)
        if loss.kind in {"bce", "cross_entropy"}:
            present = np.clip(shares, 1e-300, 1 - 1e-16 if loss.kind == "bce" else 1)
            answers = [np.log(present) - (np.log1p(-present) if loss.kind == "bce" else 0)]
        else:
            squares = loss.kind in {"mse", "half_mse"}
            answers = [shares] if squares else [shares, np.median(targets, axis=0)]
    found = [loss_value(loss, np.broadcast_to(answer, targets.shape), targets) for answer in answers]
    known = [value for value in found if value is not None]
    return min(known) if known else None
