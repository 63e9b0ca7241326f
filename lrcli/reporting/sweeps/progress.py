"""Progress of a sweep on standard error: one bar over steps, or a few plain lines."""

import math
from collections.abc import Sequence

from rich.text import Text

from lrcli.reporting.messages import print_note
from lrcli.reporting.progress import BarReport
from lrcli.reporting.status_line import Pace, Part, status_line
from lrcli.running.moments import Waiting
from lrcli.sweeps.running import SweepEvent, SweepProgress, SweepStarted
from lrcli.sweeps.trainer import Workers
from lrcli.wording import counted

__all__ = ["SweepProgressReport"]


def _about(workers: Workers) -> str:
    """Who trains, and where they can be watched."""
    watched = f"; Dask shows them at {workers.dashboard}" if workers.dashboard else ""
    return f"trained by {counted(workers.count, 'worker')} of the scheduler at {workers.scheduler}{watched}"


class SweepProgressReport(BarReport):
    """Shows the events of a sweep as they come."""

    def __init__(self, metric: str) -> None:
        """Show nothing yet.

        Args:
            metric: that ranks the configurations.
        """
        super().__init__()
        self._metric = metric
        self._total = self._num_parts = 0
        self._pace = Pace()
        self._reached = SweepProgress(0, 0, 0, math.nan)

    def show(self, event: SweepEvent) -> None:
        """Show an event."""
        with self._lock:
            self._came()
            if isinstance(event, Waiting):
                self._wait(event)
            elif isinstance(event, SweepStarted):
                self._total, self._num_parts, self._pace = event.steps, event.parts, Pace()
                if event.workers is not None:
                    print_note(_about(event.workers))
                self._reached = SweepProgress(0, event.members, 0, math.nan)
                self._begin()
            elif isinstance(event, SweepProgress):
                self._advance(event)
            else:
                self._end()

    def _advance(self, event: SweepProgress) -> None:
        self._reached = event
        self._pace.reached(event.step)
        self._paint(due=True)
        text = "  ".join(str(part.forms[0]) for part in self._parts() if part.forms[0])
        self._print_if_due(f"step {event.step:,}/{self._total:,}  {text}", event.step, self._total)

    def _parts(self) -> list[Part]:
        """What the members have come to."""
        reached = self._reached
        best = "" if math.isnan(reached.best) else f"best {self._metric} {reached.best:.4g}"
        diverged = f"diverged {reached.diverged:,}" if reached.diverged else ""
        others = [Part([best, ""], 2), Part([diverged, ""], 1)]
        if reached.workers is None:
            return [Part([counted(reached.members, "member")]), *others]
        ended = f"{reached.ended:,}/{counted(self._num_parts, 'part')}"
        return [Part([counted(reached.workers.count, "worker")]), Part([ended, ""], 1), *others]

    def _draw(self, width: int, height: int) -> Sequence[Text]:
        """One line; where room is short percent stand for steps, then the best value is left out."""
        step, total = self._reached.step, max(1, self._total)
        share = step / total
        steps = Part([f"{step:,}/{self._total:,} steps", f"{math.floor(100 * share)}%"], 3)
        pace = [steps, Part([self._pace.left_text(self._total), ""], 1)]
        return [status_line(self._parts(), pace, share, self._console, width)][:height]
