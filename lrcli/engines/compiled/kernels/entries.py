"""The functions of `lrcli.engines.compiled.signatures`, compiled by Numba for so many lanes of a dtype."""

import inspect
from collections.abc import Callable
from typing import Any

from numba import cfunc, types

from lrcli.engines.compiled.kernels.denormals import flush_denormals, restore_denormals
from lrcli.engines.compiled.kernels.evaluation import Evaluation, evaluate_block
from lrcli.engines.compiled.kernels.examples import Data
from lrcli.engines.compiled.kernels.lanes import rows_at, viewed, width
from lrcli.engines.compiled.kernels.models import Network
from lrcli.engines.compiled.kernels.shuffling import shuffle
from lrcli.engines.compiled.kernels.training import Block, Rule, train_block
from lrcli.engines.compiled.signatures import CALLS

__all__ = ["kernel"]


def _train(members: Any, units: Any, doubles: Any) -> Callable[..., Any]:
    def train(
        sizes, depth, activation, loss, delta,
        inputs, targets, data_rows, examples, features, outputs,
        epochs, first_epoch, used,
        state, count, arrays, scratch, values, first_block, last_block, tile,
        active, broken, accounts, batch, steps, scale, weight, last_scale, last_weight,
        optimizer, option_1, option_2, decay, undecayed, decay_edges, num_decay_edges,
        coefficients, coefficient_rows, coefficient_places, num_coefficients, moving, limits, clips,
        quadratic, is_quadratic, first_step, last_step, exact_from,
    ):  # fmt: skip
        before = flush_denormals()
        network = Network(sizes, depth, activation, values)
        rule = Rule(
            loss, delta, batch, steps, scale, weight, last_scale, last_weight,
            optimizer, option_1 != 0, option_2 != 0, decay, undecayed, decay_edges, num_decay_edges,
            coefficient_places, num_coefficients, moving != 0,
            clips != 0, is_quadratic != 0, first_step, last_step, exact_from, tile,
        )  # fmt: skip
        size = (1 + arrays) * count
        gradient = units(scratch)
        slots = viewed(gradient + (count + 2 * size), members(scratch))
        for b in range(first_block, last_block):
            first = b * width(slots)
            data = Data(
                inputs, targets, data_rows, first, examples, features, outputs,
                epochs, first_epoch, used,
            )  # fmt: skip
            block = Block(
                units(state) + b * size, count, size,
                members(active) + b, broken, first, members(accounts) + 3 * b,
                members(coefficients) + b * coefficient_rows, members(limits) + b,
                doubles(quadratic) + b * (count * count + count + 1),
                gradient, gradient + count, gradient + (count + size),
                slots, slots + tile * values, slots + 2 * tile * values,
                slots + tile * (2 * values + features), slots + tile * (2 * values + features + outputs),
            )  # fmt: skip
            train_block(network, rule, data, block, first_step, last_step)
        restore_denormals(before)

    return train


def _evaluate(members: Any, units: Any, doubles: Any) -> Callable[..., Any]:
    def evaluate(
        sizes, depth, activation, loss, delta,
        inputs, targets, data_rows, examples, features, outputs,
        epochs, first_epoch, used,
        state, count, arrays, scratch, values, first_block, last_block, tile, totals,
    ):  # fmt: skip
        before = flush_denormals()
        network = Network(sizes, depth, activation, values)
        size = (1 + arrays) * count
        slots = members(scratch)
        for b in range(first_block, last_block):
            data = Data(
                inputs, targets, data_rows, b * width(slots), examples, features, outputs,
                epochs, first_epoch, used,
            )  # fmt: skip
            inputs_at = slots + tile * values
            block = Evaluation(units(state) + b * size, slots, inputs_at, inputs_at + tile * features)
            evaluate_block(network, loss, delta, tile, data, block, doubles(totals) + 2 * b)
        restore_denormals(before)

    return evaluate


_ENTRIES = {"train": _train, "evaluate": _evaluate, "shuffle": shuffle}
_KINDS = {
    "integer": types.int64,
    "integers": types.CPointer(types.int64),
    "places": types.CPointer(types.int32),
    "doubles": types.CPointer(types.float64),
}


def kernel(name: str, dtype: str, members: int, units: int) -> Any:
    """A function of `lrcli.engines.compiled.signatures`, compiled by Numba.

    Args:
        name: of the function.
        dtype: ``float32`` or ``float64``.
        members: in a row.
        units: in a row, for each member.

    Returns:
        Numba's cfunc.
    """
    number = getattr(types, dtype)
    kinds = _KINDS | {"number": number, "numbers": types.CPointer(number)}
    entry = _ENTRIES[name](
        rows_at(number, members), rows_at(number, members * units), rows_at(types.float64, members)
    )
    call = CALLS[name]
    if list(inspect.signature(entry).parameters) != list(call):
        raise AssertionError(f"{name}: the parameters are not those of CALLS")
    return cfunc(types.void(*(kinds[kind] for kind in call.values())))(entry)
