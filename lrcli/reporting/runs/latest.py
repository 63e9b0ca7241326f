"""The losses and accuracies of a run's last epochs, as lines such as a textbook prints."""

import math
from collections import deque

from rich.text import Text

from lrcli.config.metrics import metric_of, training_loss_of
from lrcli.reporting.chart_canvas import Characters
from lrcli.reporting.runs.live_chart import key
from lrcli.reporting.status_line import Part, fitted
from lrcli.training.records import Records

__all__ = ["LAST_EPOCHS", "Latest"]

LAST_EPOCHS = 5
_DIGITS = 9  # characters of the longest number, such as 1.234e-05


class Latest:
    """The last few records of a run."""

    def __init__(self, look: Characters) -> None:
        """Without a record.

        Args:
            look: what the chart of the losses is drawn with.
        """
        self._look = look
        self._names: list[str] = []
        self._rows: deque[tuple[int, tuple[float, ...]]] = deque(
            maxlen=LAST_EPOCHS
        )  # epochs and their values

    def add(self, records: Records) -> None:
        """Note the last of some records."""
        if not self._names:
            self._names = _shown(records)
        epochs = records.epochs[-LAST_EPOCHS:].tolist()
        columns = [records.metrics[name][-LAST_EPOCHS:, 0].tolist() for name in self._names]
        self._rows.extend(zip(epochs, zip(*columns, strict=True), strict=True))

    def parts(self) -> list[Part]:
        """The values of the last record, each loss behind a piece of its curve; none without a record."""
        if not self._rows:
            return []
        parts, number = [], 0
        for name, value in zip(self._names, self._rows[-1][1], strict=True):
            if metric_of(name).is_loss:
                parts.append(_loss(name, f"{value:<{_DIGITS}.4g}", key(number, self._look)))
                number += 1
            else:
                parts.append(_accuracy(name, f"{value:<6.4g}"))
        return parts

    def legend(self, width: int) -> list[Text]:
        """The last record with pieces of the curves: one line, or two where those would find no room."""
        epoch = f"epoch {self._rows[-1][0]}"
        line = fitted([Part([epoch]), *self.parts()], width)
        if key(0, self._look).plain in line.plain:
            return [line]
        return [Text(epoch), fitted(self.parts(), width)]

    def lines(self, width: int) -> list[Text]:
        """The last records, a line for each, in columns."""
        digits = max((len(str(epoch)) for epoch, _ in self._rows), default=0)
        columns = zip(*(values for _, values in self._rows), strict=True)
        widths = [max(len(f"{value:.4g}") for value in column) for column in columns]
        lines = []
        for epoch, values in self._rows:
            parts = [Part([f"epoch {epoch:>{digits}}"])]
            for name, value, room in zip(self._names, values, widths, strict=True):
                text = f"{value:<{room}.4g}" if epoch or not math.isnan(value) else ""
                if text:
                    parts.append(_loss(name, text) if metric_of(name).is_loss else _accuracy(name, text))
            lines.append(fitted(parts, width))
        return lines


def _shown(records: Records) -> list[str]:
    """The names of the metrics: losses, then accuracies."""
    wanted = (training_loss_of(records.metrics), "val/loss", "train/accuracy", "val/accuracy")
    return [name for name in wanted if name is not None and name in records.metrics]


def _loss(name: str, value: str, piece: Text | None = None) -> Part:
    split = name.partition("/")[0]
    plain = [f"{name} {value}", f"{split} {value.rstrip()}"]
    return Part(plain if piece is None else [*(Text.assemble(piece, " ", text) for text in plain), plain[1]])


def _accuracy(name: str, value: str) -> Part:
    return Part([f"{name} {value}", ""], 1 if name.startswith("val") else 2)
