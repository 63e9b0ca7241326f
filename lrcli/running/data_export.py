"""The data of an experiment as files that any other program reads.

    train.csv  val.csv  test.csv   float64, as drawn; where there are classes the target is one of them
    truth.json                     the rule, the true and the initial parameters

The first line of a table names its columns: x0, ..., y, or as the table did that the examples are from.
Training rounds these numbers to the experiment's dtype, and nothing else is done to them.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lrcli.components.datasets.table_writing import class_words, column_names
from lrcli.components.truth import true_parameters
from lrcli.errors import CodeError
from lrcli.experiment.experiment import Experiment, resolved
from lrcli.running.resources import memory_for_data, refuse_too_much
from lrcli.storage.directories import take_directory
from lrcli.storage.files import write_json, writing_whole
from lrcli.storage.tables import cells
from lrcli.training.problem import Array, Problem, Split, build_problem

__all__ = ["write_data"]

_NUMBERS = 2**16  # that are text at a time


def write_data(experiment: Experiment, directory: Path) -> list[Path]:
    """Write the splits that have examples, and the truth behind them.

    Args:
        experiment: whose data.
        directory: a new or an empty one.

    Returns:
        The files.

    Raises:
        UsageError: the data are too large to compute with, or for the memory.
        RunDirectoryError: the directory holds something, is another process's, or cannot be made.
        WriteError: a file could not be written.
    """
    if experiment.dataset.needs_code:
        raise CodeError("dataset: is code, which only training runs; there is nothing else to draw it with")
    refuse_too_much(experiment, memory_for_data(experiment))
    problem = build_problem(experiment.dataset, experiment.model, experiment.loss, [experiment.seed])
    with take_directory(directory):
        return _write(experiment, problem, directory)


def _write(experiment: Experiment, problem: Problem, directory: Path) -> list[Path]:
    """Write all files."""
    names = column_names(experiment.dataset, experiment.dataset.num_features)
    classes = class_words(experiment.dataset.class_names)
    paths = []
    for name, split in problem.splits.items():
        paths.append(directory / f"{name}.csv")
        with writing_whole(paths[-1]) as file:
            for lines in _csv(split, names, classes):
                file.write(lines.encode())
    paths.append(directory / "truth.json")
    write_json(paths[-1], _truth(experiment, problem))
    return paths


def _csv(split: Split, names: Sequence[str], classes: Sequence[str] | None) -> Iterator[str]:
    """A line for each example, some lines at a time.

    Args:
        split: the examples.
        names: of the features and the target.
        classes: the texts that stand for the classes; None: their numbers, or targets that are numbers.
    """
    inputs, targets = split.inputs[0], split.targets[0]
    yield ",".join(cells(names)) + "\n"
    words = None if classes is None else np.array(cells(classes), dtype=object)
    step = max(1, _NUMBERS // (inputs.shape[1] + 1))
    for first in range(0, split.size, step):
        x, y = inputs[first : first + step], targets[first : first + step]
        if y.shape[1] > 1:  # one-hot
            y = np.argmax(y, axis=1)[:, None].astype(np.float64)
        ends = _texts(y[:, 0]) if words is None else words[y[:, 0].astype(np.intp)].tolist()
        lines = [",".join([*_texts(row), end]) for row, end in zip(x, ends, strict=True)]
        yield "\n".join([*lines, ""])


def _texts(numbers: Array) -> list[str]:
    """In as few digits as it takes."""
    return [repr(number).removesuffix(".0") for number in numbers.tolist()]


def _truth(experiment: Experiment, problem: Problem) -> dict[str, Any]:
    true = true_parameters(experiment.dataset, experiment.model)
    return {
        "schema": 1,
        "name": experiment.name,
        "seed": experiment.seed,
        "dtype": experiment.dtype,
        "dataset": resolved(experiment)["dataset"],
        "model": experiment.model.kind,
        "parameters": None if true is None else _lists(true),
        "initial": None if experiment.model.needs_code else _lists(_first(problem)),
    }


def _first(problem: Problem) -> dict[str, Array]:
    """The initial parameters of the first draw."""
    return {name: values[0] for name, values in problem.initial.items()}


def _lists(arrays: dict[str, Array]) -> dict[str, Any]:
    return {name: values.tolist() for name, values in arrays.items()}
