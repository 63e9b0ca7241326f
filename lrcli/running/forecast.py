"""What training an experiment is going to do, without training it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from lrcli.analysis.forecast import Forecast, RateForecast
from lrcli.analysis.gradient_noise import gradient_noise
from lrcli.analysis.ordered_path import OrderedPath, batches_of
from lrcli.analysis.quadratics import SquaredErrors, quadratic, triangle
from lrcli.analysis.smooth_path import SmoothPath
from lrcli.analysis.theory import Rule, term_curvature
from lrcli.components.optimizers import SGD
from lrcli.components.schedules import Constant
from lrcli.experiment.experiment import Experiment
from lrcli.running.curvature import decay_of
from lrcli.running.stability import stability
from lrcli.training.problem import Array, Problem, build_problem

__all__ = ["Forecast", "RateForecast", "Unforeseen", "forecast", "is_quick"]

_MOST_WORK = 1e9  # N P^2: about half a second
_MOST_NOISY = 48  # parameters whose spread is worked out; with momentum a quarter of it
_MOST_STEPS = 50_000  # of a rate that changes, or batches in their order in an epoch
_MOST_RECORDS = 10_000
_QUICK = 3e6  # multiply-adds of the data, or of the maps of an epoch's batches: some milliseconds


@dataclass(frozen=True)
class Unforeseen:
    """There is no forecast.

    Attributes:
        reason: why, a clause.
    """

    reason: str


@dataclass(frozen=True)
class _Setting:
    """What a forecast is made of.

    Attributes:
        columns: (N, P) the design matrix, each row times the root of the curvature of a term in a step.
        targets: (N,) times the same.
        start: (P,) the parameters.
        decay: (P,) the weight decay of each.
        rule: of SGD.
        sizes: of the batches of an epoch.
        whole_factor: of the squared errors in the loss of the whole training set, twice.
        batch_factors: likewise in that of each batch.
    """

    columns: Array
    targets: Array
    start: Array
    decay: Array
    rule: Rule
    sizes: list[int]
    whole_factor: float
    batch_factors: Array


def forecast(experiment: Experiment, problem: Problem | None = None) -> Forecast | Unforeseen:
    """The losses and parameters to expect, in float64 whatever the experiment's dtype is.

    Args:
        experiment: what is to be trained.
        problem: its data as they are trained, standardised where they are, where they have been drawn; the
            first row counts.

    Returns:
        The forecast, or the reason why there is none.
    """
    reason = _why_not(experiment)
    if reason:
        return Unforeseen(reason)
    if problem is None:
        problem = build_problem(experiment.dataset, experiment.model, experiment.loss, [experiment.seed])
    with np.errstate(over="ignore", invalid="ignore"):  # what is too large is infinite, or no number
        setting = _setting(experiment, problem)
        path = _path(experiment, setting)
        return _forecast(experiment, problem, setting, path)


def is_quick(experiment: Experiment) -> bool:
    """Whether a forecast takes so little time that nobody notices."""
    size = sum(parameter.size for parameter in experiment.parameters)
    count = experiment.dataset.sizes["train"]
    batches = experiment.training.num_batches(count)
    maps = batches * (2 * size + 1) ** 3 if batches > 1 else 0
    return max(max(count, size) * size**2, maps) <= _QUICK


def _why_not(experiment: Experiment) -> str:
    """Why there is no forecast, before the data are looked at; empty where there may be one."""
    optimizer, model, training = experiment.optimizer, experiment.model, experiment.training
    if experiment.needs_code or experiment.dataset.needs_code:
        return "what code of yours computes is not known without running it"
    if not isinstance(optimizer, SGD):
        return f"the steps of {optimizer.kind} are not linear in the gradient"
    if term_curvature(model, experiment.loss) is None:
        what = model.kind if not model.linear_in_parameters else experiment.loss.kind
        return f"the loss is no quadratic of the parameters ({what})"
    if training.clip_grad_norm is not None:
        return "clipped gradients are not linear in the parameters"
    if model.noise_of_inputs > 0:
        return "the inputs are noisy, other ones in every epoch"
    size = sum(parameter.size for parameter in experiment.parameters)
    count = experiment.dataset.sizes["train"]
    if max(count, size) * size**2 > _MOST_WORK:
        return "it would take longer than a second to work out"
    return _why_not_batches(experiment, size, count)


def _why_not_batches(experiment: Experiment, size: int, count: int) -> str:
    """The same for the way in which the examples come."""
    training, sizes = experiment.training, experiment.training.batch_sizes(count)
    constant = isinstance(experiment.optimizer, SGD) and _is_constant(experiment.optimizer)
    if not constant and training.epochs * len(sizes) > _MOST_STEPS:
        return f"the rate changes over more than {_MOST_STEPS:,} steps"
    if len(sizes) == 1 and sizes[0] == count:
        return ""
    if not training.shuffle:
        if not constant:
            return "the rate changes while the batches come in their own order"
        if len(sizes) * (2 * size + 1) ** 3 > _MOST_WORK or len(sizes) > _MOST_STEPS:
            return "it would take longer than a second to work out"
        return ""
    if experiment.loss.reduction == "sum" and len(set(sizes)) > 1:
        return "the last batch is smaller, and its sum moves the parameters less"
    if len(sizes) * size**2 > 1e8:
        return "it would take longer than a second to work out"
    return ""


def _is_constant(optimizer: SGD) -> bool:
    return isinstance(optimizer.schedule, Constant)


def _setting(experiment: Experiment, problem: Problem) -> _Setting:
    split, loss, optimizer = problem.splits["train"], experiment.loss, experiment.optimizer
    count = split.size
    sizes = experiment.training.batch_sizes(count)
    root = np.sqrt(term_curvature(experiment.model, loss) or 0.0)
    mean = loss.reduction == "mean"
    hyperparameters = optimizer.hyperparameters()
    nesterov = isinstance(optimizer, SGD) and optimizer.nesterov
    return _Setting(
        columns=root * experiment.model.design(split.features[0]),
        targets=root * split.targets[0, :, 0],
        start=problem.starts(np.array([0]))[0],
        decay=decay_of(experiment),
        rule=Rule(hyperparameters["momentum"], hyperparameters["dampening"], nesterov),
        sizes=sizes,
        whole_factor=1 / count if mean else 1.0,
        batch_factors=1 / np.array(sizes) if mean else np.ones(len(sizes)),
    )


def _path(experiment: Experiment, setting: _Setting) -> SmoothPath | OrderedPath:
    count = len(setting.columns)
    whole = triangle(setting.columns, setting.targets, setting.whole_factor)
    shuffled = experiment.training.shuffle and setting.sizes != [count]
    if setting.sizes != [count] and not shuffled:
        return _ordered(setting, whole)
    scale = float(np.mean(setting.batch_factors * setting.sizes)) / count
    root = np.sqrt(scale)
    errors = SquaredErrors(
        root * whole.roots, root * whole.targets, scale * whole.rest, setting.whole_factor / scale
    )
    objective = quadratic(errors, setting.decay)
    path = SmoothPath(
        errors, objective, setting.start, setting.rule, len(setting.sizes), _schedule(experiment, setting)
    )
    if not shuffled or _why_no_noise(experiment, setting):
        return path
    unit = np.sqrt(scale * count)
    residuals = unit * (setting.columns @ objective.reference - setting.targets)
    noise = gradient_noise(
        objective, unit * setting.columns, residuals, setting.start, setting.sizes, setting.rule
    )
    return SmoothPath(errors, objective, setting.start, setting.rule, len(setting.sizes), None, noise)


def _why_no_noise(experiment: Experiment, setting: _Setting) -> str:
    """Why the spread that shuffled batches leave is not worked out, a clause; empty where it is."""
    if _schedule(experiment, setting) is not None:
        return "it is worked out for constant rates only"
    most, momentum = (_MOST_NOISY // 4, " with momentum") if setting.rule.momentum else (_MOST_NOISY, "")
    return f"it is worked out for up to {most} parameters{momentum}" if len(setting.start) > most else ""


def _ordered(setting: _Setting, whole: SquaredErrors) -> OrderedPath:
    hessians, slopes = [], []
    unseen = setting.columns @ setting.start - setting.targets
    for batch, factor in zip(
        batches_of(len(setting.columns), setting.sizes), setting.batch_factors, strict=True
    ):
        columns = setting.columns[batch]
        hessians.append(factor * columns.T @ columns + np.diag(setting.decay))
        slopes.append(factor * columns.T @ unseen[batch] + setting.decay * setting.start)
    used = sum(setting.sizes)
    weights = np.sqrt(np.repeat(setting.batch_factors, setting.sizes) / len(setting.sizes))
    seen = triangle(setting.columns[:used] * weights[:, None], setting.targets[:used] * weights)
    objective = quadratic(seen, setting.decay)
    return OrderedPath(whole, objective, setting.start, setting.rule, np.stack(hessians), np.stack(slopes))


def _schedule(
    experiment: Experiment, setting: _Setting
) -> Callable[[Array, NDArray[np.int64]], Array] | None:
    optimizer = experiment.optimizer
    if isinstance(optimizer, SGD) and _is_constant(optimizer):
        return None
    total = experiment.training.epochs * len(setting.sizes)
    return lambda lr, steps: optimizer.schedule.rates(lr, steps, total)


def _forecast(
    experiment: Experiment, problem: Problem, setting: _Setting, path: SmoothPath | OrderedPath
) -> Forecast:
    lr, objective = experiment.optimizer.lr, path.objective
    exact = isinstance(path, OrderedPath) or setting.sizes == [len(setting.columns)]
    floors = _floors(path, lr) if not exact else (0.0, 0.0)
    return Forecast(
        epoch=_records(experiment),
        steps_per_epoch=len(setting.sizes),
        exact=exact,
        least=float(path.errors.of(objective.reference)),
        floor=floors[0],
        floor_of_independent=floors[1],
        lr=lr,
        constant=_schedule(experiment, setting) is None,
        noise_counts=exact or not _why_no_noise(experiment, setting),
        notes=tuple(_notes(experiment, setting, exact=exact)),
        _path=path,
        _by_name=problem.by_name,
        _change=_change(problem),
        _find_largest_rate=partial(_largest_rate, experiment, problem),
    )


def _records(experiment: Experiment) -> NDArray[np.int64]:
    """The epochs of the records, or of every so manyth."""
    epochs, every = experiment.training.epochs, experiment.logging.every
    every *= max(1, -(-epochs // every // _MOST_RECORDS))
    return np.append(np.arange(0, epochs, every, dtype=np.int64), epochs)


def _floors(path: SmoothPath | OrderedPath, lr: float) -> tuple[float, float]:
    """What noise adds to the loss in the end, with shuffled and with independent batches."""
    if isinstance(path, OrderedPath) or path.noise is None:
        return np.nan, np.nan
    both = [path.noise.floor(lr, independent=independent) for independent in (False, True)]
    added = [path.added(spread) for spread in both]
    return tuple(float(each) if np.isfinite(each) else np.nan for each in added)  # type: ignore[return-value]


def _largest_rate(experiment: Experiment, problem: Problem) -> float | None:
    constant = experiment.optimizer.model_copy(update={"schedule": Constant(kind="constant")})
    return stability(experiment.model_copy(update={"optimizer": constant}), problem).limit


def _change(problem: Problem) -> Callable[[Array], Array]:
    """From differences of parameters (K, P) as they are trained to such in the units of the data."""
    size = sum(parameter.size for parameter in problem.parameters)
    row = np.zeros(1, dtype=np.intp)
    changed = problem.in_original_units(problem.by_name(np.eye(size)[:, None]), row)
    if problem.scaling is None or changed is None:
        return lambda gaps: gaps
    matrix = np.concatenate([changed[p.name].reshape(size, -1) for p in problem.parameters], axis=1)
    return lambda gaps: np.asarray(gaps @ matrix)


def _notes(experiment: Experiment, setting: _Setting, *, exact: bool) -> list[str]:
    """What the forecast leaves out, a clause each."""
    found = []
    if experiment.training.early_stopping is not None:
        found.append("training may stop early")
    reason = "" if exact else _why_no_noise(experiment, setting)
    if reason:
        found.append(f"the noise of the batches ({reason})")
    return found
