"""The event files that a sweep has written, so that those of a call that was stopped can be deleted.

TensorBoard shows everything that lies in a directory, so they may not stay; and a user may have put runs of
other experiments, or links to them, beside them to compare.
"""

import os
from pathlib import Path

from lrcli.storage.directories import EVENT_FILE
from lrcli.storage.files import LineFile, reporting_errors

__all__ = ["EventList"]


class EventList:
    """A file with a line for each event file of a sweep, such as ``lr=0.01/events.out.tfevents.1``."""

    def __init__(self, sweep_dir: Path, path: Path) -> None:
        """Write nothing yet.

        Args:
            sweep_dir: the directory whose directories hold the event files.
            path: of the list.
        """
        self._sweep_dir = sweep_dir
        self._path = path

    def add(self, file: Path) -> None:
        """Note that a file is going to be written.

        Raises:
            WriteError: the list could not be written.
        """
        lines = LineFile(self._path)
        lines.write(file.relative_to(self._sweep_dir).as_posix())
        lines.close()

    def delete_files(self) -> None:
        """Delete the files of the list, and the list; nothing is deleted through a link.

        Raises:
            WriteError: one could not be deleted.
        """
        with reporting_errors(self._path):
            if not os.path.lexists(self._path):
                return
            lines = "" if self._path.is_symlink() else self._path.read_text("utf-8", errors="replace")
            for line in lines.splitlines():
                self._delete(line)
            self._path.unlink()

    def _delete(self, line: str) -> None:
        """Delete a file that the list names; a line that somebody else has written names none."""
        run, _, name = line.partition("/")
        plain = line.isprintable() and all(Path(word).name == word for word in (run, name))
        if not plain or run in {"", ".."} or not name.startswith(EVENT_FILE):
            return
        file = self._sweep_dir / run / name
        if not file.parent.is_symlink() and not file.is_symlink():
            file.unlink(missing_ok=True)
