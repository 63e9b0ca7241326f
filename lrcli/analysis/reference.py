"""The reference: the parameters that minimise what was trained, on the same data, in float64.

- Squared errors of models that are linear in their parameters, and of the Legendre curve, which is a cubic:
  least squares. With the weight decay that SGD, RMSprop and Adam add to the gradient, least squares with that
  penalty in the loss's own scale, ridge regression (Hoerl and Kennard 1970); not for the Legendre curve.
- Cross-entropies of models that are linear in their parameters: Newton's method, with the decay where there
  is one. There is no optimum where a plane separates the classes.
- Absolute errors and Huber's loss: least squares stands in, which is not what they make smallest.
- Other models have none: those of a network are not identifiable, since other parameters give the same
  function; of a new model nothing is known.

What a model and a loss say of themselves decides between these, see `lrcli.components.models.base.Model` and
`lrcli.components.losses.Loss`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lrcli.analysis.chunks import chunks_of_sets
from lrcli.analysis.logistic import logistic_optima, within_reach
from lrcli.analysis.theory import term_curvature
from lrcli.components.losses import Loss
from lrcli.components.models.base import Model
from lrcli.components.models.least_squares import by_name, least_squares

__all__ = [
    "Examples",
    "References",
    "Standard",
    "find_references",
    "has_reference",
    "least_losses",
    "minimises",
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
        found: (K,) whether there is one that was found.
        separable: (K,) whether there is none because a plane separates the classes.
        minimises: whether they make the loss smallest; least squares stands in for a loss of the user's.
        standard_errors: as estimates of the truth, from parameter name to (K, *shape); NaN where the data
            leave a number open; None where they are not known.
    """

    against: Standard
    values: dict[str, Array]
    losses: Array
    found: NDArray[np.bool_]
    separable: NDArray[np.bool_]
    minimises: bool = True
    standard_errors: dict[str, Array] | None = None


def minimises(loss: Loss) -> bool:
    """Whether what is found makes a loss smallest; least squares stands in for others."""
    return loss.quadratic_factor is not None or loss.of_logits


def has_reference(model: Model, loss: Loss, num_classes: int | None) -> bool:
    """Whether there may be a reference, whatever the data are."""
    if loss.of_logits:
        return model.linear_in_parameters
    return model.has_best_fit and (num_classes is None or term_curvature(model, loss) is not None)


def find_references(
    model: Model, loss: Loss, shapes: Mapping[str, tuple[int, ...]], examples: Examples
) -> References:
    """The references of models of which `has_reference` holds.

    Args:
        model: the model.
        loss: the loss.
        shapes: of the model's parameters.
        examples: what they were trained on.
    """
    if loss.of_logits:
        return _of_classes(model, loss, examples)
    curvature = term_curvature(model, loss) or 1.0  # least squares stands in as halved squares
    best = [
        model.best_fit(examples.inputs[row], examples.targets[row], decay / (examples.scale * curvature))
        for row, decay in zip(examples.rows.tolist(), examples.decay, strict=True)
    ]
    unknown = {name: np.full(shape, np.nan) for name, shape in shapes.items()}
    values = {name: np.stack([(each or unknown)[name] for each in best]) for name in shapes}
    found = np.array([each is not None for each in best])
    decayed = bool(np.any(examples.decay > 0)) and model.linear_in_parameters
    losses = _losses_at(model, loss, values, examples)
    how: Standard = "ridge" if decayed else "least_squares"
    return References(how, values, losses, found, np.zeros_like(found), minimises(loss))


def _of_classes(model: Model, loss: Loss, examples: Examples) -> References:
    """The optima of logistic regression, some sets at a time."""
    _, count, num_features = examples.inputs.shape
    outputs = examples.targets.shape[2]
    parameters = model.parameters(num_features, outputs)
    if not within_reach(count, examples.decay.shape[1]):
        none = np.zeros(len(examples.rows), dtype=bool)
        nothing = {p.name: np.full((len(none), *p.shape), np.nan) for p in parameters}
        return References("optimum", nothing, np.full(len(none), np.nan), none, none)
    decays = examples.decay.reshape(len(examples.rows), -1, outputs)
    chunks = []
    for chunk in chunks_of_sets(len(examples.rows), count, decays.shape[1]):
        rows = examples.rows[chunk]
        columns = model.design(model.features(examples.inputs[rows]))
        chunks.append(logistic_optima(columns, examples.targets[rows], examples.scale, decays[chunk]))
    theta = np.concatenate(chunks)
    values = by_name(theta, parameters)
    found = ~np.isnan(theta[:, 0, 0])
    losses = np.where(found, _losses_at(model, loss, values, examples), 0.0)
    return References("optimum", values, losses, found, ~found)


def _losses_at(model: Model, loss: Loss, values: Mapping[str, Array], examples: Examples) -> Array:
    """(K,) the losses at these parameters; NaN where they are not known, or not what makes the loss small."""
    losses = np.full(len(examples.rows), np.nan)
    if loss.quadratic_factor is None and not loss.of_logits:
        return losses
    for number, row in enumerate(examples.rows.tolist()):
        parameters = {name: each[number] for name, each in values.items()}
        if any(np.isnan(each).any() for each in parameters.values()):
            continue
        outputs = model.outputs(parameters, examples.inputs[row])
        value = None if outputs is None else loss.value(outputs, examples.targets[row])
        losses[number] = np.nan if value is None else value
    return losses


def least_losses(model: Model, loss: Loss, examples: Examples) -> Array:
    """The smallest losses of K sets, (K,), for squared errors of a model that is linear in its parameters.

    The normal equations give what least squares gives, but for the last digits, in a tenth of the time;
    where a matrix is too near to a singular one, least squares itself is taken.
    """
    curvature = term_curvature(model, loss) or 1.0
    penalty = examples.decay / (examples.scale * curvature)
    _, count, _ = examples.inputs.shape
    chunks = []
    for chunk in chunks_of_sets(len(examples.rows), count, penalty.shape[1]):
        rows = examples.rows[chunk]
        columns = model.design(model.features(examples.inputs[rows]))
        chunks.append(_smallest_squares(columns, examples.targets[rows, :, 0], penalty[chunk]))
    squares = np.concatenate(chunks) * curvature / 2
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
        theta[number] = least_squares(columns[number], targets[number, :, None], penalty[number])[:, 0]
    errors = targets - np.einsum("knp,kp->kn", columns, theta)
    return np.asarray(np.sum(errors**2, axis=1))
