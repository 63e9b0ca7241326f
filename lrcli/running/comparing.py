"""Runs beside each other: what differs between them, and what came of it.

    compare_runs([Path("runs/linear/train-0001"), Path("runs/linear/train-0002")])

Results and settings are read, nothing is drawn again, so this needs no NumPy.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from lrcli.config.metrics import best_name, error_name, is_of_best, metric_of
from lrcli.running.bitwise import compare_bits
from lrcli.running.comparison import BitComparison, ResultRow, RunComparison, SettingRow, Verdict
from lrcli.running.settings import (
    IRRELEVANT,
    Settings,
    differing,
    differing_environment,
    relevant,
    settings_of,
)
from lrcli.storage.locking import owner_of
from lrcli.storage.run_result import RunResult

__all__ = ["SEEDS", "UNLIKE", "changed_blocks", "comparable", "compare_runs", "short_names"]

SEEDS = {"seed", "dataset.seed"}
_BEST_EPOCH = "epoch of the best"
UNLIKE = {
    "dataset": "their data differ, so none of their losses, accuracies and errors is better or worse",
    "loss": "their losses differ, so none of these is better or worse",
}


def short_names(directories: Sequence[Path]) -> list[str]:
    """A name for each directory, such as ``linear/train-0003``; the whole paths where two are alike."""
    real = [directory.resolve() for directory in directories]
    short = ["/".join(directory.parts[-2:]) for directory in real]
    return short if len(set(short)) == len(short) else list(map(str, real))


def compare_runs(directories: Sequence[Path], results: Sequence[RunResult]) -> RunComparison:
    """Compare runs.

    Args:
        directories: of two runs or more, each once.
        results: of each.
    """
    results = [_alive(*each) for each in zip(directories, results, strict=True)]
    settings, notes = settings_of(directories, results)
    unlike, equal = differing(settings)
    changed = changed_blocks(unlike, results) if equal is not None else set(UNLIKE)
    repetitions = tuple(_repetitions(directories, results, settings))
    if equal is not None:
        notes += [UNLIKE[block] for block in UNLIKE if block in changed]
        notes += _about_chance(unlike, alike=bool(repetitions))
    return RunComparison(
        names=tuple(short_names(directories)),
        directories=tuple(directory.as_posix() for directory in directories),
        statuses=tuple(result.status for result in results),
        settings=unlike,
        equal_settings=equal,
        environment=differing_environment(results),
        notes=tuple(notes),
        results=tuple(_rows(results, changed)),
        repetitions=repetitions,
    )


def changed_blocks(unlike: Sequence[SettingRow], results: Sequence[Any]) -> set[str]:
    """The blocks that results cannot be compared across: dataset and loss, where they differ."""
    keys = {row.name for row in unlike} - SEEDS
    found = {block for block in UNLIKE if any(key.partition(".")[0] == block for key in keys)}
    digests = {tuple(sorted(file.sha256 for file in result.data)) for result in results}
    return found | ({"dataset"} if len(digests) > 1 else set())


def _about_chance(unlike: Sequence[SettingRow], *, alike: bool) -> Iterator[str]:
    """What one run each can say."""
    keys = {row.name for row in unlike if row.name.partition(".")[0] not in IRRELEVANT}
    if keys and keys <= SEEDS:
        yield "they differ in the seed alone: what differs in their results is chance"
    elif keys and not alike:
        yield (
            "one run each says nothing about chance: train several seeds of each with lrcli sweep, and "
            "compare the sweeps"
        )


def _repetitions(
    directories: Sequence[Path], results: Sequence[RunResult], settings: Sequence[Settings | None]
) -> Iterator[BitComparison]:
    """Of runs with the same settings and seed, each against the first of them."""
    trained = [
        each and (relevant(each), [file.sha256 for file in result.data])
        for each, result in zip(settings, results, strict=True)
    ]
    for run, own in enumerate(trained):
        first = trained.index(own)
        if own and first < run:
            yield compare_bits((first, run), directories, results)


def _alive(directory: Path, result: RunResult) -> RunResult:
    """The result; of a run that says it is running where nobody is at work, one that has failed."""
    is_dead = result.status == "running" and owner_of(directory) is None
    return replace(result, status="failed") if is_dead else result


# Results ---------------------------------------------------------------------------------------------------


def _rows(results: Sequence[RunResult], changed: set[str]) -> Iterator[ResultRow]:
    """Every row of the results."""
    for name in ("status", "outcome"):
        yield ResultRow(name, tuple(getattr(result, name) for result in results), "word")
    for name in ("epochs", "steps", "diverged_step"):
        yield _count(name, [getattr(result, name) for result in results])
    yield ResultRow("expectations met", tuple(_met(result) for result in results), "word")
    for name in dict.fromkeys(name for result in results for name in result.metrics):
        yield _metric(name, [result.metrics.get(name) for result in results], changed)
    yield from _best(results, changed)
    errors = [{row.name: row.error for row in result.recovery if row.told} for result in results]
    for element in dict.fromkeys(name for each in errors for name in each):
        yield _error(error_name(element), [each.get(element) for each in errors], changed)
    seconds = [result.timing.train_seconds if result.timing else None for result in results]
    yield ResultRow("train_seconds", tuple(seconds), "seconds", *_change(seconds, divides=True))


def _met(result: RunResult) -> str | None:
    passed = sum(row.passed for row in result.expectations)
    return f"{passed} of {len(result.expectations)}" if result.expectations else None


def _best(results: Sequence[RunResult], changed: set[str]) -> Iterator[ResultRow]:
    """The value of each metric by which a run was best, and the epoch."""
    bests = [result.best for result in results]
    for name in dict.fromkeys(best.metric for best in bests if best):
        values = [best.value if best and best.metric == name else None for best in bests]
        yield _metric(best_name(name), values, changed)
    if any(bests):
        yield _count(_BEST_EPOCH, [best.epoch if best else None for best in bests])


def _count(name: str, values: Sequence[int | None]) -> ResultRow:
    return ResultRow(name, tuple(values), "count", None, _change(values, divides=False)[1])


def _metric(name: str, values: Sequence[float | None], changed: set[str]) -> ResultRow:
    """A metric; of one that is above 0 the ratio says more, of others the difference."""
    numbers = _finite(values)
    metric = metric_of(name.removeprefix("best/") if is_of_best(name) else name)
    positive = metric.scale == "log" and all(value is None or value > 0 for value in numbers)
    kind: Literal["share", "metric", "number"] = (
        "share" if metric.group == "accuracy" else "metric" if positive else "number"
    )
    ratio, difference = _change(numbers, divides=positive)
    judged = metric.is_outcome and metric.direction is not None and comparable(name, changed)
    sign = -1.0 if metric.direction == "max" else 1.0
    costs = [None if value is None else sign * value for value in numbers]
    return ResultRow(name, tuple(numbers), kind, ratio, difference, *_judgement(costs, judged=judged))


def comparable(name: str, changed: set[str]) -> bool:
    """Whether values of a metric are of the same thing where these blocks differ."""
    metric = metric_of(name)
    of_loss = metric.is_loss or metric.group == "training"
    return "dataset" not in changed and not (of_loss and "loss" in changed)


def _error(name: str, values: Sequence[float | None], changed: set[str]) -> ResultRow:
    """The error of one number among the parameters; the nearer to 0 the better."""
    numbers = _finite(values)
    costs = [None if value is None else abs(value) for value in numbers]
    judgement = _judgement(costs, judged="dataset" not in changed)
    return ResultRow(name, tuple(numbers), "error", None, _change(numbers, divides=False)[1], *judgement)


def _finite(values: Sequence[float | None]) -> list[float | None]:
    return [value if value is not None and math.isfinite(value) else None for value in values]


def _change(values: Sequence[float | None], *, divides: bool) -> tuple[float | None, float | None]:
    """Of two values, the second over the first where that says something, and the second minus the first."""
    first, second = values if len(values) == 2 else (None, None)
    if first is None or second is None:
        return None, None
    ratio = second / first if divides and first > 0 else math.inf
    difference = second - first
    return ratio if math.isfinite(ratio) else None, difference if math.isfinite(difference) else None


def _judgement(costs: Sequence[float | None], *, judged: bool) -> tuple[Verdict | None, tuple[int, ...]]:
    """What the second of two is, and which are the best: those of the least cost."""
    known = {run: cost for run, cost in enumerate(costs) if cost is not None}
    if not judged or len(set(known.values())) < 2:
        return None, ()
    least = min(known.values())
    verdict: Verdict | None = None
    if len(costs) == 2 and len(known) == 2:
        verdict = "better" if known[1] == least else "worse"
    return verdict, tuple(run for run, cost in known.items() if cost == least)
