"""Progress of a run on standard error: a bar, the latest losses and their curves, or a few plain lines."""

import time
from collections.abc import Sequence

import numpy as np
from rich.text import Text

from lrcli.config.metrics import training_loss_of
from lrcli.reporting.chart_canvas import characters_for
from lrcli.reporting.messages import print_note
from lrcli.reporting.progress import BarReport
from lrcli.reporting.runs.latest import LAST_EPOCHS, Latest
from lrcli.reporting.runs.live_chart import chart_lines
from lrcli.reporting.runs.live_curves import Curves
from lrcli.reporting.runs.log import record_lines
from lrcli.reporting.status_line import Pace, Part, fitted, status_line
from lrcli.running.moments import Waiting
from lrcli.running.single import Event, Finished, Started
from lrcli.training.records import Progress, Records

__all__ = ["ProgressReport"]

_SHORT = 1.0  # seconds: a curve that was seen for less is not left behind


class ProgressReport(BarReport):
    """Shows the events of a run as they come.

    On a terminal a bar, the latest losses and their curves. When the run has ended, the curves stay, or its
    last epochs, a line for each, where they say more.
    """

    def __init__(self) -> None:
        """Show nothing yet."""
        super().__init__()
        self._look = characters_for(self._console.encoding)
        self._run: Started | None = None
        self._began = 0.0
        self._pace = Pace()
        self._reached = Progress(0, 0)
        self._latest = Latest(self._look)
        self._curves = Curves([])

    def show(self, event: Event) -> None:
        """Show one event; about every tenth of the run where nothing is drawn."""
        with self._lock:
            self._came()
            if isinstance(event, Waiting):
                self._wait(event)
            elif isinstance(event, Started):
                self._run = event
                for note in event.notes:
                    print_note(note)
            elif isinstance(event, Finished):
                self._leave_last()
            elif self._draws and isinstance(event, Progress):
                self._follow(event)
            elif isinstance(event, Records) and self._run is not None:
                lines = record_lines(event, self._run.epochs)
                for epoch, line in zip(event.epochs.tolist(), lines, strict=True):
                    self._print_if_due(line, epoch, self._run.epochs)

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._leave_last()

    def _follow(self, event: Progress) -> None:
        if not self._began:  # only now: what else follows the run may have taken its time to get ready
            self._began, self._pace = time.monotonic(), Pace()
            self._begin()
        self._reached = event
        self._pace.reached(event.step)
        if isinstance(event, Records):
            names = [n for n in (training_loss_of(event.metrics), "val/loss") if n in event.metrics]
            if not self._curves.names:
                self._curves = Curves(names)
            self._curves.add(event.epochs, np.stack([event.metrics[name][:, 0] for name in names]))
            self._latest.add(event)
        self._paint(due=True)

    def _draw(self, width: int, height: int) -> Sequence[Text]:
        if self._run is None:
            return []
        epochs = str(self._run.epochs)
        epoch = "epoch " + f"{self._reached.epoch}/{epochs}".ljust(2 * len(epochs) + 1)
        pace = [Part([self._pace.rate_text(), ""], 2), Part([self._pace.left_text(self._run.steps), ""], 1)]
        done = self._reached.step / max(1, self._run.steps)
        lines = [status_line([Part([epoch])], pace, done, self._console, width)]
        lines.append(fitted(self._latest.parts(), width))
        lines += chart_lines(self._curves, self._look, width, height - len(lines) - 1)
        return lines[:height]

    def _leave_last(self) -> None:
        """The run has ended, or failed: what stays on the screen."""
        if not self._draws or self._run is None:
            self._end()
            return
        seen = self._area is not None and time.monotonic() - self._began >= _SHORT
        curved = seen and len(self._curves.epochs) > LAST_EPOCHS
        draw = self._last_chart if curved else self._last_epochs
        self._run = None
        if self._area is None:
            self._end()
            lines = draw(self._console.width - 1, self._console.height)
            if lines:
                self._console.print(Text("\n").join(lines), soft_wrap=True)
        else:
            self._end(draw)

    def _last_chart(self, width: int, height: int) -> Sequence[Text]:
        """The last epoch above its curves; its last few epochs where those find no room."""
        legend = self._latest.legend(width)
        chart = chart_lines(self._curves, self._look, width, height - len(legend) - 1)
        return [*legend, *chart, Text()] if chart else self._last_epochs(width, height)

    def _last_epochs(self, width: int, height: int) -> Sequence[Text]:
        lines = self._latest.lines(width)
        return [*lines, Text()] if lines else []
