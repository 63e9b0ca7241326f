"""A sweep in shares: each is trained by itself, in any order and on any machine, and merged with the others.

Which parts a share has follows from the plan alone, so that nobody need tell the others.
"""

import re

from lrcli.errors import UsageError
from lrcli.storage.shards import Shard
from lrcli.sweeps.plan import SweepPlan
from lrcli.sweeps.share_cutting import shares_of_parts

__all__ = ["parse_shard", "parts_of"]

_WRITTEN = re.compile(r"\s*([0-9]{1,18})\s*/\s*([0-9]{1,18})\s*", re.ASCII)
_LONGEST = 40  # characters of a word that are quoted


def parse_shard(text: str) -> Shard:
    """A share as ``--shard`` has it: ``2/7``.

    Raises:
        UsageError: it is none.
    """
    match = _WRITTEN.fullmatch(text)
    shown = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
    if match is None:
        raise UsageError(f"--shard {shown}: write K/N, such as 2/7 for the second of seven shares")
    shard = Shard(int(match[1]), int(match[2]))
    if shard.count == 0:
        raise UsageError(f"--shard {shown}: there is one share at least")
    if not 1 <= shard.number <= shard.count:
        raise UsageError(f"--shard {shown}: shares are numbered from 1, here to {shard.count}")
    return shard


def parts_of(plan: SweepPlan, shard: Shard) -> tuple[int, ...]:
    """The numbers of the parts of a share: the longest part first, each to the share that has least.

    Args:
        plan: of the whole sweep, which is cut for so many shares.
        shard: which.
    """
    shares = shares_of_parts([part.work for part in plan.parts], shard.count)
    return tuple(number for number, share in enumerate(shares) if share + 1 == shard.number)
