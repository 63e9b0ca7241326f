"""What a trained model says of other examples: a table in, a prediction for each of its rows out."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lrcli.components.datasets.table_columns import NumberColumn, Table, TextColumn, shown
from lrcli.components.datasets.table_data import Part, TableData
from lrcli.components.datasets.table_reading import TableError, read_names, read_table
from lrcli.errors import RunDirectoryError, UsageError
from lrcli.experiment.experiment import Experiment
from lrcli.running.trained import experiment_of, refuse_other_data
from lrcli.storage.reading import read_result
from lrcli.storage.run_result import RunResult
from lrcli.storage.table_reading import read_parameters
from lrcli.training.problem import Array

__all__ = ["Predictions", "lines_of", "predict"]

_MOST_NAMED = 5  # values of a column that training did not know
_MOST_LISTED = 12  # names of columns
_CURE = "fill it in, or take the row out: the model needs all features"  # of a cell without a value


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a model says of N examples.

    Attributes:
        outputs: (N, O) of the model.
        probabilities: (N, C) of each class; None where targets are numbers.
        decided: (N,) the most likely class; None likewise.
        classes: the names of the classes; none where targets are numbers.
        loss: of the examples, where the table says their targets; else None.
        accuracy: likewise, of classes.
        ignored: columns of the table that are not used.
        why_no_loss: why targets that the table has are not used; empty where they are, or it has none.
    """

    outputs: Array
    probabilities: Array | None
    decided: NDArray[np.intp] | None
    classes: tuple[str, ...]
    loss: float | None
    accuracy: float | None
    ignored: tuple[str, ...]
    why_no_loss: str


@dataclass(frozen=True, eq=False)
class _Examples:
    """What was read of a table.

    Attributes:
        inputs: (N, D).
        targets: (N, 1); None where the table does not have them, or not in every row.
        ignored: as in `Predictions`.
        why_no_loss: likewise.
    """

    inputs: Array
    targets: Array | None
    ignored: tuple[str, ...]
    why_no_loss: str


def predict(directory: Path, file: Path, *, best: bool = False, separator: str | None = None) -> Predictions:
    """Have a run's model predict the rows of a table.

    Args:
        directory: of the run.
        file: CSV or Parquet, with the columns that were the features; other columns are ignored.
        best: with the parameters of its best record, not with the last.
        separator: between the cells of a CSV file; None: that of the run's own table, else a comma.

    Raises:
        RunDirectoryError: there is no run, or it has not ended.
        UsageError: the table lacks a column, or a cell is wrong; all mistakes together.
    """
    result = read_result(directory)
    if not isinstance(result, RunResult):
        raise RunDirectoryError(f"{directory}: holds a sweep, not a run")
    experiment = experiment_of(directory, result)
    refuse_other_data(directory, experiment.dataset.files, result)
    kept = result.file(directory, f"checkpoint/{'best' if best else 'last'}.npz")
    if kept.sha256 is None and not kept.path.exists():
        raise RunDirectoryError(f"{directory}: has no parameters: the run is {result.status}")
    parameters = read_parameters(kept)
    examples = _read(experiment.dataset.as_table, file, separator)
    inputs = examples.inputs
    scaling = experiment.dataset.scaling(experiment.seed)
    if scaling is not None:
        inputs = (inputs - scaling.mean) / scaling.scale
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            outputs = experiment.model.outputs(parameters, inputs)
    except (KeyError, ValueError):  # parameters of another model
        raise kept.damaged() from None
    if outputs is None:
        raise UsageError(_why_not(experiment, kept.path))
    return _judged(experiment, outputs, examples)


def _why_not(experiment: Experiment, kept: Path) -> str:
    """Why a model cannot be asked for predictions."""
    if experiment.model.needs_code:
        return (
            "the model is code of yours, which runs only where it is trained or tested; its parameters, by "
            f"their names in named_parameters, are in {kept}"
        )
    return f"the model {experiment.model.kind} has no formula outside of training"


def _judged(experiment: Experiment, outputs: Array, examples: _Examples) -> Predictions:
    """The outputs as classes, where there are classes, and held against the targets."""
    targets = examples.targets
    count = experiment.dataset.num_classes
    probabilities = decided = loss = accuracy = None
    if count is not None:
        with np.errstate(over="ignore", invalid="ignore"):
            probabilities = experiment.loss.probabilities(outputs)
        if probabilities.shape[1] != count:  # a number that was fitted to the numbers of the classes
            probabilities = None
        elif outputs.shape[1] > 1:
            decided = np.asarray(np.argmax(probabilities, axis=1), dtype=np.intp)  # of equals the first,
        else:
            decided = np.asarray(probabilities[:, 1] >= 0.5, dtype=np.intp)  # or class 1, as in training
    if targets is not None:
        wide = (targets == np.arange(outputs.shape[1])).astype(float) if outputs.shape[1] > 1 else targets
        loss = experiment.loss.value(outputs, wide)
        accuracy = None if decided is None else float(np.mean(decided == targets[:, 0]))
    names = experiment.dataset.class_names or tuple(map(str, range(count or 0)))
    return Predictions(
        outputs, probabilities, decided, names, loss, accuracy, examples.ignored, examples.why_no_loss
    )


