"""The parts of a sweep: members that train in one go, as many as fit the memory and take some seconds.

How a sweep is cut depends on its experiment and the memory alone, not on the machine nor on who trains the
parts: so whoever trains them trains the same ones.
"""

import bisect
import heapq
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lrcli.experiment.experiment import Experiment
from lrcli.running.engine_choice import trains_own_code
from lrcli.running.resources import Needs, Sizes, memory_for_training
from lrcli.sweeps.estimates import seconds_of_training
from lrcli.sweeps.group import Group

__all__ = ["Part", "cut_group", "parts_for_shares", "shares_of_parts"]

_OF_SHARE = (math.inf, 2.0, 1.0, 0.7, 0.5, 0.33, 0.25)  # of the time of an even share, that a part may take
_GAIN = 0.05  # of the time of the longest share, for which parts are cut finer
_ROUNDING = 1e-9  # of seconds that were computed in another order

_SECONDS = 20.0  # of one core of the server of `lrcli.sweeps.estimates`, the most that a part should take
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
    count = max(_needed_parts(group, memory), min(least, _most_parts(group)))
    edges = [group.size * i // count for i in range(count + 1)]
    return [Part(group, slice(a, b)) for a, b in itertools.pairwise(edges)]


def _needed_parts(group: Group, memory: int) -> int:
    """How many parts it takes that each fits the memory and takes some seconds."""
    pair = memory_for_training(group.experiment, Sizes(2, 1, 1))
    of_examples = {f"dataset.{key}" for key in group.experiment.dataset.size_keys.values()}
    of_seed = sum(size for key, size in pair.items() if key in of_examples)
    budget = memory if pair.total() <= memory else memory + of_seed
    return max(_fewest_parts(group, budget), _parts_of_seconds(group), -(-group.size // _MEMBERS))


def parts_for_shares(groups: Sequence[Group], memory: int, shares: int) -> list[int]:
    """Into how many parts groups are cut at least, so that no share is empty and the longest one is short.

    The finer the parts are the more even are the shares, and the more time is lost where a step takes as long
    for fewer members; so several lengths of parts are tried, by estimated times.

    Where a part lies in its group is nothing to components of lrcli's own. Code of a user's may see it, so
    groups that have some are not cut for this, and their bits are those of a sweep without shares.

    Args:
        groups: all of a sweep.
        memory: bytes that a part may take.
        shares: how many; 1 asks for nothing.
    """
    if shares == 1:
        return [1] * len(groups)
    needed = [_needed_parts(group, memory) for group in groups]
    # The same to the last bit for every version of Python, as whoever trains a share computes it.
    whole = math.fsum(_seconds(group, n) * n for group, n in zip(groups, needed, strict=True))
    tried = [[_parts_within(group, whole / shares * most) for group in groups] for most in _OF_SHARE]
    tried.append(_parts_by_members(groups, shares))
    tried = [[max(pair) for pair in zip(counts, needed, strict=True)] for counts in tried]
    most_parts = max(map(sum, tried))
    best, shortest = tried[-1], math.inf
    for counts in (counts for counts in tried if sum(counts) >= min(shares, most_parts)):
        longest = _longest_share(groups, counts, shares)
        if longest < shortest / (1 + _GAIN):
            best, shortest = counts, longest
    return best


def _parts_by_members(groups: Sequence[Group], shares: int) -> list[int]:
    """Some parts for each share, where the time of a part hardly depends on its members."""
    sizes = [0 if trains_own_code(group.experiment) else group.size for group in groups]
    wanted = [math.ceil(2 * shares * size / max(1, sum(sizes))) for size in sizes]
    return [max(1, min(n, _most_parts(group))) for group, n in zip(groups, wanted, strict=True)]


def _parts_within(group: Group, seconds: float) -> int:
    """The fewest parts of so many seconds at most, or else of hardly more than pairs of members take."""
    if trains_own_code(group.experiment):
        return 1
    counts = range(1, _most_parts(group) + 1)
    within = max(seconds * (1 + _ROUNDING), _seconds(group, counts[-1]) * (1 + _GAIN))
    return bisect.bisect_left(counts, 1, key=lambda n: _seconds(group, n) <= within) + 1


def _longest_share(groups: Sequence[Group], counts: Sequence[int], shares: int) -> float:
    """How long the longest share takes where groups are cut into so many parts."""
    works = [_seconds(group, n) for group, n in zip(groups, counts, strict=True) for _ in range(n)]
    loads = [0.0] * shares
    for work, share in zip(works, shares_of_parts(works, shares), strict=True):
        loads[share] += work
    return max(loads)


def shares_of_parts(works: Sequence[float], shares: int) -> list[int]:
    """Which share each part is of, counted from 0: the longest part first, each to the share that has least.

    Args:
        works: how long each part takes.
        shares: how many there are.
    """
    loads = [(0.0, share) for share in range(shares)]  # a heap
    found = [0] * len(works)
    for number in sorted(range(len(works)), key=lambda number: (-works[number], number)):
        load, found[number] = loads[0]
        heapq.heapreplace(loads, (load + works[number], found[number]))
    return found


def _most_parts(group: Group) -> int:
    """Parts of two members each, or three in one."""
    return max(1, group.size // 2)


def _fewest_parts(group: Group, budget: int) -> int:
    """How many parts it takes that none needs more than a budget; pairs of members where nothing helps."""
    seeds, most = len(group.seeds), _most_parts(group)
    some = bisect.bisect_left(range(1, most + 1), 1, key=lambda n: _fits(group, n, budget, whole_seeds=False))
    each = len(group.configurations) // 2  # the most parts of a seed
    of_seed = bisect.bisect_left(range(1, each + 1), 1, key=lambda n: _fits(group, n * seeds, budget))
    return min(some + 1, (of_seed + 1) * seeds if of_seed < each else most, most)


def _parts_of_seconds(group: Group) -> int:
    """How many parts it takes that each takes some seconds and all together little more than the whole."""
    whole = _seconds(group, 1)
    if whole <= _SECONDS:
        return 1
    counts = range(1, _most_parts(group) + 1)
    short = bisect.bisect_left(counts, 1, key=lambda n: _seconds(group, n) <= _SECONDS) + 1
    cheap = bisect.bisect_left(counts, 1, key=lambda n: n * _seconds(group, n) > (1 + _ADDED) * whole)
    return min(short, max(1, cheap), len(counts))


def _seconds(group: Group, count: int) -> float:
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
