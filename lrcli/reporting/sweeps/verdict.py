"""The verdict of a sweep in sentences."""

from collections.abc import Iterator

import numpy as np

from lrcli.analysis.basin import Advice, Band
from lrcli.analysis.comparison import FEWEST_SEEDS
from lrcli.analysis.verdict import BestConfiguration, Difference, OptimizerVerdict, RateVerdict, Verdict
from lrcli.reporting.key_names import short_key, value_text
from lrcli.reporting.sweeps.stable_words import stable_rates_words
from lrcli.running.stability import advice
from lrcli.storage.sweep_result import SweepResult
from lrcli.wording import counted

__all__ = ["how_it_ended", "sentences", "unjudged"]

_NAMED = 8  # configurations that are as good as the best


def how_it_ended(result: SweepResult) -> str:
    """A clause, such as ``completed (1,000 members: 25 configurations x 40 seeds, in 0.02 s)``."""
    words = {
        "running": "has not ended, or was ended before it could say how; lrcli resume goes on with it",
        "completed": "completed",
        "interrupted": "interrupted; lrcli resume goes on with it",
        "failed": "failed; lrcli resume goes on with it",
    }
    seconds = f", in {result.timing.train_seconds:.3g} s" if result.timing else ""
    configurations = result.members // len(result.seeds)
    return (
        f"{words[result.status]} ({counted(result.members, 'member')}: "
        f"{counted(configurations, 'configuration')} x {counted(len(result.seeds), 'seed')}{seconds})"
    )


def unjudged(result: SweepResult) -> str:
    """Of a sweep that lacks members, why there is no verdict."""
    ended = result.members - result.missing
    return f"{ended:,} of {result.members:,} members have ended; nothing is judged before all have"


def sentences(verdict: Verdict, result: SweepResult) -> Iterator[str]:
    """What to make of a sweep, a sentence each.

    Args:
        verdict: of the sweep.
        result: what is to stand in its result.json.
    """
    if verdict.best.has_median:
        yield _best(verdict, verdict.best)
        yield from _alike(verdict, verdict.best)
    else:
        yield f"every configuration diverged in at least half of its seeds; {_smaller_rates(verdict, result)}"
    if result.reference is not None and result.reference.why:
        yield result.reference.why
    if verdict.rates is not None:
        yield from _about_rates(verdict, verdict.rates)
    yield from _about_optimizers(verdict)
    stable = stable_rates_words(result)
    if stable:
        yield stable
    yield from (f"warning: {warning}" for warning in result.warnings)


def _smaller_rates(verdict: Verdict, result: SweepResult) -> str:
    """What to try where every rate was too large."""
    if result.stability is None or verdict.lowest_rate is None:
        return "try smaller learning rates"
    return advice(result.stability, verdict.lowest_rate)


def _best(verdict: Verdict, best: BestConfiguration) -> str:
    chosen = ", ".join(f"{key}={value_text(value)}" for key, value in best.values.items())
    interval = ""
    if verdict.seeds > 1:
        interval = f" (median of its seeds; 95% interval {best.low:.4g} to {best.high:.4g})"
    test = "".join(f"; {name} {value:.4g}" for name, value in best.test.items())
    return f"best: {chosen}: {verdict.metric} {best.median:.4g}{interval}{test}"


def _alike(verdict: Verdict, best: BestConfiguration) -> Iterator[str]:
    if best.alike is None:
        yield f"with fewer than {FEWEST_SEEDS} seeds no configuration can be told from another"
    elif best.alike:
        named = ["(" + ", ".join(map(value_text, values.values())) + ")" for values in best.alike[:_NAMED]]
        more = f" and {len(best.alike) - _NAMED} more" if len(best.alike) > _NAMED else ""
        yield f"not distinguishable from it over {verdict.seeds} seeds: {', '.join(named)}{more}"


def _about_rates(verdict: Verdict, rates: RateVerdict) -> Iterator[str]:
    """How wide the usable band is around the best, and whether the best may lie outside the grid."""
    if rates.band is not None:
        beside = _beside(verdict, rates)
        yield f"usable learning rates{beside and f' with {beside}'}: {_band(rates.band)}"
    if rates.edge is not None:
        yield _edge(rates.edge, "the best learning rate", "--lr ")


def _beside(verdict: Verdict, rates: RateVerdict) -> str:
    """What was held beside the rate; empty where only rates were swept."""
    held = rates.held.items()
    return " and ".join(f"{short_key(key, verdict.keys)}={value_text(value)}" for key, value in held)


def _edge(edge: Advice, what: str, option: str) -> str:
    """A warning where the best rate is the last one tried."""
    which = {"low": "the lowest", "high": "the highest", "both": "the only one"}[edge.edge]
    return f"warning: {what} is {which} of the grid; try {option}{_short(edge.low)}:{_short(edge.high)}:13"


def _short(rate: float) -> str:
    """Two digits of a rate, as a person would write them: 100, not 1e+02."""
    return repr(float(f"{rate:.1e}")).removesuffix(".0")


def _band(band: Band) -> str:
    ends = f"{band.low:.4g} to {band.high:.4g} ({band.decades:.1f} decades)"
    if band.low == band.high:
        ends = f"{band.low:.4g} alone"
    beyond = [side for side, is_open in (("below", band.open_low), ("above", band.open_high)) if is_open]
    return ends + (f", perhaps {' and '.join(beyond)}" if beyond else "")


def _about_optimizers(verdict: Verdict) -> Iterator[str]:
    """Each optimizer's best, how wide its basin is, and how they compare seed by seed."""
    for optimizer in verdict.optimizers:
        yield from _about_optimizer(verdict, optimizer)
    yield from map(_difference, verdict.differences)
    if verdict.budgets_differ:
        counts = ", ".join(f"{each.kind} {each.configurations}" for each in verdict.optimizers)
        yield f"warning: the budgets differ ({counts} configurations); more tries find a better best"


def _about_optimizer(verdict: Verdict, optimizer: OptimizerVerdict) -> Iterator[str]:
    rates, usable = optimizer.rates, ""
    if rates is not None and rates.band is not None:
        beside = _beside(verdict, rates)
        usable = f", usable {beside and f'with {beside}: '}{_band(rates.band)}"
    yield f"{optimizer.kind}: best {optimizer.median:.4g}{usable}"
    if rates is not None and rates.edge is not None:
        yield _edge(rates.edge, f"the best learning rate of {optimizer.kind}", "")


def _difference(difference: Difference) -> str:
    """An optimizer's best against that of the best one."""
    names = f"{difference.kind} minus {difference.best}"
    if np.isnan(difference.low):
        return f"{names}: {difference.median:.4g}, on one seed"
    apart = "" if difference.distinguishable else "; not distinguishable"
    interval = f"95% interval {difference.low:.4g} to {difference.high:.4g}{apart}"
    return f"{names}, paired by seed: {difference.median:.4g} ({interval})"
