"""The engine's side of a record: arguments are set by name, and held to what the record declares of them."""

import ctypes
import math
import operator
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from lrcli.engines.compiled.records import Record, shape_of

__all__ = ["Arguments", "Value"]

Value = bool | int | float | NDArray[Any]


@cache
def _table_of(record: Record) -> Any:
    """The C structure of a record's arguments: a word of 64 bits for each."""
    words = {"number": ctypes.c_double, "array": ctypes.c_uint64}
    fields = [(name, words.get(field.kind, ctypes.c_int64)) for name, field in record.arguments.items()]
    return type("Table", (ctypes.Structure,), {"_fields_": fields})


class Arguments:
    """The arguments of a kernel, kept from call to call.

    Attributes:
        record: their description.
        arrays: those that are set, by name.
        scratch_version: moves on when an axis of the scratch memory is resized.
    """

    def __init__(self, record: Record, dtype: DTypeLike, members: int, units: int) -> None:
        """Begin with nothing set.

        Args:
            record: the description.
            dtype: of training.
            members: in a row of lanes.
            units: in a row of lanes, for each member.
        """
        self.record = record
        self.arrays: dict[str, NDArray[Any]] = {}
        self.scratch_version = 0
        self._dtype = np.dtype(dtype)
        self._sizes = {"members": members, "units": units}
        self._table = _table_of(record)()
        self._fields_with: dict[str, set[str]] = {}  # an axis of this name
        for name, field in record.fields.items():
            for axis in field.shape:
                self._fields_with.setdefault(axis.name, set()).add(name)
        self._missing = set(record.arguments)
        self._unchecked: set[str] = set()  # arrays, since they or their axes were set

    def set(self, values: Mapping[str, Any]) -> None:
        """Set arguments; those set before are replaced.

        Raises:
            ValueError: the record has no such argument.
            TypeError: a number that should be whole is not.
        """
        for name, value in values.items():
            field = self.record.arguments.get(name)
            if field is None:
                raise ValueError(f"{name}: the kernel has no such argument")
            if field.kind == "array":
                self._set_array(name, value)
            elif field.kind == "number":
                setattr(self._table, name, float(value))
            else:
                self._set_integer(name, operator.index(value))
        self._missing.difference_update(values)

    def _set_array(self, name: str, value: Any) -> None:
        if value is not self.arrays.get(name):
            self.arrays[name] = value
            self._unchecked.add(name)

    def _set_integer(self, name: str, value: int) -> None:
        if self._sizes.get(name) != value:
            self._sizes[name] = value
            setattr(self._table, name, value)
            resized = self._fields_with.get(name, set())
            self._unchecked |= resized & self.arrays.keys()
            self.scratch_version += not resized.isdisjoint(self.record.scratch)

    @property
    def count(self) -> int:
        """The size of the dimension that calls are cut along."""
        return self._sizes[self.record.along]

    def declared(self, name: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
        """The shape and the dtype of an array or of a region of scratch memory, as the record has it."""
        field = self.record.fields[name]
        dtype = self._dtype if field.dtype == "number" else np.dtype(field.dtype)
        return shape_of(field, self._sizes), dtype

    def num_bytes(self, name: str) -> int:
        """The bytes of an array or of a region of scratch memory."""
        shape, dtype = self.declared(name)
        return math.prod(shape) * dtype.itemsize

    def table(self) -> Any:
        """The words that a kernel is given, as a C structure.

        Raises:
            ValueError: an argument is missing, or an array is not what the record declares: in dtype, in
                shape, in its order in memory; or it is to be written to, and cannot be.
        """
        if self._missing:
            raise ValueError(f"arguments of the kernel are missing: {', '.join(sorted(self._missing))}")
        for name in sorted(self._unchecked):
            self._check(name)
            setattr(self._table, name, self.arrays[name].ctypes.data)
        self._unchecked.clear()
        return self._table

    def _check(self, name: str) -> None:
        value, (shape, dtype) = self.arrays[name], self.declared(name)
        if (value.shape, value.dtype) != (shape, dtype):
            raise ValueError(f"{name}: {value.dtype} {value.shape} where the kernel takes {dtype} {shape}")
        if not (value.flags.c_contiguous and value.flags.aligned):
            raise ValueError(f"{name}: not contiguous in memory")
        if self.record.fields[name].written and not value.flags.writeable:
            raise ValueError(f"{name}: cannot be written to")
