"""The verdict of a sweep in sentences: the best, what equals it, which rates work, where to look next."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrcli.analysis.basin import Band, Marginal, edge_advice, marginal, usable_band
from lrcli.analysis.comparison import FEWEST_SEEDS, GroupComparison, compare_groups
from lrcli.analysis.statistics import Mode, Statistics, ranking, scores
from lrcli.analysis.sweep_results import SweepResults
from lrcli.reporting.sweeps.axes import short_key, value_text
from lrcli.running.stability import advice
from lrcli.runs.sweep_result import BestConfiguration, ConfigurationRow, SweepResult

__all__ = ["verdict"]

Array = NDArray[np.float64]

_RATE, _OPTIMIZER = "optimizer.lr", "optimizer.kind"


def verdict(results: SweepResults, statistics: Statistics, result: SweepResult) -> Iterator[str]:
    """What to make of it, a sentence each."""
    best = result.best
    if best is None or not np.isfinite(best.median):
        yield f"every configuration diverged in at least half of its seeds; {_smaller_rates(results, result)}"
    else:
        yield _best(results, best)
        yield from _alike(results, result.configurations, best)
    if result.reference is not None and result.reference.why:
        yield result.reference.why
    rates = _column(results, _RATE) if _RATE in results.keys else None
    if _OPTIMIZER in results.keys:
        yield from _about_optimizers(results, statistics, rates)
    elif rates is not None and np.isfinite(rates[ranking(statistics, results.mode)[0]]):
        yield from _about_rates(results, statistics, rates)
    yield from (f"warning: {warning}" for warning in result.warnings)


def _smaller_rates(results: SweepResults, result: SweepResult) -> str:
    """What to try where every rate was too large."""
    if result.stability is None:
        return "try smaller learning rates"
    return advice(result.stability, float(_column(results, _RATE).min()))


def _best(results: SweepResults, best: BestConfiguration) -> str:
    chosen = ", ".join(f"{key}={value_text(value)}" for key, value in best.values.items())
    known = len(results.seeds) > 1
    interval = f" (median of its seeds; 95% interval {best.low:.4g} to {best.high:.4g})" if known else ""
    test = "".join(f"; {name} {value:.4g}" for name, value in best.test.items())
    return f"best: {chosen}: {results.metric} {best.median:.4g}{interval}{test}"


def _alike(
    results: SweepResults, listed: Sequence[ConfigurationRow], best: BestConfiguration
) -> Iterator[str]:
    seeds = len(results.seeds)
    if seeds < FEWEST_SEEDS:
        yield f"with fewer than {FEWEST_SEEDS} seeds no configuration can be told from another"
        return
    ranks = set(best.like_best)
    rows = [row for row in listed if row.rank in ranks]
    if rows:
        names = ["(" + ", ".join(value_text(v) for v in row.values.values()) + ")" for row in rows[:8]]
        more = f" and {len(rows) - 8} more" if len(rows) > 8 else ""
        yield f"not distinguishable from it over {seeds} seeds: {', '.join(names)}{more}"


def _about_rates(results: SweepResults, statistics: Statistics, rates: Array) -> Iterator[str]:
    """How wide the usable band is around the best, and whether the best may lie outside the grid."""
    best = int(ranking(statistics, results.mode)[0])
    along = _through(results, statistics, rates, best)
    band = usable_band(along.rates, along.medians, results.mode)
    if band is not None:
        beside = _beside(results, best)
        yield f"usable learning rates{beside and f' with {beside}'}: {_band(band)}"
    if rates[best] in along.rates[[0, -1]] or not np.isfinite(along.medians).any():
        yield from _edge(along, results.mode, "the best learning rate", "--lr ")


def _through(results: SweepResults, statistics: Statistics, rates: Array, best: int) -> Marginal:
    """The rates of the configurations that differ from one in nothing else."""
    held = _held(results, best)
    alike = [_held(results, number) == held for number in range(len(results.configurations))]
    return marginal(np.where(alike, rates, np.nan), statistics.median, results.mode)


def _held(results: SweepResults, number: int) -> dict[str, Any]:
    """What a configuration has beside its rate."""
    return {key: value for key, value in results.configurations[number].items() if key != _RATE}


def _beside(results: SweepResults, number: int) -> str:
    """The same in words, but for the optimizer's name; empty where only rates were swept."""
    held = {key: value for key, value in _held(results, number).items() if key != _OPTIMIZER}
    return " and ".join(f"{short_key(key, results.keys)}={value_text(value)}" for key, value in held.items())


