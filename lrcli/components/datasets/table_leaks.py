"""Rows that are in the training part and in another: what was learned by heart passes for understood.

Rows are compared by a mixture of the bits of their numbers, 64 bits wide; those that agree are then compared
number by number.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from lrcli.components.datasets.base import Array
from lrcli.components.datasets.table_columns import NumberColumn
from lrcli.components.datasets.table_data import Part, TableData

__all__ = ["leaks"]

_NAMED = 3  # rows
_STEP = np.uint64(0x9E3779B97F4A7C15)  # of splitmix64 (Steele, Lea and Flood 2014), and its two factors
_FACTORS = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
_WORDS = {"val": "validation", "test": "test"}


def leaks(data: TableData, train: Part, other: Part, split: str) -> Iterator[str]:
    """A sentence about the rows of a part that are in the training part as well.

    Args:
        data: whose parts they are.
        train: the training part.
        other: the other part.
        split: what the other one is.
    """
    names = [*data.features, data.target]
    whole = _shared(names, train, other)
    alike = _shared(list(data.features), train, other)
    count = len(other.rows)
    if len(whole):
        yield (
            f"{len(whole):,} of {count:,} {_WORDS[split]} rows are in the training part, too, target and all "
            f"({_named(train, other, whole)}): losses of that part are better than those of new data would be"
        )
    if len(alike) > len(whole):
        only = alike[~np.isin(alike[:, 1], whole[:, 1])]
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


def _shared(names: list[str], train: Part, other: Part) -> NDArray[np.intp]:
    """(n, 2) for each row of the other part that is in the training part the places of both."""
    ours, theirs = _mixed(names, train), _mixed(names, other)
    order = np.argsort(ours, kind="stable")
    places = np.searchsorted(ours[order], theirs)
    found = np.minimum(places, len(ours) - 1)
    pairs = np.stack([order[found], np.arange(len(theirs))], axis=1)[ours[order[found]] == theirs]
    same = np.ones(len(pairs), dtype=bool)
    for name in names:
        same &= _values(train, name)[pairs[:, 0]] == _values(other, name)[pairs[:, 1]]
    return np.asarray(pairs[same][np.argsort(other.rows[pairs[same][:, 1]], kind="stable")])


def _values(part: Part, name: str) -> Array:
    """(N,) the numbers or codes of a column; 0 and -0 are one."""
    column = part.table.columns[name]
    values = column.values if isinstance(column, NumberColumn) else column.codes
    return np.asarray(values[part.rows], dtype=np.float64) + 0.0


def _mixed(names: list[str], part: Part) -> NDArray[np.uint64]:
    """(N,) a number made of all the bits of each row."""
    mixed = np.zeros(len(part.rows), dtype=np.uint64)
    for name in names:
        mixed += _values(part, name).view(np.uint64) + _STEP
        mixed ^= mixed >> np.uint64(30)
        mixed *= _FACTORS[0]
        mixed ^= mixed >> np.uint64(27)
        mixed *= _FACTORS[1]
        mixed ^= mixed >> np.uint64(31)
    return mixed
