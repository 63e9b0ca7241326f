"""The log of a run: log.txt, a line for each record."""

import math

import numpy as np

from lrcli.config.metrics import metric_of
from lrcli.running.single import Event, Saving, Started
from lrcli.storage.files import LineFile
from lrcli.training.records import Records
from lrcli.wording import counted

__all__ = ["RunLog", "record_lines"]


class RunLog:
    """Writes the events of a run to its log.txt as they come."""

    def __init__(self) -> None:
        self._file: LineFile | None = None
        self._epochs = 0

    def observe(self, event: Event) -> None:
        """Write a line about an event that is worth one.

        Raises:
            WriteError: the file could not be written.
        """
        if isinstance(event, Started):
            self._begin(event)
        elif isinstance(event, Saving) and self._file is not None:
            event.added["log_size"] = np.array(self._file.size)
        elif isinstance(event, Records) and self._file is not None:
            self._file.write(*record_lines(event, self._epochs))

    def _begin(self, run: Started) -> None:
        """The first line; of a run that goes on, what was written after its state was taken is taken back."""
        self._epochs = run.epochs
        path = run.run_dir / "log.txt"
        size = None if run.restored is None else int(run.restored.get("log_size", 0))
        self._file = LineFile(path, size)
        if not size:
            epochs, steps = counted(run.epochs, "epoch"), counted(run.steps, "step")
            self._file.write(f"training {epochs}, {steps} on {run.device}")

    def close(self) -> None:
        """Close the file; more than once is allowed."""
        if self._file is not None:
            self._file.close()


def record_lines(records: Records, epochs: int) -> list[str]:
    """Each record in a line: how far training has come, and the losses that there are.

    Args:
        records: of a run.
        epochs: to be trained.
    """
    names = [name for name in records.metrics if metric_of(name).is_loss]
    columns = [records.epochs, records.steps, *(records.metrics[name][:, 0] for name in names)]
    lines = []
    for epoch, step, *values in zip(*(column.tolist() for column in columns), strict=True):
        known = [(name, v) for name, v in zip(names, values, strict=True) if epoch or not math.isnan(v)]
        losses = "  ".join(f"{name} {value:.6g}" for name, value in known)
        lines.append(f"epoch {epoch}/{epochs}  step {step}  {losses}")
    return lines
