"""Questions to git about a directory, in which nothing runs that the repository would like to run.

An experiment may lie in somebody else's repository, whose configuration can name programs: a monitor of
files, filters of their content, hooks, ways to reach a server. They are switched off. A repository that
cannot be asked without them is not asked.
"""

import contextlib
import os
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

__all__ = ["Git", "find_git"]

_SWITCHED_OFF = {
    "core.fsmonitor": "",
    "core.hooksPath": os.devnull,
    "fetch.bundleURI": "",
    "safe.bareRepository": "explicit",  # one that lies in a directory as if it were data
}
_FILTER_KEYS = {"clean": "", "process": "", "required": "false"}
_ENVIRONMENT = {
    "GIT_OPTIONAL_LOCKS": "0",  # nothing is written
    "GIT_NO_LAZY_FETCH": "1",  # of what a partial clone lacks, and
    "GIT_ALLOW_PROTOCOL": "none",  # for versions that do not know the former
    "GIT_TERMINAL_PROMPT": "0",
}
# Of a hook or a script of git, which may be about another repository than the experiment's.
_OF_ANOTHER = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_WORK_TREE",
)


def find_git() -> Path | None:
    """The program, from the folders of PATH alone: never the current directory, where Windows looks first."""
    name = "git.exe" if os.name == "nt" else "git"
    candidates = (Path(folder, name) for folder in os.get_exec_path() if Path(folder).is_absolute())
    return next((path for path in candidates if path.is_file() and os.access(path, os.X_OK)), None)


class Git:
    """Git in one directory; from another thread, `stop` ends the question under way and all to come."""

    def __init__(self, program: Path, directory: Path) -> None:
        """Ask nothing yet.

        Args:
            program: from `find_git`.
            directory: anywhere in a working tree.
        """
        self._program = program
        self._directory = directory
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped = False

    def stop(self) -> None:
        """End the question under way; it and later ones have no answer."""
        with self._lock:
            self._stopped = True
            if self._process is not None:
                self._process.kill()

    def commit(self) -> str | None:
        """The commit that is checked out; None outside a repository, or before its first commit."""
        answer = self._ask(self._directory, ["rev-parse", "--verify", "--quiet", "HEAD^{commit}"])
        return None if answer is None else answer.decode("ascii", "replace").strip()

    def dirty(self) -> bool | None:
        """Whether a tracked file has changed, or there is one that is neither tracked nor ignored.

        None where it cannot be told: outside a repository, or where nothing but files that pass a filter
        (such as git-lfs) seem to have changed, which only the filter could judge.
        """
        filters = self._filters(self._directory, set())
        if filters is None or any("=" in name for name in filters):  # a name that could not be switched off
            return None
        off = {f"filter.{name}.{key}": value for name in filters for key, value in _FILTER_KEYS.items()}
        answer = self._ask(self._directory, ["status", "--porcelain=v2", "-z", "--no-renames"], off=off)
        if answer is None:
            return None
        changes = answer.split(b"\0")[:-1]
        modified = [change.split(b" ", 8)[-1] for change in changes if change.startswith(b"1 .M N")]
        if not changes or len(modified) < len(changes) or not filters:
            return bool(changes)
        return None if self._all_filtered(modified) else True

    def _all_filtered(self, paths: Sequence[bytes]) -> bool:
        """Whether each of some files, named from the top of the working tree, passes a filter."""
        words = ["check-attr", "-z", "--stdin", "filter"]
        answer = self._ask(_top(self._directory), words, stdin=b"".join(path + b"\0" for path in paths))
        return answer is not None and not {b"unspecified", b"unset"} & set(answer.split(b"\0")[2::3])

    def _filters(self, directory: Path, seen: set[Path]) -> set[str] | None:
        """The names of all filters that a repository and those inside it have; None if they do not say."""
        top = _top(directory)
        if top in seen:
            return set()
        seen.add(top)
        keys = self._ask(directory, ["config", "--null", "--name-only", "--get-regexp", r"^filter\."], none=1)
        entries = self._ask(directory, ["ls-files", "--stage", "-z", "--full-name", "--", ":/"])
        if keys is None or entries is None:
            return None
        found = {os.fsdecode(key).removeprefix("filter.").rpartition(".")[0] for key in _parts(keys)}
        for inner in (top / path for path in _submodules(entries)):
            more = self._filters(inner, seen) if os.path.lexists(inner / ".git") else set()
            if more is None:
                return None
            found |= more
        return found

    def _ask(
        self,
        directory: Path,
        words: Sequence[str],
        *,
        off: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        none: int = 0,
    ) -> bytes | None:
        """What git answers; None where it fails.

        Args:
            directory: to ask about.
            words: the command.
            off: more configuration, beside what is always switched off.
            stdin: what it reads.
            none: an exit code that is no failure.
        """
        switched_off = _SWITCHED_OFF | dict(off or {})
        settings = [word for key, value in switched_off.items() for word in ("-c", f"{key}={value}")]
        with contextlib.suppress(OSError, ValueError):
            with self._lock:
                if self._stopped:
                    return None
                self._process = subprocess.Popen(  # noqa: S603  its words are our own
                    [self._program, "--no-pager", *settings, *words],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    cwd=directory,
                    env=_environment(directory),
                )
            output, _ = self._process.communicate(stdin)
            return output if self._process.returncode in {0, none} else None
        return None


def _environment(directory: Path) -> dict[str, str]:
    """The user's, with the working tree named: the configuration could name one that is anywhere."""
    kept = {key: value for key, value in os.environ.items() if key not in _OF_ANOTHER}
    return kept | _ENVIRONMENT | {"GIT_WORK_TREE": str(_top(directory))}


def _top(directory: Path) -> Path:
    """The directory that holds the repository's .git, above one or itself."""
    real = Path(os.path.realpath(directory))
    holders = (path for path in (real, *real.parents) if _is_repository(path / ".git"))
    return next(holders, real)


def _is_repository(path: Path) -> bool:
    return path.is_file() or os.path.lexists(path / "HEAD")


def _submodules(entries: bytes) -> Iterator[str]:
    for entry in _parts(entries):
        facts, _, path = entry.partition(b"\t")
        if facts.startswith(b"160000 "):
            yield os.fsdecode(path)


def _parts(answer: bytes) -> list[bytes]:
    return answer.split(b"\0")[:-1]
