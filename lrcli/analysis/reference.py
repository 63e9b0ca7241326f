"""The reference: the parameters that minimise what was trained, on the same data, in float64.

- Squared errors of models that are linear in their parameters, and of the Legendre curve, which is a cubic:
  least squares. With the weight decay that SGD, RMSprop and Adam add to the gradient, least squares with that
  penalty in the loss's own scale, ridge regression (Hoerl and Kennard 1970); not for the Legendre curve.
- Cross-entropies of a linear model: Newton's method, with the decay where there is one. There is no optimum
  where a plane separates the classes.
- Absolute errors and Huber's loss: least squares stands in, which is not what they make smallest.
- Networks have none: other parameters give the same function.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lrcli.analysis.logistic import logistic_optimum
from lrcli.analysis.loss_values import loss_value
from lrcli.analysis.theory import design_matrix, term_curvature
from lrcli.components.losses import BCE, MSE, AnyLoss, CrossEntropy, HalfMSE
from lrcli.components.models import AnyModel, Legendre, Linear, Polynomial

__all__ = ["Examples", "References", "Standard", "best_parameters", "find_references", "has_reference"]

Array = NDArray[np.float64]
Standard = Literal["true", "least_squares", "ridge", "optimum"]


@dataclass(frozen=True)
class Examples:
    """What K sets of parameters were trained on, and with how much weight decay.

    Attributes:
        inputs: (S, N, D).
        targets: (S, N, O).
        rows: (K,) which of the S sets of data each has.
        decay: (K, P) the weight decay of each number among the parameters, in their canonical order.
        scale: of the sum of an example's terms in the loss of a step: 1 / N and the like.
    """

    inputs: Array
    targets: Array
    rows: NDArray[np.intp]
    decay: Array
    scale: float


@dataclass(frozen=True)
class References:
    """The references of K sets.

    Attributes:
        against: how they were found.
        values: from parameter name to (K, *shape); NaN where there is none.
        losses: (K,) the loss there, without the decay; the lowest bound where the classes are separable.
        found: (K,) whether there is one.
        separable: (K,) whether there is none because a plane separates the classes.
    """

    against: Standard
    values: dict[str, Array]
    losses: Array
    found: NDArray[np.bool_]
    separable: NDArray[np.bool_]


def has_reference(model: AnyModel, loss: AnyLoss, num_classes: int | None) -> bool:
    """Whether there may be a reference, whatever the data are."""
    if isinstance(loss, BCE | CrossEntropy):
        return isinstance(model, Linear)
    fitted = model.linear_in_parameters or isinstance(model, Legendre)
    return fitted and (num_classes is None or term_curvature(model, loss) is not None)


def find_references(
    model: AnyModel, loss: AnyLoss, shapes: Mapping[str, tuple[int, ...]], examples: Examples
) -> References:
    """The references of models of which `has_reference` holds.

    Args:
        model: the model.
        loss: the loss.
        shapes: of the model's parameters.
        examples: what they were trained on.
    """
    classes = isinstance(loss, BCE | CrossEntropy)
    best = [
        _best(model, loss, examples.inputs[row], examples.targets[row], decay, examples.scale)
        for row, decay in zip(examples.rows.tolist(), examples.decay, strict=True)
    ]
    found = np.array([each is not None for each in best])
    unknown = {name: np.full(shape, np.nan) for name, shape in shapes.items()}
    values = {name: np.stack([(each or unknown)[name] for each in best]) for name in shapes}
    losses = [
        _loss_at(model, loss, each, examples.inputs[row], examples.targets[row]) if each else np.nan
        for row, each in zip(examples.rows.tolist(), best, strict=True)
    ]
    separable = ~found & classes
    decayed = bool(np.any(examples.decay > 0)) and not isinstance(model, Legendre)
    against: Standard = "optimum" if classes else "ridge" if decayed else "least_squares"
    return References(against, values, np.where(separable, 0.0, losses), found, separable)


def _best(
    model: AnyModel, loss: AnyLoss, inputs: Array, targets: Array, decay: Array, scale: float
) -> dict[str, Array] | None:
    """The parameters that make scale * (sum of terms) + (sum of decay p^2) / 2 smallest."""
    if not isinstance(loss, BCE | CrossEntropy):
        curvature = term_curvature(model, loss) or 1.0  # least squares stands in as halved squares
        return best_parameters(model, inputs, targets, decay / (scale * curvature))
    columns = design_matrix(model, inputs)
    decays = decay.reshape(columns.shape[1], targets.shape[1])
    solution = logistic_optimum(columns, targets, scale, decays).parameters
    return None if solution is None else {"w": solution[:-1], "b": solution[-1]}


def _loss_at(
    model: AnyModel, loss: AnyLoss, best: Mapping[str, Array], inputs: Array, targets: Array
) -> float:
    """The loss of all examples at these parameters; NaN where it is not known."""
    if not isinstance(loss, MSE | HalfMSE | BCE | CrossEntropy):
        return np.nan
    if isinstance(model, Legendre):
        u = best["c"] + best["d"] * inputs
        outputs = best["a"] + best["b"] * (5 * u**3 - 3 * u) / 2
    elif isinstance(model, Linear):
        outputs = inputs @ best["w"] + best["b"]
    else:
        outputs = model.features(inputs) @ best["coef"][:, None]
    value = loss_value(loss, outputs, targets)
    return np.nan if value is None else value


def best_parameters(
    model: AnyModel, inputs: Array, targets: Array, penalty: Array | None = None
) -> dict[str, Array] | None:
    """The parameters p with the smallest sum of squared errors plus sum of penalty p^2, in closed form.

    Args:
        model: the model.
        inputs: (N, D).
        targets: (N, O).
        penalty: (P,) of each number among the parameters; None: none. The Legendre curve takes none.

    Returns:
        None where there are none.
    """
    if isinstance(model, Linear | Polynomial):
        columns = design_matrix(model, model.features(inputs))
        solution = _least_squares(columns, targets, penalty)
        if isinstance(model, Linear):
            return {"w": solution[:-1], "b": solution[-1]}
        return {"coef": solution[:, 0]}
    if isinstance(model, Legendre):
        powers = inputs ** np.arange(4)
        cubic = _least_squares(powers, targets)[:, 0]
        shares = np.abs(cubic) * np.abs(powers).max(0)
        if shares[3] <= 1e-10 * shares.max():  # rounding: the best cubic is a parabola or a line
            return None
        return legendre_of_cubic(cubic)
    return None


def _least_squares(columns: Array, targets: Array, penalty: Array | None = None) -> Array:
    if penalty is not None and np.any(penalty > 0):
        columns = np.vstack([columns, np.diag(np.sqrt(penalty))])
        targets = np.vstack([targets, np.zeros((len(penalty), targets.shape[1]))])
    return np.asarray(np.linalg.lstsq(columns, targets, rcond=None)[0], dtype=np.float64)


def legendre_of_cubic(cubic: Array) -> dict[str, Array] | None:
    """The Legendre curve a + b P3(c + d x) that is a given cubic, its d positive.

    Comparing powers of x with k0 + k1 x + k2 x^2 + k3 x^3 and writing m = c / d gives m = k2 / (3 k3),
    d^2 = 0.6 / (3 m^2 - k1 / k3), b = 0.4 k3 / d^3, a = k0 - b P3(c).

    Args:
        cubic: (4,) the coefficients, constant first.

    Returns:
        The parameters ``a b c d``, or None where no such curve is that cubic.
    """
    k0, k1, k2, k3 = cubic
    if k3 == 0:
        return None
    m = k2 / (3 * k3)
    spread = 3 * m**2 - k1 / k3
    if spread <= 0:
        return None
    d = np.sqrt(0.6 / spread)
    b = 0.4 * k3 / d**3
    c = m * d
    a = k0 - b * (5 * c**3 - 3 * c) / 2
    return {"a": np.array(a), "b": np.array(b), "c": np.array(c), "d": np.array(d)}
