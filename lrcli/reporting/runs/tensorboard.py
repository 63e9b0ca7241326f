"""A run in TensorBoard: scalars while it trains, then its row in the HParams table and what it came to.

Events go into the run's own directory, all tags of a record in one event; `lrcli.reporting.event_names` has
their names. The row is written when the run has ended: how it ended is one of its columns, and TensorBoard
keeps the first row that it reads.
"""

import math
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from lrcli.config.dumping import yaml_text
from lrcli.config.metrics import training_loss_of
from lrcli.experiment.experiment import Experiment, resolved
from lrcli.reporting.curve_ends import FAR
from lrcli.reporting.event_file import (
    EventFile,
    Value,
    arrays_of_values,
    flat_columns,
    histogram,
    image,
    scalars,
    session_end,
    session_start,
    text,
    values_of_arrays,
)
from lrcli.reporting.event_names import (
    EXPERIMENT,
    RESULT,
    STATUS,
    columns,
    curve_tag,
    figure_tag,
    final_tags,
    histogram_tag,
)
from lrcli.reporting.event_prefixes import Prefix, cut_back, prefixes_from, text_of
from lrcli.reporting.markdown import block
from lrcli.reporting.runs.result_text import result_markdown
from lrcli.storage.history import History
from lrcli.storage.run_result import RunResult
from lrcli.training.records import Records
from lrcli.training.states import State, group_of, grouped

__all__ = ["TensorBoardLog", "hyperparameters"]

_FLUSH_SECONDS = 1.0
_MOST_HELD = 1000  # records; what stays far up for longer does not explode
_DATASET_COLUMNS = {"kind", "noise", "label_noise", "num_train", "path", "target"}


class _Event(NamedTuple):
    """A record as it is written, and the training loss by which it may be held back."""

    step: int
    values: list[Value]
    loss: float


