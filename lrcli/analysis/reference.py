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

from lrcli.analysis.design import design_matrices, design_matrix, sets_at_once
from lrcli.analysis.logistic import logistic_optima
from lrcli.analysis.loss_values import loss_value
from lrcli.analysis.theory import term_curvature
from lrcli.components.losses import BCE, MSE, AnyLoss, CrossEntropy, HalfMSE
from lrcli.components.models import AnyModel, Legendre, Linear, Polynomial

__all__ = [
    "Examples",
    "References",
    "Standard",
    "best_parameters",
    "find_references",
    "has_reference",
    "least_losses",
]

Array = NDArray[np.float64]
Standard = Literal["true", "least_squares", "ridge", "optimum"]

_CLEAR = 1e-6  # smallest eigenvalue of the normal equations that are taken, columns scaled to length 1


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
    if isinstance(loss, BCE | CrossEntropy):
        return _of_classes(model, loss, examples)
    curvature = term_curvature(model, loss) or 1.0  # least squares stands in as halved squares
    best = [
        best_parameters(
            model, examples.inputs[row], examples.targets[row], decay / (examples.scale * curvature)
        )
        for row, decay in zip(examples.rows.tolist(), examples.decay, strict=True)
    ]
    unknown = {name: np.full(shape, np.nan) for name, shape in shapes.items()}
    values = {name: np.stack([(each or unknown)[name] for each in best]) for name in shapes}
    found = np.array([each is not None for each in best])
    decayed = bool(np.any(examples.decay > 0)) and not isinstance(model, Legendre)
    losses = _losses_at(model, loss, values, examples)
    return References("ridge" if decayed else "least_squares", values, losses, found, np.zeros_like(found))


def _of_classes(model: AnyModel, loss: AnyLoss, examples: Examples) -> References:
    """The optima of logistic regression, some sets at a time."""
    _, count, size = examples.inputs.shape
    outputs = examples.targets.shape[2]
    at_once = sets_at_once(count, size + 1)
    parts = []
    for start in range(0, len(examples.rows), at_once):
        rows, decay = examples.rows[start : start + at_once], examples.decay[start : start + at_once]
        inputs, targets = examples.inputs[rows], examples.targets[rows]
        columns = np.concatenate([inputs, np.ones((*inputs.shape[:2], 1))], axis=2)
        decays = decay.reshape(-1, size + 1, outputs)
        parts.append(logistic_optima(columns, targets, examples.scale, decays))
    theta = np.concatenate(parts)
    values = {"w": theta[:, :-1], "b": theta[:, -1]}
    found = ~np.isnan(theta[:, 0, 0])
    losses = np.where(found, _losses_at(model, loss, values, examples), 0.0)
    return References("optimum", values, losses, found, ~found)


def _losses_at(model: AnyModel, loss: AnyLoss, values: Mapping[str, Array], examples: Examples) -> Array:
    """(K,) the losses at these parameters; NaN where they are not known, or not what makes the loss small."""
    if not isinstance(loss, MSE | HalfMSE | BCE | CrossEntropy):
        return np.full(len(examples.rows), np.nan)
    found = [
        loss_value(loss, _outputs(model, {k: v[i] for k, v in values.items()}, inputs), targets)
        for i, inputs, targets in (
            (number, examples.inputs[row], examples.targets[row])
            for number, row in enumerate(examples.rows.tolist())
        )
    ]
    return np.array([np.nan if value is None else value for value in found])


def _outputs(model: AnyModel, parameters: Mapping[str, Array], inputs: Array) -> Array:
    """(N, O) of one set of inputs."""
    if isinstance(model, Legendre):
        a, b, c, d = (parameters[name] for name in "abcd")
        u = c + d * inputs
        return np.asarray(a + b * (5 * u**3 - 3 * u) / 2)
    if isinstance(model, Linear):
        return np.asarray(inputs @ parameters["w"] + parameters["b"])
    return np.asarray(model.features(inputs) @ parameters["coef"][:, None])


def least_losses(model: AnyModel, loss: AnyLoss, examples: Examples) -> Array:
    """The smallest losses of K sets, (K,), for squared errors of a model that is linear in its parameters.

    The normal equations give what least squares gives, but for the last digits, in a tenth of the time;
    where a matrix is too near to a singular one, least squares itself is taken.
    """
    curvature = term_curvature(model, loss) or 1.0
    penalty = examples.decay / (examples.scale * curvature)
    _, count, _ = examples.inputs.shape
    at_once = sets_at_once(count, penalty.shape[1])
    parts = []
    for start in range(0, len(examples.rows), at_once):
        part = slice(start, start + at_once)
        rows = examples.rows[part]
        columns = design_matrices(model, examples.inputs[rows])
        parts.append(_smallest_squares(columns, examples.targets[rows, :, 0], penalty[part]))
    squares = np.concatenate(parts) * curvature / 2
    return np.asarray(squares / count if loss.reduction == "mean" else squares)


def _smallest_squares(columns: Array, targets: Array, penalty: Array) -> Array:
    """The sums of squared errors, (K,), at the best parameters of (K, N, P) and (K, N)."""
    products = np.matmul(columns.transpose(0, 2, 1), columns)
    lengths = np.sqrt(np.einsum("kpp->kp", products))
    scales = np.where(lengths == 0, 1.0, lengths)
    matrix = products / scales[:, None] / scales[..., None]
    matrix += np.eye(matrix.shape[1]) * (penalty / scales**2)[:, None]
    clear = np.linalg.eigvalsh(matrix)[:, 0] > _CLEAR
    theta = np.empty_like(penalty)
    right = np.einsum("knp,kn->kp", columns, targets) / scales
    theta[clear] = np.linalg.solve(matrix[clear], right[clear][..., None])[..., 0] / scales[clear]
    for number in np.flatnonzero(~clear).tolist():
        theta[number] = _least_squares(columns[number], targets[number, :, None], penalty[number])[:, 0]
    errors = targets - np.einsum("knp,kp->kn", columns, theta)
    return np.asarray(np.sum(errors**2, axis=1))


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
