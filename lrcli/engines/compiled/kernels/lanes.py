"""Numbers side by side: the type in which the compiled engine computes.

A `Lanes` is one number for each of several members, held in one vector register (or a few) of the
processor. Formulas are written as for one member: ``z + w[k] * x[i]`` takes one instruction for all of
them. Numba knows no such type, and loops over short arrays are turned into vector instructions only where
LLVM can prove that no two arrays overlap; that is why it is defined here, from LLVM's own vectors.

A lane does the operations of IEEE 754, in the order in which they are written, whatever the number of lanes
and whichever processor: a member has the same bits alone and among thousands.

`Rows` is memory that holds a `Lanes` in each row. Where the counts of two operands differ, one of them is a
single number that stands for all lanes.
"""

import operator
import platform
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from llvmlite import binding as llvm
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, models, register_model

__all__ = [
    "Lanes",
    "Mask",
    "Rows",
    "absolute",
    "all_lanes",
    "detached",
    "exponent",
    "for_each",
    "group_size",
    "lane",
    "multiply_add",
    "narrowed",
    "nearest",
    "polynomial",
    "rows_at",
    "select",
    "single",
    "spaced",
    "square_root",
    "times_power_of_two",
    "total",
    "viewed",
    "widened",
    "width",
    "zeros",
]

_INDEX = ir.IntType(64)
_EXPONENT = {types.float32: (32, 23, 127), types.float64: (64, 52, 1023)}  # bits, of the fraction, the bias


class _Counted(types.Type):
    """A type of numbers of a dtype, so many side by side."""

    def __init__(self, dtype: types.Float, count: int) -> None:
        self.dtype, self.count = dtype, count
        super().__init__(f"{type(self).__name__}({dtype}, {count})")


class Lanes(_Counted):
    """A number in each lane."""


class Mask(_Counted):
    """A truth value in each lane, as comparisons of numbers of the dtype give it."""


class Rows(_Counted):
    """Memory of lanes: ``rows[k]`` is row k, ``rows + k`` begins at row k."""


def _element(dtype: types.Float) -> ir.Type:
    return ir.FloatType() if dtype == types.float32 else ir.DoubleType()


def _vector_of(element: ir.Type, count: int) -> ir.Type:
    """So many elements as LLVM holds them: a vector, or one by itself."""
    return element if count == 1 else ir.VectorType(element, count)


def _vector(given: _Counted) -> ir.Type:
    return _vector_of(_element(given.dtype), given.count)


def _integers(given: Lanes) -> ir.Type:
    return _vector_of(ir.IntType(_EXPONENT[given.dtype][0]), given.count)


def _all(kind: ir.Type, value: float) -> ir.Constant:
    return ir.Constant(kind, [value] * kind.count if isinstance(kind, ir.VectorType) else value)


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, given: Lanes) -> None:
        super().__init__(manager, given, _vector(given))


@register_model(Mask)
class _MaskModel(models.PrimitiveModel):
    def __init__(self, manager: Any, given: Mask) -> None:
        super().__init__(manager, given, _vector_of(ir.IntType(1), given.count))


@register_model(Rows)
class _RowsModel(models.PrimitiveModel):
    def __init__(self, manager: Any, given: Rows) -> None:
        super().__init__(manager, given, _element(given.dtype).as_pointer())


# Operands of different counts -------------------------------------------------------------------------


def _widest(args: tuple[types.Type, ...]) -> Lanes:
    """The type of an operation's result: that of the operand with the most lanes, of which there is one."""
    return max((arg for arg in args if isinstance(arg, Lanes)), key=lambda given: given.count)


