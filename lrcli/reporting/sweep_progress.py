"""Progress of a sweep on standard error: one bar over steps, or a few plain lines."""

import math
from types import TracebackType
from typing import Self

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from lrcli.reporting.streams import console, draws_bars
from lrcli.sweeps.running import SweepEvent, SweepProgress, SweepStarted

__all__ = ["SweepProgressReport"]

_PLAIN_LINES = 10


class SweepProgressReport:
    """Shows the events of a sweep as they come."""

    def __init__(self, metric: str, *, quiet: bool) -> None:
        """Show nothing yet.

        Args:
            metric: that ranks the configurations.
            quiet: show nothing at all.
        """
        self._console = console(stderr=True)
        self._quiet = quiet
        self._metric = metric
        self._bar: Progress | None = None
        self._total = 0
        self._printed = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def show(self, event: SweepEvent) -> None:
        """Show an event."""
        if self._quiet:
            return
        if isinstance(event, SweepStarted):
            self._start(event)
        elif isinstance(event, SweepProgress):
            self._advance(event)

    def _start(self, event: SweepStarted) -> None:
        self._total = event.steps
        if not draws_bars(self._console):
            return
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed:,.0f}/{task.total:,.0f} steps"),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
        )
        self._bar.start()
        self._bar.add_task(f"{event.members:,} members", total=event.steps)

    def _advance(self, event: SweepProgress) -> None:
        text = f"{event.members:,} members"
        if not math.isnan(event.best):
            text += f"  best {self._metric} {event.best:.4g}"
        if event.diverged:
            text += f"  diverged {event.diverged:,}"
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=event.step, description=text)
        elif event.step * _PLAIN_LINES // max(1, self._total) > self._printed:
            self._printed = event.step * _PLAIN_LINES // self._total
            line = f"step {event.step:,}/{self._total:,}  {text}"
            self._console.print(line, highlight=False, markup=False, soft_wrap=True)
