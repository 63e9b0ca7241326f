"""The log of a run: log.txt, a line for each record."""

from lrcli.config.metrics import metric_of
from lrcli.running.single import Event, Started
from lrcli.runs.files import LineFile
from lrcli.training.loop import Record
from lrcli.wording import counted

__all__ = ["RunLog", "record_line"]


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
            self._epochs = event.epochs
            self._file = LineFile(event.run_dir / "log.txt")
            epochs, steps = counted(event.epochs, "epoch"), counted(event.steps, "step")
            self._file.write(f"training {epochs}, {steps} on {event.device}")
        elif isinstance(event, Record) and self._file is not None:
            self._file.write(record_line(event, self._epochs))

    def close(self) -> None:
        """Close the file; more than once is allowed."""
        if self._file is not None:
            self._file.close()


def record_line(record: Record, epochs: int) -> str:
    """A record in a line: how far training has come, and its losses.

    Args:
        record: of a run.
        epochs: to be trained.
    """
    metrics = "  ".join(
        f"{name} {values[0]:.6g}" for name, values in record.metrics.items() if metric_of(name).is_loss
    )
    return f"epoch {record.epoch}/{epochs}  step {record.step}  {metrics}"
