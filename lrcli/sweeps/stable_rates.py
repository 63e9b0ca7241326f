"""The largest stable learning rate of each configuration of a sweep.

It depends on everything but the rate, so configurations that differ in the rate alone have it in common; and
on the data, which each seed draws anew. It is worked out for a few seeds, in fractions of a second for all
configurations together: a sweep should take no longer for it. Of what takes more nothing is said.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrcli.analysis.stable_rates import LargestStable, StableRates
from lrcli.analysis.sweep_results import SweepResults
from lrcli.analysis.theory import term_curvature
from lrcli.components.optimizers import SGD
from lrcli.experiment.experiment import Experiment
from lrcli.running.curvature import QUICK, work_of_curvature
from lrcli.running.stability import Stability, stability
from lrcli.storage.sweep_result import Divergence, StableRateRow
from lrcli.sweeps.group import Variant
from lrcli.sweeps.plan import SweepPlan

__all__ = ["divergence_of", "read_stable_rates", "stable_rates"]

_LR, _CLIP = "lr", "clip_grad_norm"
_RATE = f"optimizer.{_LR}"
_MOST_SEEDS = 5
_SECONDS, _LONGEST = 0.1, 0.7  # for all configurations, about: with several seeds each; at most
_WHOLE, _OF_WHOLE = 1e-3, 1e-8  # seconds where a step sees all examples: of each, and of a number to multiply
_CALL, _EXAMPLE, _NUMBER = 5e-3, 5e-6, 1e-7  # where it sees random batches: the same, and of each example
_IN_ORDER = 3.5e-3  # where their order is fixed: of each
_TOO_LONG = "it would take too long beside the training"
_CODE = "code of the experiment's is run only to train it"
_MOST_LISTED = 1000  # in result.json


def stable_rates(plan: SweepPlan) -> StableRates:
    """The largest stable rates of a sweep, from data that are drawn here once more."""
    kinds, of_configuration = _different(plan)
    seconds = np.array([_seconds(experiment) for experiment in kinds])
    together = float(seconds[np.isfinite(seconds)].sum())
    count = int(np.clip(_SECONDS / together if together else 1, 1, min(_MOST_SEEDS, len(plan.seeds))))
    seeds = [plan.seeds[i] for i in np.linspace(0, len(plan.seeds) - 1, count).round().astype(int)]
    allowed = np.cumsum(np.where(np.isfinite(seconds), seconds, 0.0)) <= _LONGEST
    found = [
        _over_seeds(experiment, seeds if quick else ())
        for experiment, quick in zip(kinds, allowed & np.isfinite(seconds), strict=True)
    ]
    return StableRates(_rates(plan), tuple(found[kind] for kind in of_configuration))


def divergence_of(results: SweepResults) -> Divergence | None:
    """The limits, and how many members diverged that should, as result.json has them."""
    if results.stable is None:
        return None
    rows: dict[str, StableRateRow] = {}
    for values, largest in zip(results.configurations, results.stable.largest, strict=True):
        others = {key: value for key, value in values.items() if key != _RATE}
        rows.setdefault(_text(others), StableRateRow(others, **vars(largest)))
    listed = tuple(rows.values())[:_MOST_LISTED]
    return Divergence(listed, **vars(results.stable.foretold(results.status)))


def read_stable_rates(plan: SweepPlan, divergence: Divergence | None) -> StableRates | None:
    """The same again, from what result.json has; None for a sweep of an older lrcli."""
    if divergence is None:
        return None
    rows = {_text(row.values): _largest(row) for row in divergence.stable_rates}
    nothing = LargestStable(None, unknown=_TOO_LONG)
    others = ({key: v for key, v in values.items() if key != _RATE} for values in plan.filled)
    return StableRates(_rates(plan), tuple(rows.get(_text(values), nothing) for values in others))


def _largest(row: StableRateRow) -> LargestStable:
    return LargestStable(**{name: value for name, value in vars(row).items() if name != "values"})


def _text(values: Mapping[str, Any]) -> str:
    """Equal for equal values."""
    return json.dumps(values, sort_keys=True)


def _variants(plan: SweepPlan) -> Iterator[Variant]:
    """Each once, however many parts its population was cut into."""
    yield from (v for group in {id(p.group): p.group for p in plan.parts}.values() for v in group.variants)


def _rates(plan: SweepPlan) -> tuple[float, ...]:
    """(C,) the learning rate of each configuration."""
    rates = np.empty(len(plan.configurations))
    for variant in _variants(plan):
        rates[variant.numbers] = variant.varied.get(_LR, variant.experiment.optimizer.lr)
    return tuple(rates.tolist())


def _different(plan: SweepPlan) -> tuple[list[Experiment], list[int]]:
    """Experiments that may have limits of their own; and (C,) which of them each configuration has."""
    kinds: dict[str, int] = {}
    experiments: list[Experiment] = []
    of_configuration = np.empty(len(plan.configurations), dtype=np.intp)
    for variant in _variants(plan):
        text, of_point = _what_decides(variant.experiment), []
        points, belongs = _points(variant)
        for point in points:
            of_point.append(kinds.setdefault(f"{text}{point}", len(experiments)))
            if of_point[-1] == len(experiments):
                experiments.append(_with(variant.experiment, point))
        of_configuration[variant.numbers] = np.array(of_point)[belongs]
    return experiments, of_configuration.tolist()


def _points(variant: Variant) -> tuple[list[dict[str, float]], NDArray[np.intp]]:
    """Its different hyperparameters without the rate; and (n,) which of them each configuration has."""
    columns = {name: values for name, values in variant.varied.items() if name != _LR}
    rows = np.stack([np.zeros(len(variant.numbers)), *columns.values()], axis=1)
    points, belongs = np.unique(rows, axis=0, return_inverse=True)
    return [dict(zip(columns, point[1:], strict=True)) for point in points.tolist()], belongs.ravel()


def _with(experiment: Experiment, varied: Mapping[str, float]) -> Experiment:
    """The experiment with other numbers of its optimizer's; lists of an adaptive one have no say here."""
    own = {name: value for name, value in varied.items() if "." not in name and name != _CLIP}
    changed: dict[str, Any] = {"optimizer": experiment.optimizer.model_copy(update=own)}
    if _CLIP in varied:
        clip = varied[_CLIP] if math.isfinite(varied[_CLIP]) else None
        changed["training"] = experiment.training.model_copy(update={_CLIP: clip})
    return experiment.model_copy(update=changed)


