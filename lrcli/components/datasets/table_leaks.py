"""Rows that are in the training part and in another: what was learned by heart passes for understood.

Rows are compared by a mixture of the bits of their numbers, 64 bits wide; those that agree are then compared
number by number.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lrcli.components.datasets.examples import SPLITS, Array, SplitName
from lrcli.components.datasets.table_columns import NumberColumn, Table
from lrcli.components.datasets.table_data import Part, TableData

__all__ = ["leaks"]

_NAMED = 3  # rows
_ROWS = 2**15  # that are mixed together
_MOST_LOOKED_AT = 2**21  # rows, over all seeds: two seconds
_DRAWN = 8  # rows that are drawn in the time in which one is looked at
_STEP = np.uint64(0x9E3779B97F4A7C15)  # of splitmix64 (Steele, Lea and Flood 2014), and its two factors
_FACTORS = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
_WORDS = {"val": "validation", "test": "test"}
_Keys = Mapping[int, NDArray[np.uint64]]  # by the id of a table


@dataclass(frozen=True, eq=False)
class _Shared:
    """What a seed's training part shares with another one.

    Attributes:
        seed: which.
        train: the training part, or those of its rows that may be shared.
        other: likewise of the other part.
        whole: (n, 2) the places in both of rows that agree in features and target.
        alike: (n, 2) of those that agree in the features alone.
    """

    seed: int
    train: Part
    other: Part
    whole: NDArray[np.intp]
    alike: NDArray[np.intp]


def leaks(data: TableData, seeds: Sequence[int]) -> Iterator[str]:
    """A sentence about the rows of each part that are in the training part as well.

    Args:
        data: whose parts they are.
        seeds: that draw the parts; of several, the one that shares most is told in full.
    """
    splits = [split for split in SPLITS[1:] if data.counts[split]]
    if not splits:
        return
    different = seeds if data.shuffled else seeds[:1]
    features = [*data.features]
    keys = {id(table): _mixed(features, table) for table in data.tables.values()}
    often = None if len(different) == 1 else _often(keys[id(data.tables["train"])])
    if often is not None and not often.any():
        return
    looked_at = different if often is None else different[: _affordable(often)]
    whole = {number: mixed.copy() for number, mixed in keys.items()}
    for table in data.tables.values():
        _mix_in(whole[id(table)], table, data.target)
    found: dict[SplitName, list[_Shared]] = {split: [] for split in splits}
    for seed in looked_at:
        train = _among(data.part(seed, "train"), often)
        for split in splits:
            other = _among(data.part(seed, split), often)
            same = _shared([*features, data.target], whole, train, other)
            alike = _shared(features, keys, train, other)
            only = alike[~np.isin(alike[:, 1], same[:, 1])]
            found[split].append(_Shared(seed, train, other, same, only))
    for split in splits:
        yield from _said(split, data.counts[split], found[split], len(different))


def _affordable(often: NDArray[np.bool_]) -> int:
    """How many seeds can be looked at while somebody waits."""
    return max(1, _MOST_LOOKED_AT // (int(np.count_nonzero(often)) + len(often) // _DRAWN + 1))


def _often(keys: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """(N,) whether there is another row with the same number."""
    ordered = np.sort(keys)
    twice = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    if not len(twice):
        return np.zeros(len(keys), dtype=bool)
    return np.asarray(twice[np.minimum(np.searchsorted(twice, keys), len(twice) - 1)] == keys)


def _among(part: Part, often: NDArray[np.bool_] | None) -> Part:
    """The rows of a part that may be in another one; None: all may."""
    return part if often is None else Part(part.table, part.rows[often[part.rows]])


def _said(split: SplitName, count: int, found: Sequence[_Shared], seeds: int) -> Iterator[str]:
    """What a part of some examples shares, with one seed or with each of several.

    Args:
        split: the part.
        count: its examples.
        found: for each seed that was looked at.
        seeds: how many there are.
    """
    first = "the first " if len(found) < seeds else ""
    drawn = f", as each of {first}{len(found):,} seeds draws them," if seeds > 1 else ""
    rows = f"of {count:,} {_WORDS[split]} rows{drawn}"
    worst = max(found, key=lambda shared: len(shared.whole))
    if len(worst.whole):
        yield (
            f"{_span([len(each.whole) for each in found])} {rows} are in the training part, too, target and "
            f"all ({_named(worst, worst.whole, seeds)}): losses of that part are better than those of new "
            "data would be"
        )
    worst = max(found, key=lambda shared: len(shared.alike))
    if len(worst.alike):
        yield (
            f"{_span([len(each.alike) for each in found])} {rows} have the features of a training row, with "
            f"another target ({_named(worst, worst.alike, seeds)})"
        )


def _span(counts: Sequence[int]) -> str:
    """From the least to the most."""
    low, high = min(counts), max(counts)
    return f"{high:,}" if low == high else f"{low:,} to {high:,}"


def _named(worst: _Shared, pairs: NDArray[np.intp], seeds: int) -> str:
    """The first pairs of rows, in words."""
    train, other = worst.train, worst.other
    said = [
        f"{other.table.row_name(int(other.rows[j]))} is {train.table.row_name(int(train.rows[i]))}"
        for i, j in pairs[:_NAMED].tolist()
    ]
    with_seed = f"with seed {worst.seed}: " if seeds > 1 else ""
    return with_seed + ", ".join(said) + (", ..." if len(pairs) > _NAMED else "")


def _shared(names: Sequence[str], keys: _Keys, train: Part, other: Part) -> NDArray[np.intp]:
    """(n, 2) for each row of the other part that is in the training part the places of both."""
    if not len(train.rows) or not len(other.rows):
        return np.zeros((0, 2), dtype=np.intp)
    ours, theirs = keys[id(train.table)][train.rows], keys[id(other.table)][other.rows]
    order = np.argsort(theirs, kind="stable")
    places = np.minimum(np.searchsorted(theirs[order], ours), len(theirs) - 1)
    known = np.flatnonzero(theirs[order[places]] == ours)  # few: the rest need not be sorted
    order = known[np.argsort(ours[known], kind="stable")]
    places = np.searchsorted(ours[order], theirs)
    inside = np.flatnonzero(places < len(order))
    pairs = np.stack([order[places[inside]], inside], axis=1)
    for name in names:
        one = _values(train.table, name, train.rows[pairs[:, 0]])
        pairs = pairs[one == _values(other.table, name, other.rows[pairs[:, 1]])]
    return pairs[np.argsort(other.rows[pairs[:, 1]], kind="stable")]


def _values(table: Table, name: str, rows: NDArray[np.intp] | slice) -> Array:
    """The numbers or codes of a column in some rows; 0 and -0 are one."""
    column = table.columns[name]
    values = column.values if isinstance(column, NumberColumn) else column.codes
    return np.asarray(values[rows], dtype=np.float64) + 0.0


def _mixed(names: list[str], table: Table) -> NDArray[np.uint64]:
    """(N,) a number made of all the bits of some columns in each row."""
    mixed = np.zeros(table.size, dtype=np.uint64)
    for name in names:
        _mix_in(mixed, table, name)
    return mixed


def _mix_in(mixed: NDArray[np.uint64], table: Table, name: str) -> None:
    """Have a column take part; some rows at a time, which stay in the caches."""
    for first in range(0, table.size, _ROWS):
        rows = slice(first, first + _ROWS)
        part = mixed[rows]
        part += _values(table, name, rows).view(np.uint64) + _STEP
        part ^= part >> np.uint64(30)
        part *= _FACTORS[0]
        part ^= part >> np.uint64(27)
        part *= _FACTORS[1]
        part ^= part >> np.uint64(31)
