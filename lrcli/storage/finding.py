"""Runs and sweeps by what a user calls them: a path, a name, or ``last``.

No result is read for this: thousands of runs take no longer than their directories take to list. What was
killed before it had a result is a run, too, which is listed and which ``last`` may mean: the numbered
directories of an experiment, whatever is in them, and anywhere one with an experiment.yaml of lrcli's.
"""

import fnmatch
import os
import re
import shlex
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path

from lrcli.errors import RunDirectoryError, UsageError
from lrcli.storage.beginnings import Command, command_of_experiment, command_of_result

__all__ = [
    "LAST",
    "all_runs",
    "begun_at",
    "command_of",
    "find_place",
    "find_run",
    "holds_run",
    "is_numbered",
    "refuse_twice",
    "run_directories",
    "run_words",
    "why_no_result",
    "word_of",
]

LAST = "last"

_RESULT, _EXPERIMENT = "result.json", "experiment.yaml"
_NUMBERED = re.compile("(train|sweep)-([0-9]{1,18})")
_MOST_NAMED = 8


def find_run(word: str, runs_dir: Path, command: Command | None = None) -> Path:
    """The directory of a run or a sweep.

    A path to a directory that holds a result, or to a result.json, wins over names. ``name/train-0003`` is a
    run below the directory of all runs, ``name`` the newest run or sweep of an experiment, ``last`` the
    newest of all. Where an experiment is itself called last, ``last/train-0001`` is a run of it; the word
    alone keeps its meaning. A run that was killed before it had a result is found as others are: it can be
    resumed and deleted, and whoever reads its result says that there is none.

    The newest is the one that was begun last. Among the runs of an experiment, and among its sweeps, that is
    the one of the highest number, even where copying has changed the times of the files. Between these, the
    time at which experiment.yaml was written decides: it is written once, before training, where result.json
    is written again when a run ends or a sweep goes on. One that was edited since counts no later than its
    result.json. Where both are missing it is the time at which the directory itself was last changed.

    Args:
        word: what the user wrote; slashes at its end, and backslashes, do no harm.
        runs_dir: the directory of all runs.
        command: which kind ``name`` and ``last`` mean; either of them without.

    Raises:
        RunDirectoryError: there is no such run, with what there is; or a directory cannot be listed.
    """
    parts = _parts(word)
    found = _at_path(Path(word), runs_dir) if word else None
    if found is None and parts == [LAST]:
        found = _newest([run for name in _listed(runs_dir) for run in _latest(runs_dir / name, command)])
    elif found is None and parts:
        found = _at_path(runs_dir.joinpath(*parts), runs_dir)
        if found is None and len(parts) == 1:
            found = _newest(_latest(runs_dir / parts[0], command, strict=True))
    if found is None:
        raise _mistake(word, parts, runs_dir, command)
    return found


def find_place(word: str, runs_dir: Path, command: Command | None = None) -> Path:
    """Likewise, or whatever lies at the path that a word is: what is wrong there is told by who reads it.

    Raises:
        RunDirectoryError: there is nothing.
    """
    try:
        return find_run(word, runs_dir, command)
    except RunDirectoryError:
        if os.path.lexists(word):
            return Path(word)
        raise


def refuse_twice(directories: Sequence[Path]) -> None:
    """Make sure that no directory is there twice, by whatever names.

    Raises:
        UsageError: one is.
    """
    real = [directory.resolve() for directory in directories]
    for number, directory in enumerate(directories):
        if real[number] in real[:number]:
            raise UsageError(f"{directory}: is named twice")


def run_words(begun: str, runs_dir: Path) -> list[str]:
    """What a word that is begun may become: ``last``, the names of experiments, ``name/train-0001``."""
    name, slash, _ = begun.partition("/")
    try:
        if slash:
            runs = sorted(_listed(runs_dir / name)) if _parts(name) else []
            words = [f"{name}/{run}" for run in runs if _inside(runs_dir / name / run)]
        else:
            words = [LAST, *_names(runs_dir)]
    except RunDirectoryError:
        return []
    return [word for word in dict.fromkeys(words) if word.startswith(begun)]


def all_runs(pattern: str, runs_dir: Path) -> list[Path]:
    """The directories of runs and sweeps, the one that was begun last at the end.

    Args:
        pattern: of the name of an experiment, or of ``name/train-0001``, with ``*`` and ``?``.
        runs_dir: the directory of all runs.

    Raises:
        RunDirectoryError: it cannot be listed.
    """
    return sorted(run_directories(pattern, runs_dir), key=lambda path: (begun_at(path), str(path)))


