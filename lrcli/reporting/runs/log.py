"""The log of a run: log.txt, a line for each record."""

import math

from lrcli.config.metrics import metric_of
from lrcli.running.single import Event, Started
from lrcli.runs.files import LineFile
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
            self._epochs = event.epochs
            self._file = LineFile(event.run_dir / "log.txt")
            epochs, steps = counted(event.epochs, "epoch"), counted(event.steps, "step")
            self._file.write(f"training {epochs}, {steps} on {event.device}")
        elif isinstance(event, Records) and self._file is not None:
            self._file.write(*record_lines(event, self._epochs))

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
    losses = {
        name: values[:, 0].tolist() for name, values in records.metrics.items() if metric_of(name).is_loss
    }
    reached = zip(records.epochs.tolist(), records.steps.tolist(), strict=True)
    return [
        "  ".join(
            [
                f"epoch {epoch}/{epochs}",
                f"step {step}",
                *(
                    f"{name} {losses[name][k]:.6g}"
                    for name in losses
                    if epoch or not math.isnan(losses[name][k])
                ),
            ]
        )
        for k, (epoch, step) in enumerate(reached)
    ]