def _read(known: TableData, file: Path, separator: str | None) -> _Examples:
    """The rows of a table as examples.

    Args:
        known: what a table of the dataset's examples is like.
        file: the table.
        separator: between the cells of a CSV file; None: that of the known table.

    Raises:
        UsageError: it cannot be read, or something in it is wrong; all mistakes together.
    """
    columns, target = list(known.features), known.target
    separator = separator or known.separator
    try:
        names = read_names(file, separator)
        _refuse_lacking(file, columns, names)
        read, why_no_loss = _table(file, separator, columns, target, names)
        if not read.size and not read.mistakes:
            raise UsageError(f"{file}: has no rows below its names")
        table, mistakes = _like_training(read, known.tables["train"].columns)
        mistakes += _strange_classes(table, target, known.class_values)
    except TableError as error:
        raise UsageError(str(error)) from None
    if mistakes:
        raise UsageError(f"{file}: {mistakes[0]}", mistakes[1:])
    ignored = tuple(name for name in names if name not in {*columns, target})
    part = Part(table, np.arange(table.size))
    targets = known.targets(part) if target in table.columns else None
    return _Examples(known.inputs(part), targets, ignored, why_no_loss)


def _table(
    file: Path, separator: str, columns: list[str], target: str, names: list[str]
) -> tuple[Table, str]:
    """The columns of the features, and of the target where it is there in every row; or why not that one."""
    count, why = names.count(target), ""
    if count == 1:
        table = read_table(file, separator, [*columns, target], drop_missing=False, cure=_CURE)
        if not table.mistakes:
            return table, ""
        others = ", and others" if len(table.mistakes) > 1 else ""
        why = f"{table.mistakes[0].partition('; ')[0]}{others}"
    elif count:
        why = f"column {shown(target)} is there {count} times"
    return read_table(file, separator, columns, drop_missing=False, cure=_CURE), why


def _refuse_lacking(file: Path, columns: list[str], names: list[str]) -> None:
    lacking = [name for name in columns if names.count(name) != 1]
    if lacking:
        raise UsageError(
            f"{file}: lacks {_listed(lacking)} among its columns, or has it more than once; the model needs "
            f"{_listed(columns)}, and there are {_listed(names)}"
        )


def _strange_classes(table: Table, target: str, known: Array | None) -> list[str]:
    """Targets that are none of the numbers which are classes."""
    column = table.columns.get(target)
    if known is None or not isinstance(column, NumberColumn):
        return []
    rows = np.flatnonzero(~np.isin(column.values, known))[:_MOST_NAMED].tolist()
    return [
        f"{table.row_name(row)}, column {shown(target)}: {column.values[row]:g} is none of the classes, "
        f"{', '.join(f'{value:g}' for value in known[:12])}"
        for row in rows
    ]


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_LISTED:,} more" if len(names) > _MOST_LISTED else ""
    return ", ".join(map(shown, names[:_MOST_LISTED])) + more


def _like_training(table: Table, known: Mapping[str, NumberColumn | TextColumn]) -> tuple[Table, list[str]]:
    """The table with the values of text numbered as in training; and what cannot be."""
    mistakes = list(table.mistakes)
    found: dict[str, NumberColumn | TextColumn] = {}
    for name, column in table.columns.items():
        trained = known.get(name)
        if isinstance(trained, TextColumn) and isinstance(column, TextColumn):
            strange = [value for value in column.names if value not in trained.names]
            for value in strange[:_MOST_NAMED]:
                row = int(np.argmax(column.codes == column.names.index(value)))
                mistakes.append(
                    f"{table.row_name(row)}, column {shown(name)}: {shown(value)} was in no row of training; "
                    f"there were {', '.join(map(shown, trained.names[:12]))}"
                )
            ranks = [trained.names.index(value) if value in trained.names else 0 for value in column.names]
            found[name] = TextColumn(np.array(ranks, dtype=np.int32)[column.codes], trained.names)
        elif isinstance(trained, TextColumn) or isinstance(column, TextColumn):
            kind = "text" if isinstance(trained, TextColumn) else "numbers"
            mistakes.append(f"column {shown(name)} does not hold {kind}, as it did in training")
        else:
            found[name] = column
    return replace(table, columns=found), mistakes


def lines_of(predictions: Predictions) -> Iterator[str]:
    """Lines of CSV: the number of the row from 1, the prediction, the probability of each class."""
    names = [f"p({name})" for name in predictions.classes] if predictions.probabilities is not None else []
    outputs = predictions.outputs.shape[1]
    heads = ["prediction"] if outputs == 1 or names else [f"prediction{i}" for i in range(outputs)]
    yield _csv_line(["row", *heads, *names])
    for row in range(len(predictions.outputs)):
        if predictions.probabilities is not None and predictions.decided is not None:
            said = [predictions.classes[predictions.decided[row]]]
            said += [repr(number) for number in predictions.probabilities[row].tolist()]
        else:
            said = [repr(number) for number in predictions.outputs[row].tolist()]
        yield _csv_line([str(row + 1), *said])


def _csv_line(cells: Sequence[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(cells)
    return line.getvalue()
