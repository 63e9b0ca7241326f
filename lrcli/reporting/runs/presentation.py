"""What is made of a run beside its own files: the event file, the figures, the report.

The experiment's logging block says which of them there are. matplotlib and TensorBoard are imported where
something is to be drawn or written.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lrcli.experiment.experiment import Experiment
from lrcli.running.single import Event, Finished, Saving, Started
from lrcli.running.trained import TrainedRun
from lrcli.storage.parameter_path import ParameterPath
from lrcli.training.records import Records
from lrcli.training.states import State, group_of, grouped

if TYPE_CHECKING:
    from lrcli.reporting.drawing import Drawing
    from lrcli.reporting.runs.tensorboard import TensorBoardLog

__all__ = ["RunPresentation"]


class RunPresentation:
    """Follows the events of a run, from when its directory is there until it has ended."""

    def __init__(self, experiment: Experiment) -> None:
        self._experiment = experiment
        self._logging = experiment.logging
        self._log: TensorBoardLog | None = None
        self._directory = Path()
        self._so_far: Callable[[], TrainedRun] | None = None
        self._drawn_at = 0  # the epoch of the last figures while training
        self._pictured_at = -1  # the step of the last ones in the event file

    def observe(self, event: Event) -> None:
        """Write and draw what an event has brought.

        Raises:
            WriteError: a file could not be written.
        """
        if isinstance(event, Started):
            self._directory, self._so_far = event.run_dir, event.so_far
            self._begin(event.restored)
        elif isinstance(event, Records):
            if self._log is not None:
                self._log.record(event)
            for record in self._due(event):
                self._draw(self._now().at(record))
        elif isinstance(event, Saving):
            event.added["drawn"] = np.array([self._drawn_at, self._pictured_at])
            if self._log is not None:
                event.added.update(grouped("tensorboard", self._log.state))
        elif isinstance(event, Finished):
            self._finish(event.run)

    def close(self) -> None:
        """Close the event file; more than once is allowed."""
        if self._log is not None:
            self._log.close()

    def _begin(self, restored: State | None) -> None:
        """Open the event file, of a run that goes on as it was when its state was taken."""
        if restored and "drawn" in restored:
            self._drawn_at, self._pictured_at = restored["drawn"].tolist()
        if not self._logging.tensorboard:
            return
        from lrcli.reporting.runs.tensorboard import TensorBoardLog

        log = TensorBoardLog(self._directory, self._experiment)
        if restored is None:
            log.open()
        else:
            log.go_on(group_of(restored, "tensorboard"), self._now().history)
        self._log = log

    def _now(self) -> TrainedRun:
        if self._so_far is None:
            raise ValueError("a run that has not begun has come nowhere")
        return self._so_far()

    def _due(self, records: Records) -> Iterator[ParameterPath]:
        """Those records, one by one, at which figures are drawn while training goes on."""
        every = self._logging.figures_every
        if every is None or not self._logging.figures:
            return
        for i, epoch in enumerate(records.epochs.tolist()):
            if epoch // every > self._drawn_at // every and epoch < self._experiment.training.epochs:
                self._drawn_at = epoch
                parameters = {name: values[i] for name, values in records.parameters.items()}
                yield ParameterPath(records.epochs[[i]], records.steps[[i]], parameters)

    def _finish(self, run: TrainedRun) -> None:
        """The last figures, the report, the end of the event file: all on the disk before the result is.

        Whatever happens while it is drawn, the event file says how the run ended.
        """
        try:
            self._draw_last(run)
        finally:
            if self._log is not None:
                self._log.finish(run.result)
                self.close()

    def _draw_last(self, run: TrainedRun) -> None:
        """The last figures, and the report with them."""
        found: Mapping[str, Drawing] = {}
        drawn: Mapping[str, Mapping[str, bytes]] = {}
        if self._logging.figures:
            found, drawn = self._draw(run)
        if self._logging.report:
            from lrcli.reporting.pages.files import only_warning
            from lrcli.reporting.runs.report import write_run_report

            path = self._directory / "report.html"
            with only_warning(path):
                write_run_report(path, run, found, drawn)

    def _draw(self, run: TrainedRun) -> tuple[Mapping[str, "Drawing"], Mapping[str, Mapping[str, bytes]]]:
        """The figures of a run so far, and their files."""
        from lrcli.reporting.figure_files import save_figures
        from lrcli.reporting.runs.figures import drawings

        found = drawings(run)
        drawn = save_figures(found, self._directory / "figures")
        step = int(run.history.step[-1])
        if self._log is not None and step > self._pictured_at:  # one that ended early may be drawn twice
            self._log.figures(step, {name: files["png"] for name, files in drawn.items()})
            self._pictured_at = step
        return found, drawn