def _what_decides(experiment: Experiment) -> str:
    """Equal for experiments with the same limit: where a quadratic begins does not matter, for one."""
    constant = term_curvature(experiment.model, experiment.loss) is not None
    return _text(
        {
            "dataset": experiment.dataset.model_dump(mode="json"),
            "model": experiment.model.model_dump(mode="json", exclude={"init"} if constant else None),
            "loss": experiment.loss.model_dump(mode="json"),
            "optimizer": experiment.optimizer.model_dump(mode="json", exclude={_LR}),
            "training": experiment.training.model_dump(mode="json"),
        }
    )


def _seconds(experiment: Experiment) -> float:
    """How long one seed takes, about; infinite where that is too long, or nobody knows."""
    if not isinstance(experiment.optimizer, SGD):
        return 0.0
    if any(component.code_path is not None for component in experiment.components.values()):
        return math.inf
    if term_curvature(experiment.model, experiment.loss) is None:
        return _CALL if work_of_curvature(experiment) <= QUICK else math.inf
    count = experiment.dataset.sizes["train"]
    size = sum(parameter.size for parameter in experiment.parameters)
    batches = experiment.training.num_batches(count)
    if batches == 1:
        return _WHOLE + _OF_WHOLE * count * size**2
    if not experiment.training.shuffle:
        return _CALL + _IN_ORDER * batches
    return _CALL + _EXAMPLE * count + _NUMBER * count * size**2


def _over_seeds(experiment: Experiment, seeds: Sequence[int]) -> LargestStable:
    """The limits of some seeds, as one; of none, why nothing is said."""
    if not seeds:
        code = any(component.code_path is not None for component in experiment.components.values())
        return LargestStable(None, unknown=_CODE if code else _TOO_LONG)
    every = [stability(experiment.model_copy(update={"seed": seed})) for seed in seeds]
    known = [each.limit for each in every if each.limit is not None]
    if 2 * len(known) <= len(every):
        return LargestStable(None, unknown=next(each.unknown for each in every if each.limit is None))
    first: Stability = next(each for each in every if each.limit is not None)
    return LargestStable(
        limit=float(np.median(known)),
        low=min(known),
        high=max(known),
        seeds=len(known),
        sense=first.sense,
        diagnostic=first.diagnostic,
    )
