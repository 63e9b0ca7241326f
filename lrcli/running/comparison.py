"""A comparison of runs, or of sweeps, as data: what differs, settings first, then what came out."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from lrcli.wording import counted, one_line

__all__ = ["BitComparison", "Comparison", "ResultRow", "RunComparison", "SettingRow", "Verdict"]

Verdict = Literal["better", "worse"]


@dataclass(frozen=True)
class SettingRow:
    """A setting in which there is a difference.

    Attributes:
        name: its dotted key, or what a fact of the environment is called.
        values: of each run; None where it has no such key, or its settings are not known.
    """

    name: str
    values: tuple[Any, ...]


@dataclass(frozen=True)
class ResultRow:
    """One number, or one word, of the results.

    Attributes:
        name: such as ``val/loss`` or ``recovery/w[0]``.
        values: of each run; None where it has none, or none that is finite.
        kind: a ``metric`` is above 0, a ``share`` lies from 0 to 1, an ``error`` has a sign, a ``number`` may
            be any.
        ratio: of two runs, the second over the first; None where that says nothing.
        difference: of two runs, the second minus the first; None where one of them has no number.
        verdict: what the second is, of two; None where neither is good, or the two are of different things.
        best: the runs with the best value, where that can be said and others are worse.
    """

    name: str
    values: tuple[Any, ...]
    kind: Literal["metric", "share", "error", "number", "count", "seconds", "word"]
    ratio: float | None = None
    difference: float | None = None
    verdict: Verdict | None = None
    best: tuple[int, ...] = ()

    @property
    def equal(self) -> bool:
        """Whether all runs have the same."""
        return all(value == self.values[0] for value in self.values)

    def as_data(self) -> dict[str, Any]:
        """The same in mappings, lists, numbers and texts."""
        return {
            "name": self.name,
            "values": list(self.values),
            "equal": self.equal,
            "ratio": self.ratio,
            "difference": self.difference,
            "verdict": self.verdict,
            "best": list(self.best),
        }


@dataclass(frozen=True)
class BitComparison:
    """Two runs of the same settings and seed: whether one repeats the other to the bit.

    Attributes:
        runs: their positions.
        equal: whether all that both have is equal to the bit; None where that cannot be told.
        records: how many records they have in common.
        epoch: of the first record in which they differ; None where none does.
        step: likewise.
        metric: the first in which that record differs, or what else does.
        values: the two values there, as they are written; empty for a number that is not finite.
        unknown: why it cannot be told, a clause; empty where it can.
    """

    runs: tuple[int, int]
    equal: bool | None
    records: int = 0
    epoch: int | None = None
    step: int | None = None
    metric: str = ""
    values: tuple[str, str] = ("", "")
    unknown: str = ""

    def as_data(self) -> dict[str, Any]:
        """The same in mappings, lists, numbers and texts."""
        return {
            "runs": list(self.runs),
            "equal": self.equal,
            "records": self.records,
            "epoch": self.epoch,
            "step": self.step,
            "metric": self.metric or None,
            "values": list(self.values) if self.metric else None,
            "unknown": self.unknown or None,
        }


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What runs and sweeps have in common when they are compared.

    Attributes:
        command: ``train`` or ``sweep``.
        names: what each is called, such as ``linear/train-0003``, no two alike.
        directories: where each is.
        statuses: how far each came.
        settings: the keys in which the experiments differ, in the order of the file.
        equal_settings: how many keys are equal; None where the settings of one are not known.
        environment: what else the numbers depend on and that differs.
        notes: what the reader should know, a sentence each.
    """

    command: Literal["train", "sweep"]
    names: tuple[str, ...]
    directories: tuple[str, ...]
    statuses: tuple[str, ...]
    settings: tuple[SettingRow, ...]
    equal_settings: int | None
    environment: tuple[SettingRow, ...] = ()
    notes: tuple[str, ...] = ()

    def as_data(self) -> dict[str, Any]:
        """What ``lrcli compare --json`` prints, but for the results."""
        runs = zip(self.names, self.directories, self.statuses, strict=True)
        return {
            "command": self.command,
            "runs": [{"name": name, "directory": where, "status": how} for name, where, how in runs],
            "settings": [{"key": row.name, "values": list(row.values)} for row in self.settings],
            "equal_settings": self.equal_settings,
            "environment": [{"name": row.name, "values": list(row.values)} for row in self.environment],
            "notes": list(self.notes),
        }

    def __str__(self) -> str:
        """A line for each thing that differs."""
        return "\n".join(map(one_line, self._lines()))

    def _lines(self) -> Iterator[str]:
        yield " | ".join(self.names)
        for row in (*self.settings, *self.environment):
            yield f"{row.name}: {_beside(row.values)}"
        if self.equal_settings is not None:
            yield f"{counted(self.equal_settings, 'setting')} equal"
        yield from self.notes


@dataclass(frozen=True, kw_only=True)
class RunComparison(Comparison):
    """Two runs or more, beside each other.

    Attributes:
        results: of every metric, the best record, the errors of the parameters, the time.
        repetitions: of runs with the same settings and seed, each against the first of them.
    """

    command: Literal["train", "sweep"] = "train"
    results: tuple[ResultRow, ...] = ()
    repetitions: tuple[BitComparison, ...] = ()

    def __getitem__(self, name: str) -> ResultRow:
        """The result of a name, such as ``val/loss``.

        Raises:
            KeyError: there is none.
        """
        return {row.name: row for row in self.results}[name]

    def as_data(self) -> dict[str, Any]:
        """What ``lrcli compare --json`` prints."""
        return super().as_data() | {
            "results": [row.as_data() for row in self.results],
            "repetitions": [each.as_data() for each in self.repetitions],
        }

    def _lines(self) -> Iterator[str]:
        yield from super()._lines()
        for row in self.results:
            if not row.equal:
                yield f"{row.name}: {_beside(row.values)}{f' ({row.verdict})' if row.verdict else ''}"


def _beside(values: tuple[Any, ...]) -> str:
    return " | ".join("-" if value is None else str(value) for value in values)
