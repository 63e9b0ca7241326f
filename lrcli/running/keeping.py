"""Keeping the last state of a training, so that it goes on after Ctrl-C, a crash or a loss of power.

    with Keeper(path) as keeper:
        for event in loop:
            if keeper.wants(loop, interruption):
                keeper.take(state)
        keeper.write_last()

A state is written every half minute, in a thread: training waits only while it is copied. Where a loop rests
for the last time before its end it is copied, too, and that is kept of a training that has ended: from there
it can be trained for more epochs, which know nothing of what is recorded and decided at an end.
"""

import threading
import time
from pathlib import Path
from typing import Self

from lrcli.running.location import Interruption
from lrcli.storage.sealed import Arrays
from lrcli.storage.state import write_state
from lrcli.training.loop import TrainingLoop

__all__ = ["Keeper"]

EVERY_SECONDS = 30.0
_LONGEST_WAIT = 1.0  # seconds, for a thread that writes while an error ends the training


class Keeper:
    """Keeps the states of one training."""

    def __init__(self, path: Path, *, of_ended: bool = True) -> None:
        """Write nothing yet.

        Args:
            path: of the last state.
            of_ended: whether a state is wanted of a training that has ended.
        """
        self._path = path
        self._of_ended = of_ended
        self._due = time.monotonic() + EVERY_SECONDS
        self._taken: Arrays | None = None  # not written yet
        self._writing: threading.Thread | None = None
        self._failure: Exception | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, raised: object, *_: object) -> None:
        self._wait(_LONGEST_WAIT if raised else None)

    def wants(self, loop: TrainingLoop, interruption: Interruption) -> bool:
        """Whether the state is to be taken now.

        Raises:
            WriteError: an earlier one could not be written.
        """
        self._report()
        is_last = interruption.requested or (self._of_ended and loop.ends_next)
        return loop.rests and (is_last or self._is_due())

    def take(self, state: Arrays) -> None:
        """Take a state, whose arrays do not change any more, and write it where one is due."""
        self._taken = state
        if self._is_due():
            self._taken, self._due = None, time.monotonic() + EVERY_SECONDS
            self._writing = threading.Thread(target=self._write, args=(state,), daemon=True)
            self._writing.start()

    def write_last(self) -> None:
        """Have the last state that was taken on the disk.

        Raises:
            WriteError: it could not be written.
        """
        self._wait()
        if self._taken is not None:
            self._write(self._taken)
        self._taken = None
        self._report()

    def _is_due(self) -> bool:
        busy = self._writing is not None and self._writing.is_alive()
        return not busy and time.monotonic() >= self._due

    def _write(self, state: Arrays) -> None:
        try:
            write_state(self._path, state)
        except Exception as error:  # of a thread nobody would be told
            self._failure = error

    def _wait(self, seconds: float | None = None) -> None:
        if self._writing is not None:
            self._writing.join(seconds)

    def _report(self) -> None:
        if self._failure is not None:
            raise self._failure