def run_directories(pattern: str, runs_dir: Path) -> list[Path]:
    """Likewise, in no order, which takes half the time."""
    found = []
    for name in _listed(runs_dir):
        if _at(runs_dir / name):
            found += [runs_dir / name] if fnmatch.fnmatchcase(name, pattern) else []
            continue
        whole = fnmatch.fnmatchcase(name, pattern)
        try:
            runs = _listed(runs_dir / name)
        except RunDirectoryError:
            found += [runs_dir / name] if whole else []  # of which it is told that it cannot be read
            continue
        inside = [run for run in runs if whole or fnmatch.fnmatchcase(f"{name}/{run}", pattern)]
        found += [path for path in (runs_dir / name / run for run in inside) if _inside(path)]
    return found


def word_of(directory: Path, runs_dir: Path) -> str:
    """The word that finds a run: ``name/train-0001``, or its path where it is elsewhere."""
    if directory.is_relative_to(runs_dir):  # as those are that were listed, thousands of them
        return directory.relative_to(runs_dir).as_posix()
    path, root = directory.absolute(), runs_dir.absolute()
    return (path.relative_to(root) if path.is_relative_to(root) else directory).as_posix()


def is_numbered(name: str) -> bool:
    """Whether a directory is called as those are whose number lrcli has taken, such as ``train-0001``."""
    return _NUMBERED.fullmatch(name) is not None


def holds_run(directory: Path) -> bool:
    """Whether lrcli has written into a directory: a result, or the experiment of one that was killed."""
    if not os.path.isdir(directory):  # noqa: PTH112 - that of pathlib raises where it may not be entered
        return False
    return _has_begun(directory) or command_of_result(directory / _RESULT) is not None


def command_of(directory: Path) -> str | None:
    """What made a run, ``train`` or ``sweep``, as far as its name and the beginnings of its files tell."""
    found = command_of_result(directory / _RESULT) or command_of_experiment(directory / _EXPERIMENT)
    match = _NUMBERED.fullmatch(directory.name)
    return found or (match[1] if match else None)


def begun_at(directory: Path) -> int:
    """When a run was begun, in nanoseconds; 0 where that cannot be told."""
    times = []
    for name in (_EXPERIMENT, _RESULT):
        try:
            times.append(os.stat(f"{directory}{os.sep}{name}").st_mtime_ns)  # noqa: PTH116 - thousands of them
        except (OSError, ValueError):
            continue
    if not times:
        try:
            times.append(directory.stat().st_mtime_ns)
        except (OSError, ValueError):
            return 0
    return min(times)


def why_no_result(directory: Path) -> str:
    """Why a run has no result, and what can be done; empty where no run was begun there, or it has one."""
    if os.path.isfile(directory / _RESULT) or not _inside(directory):  # noqa: PTH113
        return ""
    if not os.access(directory, os.R_OK | os.X_OK):
        return "cannot be read: Permission denied"
    from lrcli.storage.locking import owner_of

    owner = owner_of(directory)
    if owner is not None:
        return f"has no result yet: {owner} is at work here"
    word = shlex.quote(str(directory))
    if _has_begun(directory):
        goes_on = f"lrcli resume {word} goes on, lrcli delete {word} removes it"
        return f"was stopped before it had a result; {goes_on}"
    return f"was stopped before it had an experiment; lrcli delete {word} removes it"


def _parts(word: str) -> list[str]:
    """The one or two names that a word is made of; none where it can only be a path."""
    parts = unicodedata.normalize("NFC", word).rstrip("/\\").replace("\\", "/").split("/")
    can_be_names = all(part and not part.startswith(".") and ":" not in part for part in parts)
    return parts if len(parts) <= 2 and can_be_names else []


def _at_path(path: Path, runs_dir: Path) -> Path | None:
    """The run at a path, written out or made of names; in the directory of all runs a number is enough."""
    is_below = os.path.abspath(path.parent.parent) == os.path.abspath(runs_dir)  # noqa: PTH100 - links stay
    return (_inside if is_below else _at)(path)


def _inside(path: Path) -> Path | None:
    """The run at a path in an experiment's directory: whatever has a number, however early it was killed."""
    numbered = is_numbered(path.name) and os.path.isdir(path)  # noqa: PTH112
    return path if numbered else _at(path)


def _at(path: Path) -> Path | None:
    """The directory of a run at a path, which may be that of the result itself."""
    # Those of pathlib raise where a directory above may not be entered.
    if os.path.isfile(path / _RESULT):  # noqa: PTH113
        return path
    if path.name == _RESULT and os.path.isfile(path):  # noqa: PTH113
        return path.parent
    return path if _has_begun(path) else None


def _has_begun(directory: Path) -> bool:
    """Whether lrcli has written the experiment of a directory."""
    return command_of_experiment(directory / _EXPERIMENT) is not None


