"""What a sweep will train, in which parts, and what that needs: known before anything is trained."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from lrcli.config.blocks import Best, Sweep
from lrcli.errors import UsageError
from lrcli.experiment.experiment import Experiment, resolved
from lrcli.experiment.loading import Loaded, Source
from lrcli.experiment.user_code import opened
from lrcli.running.resources import Needs, bytes_of_members, bytes_of_results, refuse_too_much
from lrcli.sweeps.columns import IN_MEMORY
from lrcli.sweeps.cutting import Part, cut_group
from lrcli.sweeps.estimates import slowness
from lrcli.sweeps.filled import FilledConfigurations
from lrcli.sweeps.grid import build_groups, count_variants
from lrcli.sweeps.group import Group
from lrcli.sweeps.points import Configurations
from lrcli.sweeps.share_cutting import parts_for_shares
from lrcli.wording import counted

__all__ = ["DEFAULT_MEMORY", "SweepPlan", "plan_sweep"]

SCHEMA = 5  # of what is saved of a part, and of how a sweep is cut
DEFAULT_MEMORY = 10**9  # bytes
_LR = "optimizer.lr"
_VARIANT = 8000  # bytes of the experiment of its own that a point has which differs in more than rates


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
        shares: for how many shares the parts are cut; 1: for none.
    """

    experiment: Experiment
    configurations: Configurations
    filled: FilledConfigurations
    seeds: tuple[int, ...]
    parts: tuple[Part, ...]
    memory: int
    source: Source
    repeated: int = 0
    shares: int = 1

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
        of_shares = [self.shares] if self.shares > 1 else []
        text = json.dumps([resolved(self.experiment), self.memory, SCHEMA, *of_shares], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    @cached_property
    def files(self) -> dict[str, str]:
        """The files that the examples are read from: from path to the SHA-256 of the content."""
        variants = (variant for part in self.parts for variant in part.group.variants)
        found: dict[str, str] = {}
        for variant in variants:
            found |= variant.experiment.dataset.files
        return found

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
        """The memory that it takes where it takes most, by the key to change."""
        largest = max((part.needs for part in self.parts), key=Needs.total)
        records = max(part.records for part in self.parts)
        of_part, of_all = (
            bytes_of_results(self.experiment, members, records)
            for members in (max(part.size for part in self.parts), self.size)
        )
        kept = min(1.0, IN_MEMORY / max(1, of_all.total()))  # of what the parts before have found
        earlier = Needs({key: int(kept * (size - of_part[key])) for key, size in of_all.items()})
        copied = Needs(
            {"logging.every": 16 * max(part.size for part in self.parts) * records}
        )  # as it is saved
        training = largest + of_part + copied + earlier + bytes_of_members(self.size)
        return max(training, earlier + bytes_of_members(self.size, written=True), key=Needs.total)

    @property
    def seconds(self) -> float:
        """The time that it takes, within a factor of two; see `lrcli.sweeps.estimates`."""
        return slowness() * sum(part.seconds for part in self.parts)


def plan_sweep(
    loaded: Loaded,
    memory: int = DEFAULT_MEMORY,
    shares: int = 1,
    *,
    runs_code: bool = True,
    must_fit: bool = True,
) -> SweepPlan:
    """Plan the sweep that a file asks for.

    Args:
        loaded: the file; its experiment has a sweep.
        memory: bytes that a population may take.
        shares: how many shares its parts are to make.
        runs_code: run the files of code that it names; without, what such a sweep needs is not known, and
            its populations are not cut: enough to read a sweep that has ended.
        must_fit: refuse what does not fit in the memory of this machine; a worker trains some parts alone.

    Raises:
        ExperimentError: a point of the grid is no sound experiment.
        CodeError: code of the user's cannot be used.
        UsageError: it would not fit in memory, or has fewer members than shares.
    """
    sweep = loaded.experiment.sweep
    if sweep is None:
        raise ValueError("the experiment has no sweep")
    if runs_code:
        loaded = replace(loaded, experiment=opened(loaded.experiment))
    closed = loaded.experiment.needs_code
    configurations = Configurations(sweep)
    if not closed:
        _refuse_at_sight(loaded.experiment, sweep, len(configurations))
    seeds = tuple(sweep.seed_list(loaded.experiment.seed))
    filled, groups = _points(loaded, configurations, seeds, runs_code=runs_code)
    repeated = filled.repeated
    if repeated:
        filled, groups = _points(loaded, Configurations(sweep, repeated), seeds, runs_code=runs_code)
    _refuse_empty(len(filled.own) * len(seeds), shares)
    if closed:
        parts = [Part(group, slice(None)) for group in groups]
    else:
        least = zip(groups, parts_for_shares(groups, memory, shares), strict=True)
        parts = [part for group, count in least for part in cut_group(group, memory, count)]
    plan = SweepPlan(
        loaded.experiment,
        filled.own,
        filled,
        seeds,
        tuple(parts),
        memory,
        loaded.source,
        len(repeated),
        shares,
    )
    if not closed and must_fit:
        refuse_too_much(loaded.experiment, plan.needs, f"a sweep of {plan.size:,} members")
    return plan


def _points(
    loaded: Loaded, configurations: Configurations, seeds: Sequence[int], *, runs_code: bool
) -> tuple[FilledConfigurations, list[Group]]:
    """The configurations with the values of their experiments, and the populations that train them."""
    groups = build_groups(loaded.document, configurations, seeds, runs_code=runs_code)
    return FilledConfigurations(configurations, groups), groups


def _refuse_empty(members: int, shares: int) -> None:
    """Refuse more shares than members.

    Raises:
        UsageError: there are.
    """
    if shares > members:
        raise UsageError(
            f"{counted(members, 'member')} cannot make {shares:,} shares; ask for {members:,} at most"
        )


def _refuse_at_sight(experiment: Experiment, sweep: Sweep, configurations: int) -> None:
    """Refuse so many members that not even a plan of them should be made.

    Raises:
        UsageError: with what would have to be less.
    """
    members = configurations * sweep.num_seeds
    variants = sum(map(count_variants, sweep.grid))
    least = bytes_of_members(members)
    least["sweep.grid"] += _VARIANT * variants
    if members > 1:
        least["sweep.seeds"] += 8 * sweep.num_seeds
    refuse_too_much(experiment, least, f"a sweep of {members:,} members")
