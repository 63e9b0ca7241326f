"""Arrays with a number, or some, for each member of a sweep, of which every part holds its members' own.

What the parts have come to lies on the disk, and is read when it is asked for: an array of all members, or
of some of them, so that a sweep's memory does not grow with all that is known of each member.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrcli.storage.array_file import StoredArray, StreamedArray
from lrcli.sweeps.group import Group
from lrcli.training.problem import Array

__all__ = [
    "IN_MEMORY",
    "MEMBERS",
    "Block",
    "Columns",
    "MemberArrays",
    "Piece",
    "block_of",
    "blocks_of",
    "mapped",
    "streamed",
]

IN_MEMORY = 2**26  # bytes of what parts have come to; what comes after these lies on the disk alone
MEMBERS = 2**17  # of which everything is in memory at a time


@dataclass(frozen=True)
class Block:
    """Members that follow each other: those of some seeds, or some configurations of one seed.

    Attributes:
        seeds: which.
        configurations: of each of these.
    """

    seeds: slice
    configurations: slice

    @property
    def shape(self) -> tuple[int, int]:
        """(s, c) how many these are."""
        return (
            self.seeds.stop - self.seeds.start,
            self.configurations.stop - self.configurations.start,
        )


def blocks_of(shape: tuple[int, int], most: int = MEMBERS) -> Iterator[Block]:
    """All members of S seeds and C configurations in their order, at most so many at a time."""
    seeds, configurations = shape
    step = max(1, most // max(1, configurations))
    width = min(configurations, most) if step == 1 else configurations
    for first in range(0, seeds, step):
        for begin in range(0, configurations, width):
            yield Block(
                slice(first, min(first + step, seeds)), slice(begin, min(begin + width, configurations))
            )


@dataclass(frozen=True, eq=False)
class Piece:
    """What is known of the members of a part.

    Attributes:
        group: whose part.
        members: which of the group's, from the first to the last.
        arrays: from name to (R, ...).
    """

    group: Group
    members: range
    arrays: Mapping[str, NDArray[Any] | StoredArray]

    def put(self, name: str, block: Block, out: NDArray[Any]) -> None:
        """Put an array's values of those members that are in a block where they belong.

        Args:
            name: of the array.
            block: the members.
            out: (s, c, ...) of the block.
        """
        own = self.group.configurations
        count, seeds, wanted = len(own), block.seeds, block.configurations
        first, last = max(self.members.start, seeds.start * count), min(self.members.stop, seeds.stop * count)
        if block.shape[0] == 1 and self.group.is_sorted:
            begin, end = np.searchsorted(own, (wanted.start, wanted.stop)).tolist()
            first, last = max(first, seeds.start * count + begin), min(last, seeds.start * count + end)
        if first >= last:
            return
        values = self.arrays[name][first - self.members.start : last - self.members.start]
        if values.ndim > 1:
            out = out[:, :, : values.shape[1]]
        seed, local = np.divmod(np.arange(first, last), count)
        number = own[local] - wanted.start
        inside = (number >= 0) & (number < block.shape[1])
        if not inside.all():
            seed, number, values = seed[inside], number[inside], values[inside]
        out[seed - seeds.start, number] = values


class MemberArrays:
    """Arrays of the members of S seeds and C configurations; NaN for members that nothing is known of."""

    def __init__(self, shape: tuple[int, int], records: int) -> None:
        """Know nothing yet.

        Args:
            shape: (S, C).
            records: T, the most that a member has.
        """
        self.shape = shape
        self.records = records
        self._pieces: dict[int, Piece] = {}

    def add(self, number: int, piece: Piece) -> None:
        """Take in what is known of the members of a part.

        Args:
            number: of the part.
            piece: it.
        """
        self._pieces[number] = piece

    @property
    def pieces(self) -> list[Piece]:
        """In the order of the parts, whatever the order in which they came."""
        return [self._pieces[number] for number in sorted(self._pieces)]

    def names(self, prefix: str) -> list[str]:
        """What of some kind there is of any member, without the kind: of ``final:``, say."""
        every = (name for piece in self.pieces for name in piece.arrays if name.startswith(prefix))
        return list(dict.fromkeys(name.removeprefix(prefix) for name in every))

    def read(self, name: str, block: Block | None = None, *, curves: bool = False) -> Array:
        """An array of some members.

        Args:
            name: of it.
            block: the members; None: all.
            curves: whether a member has a number for each record.

        Returns:
            (s, c), or (s, c, T) of curves.
        """
        block = block or Block(slice(0, self.shape[0]), slice(0, self.shape[1]))
        out = np.full((*block.shape, self.records) if curves else block.shape, np.nan)
        for piece in self.pieces:
            if name in piece.arrays:
                piece.put(name, block, out)
        return out


class Columns(Mapping[str, NDArray[Any]]):
    """Named arrays of all members, (S, C) or (S, C, T), each read when it is asked for."""

    def __init__(self, names: Sequence[str], read: Callable[[str, Block | None], NDArray[Any]]) -> None:
        """Read nothing yet.

        Args:
            names: of the arrays.
            read: gives one of them, of the members of a block, or of all.
        """
        self._names = dict.fromkeys(names)
        self._read = read

    def __getitem__(self, name: str) -> NDArray[Any]:
        if name not in self._names:
            raise KeyError(name)
        return self._read(name, None)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def block(self, name: str, block: Block) -> NDArray[Any]:
        """An array of some members, (s, c) or (s, c, T)."""
        return self._read(name, block)


def block_of(table: Mapping[str, NDArray[Any]], name: str, block: Block) -> NDArray[Any]:
    """What a table, of `Columns` or of arrays, has of some members."""
    if isinstance(table, Columns):
        return table.block(name, block)
    return table[name][block.seeds, block.configurations]


def streamed(
    table: Mapping[str, NDArray[Any]], name: str, shape: tuple[int, ...], dtype: Any
) -> StreamedArray:
    """An array of all members to be written, (M, ...).

    Args:
        table: that has it, (S, C, ...).
        name: of it.
        shape: (S, C, ...).
        dtype: of its numbers.
    """
    pieces = (
        block_of(table, name, block).reshape(-1, *shape[2:]) for block in blocks_of((shape[0], shape[1]))
    )
    return StreamedArray((shape[0] * shape[1], *shape[2:]), np.dtype(dtype), pieces)


def mapped(arrays: Mapping[str, StoredArray], shape: tuple[int, int], prefix: str = "") -> Columns:
    """Arrays (M, ...) of a file as (S, C, ...), of which only what is looked at is read.

    Args:
        arrays: where they lie.
        shape: (S, C).
        prefix: of the names of those that are meant, which is left out.
    """

    def read(name: str, block: Block | None) -> NDArray[Any]:
        stored = arrays[f"{prefix}{name}"].mapped
        values = stored.reshape(*shape, *stored.shape[1:])
        return values if block is None else np.array(values[block.seeds, block.configurations])

    return Columns([name.removeprefix(prefix) for name in arrays if name.startswith(prefix)], read)
