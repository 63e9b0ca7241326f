"""The configurations of a sweep, and the populations that train them.

    grid -> Configurations (C points) -> variants (checked experiments) -> groups that train as one population

Only keys that change no shape differ within a group: the numbers of the optimizer, the gradient's limit,
the dataset's rule, the initializer, the noise of the inputs. Any other key splits the sweep. Whatever
differs in the optimizer's numbers alone needs no experiment of its own: ten thousand learning rates are
one variant and a vector.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from lrcli.components.optimizers import AnyOptimizer
from lrcli.config.blocks import GridSpec
from lrcli.config.document import Document
from lrcli.config.keys import value_at
from lrcli.errors import ExperimentError, UsageError
from lrcli.experiment.experiment import Experiment, resolved
from lrcli.experiment.loading import at_point, decisive, one_point, reason
from lrcli.sweeps.points import Configurations, Points
from lrcli.training.population import Population, build_population
from lrcli.training.problem import Array, Draw

__all__ = [
    "FilledConfigurations",
    "Group",
    "Variant",
    "build_groups",
    "count_variants",
    "point_text",
]

_CLIP = "training.clip_grad_norm"
_NUMERIC = {f"optimizer.{key}" for kind in get_args(get_args(AnyOptimizer)[0]) for key in kind.numeric}


@dataclass(frozen=True)
class Variant:
    """Configurations that differ in the optimizer's numbers alone.

    Attributes:
        experiment: that of the first of them.
        numbers: their numbers in the sweep.
        varied: from a hyperparameter such as ``lr`` or ``betas.0`` to a value for each of them.
    """

    experiment: Experiment
    numbers: NDArray[np.intp]
    varied: dict[str, Array]


class FilledConfigurations(Points):
    """The points of the grids with every swept key: what a point's grid does not name is its experiment's.

    A key that its experiment does not have, such as the momentum of another optimizer, is still missing.

    Attributes:
        own: the points as their grids name them.
    """

    def __init__(self, configurations: Configurations, groups: Sequence["Group"]) -> None:
        self.own = configurations
        self._variant = np.empty(len(configurations), dtype=np.intp)
        self._filling: list[dict[str, Any]] = []
        for variant in (variant for group in groups for variant in group.variants):
            self._variant[variant.numbers] = len(self._filling)
            whole = resolved(variant.experiment)
            found = {key: value_at(whole, key) for key in configurations.keys}
            self._filling.append({key: value for key, value in found.items() if value is not None})

    def __len__(self) -> int:
        return len(self.own)

    def _point(self, number: int) -> dict[str, Any]:
        filled = self._filling[self._variant[number]] | self.own[number]
        return {key: filled[key] for key in self.own.keys if key in filled}

    @property
    def repeated(self) -> list[int]:
        """The numbers of points that are equal to earlier ones: of one grid no two are."""
        first: dict[str, int] = {}
        numbers = range(len(self) if self.own.grids > 1 else 0)
        return [i for i in numbers if first.setdefault(json.dumps(self[i], sort_keys=True), i) != i]

    def filling(self, key: str) -> list[Any]:
        """(C,) for each point the value of a key in its experiment, or None."""
        values = np.array([filling.get(key) for filling in self._filling] + [None], dtype=object)[:-1]
        return list(values[self._variant])


@dataclass(frozen=True)
class Group:
    """Configurations that train as one population.

    Attributes:
        variants: the configurations.
        seeds: the seeds of the sweep.
    """

    variants: tuple[Variant, ...]
    seeds: tuple[int, ...]

    @property
    def experiment(self) -> Experiment:
        """What the members have in common, and some things that they have not."""
        return self.variants[0].experiment

    @cached_property
    def configurations(self) -> NDArray[np.intp]:
        """(n,) the numbers of its configurations."""
        return np.concatenate([variant.numbers for variant in self.variants])

    @property
    def size(self) -> int:
        """Members of all seeds."""
        return len(self.seeds) * len(self.configurations)

    @cached_property
    def num_datasets(self) -> int:
        """The variants whose data differ."""
        return int(self._data_of.max()) + 1

    @cached_property
    def _data_of(self) -> NDArray[np.intp]:
        """(n,) which of the different data each configuration has."""
        experiments = [variant.experiment for variant in self.variants]
        keys = [Draw(0, each.dataset, each.model).data_key for each in experiments]
        numbers = {key: number for number, key in enumerate(dict.fromkeys(keys))}
        return np.repeat([numbers[key] for key in keys], [len(v.numbers) for v in self.variants])

    @cached_property
    def _variant_of(self) -> NDArray[np.intp]:
        """(n,) the variant of each configuration."""
        return np.repeat(np.arange(len(self.variants)), [len(v.numbers) for v in self.variants])

    def rows(self, members: slice) -> int:
        """S, the rows of data of some of its members."""
        return self._distinct(self._data_of, members)

    def draws(self, members: slice) -> int:
        """How many sets of initial parameters some of its members have."""
        return self._distinct(self._variant_of, members)

    def _distinct(self, kinds: NDArray[np.intp], members: slice) -> int:
        """How many pairs of a seed and a kind of configuration there are among some members."""
        first, last, _ = members.indices(self.size)
        n = len(kinds)
        seeds = range(first // n, -(-last // n))
        ends = {0, len(seeds) - 1}
        pieces = [kinds[max(first - n * seeds[i], 0) : last - n * seeds[i]] for i in ends]
        return sum(len(np.unique(piece)) for piece in pieces) + (len(seeds) - len(ends)) * len(
            set(kinds.tolist())
        )

    def places(self, members: slice) -> NDArray[np.intp]:
        """Where some of its members, numbered seed by seed, stand in the sweep.

        Returns:
            (R, 2) the index of each one's seed and the number of its configuration.
        """
        seed_of, local = self._split(members)
        return np.stack([seed_of, self.configurations[local]], axis=1)

    def population(self, members: slice) -> tuple[list[Draw], Population]:
        """What is drawn for some of its members, and their population."""
        seed_of, local = self._split(members)
        pairs, draw_index = np.unique(
            np.stack([seed_of, self._variant_of[local]], axis=1), axis=0, return_inverse=True
        )
        draws = [
            Draw(self.seeds[s], self.variants[v].experiment.dataset, self.variants[v].experiment.model)
            for s, v in pairs.tolist()
        ]
        varied = {name: values[local] for name, values in self._hyperparameters().items()}
        experiment = self.experiment
        return draws, build_population(experiment.optimizer, experiment.training, draw_index.ravel(), varied)

    def _split(self, members: slice) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """The index of each member's seed, and its place among the configurations."""
        seed_of, local = np.divmod(np.arange(self.size)[members], len(self.configurations))
        return seed_of, local

    def _hyperparameters(self) -> dict[str, Array]:
        """From name to a value for each configuration, (n,); no limit where a variant has none."""
        vectors = [
            build_population(
                variant.experiment.optimizer,
                variant.experiment.training,
                np.zeros_like(variant.numbers),
                variant.varied,
            ).hyperparameters
            for variant in self.variants
        ]
        none = [np.full(len(variant.numbers), math.inf) for variant in self.variants]
        names = dict.fromkeys(name for each in vectors for name in each)
        return {
            name: np.concatenate([each.get(name, no) for each, no in zip(vectors, none, strict=True)])
            for name in names
        }


