"""Taking turns: subjects that are timed in rounds, ratios within a round, Markdown tables."""

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import median
from typing import Any

import torch

__all__ = ["Subject", "Timed", "TooSlowError", "in_turn", "print_table", "ratio"]

Timed = Callable[[], float]
LONG = 20.0  # seconds, in which compiling plays no part


class TooSlowError(Exception):
    """A subject takes longer for one epoch than it may for a repetition."""


class Subject:
    """Something that trains, with the number of threads that it would use if it ran alone."""

    def __init__(
        self,
        train: Callable[[int, int], None],
        steps_per_epoch: int,
        seconds: float,
        limit: float = math.inf,
    ) -> None:
        """Warm up, and find how many epochs take about `seconds`.

        Args:
            train: from the first epoch's number, counted from 1, and a number of epochs.
            steps_per_epoch: optimizer updates in an epoch.
            seconds: about what a repetition is to take.
            limit: the most seconds that it may take.

        Raises:
            TooSlowError: an epoch takes longer than the limit.
        """
        self._train = train
        self._threads = torch.get_num_threads()
        self._steps_per_epoch = steps_per_epoch
        self._done = 0
        self._epochs = 1
        while (taken := self._warm_repetition()) < seconds / 2:
            self._epochs = math.ceil(self._epochs * min(10, 0.9 * seconds / taken))
        if taken > limit and self._epochs == 1:
            raise TooSlowError(f"an epoch takes {taken:.0f} s")

    @property
    def epochs(self) -> int:
        """Those of a repetition."""
        return self._epochs

    def _warm_repetition(self) -> float:
        """The seconds of a second repetition: in a first one, much may be compiled, unless it takes long."""
        steps = self._steps_per_epoch * self._epochs
        taken = self.step() * steps
        return taken if taken > LONG else self.step() * steps

    def step(self) -> float:
        """Train for one repetition; the seconds that one step took."""
        torch.set_num_threads(self._threads)
        started = time.perf_counter()
        self._train(self._done + 1, self._epochs)
        taken = time.perf_counter() - started
        self._done += self._epochs
        return taken / (self._epochs * self._steps_per_epoch)


def in_turn(subjects: Mapping[str, Timed], rounds: int, *, warm_up: bool = True) -> dict[str, list[float]]:
    """Seconds of each subject, one number for each round; with `warm_up` after a first one not counted."""
    for subject in subjects.values() if warm_up else ():
        subject()
    times: dict[str, list[float]] = {name: [] for name in subjects}
    for _ in range(rounds):
        for name, subject in subjects.items():
            times[name].append(subject())
    return times


def ratio(above: Sequence[float], below: Sequence[float]) -> float:
    """The median over the rounds of the ratio within a round."""
    return median(a / b for a, b in zip(above, below, strict=True))


def print_table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print a Markdown table, row by row as they come."""
    print(f"| {' | '.join(head)} |\n|---|{'--:|' * (len(head) - 1)}")
    for row in rows:
        print(f"| {' | '.join(map(str, row))} |", flush=True)
    print()
