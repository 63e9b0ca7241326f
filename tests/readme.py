"""The transcripts of the README: what its commands print.

A block of ``console`` holds commands behind a ``$``, each with its output below. A line ``...`` stands for
any lines, ``...`` at the end of a line for its rest, and seconds are whatever they are. A file that is shown
with ``cat`` is written as it is shown.
"""

import difflib
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

__all__ = ["README", "blocks", "differences", "replay"]

README = Path(__file__).parents[1] / "README.md"
_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SECONDS = re.compile(r"\bin [0-9.e-]+ s\b")
_LEFT_OUT = "..."


def blocks(text: str) -> list[str]:
    return _BLOCK.findall(text)


def replay(
    block: str, directory: Path, run: Callable[[str, Path], list[str]] | None = None
) -> Iterator[tuple[str, list[str], list[str]]]:
    """Run the commands of a block: for each, what the README says of it, and what it prints.

    Args:
        block: as `blocks` finds it.
        directory: where the commands are given.
        run: gives the lines that a command prints in a directory; by default in a process of its own.
    """
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, *said = part.rstrip("\n").split("\n")
        if command.startswith("cat "):
            (directory / command.removeprefix("cat ")).write_text("\n".join(said) + "\n")
            continue
        yield command, said, (run or _run)(command, directory)


def _run(command: str, directory: Path) -> list[str]:
    """What a command prints where it is no terminal: its output, and what is wrong."""
    name, _, words = command.partition(" ")
    assert name == "lrcli"
    done = subprocess.run(
        ["bash", "-c", f'exec "$0" -m lrcli {words}', sys.executable],  # which knows what * stands for
        cwd=directory,
        env={key: value for key, value in os.environ.items() if key != "COLUMNS"},
        capture_output=True,
        text=True,
        check=False,
    )
    return [line.rstrip() for line in (done.stdout or done.stderr).splitlines()]


def differences(said: list[str], printed: list[str]) -> list[str]:
    """Where they differ, as lines of a diff; none where the README tells the truth."""
    pattern = "".join(r"(?:.*\n)*?" if line == _LEFT_OUT else _as_pattern(line) + r"\n" for line in said)
    text = "".join(f"{_SECONDS.sub('in 0 s', line)}\n" for line in printed)
    if re.fullmatch(pattern, text):
        return []
    return list(difflib.unified_diff(said, printed, "README.md", "printed", lineterm=""))


def _as_pattern(line: str) -> str:
    line = _SECONDS.sub("in 0 s", line.rstrip())
    if line.endswith(_LEFT_OUT):
        return re.escape(line.removesuffix(_LEFT_OUT)) + ".*"
    return re.escape(line)
