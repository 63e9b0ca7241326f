"""Recovery: how far the learned parameters are from the true ones, and why.

Where a model is the rule behind the data, the true parameters are known. The reference, what minimises what
was trained on these data (see `lrcli.analysis.reference`), splits an error in two: what the data cannot tell,
true minus reference, and what training still owes, reference minus learned. Where no truth is known, learned
parameters are held against the reference. Elsewhere, as in an MLP, parameters are not identifiable: other
parameters give the same function.

Where the data leave some parameters open (see `lrcli.analysis.determination`), they have no errors: what was
learned of them depends on where training began. Nor are errors told from a reference of which other values
are as good.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrcli.analysis.chunks import chunks_of_sets
from lrcli.analysis.determination import free_directions, undetermined
from lrcli.analysis.reference import References, Standard, find_references, has_reference
from lrcli.analysis.set_fits import Examples, minimises
from lrcli.components.datasets import AnyDataset
from lrcli.components.datasets.base import Scaling
from lrcli.components.initializers import element_names
from lrcli.components.losses import Loss
from lrcli.components.models import AnyModel
from lrcli.components.models.base import Model
from lrcli.components.truth import true_parameters
from lrcli.config.metrics import ERROR_NORM, MAX_ABS_ERROR, OPTIMIZATION_ERROR, SAMPLING_ERROR

__all__ = ["Recovery", "find_recovery"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Recovery:
    """What learned parameters are held against.

    Attributes:
        model: whose parameters they are.
        truth: the true ones, from parameter name to (K, *shape) for each set of data and weight decay,
            perhaps of some parameters alone; None where they are not known.
        reference: what minimises what was trained, of the K sets; where a truth is known, of the parameters
            that give the same function the nearest to it. None where it is not known.
        undetermined: from parameter name to (K, *shape), which numbers the data leave open.
        elements: from parameter name to the names of its numbers, such as ``w[0]`` or ``w[age]``.
        scaling: what the inputs were standardised with, (K, D) each: learned parameters are those of
            standardised inputs, all else is in original units; None where there is no difference.
        free: (M, P) directions that change no output on the first set, where it has examples enough; of the
            parameters of standardised inputs, where they are standardised.
    """

    model: Model
    truth: dict[str, Array] | None
    reference: References | None
    undetermined: dict[str, NDArray[np.bool_]]
    elements: Mapping[str, Sequence[str]] = field(default_factory=dict)
    scaling: Scaling | None = None
    free: Array | None = None

    @property
    def values(self) -> dict[str, Array]:
        """What errors are told from: the truth where known, else the reference; NaN where there is none."""
        if self.truth is not None:
            return self.truth
        return self.reference.values if self.reference is not None else {}

    @property
    def against(self) -> Standard:
        """``true``, or how the reference was found."""
        return "true" if self.truth is not None or self.reference is None else self.reference.against

    @property
    def known(self) -> bool:
        """Whether any set of data has parameters to hold learned ones against."""
        return not any(bool(np.isnan(values).all()) for values in self.values.values())

    @property
    def separable(self) -> NDArray[np.bool_]:
        """(K,) there is no reference, because a plane separates the classes."""
        count = len(next(iter(self.undetermined.values())))
        return np.zeros(count, dtype=bool) if self.reference is None else self.reference.separable

    @property
    def parts(self) -> bool:
        """Whether errors are known in both parts, of any set of data."""
        reference = self.reference
        return self.truth is not None and reference is not None and bool(reference.found.any())

    @property
    def told(self) -> dict[str, NDArray[np.bool_]]:
        """Whose errors say something, from parameter name to (K, *shape)."""
        several = self.reference.several if self.reference is not None and self.truth is None else {}
        return {
            name: ~(self.undetermined[name] | several.get(name, np.zeros(values.shape, dtype=bool)))
            for name, values in self.values.items()
        }

    @property
    def tells(self) -> bool:
        """Whether any error of any set of data says something."""
        return self.known and any(bool(mask.any()) for mask in self.told.values())

    def equivalent(self, learned: Mapping[str, Array], row_index: NDArray[np.intp]) -> dict[str, Array]:
        """Of the parameters that give the same function as the learned ones, the nearest to the values.

        Args:
            learned: from parameter name to (..., R, *shape), such as those at several records.
            row_index: (R,) which of the K sets each member has.

        Returns:
            likewise, in original units.
        """
        if self.scaling is not None:
            mean, scale = self.scaling.mean[row_index], self.scaling.scale[row_index]
            learned = self.model.in_original_units(learned, mean, scale) or learned
        values = {name: values[row_index] for name, values in self.values.items()}
        return self.model.nearest_equivalent(learned, values)

    def errors(self, learned: Mapping[str, Array], row_index: NDArray[np.intp]) -> dict[str, Array]:
        """True (or reference) minus learned, as the textbooks print it: from name to (..., R, *shape).

        NaN where that says nothing.
        """
        learned, told = self.equivalent(learned, row_index), self.told
        errors = {name: values[row_index] - learned[name] for name, values in self.values.items()}
        return {
            name: error if told[name].all() else np.where(told[name][row_index], error, np.nan)
            for name, error in errors.items()
        }

    @property
    def sampling_errors(self) -> dict[str, Array] | None:
        """True minus reference, from name to (K, *shape); NaN where other values would do as well."""
        if self.truth is None or self.reference is None:
            return None
        found, several = self.reference.values, self.reference.several
        return {
            name: np.where(self.undetermined[name] | several[name], np.nan, values - found[name])
            for name, values in self.truth.items()
        }

    def metrics(self, learned: Mapping[str, Array], row_index: NDArray[np.intp]) -> dict[str, Array]:
        """The metrics of the group recovery in `lrcli.config.metrics`, (..., R) each.

        Numbers whose errors say nothing do not count; NaN where there are no others.
        """
        errors = self.errors(learned, row_index)
        numbers = [number for name, error in errors.items() for number in self._numbers(name, error)]
        told = [of[row_index] for name, mask in self.told.items() for of in self._numbers(name, mask)]
        largest = squares = np.zeros(np.shape(numbers[0]))
        with np.errstate(over="ignore"):  # a member about to diverge
            for number, counts in zip(numbers, told, strict=True):
                error = number if counts.all() else np.where(counts, number, 0.0)
                largest = np.maximum(largest, np.abs(error))
                squares = squares + error**2
            nothing = ~np.any(told, axis=0)
            largest, norm = (np.where(nothing, np.nan, values) for values in (largest, np.sqrt(squares)))
            metrics = {MAX_ABS_ERROR: largest, ERROR_NORM: norm}
            return metrics | (self._norms_of_parts(numbers, row_index) if self.parts else {})

    def _norms_of_parts(self, errors: Sequence[Array], row_index: NDArray[np.intp]) -> dict[str, Array]:
        """The norms of both parts.

        Args:
            errors: true minus learned, number by number, (..., R) each.
            row_index: (R,) which of the K sets each member has.
        """
        sampling = [
            number[row_index]
            for name, error in (self.sampling_errors or {}).items()
            for number in self._numbers(name, error)
        ]
        closed = [~np.isnan(number) for number in sampling]
        none = ~np.any(closed, axis=0)
        owed, told = np.zeros(np.shape(errors[0])), np.zeros(len(row_index))
        for error, of_data, counts in zip(errors, sampling, closed, strict=True):
            if counts.all():
                owed += (error - of_data) ** 2
                told += of_data**2
            else:
                owed += np.where(counts, error - of_data, 0.0) ** 2
                told += np.where(counts, of_data, 0.0) ** 2
        told[none] = owed[..., none] = np.nan
        return {
            OPTIMIZATION_ERROR: np.sqrt(owed),
            SAMPLING_ERROR: np.broadcast_to(np.sqrt(told), owed.shape).copy(),
        }

    def names_of(self, name: str) -> Sequence[str]:
        """The names of the numbers of a parameter."""
        return self.elements.get(name) or element_names(name, self.values[name].shape[1:])

    def _numbers(self, name: str, error: NDArray[Any]) -> Iterator[NDArray[Any]]:
        """What a parameter has for each number (..., K or R, *shape), number by number."""
        leading = error.ndim - (self.values[name].ndim - 1)
        yield from np.moveaxis(error.reshape(*error.shape[:leading], -1), -1, 0)


def find_recovery(
    datasets: Sequence[AnyDataset],
    model: AnyModel,
    loss: Loss,
    shapes: Mapping[str, tuple[int, ...]],
    examples: Examples,
    elements: Mapping[str, Sequence[str]] | None = None,
    scaling: Scaling | None = None,
) -> Recovery | None:
    """What the parameters of a model trained on a dataset can be held against.

    Args:
        datasets: the generators of the S sets of data, all of one kind.
        model: the model.
        loss: the loss.
        shapes: of the model's parameters; where the model is given true values, those of these count.
        examples: the training sets, and for K of them with a weight decay each what the decay is.
        elements: from parameter name to the names of its numbers; None: they are counted.
        scaling: what the inputs of the S sets were standardised with, (S, D) each.

    Returns:
        None where the parameters are not identifiable, or nothing is known of the best ones.
    """
    truth = _truth(datasets, model, shapes, examples)
    best = None
    found_near = has_reference(model, loss, datasets[0].num_classes, near_truth=truth is not None)
    if found_near and (truth is None or (minimises(loss) and set(truth) == set(shapes))):
        best = find_references(model, loss, shapes, examples, truth, scaling)
    if truth is None and best is None:
        return None
    if best is not None and truth is not None:
        best = replace(best, values=model.nearest_equivalent(best.values, truth))
    elif best is not None:
        best, scaling = _in_original_units(model, best, examples, scaling)
        if datasets[0].truth_known:
            none = {name: np.full(values.shape, np.nan) for name, values in best.values.items()}
            missing = np.where(best.found & (best.missing != "several"), "no truth", best.missing)
            best = replace(best, standard_errors=none, missing=missing)
    scaling = None if truth is not None else scaling
    opens = _open(model, shapes, examples, scaling)
    if best is not None:
        best = _hidden(best, opens)
    of_sets = None if scaling is None else _of_sets(scaling, examples)
    free = _free(model, opens, examples)
    return Recovery(model, truth, best, opens, elements or {}, of_sets, free)


def _free(model: Model, opens: Mapping[str, NDArray[np.bool_]], examples: Examples) -> Array | None:
    """The directions that change no output on the first set; None where there are none."""
    inputs = examples.inputs[examples.rows[0]]
    some = any(mask[0].any() for mask in opens.values())
    size = sum(mask[0].size for mask in opens.values())
    if not (some and model.linear_in_parameters and len(inputs) >= size and examples.targets.shape[2] == 1):
        return None
    return free_directions(model.design(model.features(inputs)))


def _truth(
    datasets: Sequence[AnyDataset],
    model: AnyModel,
    shapes: Mapping[str, tuple[int, ...]],
    examples: Examples,
) -> dict[str, Array] | None:
    """The true parameters of the K sets; None where those of some set of data are not known."""
    compared = shapes if model.truths is None else {name: shapes[name] for name in model.truths}
    rules = [true_parameters(dataset, model) for dataset in datasets]
    known = [rule for rule in rules if rule is not None and _fits(rule, compared)]
    if len(known) < len(rules):
        return None
    return {
        name: np.stack([_pad(rule[name], shape) for rule in known])[examples.rows]
        for name, shape in compared.items()
    }


def _in_original_units(
    model: Model, best: References, examples: Examples, scaling: Scaling | None
) -> tuple[References, Scaling | None]:
    """References in original units, and the scaling where the model knows how they are found."""
    if scaling is None:
        return best, None
    of_sets = _of_sets(scaling, examples)
    original = model.in_original_units(best.values, of_sets.mean, of_sets.scale)
    if original is None:
        return best, None
    squares = best.least_squares
    if squares is not None:
        squares = model.in_original_units(squares, of_sets.mean, of_sets.scale)
    return replace(best, values=original, least_squares=squares), scaling


def _of_sets(scaling: Scaling, examples: Examples) -> Scaling:
    """(K, D) each of (S, D)."""
    return Scaling(scaling.mean[examples.rows], scaling.scale[examples.rows])


def _hidden(best: References, opens: Mapping[str, NDArray[np.bool_]]) -> References:
    """The same without the standard errors of numbers that are left open."""
    errors = {
        name: np.where(opens[name] | best.several[name], np.nan, values)
        for name, values in best.standard_errors.items()
    }
    return replace(best, standard_errors=errors)


def _open(
    model: Model, shapes: Mapping[str, tuple[int, ...]], examples: Examples, scaling: Scaling | None
) -> dict[str, NDArray[np.bool_]]:
    """The numbers that the data leave open: from parameter name to (K, *shape)."""
    sizes = [math.prod(shape) for shape in shapes.values()]
    inputs = examples.inputs
    if scaling is not None:  # where a feature's weight is open, so is the bias at 0 of that feature
        inputs = inputs * scaling.scale[:, None] + scaling.mean[:, None]
    masks = _open_numbers(model, inputs, sum(sizes))[examples.rows]
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
        name in rule and rule[name].ndim == len(shape) and all(np.array(rule[name].shape) <= np.array(shape))
        for name, shape in shapes.items()
    )


def _pad(true: Array, shape: tuple[int, ...]) -> Array:
    """The rule's coefficients, and zeros for the higher powers."""
    padded = np.zeros(shape)
    padded[tuple(slice(size) for size in true.shape)] = true
    return padded
