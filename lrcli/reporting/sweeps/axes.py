"""The axes of a sweep's pictures: which key lies along the bottom, what makes a line, and names."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lrcli.analysis.sweep_results import ABSENT, SweepResults
from lrcli.reporting.key_names import label
from lrcli.reporting.scales import Array, Scale, Ticks, key_ticks, scale_of, thinned
from lrcli.reporting.sweeps.scores import best_first

__all__ = [
    "Line",
    "SweepLines",
    "epoch_ticks",
    "numeric_keys",
    "short_names",
    "sweep_lines",
]

_LONGEST_NAME = 100
_EVEN = 1.5  # times the smallest gap of a line is still even


@dataclass(frozen=True)
class Line:
    """Configurations that differ in one numeric key only.

    Attributes:
        label: the values of the other keys; empty where there are none.
        x: (n,) the values of the key, ascending.
        configurations: (n,) their numbers in the sweep.
    """

    label: str
    x: Array
    configurations: NDArray[np.intp]

    def thinned(self, most: int) -> "Line":
        """At most so many of its values, evenly, both ends included."""
        kept = thinned(len(self.x), most)
        return Line(self.label, self.x[kept], self.configurations[kept])


@dataclass(frozen=True)
class SweepLines:
    """A sweep along one of its keys.

    Attributes:
        key: the swept key along the bottom.
        lines: the configurations that have it, in the order of the file.
        best: the line of the best configuration.
        left_out: lines that were too many to show.
    """

    key: str
    lines: tuple[Line, ...]
    best: Line
    left_out: int

    @cached_property
    def points(self) -> Array:
        """(n,) every value of the key on the lines, ascending."""
        return np.unique(np.concatenate([line.x for line in self.lines]))

    @cached_property
    def scale(self) -> Scale:
        """How the values of the key are spaced."""
        return scale_of(self.points)

    @cached_property
    def ticks(self) -> Ticks:
        """What is labelled along every axis of the key."""
        return key_ticks(self.points, self.scale)

    def thinned(self, most: int) -> "SweepLines":
        """The same with at most so many values of each line: more are not seen, and take long to draw."""
        if all(len(line.x) <= most for line in self.lines):
            return self
        lines = [line.thinned(most) for line in self.lines]
        return replace(
            self,
            lines=tuple(lines),
            best=lines[next(i for i, line in enumerate(self.lines) if line is self.best)],
        )

    def gaps(self, line: Line) -> NDArray[np.bool_]:
        """(n - 1,) between which neighbours of a line nothing may be drawn.

        Others tried values there and this line did not: what it would have shown nobody knows. A coarser grid
        of its own, of three values or more about evenly spaced, may still be followed by eye.
        """
        skipped: NDArray[np.bool_] = np.diff(np.searchsorted(self.points, line.x)) > 1
        if len(line.x) < 3:
            return skipped
        logarithmic = self.scale != "linear"
        least = self.points[self.points > 0].min() / 10 if logarithmic else -np.inf  # where zero is put
        places = np.log(np.maximum(line.x, least)) if logarithmic else line.x
        apart = np.diff(places)
        even = apart <= _EVEN * apart.min()
        return skipped & ~even if np.count_nonzero(even) > 1 else skipped


def sweep_lines(results: SweepResults, most: int = 8) -> SweepLines | None:
    """The sweep along its learning rate, or another numeric key; None where no numeric key varies.

    Args:
        results: the sweep.
        most: lines to keep; the best ones are.
    """
    values = numeric_keys(results)
    # A learning rate is what a sweep is about; without one the key with most values makes the best line.
    keys = sorted(values, key=lambda key: (not key.endswith("lr"), -len(np.unique(values[key]))))
    if not keys or (len(np.unique(values[keys[0]])) < 2 and len(results.configurations) > 1):
        return None
    key = keys[0]
    groups: dict[str, list[int]] = {}
    others = [other for other in results.keys if other != key]
    along, beside = results.columns[key], [results.columns[other] for other in others]
    for i in best_first(results).tolist():
        if along[i] is not ABSENT:
            held = [None if column[i] is ABSENT else column[i] for column in beside]
            groups.setdefault(repr(held), []).append(i)
    lines = [_line(key, others, results, members) for members in list(groups.values())[:most]]
    in_order = sorted(lines, key=lambda line: int(line.configurations.min()))
    return SweepLines(key, tuple(in_order), lines[0], len(groups) - len(lines))


def _line(key: str, others: Sequence[str], results: SweepResults, members: Sequence[int]) -> Line:
    name = label(results.configurations[members[0]], others)
    column = results.columns[key]
    x = np.array([float(column[i]) for i in members])
    order = np.argsort(x, kind="stable")
    return Line(name, x[order], np.array(members, dtype=np.intp)[order])


def numeric_keys(results: SweepResults) -> dict[str, Array]:
    """From swept keys whose values are all numbers to those values; a key that never varies is one too."""
    found = {}
    for key in results.keys:
        values = [value for value in results.columns[key] if value is not ABSENT]
        if values and all(isinstance(v, int | float) and not isinstance(v, bool) for v in values):
            found[key] = np.array(values, dtype=np.float64)
    return found


def epoch_ticks(results: SweepResults) -> Ticks:
    """What is labelled along every axis of epochs."""
    longest = results.epoch[np.argmax(results.epoch.max(axis=1))]
    return key_ticks(longest[longest >= 0].astype(np.float64), "linear")


def short_names(results: SweepResults, configurations: NDArray[np.intp]) -> list[str]:
    """A directory's name for each of some configurations: ``lr=0.01,activation=relu``.

    Names are short, of plain characters, and unique also where letters' case does not count.
    """
    names: list[str] = []
    taken: set[str] = set()
    for i in configurations:
        readable = label(results.configurations[i], results.keys) or "configuration"
        name = re.sub("[^A-Za-z0-9._=+,-]+", "-", readable.replace(", ", ","))[:_LONGEST_NAME]
        if name.lower() in taken:
            name = f"{name},configuration={i}"
        taken.add(name.lower())
        names.append(name)
    return names
