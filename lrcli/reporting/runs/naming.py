"""What runs are called beside each other: what tells them apart, or else their directories' names."""

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

from lrcli.config.keys import dotted
from lrcli.experiment.experiment import Experiment, resolved
from lrcli.reporting.key_names import label
from lrcli.running.trained import TrainedRun

__all__ = ["differing_keys", "directory_names", "labels_of"]

_MOST_KEYS = 3  # in a label
_IRRELEVANT = {"name", "description", "expect", "logging", "sweep"}  # to what is learned


def labels_of(runs: Sequence[TrainedRun]) -> list[str]:
    """A label for each run, no two alike: ``lr=0.1``, or ``linear/train-0003``."""
    values = differing_keys([run.experiment for run in runs])
    if 0 < len(values) <= _MOST_KEYS:
        labels = [
            label({key: column[i] for key, column in values.items()}, list(values)) for i in range(len(runs))
        ]
        if len(set(labels)) == len(runs) and all(labels):
            return labels
    return directory_names([run.result.run_dir for run in runs])


def directory_names(directories: Sequence[str]) -> list[str]:
    """A name for each directory of a run or a sweep, such as ``linear/train-0003``, no two alike.

    Args:
        directories: with slashes, as results have them.
    """
    names = ["/".join(PurePosixPath(directory).parts[-2:]) for directory in directories]
    if len(set(names)) < len(names):
        return [f"{i}: {name}" for i, name in enumerate(names, 1)]
    return names


def differing_keys(experiments: Sequence[Experiment]) -> dict[str, list[Any]]:
    """The dotted keys in which experiments differ, with the value of each; None where it has no such key."""
    whole = [resolved(each) for each in experiments]
    flat = [dotted({key: tree[key] for key in tree if key not in _IRRELEVANT}) for tree in whole]
    keys = dict.fromkeys(key for tree in flat for key in tree)
    columns = {key: [tree.get(key) for tree in flat] for key in keys}
    return {key: column for key, column in columns.items() if any(value != column[0] for value in column)}
