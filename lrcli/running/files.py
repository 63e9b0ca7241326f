"""The files of one run: experiment.yaml, metrics.csv, result.json and checkpoint/."""

import contextlib
import math
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrcli.analysis.recovery import Recovery
from lrcli.config.invocation import command_line
from lrcli.experiment.experiment import Experiment, resolved
from lrcli.running.curvature import curvature_ends
from lrcli.running.levels import Levels
from lrcli.running.outcome import outcome_of_run
from lrcli.running.repeating import Earlier
from lrcli.running.result import Findings, Setting, build_result
from lrcli.running.stability import stability
from lrcli.running.trained import PATH_FILE, TrainedRun, trained_run
from lrcli.storage.beginnings import experiment_comment
from lrcli.storage.files import (
    LineFile,
    make_directory,
    refuse_link,
    reporting_errors,
    write_arrays,
    write_result,
    write_whole,
    write_yaml,
)
from lrcli.storage.history import GrowingHistory, History
from lrcli.storage.parameter_path import GrowingPath, ParameterPath
from lrcli.storage.provenance import time_now
from lrcli.storage.result_fields import SourceFiles, Timing
from lrcli.storage.run_result import RunResult, RunStatus
from lrcli.training.loop import TrainingLoop
from lrcli.training.problem import Array, Problem
from lrcli.training.records import Records
from lrcli.training.states import State, group_of, grouped

__all__ = ["OPTIMIZER_FILE", "RunFiles", "state_path"]

OPTIMIZER_FILE = "optimizer.npz"  # in checkpoint/
_CHECKPOINT = "checkpoint"
_METRICS = "metrics.csv"


def state_path(directory: Path) -> Path:
    """Where the last state of the run in a directory is."""
    return directory / _CHECKPOINT / "state.npz"


