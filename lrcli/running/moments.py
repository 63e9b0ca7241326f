"""Moments that a run and a sweep have in common, so that who waits for them need not import both."""

from pathlib import Path

__all__ = ["Begun", "Ended"]


class Begun:
    """The directory is there and training begins.

    Attributes:
        run_dir: the directory.
    """

    run_dir: Path


class Ended:
    """Training has ended, and its files are written."""
