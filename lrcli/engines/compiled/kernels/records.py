"""Records as kernels see them: named tuples, made from `lrcli.engines.compiled.signatures`.

What a kernel asks of a record is loaded once for each block, and stays in registers from there on.
"""

from collections import namedtuple
from collections.abc import Callable, Mapping
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from lrcli.engines.compiled.kernels.lanes import Rows
from lrcli.engines.compiled.records import LANES, Dimension, Field, Record

__all__ = ["POINTER", "loader"]

POINTER = types.CPointer(types.int64)  # to a table of words
_WORD = ir.IntType(64)


def loader(record: Record, number: types.Float, members: int, units: int) -> Callable[..., Any]:
    """The function (arguments, scratch, index) that gives the groups of a record, named tuples of its fields.

    Args:
        record: its description.
        number: the dtype of training.
        members: in a row of lanes.
        units: in a row of lanes, for each member.

    Returns:
        A function of the addresses of both tables of words, and of an index along `Record.along`: of arrays
        that are cut along it, the fields are the slices there. Where an array's last axes are those of a row
        of lanes, its field is a `Rows`, else a pointer to its first number.
    """
    sizes = {"": 0, "members": members, "units": units}  # known to the compiler
    groups = {
        name: _tuple_type(name, {key: _type_of(field, number, sizes) for key, field in group.items()})
        for name, group in record.groups.items()
    }
    whole = _tuple_type("record", groups)

    @intrinsic
    def load(typing: Any, arguments: Any, scratch: Any, index: Any) -> Any:
        def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            values = _values(record, number, sizes, builder, *args)
            tuples = [
                context.make_tuple(builder, groups[name], [values[key] for key in group])
                for name, group in record.groups.items()
            ]
            return context.make_tuple(builder, whole, tuples)

        return whole(arguments, scratch, types.int64), emit

    return load


def _tuple_type(name: str, fields: Mapping[str, types.Type]) -> types.NamedTuple:
    """A named tuple whose fields have these types."""
    return types.NamedTuple(list(fields.values()), namedtuple(name, fields))  # noqa: PYI024  made by name


def _type_of(field: Field, number: types.Float, sizes: dict[str, int]) -> types.Type:
    """The type of a field: `Rows` of numbers whose last axes are those of a row of lanes, or a pointer."""
    if not field.shape:
        return {"integer": types.int64, "flag": types.boolean, "number": number}[field.kind]
    element = number if field.dtype == "number" else getattr(types, field.dtype)
    units, members = (Dimension(name, 0) for name in LANES)
    if field.shape[-1] != members or not isinstance(element, types.Float):
        return types.CPointer(element)
    wide = field.shape[-2:] == (units, members)
    return Rows(element, sizes["members"] * (sizes["units"] if wide else 1))


def _values(
    record: Record, number: types.Float, sizes: dict[str, int], builder: Any, arguments: Any, scratch: Any,
    index: Any,
) -> dict[str, Any]:  # fmt: skip
    """Every field as LLVM holds it."""
    values: dict[str, Any] = {}
    for table, fields in ((arguments, record.arguments), (scratch, record.scratch)):
        for position, (name, field) in enumerate(fields.items()):
            word = builder.gep(table, [ir.Constant(_WORD, position)], inbounds=True)
            values[name] = _loaded(builder, word, field, number)
    for name, field in record.fields.items():
        if field.shape and record.cut(field):
            offset = index
            for axis in field.shape[1:]:
                offset = builder.mul(offset, _size(builder, axis, sizes, values))
            values[name] = builder.gep(values[name], [offset], inbounds=True)
    return values


def _size(builder: Any, axis: Dimension, sizes: dict[str, int], values: dict[str, Any]) -> Any:
    """The size of an axis, a constant where the compiler knows it."""
    if axis.name in sizes:
        return ir.Constant(_WORD, sizes[axis.name] + axis.more)
    return builder.add(values[axis.name], ir.Constant(_WORD, axis.more))


def _loaded(builder: Any, word: Any, field: Field, number: types.Float) -> Any:
    """A word of a table as what it is."""
    if field.shape:
        element = {
            "int32": ir.IntType(32),
            "int64": ir.IntType(64),
            "float32": ir.FloatType(),
            "float64": ir.DoubleType(),
        }[str(number) if field.dtype == "number" else field.dtype]
        return builder.load(builder.bitcast(word, element.as_pointer().as_pointer()))
    if field.kind == "number":
        value = builder.load(builder.bitcast(word, ir.DoubleType().as_pointer()))
        return builder.fptrunc(value, ir.FloatType()) if number == types.float32 else value
    value = builder.load(word)
    return builder.icmp_signed("!=", value, ir.Constant(_WORD, 0)) if field.kind == "flag" else value
