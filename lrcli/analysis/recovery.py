"""Recovery: how far the learned parameters are from the true ones.

Where a model is the rule behind the data, the true parameters are known. Where it is not, but a best
possible fit exists in closed form (least squares for models that are linear in their parameters, and
for the Legendre curve, which is a cubic), the learned parameters are held against that. Elsewhere, as
in an MLP, parameters are not identifiable: other parameters give the same function.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lrcli.analysis.symmetries import nearest_equivalent
from lrcli.components.datasets import AnyDataset
from lrcli.components.models import AnyModel, Legendre, Linear, Polynomial

__all__ = ["Recovery", "best_parameters", "find_recovery"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Recovery:
    """What learned parameters are held against.

    Attributes:
        model: the model's kind.
        against: ``true``, or ``least_squares``: the best possible on the training set.
        values: from parameter name to (S, *shape); NaN for a set of data that has no best possible ones.
    """

    model: str
    against: Literal["true", "least_squares"]
    values: dict[str, Array]

    def equivalent(self, learned: Mapping[str, Array], row_index: NDArray[np.intp]) -> dict[str, Array]:
        """The learned parameters, in the form nearest to the reference among those of the same curve.

        Args:
            learned: from parameter name to (R, *shape).
            row_index: (R,) which of the S sets of data each member has.
        """
        reference = {name: values[row_index] for name, values in self.values.items()}
        return nearest_equivalent(self.model, learned, reference)

    def errors(self, learned: Mapping[str, Array], row_index: NDArray[np.intp]) -> dict[str, Array]:
        """Reference minus learned, as the textbooks print it: from name to (R, *shape)."""
        learned = self.equivalent(learned, row_index)
        return {name: values[row_index] - learned[name] for name, values in self.values.items()}

    def metrics(self, learned: Mapping[str, Array], row_index: NDArray[np.intp]) -> dict[str, Array]:
        """``recovery/max_abs_error`` and ``recovery/error_norm`` (Euclidean), (R,) each."""
        rows = [error.reshape(len(row_index), -1) for error in self.errors(learned, row_index).values()]
        errors = np.concatenate(rows, axis=1)
        with np.errstate(over="ignore"):  # a member about to diverge
            norm = np.sqrt(np.sum(errors * errors, axis=1))
        return {"recovery/max_abs_error": np.max(np.abs(errors), axis=1), "recovery/error_norm": norm}


def find_recovery(
    datasets: Sequence[AnyDataset],
    model: AnyModel,
    shapes: Mapping[str, tuple[int, ...]],
    inputs: Array,
    targets: Array,
) -> Recovery | None:
    """What the parameters of a model trained on a dataset can be held against.

    Args:
        datasets: the generators of the S sets of data, all of one kind.
        model: the model.
        shapes: of the model's parameters.
        inputs: (S, N, D) the training inputs of each set.
        targets: (S, N, O) the training targets.

    Returns:
        None where the parameters are not identifiable.
    """
    rules = [dataset.true_parameters(model.kind) for dataset in datasets]
    known = [rule for rule in rules if rule is not None and _fits(rule, shapes)]
    if len(known) == len(rules):
        values = {
            name: np.stack([_pad(rule[name], shape) for rule in known]) for name, shape in shapes.items()
        }
        return Recovery(model.kind, "true", values)
    if datasets[0].num_classes is not None:
        return None
    best = [best_parameters(model, x, y) for x, y in zip(inputs, targets, strict=True)]
    if all(found is None for found in best):
        return None
    unknown = {name: np.full(shape, np.nan) for name, shape in shapes.items()}
    rows = [unknown if found is None else found for found in best]
    return Recovery(model.kind, "least_squares", {name: np.stack([r[name] for r in rows]) for name in shapes})


def _fits(rule: Mapping[str, Array], shapes: Mapping[str, tuple[int, ...]]) -> bool:
    """A polynomial may have more coefficients than the rule; it cannot have fewer."""
    return all(
        rule[name].ndim == len(shape) and all(np.array(rule[name].shape) <= np.array(shape))
        for name, shape in shapes.items()
    )


def _pad(true: Array, shape: tuple[int, ...]) -> Array:
    """The rule's coefficients, and zeros for the higher powers."""
    padded = np.zeros(shape)
    padded[tuple(slice(size) for size in true.shape)] = true
    return padded


def best_parameters(model: AnyModel, inputs: Array, targets: Array) -> dict[str, Array] | None:
    """The parameters with the smallest sum of squared errors, where a closed form gives them.

    Args:
        model: the model.
        inputs: (N, D).
        targets: (N, O).
    """
    if isinstance(model, Linear):
        columns = np.hstack([inputs, np.ones((len(inputs), 1))])
        solution = _least_squares(columns, targets)
        return {"w": solution[:-1], "b": solution[-1]}
    if isinstance(model, Polynomial):
        return {"coef": _least_squares(model.features(inputs), targets)[:, 0]}
    if isinstance(model, Legendre):
        powers = inputs ** np.arange(4)
        cubic = _least_squares(powers, targets)[:, 0]
        shares = np.abs(cubic) * np.abs(powers).max(0)
        if shares[3] <= 1e-10 * shares.max():  # rounding: the best cubic is a parabola or a line
            return None
        return legendre_of_cubic(cubic)
    return None


def _least_squares(columns: Array, targets: Array) -> Array:
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