def build_groups(document: Document, configurations: Configurations, seeds: Sequence[int]) -> list[Group]:
    """The populations of a sweep.

    Args:
        document: the experiment file as loaded, overrides applied.
        configurations: the points of its grids.
        seeds: the seeds.

    Raises:
        ExperimentError: a point of the grid is no sound experiment.
    """
    grouped: dict[str, list[Variant]] = {}
    point = one_point(document)
    for numbers, columns in configurations.columns():
        for variant in _variants(point, numbers, columns):
            grouped.setdefault(_signature(variant.experiment), []).append(variant)
    return [Group(tuple(variants), tuple(seeds)) for variants in grouped.values()]


def _variants(
    document: Document, numbers: NDArray[np.intp], columns: Mapping[str, tuple[list[Any], NDArray[np.intp]]]
) -> Iterator[Variant]:
    """The configurations of one grid, those together that differ in the optimizer's numbers alone."""
    fixed = {key: column for key, column in columns.items() if not _is_vector(key)}
    choices = np.stack([index for _, index in fixed.values()] or [np.zeros_like(numbers)], axis=1)
    different, belongs = np.unique(choices, axis=0, return_inverse=True)
    belongs = belongs.ravel()
    for which in range(len(different)):
        mine = np.flatnonzero(belongs == which)
        point = {key: points[int(index[mine[0]])] for key, (points, index) in columns.items()}
        experiment = _sound(document, point)
        varied: dict[str, Array] = {}
        for key, (points, index) in columns.items():
            if _is_vector(key):
                varied |= _vectors(key, points, index[mine])
                for value in decisive(points) if which else ():  # the first variant's are checked in the file
                    _sound(document, point | {key: value})
        yield Variant(experiment, numbers[mine], varied)


def _sound(document: Document, point: dict[str, Any]) -> Experiment:
    """The experiment at a point, or the error that says which point is none."""
    try:
        return at_point(document, point)
    except UsageError as error:
        raise ExperimentError([f"sweep.grid: with {point_text(point)}: {reason(error)}"]) from None


def point_text(point: Mapping[str, Any]) -> str:
    """A point of a grid as overrides, such as ``optimizer.lr=0.1, training.epochs=3``."""
    return ", ".join(f"{key}={json.dumps(value)}" for key, value in point.items())


def count_variants(grid: Mapping[str, GridSpec]) -> int:
    """The points of a grid that need an experiment of their own."""
    return math.prod(len(spec.points()) for key, spec in grid.items() if not _is_vector(key))


def _is_vector(key: str) -> bool:
    """Whether members of one population may differ in a key."""
    block, _, name = key.partition(".")
    return key == _CLIP or f"{block}.{name.split('.')[0]}" in _NUMERIC


def _vectors(key: str, points: list[Any], index: NDArray[np.intp]) -> dict[str, Array]:
    """The hyperparameters that a key sets, one for each number of a list."""
    name = key.partition(".")[2]
    if isinstance(points[0], list):
        table = np.array(points, dtype=np.float64)
        return {f"{name}.{i}": table[index, i] for i in range(table.shape[1])}
    values = np.array([math.inf if point is None else point for point in points], dtype=np.float64)
    return {name: values[index]}


def _signature(experiment: Experiment) -> str:
    """What must be equal for members to train in one population."""
    whole = experiment.model_dump(mode="json")
    dataset = experiment.dataset
    sizes = [dataset.num_train, dataset.num_val, dataset.num_test, dataset.num_features, dataset.num_classes]
    for block, keys in (("model", {"init", "input_noise"}), ("training", {"clip_grad_norm"})):
        whole[block] = {key: value for key, value in whole[block].items() if key not in keys}
    numeric = set(experiment.optimizer.numeric)
    optimizer = {key: value for key, value in whole["optimizer"].items() if key not in numeric}
    rest = [whole[key] for key in ("model", "loss", "training", "logging", "dtype", "device", "engine")]
    return json.dumps([dataset.kind, sizes, optimizer, *rest], sort_keys=True)
