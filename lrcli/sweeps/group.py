"""The populations of a sweep: configurations that train as one, and what is drawn for their members."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lrcli.experiment.experiment import Experiment
from lrcli.training.population import Population, build_population
from lrcli.training.problem import Array, Draw

__all__ = ["Group", "Variant"]


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

    @cached_property
    def is_sorted(self) -> bool:
        """Whether these numbers ascend."""
        return bool(np.all(np.diff(self.configurations) > 0))

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
        chunks = [kinds[max(first - n * seeds[i], 0) : last - n * seeds[i]] for i in ends]
        return sum(len(np.unique(chunk)) for chunk in chunks) + (len(seeds) - len(ends)) * len(
            set(kinds.tolist())
        )

    def indices(self, members: slice) -> NDArray[np.intp]:
        """Which seed and which configuration of the sweep some of its members, numbered seed by seed, have.

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
        """The index of each member's seed, and which of the configurations it has."""
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
