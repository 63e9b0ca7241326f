"""A run that has been trained, whole: what its figures and its pages are made of.

It is handed on when a run ends, and it can be read back from the run's directory at any later time: the data
are drawn again, the rest is in the files.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from lrcli.components.initializers import Parameter
from lrcli.errors import RunDirectoryError
from lrcli.experiment.experiment import Experiment
from lrcli.experiment.loading import load
from lrcli.storage.history import History
from lrcli.storage.parameter_path import ParameterPath
from lrcli.storage.reading import read_result
from lrcli.storage.run_result import RunResult
from lrcli.storage.sweep_result import SweepResult
from lrcli.storage.table_reading import read_metrics, read_path
from lrcli.training.problem import Problem, build_problem

__all__ = ["PATH_FILE", "TrainedRun", "experiment_of", "read_run", "refuse_other_data", "trained_run"]

PATH_FILE = "path.npz"  # in checkpoint/
_PATH = f"checkpoint/{PATH_FILE}"


@dataclass(frozen=True, eq=False)
class TrainedRun:
    """A run, as far as it has come.

    Attributes:
        experiment: what was trained.
        problem: its data, and the parameters that it began with, in the units of the data where the model
            knows its parameters in those.
        history: its records.
        path: the way of its parameters, in the same units.
        result: how it ended; of a run that goes on, what is known so far.
    """

    experiment: Experiment
    problem: Problem
    history: History
    path: ParameterPath
    result: RunResult

    def at(self, record: ParameterPath) -> "TrainedRun":
        """The run as it was at one of its records.

        Args:
            record: its epoch, step and parameters; of one record, which becomes the end of the path.
        """
        epoch = int(record.epoch[0])
        records, kept = self.history.epoch <= epoch, self.path.epoch < epoch
        history = History(
            self.history.epoch[records],
            self.history.step[records],
            {name: values[:, records] for name, values in self.history.metrics.items()},
        )
        path = ParameterPath(
            np.append(self.path.epoch[kept], record.epoch),
            np.append(self.path.step[kept], record.step),
            {
                name: np.append(v[kept], record.parameters[name], axis=0)
                for name, v in self.path.parameters.items()
            },
        )
        result = replace(self.result, status="running", epochs=epoch, diverged_step=None, best=None)
        return replace(self, history=history, path=path, result=result)


def trained_run(
    experiment: Experiment, problem: Problem, history: History, path: ParameterPath, result: RunResult
) -> TrainedRun:
    """A run from what was trained, which may have been on standardised inputs."""
    if problem.original is problem:
        return TrainedRun(experiment, problem, history, path, result)
    # Each record has the same row of data: (K, *shape) are members of one row.
    original = problem.in_original_units(path.parameters, np.zeros(len(path), dtype=np.intp))
    return TrainedRun(
        experiment, problem.original, history, replace(path, parameters=original or path.parameters), result
    )


def read_run(directory: Path) -> TrainedRun:
    """Read a run back from its directory.

    Raises:
        RunDirectoryError: there is no run, it has no records, or its files are damaged.
        ExperimentError: its experiment.yaml has been changed and is wrong.
    """
    result = read_result(directory)
    if not isinstance(result, RunResult):
        raise RunDirectoryError(f"{directory}: holds a sweep, not a run")
    if "metrics.csv" not in result.files and not (directory / "metrics.csv").exists():
        raise RunDirectoryError(f"{directory}: has no records: the run is {result.status}")
    experiment = experiment_of(directory, result)
    refuse_other_data(directory, experiment.dataset.files, result)
    problem = build_problem(experiment.dataset, experiment.model, experiment.loss, [experiment.seed])
    if experiment.model.needs_code:
        problem = _with_parameters(problem, directory, result)
    history = read_metrics(result.file(directory, "metrics.csv"))
    return trained_run(experiment, problem, history, _read_path(directory, problem, result), result)


def experiment_of(directory: Path, result: RunResult) -> Experiment:
    """The experiment that a run was.

    Raises:
        RunDirectoryError: its experiment.yaml is no longer the one that it was trained with.
        ExperimentError: likewise, and it is wrong.
    """
    path = directory / "experiment.yaml"
    if path.exists() and not result.file(directory, path.name).whole():
        raise RunDirectoryError(
            f"{path}: has been changed since the run was trained with it; put it back as it was, or train "
            f"another run with it: lrcli train {path}"
        )
    return load(path).experiment


def refuse_other_data(directory: Path, there: Mapping[str, str], result: RunResult | SweepResult) -> None:
    """Refuse files that are no longer what a run or a sweep was trained on.

    Args:
        directory: of the run or the sweep.
        there: from the path of each file, as it is now, to the SHA-256 of its content.
        result: with the files as they were.

    Raises:
        RunDirectoryError: one of them has changed.
    """
    what = "run" if isinstance(result, RunResult) else "sweep"
    for file in result.data:
        if there.get(file.file, file.sha256) != file.sha256:
            raise RunDirectoryError(
                f"{directory}: {file.file} has changed since this {what} was trained on it (its SHA-256 was "
                f"{file.sha256[:12]}...); put back the file as it was, or train again"
            )


def _with_parameters(problem: Problem, directory: Path, result: RunResult) -> Problem:
    """The problem with the parameters that the run had, which are not asked of its code again."""
    if not _has_path(directory, result):
        raise RunDirectoryError(
            f"{directory}: the run is {result.status} and has kept no parameters, and code of a model is run "
            "only to train it; train again"
        )
    path = read_path(result.file(directory, _PATH))
    first = {name: values[:1] for name, values in path.parameters.items()}
    parameters = tuple(Parameter(n, v.shape[1:], (v.size, 1), fan_in=1) for n, v in first.items())
    return replace(problem, parameters=parameters, initial=first)


def _has_path(directory: Path, result: RunResult) -> bool:
    """Whether the run has kept its path; one that it has kept and that is gone is told when it is read."""
    return _PATH in result.files or (directory / _PATH).exists()


def _read_path(directory: Path, problem: Problem, result: RunResult) -> ParameterPath:
    """The path; of a run that has kept none, its two ends, and of one that did not end, its beginning."""
    shapes = {parameter.name: parameter.shape for parameter in problem.parameters}
    if _has_path(directory, result):
        path = read_path(result.file(directory, _PATH))
    else:
        ends = [{name: values[0] for name, values in problem.initial.items()}]
        ends += [{name: np.asarray(v) for name, v in result.parameters.items()}] if result.parameters else []
        epoch, step = (np.array([0, last][: len(ends)]) for last in (result.epochs, result.steps))
        names = set.intersection(*(set(end) for end in ends)) if ends else set()
        path = ParameterPath(
            epoch, step, {n: np.stack([end[n] for end in ends]) for n in shapes if n in names}
        )
    if {name: values.shape[1:] for name, values in path.parameters.items()} != shapes:
        raise RunDirectoryError(
            f"{directory}: its parameters are not those of its experiment.yaml; train again"
        )
    return path
