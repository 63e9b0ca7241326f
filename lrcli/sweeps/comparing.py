"""Two sweeps, configuration by configuration, paired by seed.

A configuration is the same in both where each key that one of them sweeps has the same value, be it swept or
from the file. Files are read, no data are drawn.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lrcli.analysis.comparison import FEWEST_SEEDS, PairedComparison, compare_paired
from lrcli.analysis.statistics import describe, ranking
from lrcli.config.keys import dotted
from lrcli.errors import RunDirectoryError
from lrcli.experiment.experiment import resolved
from lrcli.running.comparing import UNLIKE, changed_blocks, comparable, short_names
from lrcli.running.settings import Settings, differing, differing_environment
from lrcli.storage.shards import refuse_share
from lrcli.storage.sweep_result import SweepResult
from lrcli.storage.table_reading import MemberTable
from lrcli.sweeps.comparison import BestPair, ConfigurationPair, PairVerdict, SweepComparison
from lrcli.sweeps.filled import FilledConfigurations
from lrcli.sweeps.plan import SweepPlan
from lrcli.sweeps.reading import members_of
from lrcli.sweeps.resuming import plan_again
from lrcli.wording import typed

__all__ = ["compare_sweeps"]

Array = NDArray[np.float64]
_Point = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class _Side:
    """One of the two sweeps.

    Attributes:
        plan: what was trained.
        table: what became of the members.
        result: of the sweep.
    """

    plan: SweepPlan
    table: MemberTable
    result: SweepResult

    @property
    def shape(self) -> tuple[int, int]:
        """Seeds and configurations."""
        return len(self.plan.seeds), len(self.plan.configurations)

    @cached_property
    def diverged(self) -> NDArray[np.bool_]:
        """(S, C) the members that diverged."""
        return np.asarray(self.table.status.reshape(self.shape) == "diverged")

    @cached_property
    def missing(self) -> NDArray[np.bool_]:
        """(S, C) those that have not ended."""
        return np.asarray(self.table.status.reshape(self.shape) == "interrupted")

    def scores(self, metric: str) -> Array:
        """(S, C) a metric; NaN where a member diverged."""
        return np.where(self.diverged, np.nan, self.table.numbers[metric].reshape(self.shape))

    def points(self, keys: Sequence[str]) -> list[_Point]:
        """For each configuration the values of keys, those that it does not sweep from the file."""
        groups = list({id(part.group): part.group for part in self.plan.parts}.values())
        return list(FilledConfigurations(self.plan.configurations, groups, keys))


def compare_sweeps(directories: Sequence[Path], results: Sequence[SweepResult]) -> SweepComparison:
    """Compare two sweeps.

    Args:
        directories: of both.
        results: of each.

    Raises:
        RunDirectoryError: one has no results yet, or its files have been changed or damaged.
        ExperimentError: an experiment.yaml has been changed and is wrong.
    """
    first, second = (_side(*each) for each in zip(directories, results, strict=True))
    keys = tuple(dict.fromkeys([*first.plan.configurations.keys, *second.plan.configurations.keys]))
    unlike, equal = differing([_settings(side.plan) for side in (first, second)])
    changed = changed_blocks([row for row in unlike if row.name not in keys], results)
    metric, seeds = first.result.metric, [s for s in first.plan.seeds if s in second.plan.seeds]
    notes = [UNLIKE[block] for block in UNLIKE if block in changed]
    notes += _missing_notes(first, second, seeds)
    found = _Matched.of(first, second, keys, seeds)
    told: dict[str, Any] = {}
    if seeds and metric in second.table.numbers:
        judge = _Judge(first.result.mode, judged=comparable(metric, changed))
        told = {"configurations": found.pairs(metric, judge), "best": found.best(metric, judge)}
    return SweepComparison(
        names=tuple(short_names(directories)),
        directories=tuple(directory.as_posix() for directory in directories),
        statuses=tuple(result.status for result in results),
        settings=unlike,
        equal_settings=equal,
        environment=differing_environment(results),
        notes=tuple(notes),
        keys=keys,
        metric=metric,
        mode=first.result.mode,
        seeds=tuple(seeds),
        only_first=found.only(0),
        only_second=found.only(1),
        unfinished=found.unfinished,
        **told,
    )


def _side(directory: Path, result: SweepResult) -> _Side:
    refuse_share(directory, result.shard)
    file = result.file(directory, "results.csv")
    if not file.path.exists():
        raise RunDirectoryError(
            f"{directory}: has no results yet ({result.status}); go on with it first: "
            f"{typed('lrcli', 'resume', str(directory))}"
        )
    plan, _ = plan_again(directory, runs_code=False)
    return _Side(plan, members_of(file, plan), result)


def _settings(plan: SweepPlan) -> Settings:
    """The settings of a sweep by dotted keys: for a swept key what it is swept over."""
    whole = resolved(plan.experiment)
    sweep = whole.pop("sweep")
    grids = sweep["grid"] if isinstance(sweep["grid"], list) else [sweep["grid"]]
    swept: dict[str, list[Any]] = {}
    for key, spec in ((key, spec) for grid in grids for key, spec in grid.items()):
        swept.setdefault(key, []).append(spec)
    over = {key: specs[0] if len(specs) == 1 else specs for key, specs in swept.items()}
    select = {"sweep.select": f"{plan.select.metric}, {plan.select.direction}"}
    return dotted(whole) | over | {"sweep.seeds": _seeds_text(plan.seeds)} | select


def _seeds_text(seeds: Sequence[int]) -> str | list[int]:
    """Seeds as a file has them: how many, where they are counted from 0."""
    in_a_row = list(seeds) == list(range(seeds[0], seeds[0] + len(seeds)))
    return f"{seeds[0]} to {seeds[-1]}" if in_a_row and len(seeds) > 2 else list(seeds)


def _missing_notes(first: _Side, second: _Side, seeds: Sequence[int]) -> list[str]:
    """Why nothing can be compared, or not by the metric of both."""
    metric, other = first.result.metric, second.result.metric
    if not seeds:
        return ["they have no seed in common, so nothing can be paired: train one of them with other seeds"]
    if metric not in second.table.numbers:
        return [f"the second has no {metric}, by which the first is ranked, so nothing can be compared"]
    if len(seeds) < FEWEST_SEEDS:
        few = f"{len(seeds)} in common is" if len(seeds) == 1 else f"{len(seeds)} in common are"
        return [f"seeds: {few} too few to tell better from chance; {FEWEST_SEEDS} are needed at least"]
    return [f"they are compared by {metric}; the second is ranked by {other}"] if other != metric else []


@dataclass(frozen=True)
class _Judge:
    """Says which of two is better.

    Attributes:
        mode: whether small or large values are good.
        judged: whether they are of the same thing.
    """

    mode: Literal["min", "max"]
    judged: bool

    def verdict(self, found: PairedComparison, number: int, *, equal: bool, seeds: int) -> PairVerdict:
        """What the second is."""
        if equal:
            return "equal"
        if seeds < FEWEST_SEEDS:
            return "too few seeds"
        if not found.distinguishable[number]:
            return "not distinguishable"
        if not self.judged:
            return "differs"
        return "better" if (found.low[number] > 0) == (self.mode == "max") else "worse"

    def pairs(self, first: Array, second: Array) -> list[dict[str, Any]]:
        """The fields of a `Pair` for each column of scores, (S, C)."""
        found = compare_paired(first, second, self.mode)
        same = ((first == second) | (np.isnan(first) & np.isnan(second))).all(axis=0)
        names = ("first", "second", "difference", "low", "high", "ratio")
        return [
            {name: float(getattr(found, name)[i]) for name in names}
            | {"verdict": self.verdict(found, i, equal=bool(same[i]), seeds=len(first))}
            for i in range(first.shape[1])
        ]


@dataclass(frozen=True, eq=False)
class _Matched:
    """The configurations of two sweeps, matched.

    Attributes:
        sides: both sweeps.
        rows: of each, the rows of the common seeds.
        points: of each, the values of its configurations.
        both: (n, 2) the numbers of those that both have and that have ended, in the order of the first.
        unfinished: how many more both have, of which a member has not ended.
    """

    sides: tuple[_Side, _Side]
    rows: tuple[list[int], list[int]]
    points: tuple[list[_Point], list[_Point]]
    both: NDArray[np.intp]
    unfinished: int

    @classmethod
    def of(cls, first: _Side, second: _Side, keys: Sequence[str], seeds: Sequence[int]) -> "_Matched":
        """Match them."""
        sides = (first, second)
        rows = tuple([side.plan.seeds.index(seed) for seed in seeds] for side in sides)
        points = (first.points(keys), second.points(keys))
        numbers = {_text(point): number for number, point in reversed(list(enumerate(points[1])))}
        both = [(i, numbers[text]) for i, text in enumerate(map(_text, points[0])) if text in numbers]
        pairs = np.array(both, dtype=np.intp).reshape(-1, 2)
        missing = [side.missing[rows[n]][:, pairs[:, n]].any(axis=0) for n, side in enumerate(sides)]
        ended = ~(missing[0] | missing[1])
        return cls(sides, (rows[0], rows[1]), points, pairs[ended], int((~ended).sum()))

    def only(self, which: int) -> tuple[_Point, ...]:
        """The configurations that one alone has."""
        others = set(map(_text, self.points[1 - which]))
        return tuple(point for point in self.points[which] if _text(point) not in others)

    def pairs(self, metric: str, judge: _Judge) -> tuple[ConfigurationPair, ...]:
        """Those that both have, compared."""
        scores, diverged = [], []
        for n, side in enumerate(self.sides):
            scores.append(side.scores(metric)[self.rows[n]][:, self.both[:, n]])
            diverged.append(side.diverged[self.rows[n]][:, self.both[:, n]].sum(axis=0).tolist())
        found = judge.pairs(*scores)
        return tuple(
            ConfigurationPair(
                values=dict(self.points[0][int(number)]),
                diverged=(diverged[0][i], diverged[1][i]),
                **found[i],
            )
            for i, number in enumerate(self.both[:, 0])
        )

    def best(self, metric: str, judge: _Judge) -> BestPair | None:
        """The best of each, by the median over all of its seeds, compared over the common ones."""
        chosen, scores = [], []
        for n, side in enumerate(self.sides):
            own = side.scores(metric)
            ended = np.flatnonzero(~side.missing.any(axis=0))
            if not len(ended):
                return None
            order = ranking(describe(own[:, ended], judge.mode, side.diverged[:, ended]), judge.mode)
            number = int(ended[order[0]])
            chosen.append(dict(self.points[n][number]))
            scores.append(own[self.rows[n]][:, [number]])
        return BestPair(first_values=chosen[0], second_values=chosen[1], **judge.pairs(*scores)[0])


def _text(point: _Point) -> str:
    """Equal for points of equal values; 1 and 1.0 are."""
    return json.dumps(_plain(point), sort_keys=True)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return list(map(_plain, value))
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
