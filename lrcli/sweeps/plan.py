"""What a sweep will train, in which parts, and what that needs: known before anything is trained."""

import hashlib
import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lrcli.config.blocks import Best
from lrcli.errors import UsageError
from lrcli.experiment.engines import engine_of, multiply_adds
from lrcli.experiment.experiment import Experiment, resolved
from lrcli.experiment.loading import Loaded, Source
from lrcli.sweeps.grid import Configurations, FilledConfigurations, Group, build_groups
from lrcli.training.problem import Draw

__all__ = ["DEFAULT_MEMORY", "Part", "SweepPlan", "bytes_per_member", "plan_sweep"]

SCHEMA = 3  # of what is saved of a part
DEFAULT_MEMORY = 10**9  # bytes
_LR = "optimizer.lr"
_CURVES = 8  # metrics of a record, about
_MOST_CURVES = 8 * 10**9  # bytes
_STATES = {"sgd": 1, "rmsprop": 3, "adam": 3, "adamw": 3}  # arrays beside the parameters, at most
_WORK = 4  # gradient, its view by parameter, the update and what it is made of
_STEP_SECONDS = {"torch": 6e-5, "compiled": 1e-7}  # of a small population
_NUMBERS_PER_SECOND = {"torch": 4e8, "compiled": 1e10}  # what a large one adds: multiply-adds


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
        """Records of each member."""
        return len(self.record_epochs)

    @property
    def record_epochs(self) -> NDArray[np.int64]:
        """The epoch of each record, unless all members end before it."""
        experiment = self.group.experiment
        every, epochs = experiment.logging.every, experiment.training.epochs
        return np.minimum(np.arange(every, epochs + every, every), epochs)


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

    @property
    def bytes_of_curves(self) -> int:
        """What the curves of all members take; they are kept until the end."""
        return 8 * _CURVES * self.size * max(part.records for part in self.parts)

    @property
    def bytes_needed(self) -> int:
        """The memory of the largest part and of the curves, about."""
        groups = {id(part.group): part.group for part in self.parts}
        each = {key: bytes_per_member(group) for key, group in groups.items()}
        largest = max(part.size * each[id(part.group)] for part in self.parts)
        return largest + 2 * self.bytes_of_curves  # once more while they are written

    @property
    def seconds(self) -> float:
        """The time of training, roughly: the order of magnitude is meant."""
        total = 0.0
        for part in self.parts:
            experiment = part.group.experiment
            engine, _ = engine_of(experiment)
            numbers = part.size * multiply_adds(experiment)
            total += part.steps * (_STEP_SECONDS[engine] + numbers / _NUMBERS_PER_SECOND[engine])
        return total


def plan_sweep(loaded: Loaded, memory: int = DEFAULT_MEMORY) -> SweepPlan:
    """Plan the sweep that a file asks for.

    Args:
        loaded: the file; its experiment has a sweep.
        memory: bytes that a population may take.

    Raises:
        ExperimentError: a point of the grid is no sound experiment.
        UsageError: the curves would not fit in memory.
    """
    sweep = loaded.experiment.sweep
    if sweep is None:
        raise ValueError("the experiment has no sweep")
    seeds = sweep.seed_list(loaded.experiment.seed)
    filled, groups = _points(loaded, Configurations(sweep), seeds)
    repeated = filled.repeated
    if repeated:
        filled, groups = _points(loaded, Configurations(sweep, repeated), seeds)
    parts = [part for group in groups for part in _cut(group, memory)]
    plan = SweepPlan(
        loaded.experiment, filled.own, filled, seeds, tuple(parts), memory, loaded.source, len(repeated)
    )
    if plan.bytes_of_curves > _MOST_CURVES:
        need = f"{plan.bytes_of_curves / 1e9:.0f} GB"
        raise UsageError(f"the curves of all members would take {need}; record less often with logging.every")
    return plan


def _points(
    loaded: Loaded, configurations: Configurations, seeds: Sequence[int]
) -> tuple[FilledConfigurations, list[Group]]:
    """The configurations with the values of their experiments, and the populations that train them."""
    groups = build_groups(loaded.document, configurations, seeds)
    return FilledConfigurations(configurations, groups), groups


def _cut(group: Group, memory: int) -> Sequence[Part]:
    """The group in parts of about equal size that fit the memory, never a single member left over."""
    most = max(2, memory // bytes_per_member(group))
    count = max(1, min(-(-group.size // most), group.size // 2))
    edges = np.linspace(0, group.size, count + 1).astype(int).tolist()
    return [Part(group, slice(a, b)) for a, b in itertools.pairwise(edges)]


def bytes_per_member(group: Group) -> int:
    """What a member takes while it trains: parameters, state, its batch, its share of its seed's data."""
    experiment = group.experiment
    number = 8 if experiment.dtype == "float64" else 4
    parameters = sum(parameter.size for parameter in experiment.parameters)
    arrays = 1 + _STATES[experiment.optimizer.kind] + _WORK
    compiled = engine_of(experiment)[0] == "compiled"  # whose examples pass through the cores one by one
    batch = 0 if compiled else experiment.training.first_batch(experiment.dataset.num_train)
    own = number * (parameters * arrays + batch * _widths(experiment))
    experiments = [variant.experiment for variant in group.variants]
    rows = {Draw(0, each.dataset, each.model).data_key for each in experiments}
    return own + _bytes_of_data(experiment, number) * len(rows) // len(group.configurations)


def _bytes_of_data(experiment: Experiment, number: int) -> int:
    """The examples of one seed: as drawn, as the model sees them, as the engine holds and shuffles them."""
    dataset = experiment.dataset
    features = int(experiment.model.features(np.zeros((1, dataset.num_features))).shape[-1])
    outputs = experiment.loss.num_outputs(dataset.num_classes)
    examples = dataset.num_train + dataset.num_val + dataset.num_test
    return examples * (8 * (dataset.num_features + features + outputs) + 2 * number * (features + outputs))


def _widths(experiment: Experiment) -> int:
    """Numbers that one example has in all layers, forward and backward."""
    return 2 * sum(sum(parameter.matrix) for parameter in experiment.parameters)
