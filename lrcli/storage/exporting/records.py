"""What is exported of a run or a sweep: R members (a run is one), T records of each, K metrics.

curves    every record of training
results   one record for each member: where it ended, test metrics and errors of the parameters included
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lrcli.errors import RunDirectoryError
from lrcli.storage.digests import KeptFile
from lrcli.storage.history import History
from lrcli.storage.reading import read_result
from lrcli.storage.run_result import RunResult
from lrcli.storage.shards import refuse_share
from lrcli.storage.table_reading import MemberTable, read_curves, read_members, read_metrics
from lrcli.storage.tables import swept_text
from lrcli.wording import typed

__all__ = ["CONTENTS", "Content", "Records", "read_records"]

Content = Literal["curves", "results"]
CONTENTS: tuple[Content, ...] = ("curves", "results")


@dataclass(frozen=True, eq=False, kw_only=True)
class Records:
    """The records of a run or a sweep.

    Attributes:
        run: what it is called.
        member: (R,) numbers from 0; a run is member 0.
        seed: (R,).
        keys: from swept key to a value for each member, None where it has none; a run has no such key.
        words: likewise, what else is told of each member: texts, and numbers with None.
        epoch: (R, T).
        step: (R, T).
        there: (R, T) whether there is such a record: members may stop early, and differ in their epochs.
        metrics: from name to (R, T).
    """

    run: str
    member: NDArray[np.int64]
    seed: NDArray[np.int64]
    keys: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    words: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    epoch: NDArray[np.int64]
    step: NDArray[np.int64]
    there: NDArray[np.bool_]
    metrics: Mapping[str, NDArray[np.float64]]

    @property
    def configurations(self) -> list[str]:
        """For each member its swept keys as words of a command line, such as ``optimizer.lr=0.1``."""
        words = [
            ["" if value is None else f"{key}={swept_text(value)}" for value in values]
            for key, values in self.keys.items()
        ]
        return [" ".join(filter(None, each)) for each in zip(*words, strict=True)] or [""] * len(self.member)


def read_records(directory: Path, run: str, content: Content) -> Records:
    """The records of a run or a sweep.

    Args:
        directory: of it.
        run: what it is called.
        content: which.

    Raises:
        RunDirectoryError: there is none, it has no records yet, or it has been damaged.
    """
    result = read_result(directory)
    if isinstance(result, RunResult):
        missing = f"has no records: the run is {result.status}"
        history = read_metrics(_there(result.file(directory, "metrics.csv"), missing))
        return _of_run(run, result, history, content)
    refuse_share(directory, result.shard)
    command = typed("lrcli", "resume", str(directory))
    missing = f"has no results yet ({result.status}); go on with it first: {command}"
    members = read_members(_there(result.file(directory, "results.csv"), missing))
    history = read_curves(result.file(directory, "curves.npz"))
    shape = (len(members.member), history.epoch.shape[-1])
    axes = (history.epoch, history.step, *history.metrics.values())
    fits = [axis.shape in {shape, shape[1:]} for axis in axes[:2]] + [
        axis.shape == shape for axis in axes[2:]
    ]
    if not all(fits):
        raise RunDirectoryError(
            f"{directory}: curves.npz and results.csv do not belong together; train again"
        )
    return _of_sweep(run, members, history, content)


def _there(file: KeptFile, missing: str) -> KeptFile:
    """A file that is there once training has come to it; one that is gone is told by who reads it.

    Raises:
        RunDirectoryError: training has not come to it.
    """
    if file.sha256 is None and not file.path.exists():
        raise RunDirectoryError(f"{file.path.parent}: {missing}")
    return file


def _of_run(run: str, result: RunResult, history: History, content: Content) -> Records:
    one: dict[str, Any] = {"run": run, "member": np.array([0]), "seed": np.array([result.seed])}
    if content == "curves":
        return _curves(history, **one)
    last = {name: float(values[0, -1]) for name, values in history.metrics.items() if values.size}
    numbers = dict(result.metrics)
    numbers |= {name: last[name] for name in numbers if name in last}  # where infinity is told from NaN
    if result.best is not None:
        numbers[f"best/{result.best.metric}"] = result.best.value
    numbers |= {f"error/{row.name}": row.error for row in result.recovery}
    words: dict[str, list[Any]] = {
        "status": [result.status],
        "outcome": [result.outcome],
        "diverged_step": [result.diverged_step],
    }
    return Records(
        **one,
        words=words,
        epoch=np.array([[result.epochs]]),
        step=np.array([[result.steps]]),
        there=np.array([[True]]),
        metrics={name: np.array([[number]]) for name, number in numbers.items()},
    )


def _of_sweep(run: str, members: MemberTable, history: History, content: Content) -> Records:
    each: dict[str, Any] = {
        "run": run,
        "member": members.member,
        "seed": members.seed,
        "keys": members.values,
    }
    if content == "curves":
        return _curves(history, **each)
    diverged = members.diverged_step.tolist()
    words = {
        "status": members.status.tolist(),
        "outcome": [outcome or None for outcome in members.outcome.tolist()],
        "diverged_step": [step or None for step in diverged],
    }
    return Records(
        **each,
        words=words,
        epoch=members.epochs[:, None],
        step=_last_steps(members, history)[:, None],
        there=np.ones((len(members.member), 1), dtype=bool),
        metrics={name: values[:, None] for name, values in members.numbers.items()},
    )


def _last_steps(members: MemberTable, history: History) -> NDArray[np.int64]:
    """(R,) the optimizer updates that each member has finished."""
    shape = (len(members.member), history.epoch.shape[-1])
    epoch, step = (np.broadcast_to(axis, shape) for axis in (history.epoch, history.step))
    per_epoch = step.max(axis=1) // np.maximum(epoch.max(axis=1), 1)
    finished = members.epochs * per_epoch
    return np.where(members.diverged_step > 0, members.diverged_step - 1, finished)


def _curves(history: History, **each: Any) -> Records:
    """All records of some members; one without any number is none."""
    shape = (len(each["member"]), history.epoch.shape[-1])
    epoch, step = (np.broadcast_to(axis, shape) for axis in (history.epoch, history.step))
    there = np.zeros(shape, dtype=bool)
    for values in history.metrics.values():
        there |= ~np.isnan(values)
    return Records(**each, epoch=epoch, step=step, there=there & (epoch >= 0), metrics=history.metrics)
