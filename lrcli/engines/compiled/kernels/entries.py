"""The kernels of `lrcli.engines.compiled.signatures`, compiled by Numba for so many lanes of a dtype."""

from collections.abc import Callable
from typing import Any

from numba import cfunc, types

from lrcli.engines.compiled.kernels.denormals import flush_denormals, restore_denormals
from lrcli.engines.compiled.kernels.evaluation import evaluate_block
from lrcli.engines.compiled.kernels.records import POINTER, loader
from lrcli.engines.compiled.kernels.shuffling import shuffle_row
from lrcli.engines.compiled.kernels.training import train_block
from lrcli.engines.compiled.signatures import RECORDS

__all__ = ["kernel"]


def _train(load: Callable[..., Any]) -> Callable[..., Any]:
    def train(arguments, scratch, first, last):
        before = flush_denormals()
        for index in range(first, last):
            record = load(arguments, scratch, index)
            train_block(record.network, record.training, record.examples, record.block)
        restore_denormals(before)

    return train


def _evaluate(load: Callable[..., Any]) -> Callable[..., Any]:
    def evaluate(arguments, scratch, first, last):
        before = flush_denormals()
        for index in range(first, last):
            record = load(arguments, scratch, index)
            evaluate_block(record.network, record.examples, record.block)
        restore_denormals(before)

    return evaluate


def _shuffle(load: Callable[..., Any]) -> Callable[..., Any]:
    def shuffle(arguments, scratch, first, last):
        for index in range(first, last):
            shuffle_row(load(arguments, scratch, index).shuffling)

    return shuffle


_ENTRIES = {"train": _train, "evaluate": _evaluate, "shuffle": _shuffle}


def kernel(name: str, dtype: str, members: int, units: int) -> Any:
    """A kernel, compiled by Numba.

    Args:
        name: of the kernel.
        dtype: ``float32`` or ``float64``.
        members: in a row.
        units: in a row, for each member.

    Returns:
        Numba's cfunc of the addresses of a record's arguments and scratch memory, and of the first index
        along `Record.along` that is computed and the first that is not.
    """
    load = loader(RECORDS[name], getattr(types, dtype), members, units)
    return cfunc(types.void(POINTER, POINTER, types.int64, types.int64))(_ENTRIES[name](load))
