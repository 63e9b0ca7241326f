"""All runs and sweeps at a glance, from the directories themselves.

Of each its result.json is read, and nothing is checked but what is shown: thousands take no longer than their
files take to read. A result that says a run is running, while nobody holds its lock, is of one that has ended
without a word.
"""

import json
import math
import os
import stat
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from lrcli.config.metrics import MAX_ABS_ERROR, Direction, direction_of, error_name
from lrcli.storage.finding import begun_at, command_of, run_directories, why_no_result, word_of
from lrcli.storage.locking import owner_of
from lrcli.storage.result_schema import COMMANDS, what_is_wrong
from lrcli.storage.shards import Shard

__all__ = ["STATUSES", "Row", "metric_names", "row_of", "rows", "sorted_by", "within"]

STATUSES = ("running", "completed", "stopped_early", "diverged", "interrupted", "failed", "damaged")

_USUAL = ("val/loss", "train/loss", "train/running_loss")
_PORTION, _READERS = 64, 16  # files that one thread reads in one go, threads
_Read = tuple[bytes | None, str]
_LOOKED_AT = 100  # runs, whose metrics a shell offers


@dataclass(frozen=True, slots=True)
class Row:
    """A run or a sweep.

    Attributes:
        directory: where it is, as it was found.
        word: what it is called: ``name/train-0001``.
        command: ``train`` or ``sweep``; empty where that cannot be told.
        status: how far it has come; ``failed`` where it says running and nobody is at work, ``damaged`` where
            its result cannot be read.
        why: a clause about a status that the result does not say itself; empty where it does.
        begun: when, in seconds since 1970.
        metric: the main one: what ranks, else the validation loss, else the training loss; may be empty.
        direction: which of its values are good.
        metrics: all last values, and the errors of the parameters without their signs, as ``recovery/w[0]``;
            of a sweep the median of its best configuration. Those that are not finite are left out.
        changed: the ``KEY=VALUE`` words that changed the experiment file.
        keys: of a sweep, what it goes over.
        members: of a sweep, how many there are.
        shard: of a share of a sweep, which, such as ``2/7``; its members are its own.
    """

    directory: Path
    word: str
    command: str
    status: str
    why: str = ""
    begun: float = 0.0
    metric: str = ""
    direction: Direction = "min"
    metrics: Mapping[str, float] = field(default_factory=dict)
    changed: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    members: int | None = None
    shard: Shard | None = None

    @property
    def value(self) -> float | None:
        """The last value of its main metric."""
        return self.metrics.get(self.metric)

    @property
    def recovery_error(self) -> float | None:
        """The largest error of a parameter, without its sign."""
        return self.metrics.get(MAX_ABS_ERROR)

    def as_data(self, now: float) -> dict[str, Any]:
        """All of it as plain data.

        Args:
            now: in seconds since 1970, to which its age is counted.
        """
        begun = datetime.fromtimestamp(self.begun).astimezone() if self.begun else None
        return {
            "run": self.word,
            "run_dir": self.directory.as_posix(),
            "command": self.command,
            "status": self.status,
            "why": self.why,
            "alive": self.status == "running",
            "begun": begun.isoformat(timespec="seconds") if begun else None,
            "age_seconds": round(now - self.begun, 1) if self.begun else None,
            "metric": self.metric,
            "value": self.value,
            "recovery_error": self.recovery_error,
            "changed": list(self.changed),
            "swept": list(self.keys),
            "members": self.members,
            "shard": self.shard.short if self.shard else None,
            "metrics": dict(self.metrics),
        }


def rows(pattern: str, runs_dir: Path) -> list[Row]:
    """A row for each run and sweep, the one that was begun last at the end.

    Args:
        pattern: of the name of an experiment, or of ``name/train-0001``, with ``*`` and ``?``.
        runs_dir: the directory of all runs.

    Raises:
        RunDirectoryError: it cannot be listed.
    """
    directories = run_directories(pattern, runs_dir)
    read = zip(directories, _read_all(directories), strict=True)
    found = [row_of(directory, runs_dir, content) for directory, content in read]
    return sorted(found, key=lambda row: (row.begun, row.word))


def sorted_by(found: Iterable[Row], metric: str) -> list[Row]:
    """The best first, by the metric's own direction; those that have no value of it last.

    A sweep that ranks by the metric says which values of it are good.
    """
    found = list(found)
    modes = {row.direction for row in found if row.metric == metric}
    sign = -1.0 if (modes == {"max"} or (not modes and direction_of(metric) == "max")) else 1.0
    return sorted(found, key=lambda row: sign * row.metrics.get(metric, sign * math.inf))


def metric_names(runs_dir: Path, begun: str = "") -> list[str]:
    """Metrics of some of the runs, which a shell may offer.

    Args:
        runs_dir: the directory of all runs.
        begun: how they begin.
    """
    directories = run_directories("*", runs_dir)[-_LOOKED_AT:]
    names = (name for directory in directories for name in row_of(directory, runs_dir).metrics)
    return [name for name in dict.fromkeys(names) if name.startswith(begun)]


