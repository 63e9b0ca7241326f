"""The files of one run: experiment.yaml, metrics.csv, result.json and checkpoint/."""

import contextlib
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrcli.analysis.recovery import Recovery
from lrcli.experiment.experiment import Experiment, resolved
from lrcli.experiment.loading import Source
from lrcli.running.curvature import curvature_ends
from lrcli.running.levels import Levels
from lrcli.running.outcome import outcome_of_run
from lrcli.running.repeating import Earlier
from lrcli.running.result import Findings, Setting, build_result
from lrcli.running.stability import stability
from lrcli.running.trained import PATH_FILE, TrainedRun, trained_run
from lrcli.storage.files import LineFile, make_directory, write_arrays, write_json, write_yaml
from lrcli.storage.history import GrowingHistory
from lrcli.storage.parameter_path import GrowingPath, ParameterPath
from lrcli.storage.provenance import time_now
from lrcli.storage.result_fields import Timing
from lrcli.storage.run_result import RunResult, RunStatus
from lrcli.training.loop import TrainingLoop
from lrcli.training.problem import Array, Problem
from lrcli.training.records import Records

__all__ = ["OPTIMIZER_FILE", "RunFiles"]

OPTIMIZER_FILE = "optimizer.npz"  # in checkpoint/
_CHECKPOINT = "checkpoint"


@dataclass
class RunFiles:
    """The files of one run, and what goes into its result.

    Attributes:
        experiment: what is trained.
        directory: where the files go.
        problem: its data and initial parameters.
        recovery: what the parameters are held against.
        source: what the experiment was read from.
        expected: from name to comparison.
        facts: what the numbers depend on, for the result's environment.
        started: when the run began.
        earlier: the run that it repeats.
    """

    experiment: Experiment
    directory: Path
    problem: Problem
    recovery: Recovery | None
    source: Source | None
    expected: Mapping[str, str]
    facts: dict[str, Any] = field(default_factory=dict)
    started: str = field(default_factory=time_now)
    earlier: Earlier | None = None
    _history: GrowingHistory = field(default_factory=lambda: GrowingHistory(1))
    _metrics: dict[str, float] = field(default_factory=dict)
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
        """Write what is known before training."""
        comment = "Resolved by lrcli; `lrcli train` on this file repeats the run."
        write_yaml(self.directory / "experiment.yaml", resolved(self.experiment), comment)
        self.close(self._result("running", Findings()))

    def record(self, records: Records) -> None:
        """A row of metrics.csv for each record; before training, what is taken from batches is left empty."""
        self._history.add(records.epochs, records.steps, records.metrics)
        due = self._path.due(records.epochs)
        if len(due):
            kept = {name: values[due, 0] for name, values in records.parameters.items()}
            self._path.add(ParameterPath(records.epochs[due], records.steps[due], kept))
        last = {name: float(values[-1, 0]) for name, values in records.metrics.items()}
        self._metrics = {name: v for name, v in last.items() if records.epoch or not math.isnan(v)}
        lines = []
        if self._table is None:
            self._table = LineFile(self.directory / "metrics.csv")
            lines.append(",".join(["epoch", "step", *records.metrics]))
        columns = [records.epochs, records.steps, *(values[:, 0] for values in records.metrics.values())]
        for epoch, step, *numbers in zip(*(column.tolist() for column in columns), strict=True):
            cells = ["" if epoch == 0 and math.isnan(number) else repr(number) for number in numbers]
            lines.append(",".join([str(epoch), str(step), *cells]))
        self._table.write(*lines)

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
        make_directory(self.directory / _CHECKPOINT)
        self._checkpoint("last", parameters)
        self._checkpoint("best", loop.members.best_parameters)
        path = self._path_to(loop, parameters)
        write_arrays(self.directory / _CHECKPOINT / PATH_FILE, path.arrays)
        state = loop.optimizer_state(0)
        if state:
            arrays = _by_parameter(self.problem, state)
            write_arrays(self.directory / _CHECKPOINT / OPTIMIZER_FILE, arrays)
        if self._table is not None:
            self._table.close()
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
        write_json(self.directory / "result.json", result.as_data())

    def _result(self, status: RunStatus, found: Findings) -> RunResult:
        setting = Setting(self.experiment, self.directory, self.source, self.expected, self.started)
        return build_result(setting, status, self._metrics, self.facts, found)

    def _checkpoint(self, name: str, parameters: Mapping[str, Array]) -> None:
        arrays = {key: np.asarray(values[0]) for key, values in parameters.items()}
        write_arrays(self.directory / _CHECKPOINT / f"{name}.npz", arrays)

    def fail(self, status: RunStatus, loop: TrainingLoop) -> None:
        """Say in result.json how the run ended that did not end well, where that can still be written.

        What happens after it has finished, while it is drawn, takes nothing from its result.
        """
        with contextlib.suppress(Exception):  # the error under way is the one to report
            if self._table is not None:
                self._table.close()
            self.close(self._ended or self._result(status, Findings(members=loop.members)))


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
