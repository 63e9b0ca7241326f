"""What the numbers of a run depended on."""

import os
import platform
import threading
from datetime import datetime
from pathlib import Path
from typing import Any, Self

import numpy as np

from lrcli import __version__
from lrcli.components.installed import PACKAGES
from lrcli.storage.git import Git, find_git
from lrcli.storage.processor import processor_name

__all__ = ["GitState", "environment", "time_now"]


def environment() -> dict[str, Any]:
    """Versions, machine, and the packages that offer components; an engine adds its own facts."""
    packages = {"packages": sorted(set(PACKAGES.values()))} if PACKAGES else {}
    return {
        "lrcli": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "platform": platform.platform(),
        "processor": processor_name(),
        "cores": os.cpu_count(),
        **packages,
    }


def time_now() -> str:
    """The time by the clock of the machine and its offset from UTC: ``2026-01-31T09:30:00.125+01:00``."""
    return datetime.now().astimezone().isoformat(timespec="milliseconds")


class GitState:
    """The commit of the repository that a directory is in, asked for while other work goes on.

    with GitState(directory) as git:
        ...
        git.answer()
    """

    def __init__(self, directory: Path) -> None:
        program = find_git()
        self._git = None if program is None else Git(program, directory)
        self._answer: dict[str, Any] = {"git_commit": None, "git_dirty": None}
        self._asking = threading.Thread(target=self._ask, daemon=True)
        self._asking.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._git is not None:
            self._git.stop()
        self._asking.join(1.0)

    def answer(self, timeout: float = 5.0) -> dict[str, Any]:
        """``git_commit`` and ``git_dirty``; both None outside a repository or without git.

        Args:
            timeout: seconds to wait for an answer.
        """
        self._asking.join(timeout)
        return dict(self._answer)

    def _ask(self) -> None:
        if self._git is not None:
            self._answer["git_commit"] = self._git.commit()
            self._answer["git_dirty"] = self._git.dirty()
