"""Rows that are in the training part and in another: what was learned by heart passes for understood.

Rows are compared by a mixture of the bits of their numbers, 64 bits wide; those that agree are then compared
number by number.
"""

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from lrcli.components.datasets.examples import Array, SplitName
from lrcli.components.datasets.table_columns import NumberColumn, Table
from lrcli.components.datasets.table_data import Part, TableData

__all__ = ["leaks"]

_NAMED = 3  # rows
_ROWS = 2**15  # that are mixed together
_STEP = np.uint64(0x9E3779B97F4A7C15)  # of splitmix64 (Steele, Lea and Flood 2014), and its two factors
_FACTORS = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
_WORDS = {"val": "validation", "test": "test"}


def leaks(data: TableData, train: Part, others: Mapping[SplitName, Part]) -> Iterator[str]:
    """A sentence about the rows of each part that are in the training part as well.

    Args:
        data: whose parts they are.
        train: the training part.
        others: the other parts, by split.
    """
    features = [*data.features]
    keys = {id(part.table): _mixed(features, part.table) for part in (train, *others.values())}
    alike = {split: _shared(features, keys, train, other) for split, other in others.items()}
    for part in {id(part.table): part for part in (train, *others.values())}.values():
        _mix_in(keys[id(part.table)], part.table, data.target)
    for split, other in others.items():
        whole = _shared([*features, data.target], keys, train, other)
        yield from _said(split, train, other, whole, alike[split])


def _said(
    split: str, train: Part, other: Part, whole: NDArray[np.intp], alike: NDArray[np.intp]
) -> Iterator[str]:
    count = len(other.rows)
    if len(whole):
        yield (
            f"{len(whole):,} of {count:,} {_WORDS[split]} rows are in the training part, too, target and all "
            f"({_named(train, other, whole)}): losses of that part are better than those of new data would be"
        )
    only = alike[~np.isin(alike[:, 1], whole[:, 1])]
    if len(only):
        yield (
            f"{len(only):,} of {count:,} {_WORDS[split]} rows have the features of a training row, with "
            f"another target ({_named(train, other, only)})"
        )


def _named(train: Part, other: Part, pairs: NDArray[np.intp]) -> str:
    """The first pairs of rows, in words."""
    said = [
        f"{other.table.row_name(int(other.rows[j]))} is {train.table.row_name(int(train.rows[i]))}"
        for i, j in pairs[:_NAMED].tolist()
    ]
    return ", ".join(said) + (", ..." if len(pairs) > _NAMED else "")


def _shared(
    names: list[str], keys: Mapping[int, NDArray[np.uint64]], train: Part, other: Part
) -> NDArray[np.intp]:
    """(n, 2) for each row of the other part that is in the training part the places of both."""
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
