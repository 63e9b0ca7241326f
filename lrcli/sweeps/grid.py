"""From the grid of a sweep to the populations that train it.

    grid -> Configurations (C points) -> variants (checked experiments) -> groups that train as one population

Only keys that change no shape differ within a group: the numbers of the optimizer, the gradient's limit,
the dataset's rule, the initializer, the noise of the inputs. Any other key splits the sweep. Whatever
differs in the optimizer's numbers alone needs no experiment of its own: ten thousand learning rates are
one variant and a vector.
"""

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from lrcli.components.choices import AnyOptimizer
from lrcli.config.blocks import GridSpec
from lrcli.config.document import Document
from lrcli.errors import CodeError, ExperimentError, UsageError
from lrcli.experiment.experiment import Experiment
from lrcli.experiment.loading import at_point, decisive, one_point, reason
from lrcli.experiment.user_code import opened
from lrcli.sweeps.group import Group, Variant
from lrcli.sweeps.points import Configurations
from lrcli.training.problem import Array

__all__ = ["build_groups", "count_variants", "point_text"]

_CLIP = "training.clip_grad_norm"
_NUMERIC = {f"optimizer.{key}" for kind in get_args(get_args(AnyOptimizer)[0]) for key in kind.numeric}


def build_groups(
    document: Document, configurations: Configurations, seeds: Sequence[int], *, runs_code: bool = True
) -> list[Group]:
    """The populations of a sweep.

    Args:
        document: the experiment file as loaded, overrides applied.
        configurations: the points of its grids.
        seeds: the seeds.
        runs_code: run the files of code that the points name.

    Raises:
        ExperimentError: a point of the grid is no sound experiment.
        CodeError: its code cannot be used.
    """
    ready = opened if runs_code else _as_it_is
    grouped: dict[str, list[Variant]] = {}
    point = one_point(document)
    for numbers, columns in configurations.columns():
        for variant in _variants(point, numbers, columns, ready):
            grouped.setdefault(_signature(variant.experiment), []).append(variant)
    return [Group(tuple(variants), tuple(seeds)) for variants in grouped.values()]


def _variants(
    document: Document,
    numbers: NDArray[np.intp],
    columns: Mapping[str, tuple[list[Any], NDArray[np.intp]]],
    ready: Callable[[Experiment], Experiment],
) -> Iterator[Variant]:
    """The configurations of one grid, those together that differ in the optimizer's numbers alone."""
    fixed = {key: column for key, column in columns.items() if not _is_vector(key)}
    choices = np.stack([index for _, index in fixed.values()] or [np.zeros_like(numbers)], axis=1)
    different, belongs = np.unique(choices, axis=0, return_inverse=True)
    belongs = belongs.ravel()
    for which in range(len(different)):
        mine = np.flatnonzero(belongs == which)
        point = {key: points[int(index[mine[0]])] for key, (points, index) in columns.items()}
        experiment = _sound(document, point, ready)
        varied: dict[str, Array] = {}
        for key, (points, index) in columns.items():
            if _is_vector(key):
                varied |= _vectors(key, points, index[mine])
                for value in decisive(points) if which else ():  # the first variant's are checked in the file
                    _sound(document, point | {key: value})
        yield Variant(experiment, numbers[mine], varied)


def _as_it_is(experiment: Experiment) -> Experiment:
    return experiment


def _sound(
    document: Document,
    point: dict[str, Any],
    ready: Callable[[Experiment], Experiment] = _as_it_is,
) -> Experiment:
    """The experiment at a point, made ready, or the error that says which point is none."""
    try:
        return ready(at_point(document, point))
    except CodeError as error:
        raise error.at(f"sweep.grid: with {point_text(point)}") from None
    except UsageError as error:
        raise ExperimentError([f"sweep.grid: with {point_text(point)}: {reason(error)}"]) from None


def point_text(point: Mapping[str, Any]) -> str:
    """A point of a grid as overrides, such as ``optimizer.lr=0.1, training.epochs=3``."""
    return ", ".join(f"{key}={json.dumps(value)}" for key, value in point.items())


def count_variants(grid: Mapping[str, GridSpec]) -> int:
    """The points of a grid that need an experiment of their own."""
    return math.prod(len(spec.points()) for key, spec in grid.items() if not _is_vector(key))


def _is_vector(key: str) -> bool:
    """Whether members of one population may differ in a key."""
    block, _, name = key.partition(".")
    return key == _CLIP or f"{block}.{name.split('.')[0]}" in _NUMERIC


def _vectors(key: str, points: list[Any], index: NDArray[np.intp]) -> dict[str, Array]:
    """The hyperparameters that a key sets, one for each number of a list."""
    name = key.partition(".")[2]
    if isinstance(points[0], list):
        table = np.array(points, dtype=np.float64)
        return {f"{name}.{i}": table[index, i] for i in range(table.shape[1])}
    values = np.array([math.inf if point is None else point for point in points], dtype=np.float64)
    return {name: values[index]}


def _signature(experiment: Experiment) -> str:
    """What must be equal for members to train in one population."""
    whole = experiment.model_dump(mode="json")
    dataset = experiment.dataset
    sizes = [*dataset.sizes.values(), dataset.num_features, dataset.num_classes]
    for block, keys in (("model", {"init", "input_noise"}), ("training", {"clip_grad_norm"})):
        whole[block] = {key: value for key, value in whole[block].items() if key not in keys}
    numeric = set(experiment.optimizer.numeric)
    optimizer = {key: value for key, value in whole["optimizer"].items() if key not in numeric}
    rest = [whole[key] for key in ("model", "loss", "training", "logging", "dtype", "device", "engine")]
    return json.dumps([dataset.kind, sizes, optimizer, *rest], sort_keys=True)
