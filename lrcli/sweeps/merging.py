"""Putting the shares of a sweep together: looked at first, all of them, then copied part by part.

    shares = find_shares(directories)
    files = merged_files(shares, location)
    with files.held():
        copy_parts(shares, files)
        ...  # run_sweep(shares.plan, files, ...) finds every part there, and writes the tables

Nothing is written before every part of every share has been read. Whoever is killed while the parts are
copied leaves a sweep that lacks some of them: merged again into the same directory it goes on, and so it does
where it is resumed, by training what it lacks.
"""

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from lrcli.errors import RunDirectoryError, UsageError
from lrcli.running.location import OutputLocation
from lrcli.running.repeating import differing_facts
from lrcli.storage.files import write_whole
from lrcli.storage.shards import Shard
from lrcli.sweeps.files import SweepFiles, part_path
from lrcli.sweeps.outcome import content_of_outcome
from lrcli.sweeps.plan import SweepPlan
from lrcli.sweeps.resuming import files_for, plan_again, result_of_sweep
from lrcli.sweeps.share_mistakes import Share, lacks, missing, numbers_text, twice, unlike
from lrcli.sweeps.shares import parts_of

__all__ = ["Shares", "copy_parts", "find_shares", "merged_files"]

_A = TypeVar("_A")
_B = TypeVar("_B")


@dataclass(frozen=True, eq=False)
class Shares:
    """All shares of a sweep.

    Attributes:
        plan: of the sweep.
        notes: what the user should know about it.
        shares: in the order of their numbers.
    """

    plan: SweepPlan
    notes: Sequence[str]
    shares: Sequence[Share]

    @property
    def facts(self) -> dict[str, Any]:
        """What the numbers of the sweep depend on, as the first share that trained anything has it."""
        facts = dict(self._first.environment)
        return facts | ({"shares": differing} if (differing := self.differing) else {})

    @property
    def _first(self) -> Share:
        return next((share for share in self.shares if share.is_trained), self.shares[0])

    @property
    def differing(self) -> list[str]:
        """On what some of them depend that others do not, a sentence for each such environment."""
        kinds: dict[tuple[str, ...], list[int]] = {}
        first = self._first
        for share in filter(lambda share: share.is_trained, self.shares):
            facts = tuple(differing_facts(_without_threads(first), _without_threads(share)))
            kinds.setdefault(facts, []).append(share.shard.number)
        return [
            f"not all shares were trained alike (share {first.shard.number} there, {numbers_text(numbers)} "
            f"here): {'; '.join(facts)}"
            for facts, numbers in kinds.items()
            if facts
        ]

    @property
    def seconds(self) -> float:
        """In the engine, those of all added up."""
        return sum(share.result.timing.train_seconds for share in self.shares if share.result.timing)


def _without_threads(share: Share) -> dict[str, Any]:
    """What its numbers depend on; the threads of a part are chosen by its size."""
    return {key: value for key, value in share.environment.items() if key != "threads"}


def find_shares(directories: Sequence[Path]) -> Shares:
    """The shares in some directories, once all is known to be there and whole.

    Args:
        directories: of each share, in any order.

    Raises:
        UsageError: they are not all shares of one sweep, with all that is wrong.
        ExperimentError, CodeError: the sweep can no longer be planned.
    """
    if not directories:
        raise UsageError("name the directories of the shares that are to be merged")
    found, mistakes = _collected(_share, directories)
    wrong = [unlike(_usual(found), share) for share in found]
    of_first = [share for share, told in zip(found, wrong, strict=True) if not told]
    mistakes += [*itertools.chain(*wrong), *twice(of_first), *missing(of_first)]
    if not of_first:
        raise _refusal(mistakes)
    try:
        plan, notes = plan_again(of_first[0].directory)
    except RunDirectoryError as error:
        raise _refusal([*mistakes, *_lines(error)]) from None
    lacking, unread = _collected(lambda share: list(lacks(plan, share)), of_first)
    mistakes += [*itertools.chain(*lacking), *unread]
    if mistakes:
        raise _refusal(mistakes)
    return Shares(plan, notes, sorted(of_first, key=lambda share: share.shard.number))


def _usual(shares: Sequence[Share]) -> Share:
    """One of the sweep of which there are most, where possible one that is not empty."""
    prints = [share.result.fingerprint for share in shares]
    return max(shares, key=lambda share: (prints.count(share.result.fingerprint), share.is_trained))


def _collected(function: Callable[[_A], _B], arguments: Iterable[_A]) -> tuple[list[_B], list[str]]:
    """What a function makes of each argument, and what is wrong with those that it refuses."""
    found, mistakes = [], []
    for argument in arguments:
        try:
            found.append(function(argument))
        except RunDirectoryError as error:
            mistakes += _lines(error)
    return found, mistakes


def _lines(error: UsageError) -> list[str]:
    return str(error).split("\n  ")


def merged_files(shares: Shares, location: OutputLocation) -> SweepFiles:
    """Where the sweep is written: a new directory, or the one the user named, in which it may go on.

    Raises:
        RunDirectoryError: something else is there.
    """
    files = files_for(shares.plan, location)
    files.merges(shares.shares[0].result.source, shares.seconds)
    return files


def copy_parts(shares: Shares, files: SweepFiles) -> None:
    """Copy all parts into the directory of the sweep, inside `SweepFiles.held`.

    Raises:
        RunDirectoryError: the directory cannot be made; or a part has been damaged since it was found.
        WriteError: a file could not be written.
    """
    files.open(shares.facts)
    try:
        for share in shares.shares:
            for number in parts_of(shares.plan, share.shard):
                _copy(share.directory, number, shares.plan, files)
    except BaseException as error:
        files.fail("interrupted" if isinstance(error, KeyboardInterrupt) else "failed")
        raise


def _copy(directory: Path, number: int, plan: SweepPlan, files: SweepFiles) -> None:
    part, path = plan.parts[number], part_path(directory, number)
    if content_of_outcome(files.part(number), part, plan.fingerprint) is not None:
        return  # of a merge that was stopped
    content = content_of_outcome(path, part, plan.fingerprint)
    if content is None:
        raise RunDirectoryError(f"{path}: has been damaged, changed or removed just now")
    write_whole(files.part(number), content, lasting=True)


def _share(directory: Path) -> Share:
    """The share in a directory.

    Raises:
        RunDirectoryError: there is none, or its result has been damaged.
    """
    result = result_of_sweep(directory)
    if result.shard is None:
        raise RunDirectoryError(f"{directory}: holds a whole sweep, not a share of one")
    return Share(directory, Shard(*result.shard), result)


def _refusal(mistakes: Sequence[str]) -> UsageError:
    if len(mistakes) == 1:
        return RunDirectoryError(mistakes[0])
    return RunDirectoryError("these are not all shares of one sweep, so nothing was merged:", mistakes)
