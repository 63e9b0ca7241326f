"""Which share of a sweep something is: one of several that are trained by themselves and merged."""

from dataclasses import dataclass
from pathlib import Path

from lrcli.errors import RunDirectoryError
from lrcli.wording import counted

__all__ = ["Shard", "members_of", "refuse_share"]


@dataclass(frozen=True, order=True)
class Shard:
    """One of the shares of a sweep.

    Attributes:
        number: which, from 1.
        count: how many there are.
    """

    number: int
    count: int

    def __str__(self) -> str:
        return f"share {self.number:,} of {self.count:,}"

    @property
    def short(self) -> str:
        """As ``--shard`` has it: ``2/7``."""
        return f"{self.number}/{self.count}"


def members_of(members: int, shard: tuple[int, int] | None, own: int | None) -> str:
    """How many members there are: ``90 members``, ``12 of 90 members, share 2 of 7``.

    Args:
        members: of the sweep.
        shard: which share it is.
        own: how many the share has.
    """
    whole = counted(members, "member")
    return whole if shard is None else f"{own or 0:,} of {whole}, {Shard(*shard)}"


def refuse_share(directory: Path, shard: tuple[int, int] | None) -> None:
    """Refuse a share where a whole sweep is asked for.

    Args:
        directory: that is asked of.
        shard: what its result says it is a share of; None: it is none.

    Raises:
        RunDirectoryError: it is one.
    """
    if shard is not None:
        raise RunDirectoryError(f"{directory}: is {Shard(*shard)}; lrcli merge puts the shares together")
