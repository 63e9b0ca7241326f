"""What to make of a sweep, as data: the best, what equals it, which rates work, where to look next.

How it is found is in `lrcli.analysis.judging`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import numpy as np

from lrcli.analysis.basin import Advice, Band
from lrcli.analysis.statistics import Mode

__all__ = ["BestConfiguration", "Difference", "OptimizerVerdict", "RateVerdict", "Verdict"]

Values = Mapping[str, Any]  # from swept key to value


@dataclass(frozen=True)
class BestConfiguration:
    """The configuration with the best median over its seeds.

    Attributes:
        values: of the swept keys.
        median: infinite where half of its members or more have no value.
        low: the lower end of the 95% interval of the median; NaN for one seed.
        high: the upper end.
        test: from the metrics of the test set to their medians.
        alike: those that cannot be told from it, best first; None where there are too few seeds to tell any.
    """

    values: Values
    median: float
    low: float
    high: float
    test: Mapping[str, float]
    alike: tuple[Values, ...] | None

    @property
    def has_median(self) -> bool:
        """Whether its median is finite; else every configuration diverged in at least half of its seeds."""
        return bool(np.isfinite(self.median))


@dataclass(frozen=True)
class RateVerdict:
    """The learning rates of configurations that differ in nothing else.

    Attributes:
        held: what the other keys are, but for the optimizer's kind; empty where only rates were swept.
        band: the usable rates; None where no median is finite.
        edge: where to look next, where the best rate is the last one tried; None where it is not.
    """

    held: Values
    band: Band | None
    edge: Advice | None


@dataclass(frozen=True)
class OptimizerVerdict:
    """One optimizer at its best.

    Attributes:
        kind: its name.
        configurations: how many were tried.
        median: of its best configuration.
        rates: the learning rates around that; None where it was tried at none that was swept.
    """

    kind: str
    configurations: int
    median: float
    rates: RateVerdict | None


@dataclass(frozen=True)
class Difference:
    """An optimizer's best minus that of the best optimizer, paired by seed.

    Attributes:
        kind: the optimizer.
        best: the best one.
        median: over seeds, in the metric's unit.
        low: the lower end of the 95% interval of that median; NaN for one seed.
        high: the upper end.
        distinguishable: see `lrcli.analysis.comparison`.
    """

    kind: str
    best: str
    median: float
    low: float
    high: float
    distinguishable: bool


@dataclass(frozen=True)
class Verdict:
    """What to make of a sweep.

    Attributes:
        keys: the swept keys.
        metric: by which configurations are ranked.
        mode: whether small or large values of it are good.
        seeds: how many there are.
        best: the best configuration.
        diverged: the share of all members that diverged.
        lowest_rate: the lowest learning rate tried; None where none was swept, NaN where one has none.
        rates: the learning rates around the best; None where none was swept, or the optimizer
            was.
        optimizers: each at its best, in the order of the file; empty where the kind was not swept.
        differences: all of them but the best against that one, best first.
    """

    keys: tuple[str, ...]
    metric: str
    mode: Mode
    seeds: int
    best: BestConfiguration
    diverged: float
    lowest_rate: float | None
    rates: RateVerdict | None
    optimizers: tuple[OptimizerVerdict, ...]
    differences: tuple[Difference, ...]

    @property
    def budgets_differ(self) -> bool:
        """Whether some optimizers had more tries than others: more tries find a better best."""
        return len({optimizer.configurations for optimizer in self.optimizers}) > 1

    def as_data(self) -> dict[str, Any]:
        """The same in mappings, lists, numbers and texts."""
        return {field.name: _plain(getattr(self, field.name)) for field in fields(self)}


def _plain(value: Any) -> Any:
    """Of arrays nothing: which rates are in a band follows from its ends."""
    if is_dataclass(value):
        named = {field.name: getattr(value, field.name) for field in fields(value)}
        return {name: _plain(each) for name, each in named.items() if not isinstance(each, np.ndarray)}
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value