def _spread(builder: ir.IRBuilder, number: Any, count: int) -> Any:
    """One number in all of several lanes."""
    if count == 1:
        return number
    undefined = ir.Constant(ir.VectorType(number.type, count), ir.Undefined)
    first = builder.insert_element(undefined, number, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(first, undefined, _all(ir.VectorType(ir.IntType(32), count), 0))


def _fit(context: Any, builder: ir.IRBuilder, value: Any, given: types.Type, wanted: Lanes) -> Any:
    """A number or lanes as lanes of the wanted count."""
    if not isinstance(given, Lanes):
        value = context.cast(builder, value, given, wanted.dtype)
    elif given.count == wanted.count:
        return value
    return _spread(builder, value, wanted.count)


# Operators --------------------------------------------------------------------------------------------


def _define(symbol: Any, emit: Callable[[Any, Any, Any], Any], *, compares: bool = False) -> None:
    """Give a binary operator its meaning for lanes."""

    @infer_global(symbol)
    class Typing(AbstractTemplate):
        def generic(self, args: Any, kws: Any) -> Any:
            if not any(isinstance(arg, Lanes) for arg in args):
                return None
            widest = _widest(args)
            return signature(Mask(widest.dtype, widest.count) if compares else widest, *args)

    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        widest = _widest(sig.args)
        fitted = [
            _fit(context, builder, arg, given, widest) for arg, given in zip(args, sig.args, strict=True)
        ]
        return emit(builder, *fitted)

    for pair in ((Lanes, Lanes), (Lanes, types.Number), (types.Number, Lanes)):
        lower_builtin(symbol, *pair)(lower)


_define(operator.add, lambda builder, a, b: builder.fadd(a, b))
_define(operator.sub, lambda builder, a, b: builder.fsub(a, b))
_define(operator.mul, lambda builder, a, b: builder.fmul(a, b))
_define(operator.truediv, lambda builder, a, b: builder.fdiv(a, b))
_define(operator.lt, lambda builder, a, b: builder.fcmp_ordered("<", a, b), compares=True)
_define(operator.le, lambda builder, a, b: builder.fcmp_ordered("<=", a, b), compares=True)
_define(operator.gt, lambda builder, a, b: builder.fcmp_ordered(">", a, b), compares=True)
_define(operator.ge, lambda builder, a, b: builder.fcmp_ordered(">=", a, b), compares=True)


@infer_global(operator.neg)
class _Negation(AbstractTemplate):
    def generic(self, args: Any, kws: Any) -> Any:
        return signature(args[0], args[0]) if isinstance(args[0], Lanes) else None


@lower_builtin(operator.neg, Lanes)
def _negate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    return builder.fneg(args[0])


def _logic(symbol: Any, instruction: str) -> None:
    """Give ``&`` or ``|`` its meaning for masks."""

    @infer_global(symbol)
    class Typing(AbstractTemplate):
        def generic(self, args: Any, kws: Any) -> Any:
            return signature(args[0], *args) if isinstance(args[0], Mask) and args[0] == args[1] else None

    @lower_builtin(symbol, Mask, Mask)
    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return getattr(builder, instruction)(*args)


_logic(operator.and_, "and_")
_logic(operator.or_, "or_")


# Memory -----------------------------------------------------------------------------------------------


def rows_at(dtype: types.Float, count: int) -> Any:
    """The function that takes a pointer to numbers as `Rows` of so many lanes."""
    rows = Rows(dtype, count)

    @intrinsic
    def view(typing: Any, pointer: Any) -> Any:
        return rows(pointer), lambda context, builder, sig, args: args[0]

    return view


@intrinsic
def viewed(typing: Any, rows: Any, like: Any) -> Any:
    """The same memory in rows as wide as those of `like`."""
    return like(rows, like), lambda context, builder, sig, args: args[0]


@intrinsic
def single(typing: Any, rows: Any) -> Any:
    """The same memory, a number in each row."""
    return Rows(rows.dtype, 1)(rows), lambda context, builder, sig, args: args[0]


@intrinsic
def zeros(typing: Any, rows: Any) -> Any:
    """Zero in every lane of a row."""
    lanes = Lanes(rows.dtype, rows.count)
    return lanes(rows), lambda context, builder, sig, args: _all(_vector(lanes), 0.0)


@intrinsic
def width(typing: Any, rows: Any) -> Any:
    """The number of lanes in a row, known to the compiler."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return ir.Constant(_INDEX, rows.count)

    return types.intp(rows), emit


def _address(builder: ir.IRBuilder, rows: Any, index: Any, given: Rows) -> Any:
    return builder.gep(rows, [builder.mul(index, ir.Constant(_INDEX, given.count))], inbounds=True)


@infer_global(operator.add)
class _Advance(AbstractTemplate):
    def generic(self, args: Any, kws: Any) -> Any:
        return signature(args[0], args[0], types.intp) if isinstance(args[0], Rows) else None


@lower_builtin(operator.add, Rows, types.intp)
def _advance(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    return _address(builder, args[0], args[1], sig.args[0])


@infer_global(operator.getitem)
class _Load(AbstractTemplate):
    def generic(self, args: Any, kws: Any) -> Any:
        rows = args[0]
        return signature(Lanes(rows.dtype, rows.count), rows, types.intp) if isinstance(rows, Rows) else None


@lower_builtin(operator.getitem, Rows, types.intp)
def _load(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    given = sig.args[0]
    address = builder.bitcast(_address(builder, args[0], args[1], given), _vector(given).as_pointer())
    return builder.load(address, align=given.dtype.bitwidth // 8)


@infer_global(operator.setitem)
class _Store(AbstractTemplate):
    def generic(self, args: Any, kws: Any) -> Any:
        rows = args[0]
        return signature(types.none, rows, types.intp, args[2]) if isinstance(rows, Rows) else None


def _store(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    given = sig.args[0]
    value = _fit(context, builder, args[2], sig.args[2], Lanes(given.dtype, given.count))
    address = builder.bitcast(_address(builder, args[0], args[1], given), _vector(given).as_pointer())
    builder.store(value, address, align=given.dtype.bitwidth // 8)
    return context.get_dummy_value()


lower_builtin(operator.setitem, Rows, types.intp, Lanes)(_store)
lower_builtin(operator.setitem, Rows, types.intp, types.Number)(_store)


# Groups -----------------------------------------------------------------------------------------------
#
# A number that is used once for each load is waited for. Formulas that are given a group instead of lanes
# compute several results at a time, the same operations in the same order for each.

_GROUP = 4


class Group(_Counted):
    """Several lanes, each a result of its own."""


class Spaced(_Counted):
    """Memory of groups: ``spaced[k]`` are the rows k, k + stride, k + 2 stride, ..."""


@register_model(Group)
class _GroupModel(models.PrimitiveModel):
    def __init__(self, manager: Any, given: Group) -> None:
        super().__init__(manager, given, ir.ArrayType(_vector(given), _GROUP))


@register_model(Spaced)
class _SpacedModel(models.StructModel):
    def __init__(self, manager: Any, given: Spaced) -> None:
        super().__init__(manager, given, [("rows", Rows(given.dtype, given.count)), ("stride", types.intp)])


@intrinsic
def spaced(typing: Any, rows: Any, stride: Any) -> Any:
    """Rows as groups of as many as a group has, so far apart."""
    result = Spaced(rows.dtype, rows.count)

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        view = cgutils.create_struct_proxy(result)(context, builder)
        view.rows = args[0]
        view.stride = context.cast(builder, args[1], stride, types.intp)
        return view._getvalue()  # noqa: SLF001  Numba's own way

    return result(rows, stride), emit


def _addresses(context: Any, builder: Any, given: Spaced, value: Any, index: Any) -> list[Any]:
    """The addresses of the lanes of a group."""
    view = cgutils.create_struct_proxy(given)(context, builder, value)
    rows = Rows(given.dtype, given.count)
    addresses = []
    for _ in range(_GROUP):
        addresses.append(
            builder.bitcast(_address(builder, view.rows, index, rows), _vector(given).as_pointer())
        )
        index = builder.add(index, view.stride)
    return addresses


@infer_global(operator.getitem)
class _LoadGroup(AbstractTemplate):
    def generic(self, args: Any, kws: Any) -> Any:
        view = args[0]
        return (
            signature(Group(view.dtype, view.count), view, types.intp) if isinstance(view, Spaced) else None
        )


@lower_builtin(operator.getitem, Spaced, types.intp)
def _load_group(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    given = sig.args[0]
    addresses = _addresses(context, builder, given, *args)
    return _group(builder, [builder.load(address, align=given.dtype.bitwidth // 8) for address in addresses])


@infer_global(operator.setitem)
class _StoreGroup(AbstractTemplate):
    def generic(self, args: Any, kws: Any) -> Any:
        return signature(types.none, args[0], types.intp, args[2]) if isinstance(args[0], Spaced) else None


@lower_builtin(operator.setitem, Spaced, types.intp, Group)
def _store_group(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    given = sig.args[0]
    for number, address in enumerate(_addresses(context, builder, given, *args[:2])):
        builder.store(builder.extract_value(args[2], number), address, align=given.dtype.bitwidth // 8)
    return context.get_dummy_value()


def _group(builder: Any, results: list[Any]) -> Any:
    group = ir.Constant(ir.ArrayType(results[0].type, len(results)), ir.Undefined)
    for number, result in enumerate(results):
        group = builder.insert_value(group, result, number)
    return group


@intrinsic
def for_each(typing: Any, x: Any, memory: Any) -> Any:
    """Lanes as what some memory holds: themselves, or a group of them."""
    if isinstance(memory, Rows):
        return x(x, memory), lambda context, builder, sig, args: args[0]
    result = Group(x.dtype, x.count)
    return result(x, memory), lambda context, builder, sig, args: _group(builder, [args[0]] * _GROUP)


@intrinsic
def group_size(typing: Any) -> Any:
    """The number of lanes in a group, known to the compiler."""
    return types.intp(), lambda context, builder, sig, args: ir.Constant(_INDEX, _GROUP)


# Functions --------------------------------------------------------------------------------------------


def _call(builder: ir.IRBuilder, name: str, kind: ir.Type, args: list[Any]) -> Any:
    """One of LLVM's own functions, such as ``llvm.sqrt``, on vectors."""
    element, count = (kind.element, f"v{kind.count}") if isinstance(kind, ir.VectorType) else (kind, "")
    bits = "f32" if isinstance(element, ir.FloatType) else "f64"
    function = ir.FunctionType(kind, [kind] * len(args))
    return builder.call(
        cgutils.get_or_insert_function(builder.module, function, f"llvm.{name}.{count}{bits}"), args
    )


def _elementwise(name: str, meaning: str) -> Any:
    @intrinsic
    def function(typing: Any, x: Any) -> Any:
        def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            return _call(builder, name, _vector(x), list(args))

        return x(x), emit

    function.__doc__ = meaning
    return function


absolute = _elementwise("fabs", "|x|.")
square_root = _elementwise("sqrt", "The square root, correctly rounded.")
nearest = _elementwise("rint", "The nearest whole number, halves to the even one.")


def _fused() -> bool:
    """Whether the processor multiplies and adds in one instruction; where it does not, that is very slow."""
    features = llvm.get_host_cpu_features()
    return bool(features.get("fma", platform.machine().lower() in {"arm64", "aarch64"}))


def _emit_multiply_add(builder: ir.IRBuilder, a: Any, b: Any, c: Any) -> Any:
    return _call(builder, "fma", a.type, [a, b, c]) if _fused() else builder.fadd(builder.fmul(a, b), c)


@intrinsic
def multiply_add(typing: Any, a: Any, b: Any, c: Any) -> Any:
    """A b + c, with one rounding where the processor has an instruction for it; of groups, each result."""
    operands = (a, b, c)
    widest = Lanes(
        a.dtype, max(operand.count for operand in operands if not isinstance(operand, types.Number))
    )
    grouped = any(isinstance(operand, Group) for operand in operands)

    def fitted(context: Any, builder: Any, value: Any, given: Any, number: int) -> Any:
        if isinstance(given, Group):
            value, given = builder.extract_value(value, number), Lanes(given.dtype, given.count)
        return _fit(context, builder, value, given, widest)

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        results = [
            _emit_multiply_add(
                builder,
                *(
                    fitted(context, builder, value, given, number)
                    for value, given in zip(args, operands, strict=True)
                ),
            )
            for number in range(_GROUP if grouped else 1)
        ]
        return _group(builder, results) if grouped else results[0]

    return (Group(widest.dtype, widest.count) if grouped else widest)(a, b, c), emit


def polynomial(coefficients: Mapping[types.Float, Sequence[float]]) -> Any:
    """The function of x that evaluates c0 + c1 x + c2 x^2 + ... by Horner's rule, for each dtype its own."""

    @intrinsic
    def function(typing: Any, x: Any) -> Any:
        def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            *lower, value = (_all(_vector(x), c) for c in coefficients[x.dtype])
            for c in reversed(lower):
                value = _emit_multiply_add(builder, value, args[0], c)
            return value

        return x(x), emit

    return function


@intrinsic
def select(typing: Any, mask: Any, a: Any, b: Any) -> Any:
    """A where the mask holds, else b."""
    widest = _widest((a, b, Lanes(mask.dtype, mask.count)))

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        fitted = [
            _fit(context, builder, arg, given, widest)
            for arg, given in zip(args[1:], sig.args[1:], strict=True)
        ]
        choice = args[0] if mask.count == widest.count else _spread(builder, args[0], widest.count)
        return builder.select(choice, *fitted)

    return widest(mask, a, b), emit


@intrinsic
def all_lanes(typing: Any, mask: Any) -> Any:
    """Whether the mask holds in every lane."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        whole = builder.bitcast(args[0], ir.IntType(mask.count))
        return builder.icmp_unsigned("==", whole, ir.Constant(whole.type, 2**mask.count - 1))

    return types.boolean(mask), emit


@intrinsic
def lane(typing: Any, mask: Any, index: Any) -> Any:
    """Whether the mask holds in one lane."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        if mask.count == 1:
            return args[0]
        return builder.extract_element(args[0], context.cast(builder, args[1], index, types.int32))

    return types.boolean(mask, index), emit


@intrinsic
def total(typing: Any, x: Any, like: Any) -> Any:
    """The sum over lanes, first to last, where `like` has but one lane; else x as it is."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        if like.count == x.count:
            return args[0]
        numbers = [builder.extract_element(args[0], ir.Constant(ir.IntType(32), i)) for i in range(x.count)]
        while len(numbers) > 1:  # in pairs: a chain of sums would wait for each of them
            pairs = zip(numbers[::2], numbers[1::2], strict=True)
            numbers = [builder.fadd(a, b) for a, b in pairs]
        return numbers[0]

    return Lanes(x.dtype, like.count)(x, like), emit


@intrinsic
def detached(typing: Any, x: Any) -> Any:
    """The same numbers, as if they did not come from memory.

    LLVM makes one masked store of a load, a select and a store to the same address. Processors by AMD take
    ten times as long for that as for the three.
    """

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        frozen = ir.instructions.Instruction(builder.block, args[0].type, "freeze", args)
        builder._insert(frozen)  # noqa: SLF001  llvmlite's builder has no name for it
        return frozen

    return x(x), emit


@intrinsic
def widened(typing: Any, x: Any) -> Any:
    """The same numbers in double precision."""
    wide = Lanes(types.float64, x.count)

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return args[0] if x.dtype == types.float64 else builder.fpext(args[0], _vector(wide))

    return wide(x), emit


@intrinsic
def narrowed(typing: Any, x: Any, like: Any) -> Any:
    """The same numbers, rounded to the precision of some rows."""
    narrow = Lanes(like.dtype, x.count)

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return args[0] if x.dtype == like.dtype else builder.fptrunc(args[0], _vector(narrow))

    return narrow(x, like), emit


@intrinsic
def times_power_of_two(typing: Any, x: Any, n: Any) -> Any:
    """X 2^n for whole n; beyond the largest number infinity, below the smallest zero.

    The power is put together from its bits, in two factors, since one alone would not reach every n.
    """
    _, fraction, bias = _EXPONENT[x.dtype]
    kind, whole = _vector(x), _integers(x)
    magic = 1.5 * 2.0**fraction  # x + magic has x in its lowest bits

    def power(builder: Any, n: Any) -> Any:
        return builder.bitcast(builder.shl(builder.add(n, _all(whole, bias)), _all(whole, fraction)), kind)

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        shifted = builder.bitcast(builder.fadd(args[1], _all(kind, magic)), whole)
        count = builder.sub(shifted, builder.bitcast(_all(kind, magic), whole))
        half = builder.ashr(count, _all(whole, 1))
        rest = builder.sub(count, half)
        return builder.fmul(builder.fmul(args[0], power(builder, half)), power(builder, rest))

    return x(x, n), emit


@intrinsic
def exponent(typing: Any, x: Any) -> Any:
    """The whole n with 2^n <= x < 2^(n+1), for positive numbers that are not denormal."""
    _, fraction, bias = _EXPONENT[x.dtype]
    whole = _integers(x)

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        bits = builder.lshr(builder.bitcast(args[0], whole), _all(whole, fraction))
        return builder.sitofp(builder.sub(bits, _all(whole, bias)), _vector(x))

    return x(x), emit
