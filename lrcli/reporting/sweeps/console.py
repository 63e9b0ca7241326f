"""The verdict of a sweep on standard output: the table, the chart, the best, and what to make of it."""

import sys
from collections.abc import Iterator

from rich.console import Console

from lrcli.analysis.judging import find_verdict
from lrcli.analysis.outcomes import outcomes
from lrcli.analysis.statistics import Statistics, describe_metric, ranking
from lrcli.analysis.sweep_results import SweepResults
from lrcli.reporting.key_names import short_key
from lrcli.reporting.layout import Column, print_table
from lrcli.reporting.runs.words import titled
from lrcli.reporting.streams import console, standard_output
from lrcli.reporting.sweeps.chart import sweep_chart
from lrcli.reporting.sweeps.ranked import most_common, shown_statistics, swept_cell
from lrcli.reporting.sweeps.recovery import BestStudy, with_error
from lrcli.reporting.sweeps.share_words import how_to_merge, share_ended
from lrcli.reporting.sweeps.verdict import how_it_ended, sentences, unjudged
from lrcli.reporting.text import print_text
from lrcli.running.resources import bytes_text
from lrcli.storage.shards import Shard
from lrcli.storage.sweep_result import SweepResult
from lrcli.sweeps.idle_cores import use_of_workers
from lrcli.sweeps.plan import SweepPlan
from lrcli.sweeps.shares import parts_of
from lrcli.wording import counted, one_line

__all__ = ["print_plan", "print_share_report", "print_sweep_report"]

_ROWS = 12
_PARAMETERS = 6
_LITTLE = 10**7  # bytes, of which nobody needs to be told


def print_sweep_report(results: SweepResults, result: SweepResult, advice: str = "") -> None:
    """Print what a sweep has found.

    Args:
        results: of the sweep.
        result: what was made of them.
        advice: how it could have been trained better, a sentence.

    Raises:
        WriteError: standard output could not be written.
    """
    with standard_output():
        out = console()
        print_text(out, f"{titled(result)}: {how_it_ended(result)}")
        if result.best is None:
            print_text(out, unjudged(result))
        else:
            statistics = describe_metric(results)
            _print_table(out, results, statistics)
            chart = sweep_chart(results, out.width, getattr(sys.stdout, "encoding", None))
            print_text(out, "\n".join(["", *chart, ""]))
            for sentence in sentences(find_verdict(results, statistics), result):
                print_text(out, sentence)
            _print_study(out, BestStudy(results, int(ranking(statistics, results.mode)[0])))
        if advice:
            print_text(out, f"note: {advice}")
        print_text(out, f"\nrun: {one_line(result.run_dir)}")


def print_share_report(result: SweepResult, parts: int) -> None:
    """Print what a share has trained, where it is, and what puts it together with the others.

    Args:
        result: of the share.
        parts: that are its.

    Raises:
        WriteError: standard output could not be written.
    """
    with standard_output():
        out = console()
        print_text(out, f"{titled(result)}: {share_ended(result, parts)}")
        print_text(out, how_to_merge(result))
        print_text(out, f"run: {one_line(result.run_dir)}")


def print_plan(plan: SweepPlan, shard: Shard | None = None) -> None:
    """Print what a sweep would train, and what that would need.

    Args:
        plan: of the sweep.
        shard: of which share of it the rest is told, too.

    Raises:
        WriteError: standard output could not be written.
    """
    configurations = plan.configurations
    shown = configurations[:_ROWS]
    columns = [Column("configuration", list(map(str, range(len(shown)))), rank=1)]
    for key in configurations.keys:
        cells = [swept_cell(configuration, key) for configuration in shown]
        columns.append(Column(key, cells, short=short_key(key, configurations.keys)))
    left = len(configurations) - _ROWS
    steps = sum(part.steps for part in plan.parts)
    populations = counted(plan.groups, "population")
    parts = f" in {len(plan.parts)} parts" if len(plan.parts) > plan.groups else ""
    with standard_output():
        out = console()
        print_table(out, columns, caption=f"{left:,} more" if left > 0 else "")
        print_text(out, "")
        for line in (
            f"{counted(plan.size, 'member')}: {counted(len(configurations), 'configuration')} x "
            f"{counted(len(plan.seeds), 'seed')}, ranked by {plan.select.metric}",
            f"{populations}{parts}, {counted(steps, 'step')}",
            f"about {max(1, round(plan.needs.total() / 10**6)):,} MB of memory and "
            f"{_duration(plan.seconds)} of training",
            *_beyond_budget(plan),
            *(f"note: {advice}" for advice in [use_of_workers(plan, plan.seconds)] if advice),
            *(_of_share(plan, shard) if shard else ()),
        ):
            print_text(out, line)