class TensorBoardLog:
    """The event file of one run."""

    def __init__(self, run_dir: Path, experiment: Experiment) -> None:
        """Write nothing yet.

        Args:
            run_dir: where.
            experiment: what is trained.
        """
        self._run_dir = run_dir
        self._experiment = experiment
        self._began = time.time()
        self._trial = f"{experiment.name}/{run_dir.name}"
        self._level: float | None = None  # the first training loss
        self._held: deque[_Event] = deque()  # records far above it, until it is known whether it comes down
        self._ended = False
        self._earlier: list[Prefix] = []  # what an earlier try has written
        self._step = 0  # the last one of which there is anything

    def open(self) -> None:
        """Open the file and write what is known before training.

        Raises:
            WriteError: the file could not be written.
        """
        self._file = EventFile(self._run_dir, first_step=self._step + 1 if self._earlier else 0)
        if not self._earlier:
            self._file.write(0, [text(EXPERIMENT, block(yaml_text(resolved(self._experiment))))])
        self._flush()

    @property
    def state(self) -> State:
        """What the log of a run that goes on needs, the files being as they are now."""
        return {
            "files": np.array(text_of([*self._earlier, self._file.written])),
            "began": np.array(self._began),
            "level": np.array(np.nan if self._level is None else self._level),
            "step": np.array(self._step),
            "held_steps": np.array([event.step for event in self._held], dtype=np.int64),
            "held_losses": np.array([event.loss for event in self._held]),
            **grouped("held", arrays_of_values([event.values for event in self._held])),
        }

    def go_on(self, state: State, history: History) -> None:
        """Open the log of a run that goes on: its files hold what they held when the state was taken.

        Args:
            state: what `state` gave; empty where there is none.
            history: the records up to then. Where a file is gone or damaged, their curves are written anew.

        Raises:
            WriteError: a file could not be written.
        """
        try:
            files = self._restore(state) if state else []
        except (KeyError, ValueError):  # of another version, or somebody else's
            files = []
        if cut_back(self._run_dir, files) and files:
            self._earlier = files
            self.open()
            return
        self._held.clear()
        self._level, self._step = None, 0
        self.open()
        self._take(self._curves(history))

    def _restore(self, state: State) -> list[Prefix]:
        """Take over what `state` gave; what the files held is given back."""
        level, values = float(state["level"]), values_of_arrays(group_of(state, "held"))
        steps, losses = state["held_steps"].tolist(), state["held_losses"].tolist()
        self._held.extend(_Event(*each) for each in zip(steps, values, losses, strict=True))
        self._began, self._level = float(state["began"]), None if math.isnan(level) else level
        self._step = int(state["step"])
        return prefixes_from(str(state["files"]))

    def record(self, records: Records) -> None:
        """The metrics of some records, an event for each; the step is the optimizer's.

        Records whose loss is far above the first one's wait until one comes down or the run ends.
        """
        self._take(self._events(records))
        if time.time() - self._flushed > _FLUSH_SECONDS:
            self._flush()

    def _take(self, events: Iterable[_Event]) -> None:
        """Write what need not wait."""
        for event in events:
            if self._level is None and 0 < event.loss < np.inf:
                self._level = event.loss
            self._held.append(event)
            if self._level is None or event.loss <= FAR * self._level:
                self._write_held()
            elif len(self._held) > _MOST_HELD:
                self._write(self._held.popleft())

    def figures(self, step: int, pictures: Mapping[str, bytes]) -> None:
        """Pictures of the run as it is at a step; those of one name become one card with a slider.

        TensorBoard keeps ten steps of each name, the last one among them, unless it is called with
        ``--samples_per_plugin images=100``.

        Args:
            step: of the optimizer, larger from call to call: TensorBoard drops what is not.
            pictures: from name, such as ``loss``, to the bytes of a PNG file.

        Raises:
            WriteError: the file could not be written.
        """
        self._file.write(step, [image(figure_tag(name), png) for name, png in pictures.items()])
        self._step = max(self._step, step)
        self._flush()

    def finish(self, result: RunResult) -> None:
        """What the run has come to: last values, a page of text, its row in the HParams table.

        One that diverged has no last values, and its curves end where it began to explode.
        """
        left_out = len(self._held) if result.status == "diverged" else 0
        if left_out:
            self._held.clear()
        self._write_held()
        values = [] if result.status == "diverged" else scalars(final_tags(result.metrics))
        values.append(text(RESULT, result_markdown(result, self._experiment, left_out)))
        self._file.write(result.steps, values)
        self._write_row(result.steps, result.status.replace("_", " "), success=result.ended_well)

    def close(self) -> None:
        """Close the file; more than once is allowed. A run without a result has not finished."""
        if not self._ended:
            self._ended = True  # where this cannot be written either, there is no second try
            self._write_held()
            self._write_row(0, "not finished", success=False)
        self._file.close()

    def _events(self, records: Records) -> Iterator[_Event]:
        history = History(records.epochs, records.steps, {n: v.T for n, v in records.metrics.items()})
        for number, event in enumerate(self._curves(history)):
            if self._experiment.logging.histograms:
                parameters = records.parameters.items()
                event.values.extend(histogram(histogram_tag(n), array[number, 0]) for n, array in parameters)
            yield event

    def _curves(self, history: History) -> Iterator[_Event]:
        """An event for each record of the run."""
        names = list(history.metrics)
        tags = [curve_tag(name) for name in names]
        loss = names.index(training_loss_of(names) or names[0]) if names else 0
        rows = zip(*(values[0].tolist() for values in history.metrics.values()), strict=True)
        for step, row in zip(history.step.tolist(), rows, strict=False):
            yield _Event(step, scalars(dict(zip(tags, row, strict=True))), row[loss])

    def _write(self, event: _Event) -> None:
        self._file.write(event.step, event.values)
        self._step = max(self._step, event.step)

    def _write_held(self) -> None:
        while self._held:
            self._write(self._held.popleft())

    def _write_row(self, step: int, status: str, *, success: bool) -> None:
        """The row of the HParams table, begun and ended."""
        self._ended = True
        row = columns(hyperparameters(self._experiment) | {STATUS: status})
        self._file.write(step, session_start(row, self._trial, self._began))
        self._file.write(step, [session_end(success=success)])

    def _flush(self) -> None:
        self._file.flush()
        self._flushed = time.time()


def hyperparameters(experiment: Experiment) -> dict[str, bool | float | str]:
    """The experiment as columns of the HParams table: dotted keys, lists as text.

    The seed is left out, being no hyperparameter, and so is the rule behind the data. Of the file that these
    are read from there is the name alone: the same data lie elsewhere on another machine.
    """
    whole = resolved(experiment)
    whole["dataset"] = {key: value for key, value in whole["dataset"].items() if key in _DATASET_COLUMNS}
    if "path" in whole["dataset"]:
        whole["dataset"]["path"] = Path(whole["dataset"]["path"]).name
    blocks = {name: whole[name] for name in ("dataset", "model", "loss", "optimizer", "training")}
    return {"dtype": experiment.dtype, **flat_columns(blocks)}
