"""Progress of a sweep on standard error: one bar over steps, or a few plain lines."""

import math
from collections.abc import Sequence

from rich.text import Text

from lrcli.reporting.progress import BarReport
from lrcli.reporting.status_line import Pace, Part, status_line
from lrcli.running.preparation import Compiling
from lrcli.sweeps.running import SweepEvent, SweepProgress, SweepStarted
from lrcli.wording import counted

__all__ = ["SweepProgressReport"]


class SweepProgressReport(BarReport):
    """Shows the events of a sweep as they come."""

    def __init__(self, metric: str) -> None:
        """Show nothing yet.

        Args:
            metric: that ranks the configurations.
        """
        super().__init__()
        self._metric = metric
        self._total = 0
        self._pace = Pace()
        self._reached = SweepProgress(0, 0, 0, math.nan)

    def show(self, event: SweepEvent) -> None:
        """Show an event."""
        with self._lock:
            self._compiled()
            if isinstance(event, Compiling):
                self._compiling()
            elif isinstance(event, SweepStarted):
                self._total, self._pace = event.steps, Pace()
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
        return [Part([counted(reached.members, "member")]), Part([best, ""], 2), Part([diverged, ""], 1)]

    def _draw(self, width: int, height: int) -> Sequence[Text]:
        """One line; where room is short percent stand for steps, then the best value is left out."""
        step, total = self._reached.step, max(1, self._total)
        share = step / total
        steps = Part([f"{step:,}/{self._total:,} steps", f"{math.floor(100 * share)}%"], 3)
        pace = [steps, Part([self._pace.left_text(self._total), ""], 1)]
        return [status_line(self._parts(), pace, share, self._console, width)][:height]
