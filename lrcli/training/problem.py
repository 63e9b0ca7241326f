"""A problem: everything that is drawn before training starts, as NumPy arrays in float64.

Engine-neutral: an engine casts the arrays to its dtype and device and asks for the order of the
examples, epoch by epoch.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lrcli.components.datasets import AnyDataset
from lrcli.components.datasets.base import SPLITS, Scaling, SplitName
from lrcli.components.initializers import Parameter, elements_by_name
from lrcli.components.losses import AnyLoss
from lrcli.components.models import AnyModel
from lrcli.components.randomness import generator
from lrcli.errors import UsageError

__all__ = ["SPLITS", "Array", "Draw", "Problem", "Split", "SplitName", "build_problem", "draw_problem"]

Array = NDArray[np.float64]
_CHUNK = 2**16  # numbers that are looked at together


@dataclass(frozen=True)
class Split:
    """Examples of one kind, for every row of data.

    Attributes:
        inputs: (S, N, D), as the dataset drew them.
        features: (S, N, F), what the model is given.
        targets: (S, N, O), one-hot where the model has an output for each class.
    """

    inputs: Array
    features: Array
    targets: Array

    @property
    def size(self) -> int:
        return int(self.inputs.shape[1])


class Draw(NamedTuple):
    """What a member's random numbers are drawn for: by a seed, from a dataset and an initializer."""

    seed: int
    dataset: AnyDataset
    model: AnyModel

    @property
    def data_key(self) -> tuple[int, str, float]:
        """Equal for draws that share their data."""
        return self.seed, self.dataset.model_dump_json(), self.model.noise_of_inputs


@dataclass(frozen=True)
class Problem:
    """Data and initial parameters for every draw, and the functions to fit.

    Members that differ in their optimizer alone share a draw. Draws that differ in their initializer alone
    share a row of data.

    Attributes:
        draws: what the initial parameters were drawn for; the datasets and models differ in numbers that
            leave every shape as it is.
        sources: S draws, one for each row of data.
        data_index: for each draw, its row of data.
        splits: the splits that have examples, for the S rows.
        parameters: the model's parameters, in canonical order.
        initial: from parameter name to (draws, *shape).
        scaling: what the inputs of each row were standardised with, (S, D) each; None where none were.
    """

    draws: tuple[Draw, ...]
    sources: tuple[Draw, ...]
    data_index: NDArray[np.intp]
    loss: AnyLoss
    splits: dict[SplitName, Split]
    parameters: tuple[Parameter, ...]
    initial: dict[str, Array]
    scaling: Scaling | None = None

    @property
    def dataset(self) -> AnyDataset:
        """The dataset of the first draw: its kind and its sizes are those of all."""
        return self.draws[0].dataset

    @property
    def model(self) -> AnyModel:
        """The model of the first draw: its kind and its shapes are those of all."""
        return self.draws[0].model

    @property
    def num_classes(self) -> int | None:
        """How many classes the targets name; None where they are numbers."""
        return self.dataset.num_classes

    @property
    def num_terms(self) -> int:
        """The terms that one example has in the loss."""
        return self.loss.num_terms(self.num_classes)

    @property
    def noisy(self) -> bool:
        """Whether training adds noise to the inputs of any member."""
        return any(source.model.noise_of_inputs > 0 for source in self.sources)

    @property
    def elements(self) -> dict[str, list[str]]:
        """The names of the numbers of each parameter, such as ``w[0]`` or ``w[age]``."""
        return elements_by_name(self.parameters, self.dataset.feature_names)

    def in_original_units(
        self, parameters: Mapping[str, Array], rows: NDArray[np.intp]
    ) -> dict[str, Array] | None:
        """Parameters for inputs as the dataset has them, before they were standardised.

        Args:
            parameters: from name to (..., R, *shape).
            rows: (R,) the row of data of each member.

        Returns:
            None where the model does not know how.
        """
        if self.scaling is None:
            return dict(parameters)
        return self.model.in_original_units(parameters, self.scaling.mean[rows], self.scaling.scale[rows])

    @cached_property
    def original(self) -> "Problem":
        """The same with inputs, features and initial parameters in the dataset's own units.

        Itself where nothing was standardised, or the model does not know its parameters in those units.
        """
        scaling, initial = self.scaling, self.in_original_units(self.initial, self.data_index)
        if scaling is None or initial is None:
            return self
        splits: dict[SplitName, Split] = {}
        for name, split in self.splits.items():
            inputs = split.inputs * scaling.scale[:, None] + scaling.mean[:, None]
            splits[name] = Split(inputs, self.model.features(inputs), split.targets)
        return replace(self, splits=splits, initial=initial, scaling=None)

    def starts(self, draw_index: NDArray[np.intp]) -> Array:
        """The initial parameters of members, each with its draw: (R, P), in canonical order."""
        parts = [self.initial[p.name][draw_index].reshape(len(draw_index), -1) for p in self.parameters]
        return np.concatenate(parts, axis=1)

    def by_name(self, rows: Array) -> dict[str, Array]:
        """Numbers (..., P) of members, in canonical order, from parameter name to (..., *shape)."""
        edges = np.cumsum([parameter.size for parameter in self.parameters])[:-1]
        columns = zip(self.parameters, np.split(rows, edges, axis=-1), strict=True)
        return {p.name: column.reshape(*rows.shape[:-1], *p.shape) for p, column in columns}

    def order(self, row: int, epoch: int) -> NDArray[np.intp]:
        """The order of a row's training examples in a shuffled epoch, (N,); epochs count from 1."""
        rng = generator(self.sources[row].seed, "shuffle", epoch)
        return rng.permutation(self.splits["train"].size)

    def input_noise(self, row: int, epoch: int) -> Array:
        """What an epoch adds to a row's training inputs, (N, D)."""
        source = self.sources[row]
        rng = generator(source.seed, "noise", epoch)
        return source.model.noise_of_inputs * rng.standard_normal(self.splits["train"].inputs.shape[1:])


