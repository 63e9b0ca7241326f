"""A comparison of two sweeps as data."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from lrcli.running.comparison import Comparison
from lrcli.storage.files import replace_nonfinite
from lrcli.wording import counted

__all__ = ["BestPair", "ConfigurationPair", "Pair", "PairVerdict", "SweepComparison"]

PairVerdict = Literal["better", "worse", "not distinguishable", "equal", "too few seeds", "differs"]


@dataclass(frozen=True)
class Pair:
    """Two configurations, seed by seed; a member that diverged is infinitely bad.

    Attributes:
        first: the median over the common seeds in the first sweep.
        second: in the second.
        difference: the median over seeds of the second minus the first.
        low: the lower end of its 95% interval; NaN for one seed.
        high: the upper end.
        ratio: the median over seeds of the second over the first; NaN where a score is not above 0.
        verdict: what the second is; ``differs`` where neither is better, as their data or losses differ.
    """

    first: float
    second: float
    difference: float
    low: float
    high: float
    ratio: float
    verdict: PairVerdict

    def as_data(self) -> dict[str, Any]:
        """The same in mappings, lists, numbers and texts; None for what is not finite."""
        data: dict[str, Any] = replace_nonfinite(
            {field.name: getattr(self, field.name) for field in fields(self)}
        )
        return data


@dataclass(frozen=True)
class ConfigurationPair(Pair):
    """A configuration that both sweeps have trained.

    Attributes:
        values: from each key that one of them sweeps to its value.
        diverged: how many of the common seeds diverged, in the first and in the second.
    """

    values: Mapping[str, Any]
    diverged: tuple[int, int]


@dataclass(frozen=True)
class BestPair(Pair):
    """The best configuration of the one against the best of the other.

    Attributes:
        first_values: of the first one's best, from key to value.
        second_values: of the second one's.
    """

    first_values: Mapping[str, Any]
    second_values: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class SweepComparison(Comparison):
    """Two sweeps, configuration by configuration and seed by seed.

    Attributes:
        keys: that one of them sweeps.
        metric: that is compared: the one that ranks the first.
        mode: whether small or large values of it are good.
        seeds: that both have trained.
        configurations: those that both have, in the order of the first.
        only_first: those that the first alone has.
        only_second: those that the second alone has.
        unfinished: those that both have, and that are left out since a member has not ended.
        best: the best of each; None where one has no member of the common seeds that has ended.
    """

    command: Literal["train", "sweep"] = "sweep"
    keys: tuple[str, ...]
    metric: str
    mode: Literal["min", "max"]
    seeds: tuple[int, ...]
    configurations: tuple[ConfigurationPair, ...] = ()
    only_first: tuple[Mapping[str, Any], ...] = ()
    only_second: tuple[Mapping[str, Any], ...] = ()
    unfinished: int = 0
    best: BestPair | None = None

    def count(self, verdict: PairVerdict) -> int:
        """How many configurations of the second are so."""
        return sum(pair.verdict == verdict for pair in self.configurations)

    def as_data(self) -> dict[str, Any]:
        """What ``lrcli compare --json`` prints."""
        return super().as_data() | {
            "metric": self.metric,
            "mode": self.mode,
            "seeds": list(self.seeds),
            "configurations": [
                pair.as_data() | {"diverged": list(pair.diverged)} for pair in self.configurations
            ],
            "only_first": list(map(dict, self.only_first)),
            "only_second": list(map(dict, self.only_second)),
            "unfinished": self.unfinished,
            "best": self.best.as_data() if self.best else None,
        }

    def _lines(self) -> Iterator[str]:
        yield from super()._lines()
        for pair in self.configurations:
            values = ", ".join(f"{key}={value}" for key, value in pair.values.items())
            yield f"{values}: {self.metric} {pair.first:g} | {pair.second:g} ({pair.verdict})"
        for name, only in zip(self.names, (self.only_first, self.only_second), strict=True):
            if only:
                yield f"{counted(len(only), 'configuration')} in {name} alone"
