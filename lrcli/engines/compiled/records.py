"""Records: what a kernel is given, described once for both sides.

The engine fills a record in by name (`lrcli.engines.compiled.arguments`); a kernel reads it by name
(`lrcli.engines.compiled.kernels.records`). Neither knows a position. In memory a record is two tables of
64-bit words: the arguments of a call, and the addresses of the scratch memory of one thread. A word is an
integer, a number in double precision, or the address of an array.
"""

import re
from collections.abc import Mapping
from itertools import chain
from typing import Literal, NamedTuple

__all__ = [
    "LANES",
    "Dimension",
    "Field",
    "Group",
    "Record",
    "array",
    "flag",
    "integer",
    "number",
    "scratch",
    "shape_of",
]

LANES = ("units", "members")  # the dimensions of a row of lanes: each kernel is compiled for one size of them


class Dimension(NamedTuple):
    """The size of an axis: an integer of the same record, or of a row of lanes, plus a constant."""

    name: str
    more: int


class Field(NamedTuple):
    """One field of a record.

    Attributes:
        kind: ``array`` and ``scratch`` are addresses. Arrays are the engine's; what is in scratch memory has
            no meaning outside a call, and each thread has its own.
        dtype: of an array: ``int32``, ``int64``, ``float64``, or ``number``, the dtype of training.
        shape: of an array, which is contiguous, in C order.
        written: whether the kernel writes to it.
    """

    kind: Literal["integer", "flag", "number", "array", "scratch"]
    dtype: str = ""
    shape: tuple[Dimension, ...] = ()
    written: bool = False


Group = Mapping[str, Field]
integer = Field("integer")
flag = Field("flag")
number = Field("number")


def array(dtype: str, *shape: str, written: bool = False) -> Field:
    """An array of the engine; each axis is ``name``, ``name + 1`` or a constant."""
    return Field("array", dtype, tuple(map(_dimension, shape)), written)


def scratch(dtype: str, *shape: str) -> Field:
    """An array that the kernel works with, zero before the first call."""
    return Field("scratch", dtype, tuple(map(_dimension, shape)), written=True)


def _dimension(text: str) -> Dimension:
    if text.isdigit():
        return Dimension("", int(text))
    parsed = re.fullmatch(r"(\w+)(?: \+ (\d+))?", text)
    if parsed is None:
        raise ValueError(f"no dimension: {text!r}")
    return Dimension(parsed[1], int(parsed[2] or 0))


class Record:
    """What a kernel is given.

    Attributes:
        along: the dimension that calls are cut along; a kernel computes some indices of it in a call. Of an
            array whose first axis it is, the kernel sees the slice of one index at a time.
        groups: the fields as the kernel's functions take them.
        fields: all of them by name.
        arguments: the fields that are the same for all threads, in the order of their words.
        scratch: the regions of scratch memory, in the order of their words.
    """

    def __init__(self, along: str, **groups: Group) -> None:
        """Describe a record.

        Raises:
            ValueError: two fields share a name, or an axis is no integer of the record.
        """
        self.along, self.groups = along, groups
        items = list(chain.from_iterable(group.items() for group in groups.values()))
        self.fields = dict(items)
        if len(self.fields) < len(items):
            raise ValueError("two fields of a record have the same name")
        self.scratch = {name: field for name, field in items if field.kind == "scratch"}
        self.arguments = {name: field for name, field in items if field.kind != "scratch"}
        sizes = {"", *LANES, *(name for name, field in items if field.kind == "integer")}
        axes = {along, *(axis.name for field in self.fields.values() for axis in field.shape)}
        if not axes <= sizes:
            raise ValueError(f"no integers of the record: {', '.join(sorted(axes - sizes))}")

    def cut(self, field: Field) -> bool:
        """Whether the kernel sees one slice of an array at a time."""
        return field.shape[:1] == (Dimension(self.along, 0),)


def shape_of(field: Field, sizes: Mapping[str, int]) -> tuple[int, ...]:
    """The shape of an array, where the integers of the record and a row of lanes have these sizes."""
    return tuple((sizes[axis.name] if axis.name else 0) + axis.more for axis in field.shape)
