"""Recovery: how far the learned parameters are from the true ones.

Where a model is the rule behind the data, the true parameters are known. Where it is not, but the best
possible ones can be found (see `lrcli.analysis.reference`), the learned parameters are held against those.
Elsewhere, as in an MLP, parameters are not identifiable: other parameters give the same function.

Where the data leave some parameters open (see `lrcli.analysis.determination`), their errors say nothing:
what was learned of them depends on where training began.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lrcli.analysis.chunks import chunks_of_sets
from lrcli.analysis.determination import undetermined
from lrcli.analysis.reference import Examples, Standard, find_references, has_reference
from lrcli.components.datasets import AnyDataset
from lrcli.components.losses import Loss
from lrcli.components.models import AnyModel
from lrcli.components.models.base import Model
from lrcli.components.truth import true_parameters
from lrcli.config.metrics import ERROR_NORM, MAX_ABS_ERROR

__all__ = ["Recovery", "find_recovery"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Recovery:
    """What learned parameters are held against.

    Attributes:
        model: whose parameters they are.
        against: ``true``, or how the best possible ones on the training set were found: ``least_squares``,
            ``ridge`` or ``optimum``.
        values: from parameter name to (K, *shape), for each set of data and weight decay; NaN where there
            are no best possible ones.
        undetermined: from parameter name to (K, *shape), which numbers the data leave open.
        separable: (K,) there are no best possible ones, because a plane separates the classes.
        losses: (K,) the training loss at the best possible ones; NaN where that is not known.
    """

    model: Model
    against: Standard
    values: dict[str, Array]
    undetermined: dict[str, NDArray[np.bool_]]
    separable: NDArray[np.bool_]
    losses: Array

    @property
    def known(self) -> bool:
        """Whether any set of data has parameters to hold learned ones against."""
        return not any(bool(np.isnan(values).all()) for values in self.values.values())

    def equivalent(self, learned: Mapping[str, Array], row_index: NDArray[np.intp]) -> dict[str, Array]:
        """Of the parameters that give the same function as the learned ones, the nearest to the reference.

        Args:
            learned: from parameter name to (..., R, *shape), such as those at several records.
            row_index: (R,) which of the K sets each member has.
        """
        reference = {name: values[row_index] for name, values in self.values.items()}
        return self.model.nearest_equivalent(learned, reference)

    def errors(self, learned: Mapping[str, Array], row_index: NDArray[np.intp]) -> dict[str, Array]:
        """Reference minus learned, as the textbooks print it: from name to (..., R, *shape)."""
        learned = self.equivalent(learned, row_index)
        return {name: values[row_index] - learned[name] for name, values in self.values.items()}

    def metrics(self, learned: Mapping[str, Array], row_index: NDArray[np.intp]) -> dict[str, Array]:
        """`MAX_ABS_ERROR` and `ERROR_NORM` of `lrcli.config.metrics`, (..., R) each."""
        errors = self.errors(learned, row_index)
        numbers = [number for name, error in errors.items() for number in self._numbers(name, error)]
        largest = squares = np.zeros(np.shape(numbers[0]))
        with np.errstate(over="ignore"):  # a member about to diverge
            for number in numbers:
                largest = np.maximum(largest, np.abs(number))
                squares = squares + number**2
        return {MAX_ABS_ERROR: largest, ERROR_NORM: np.sqrt(squares)}

    def _numbers(self, name: str, error: Array) -> Iterable[Array]:
        """The errors of a parameter (..., R, *shape), number by number, (..., R) each."""
        leading = error.ndim - (self.values[name].ndim - 1)
        return np.moveaxis(error.reshape(*error.shape[:leading], -1), -1, 0)


def find_recovery(
    datasets: Sequence[AnyDataset],
    model: AnyModel,
    loss: Loss,
    shapes: Mapping[str, tuple[int, ...]],
    examples: Examples,
) -> Recovery | None:
    """What the parameters of a model trained on a dataset can be held against.

    Args:
        datasets: the generators of the S sets of data, all of one kind.
        model: the model.
        loss: the loss.
        shapes: of the model's parameters; where the model is given true values, those of these count.
        examples: the training sets, and for K of them with a weight decay each what the decay is.

    Returns:
        None where the parameters are not identifiable, or nothing is known of the best ones.
    """
    rules = [true_parameters(dataset, model) for dataset in datasets]
    compared = shapes if model.truths is None else {name: shapes[name] for name in model.truths}
    known = [rule for rule in rules if rule is not None and _fits(rule, compared)]
    none, unknown = np.zeros(len(examples.rows), dtype=bool), np.full(len(examples.rows), np.nan)
    if len(known) == len(rules):
        values = {
            name: np.stack([_pad(rule[name], shape) for rule in known])[examples.rows]
            for name, shape in compared.items()
        }
        return Recovery(model, "true", values, _open(model, shapes, examples), none, unknown)
    if not has_reference(model, loss, datasets[0].num_classes):
        return None
    best = find_references(model, loss, shapes, examples)
    if not best.found.any() and not best.separable.any():
        return None
    opens = _open(model, shapes, examples)
    return Recovery(model, best.against, best.values, opens, best.separable, best.losses)


def _open(
    model: Model, shapes: Mapping[str, tuple[int, ...]], examples: Examples
) -> dict[str, NDArray[np.bool_]]:
    """The numbers that the data leave open: from parameter name to (K, *shape)."""
    sizes = [math.prod(shape) for shape in shapes.values()]
    masks = _open_numbers(model, examples.inputs, sum(sizes))[examples.rows]
    blocks = np.split(masks, np.cumsum(sizes)[:-1], axis=1)
    return {
        name: block.reshape(-1, *shape) for (name, shape), block in zip(shapes.items(), blocks, strict=True)
    }


def _open_numbers(model: Model, inputs: Array, size: int) -> NDArray[np.bool_]:
    """(S, P) of (S, N, D); a model that is not linear needs as many different inputs as parameters."""
    if not model.linear_in_parameters:
        few = [len(np.unique(each, axis=0)) < size for each in inputs]
        return np.repeat(np.array(few)[:, None], size, axis=1)
    chunks = [inputs[chunk] for chunk in chunks_of_sets(len(inputs), inputs.shape[1], size)]
    mask = np.concatenate([undetermined(model.design(model.features(chunk))) for chunk in chunks])
    return np.repeat(mask, size // mask.shape[1], axis=1)


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
