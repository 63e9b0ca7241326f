"""What keeps shares from being put together, a sentence each: other sweeps, holes, members that lack."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lrcli import __version__
from lrcli.errors import LrcliError
from lrcli.experiment.experiment import resolved
from lrcli.experiment.loading import load
from lrcli.storage.locking import owner_of
from lrcli.storage.shards import Shard
from lrcli.storage.sweep_result import SweepResult
from lrcli.sweeps.files import part_path
from lrcli.sweeps.outcome import content_of_outcome
from lrcli.sweeps.plan import SweepPlan
from lrcli.sweeps.resuming import differing_keys
from lrcli.sweeps.shares import parts_of
from lrcli.wording import counted, typed

__all__ = ["Share", "lacks", "missing", "numbers_text", "twice", "unlike"]

_MOST_SHOWN = 6  # keys in which an experiment differs
_MOST_SPANS = 20  # of numbers


@dataclass(frozen=True, eq=False)
class Share:
    """One share that has been trained.

    Attributes:
        directory: where it is.
        shard: which it is.
        result: of it.
    """

    directory: Path
    shard: Shard
    result: SweepResult

    @property
    def is_trained(self) -> bool:
        """Whether its environment is that of a training; one that is empty has no engine."""
        return "engine" in self.environment

    @property
    def environment(self) -> Mapping[str, Any]:
        """What its numbers depend on."""
        return self.result.environment


def unlike(first: Share, share: Share) -> list[str]:
    """Why two shares are not of one sweep, by one lrcli, a sentence each."""
    version = share.environment.get("lrcli")
    if version != __version__:
        return [
            f"{share.directory}: was trained by lrcli {version}, and this is lrcli {__version__}; shares are "
            "merged by the version that has trained all of them"
        ]
    if share.result.fingerprint != first.result.fingerprint:
        differing = "; ".join(_differences(first, share))
        return [f"{share.directory}: is of another sweep than {first.directory}: {differing}"]
    found = _other_engine(first, share)
    for what, those, these in (
        ("data", _digests(first), _digests(share)),
        ("code", first.environment.get("code", {}), share.environment.get("code", {})),
    ):
        for file in {**those, **these}:
            if those.get(file) != these.get(file):
                a, b = (str(each.get(file, "none"))[:12] for each in (those, these))
                found.append(
                    f"{share.directory}: was trained with other {what} than {first.directory}: {file} "
                    f"(SHA-256 {a}... there, {b}... here)"
                )
    return found


def _other_engine(first: Share, share: Share) -> list[str]:
    """The two engines have not the same bits, and which one trains depends on what is installed."""
    there, here = (each.environment.get("engine") for each in (first, share))
    if there == here or not (there and here):
        return []
    return [f"{share.directory}: was trained by the {here} engine, and {first.directory} by the {there} one"]


def _digests(share: Share) -> dict[str, str]:
    return {each.file: each.sha256 for each in share.result.data}


def _differences(first: Share, share: Share) -> list[str]:
    """Where the sweeps of two shares differ."""
    a, b = first.result, share.result
    found = []
    for name, there, here in (
        ("shares", first.shard.count, share.shard.count),
        ("memory", a.memory, b.memory),
    ):
        found += [f"{name}: {there} there, {here} here"] if there != here else []
    try:
        one, other = (
            resolved(load(each.directory / "experiment.yaml").experiment) for each in (first, share)
        )
    except LrcliError as error:
        return [*found, f"an experiment.yaml cannot be read: {str(error).splitlines()[0]}"]
    found += differing_keys(one, other)
    left = len(found) - _MOST_SHOWN
    found = found[:_MOST_SHOWN] + ([f"and {left} more"] if left > 0 else [])
    return found or ["it was cut by another lrcli"]


def twice(shares: Sequence[Share]) -> list[str]:
    """Those of the same number."""
    first: dict[int, Share] = {}
    return [
        f"{share.directory}: is {share.shard}, and so is {first[share.shard.number].directory}"
        for share in shares
        if first.setdefault(share.shard.number, share) is not share
    ]


def missing(shares: Sequence[Share]) -> list[str]:
    """Those that are not there."""
    count = shares[0].shard.count if shares else 0
    numbers = sorted({*range(1, count + 1)} - {share.shard.number for share in shares})
    verb = "is" if len(numbers) == 1 else "are"
    return [f"{numbers_text(numbers)} of {count:,} {verb} missing"] if numbers else []


def numbers_text(numbers: Sequence[int]) -> str:
    """Such as ``shares 2, 4 to 9 and 11``."""
    rows = itertools.groupby(enumerate(numbers), lambda pair: pair[1] - pair[0])
    spans = []
    for _, row in rows:
        members = [number for _, number in row]
        spans += [f"{members[0]} to {members[-1]}"] if len(members) > 2 else list(map(str, members))
    if len(spans) > _MOST_SPANS:
        spans = [*spans[:_MOST_SPANS], f"{len(spans) - _MOST_SPANS} more"]
    listed = " and ".join(filter(None, [", ".join(spans[:-1]), spans[-1]]))
    return f"share {listed}" if len(numbers) == 1 else f"shares {listed}"


def lacks(plan: SweepPlan, share: Share) -> Iterator[str]:
    """What a share lacks: members that have not been trained, or files that are not as they were."""
    parts = parts_of(plan, share.shard)
    lacking = [
        number
        for number in parts
        if content_of_outcome(part_path(share.directory, number), plan.parts[number], plan.fingerprint)
        is None
    ]
    if not lacking:
        return
    owner = owner_of(share.directory)
    goes_on = f"{owner} is at work there" if owner else typed("lrcli", "resume", str(share.directory))
    if share.result.status == "completed":
        for number in lacking:
            path = part_path(share.directory, number)
            what = "has been damaged or changed" if path.exists() else "is gone"
            yield f"{path}: {what}; its members are trained again by {goes_on}"
        return
    members, missing = (sum(plan.parts[number].size for number in some) for some in (parts, lacking))
    goes_on = goes_on if owner else f"{goes_on} goes on"
    yield f"{share.directory}: {share.shard} lacks {missing:,} of its {counted(members, 'member')}; {goes_on}"