def _of_share(plan: SweepPlan, shard: Shard) -> Iterator[str]:
    """What one share of a sweep trains."""
    parts = [plan.parts[number] for number in parts_of(plan, shard)]
    if not parts:
        yield f"{shard} is empty: {counted(len(plan.parts), 'part')} make no more shares"
        return
    members, steps = sum(part.size for part in parts), sum(part.steps for part in parts)
    work, whole = (sum(part.work for part in some) for some in (parts, plan.parts))
    yield (
        f"{shard}: {counted(members, 'member')} in {counted(len(parts), 'part')}, {counted(steps, 'step')}, "
        f"{100 * work / whole:.3g}% of the work"
    )


def _beyond_budget(plan: SweepPlan) -> Iterator[str]:
    """Said where the examples of one seed are more than a population may take: a part needs them all."""
    most = max(part.needs.total() for part in plan.parts)
    if most > max(plan.memory, _LITTLE):
        yield (
            f"note: a part takes {bytes_text(most)}, more than --memory, {bytes_text(plan.memory)}: "
            "it needs all examples of a seed"
        )


def _duration(seconds: float) -> str:
    """A time of which the order of magnitude is known."""
    for unit, size in (("hours", 3600), ("minutes", 60)):
        if seconds > 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(1, seconds):.0f} s"


def _print_table(out: Console, results: SweepResults, statistics: Statistics) -> None:
    """The configurations, best first; at most a screen."""
    order = ranking(statistics, results.mode)
    shown = order[:_ROWS].tolist()
    columns = []
    for key in results.keys:
        cells = [swept_cell(results.configurations[number], key) for number in shown]
        columns.append(Column(short_key(key, results.keys), cells))
    for heading, values, rank in shown_statistics(results, statistics):
        columns.append(Column(heading, [f"{values[number]:.3g}" for number in shown], rank=rank))
    if statistics.diverged[shown].any():
        lost = [str(count) if count else "" for count in statistics.diverged[shown]]
        columns.append(Column("diverged", lost, rank=1))
    kinds = outcomes(results)
    columns.append(
        Column("outcome", [most_common(kinds[:, number]) for number in shown], right=False, rank=4)
    )
    left = len(order) - _ROWS
    print_text(out, "")
    print_table(out, columns, caption=f"{left:,} more in summary.csv" if left > 0 else "")


def _print_study(out: Console, study: BestStudy) -> None:
    """The parameters of the best configuration over the seeds, where their truth is known."""
    if not study.learned:
        return
    shown = list(study.learned)[:_PARAMETERS]
    columns = [Column("parameter", shown, right=False)]
    for measure, heading, rank in (
        ("bias", "bias", 0),
        ("empirical_se", "empirical SE", 2),
        ("rmse", "RMSE", 3),
        ("coverage", "coverage", 1),
    ):
        pairs = ((getattr(of, measure), getattr(of, f"{measure}_mcse")) for of in study.learned.values())
        cells = [with_error(value[study.number], error[study.number]) for value, error in pairs]
        columns.append(Column(heading, cells[: len(shown)], rank=rank))
    left = len(study.learned) - len(shown)
    print_text(out, "\nthe best configuration over its seeds (± Monte Carlo standard error):")
    print_table(out, columns, caption=f"{left:,} more in recovery.csv" if left else "")
    print_text(out, study.sentence)