@dataclass
class RunFiles:
    """The files of one run, and what goes into its result.

    Attributes:
        experiment: what is trained.
        directory: where the files go.
        problem: its data and initial parameters.
        recovery: what the parameters are held against.
        source: what the experiment was read from; None where it was made otherwise.
        expected: from name to comparison.
        facts: what the numbers depend on, for the result's environment.
        started: when the run began.
        command_line: by which it began.
        earlier: the run that it repeats.
    """

    experiment: Experiment
    directory: Path
    problem: Problem
    recovery: Recovery | None
    source: SourceFiles | None
    expected: Mapping[str, str]
    facts: dict[str, Any] = field(default_factory=dict)
    started: str = field(default_factory=time_now)
    command_line: tuple[str, ...] | None = field(default_factory=command_line)
    earlier: Earlier | None = None
    _history: GrowingHistory = field(default_factory=lambda: GrowingHistory(1))
    _metrics: dict[str, float] = field(default_factory=dict)
    _files: dict[str, str] = field(default_factory=dict)  # that are not going to change: the digest of each
    _table: LineFile | None = None
    _ended: RunResult | None = None

    def __post_init__(self) -> None:
        numbers = sum(parameter.size for parameter in self.problem.parameters)
        self._path = GrowingPath(numbers)

    def so_far(self, loop: TrainingLoop) -> TrainedRun:
        """The run as far as its training has come."""
        path = self._path_to(loop, loop.parameters)
        return self._trained(path, self._result("running", Findings(members=loop.members)))

    def _path_to(self, loop: TrainingLoop, parameters: Mapping[str, Array]) -> ParameterPath:
        """The path that ends at the parameters as they are now."""
        return self._path.up_to(ParameterPath(loop.members.epochs, loop.members.steps, parameters))

    def _trained(self, path: ParameterPath, result: RunResult) -> TrainedRun:
        return trained_run(self.experiment, self.problem, self._history.history, path, result)

    def open(self) -> None:
        """Write what is known before training, in place of what an earlier try has left."""
        refuse_link(self.directory / _CHECKPOINT)
        with reporting_errors(self.directory / _METRICS):
            (self.directory / _METRICS).unlink(missing_ok=True)
        file = self.directory / "experiment.yaml"
        if file.exists():
            # A crash may come between a file with more epochs and its digest: until then there is none.
            self.close(self._result("running", Findings()))
        self._files = {file.name: write_yaml(file, resolved(self.experiment), experiment_comment("train"))}
        self.close(self._result("running", Findings()))
        # Not before: a new directory in which nothing could be written goes again.
        make_directory(self.directory / _CHECKPOINT)

    def record(self, records: Records) -> None:
        """A row of metrics.csv for each record; before training, what is taken from batches is left empty."""
        self._history.add(records.epochs, records.steps, records.metrics)
        due = self._path.due(records.epochs)
        if len(due):
            kept = {name: values[due, 0] for name, values in records.parameters.items()}
            self._path.add(ParameterPath(records.epochs[due], records.steps[due], kept))
        columns = {name: values[:, 0] for name, values in records.metrics.items()}
        self._metrics = _last(records.epoch, columns)
        lines = _lines(records.epochs, records.steps, columns)
        if self._table is None:
            self._table = LineFile(self.directory / _METRICS)
            lines.insert(0, _header(records.metrics))
        self._table.write(*lines)

    def state(self, loop: TrainingLoop, added: State) -> State:
        """All that the run needs to go on, as it is while the loop rests.

        Args:
            loop: its training.
            added: what those who follow the run need.
        """
        return {
            **grouped("loop", loop.state()),
            **grouped("history", self._history.history.arrays),
            **grouped("path", self._path.kept.arrays),
            **grouped("added", added),
        }

    def restore(self, loop: TrainingLoop, state: State) -> None:
        """Take over what `state` gave, and write the table of its records anew.

        Raises:
            KeyError: it is the state of another experiment.
            WriteError: the table could not be written.
        """
        history = History.of_arrays(group_of(state, "history"))
        self._history.restore(history)
        self._path.restore(ParameterPath.of_arrays(group_of(state, "path")))
        columns = {name: values[0] for name, values in history.metrics.items()}
        lines = [_header(columns), *_lines(history.epoch, history.step, columns)]
        write_whole(self.directory / _METRICS, "".join(f"{line}\n" for line in lines).encode())
        self._table = LineFile(self.directory / _METRICS)
        self._metrics = _last(int(history.epoch[-1]), columns)
        loop.restore(group_of(state, "loop"))

    def finish(
        self, loop: TrainingLoop, parameters: dict[str, Array], levels: Levels, started: float
    ) -> TrainedRun:
        """Evaluate the test set and write the parameters.

        Args:
            loop: the training that has ended.
            parameters: from name to (1, *shape).
            levels: of the training loss.
            started: `time.perf_counter` when the run began.

        Returns:
            The run, whose result is to be given to `close`.
        """
        status: RunStatus = loop.members.status[0].item()
        if status != "diverged":
            tested = loop.test()
            if self.experiment.training.best is not None and loop.members.best.epoch[0]:
                tested |= loop.test_best()
            self._metrics |= {name: float(values[0]) for name, values in tested.items()}
        self._checkpoint("last", parameters)
        self._checkpoint("best", loop.members.best_parameters)
        path = self._path_to(loop, parameters)
        self._write_checkpoint(PATH_FILE, path.arrays)
        state = loop.optimizer_state(0)
        if state:
            self._write_checkpoint(OPTIMIZER_FILE, _by_parameter(self.problem, state))
        if self._table is not None:
            self._table.close()
            self._files[_METRICS] = self._table.sha256
        found = Findings(
            members=loop.members,
            parameters=parameters,
            original=self.problem.in_original_units(parameters, np.array([0])),
            recovery=self.recovery,
            outcome=outcome_of_run(self._history.history, status, levels),
            stable=stability(self.experiment, loop.problem) if status == "diverged" else None,
            curvature=curvature_ends(
                self.experiment, loop.problem, parameters, state, int(loop.members.steps[0])
            ),
            timing=Timing(loop.seconds, time.perf_counter() - started),
        )
        self._ended = self._result(status, found)
        if self.earlier is not None:
            self._ended = self.earlier.compared(self._ended, self._history.history)
        return self._trained(path, self._ended)

    def close(self, result: RunResult) -> None:
        """Write the result, once everything else is written.

        Raises:
            WriteError: it could not be written.
        """
        write_result(self.directory / "result.json", result.as_data())

    def _result(self, status: RunStatus, found: Findings) -> RunResult:
        setting = Setting(
            self.experiment, self.directory, self.source, self.expected, self.started, self.command_line
        )
        result = build_result(setting, status, self._metrics, self.facts, found)
        return replace(result, files=dict(self._files))

    def _checkpoint(self, name: str, parameters: Mapping[str, Array]) -> None:
        arrays = {key: np.asarray(values[0]) for key, values in parameters.items()}
        self._write_checkpoint(f"{name}.npz", arrays)

    def _write_checkpoint(self, name: str, arrays: Mapping[str, NDArray[Any]]) -> None:
        digest = write_arrays(self.directory / _CHECKPOINT / name, arrays)
        self._files[f"{_CHECKPOINT}/{name}"] = digest

    def fail(self, status: RunStatus, loop: TrainingLoop) -> None:
        """Say in result.json how the run ended that did not end well, where that can still be written.

        What happens after it has finished, while it is drawn, takes nothing from its result. One that could
        not even write its experiment leaves nothing.
        """
        with contextlib.suppress(Exception):  # the error under way is the one to report
            if self._table is not None:
                self._table.close()
            if (self.directory / "experiment.yaml").exists():
                self.close(self._ended or self._result(status, Findings(members=loop.members)))


def _last(epoch: int, metrics: Mapping[str, Array]) -> dict[str, float]:
    """The last of the values of each metric, (K,); before training, those that come from batches are none."""
    last = {name: float(values[-1]) for name, values in metrics.items()}
    return {name: value for name, value in last.items() if epoch or not math.isnan(value)}


def _header(metrics: Iterable[str]) -> str:
    """The first line of metrics.csv."""
    return ",".join(["epoch", "step", *metrics])


def _lines(epochs: NDArray[np.int64], steps: NDArray[np.int64], metrics: Mapping[str, Array]) -> list[str]:
    """A line of metrics.csv for each of K records, (K,) each."""
    lines = []
    columns = [epochs, steps, *metrics.values()]
    for epoch, step, *numbers in zip(*(column.tolist() for column in columns), strict=True):
        cells = ["" if epoch == 0 and math.isnan(number) else repr(number) for number in numbers]
        lines.append(",".join([str(epoch), str(step), *cells]))
    return lines


def _by_parameter(problem: Problem, state: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """The state of an optimizer by parameter: ``square/w``, in its shape; what is of no one's as it is."""
    parameters = problem.parameters
    edges = np.cumsum([parameter.size for parameter in parameters])
    found: dict[str, NDArray[Any]] = {}
    for name, values in state.items():
        if values.shape != (edges[-1],):
            found[name] = values
            continue
        parts = zip(parameters, np.split(values, edges[:-1]), strict=True)
        found |= {f"{name}/{p.name}": part.reshape(p.shape) for p, part in parts}
    return found
