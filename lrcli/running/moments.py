"""Moments that a run and a sweep have in common, so that who waits for them need not import both."""

from dataclasses import dataclass
from pathlib import Path

__all__ = ["Begun", "Ended", "Waiting"]


@dataclass(frozen=True)
class Waiting:
    """Nothing is trained before something else is there, which may take seconds or longer.

    Attributes:
        text: what is waited for.
        short: the same where there is little room.
    """

    text: str
    short: str


class Begun:
    """The directory is there and training begins.

    Attributes:
        run_dir: the directory.
    """

    run_dir: Path


class Ended:
    """Training has ended, and its files are written."""