def row_of(directory: Path, runs_dir: Path, read: _Read | None = None) -> Row:
    """A row for one directory, which may be outside that of all runs.

    Args:
        directory: it.
        runs_dir: the directory of all runs.
        read: what is in its result.json, where that is known.
    """
    word = word_of(directory, runs_dir)
    data, wrong = _content(_read(directory) if read is None else read)
    owner = None
    if data is None or data.get("status") == "running":
        owner = owner_of(directory)
        if owner is None:  # it may have ended between the two
            data, wrong = _content(_read(directory))
    if data is None:
        return _without_result(directory, word, wrong, is_owned=owner is not None)
    try:
        return _of_result(directory, word, data, is_owned=owner is not None)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        return _without_result(directory, word, "is not what lrcli writes", is_owned=False)


def _read_all(directories: Sequence[Path]) -> Iterator[_Read]:
    """What `_read` gives of each; of many several at once, as a disk is what they wait for."""
    if len(directories) <= _PORTION:
        yield from map(_read, directories)
        return
    from concurrent.futures import ThreadPoolExecutor

    portions = [directories[i : i + _PORTION] for i in range(0, len(directories), _PORTION)]
    with ThreadPoolExecutor(_READERS) as pool:
        for portion in pool.map(lambda some: list(map(_read, some)), portions):
            yield from portion


def _read(directory: Path) -> _Read:
    """What is in result.json, or what is wrong with it; neither where there is no file."""
    path = f"{directory}{os.sep}result.json"
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116 - thousands of them, and nobody waits at a pipe
            return None, ""
        with open(path, "rb") as file:  # noqa: PTH123
            return file.read(), ""
    except (FileNotFoundError, NotADirectoryError):  # removed just now
        return None, ""
    except OSError as error:
        return None, f"cannot be read: {error.strerror or error}"


def _content(read: _Read) -> tuple[dict[str, Any] | None, str]:
    """What result.json says, or nothing, and what is wrong with it; nothing is where there is no file."""
    content, wrong = read
    if content is None:
        return None, wrong
    try:
        data = json.loads(content)
    except (ValueError, RecursionError):
        return None, "is no JSON"
    if not isinstance(data, dict) or data.get("command") not in COMMANDS:
        return None, "is no result of a run or a sweep"
    wrong = what_is_wrong(content, data).partition("; ")[0]
    return (None, wrong) if wrong else (data, "")


def _without_result(directory: Path, word: str, wrong: str, *, is_owned: bool) -> Row:
    """Of a run that was killed early, or whose result is damaged."""
    status = "damaged" if wrong else "running" if is_owned else "failed"
    why = f"its result.json {wrong}" if wrong else why_no_result(directory).partition("; lrcli")[0]
    begun = begun_at(directory) / 1e9
    return Row(directory, word, command_of(directory) or "", status, why, begun)


def _of_result(directory: Path, word: str, data: Mapping[str, Any], *, is_owned: bool) -> Row:
    """Of a result, which may be any JSON.

    Raises:
        KeyError, TypeError, ValueError, AttributeError, OverflowError: it is not what lrcli writes.
    """
    is_dead = data["status"] == "running" and not is_owned
    if data["status"] not in STATUSES:
        raise ValueError
    metric, metrics = (_of_sweep if data["command"] == "sweep" else _of_run)(data)
    keys = data["keys"] if data["command"] == "sweep" else ()
    return Row(
        directory=directory,
        word=word,
        command=data["command"],
        status="failed" if is_dead else data["status"],
        why="was stopped without a word" if is_dead else "",
        begun=_begun(directory, data),
        metric=metric,
        direction="max" if data.get("mode") == "max" else "min" if "mode" in data else direction_of(metric),
        metrics=metrics,
        changed=tuple(map(str, (data.get("source") or {}).get("overrides", ()))),
        keys=tuple(map(str, keys)),
        members=_members(data) if data["command"] == "sweep" else None,
        shard=_shard(data.get("shard")),
    )


def _members(data: Mapping[str, Any]) -> int:
    """Of a sweep all, of a share its own."""
    own = data.get("share_members")
    return int(data["members"] if own is None else own)


def _shard(said: Any) -> Shard | None:
    if said is None:
        return None
    number, count = map(int, said)
    return Shard(number, count)


def _begun(directory: Path, data: Mapping[str, Any]) -> float:
    """When it was begun: as the result says, else by the time of its files."""
    said = data.get("started")
    if isinstance(said, str):
        try:
            return datetime.fromisoformat(said).timestamp()
        except (ValueError, OverflowError, OSError):
            pass
    return begun_at(directory) / 1e9


def _of_run(data: Mapping[str, Any]) -> tuple[str, dict[str, float]]:
    """The main metric of a run, and the values of all."""
    values = dict(data.get("metrics") or {})
    for row in data.get("recovery") or ():
        if row.get("determined", True) and row["error"] is not None:
            values[error_name(row["name"])] = abs(row["error"])
    best = data.get("best")
    metric = best["metric"] if best else next((name for name in _USUAL if name in values), "")
    return metric, _finite(values)


def _of_sweep(data: Mapping[str, Any]) -> tuple[str, dict[str, float]]:
    """What ranks, and the median of the best configuration."""
    best = data.get("best") or {}
    return data["metric"], _finite({data["metric"]: best.get("median"), **(best.get("test") or {})})


def _finite(values: Mapping[str, Any]) -> dict[str, float]:
    return {
        name: float(value) for name, value in values.items() if value is not None and math.isfinite(value)
    }


def within(found: Sequence[Row], *, since: float | None, older_than: float | None) -> list[Row]:
    """Those whose age, in seconds, is at most the one and more than the other."""
    now = time.time()
    return [
        row
        for row in found
        if (since is None or now - row.begun <= since)
        and (older_than is None or now - row.begun > older_than)
    ]
