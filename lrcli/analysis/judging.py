"""How the verdict of a sweep is found."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrcli.analysis.basin import Marginal, edge_advice, marginal, usable_band
from lrcli.analysis.comparison import FEWEST_SEEDS, GroupComparison, compare_groups, compare_with_best
from lrcli.analysis.statistics import Mode, Statistics, describe_metric, ranking, scores
from lrcli.analysis.sweep_results import ABSENT, SweepResults
from lrcli.analysis.verdict import BestConfiguration, Difference, OptimizerVerdict, RateVerdict, Verdict
from lrcli.config.metrics import split_of

__all__ = ["MOST_COMPARED", "find_verdict"]

Array = NDArray[np.float64]

MOST_COMPARED = 1000  # configurations that are held against the best one: the best of them
_RATE, _OPTIMIZER = "optimizer.lr", "optimizer.kind"


def find_verdict(results: SweepResults, statistics: Statistics) -> Verdict:
    """The verdict of a sweep all of whose members have ended.

    Args:
        results: of the sweep.
        statistics: of the metric that ranks.
    """
    order = ranking(statistics, results.mode)
    rates = _rates_of(results) if _RATE in results.keys else None
    groups = None
    if _OPTIMIZER in results.keys:
        groups = compare_groups(scores(results), _kinds(results), results.mode)
    around = None
    if groups is None and rates is not None and np.isfinite(rates[order[0]]):
        around = _around_best(results, statistics, rates, int(order[0]))
    return Verdict(
        keys=results.keys,
        metric=results.metric,
        mode=results.mode,
        seeds=len(results.seeds),
        best=_find_best(results, statistics, order),
        diverged=float(np.mean(results.diverged)),
        lowest_rate=None if rates is None else float(rates.min()),
        rates=around,
        optimizers=tuple(_optimizers(results, statistics, rates, groups)) if groups else (),
        differences=tuple(_differences(groups, results.mode)) if groups else (),
    )


def _find_best(results: SweepResults, statistics: Statistics, order: NDArray[np.intp]) -> BestConfiguration:
    listed = order[:MOST_COMPARED]
    comparison = compare_with_best(scores(results)[:, listed], 0, results.mode)
    alike = None
    if len(results.seeds) >= FEWEST_SEEDS:
        others = listed[~comparison.distinguishable][1:]
        alike = tuple(results.configurations[number] for number in others.tolist())
    tested = [name for name in results.final if split_of(name) == "test"]
    return BestConfiguration(
        values=results.configurations[int(order[0])],
        median=float(statistics.median[order[0]]),
        low=comparison.low,
        high=comparison.high,
        test={name: float(describe_metric(results, name).median[order[0]]) for name in tested},
        alike=alike,
    )


def _around_best(results: SweepResults, statistics: Statistics, rates: Array, best: int) -> RateVerdict:
    """The rates around the best configuration; where that is inside the grid there is no edge."""
    along = _along(results, statistics, rates, best)
    around = _around(results, along, best)
    at_end = rates[best] in along.rates[[0, -1]] or not np.isfinite(along.medians).any()
    return around if at_end else replace(around, edge=None)


def _around(results: SweepResults, along: Marginal, number: int) -> RateVerdict:
    held = {key: value for key, value in _beside_rate(results, number).items() if key != _OPTIMIZER}
    band = usable_band(along.rates, along.medians, results.mode)
    return RateVerdict(held, band, edge_advice(along.rates, along.medians, results.mode))


def _along(results: SweepResults, statistics: Statistics, rates: Array, number: int) -> Marginal:
    """The rates of the configurations that differ from one in nothing else."""
    alike = np.ones(len(results.configurations), dtype=bool)
    for key in results.keys:
        if key != _RATE:
            column = results.columns[key]
            own = column[number]
            alike &= np.array([value == own for value in column], dtype=bool)
    return marginal(np.where(alike, rates, np.nan), statistics.median, results.mode)


def _beside_rate(results: SweepResults, number: int) -> dict[str, Any]:
    return {key: value for key, value in results.configurations[number].items() if key != _RATE}


def _optimizers(
    results: SweepResults, statistics: Statistics, rates: Array | None, groups: GroupComparison
) -> Iterator[OptimizerVerdict]:
    kinds = _kinds(results)
    for index, kind in enumerate(groups.groups):
        best = int(groups.best[index])
        along = None if rates is None else _along(results, statistics, rates, best)
        around = _around(results, along, best) if along is not None and len(along.rates) else None
        yield OptimizerVerdict(str(kind), kinds.count(str(kind)), float(groups.median[index]), around)


def _differences(groups: GroupComparison, mode: Mode) -> Iterator[Difference]:
    order = np.argsort(groups.median if mode == "min" else -groups.median, kind="stable")
    first = int(order[0])
    for other in order[1:].tolist():
        yield Difference(
            kind=str(groups.groups[other]),
            best=str(groups.groups[first]),
            median=float(groups.difference[other, first]),
            low=float(groups.difference_low[other, first]),
            high=float(groups.difference_high[other, first]),
            distinguishable=bool(groups.distinguishable[other, first]),
        )


def _kinds(results: SweepResults) -> list[str]:
    """The optimizer of each configuration; empty where its grid does not say it."""
    return ["" if kind is ABSENT else kind for kind in results.columns[_OPTIMIZER]]


def _rates_of(results: SweepResults) -> Array:
    """(C,) the learning rates; NaN where a configuration has none."""
    values = results.columns[_RATE]
    return np.array([v if isinstance(v, int | float) else np.nan for v in values], dtype=np.float64)
