"""What the numbers of a run depended on."""

import os
import platform
import subprocess
from pathlib import Path
from typing import Any, Self

import numpy as np

from lrcli import __version__

__all__ = ["GitState", "environment"]


def environment() -> dict[str, Any]:
    """Versions and platform; an engine adds its own facts."""
    return {
        "lrcli": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "platform": platform.platform(),
    }


class GitState:
    """The commit of the repository that a directory is in, asked for while other work goes on.

    with GitState(directory) as git:
        ...
        git.answer()
    """

    def __init__(self, directory: Path) -> None:
        command = ["git", "-C", str(directory), "status", "--porcelain=v2", "--branch"]
        try:
            self._process: subprocess.Popen[str] | None = subprocess.Popen(  # noqa: S603
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
            )
        except OSError:  # no git here
            self._process = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            self._process.communicate()

    def answer(self, timeout: float = 5.0) -> dict[str, Any]:
        """``git_commit`` and ``git_dirty``; both None outside a repository or without git.

        Args:
            timeout: seconds to wait for an answer.
        """
        unknown = {"git_commit": None, "git_dirty": None}
        if self._process is None:
            return unknown
        try:
            output, _ = self._process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
            return unknown
        if self._process.returncode != 0:
            return unknown
        lines = output.splitlines()
        commit = next((line.split()[-1] for line in lines if line.startswith("# branch.oid")), "(initial)")
        dirty = any(not line.startswith("#") for line in lines)
        return {"git_commit": None if commit == "(initial)" else commit, "git_dirty": dirty}
