"""The report of a sweep as a page."""

import math
import shlex
from collections import Counter
from collections.abc import Iterator, Sequence

from lrcli.analysis.judging import find_verdict
from lrcli.analysis.outcomes import outcomes
from lrcli.analysis.statistics import Statistics, describe_metric, ranking
from lrcli.analysis.sweep_results import SweepResults
from lrcli.experiment.experiment import Experiment
from lrcli.reporting.pages.content import Cell, Column, Figure, Page, Section, Table
from lrcli.reporting.pages.sections import figures_section, repeat_section, settings_section
from lrcli.reporting.sweeps.ranked import most_common, shown_statistics, swept_cell
from lrcli.reporting.sweeps.recovery import MEANINGS, BestStudy
from lrcli.reporting.sweeps.verdict import how_it_ended, sentences, unjudged
from lrcli.running.summary import summarize
from lrcli.storage.sweep_result import SweepResult

__all__ = ["sweep_page"]

_MOST_ROWS = 300
_MEANINGS = {
    "converged": "its loss stays at a level near the best that is possible",
    "improving": "its loss still falls",
    "stuck": "its loss stays at a level that is not near the best that is possible",
    "oscillating": "its loss moves up and down, beyond the noise of the data",
    "rising": "its loss rises",
    "diverged": "its loss or its parameters stopped being finite, or its loss exploded",
    "interrupted": "it has not ended",
    "unknown": "there are too few records, and nothing to hold them against",
}


def sweep_page(
    results: SweepResults, result: SweepResult, experiment: Experiment, figures: Sequence[Figure]
) -> Page:
    """The report of a sweep.

    Args:
        results: of the sweep.
        result: what was made of them.
        experiment: what was swept.
        figures: in the order to show them.
    """
    statistics = describe_metric(results)
    ended = how_it_ended(result)
    is_judged = result.best is not None
    verdict = [*sentences(find_verdict(results, statistics), result)] if is_judged else [unjudged(result)]
    tables = [_configurations(results, result, statistics)] if is_judged else []
    study = BestStudy(results, int(ranking(statistics, results.mode)[0]))
    found = [study.sentence] if is_judged and study.sentence else []
    return Page(
        title=result.name,
        description=experiment.description,
        summary=[f"A sweep of lrcli: {summarize(experiment)}.", f"{ended[0].upper()}{ended[1:]}."],
        findings=[*verdict, *found],
        sections=[
            figures_section(figures),
            Section("Configurations", tables),
            Section("Parameters over the seeds", [_parameters(study)] if found else []),
            Section("Outcomes", [_outcomes(results)]),
            settings_section(experiment),
            repeat_section(result, _replays(result)),
        ],
    )


def _configurations(results: SweepResults, result: SweepResult, statistics: Statistics) -> Table:
    """The configurations, best first."""
    order = ranking(statistics, results.mode)
    shown = order[:_MOST_ROWS].tolist()
    alike = result.best.like_best if result.best else ()
    standing = dict.fromkeys(alike, "like the best") | {1: "best"}
    ranks = range(1, len(shown) + 1)
    columns = [
        Column("rank", list(ranks)),
        Column("verdict", [standing.get(rank, "") for rank in ranks]),
    ]
    columns += [
        Column(key, [_swept(results, number, key) for number in shown], digits=4) for key in results.keys
    ]
    for heading, values, _ in shown_statistics(results, statistics):
        columns.append(Column(heading, values[shown].tolist(), digits=4))
    if statistics.diverged.any():
        columns.append(Column("diverged", statistics.diverged[shown].tolist()))
    kinds = outcomes(results)
    columns.append(Column("outcome", [most_common(kinds[:, number]) for number in shown]))
    left = len(order) - len(shown)
    return Table("Configurations, best first", columns, " ".join(_notes(results, columns, left)))


def _swept(results: SweepResults, number: int, key: str) -> Cell:
    """A swept value, a number as one."""
    value = results.configurations[number].get(key)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if is_number else swept_cell(results.configurations[number], key)


def _notes(results: SweepResults, columns: Sequence[Column], left: int) -> Iterator[str]:
    """What the columns are."""
    count = len(results.seeds)
    if left:
        yield f"{left:,} more in summary.csv."
    if count > 1:
        yield f"{results.metric} is the median of {count} seeds, q25 and q75 are its quartiles."
        yield "A member that diverged counts as the worst possible."
        yield "Those like the best cannot be told from it."
    if any(column.heading == "error" for column in columns):
        yield "error is the largest error of a parameter."
    if count > 1:
        yield "outcome is the most common one."


def _parameters(study: BestStudy) -> Table:
    """The parameters of the best configuration over its seeds."""
    shown = list(study.learned.items())[:_MOST_ROWS]
    columns = [Column("parameter", [name for name, _ in shown])]
    for measure, heading in (
        ("bias", "bias"),
        ("empirical_se", "empirical SE"),
        ("rmse", "RMSE"),
        ("coverage", "coverage"),
    ):
        for name, title in ((measure, heading), (f"{measure}_mcse", "±")):
            cells = [getattr(of, name)[study.number].item() for _, of in shown]
            known = [cell if math.isfinite(cell) else None for cell in cells]
            columns.append(Column(title, known, digits=3))
    note = f"{MEANINGS[0].upper()}{MEANINGS[1:]}, below ±. recovery.csv has every configuration."
    return Table("The best configuration over its seeds", columns, note)


def _outcomes(results: SweepResults) -> Table:
    """How many members ended how."""
    counts = Counter(outcomes(results).ravel().tolist())
    shown = sorted(counts, key=lambda name: (-counts[name], name))
    return Table(
        "What has become of the members",
        [
            Column("outcome", shown),
            Column("members", [counts[name] for name in shown]),
            Column("what it means", [_MEANINGS[name] for name in shown]),
        ],
    )


def _replays(result: SweepResult) -> list[str]:
    """The command that trains the best member alone, with all that a run records."""
    return [f"lrcli replay {shlex.quote(result.run_dir)} best"] if result.best else []
