"""Numbers too small for a full fraction, taken for zero by the processor while machine code runs.

Runs that have converged reach them, and processors compute with them 40 to 50 times slower. The setting is
one of the thread: the code sets it when it is called and puts back what was there.
"""

import platform
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

__all__ = ["flush_denormals", "restore_denormals"]

_WORD = ir.IntType(32)
_LONG = ir.IntType(64)
_X86 = platform.machine().lower() in {"x86_64", "amd64"}
_ARM = platform.machine().lower() in {"arm64", "aarch64"}
_FLUSH = 0x8040 if _X86 else 1 << 24  # FTZ and DAZ of MXCSR; FZ of FPCR


def _function(builder: Any, name: str, result: Any, *arguments: Any) -> Any:
    return cgutils.get_or_insert_function(builder.module, ir.FunctionType(result, arguments), name)


def _read(builder: Any) -> Any:
    if _X86:
        word = cgutils.alloca_once(builder, _WORD)
        pointer = builder.bitcast(word, ir.IntType(8).as_pointer())
        store = _function(builder, "llvm.x86.sse.stmxcsr", ir.VoidType(), pointer.type)
        builder.call(store, [pointer])
        return builder.zext(builder.load(word), _LONG)
    if _ARM:
        return builder.call(_function(builder, "llvm.aarch64.get.fpcr", _LONG), [])
    return ir.Constant(_LONG, 0)


def _write(builder: Any, value: Any) -> None:
    if _X86:
        word = cgutils.alloca_once(builder, _WORD)
        builder.store(builder.trunc(value, _WORD), word)
        pointer = builder.bitcast(word, ir.IntType(8).as_pointer())
        load = _function(builder, "llvm.x86.sse.ldmxcsr", ir.VoidType(), pointer.type)
        builder.call(load, [pointer])
    elif _ARM:
        builder.call(_function(builder, "llvm.aarch64.set.fpcr", ir.VoidType(), _LONG), [value])


@intrinsic
def flush_denormals(typing: Any) -> Any:
    """Flush from now on; returns what `restore_denormals` is to be given."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        before = _read(builder)
        _write(builder, builder.or_(before, ir.Constant(_LONG, _FLUSH)))
        return before

    return types.int64(), emit


@intrinsic
def restore_denormals(typing: Any, before: Any) -> Any:
    """Put the setting back."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        _write(builder, args[0])
        return context.get_dummy_value()

    return types.none(before), emit
