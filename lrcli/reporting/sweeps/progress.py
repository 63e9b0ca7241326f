"""Progress of a sweep on standard error: one bar over steps, or a few plain lines."""

import math

from rich.progress import TextColumn

from lrcli.reporting.runs.progress import BarReport
from lrcli.running.preparation import Compiling
from lrcli.sweeps.running import SweepEvent, SweepProgress, SweepStarted
from lrcli.wording import counted

__all__ = ["SweepProgressReport"]


class SweepProgressReport(BarReport):
    """Shows the events of a sweep as they come."""

    def __init__(self, metric: str, *, quiet: bool) -> None:
        """Show nothing yet.

        Args:
            metric: that ranks the configurations.
            quiet: show nothing at all.
        """
        super().__init__(quiet=quiet)
        self._metric = metric
        self._total = 0

    def show(self, event: SweepEvent) -> None:
        """Show an event."""
        self._stop_waiting()
        if isinstance(event, Compiling):
            self._compiling()
        elif isinstance(event, SweepStarted):
            self._total = event.steps
            steps = TextColumn("{task.completed:,.0f}/{task.total:,.0f} steps")
            self._start_bar(counted(event.members, "member"), event.steps, steps)
        elif isinstance(event, SweepProgress):
            self._advance(event)

    def _advance(self, event: SweepProgress) -> None:
        text = counted(event.members, "member")
        if not math.isnan(event.best):
            text += f"  best {self._metric} {event.best:.4g}"
        if event.diverged:
            text += f"  diverged {event.diverged:,}"
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=event.step, description=text)
        self._print_if_due(f"step {event.step:,}/{self._total:,}  {text}", event.step, self._total)
