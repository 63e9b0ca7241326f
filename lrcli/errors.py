"""Every error that lrcli raises on purpose.

The tree, with the exit code that the command line gives each:

    LrcliError
    ├── UsageError               2   the command line or the file is wrong; nothing was written
    │   ├── ExperimentError      2   mistakes in an experiment file or an override, all of them
    │   ├── DeviceError          2   a device that is not there or cannot do what is asked
    │   ├── EngineError          2   an engine that is not there or cannot take the experiment
    │   ├── RunDirectoryError    2   a place for the run that cannot be used
    │   └── CodeError            2   the user's Python code cannot be used
    └── RunError                 1   the run itself failed
        ├── WriteError           1   a file could not be written (a full disk, say)
        ├── CodeRunError         1   the user's Python code failed while it trained
        └── ClusterError         1   a cluster is not there, went away, or has no worker that can be used

Anything else that reaches the command line is a bug in lrcli and shows its traceback.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

from lrcli.wording import one_line

__all__ = [
    "ClusterError",
    "CodeError",
    "CodeRunError",
    "DeviceError",
    "EngineError",
    "Excerpt",
    "ExperimentError",
    "LrcliError",
    "RunDirectoryError",
    "RunError",
    "UsageError",
    "WriteError",
]


class LrcliError(Exception):
    """Base of all errors with a message for the user; its text is that message."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, details: Sequence[str] = ()) -> None:
        """The message is a line, and so is each detail; no name or value in it can make another.

        Args:
            message: what is wrong, and what to do.
            details: further lines, shown indented below it.
        """
        super().__init__("\n  ".join(map(one_line, (message, *details))))

    def __reduce__(self) -> tuple[Any, ...]:
        """As it is, and not made again from its text, where it goes from one process to another."""
        return _copied, (type(self), self.args, vars(self))


def _copied(kind: type[LrcliError], args: tuple[Any, ...], attributes: dict[str, Any]) -> LrcliError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(attributes)
    return error


class Excerpt(str):
    """A message above the line that it is about; of all messages only this one has several lines."""

    __slots__ = ()


class UsageError(LrcliError):
    """The command line or the experiment file is wrong.

    Attributes:
        mistakes: one finished message for each mistake, in the order of the file.
    """

    exit_code = 2

    def __init__(self, message: str, details: Sequence[str] = ()) -> None:
        """As of every error; it is the one mistake."""
        super().__init__(message, details)
        self.mistakes: tuple[str, ...] = (Excerpt(str(self)),)


class ExperimentError(UsageError):
    """Mistakes in an experiment file or in an override."""

    def __init__(self, mistakes: Sequence[str]) -> None:
        self.mistakes = tuple(m if isinstance(m, Excerpt) else one_line(m) for m in mistakes)
        Exception.__init__(self, "\n\n".join(self.mistakes))


class DeviceError(UsageError):
    """The device asked for is missing or cannot hold the dtype asked for."""


class EngineError(UsageError):
    """The engine asked for is missing or cannot take the experiment."""


class RunDirectoryError(UsageError):
    """The directory asked for cannot take a run."""


class CodeError(UsageError):
    """Code of the user's cannot be used; details are its own lines, and where they stand."""

    def __init__(self, message: str, details: Sequence[str] = ()) -> None:
        super().__init__(message, details)
        self._message, self._details = message, details

    def at(self, place: str) -> "CodeError":
        """The same error, which says first what it came of."""
        return CodeError(f"{place}: {self._message}", self._details)


class RunError(LrcliError):
    """The run failed after it had begun."""


class WriteError(RunError):
    """A file of the run could not be written."""


class CodeRunError(RunError):
    """Code of the user's failed while it trained."""


class ClusterError(RunError):
    """A cluster could not be reached, has gone away, or has no worker that can be used.

    What its workers have trained until then is kept.
    """