def _edge(along: Marginal, mode: Mode, what: str, option: str) -> Iterator[str]:
    """A warning where the best rate is the last one tried."""
    advice = edge_advice(along.rates, along.medians, mode)
    if advice is not None:
        edge = {"low": "the lowest", "high": "the highest", "both": "the only one"}[advice.edge]
        further = f"{option}{_short(advice.low)}:{_short(advice.high)}:13"
        yield f"warning: {what} is {edge} of the grid; try {further}"


def _short(rate: float) -> str:
    """Two digits of a rate, as a person would write them: 100, not 1e+02."""
    return repr(float(f"{rate:.1e}")).removesuffix(".0")


def _band(band: Band) -> str:
    ends = f"{band.low:.4g} to {band.high:.4g} ({band.decades:.1f} decades)"
    beyond = [side for side, is_open in (("below", band.open_low), ("above", band.open_high)) if is_open]
    return ends + (f", perhaps {' and '.join(beyond)}" if beyond else "")


def _about_optimizers(results: SweepResults, statistics: Statistics, rates: Array | None) -> Iterator[str]:
    """Each optimizer's best, how wide its basin is, and how they compare seed by seed."""
    kinds = [configuration.get(_OPTIMIZER, "") for configuration in results.configurations]
    groups = compare_groups(scores(results), kinds, results.mode)
    for index, kind in enumerate(groups.groups):
        best = int(groups.best[index])
        along = None if rates is None else _through(results, statistics, rates, best)
        band = usable_band(along.rates, along.medians, results.mode) if along and len(along.rates) else None
        beside = _beside(results, best)
        usable = f", usable {beside and f'with {beside}: '}{_band(band)}" if band else ""
        yield f"{kind}: best {groups.median[index]:.4g}{usable}"
        if along is not None and len(along.rates):
            yield from _edge(along, results.mode, f"the best learning rate of {kind}", "")
    yield from _differences(groups, results.mode)
    budgets = {kind: kinds.count(kind) for kind in groups.groups}
    if len(set(budgets.values())) > 1:
        counts = ", ".join(f"{kind} {count}" for kind, count in budgets.items())
        yield f"warning: the budgets differ ({counts} configurations); more tries find a better best"


def _differences(groups: GroupComparison, mode: Mode) -> Iterator[str]:
    """Every other optimizer's best against that of the best one."""
    order = np.argsort(groups.median if mode == "min" else -groups.median, kind="stable")
    first = int(order[0])
    for other in order[1:].tolist():
        low, high = groups.difference_low[other, first], groups.difference_high[other, first]
        names = f"{groups.groups[other]} minus {groups.groups[first]}"
        if np.isnan(low):
            yield f"{names}: {groups.difference[other, first]:.4g}, on one seed"
            continue
        apart = "" if groups.distinguishable[other, first] else "; not distinguishable"
        interval = f"95% interval {low:.4g} to {high:.4g}{apart}"
        yield f"{names}, paired by seed: {groups.difference[other, first]:.4g} ({interval})"


def _column(results: SweepResults, key: str) -> Array:
    """(C,) the values of a numeric key; NaN where a configuration has none."""
    values = [configuration.get(key) for configuration in results.configurations]
    return np.array([v if isinstance(v, int | float) else np.nan for v in values], dtype=np.float64)
