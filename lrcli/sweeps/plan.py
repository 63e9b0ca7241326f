"""What a sweep will train, in which parts, and what that needs: known before anything is trained."""

import bisect
import hashlib
import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lrcli.config.blocks import Best, Sweep
from lrcli.experiment.experiment import Experiment, resolved
from lrcli.experiment.loading import Loaded, Source
from lrcli.running.resources import (
    Needs,
    Sizes,
    bytes_of_results,
    memory_for_training,
    refuse_too_much,
)
from lrcli.sweeps.estimates import seconds_of_training, slowness
from lrcli.sweeps.grid import FilledConfigurations, Group, build_groups, count_variants
from lrcli.sweeps.points import Configurations

__all__ = ["DEFAULT_MEMORY", "Part", "SweepPlan", "plan_sweep"]

SCHEMA = 4  # of what is saved of a part, and of how a sweep is cut
DEFAULT_MEMORY = 10**9  # bytes
_LR = "optimizer.lr"
_VARIANT = 8000  # bytes of the experiment of its own that a point has which differs in more than rates


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
    def size(self) -> int:
        """R of this part."""
        return len(range(*self.members.indices(self.group.size)))

    @property
    def steps_per_epoch(self) -> int:
        """Optimizer updates of each member in an epoch."""
        experiment = self.group.experiment
        return experiment.training.num_batches(experiment.dataset.num_train)

    @property
    def steps(self) -> int:
        """Optimizer updates of each member."""
        return self.group.experiment.training.epochs * self.steps_per_epoch

    @property
    def records(self) -> int:
        """Records of each member, with that before training."""
        experiment = self.group.experiment
        return 1 + -(-experiment.training.epochs // experiment.logging.every)

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

    @property
    def record_epochs(self) -> NDArray[np.int64]:
        """The epoch of each record, unless all members end before it."""
        experiment = self.group.experiment
        every, epochs = experiment.logging.every, experiment.training.epochs
        return np.minimum(np.arange(0, epochs + every, every), epochs)


@dataclass(frozen=True)
class SweepPlan:
    """Everything a sweep will do.

    Attributes:
        experiment: as loaded.
        configurations: the C points of its grid.
        filled: the same with the values of the file for keys that another grid names.
        seeds: the S seeds.
        parts: what trains together, one after the other.
        memory: the budget of a part in bytes.
        source: what the experiment was read from.
        repeated: points of several grids that were equal to others, and are trained once.
    """

    experiment: Experiment
    configurations: Configurations
    filled: FilledConfigurations
    seeds: tuple[int, ...]
    parts: tuple[Part, ...]
    memory: int
    source: Source
    repeated: int = 0

    @property
    def notes(self) -> list[str]:
        """What the user should know about the grid, a sentence each."""
        if not self.repeated:
            return self.warnings
        every = len(self.configurations) + self.repeated
        repeated = f"{self.repeated:,} of {every:,} grid points are equal to others; each is trained once"
        return [repeated, *self.warnings]

    @cached_property
    def warnings(self) -> list[str]:
        """What the results will not show, a sentence each: optimizers compared at one rate each."""
        rates: dict[str, set[float]] = {}
        for variant in (variant for part in self.parts for variant in part.group.variants):
            optimizer = variant.experiment.optimizer
            rates.setdefault(optimizer.kind, set()).update(variant.varied.get("lr", [optimizer.lr]))
        if len(rates) < 2 or any(len(tried) > 1 for tried in rates.values()):
            return []
        tried = ", ".join(f"{kind} at {rate:g}" for kind, (rate,) in rates.items())
        return [f"one learning rate each ({tried}) says nothing about the optimizers; sweep {_LR}, too"]

    @property
    def size(self) -> int:
        """Members: configurations times seeds."""
        return len(self.configurations) * len(self.seeds)

    @cached_property
    def fingerprint(self) -> str:
        """Equal for plans that train the same members in the same parts."""
        text = json.dumps([resolved(self.experiment), self.memory, SCHEMA], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def select(self) -> Best:
        """The metric by which configurations are ranked."""
        sweep = self.experiment.sweep
        return (sweep and sweep.select) or self.experiment.best

    @property
    def groups(self) -> int:
        """Populations, before they are cut to fit the memory."""
        return len({id(part.group) for part in self.parts})

    @cached_property
    def needs(self) -> Needs:
        """The memory of the part that takes most, and of the results of all members, by the key to change."""
        largest = max((part.needs for part in self.parts), key=Needs.total)
        records = max(part.records for part in self.parts)
        of_part = max(part.size for part in self.parts)
        kept, saved = (bytes_of_results(self.experiment, n, records) for n in (self.size, of_part))
        return largest + kept + saved  # which are there twice while a part is saved

    @property
    def seconds(self) -> float:
        """The time that it takes, within a factor of two; see `lrcli.sweeps.estimates`."""
        return slowness() * sum(part.seconds for part in self.parts)


def plan_sweep(loaded: Loaded, memory: int = DEFAULT_MEMORY) -> SweepPlan:
    """Plan the sweep that a file asks for.

    Args:
        loaded: the file; its experiment has a sweep.
        memory: bytes that a population may take.

    Raises:
        ExperimentError: a point of the grid is no sound experiment.
        UsageError: it would not fit in memory.
    """
    sweep = loaded.experiment.sweep
    if sweep is None:
        raise ValueError("the experiment has no sweep")
    configurations = Configurations(sweep)
    _refuse_at_sight(loaded.experiment, sweep, len(configurations))
    seeds = sweep.seed_list(loaded.experiment.seed)
    filled, groups = _points(loaded, configurations, seeds)
    repeated = filled.repeated
    if repeated:
        filled, groups = _points(loaded, Configurations(sweep, repeated), seeds)
    parts = [part for group in groups for part in _cut(group, memory)]
    plan = SweepPlan(
        loaded.experiment, filled.own, filled, seeds, tuple(parts), memory, loaded.source, len(repeated)
    )
    refuse_too_much(loaded.experiment, plan.needs, f"a sweep of {plan.size:,} members")
    return plan


def _points(
    loaded: Loaded, configurations: Configurations, seeds: Sequence[int]
) -> tuple[FilledConfigurations, list[Group]]:
    """The configurations with the values of their experiments, and the populations that train them."""
    groups = build_groups(loaded.document, configurations, seeds)
    return FilledConfigurations(configurations, groups), groups


def _refuse_at_sight(experiment: Experiment, sweep: Sweep, configurations: int) -> None:
    """Refuse so many members that not even a plan of them should be made.

    Raises:
        UsageError: with what would have to be less.
    """
    members = configurations * sweep.num_seeds
    variants = sum(map(count_variants, sweep.grid))
    least = bytes_of_results(experiment, members, records=1)
    least["sweep.grid"] += _VARIANT * variants
    if members > 1:
        least["sweep.seeds"] += 8 * sweep.num_seeds
    refuse_too_much(experiment, least, f"a sweep of {members:,} members")


def _cut(group: Group, memory: int) -> list[Part]:
    """The group in parts of about equal size that fit the memory, never a single member left over.

    Members lie seed by seed, and each part has the examples of every seed that it has members of. Where those
    of one seed alone are more than the memory, a part may take that much more.
    """
    pair = memory_for_training(group.experiment, Sizes(2, 1, 1))
    of_seed = sum(size for key, size in pair.items() if key.startswith("dataset.num_"))
    budget = memory if pair.total() <= memory else memory + of_seed
    count = _fewest_parts(group, budget)
    edges = [group.size * i // count for i in range(count + 1)]
    return [Part(group, slice(a, b)) for a, b in itertools.pairwise(edges)]


def _fewest_parts(group: Group, budget: int) -> int:
    """How many parts it takes that none needs more than a budget; pairs of members where nothing helps."""
    size, seeds = group.size, len(group.seeds)
    most = max(1, size // 2)
    some = bisect.bisect_left(range(1, most + 1), 1, key=lambda n: _fits(group, n, budget, whole_seeds=False))
    each = len(group.configurations) // 2  # the most parts of a seed
    of_seed = bisect.bisect_left(range(1, each + 1), 1, key=lambda n: _fits(group, n * seeds, budget))
    return min(some + 1, (of_seed + 1) * seeds if of_seed < each else most, most)


def _fits(group: Group, count: int, budget: int, *, whole_seeds: bool = True) -> bool:
    """Whether each of so many parts takes no more than a budget.

    Args:
        group: whose parts.
        count: how many.
        budget: bytes.
        whole_seeds: whether none has members of several seeds.
    """
    members = -(-group.size // count)
    touched = 1 if whole_seeds else min(len(group.seeds), (members - 2) // len(group.configurations) + 2)
    sizes = Sizes(
        members, min(members, touched * group.num_datasets), min(members, touched * len(group.variants))
    )
    return memory_for_training(group.experiment, sizes).total() <= budget
