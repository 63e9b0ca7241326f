"""A run in TensorBoard: scalars while it trains, its row in the HParams table, its file as text.

The one module that knows TensorBoard's formats. Events go into the run's own directory, all tags of a
record in one event. The hyperparameters are a session start and a session end in that same file and
there is never an experiment summary: with none, TensorBoard makes the table's columns from all runs.
"""

import os
import socket
import sys
import time
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Where TensorFlow is installed, TensorBoard would import it to write a scalar. This name keeps it out.
sys.modules.setdefault("tensorboard.compat.notf", types.ModuleType("tensorboard.compat.notf"))

from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import HistogramProto, Summary, SummaryMetadata
from tensorboard.plugins.hparams import metadata as hparams_metadata
from tensorboard.plugins.hparams.api_pb2 import Status
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData, SessionEndInfo
from tensorboard.plugins.hparams.summary_v2 import hparams_pb
from tensorboard.plugins.text.metadata import create_summary_metadata as text_metadata
from tensorboard.summary.writer.record_writer import RecordWriter
from tensorboard.util.tensor_util import make_tensor_proto

from lrcli.config.dumping import yaml_text
from lrcli.experiment.experiment import Experiment, resolved
from lrcli.runs.files import reporting_errors
from lrcli.training.loop import Record

__all__ = ["TensorBoardLog", "hyperparameters"]

_FLUSH_SECONDS = 1.0
_HISTOGRAM_BINS = 30
# TensorBoard shows the first few columns of its table, sorted by name, so only what tells runs apart is one.
_NOT_AN_OUTCOME = {"grad_norm", "lr", "train/running_loss"}
_DATASET_COLUMNS = {"kind", "noise", "label_noise", "num_train"}


class TensorBoardLog:
    """The event file of one run."""

    def __init__(self, run_dir: Path, experiment: Experiment) -> None:
        """Open the file and write what is known before training.

        Raises:
            WriteError: the file could not be written.
        """
        now = time.time()
        host = socket.gethostname()
        self._path = run_dir / f"events.out.tfevents.{now:017.6f}.{host}.{os.getpid()}.0"
        self._histograms = experiment.logging.histograms
        self._flushed = now
        with reporting_errors(self._path):
            self._writer = RecordWriter(self._path.open("wb"))
        self._write(Event(wall_time=now, file_version="brain.Event:2"))
        self._write(Event(wall_time=now, step=0, session_log=SessionLog(status=SessionLog.START)))
        trial = f"{experiment.name}/{run_dir.name}"
        self._summary(0, hparams_pb(hyperparameters(experiment), trial_id=trial, start_time_secs=now))
        self._summary(0, Summary(value=[_text("experiment", _as_markdown(experiment))]))
        self._flush()

    def record(self, record: Record) -> None:
        """The metrics of a record; the step is the optimizer's."""
        values = [
            Summary.Value(tag=name, simple_value=float(array[0])) for name, array in record.metrics.items()
        ]
        if self._histograms:
            values += [
                Summary.Value(tag=f"parameters/{name}", histo=_histogram(array[0]))
                for name, array in record.parameters.items()
            ]
        self._summary(record.step, Summary(value=values))
        if time.time() - self._flushed > _FLUSH_SECONDS:
            self._flush()

    def finish(self, result: Mapping[str, Any]) -> None:
        """The final metrics, once, for the HParams table, and how the session ended."""
        values = [
            Summary.Value(tag=f"final/{name}", simple_value=value)
            for name, value in result["metrics"].items()
            if name not in _NOT_AN_OUTCOME
        ]
        self._summary(result["steps"], Summary(value=values))
        good = result["status"] in {"completed", "stopped_early"}
        status = Status.Value("STATUS_SUCCESS" if good else "STATUS_FAILURE")
        self._summary(result["steps"], Summary(value=[_session_end(status)]))

    def close(self) -> None:
        """Close the file; more than once is allowed."""
        with reporting_errors(self._path):
            self._writer.close()

    def _summary(self, step: int, summary: Summary) -> None:
        self._write(Event(wall_time=time.time(), step=step, summary=summary))

    def _write(self, event: Event) -> None:
        with reporting_errors(self._path):
            self._writer.write(event.SerializeToString())

    def _flush(self) -> None:
        with reporting_errors(self._path):
            self._writer.flush()
        self._flushed = time.time()


def hyperparameters(experiment: Experiment) -> dict[str, bool | float | str]:
    """The experiment as columns of the HParams table: dotted keys, lists as text.

    The seed is left out, being no hyperparameter, and so is the rule behind the data.
    """
    columns: dict[str, bool | float | str] = {}
    whole = resolved(experiment)
    whole["dataset"] = {key: value for key, value in whole["dataset"].items() if key in _DATASET_COLUMNS}
    for block in ("dataset", "model", "loss", "optimizer", "training"):
        _flatten(block, whole[block], columns)
    return {"dtype": experiment.dtype, **columns}


def _flatten(prefix: str, value: Any, columns: dict[str, bool | float | str]) -> None:
    if isinstance(value, dict):
        for key, item in value.items():
            _flatten(f"{prefix}.{key}", item, columns)
    elif isinstance(value, list):
        columns[prefix] = ", ".join(map(str, value))
    else:
        columns[prefix] = value


def _as_markdown(experiment: Experiment) -> str:
    """The resolved file as an indented block, which Markdown shows as it is."""
    return "\n".join(f"    {line}" for line in yaml_text(resolved(experiment)).splitlines())


def _text(tag: str, text: str) -> Summary.Value:
    metadata = text_metadata(display_name="", description="")
    tensor = make_tensor_proto(np.array([text.encode()], dtype=object))
    return Summary.Value(tag=tag, metadata=metadata, tensor=tensor)


def _session_end(status: Any) -> Summary.Value:
    info = SessionEndInfo(status=status, end_time_secs=time.time())
    metadata: SummaryMetadata = hparams_metadata.create_summary_metadata(
        HParamsPluginData(session_end_info=info)
    )
    tag = hparams_metadata.SESSION_END_INFO_TAG
    return Summary.Value(tag=tag, metadata=metadata, tensor=hparams_metadata.NULL_TENSOR)


def _histogram(values: NDArray[np.float64]) -> HistogramProto:
    """A histogram of one parameter's finite numbers."""
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    try:
        counts, edges = np.histogram(finite, bins=_HISTOGRAM_BINS)
    except ValueError:  # numbers too close for their size: they share a bin
        counts, edges = np.array([finite.size]), np.array([low, high])
    return HistogramProto(
        min=low,
        max=high,
        num=finite.size,
        sum=finite.sum(),
        sum_squares=(finite * finite).sum(),
        bucket_limit=edges[1:],
        bucket=counts,
    )
