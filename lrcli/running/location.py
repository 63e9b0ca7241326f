"""Where a run is written, and the wish to end it: what a command hands to training."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lrcli.storage.directories import new_run_directory, take_directory

__all__ = ["Interruption", "OutputLocation"]


@dataclass(frozen=True)
class OutputLocation:
    """Where a run is to be written.

    Attributes:
        runs_dir: the directory of all runs, in which the next number is taken.
        run_dir: this directory instead, where the user named one.
        origin: the directory of the experiment file, whose repository the result names.
    """

    runs_dir: Path = Path("runs")
    run_dir: Path | None = None
    origin: Path = Path()

    def make(self, name: str, command: str) -> AbstractContextManager[Path]:
        """Make the directory; as long as the context lasts nobody else works in it.

        Entering raises:
            RunDirectoryError: it cannot be made, is not empty, or is another process's.
            WriteError: the disk is full.
        """
        if self.run_dir is not None:
            return take_directory(self.run_dir)
        return new_run_directory(self.runs_dir, name, command)


@dataclass
class Interruption:
    """The user's wish to stop; looked at after each event."""

    requested: bool = False

    def status(self, error: BaseException) -> Literal["interrupted", "failed"]:
        """What a run is called that an error has ended.

        The second Ctrl-C may come between two events; then all that arrives is that whoever iterates left.
        """
        left = isinstance(error, GeneratorExit) and self.requested
        return "interrupted" if left or isinstance(error, KeyboardInterrupt) else "failed"
