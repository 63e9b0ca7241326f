"""TensorBoard's event files and what may be written into them.

The one module that knows TensorBoard's formats. The hyperparameters of a run are a session start and a
session end in its own file, and there is never an experiment summary: with none, TensorBoard makes the
columns of its HParams table from all runs.
"""

import itertools
import os
import socket
import struct
import sys
import time
import types
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Where TensorFlow is installed, TensorBoard would import it to write a scalar. This name keeps it out.
sys.modules.setdefault("tensorboard.compat.notf", types.ModuleType("tensorboard.compat.notf"))

from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import HistogramProto, Summary, SummaryMetadata
from tensorboard.plugins.custom_scalar import layout_pb2
from tensorboard.plugins.custom_scalar import metadata as layout_metadata
from tensorboard.plugins.hparams import metadata as hparams_metadata
from tensorboard.plugins.hparams.api_pb2 import Status
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData, SessionEndInfo
from tensorboard.plugins.hparams.summary_v2 import hparams_pb
from tensorboard.plugins.text.metadata import create_summary_metadata as text_metadata
from tensorboard.summary.writer.record_writer import RecordWriter
from tensorboard.util.tensor_util import make_tensor_proto

from lrcli.config.keys import dotted
from lrcli.reporting.event_prefixes import Prefix
from lrcli.storage.digests import HashingFile
from lrcli.storage.directories import EVENT_FILE
from lrcli.storage.files import reporting_errors
from lrcli.training.states import State
from lrcli.wording import one_line, printable

__all__ = [
    "EventFile",
    "Value",
    "arrays_of_values",
    "flat_columns",
    "histogram",
    "image",
    "margin_charts",
    "scalars",
    "session_end",
    "session_start",
    "text",
    "values_of_arrays",
]

Value = Any  # a Summary.Value; TensorBoard's packages have no types
_HISTOGRAM_BINS = 30
_LARGEST = float(np.finfo(np.float32).max)


class EventFile:
    """An event file in a directory; its name sorts by the time it was opened."""

    def __init__(
        self, directory: Path, announce: Callable[[Path], None] | None = None, *, first_step: int = 0
    ) -> None:
        """Open the file and write its head.

        Args:
            directory: where.
            announce: told of the file before it is there.
            first_step: from where it goes on; what others of the directory have of it and later is void.

        Raises:
            WriteError: the file could not be written.
        """
        self._now = time.time()
        name = f"{EVENT_FILE}{self._now:017.6f}.{socket.gethostname()}.{os.getpid()}.0"
        self._path = directory / name
        if announce is not None:
            announce(self._path)
        with reporting_errors(self._path):
            self._written = HashingFile(self._path.open("xb"))
            self._writer = RecordWriter(self._written)
        self._event(Event(wall_time=self._now, file_version="brain.Event:2"))
        self._event(
            Event(wall_time=self._now, step=first_step, session_log=SessionLog(status=SessionLog.START))
        )

    def write(self, step: int, values: Sequence[Value]) -> None:
        """Write all values of a step as one event."""
        self._event(Event(wall_time=time.time(), step=step, summary=Summary(value=values)))

    @property
    def written(self) -> Prefix:
        """What has been written so far, all of which readers see from now on."""
        self.flush()
        return Prefix(self._path.name, self._written.size, self._written.sha256)

    def flush(self) -> None:
        """Let readers see what has been written."""
        with reporting_errors(self._path):
            self._writer.flush()

    def close(self) -> None:
        """Close the file; more than once is allowed."""
        with reporting_errors(self._path):
            self._writer.close()

    def _event(self, event: Event) -> None:
        with reporting_errors(self._path):
            self._writer.write(event.SerializeToString())


def arrays_of_values(events: Sequence[Sequence[Value]]) -> State:
    """The values of some events as arrays, for a state."""
    packed = [Summary(value=values).SerializeToString() for values in events]
    sizes = np.array([len(each) for each in packed], dtype=np.int64)
    return {"sizes": sizes, "bytes": np.frombuffer(b"".join(packed), dtype=np.uint8)}


def values_of_arrays(arrays: Mapping[str, NDArray[Any]]) -> list[list[Value]]:
    """From what `arrays_of_values` gave."""
    ends = np.cumsum(arrays["sizes"]).tolist()
    packed = arrays["bytes"].tobytes()
    pieces = [packed[first:last] for first, last in itertools.pairwise([0, *ends])]
    return [list(Summary.FromString(piece).value) for piece in pieces]


