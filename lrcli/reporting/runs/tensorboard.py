"""A run in TensorBoard: scalars while it trains, its row in the HParams table, its file as text.

Events go into the run's own directory, all tags of a record in one event.
"""

import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lrcli.config.dumping import yaml_text
from lrcli.config.metrics import metric_of
from lrcli.experiment.experiment import Experiment, resolved
from lrcli.reporting.event_file import (
    EventFile,
    flat_columns,
    histogram,
    image,
    indented,
    scalars,
    session_end,
    session_start,
    text,
)
from lrcli.runs.run_result import RunResult
from lrcli.training.records import Records

__all__ = ["TensorBoardLog", "final_scalars", "hyperparameters"]

_FLUSH_SECONDS = 1.0
_DATASET_COLUMNS = {"kind", "noise", "label_noise", "num_train"}


class TensorBoardLog:
    """The event file of one run."""

    def __init__(self, run_dir: Path, experiment: Experiment) -> None:
        """Open the file and write what is known before training.

        Raises:
            WriteError: the file could not be written.
        """
        self._histograms = experiment.logging.histograms
        self._file = EventFile(run_dir)
        trial = f"{experiment.name}/{run_dir.name}"
        self._file.write(0, session_start(hyperparameters(experiment), trial))
        self._file.write(0, [text("experiment", indented(yaml_text(resolved(experiment))))])
        self._flush()

    def record(self, records: Records) -> None:
        """The metrics of some records, an event for each; the step is the optimizer's."""
        names = list(records.metrics)
        rows = np.stack([values[:, 0] for values in records.metrics.values()], axis=1).tolist()
        for number, (step, row) in enumerate(zip(records.steps.tolist(), rows, strict=True)):
            taken = zip(names, row, strict=True)
            values = scalars({name: value for name, value in taken if step or not math.isnan(value)})
            if self._histograms:
                parameters = records.parameters.items()
                values += [histogram(f"parameters/{name}", array[number, 0]) for name, array in parameters]
            self._file.write(step, values)
        if time.time() - self._flushed > _FLUSH_SECONDS:
            self._flush()

    def figures(self, step: int, pictures: Mapping[str, bytes]) -> None:
        """Figures at a step of the optimizer, from name to the bytes of a PNG file."""
        self._file.write(step, [image(f"figures/{name}", png) for name, png in pictures.items()])

    def finish(self, result: RunResult) -> None:
        """The final metrics, once, for the HParams table, and how the session ended."""
        self._file.write(result.steps, final_scalars(result.metrics))
        self._file.write(result.steps, [session_end(success=result.ended_well)])

    def close(self) -> None:
        """Close the file; more than once is allowed."""
        self._file.close()

    def _flush(self) -> None:
        self._file.flush()
        self._flushed = time.time()


def final_scalars(metrics: Mapping[str, float]) -> list[Any]:
    """The final metrics that are columns of the HParams table.

    TensorBoard shows the first few of its columns, sorted by name, so only what tells runs apart is one.
    """
    outcomes = {name: value for name, value in metrics.items() if metric_of(name).is_outcome}
    return scalars({f"final/{name}": value for name, value in outcomes.items()})


def hyperparameters(experiment: Experiment) -> dict[str, bool | float | str]:
    """The experiment as columns of the HParams table: dotted keys, lists as text.

    The seed is left out, being no hyperparameter, and so is the rule behind the data.
    """
    whole = resolved(experiment)
    whole["dataset"] = {key: value for key, value in whole["dataset"].items() if key in _DATASET_COLUMNS}
    blocks = {block: whole[block] for block in ("dataset", "model", "loss", "optimizer", "training")}
    return {"dtype": experiment.dtype, **flat_columns(blocks)}
