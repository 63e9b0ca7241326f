"""The orders of shuffled epochs, as NumPy draws them, in machine code.

`Problem.order` says what an order is: ``Generator(PCG64(SeedSequence(...))).permutation``. NumPy takes 12
microseconds to set a generator up, longer than an epoch of training a small model. Here are the same numbers
from the same three algorithms.

Sources: SeedSequence, after O'Neill 2015, "Developing a seed_seq alternative"; PCG64 (XSL RR 128/64), O'Neill
2014; a Fisher-Yates shuffle from the last position to the first, each partner drawn by masking a random
number and rejecting what is too large: numpy/random/bit_generator.pyx, pcg64.h and _generator.pyx.
"""

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from lrcli.engines.compiled.kernels.jit import jit

__all__ = ["shuffle_row"]

_LOW = 0xFFFFFFFF
_INITIAL_A, _MULTIPLIER_A = 0x43B0D7E5, 0x931E8875
_INITIAL_B, _MULTIPLIER_B = 0x8B51F9DD, 0x58F38DED
_MIX_LEFT, _MIX_RIGHT = 0xCA01F9DD, 0x4973F715
_PCG_MULTIPLIER = 0x2360ED051FC65DA44385DF649FCCF645

_WORD, _WIDE = ir.IntType(64), ir.IntType(128)


@jit
def _hash(value, constant):
    """A word hashed with a constant, and the next constant."""
    after = constant * _MULTIPLIER_A & _LOW
    value = (value ^ constant) * after & _LOW
    return value ^ (value >> 16), after


@jit
def _mix(x, y):
    value = (_MIX_LEFT * x - _MIX_RIGHT * y) & _LOW
    return value ^ (value >> 16)


@jit
def _stir(pool, word, constant, but):
    """Mix a word into every word of the pool but one."""
    for i in range(4):
        if i != but:
            value, constant = _hash(word, constant)
            pool[i] = _mix(pool[i], value)
    return constant


@jit
def _fill_pool(pool, entropy, length, epoch):
    """The pool of a SeedSequence of some words and of the epoch."""
    constant = _INITIAL_A
    for i in range(4):
        pool[i], constant = _hash(entropy[i], constant)
    for i in range(4):
        constant = _stir(pool, pool[i], constant, i)
    for i in range(4, length):
        constant = _stir(pool, entropy[i], constant, -1)
    _stir(pool, epoch, constant, -1)


@jit
def _seed_word(pool, index):
    """The seed's 64 bits number `index`."""
    constant = _INITIAL_B
    for _ in range(2 * index):
        constant = constant * _MULTIPLIER_B & _LOW
    result = 0
    for half in range(2):
        value = pool[(2 * index + half) % 4] ^ constant
        constant = constant * _MULTIPLIER_B & _LOW
        value = value * constant & _LOW
        result |= (value ^ (value >> 16)) << (32 * half)
    return result


def _wide(builder: Any, high: Any, low: Any) -> Any:
    """Two words of 64 bits as one of 128."""
    shifted = builder.shl(builder.zext(high, _WIDE), ir.Constant(_WIDE, 64))
    return builder.or_(shifted, builder.zext(low, _WIDE))


def _of_pairs(emit_wide: Callable[[Any, Any, Any], Any]) -> Any:
    """A function of two numbers of 128 bits, each a pair of words, the higher one first; modulo 2^128."""

    @intrinsic
    def function(typing: Any, x: Any, y: Any) -> Any:
        def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            x, y = (_wide(builder, *(builder.extract_value(arg, i) for i in (0, 1))) for arg in args)
            result = emit_wide(builder, x, y)
            high = builder.trunc(builder.lshr(result, ir.Constant(_WIDE, 64)), _WORD)
            return context.make_tuple(builder, signature.return_type, [high, builder.trunc(result, _WORD)])

        return types.UniTuple(types.int64, 2)(x, y), emit

    return function


_sum = _of_pairs(lambda builder, x, y: builder.add(x, y))
_next_state = _of_pairs(
    lambda builder, x, y: builder.add(builder.mul(x, ir.Constant(_WIDE, _PCG_MULTIPLIER)), y)
)


@intrinsic
def _rotated(typing: Any, value: Any, count: Any) -> Any:
    """The 64 bits of a word, rotated right."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        mask = ir.Constant(_WORD, 63)
        right = builder.lshr(args[0], builder.and_(args[1], mask))
        left = builder.shl(args[0], builder.and_(builder.neg(args[1]), mask))
        return builder.or_(right, left)

    return types.int64(value, count), emit


@intrinsic
def _mask_for(typing: Any, most: Any) -> Any:
    """The smallest 2^k - 1 that is not below a positive number."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        zeros = builder.ctlz(args[0], ir.Constant(ir.IntType(1), 1))
        return builder.lshr(ir.Constant(_WORD, -1), zeros)

    return types.int64(most), emit


@jit
def _draw_order(pool, order, count):
    """Write the order of so many examples, drawn with the seed of the pool."""
    start = (_seed_word(pool, 0), _seed_word(pool, 1))
    high, low = _seed_word(pool, 2), _seed_word(pool, 3)
    increment = ((high << 1) | ((low >> 63) & 1), (low << 1) | 1)
    state = _next_state(_sum(increment, start), increment)
    for i in range(count):
        order[i] = i
    position, second, upper = count - 1, False, 0
    while position > 0:
        mask = _mask_for(position)
        while position > mask >> 1:  # as long as the mask is the same
            word = upper
            if not second:
                state = _next_state(state, increment)
                output = _rotated(state[0] ^ state[1], (state[0] >> 58) & 63)
                word, upper = output & _LOW, (output >> 32) & _LOW
            second = not second
            partner = word & mask
            # A rejected partner is swapped for the position itself: nothing to guess wrong for the processor.
            accepted = partner <= position
            partner = partner if accepted else position
            order[position], order[partner] = order[partner], order[position]
            position -= int(accepted)


@jit
def shuffle_row(given):
    """Write the examples of a row of data in the order of each of some epochs."""
    there = 0
    for epoch in range(given.first_epoch, given.first_epoch + given.epochs):
        _fill_pool(given.pool, given.entropy, given.length[0], epoch + 1)
        _draw_order(given.pool, given.order, given.examples)
        for index in range(given.examples):
            here = given.order[index]
            for i in range(given.features):
                given.shuffled_inputs[there * given.features + i] = given.inputs[here * given.features + i]
            for k in range(given.outputs):
                given.shuffled_targets[there * given.outputs + k] = given.targets[here * given.outputs + k]
            there += 1
