"""The result of a sweep: what result.json and ``--json`` hold, with a type."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from lrcli.storage.result_fields import Number, Result, StableRate, Timing, plain
from lrcli.storage.shards import members_of

__all__ = [
    "BestConfiguration",
    "ConfigurationRow",
    "Divergence",
    "OpenParameters",
    "StableRateRow",
    "SweepResult",
    "SweepStatus",
]

SweepStatus = Literal["running", "completed", "interrupted", "failed"]


@dataclass(frozen=True)
class ConfigurationRow:
    """A configuration and the metric that ranks, over its seeds; a member that diverged is infinitely bad.

    Attributes:
        values: from swept key to value.
        rank: from 1, the best.
        n: its members.
        diverged: how many of them diverged.
        median: of the metric.
        q25: its lower quartile.
        q75: its upper quartile.
        mean: of the metric.
        std: its standard deviation, with n - 1.
    """

    values: Mapping[str, Any]
    rank: int
    n: int
    diverged: int
    median: Number
    q25: Number
    q75: Number
    mean: Number
    std: Number


@dataclass(frozen=True)
class BestConfiguration(ConfigurationRow):
    """The best configuration.

    Attributes:
        low: the lower end of the 95% interval of its median.
        high: the upper end.
        like_best: the ranks of those listed that cannot be told from it.
        test: the median of each metric of the test set.
    """

    low: Number
    high: Number
    like_best: tuple[int, ...] = ()
    test: Mapping[str, Number] = field(default_factory=dict)


@dataclass(frozen=True)
class OpenParameters:
    """The numbers among the parameters that the data of some seed leave open.

    Attributes:
        undetermined: such as ``w[0]``.
        why: a sentence about them; empty where there are none.
    """

    undetermined: tuple[str, ...]
    why: str


@dataclass(frozen=True)
class StableRateRow:
    """The largest stable learning rate of configurations that differ in the rate alone.

    Seeds have data of their own, and so limits of their own; those of a few tell where they lie.

    Attributes:
        values: from swept key to value, but for the learning rate.
        limit: the median of these; None where none is known.
        low: the lowest of them; likewise.
        high: the highest; likewise.
        seeds: how many there are.
        sense: what stable means, to be put behind "the largest stable rate"; empty where it needs no words.
        diagnostic: it is a sign, and no bound: the curvature changes with the parameters.
        unknown: why there is none, a clause; empty where there is one.
    """

    values: Mapping[str, Any]
    limit: float | None
    low: float | None = None
    high: float | None = None
    seeds: int = 0
    sense: str = ""
    diagnostic: bool = False
    unknown: str = ""


@dataclass(frozen=True)
class Divergence:
    """Which members should diverge, since their rate is above the largest stable one, and which did.

    Attributes:
        stable_rates: for each combination of the other swept keys; the first thousand.
        predicted_and_did: members above it that diverged.
        predicted_but_did_not: those above it that did not: too few steps, or only just above.
        not_predicted_but_did: those not above it that diverged.
        neither: the rest of those whose limit is known.
        unpredicted: those whose limit is not.
    """

    stable_rates: tuple[StableRateRow, ...]
    predicted_and_did: int
    predicted_but_did_not: int
    not_predicted_but_did: int
    neither: int
    unpredicted: int


@dataclass(frozen=True, kw_only=True)
class SweepResult(Result):
    """How a sweep ended, and what it found.

    A number that is not finite is null in result.json and NaN when it is read again.

    Attributes:
        members: configurations times seeds.
        seeds: the seeds.
        keys: the swept keys, in the order of the file.
        metric: that ranks.
        mode: whether small or large values of it are good.
        memory: bytes that a population may take.
        fingerprint: equal for sweeps that train the same members in the same parts.
        shares: for how many shares its parts are cut; 1: for none.
        shard: of one that is itself a share, its number from 1 and the count of shares; it has no tables.
        share_members: how many of the members the share trains; None of a whole sweep.
        warnings: what the results will not show, a sentence each.
        configurations: the best ones, best first; empty while members are missing.
        configurations_left_out: how many more there are; summary.csv has all.
        best: the best configuration; None while members are missing.
        stability: which rates are stable, where none of the sweep was.
        divergence: the largest stable rates, and how many members diverged that should; None before the
            tables are written and in files of earlier versions.
        reference: which parameters the data leave open; None before the tables are written.
        diverged: members that diverged, counted when the tables are written; of a share, its own.
        missing: members that have not ended, likewise.
        timing: None before the tables are written.
        environment: what the numbers depended on: versions, device, engine, commit.
    """

    command: Literal["sweep"] = "sweep"
    status: SweepStatus
    members: int
    seeds: tuple[int, ...]
    keys: tuple[str, ...]
    metric: str
    mode: Literal["min", "max"]
    memory: int
    fingerprint: str
    shares: int = 1
    shard: tuple[int, int] | None = None
    share_members: int | None = None
    warnings: tuple[str, ...] = ()
    configurations: tuple[ConfigurationRow, ...] = ()
    configurations_left_out: int = 0
    best: BestConfiguration | None = None
    stability: StableRate | None = None
    divergence: Divergence | None = None
    reference: OpenParameters | None = None
    diverged: int = 0
    missing: int = 0
    timing: Timing | None = None
    environment: Mapping[str, Any] = field(default_factory=dict)

    @property
    def members_text(self) -> str:
        """Such as ``90 members``; of a share ``12 of 90 members, share 2 of 7``."""
        return members_of(self.members, self.shard, self.share_members)

    def as_data(self) -> dict[str, Any]:
        """The content of result.json; what a sweep has found is there once its tables are."""
        left_out = set() if self.timing else _FOUND
        left_out = left_out | (_OF_SHARES if self.shares == 1 and self.shard is None else set())
        left_out = left_out | (_JUDGED if self.shard is not None else set())
        return {key: value for key, value in plain(self).items() if key not in left_out}


_JUDGED = {"configurations", "configurations_left_out", "best", "stability", "divergence", "reference"}
_FOUND = _JUDGED | {"diverged", "missing", "timing"}
_OF_SHARES = {"shares", "shard", "share_members"}