def scalars(values: Mapping[str, float]) -> list[Value]:
    """A point of each scalar, from tag to value; what is no number in single precision has none."""
    return [
        Summary.Value(tag=one_line(tag), simple_value=value)
        for tag, value in values.items()
        if -_LARGEST <= value <= _LARGEST
    ]


def text(tag: str, markdown: str) -> Value:
    """A text in Markdown."""
    metadata = text_metadata(display_name="", description="")
    tensor = make_tensor_proto(np.array([printable(markdown).encode()], dtype=object))
    return Summary.Value(tag=one_line(tag), metadata=metadata, tensor=tensor)


def image(tag: str, png: bytes) -> Value:
    """An image from the bytes of a PNG file."""
    width, height = struct.unpack(">II", png[16:24])
    picture = Summary.Image(width=width, height=height, colorspace=4, encoded_image_string=png)
    return Summary.Value(tag=one_line(tag), image=picture)


def histogram(tag: str, values: NDArray[np.float64]) -> Value:
    """A histogram of those numbers that are finite."""
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    try:
        counts, edges = np.histogram(finite, bins=_HISTOGRAM_BINS)
    except ValueError:  # numbers too close for their size: they share a bin
        counts, edges = np.array([finite.size]), np.array([low, high])
    proto = HistogramProto(
        min=low,
        max=high,
        num=finite.size,
        sum=finite.sum(),
        sum_squares=(finite * finite).sum(),
        bucket_limit=edges[1:],
        bucket=counts,
    )
    return Summary.Value(tag=one_line(tag), histo=proto)


def session_start(columns: Mapping[str, bool | float | str], trial: str, began: float) -> list[Value]:
    """A row of the HParams table. Of two in a directory TensorBoard takes the first.

    Args:
        columns: from hyperparameter to value.
        trial: the row's name; rows of the same name, in whatever runs, become one.
        began: when, in seconds since 1970.
    """
    shown = {one_line(key): one_line(v) if isinstance(v, str) else v for key, v in columns.items()}
    return list(hparams_pb(shown, trial_id=trial, start_time_secs=began).value)


def session_end(*, success: bool) -> Value:
    """How the run of a row of the HParams table ended."""
    status = Status.Value("STATUS_SUCCESS" if success else "STATUS_FAILURE")
    info = SessionEndInfo(status=status, end_time_secs=time.time())
    metadata: SummaryMetadata = hparams_metadata.create_summary_metadata(
        HParamsPluginData(session_end_info=info)
    )
    tag = hparams_metadata.SESSION_END_INFO_TAG
    return Summary.Value(tag=tag, metadata=metadata, tensor=hparams_metadata.NULL_TENSOR)


def margin_charts(title: str, charts: Mapping[str, tuple[str, str, str]]) -> Value:
    """The layout of the Custom Scalars page: lines with a band around them.

    Args:
        title: of all charts.
        charts: from a chart's title to the tags of its line, of its lower and of its upper bound; in the
            order of the page.
    """
    shown = [
        layout_pb2.Chart(
            title=name,
            margin=layout_pb2.MarginChartContent(
                series=[layout_pb2.MarginChartContent.Series(value=line, lower=lower, upper=upper)]
            ),
        )
        for name, (line, lower, upper) in reversed(list(charts.items()))  # the page has the last one first
    ]
    category = layout_pb2.Category(title=title, chart=shown)
    layout = layout_pb2.Layout(category=[category]).SerializeToString()
    return Summary.Value(
        tag=layout_metadata.CONFIG_SUMMARY_TAG,
        metadata=layout_metadata.create_summary_metadata(),
        tensor=make_tensor_proto(np.array(layout, dtype=object)),
    )


def flat_columns(tree: Mapping[str, Any]) -> dict[str, bool | float | str]:
    """A tree of hyperparameters as columns: dotted keys, lists as text, no nulls."""
    columns: dict[str, bool | float | str] = {}
    for key, value in dotted(tree).items():
        if isinstance(value, list | tuple):
            columns[key] = ", ".join(map(str, value))
        elif value is not None:
            columns[key] = value
    return columns