def _listed(directory: Path) -> list[str]:
    """The names in a directory, hidden ones left out; none where there is no such directory.

    Raises:
        RunDirectoryError: it cannot be listed.
    """
    try:
        return [name for name in os.listdir(directory) if not name.startswith(".")]  # noqa: PTH208 - a name each
    except (FileNotFoundError, NotADirectoryError, ValueError):  # ValueError: no such characters in names
        return []
    except OSError as error:
        raise RunDirectoryError(f"{directory}: cannot be read: {error.strerror or error}") from None


def _latest(directory: Path, command: Command | None, *, strict: bool = False) -> list[Path]:
    """The run and the sweep of the highest numbers in an experiment's directory, and those without numbers.

    The directory itself where that is a run's.

    Raises:
        RunDirectoryError: it cannot be listed; only where that is not to be passed over.
    """
    if _at(directory):
        return [directory] if command in {None, command_of(directory)} else []
    try:
        names = _listed(directory)
    except RunDirectoryError:
        if strict:
            raise
        return []
    found = []
    for kind, runs in _by_kind(names).items():
        if kind and command in {None, kind}:
            found += [directory / name for name in reversed(runs) if _inside(directory / name)][:1]
        elif not kind:
            own = (directory / name for name in runs if _at(directory / name))
            found += [path for path in own if command in {None, command_of(path)}]
    return found


def _by_kind(names: Sequence[str]) -> dict[str, list[str]]:
    """Names by ``train`` and ``sweep``, in the order of their numbers; those without by nothing."""
    kinds: dict[str, list[tuple[int, str]]] = {}
    for name in names:
        match = _NUMBERED.fullmatch(name)
        kinds.setdefault(match[1] if match else "", []).append((int(match[2]) if match else 0, name))
    return {kind: [name for _, name in sorted(runs)] for kind, runs in kinds.items()}


def _newest(directories: Sequence[Path]) -> Path | None:
    return max(directories, key=lambda path: (begun_at(path), str(path)), default=None)


def _names(runs_dir: Path) -> list[str]:
    """The experiments that have a run."""
    return sorted(name for name in _listed(runs_dir) if _latest(runs_dir / name, None))


# What to say where there is none ------------------------------------------------------------------------


def _mistake(word: str, parts: Sequence[str], runs_dir: Path, command: Command | None) -> RunDirectoryError:
    """What is wrong with a word, and what may be written instead."""
    from lrcli.config.hints import nearest  # which pydantic comes with

    names = _names(runs_dir)
    is_there = os.path.lexists(word)
    if is_there or not parts:
        told = "holds no result of a run or a sweep; name its directory or its result.json"
        where = Path(word) if is_there else Path(word).parent
        return RunDirectoryError(f"{word or repr(word)}: {told}", list(_held(where)))
    if not names:
        return RunDirectoryError(
            f"{word}: there are no runs in {runs_dir} yet; train one with lrcli train, or name the "
            "directory of all runs with --runs-dir"
        )
    if parts == [LAST] or (len(parts) == 1 and parts[0] in names):
        where = runs_dir if parts == [LAST] else runs_dir / parts[0]
        return RunDirectoryError(f"{word}: there is no run of lrcli {command} in {where}")
    if parts[0] in names:
        return RunDirectoryError(
            f"{word}: is no run{_meant(parts, runs_dir)}", list(_held(runs_dir / parts[0]))
        )
    return RunDirectoryError(f"{word}: is no run{nearest(parts[0], names)}", list(_held(runs_dir)))


def _meant(parts: Sequence[str], runs_dir: Path) -> str:
    """Which run of an experiment may have been meant: one of that number, or of nearly that name."""
    from lrcli.config.hints import nearest

    name, run = parts
    runs = [f"{name}/{each}" for each in _listed(runs_dir / name)]
    match = _NUMBERED.fullmatch(run)
    if match is None:
        return nearest(f"{name}/{run}", runs)
    padded = f"{name}/{match[1]}-{int(match[2]):04d}"
    # The number itself may be taken by what is no directory.
    return f"; did you mean {padded}?" if padded in runs and padded != f"{name}/{run}" else ""


def _held(directory: Path) -> Iterator[str]:
    """What a directory holds that can be named."""
    try:
        names = [name for name in _listed(directory) if _latest(directory / name, None)]
    except RunDirectoryError:
        return
    spans = []
    for kind, runs in sorted(_by_kind(names).items(), reverse=True):
        shown = runs if kind == "" or len(runs) <= 2 else [f"{runs[0]} to {runs[-1]}"]
        spans += shown[:_MOST_NAMED]
        spans += [f"{len(shown) - _MOST_NAMED} more"] if len(shown) > _MOST_NAMED else []
    if spans:
        yield f"{directory} holds {', '.join(spans)}"
