"""Which share of a sweep something is: one of several that are trained by themselves and merged."""

from dataclasses import dataclass
from pathlib import Path

from lrcli.errors import RunDirectoryError

__all__ = ["Shard", "refuse_share"]


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
