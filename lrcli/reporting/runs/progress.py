"""Progress on standard error: a bar on a terminal, a few plain lines elsewhere."""

import itertools
import re
from collections.abc import Iterable
from types import TracebackType
from typing import Self

from rich.cells import cell_len
from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TimeRemainingColumn
from rich.status import Status
from rich.table import Column, Table
from rich.text import Text

from lrcli.reporting.messages import print_note
from lrcli.reporting.runs.log import record_lines
from lrcli.reporting.streams import console, draws_bars
from lrcli.running.preparation import Compiling
from lrcli.running.single import Event, Started
from lrcli.training.records import Progress as Reached
from lrcli.training.records import Records

__all__ = ["BarReport", "ProgressReport"]

_PLAIN_LINES = 10  # for a whole run
_SHORTEST = 5  # characters of a bar


def _whole() -> Column:
    """A column in which no line is broken; it is the bar that gives way."""
    return Column(no_wrap=True, overflow="crop")


class _Rate(ProgressColumn):
    """Optimizer steps for each second."""

    def get_table_column(self) -> Column:
        return _whole()

    def render(self, task: Task) -> Text:
        return Text(f"{task.finished_speed or task.speed or 0:,.0f} steps/s")


class _Told(ProgressColumn):
    """What is told of the task: as many of its parts, behind two spaces or a comma, as there is room for."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console

    def get_table_column(self) -> Column:
        return _whole()

    def render(self, task: Task) -> Text:
        *parts, text = itertools.accumulate(re.split(r"(?=  |, )", task.description))
        while parts and cell_len(text) > self._console.width:
            text = parts.pop()
        return Text(text)


class _Bar(Progress):
    """A bar that leaves out its last columns where they have no room, so that no number is cut."""

    def make_tasks_table(self, tasks: Iterable[Task]) -> Table:
        """Of the one task, or of none while the bar is being made."""
        tasks, every = list(tasks), self.columns
        for task in tasks:
            while len(self.columns) > 1 and self._width(task) > self.console.width:
                self.columns = self.columns[:-1]
        table = super().make_tasks_table(tasks)
        self.columns = every
        return table

    def _width(self, task: Task) -> int:
        """Of the columns, a space between them, and the shortest bar."""
        texts = [column(task) for column in self.columns if isinstance(column, ProgressColumn)]
        widths = [cell_len(text.plain) if isinstance(text, Text) else _SHORTEST for text in texts]
        return sum(widths) + len(widths) - 1


class BarReport:
    """A bar on a terminal; elsewhere about ten plain lines."""

    def __init__(self, *, quiet: bool) -> None:
        """Show nothing yet.

        Args:
            quiet: show nothing at all.
        """
        self._console = console(stderr=True)
        self._quiet = quiet
        self._bar: Progress | None = None
        self._waiting: Status | None = None
        self._printed = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop_waiting()
        if self._bar is not None:
            self._bar.stop()

    def _start_bar(self, description: str, total: int, *columns: ProgressColumn) -> None:
        """Draw the bar, with these columns behind it, where there is a terminal for it."""
        if self._quiet or not draws_bars(self._console):
            return
        shown = (_Told(self._console), BarColumn(), *columns, TimeRemainingColumn(table_column=_whole()))
        self._bar = _Bar(*shown, console=self._console, transient=True)
        self._bar.add_task(description, total=total)
        self._bar.start()

    def _compiling(self) -> None:
        """Say that the machine code is being compiled, until the next event."""
        text = "compiling the engine for this machine, once: some seconds"
        if self._quiet:
            return
        if self._bar is not None:  # beside which there is no place for another
            self._bar.update(self._bar.task_ids[0], description=text)
        elif draws_bars(self._console):
            self._waiting = self._console.status(text)
            self._waiting.start()
        else:
            print_note(text)

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.stop()
            self._waiting = None

    def _print_if_due(self, line: str, done: int, total: int) -> None:
        """Print a line where there is no bar, about one for every tenth of the whole."""
        tenths = done * _PLAIN_LINES // max(total, 1)
        if self._bar is None and not self._quiet and tenths > self._printed:
            self._printed = tenths
            self._console.print(line, soft_wrap=True)


class ProgressReport(BarReport):
    """Shows the events of a run as they come."""

    def __init__(self, *, quiet: bool) -> None:
        """Show nothing yet.

        Args:
            quiet: show nothing at all.
        """
        super().__init__(quiet=quiet)
        self._epochs = 0

    def note(self, text: str) -> None:
        """A message that is neither progress nor an error."""
        if not self._quiet:
            print_note(text)

    def show(self, event: Event) -> None:
        """Show one event; about every tenth of the run where there is no bar."""
        self._stop_waiting()
        if isinstance(event, Compiling):
            self._compiling()
        elif isinstance(event, Started):
            self._epochs = event.epochs
            self._start_bar("training", event.steps, _Rate())
        elif isinstance(event, Reached):
            if self._bar is not None:
                self._bar.update(self._bar.task_ids[0], completed=event.step)
            if isinstance(event, Records):
                lines = record_lines(event, self._epochs)
                for epoch, line in zip(event.epochs.tolist(), lines, strict=True):
                    self._print_if_due(line, epoch, self._epochs)
