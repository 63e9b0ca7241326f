"""How a sweep is cut for shares, and which share has which part."""

import bisect
import heapq
import math
from collections.abc import Sequence

from lrcli.running.engine_choice import trains_own_code
from lrcli.sweeps.cutting import most_parts, needed_parts, seconds_of_each
from lrcli.sweeps.group import Group

__all__ = ["parts_for_shares", "shares_of_parts"]

_OF_SHARE = (math.inf, 2.0, 1.0, 0.7, 0.5, 0.33, 0.25)  # of the time of an even share, that a part may take
_GAIN = 0.05  # of the time of the longest share, for which parts are cut finer
_ROUNDING = 1e-9  # of seconds that were computed in another order


def parts_for_shares(groups: Sequence[Group], memory: int, shares: int) -> list[int]:
    """Into how many parts groups are cut at least, so that no share is empty and the longest one is short.

    The finer the parts are the more even are the shares, and the more time is lost where a step takes as long
    for fewer members; so several lengths of parts are tried, by estimated times.

    Where a part lies in its group is nothing to components of lrcli's own. Code of a user's may see it, so
    groups that have some are not cut for this, and their bits are those of a sweep without shares.

    Args:
        groups: all of a sweep.
        memory: bytes that a part may take.
        shares: how many; 1 asks for nothing.
    """
    if shares == 1:
        return [1] * len(groups)
    needed = [needed_parts(group, memory) for group in groups]
    # The same to the last bit for every version of Python, as whoever trains a share computes it.
    whole = math.fsum(seconds_of_each(group, n) * n for group, n in zip(groups, needed, strict=True))
    tried = [[_parts_within(group, whole / shares * most) for group in groups] for most in _OF_SHARE]
    tried.append(_parts_by_members(groups, shares))
    tried = [[max(pair) for pair in zip(counts, needed, strict=True)] for counts in tried]
    finest = max(map(sum, tried))
    best, shortest = tried[-1], math.inf
    for counts in (counts for counts in tried if sum(counts) >= min(shares, finest)):
        longest = _longest_share(groups, counts, shares)
        if longest < shortest / (1 + _GAIN):
            best, shortest = counts, longest
    return best


def _parts_by_members(groups: Sequence[Group], shares: int) -> list[int]:
    """Some parts for each share, where the time of a part hardly depends on its members."""
    sizes = [0 if trains_own_code(group.experiment) else group.size for group in groups]
    wanted = [math.ceil(2 * shares * size / max(1, sum(sizes))) for size in sizes]
    return [max(1, min(n, most_parts(group))) for group, n in zip(groups, wanted, strict=True)]


def _parts_within(group: Group, seconds: float) -> int:
    """The fewest parts of so many seconds at most, or else of hardly more than pairs of members take."""
    if trains_own_code(group.experiment):
        return 1
    counts = range(1, most_parts(group) + 1)
    within = max(seconds * (1 + _ROUNDING), seconds_of_each(group, counts[-1]) * (1 + _GAIN))
    return bisect.bisect_left(counts, 1, key=lambda n: seconds_of_each(group, n) <= within) + 1


def _longest_share(groups: Sequence[Group], counts: Sequence[int], shares: int) -> float:
    """How long the longest share takes where groups are cut into so many parts."""
    works = [seconds_of_each(group, n) for group, n in zip(groups, counts, strict=True) for _ in range(n)]
    loads = [0.0] * shares
    for work, share in zip(works, shares_of_parts(works, shares), strict=True):
        loads[share] += work
    return max(loads)


def shares_of_parts(works: Sequence[float], shares: int) -> list[int]:
    """Which share each part is of, counted from 0: the longest part first, each to the share that has least.

    Args:
        works: how long each part takes.
        shares: how many there are.
    """
    loads = [(0.0, share) for share in range(shares)]  # a heap
    found = [0] * len(works)
    for number in sorted(range(len(works)), key=lambda number: (-works[number], number)):
        load, found[number] = loads[0]
        heapq.heapreplace(loads, (load + works[number], found[number]))
    return found
