"""What a sweep has found: its configurations ranked, the best with its interval, what the data leave open."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrcli.analysis.comparison import compare_with_best
from lrcli.analysis.statistics import Statistics, describe_metric, ranking, scores
from lrcli.analysis.sweep_results import SweepResults
from lrcli.config.metrics import split_of
from lrcli.experiment.experiment import Experiment
from lrcli.running.reference_words import why_undetermined
from lrcli.running.stability import stability
from lrcli.storage.result_fields import StableRate
from lrcli.storage.sweep_result import BestConfiguration, ConfigurationRow, OpenParameters
from lrcli.sweeps.stable_rates import divergence_of

__all__ = ["STATISTICS", "findings", "without_missing"]

STATISTICS = ("n", "diverged", "median", "q25", "q75", "mean", "std")
_MOST_LISTED = 1000  # configurations in result.json, the best ones; summary.csv has them all


def findings(experiment: Experiment, results: SweepResults, statistics: Statistics) -> dict[str, Any]:
    """The fields of a `lrcli.storage.sweep_result.SweepResult` that say what was found.

    Args:
        experiment: of the sweep.
        results: what it was made of.
        statistics: of the metric that ranks, over the seeds.
    """
    missing = results.missing
    ranked = {} if missing.any() else _ranked(results, statistics)  # nothing is judged before all have ended
    return ranked | {
        "stability": _stability(experiment, results, statistics),
        "divergence": divergence_of(results),
        "reference": _reference(experiment, results),
        "diverged": int(np.count_nonzero(results.diverged)),
        "missing": int(np.count_nonzero(missing)),
    }


def _ranked(results: SweepResults, statistics: Statistics) -> dict[str, Any]:
    """Each configuration, and the best one with its interval."""
    order = ranking(statistics, results.mode)
    rows = [
        _row(results, statistics, int(number), rank) for rank, number in enumerate(order[:_MOST_LISTED], 1)
    ]
    listed = scores(results)[:, order[:_MOST_LISTED]]
    comparison = compare_with_best(listed, 0, results.mode)
    alike = [row.rank for row, far in zip(rows, comparison.distinguishable, strict=True) if not far]
    test = {
        name: describe_metric(results, name).median[order[0]].item()
        for name in results.final
        if split_of(name) == "test"
    }
    best = BestConfiguration(
        **vars(rows[0]), low=comparison.low, high=comparison.high, like_best=tuple(alike[1:]), test=test
    )
    return {
        "configurations": tuple(rows),
        "configurations_left_out": max(0, len(order) - _MOST_LISTED),
        "best": best,
    }


def _row(results: SweepResults, statistics: Statistics, number: int, rank: int) -> ConfigurationRow:
    numbers = {name: getattr(statistics, name)[number].item() for name in STATISTICS}
    return ConfigurationRow(dict(results.configurations[number]), rank, **numbers)


def _stability(experiment: Experiment, results: SweepResults, statistics: Statistics) -> StableRate | None:
    """Which rates are stable, where none of the sweep is and nothing else was swept."""
    if results.keys != ("optimizer.lr",) or np.isfinite(statistics.median).any() or results.missing.any():
        return None
    return stability(experiment).record


def _reference(experiment: Experiment, results: SweepResults) -> OpenParameters:
    """Which parameters the data leave open, in any seed, and a sentence about it."""
    names = list(results.undetermined)
    if not names:
        return OpenParameters((), "")
    seeds = np.any([mask.any(axis=1) for mask in results.undetermined.values()], axis=0)
    share = "" if seeds.all() else f" of {np.count_nonzero(seeds)} of {len(seeds)} seeds"
    return OpenParameters(tuple(names), why_undetermined(experiment, names, f"The data{share} do"))


def without_missing(statistics: Statistics, missing: NDArray[np.bool_]) -> Statistics:
    """The statistics, blank for configurations of which members are missing.

    Args:
        statistics: (C,) each.
        missing: (S, C) members that have not ended.
    """
    blank = missing.any(axis=0)
    names = ("median", "q25", "q75", "mean", "std")
    kept = {name: np.where(blank, np.nan, getattr(statistics, name)) for name in names}
    return replace(statistics, n=statistics.n - missing.sum(axis=0), **kept)