def build_problem(dataset: AnyDataset, model: AnyModel, loss: AnyLoss, seeds: Sequence[int]) -> Problem:
    """The problem of one experiment under several seeds; see `draw_problem`."""
    return draw_problem([Draw(seed, dataset, model) for seed in seeds], loss)


def draw_problem(draws: Sequence[Draw], loss: AnyLoss) -> Problem:
    """Draw the data and the initial parameters; what only code can that has not been run is left out.

    Args:
        draws: for each, a seed, the generator of examples (its own seed, where it has one, fixes the
            data), and a model that fits the dataset and the loss.
        loss: the loss.

    Raises:
        UsageError: the data are too large to compute with, or for the memory.
    """
    try:
        return _draw(draws, loss)
    except MemoryError as error:
        raise UsageError(f"the experiment does not fit in memory: {error}") from None


def _draw(draws: Sequence[Draw], loss: AnyLoss) -> Problem:
    dataset, model = draws[0].dataset, draws[0].model
    num_outputs = loss.num_outputs(dataset.num_classes)
    parameters = () if model.needs_code else model.parameters(dataset.num_features, num_outputs)
    sources, data_index = _sources(draws)
    drawn = () if dataset.needs_code else [split for split in SPLITS if dataset.sizes[split]]
    one_hot = num_outputs if dataset.num_classes is not None else 1
    splits = {split: _draw_split(sources, one_hot, split) for split in drawn}
    scalings = [source.dataset.scaling(source.seed) for source in sources]
    initial = {parameter.name: np.empty((len(draws), *parameter.shape)) for parameter in parameters}
    for number, draw in enumerate(draws if parameters else ()):
        for name, values in draw.model.initial(dataset.num_features, num_outputs, draw.seed).items():
            initial[name][number] = values
    scaling = _stacked(scalings, dataset.num_features)
    return Problem(tuple(draws), tuple(sources), data_index, loss, splits, parameters, initial, scaling)


def _stacked(scalings: Sequence[Scaling | None], num_features: int) -> Scaling | None:
    """Those of all rows, (S, D) each; a row that was not standardised has mean 0 and scale 1."""
    if not any(scalings):
        return None
    none = Scaling(np.zeros(num_features), np.ones(num_features))
    each = [scaling or none for scaling in scalings]
    return Scaling(np.stack([s.mean for s in each]), np.stack([s.scale for s in each]))


def _sources(draws: Sequence[Draw]) -> tuple[list[Draw], NDArray[np.intp]]:
    """The draws whose data differ, and for each draw which of them has its data."""
    rows: dict[tuple[int, str, float], int] = {}
    sources: list[Draw] = []
    index = []
    for draw in draws:
        key = draw.data_key
        if key not in rows:
            rows[key] = len(sources)
            sources.append(draw)
        index.append(rows[key])
    return sources, np.array(index, dtype=np.intp)


def _draw_split(sources: Sequence[Draw], num_outputs: int, split: SplitName) -> Split:
    inputs, targets = _draw_rows(sources, split)
    if num_outputs > 1:
        targets = (targets == np.arange(num_outputs)).astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        features = sources[0].model.features(inputs)
        # Each feature's square must be a number too: sums of squares decide about every fit.
        if not _finite(features, np.square) or not _finite(targets, np.positive):
            raise UsageError("dataset: its numbers are too large to compute with, as this model uses them")
    return Split(inputs, features, targets)


def _draw_rows(sources: Sequence[Draw], split: SplitName) -> tuple[Array, Array]:
    """Inputs (S, N, D) and targets (S, N, 1) of a split; one row is never there twice."""
    rows = []
    for number, (seed, dataset, _) in enumerate(sources):
        with np.errstate(over="ignore", invalid="ignore"):
            row = dataset.draw(seed, split)
        if len(sources) == 1:
            return row[0][None], row[1][None]
        if number == 0:
            rows = [np.empty((len(sources), *array.shape)) for array in row]
        for whole, array in zip(rows, row, strict=True):
            whole[number] = array
    return rows[0], rows[1]


def _finite(array: Array, function: np.ufunc) -> bool:
    """Whether a function of every number is finite, looked at in chunks."""
    flat = array.reshape(-1)
    chunks = range(0, flat.size, _CHUNK)
    return all(np.isfinite(function(flat[first : first + _CHUNK])).all() for first in chunks)
