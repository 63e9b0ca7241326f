"""The transcripts of the README: what its commands print.

A block of ``console`` holds commands behind a ``$``, each with its output below. A line ``...`` stands for
any lines, ``...`` at the end of a line for its rest, and seconds are whatever they are. A file that is shown
with ``cat`` is written as it is shown.
"""

import difflib
import re
import shlex
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
    block: str, directory: Path, program: Callable[..., tuple[int, str, str]]
) -> Iterator[tuple[str, list[str], list[str]]]:
    """Run the commands of a block: for each, what the README says of it, and what it prints.

    Args:
        block: as `blocks` finds it.
        directory: where the commands are given; the current one.
        program: the fixture of that name.
    """
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, *said = part.rstrip("\n").split("\n")
        if command.startswith("cat "):
            (directory / command.removeprefix("cat ")).write_text("\n".join(said) + "\n")
            continue
        yield command, said, _printed(command, program)


def _printed(command: str, program: Callable[..., tuple[int, str, str]]) -> list[str]:
    """What a command prints where it is no terminal: its output, or what is wrong."""
    name, *words = shlex.split(command)
    assert name == "lrcli"
    found = [sorted(map(str, Path().glob(word))) if "*" in word else [word] for word in words]
    _, out, err = program(*(path for paths in found for path in paths), code=None)
    return [line.rstrip() for line in (out or err).splitlines()]


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
