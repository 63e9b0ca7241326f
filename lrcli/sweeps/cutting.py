"""The parts of a sweep: members that train in one go, as many as fit the memory and take some seconds.

How a sweep is cut depends on its experiment and the memory alone, not on the machine nor on who trains the
parts: so whoever trains them trains the same ones.
"""

import bisect
import itertools
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lrcli.experiment.experiment import Experiment
from lrcli.running.engine_choice import trains_own_code
from lrcli.running.resources import Needs, Sizes, memory_for_training
from lrcli.sweeps.estimates import LANES, seconds_of_training
from lrcli.sweeps.group import Group

__all__ = ["Part", "cut_group", "most_parts", "needed_parts", "seconds_of_each"]

_SECONDS = 20.0  # of one core of the server of `lrcli.sweeps.estimates`, the most that a part should take
_OWN_SECONDS = 5.0  # likewise, where code of the user's trains: one core does, whoever trains the part
_MEMBERS = 2**17  # the most in a part: more are no faster together, and take memory
_ADDED = 0.1  # of the time of a whole population, the most that cutting it to keep to that may add


@dataclass(frozen=True)
class Part:
    """Members that train together.

    Attributes:
        group: whose.
        members: which of the group's.
    """

    group: Group
    members: slice

    @property
    def indices(self) -> NDArray[np.intp]:
        """(R, 2) the index of the seed and the number of the configuration of each member, in the sweep."""
        return self.group.indices(self.members)

    @property
    def size(self) -> int:
        """R of this part."""
        return len(range(*self.members.indices(self.group.size)))

    @property
    def steps_per_epoch(self) -> int:
        """Optimizer updates of each member in an epoch."""
        experiment = self.group.experiment
        return experiment.training.num_batches(experiment.dataset.sizes["train"])

    @property
    def steps(self) -> int:
        """Optimizer updates of each member."""
        return self.group.experiment.training.epochs * self.steps_per_epoch

    @property
    def records(self) -> int:
        """Records of each member, with that before training."""
        return records_of(self.group.experiment)

    @cached_property
    def sizes(self) -> Sizes:
        """Its members, rows of data and draws."""
        return Sizes(self.size, self.group.rows(self.members), self.group.draws(self.members))

    @property
    def needs(self) -> Needs:
        """The memory that its training takes."""
        return memory_for_training(self.group.experiment, self.sizes)

    @property
    def seconds(self) -> float:
        """The time that its training takes."""
        return seconds_of_training(self.group.experiment, self.sizes, self.records)

    @cached_property
    def work(self) -> float:
        """Likewise by one core, whatever machine this is."""
        return seconds_of_training(self.group.experiment, self.sizes, self.records, num_cores=1)

    @property
    def record_epochs(self) -> NDArray[np.int64]:
        """The epoch of each record, unless all members end before it."""
        experiment = self.group.experiment
        every, epochs = experiment.logging.every, experiment.training.epochs
        return np.minimum(np.arange(0, epochs + every, every), epochs)


def records_of(experiment: Experiment) -> int:
    """Records of each member, with that before training."""
    return 1 + -(-experiment.training.epochs // experiment.logging.every)


def cut_group(group: Group, memory: int, least: int = 1) -> list[Part]:
    """The group in parts of about equal size that fit the memory, never a single member left over.

    Members lie seed by seed, and each part has the examples of every seed that it has members of. Where those
    of one seed alone are more than the memory, a part may take that much more. A part takes some seconds on
    one core, or longer where a step takes about as long for fewer members.

    Args:
        group: to be cut.
        memory: bytes that a part may take.
        least: how many parts there are to be at least, as far as there are pairs of members.
    """
    count = max(needed_parts(group, memory), min(least, most_parts(group)))
    edges = [group.size * i // count for i in range(count + 1)]
    return [Part(group, slice(a, b)) for a, b in itertools.pairwise(edges)]


def needed_parts(group: Group, memory: int) -> int:
    """How many parts it takes that each fits the memory and takes some seconds."""
    pair = memory_for_training(group.experiment, Sizes(2, 1, 1))
    of_examples = {f"dataset.{key}" for key in group.experiment.dataset.size_keys.values()}
    of_seed = sum(size for key, size in pair.items() if key in of_examples)
    budget = memory if pair.total() <= memory else memory + of_seed
    return max(_fewest_parts(group, budget), _parts_of_seconds(group), -(-group.size // _MEMBERS))


def most_parts(group: Group) -> int:
    """Parts of two members each, or three in one."""
    return max(1, group.size // 2)


def _fewest_parts(group: Group, budget: int) -> int:
    """How many parts it takes that none needs more than a budget; pairs of members where nothing helps."""
    seeds, most = len(group.seeds), most_parts(group)
    some = bisect.bisect_left(range(1, most + 1), 1, key=lambda n: _fits(group, n, budget, whole_seeds=False))
    each = len(group.configurations) // 2  # the most parts of a seed
    of_seed = bisect.bisect_left(range(1, each + 1), 1, key=lambda n: _fits(group, n * seeds, budget))
    return min(some + 1, (of_seed + 1) * seeds if of_seed < each else most, most)


def _parts_of_seconds(group: Group) -> int:
    """How many parts it takes that each takes some seconds and all together little more than the whole."""
    whole = seconds_of_each(group, 1)
    most = _OWN_SECONDS if trains_own_code(group.experiment) else _SECONDS
    if whole <= most:
        return 1
    counts = range(1, most_parts(group))
    count = bisect.bisect_left(counts, 1, key=lambda n: seconds_of_each(group, n) <= most) + 1
    while count > 1 and count * seconds_of_each(group, count) > (1 + _ADDED) * whole:
        count = min(count - 1, -(-group.size // _some_more(-(-group.size // count))))
    return count


def _some_more(members: int) -> int:
    """A tenth more; of many such as fill rows of lanes."""
    more = max(members + 1, members * 11 // 10)
    return more if more < LANES else -(-more // LANES) * LANES


def seconds_of_each(group: Group, count: int) -> float:
    """The time that one core takes for each of so many parts."""
    experiment, sizes = group.experiment, _sizes(group, count)
    return seconds_of_training(experiment, sizes, records_of(experiment), num_cores=1)


def _sizes(group: Group, count: int, *, whole_seeds: bool = False) -> Sizes:
    """What each of so many parts has at most.

    Args:
        group: whose parts.
        count: how many.
        whole_seeds: whether none has members of several seeds.
    """
    members = -(-group.size // count)
    touched = 1 if whole_seeds else min(len(group.seeds), (members - 2) // len(group.configurations) + 2)
    return Sizes(
        members, min(members, touched * group.num_datasets), min(members, touched * len(group.variants))
    )


def _fits(group: Group, count: int, budget: int, *, whole_seeds: bool = True) -> bool:
    """Whether each of so many parts takes no more than a budget.

    Args:
        group: whose parts.
        count: how many.
        budget: bytes.
        whole_seeds: as of `_sizes`.
    """
    sizes = _sizes(group, count, whole_seeds=whole_seeds)
    return memory_for_training(group.experiment, sizes).total() <= budget
