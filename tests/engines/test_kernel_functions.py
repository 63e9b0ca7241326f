"""Exponential and its relatives in machine code against extended precision, in units in the last place."""

import ctypes
from functools import cache

import numpy as np
import pytest

pytest.importorskip("numba")

from numba import cfunc, types

from lrcli.engines.compiled.kernels import functions as numba_functions
from lrcli.engines.compiled.kernels.jit import choice
from lrcli.engines.compiled.kernels.lanes import rows_at

LANES = 16
REFERENCES = {
    "exp": np.exp,
    "log": np.log,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "softplus": lambda x: np.logaddexp(x, x * 0),
    "tanh": np.tanh,
}
NAMES = list(REFERENCES)
DTYPES = {"float32": (types.float32, ctypes.c_float), "float64": (types.float64, ctypes.c_double)}
UNITS = {"exp": 2, "log": 3, "sigmoid": 3, "softplus": 3, "tanh": 3}

needs_more_than_doubles = pytest.mark.skipif(
    np.finfo(np.longdouble).nmant <= np.finfo(np.float64).nmant, reason="there is nothing to compare with"
)
every_dtype = pytest.mark.parametrize(
    "dtype", ["float32", pytest.param("float64", marks=needs_more_than_doubles)]
)


@cache
def machine_code(dtype):
    """All functions as one, which takes the number of the function first: that is compiled more quickly."""
    number, _ = DTYPES[dtype]
    view, pointer = rows_at(number, LANES), types.CPointer(number)
    apply = choice([getattr(numba_functions, name) for name in NAMES])

    def entry(which, source, target, count):
        x, y = view(source), view(target)
        for i in range(count):
            y[i] = apply(which, x[i])

    return cfunc(types.void(types.int64, pointer, pointer, types.int64))(entry)


def computed(name, x):
    """The function of each of some numbers, in their dtype."""
    _, number = DTYPES[x.dtype.name]
    padded = np.resize(x, -(-len(x) // LANES) * LANES)
    result = np.empty_like(padded)
    places = [array.ctypes.data_as(ctypes.POINTER(number)) for array in (padded, result)]
    machine_code(x.dtype.name).ctypes(NAMES.index(name), *places, len(padded) // LANES)
    return result[: len(x)]


def points(name, dtype):
    """Numbers of all sizes, as far as the function of them is neither denormal nor infinite."""
    info = np.finfo(dtype)
    tiny, most = float(np.log(info.tiny)), float(np.log(info.max))
    rng = np.random.default_rng(0)
    wide = {"exp": (tiny, most), "sigmoid": (tiny, 100), "softplus": (tiny, 1000), "tanh": (-50, 50)}
    small = np.exp(rng.uniform(tiny + 2, 0, 4000))
    if name == "log":
        x = np.concatenate([small, 1 / small, rng.uniform(0.4, 2.5, 4000), 1 + rng.normal(0, 1e-4, 4000)])
    else:
        low, high = wide[name]
        x = np.concatenate([small, -small, rng.uniform(low + 1, high - 1, 4000), rng.normal(0, 2, 8000)])
    return x.astype(dtype)


@pytest.mark.parametrize("name", NAMES)
@every_dtype
def test_exact_to_a_few_units_in_the_last_place(name, dtype):
    x = points(name, dtype)
    with np.errstate(over="ignore"):
        exact = REFERENCES[name](x.astype(np.longdouble))
    info = np.finfo(dtype)
    _, exponent = np.frexp(np.maximum(np.abs(exact), info.tiny))
    unit = np.ldexp(
        np.longdouble(1), exponent - 1 - info.nmant
    )  # np.spacing is 0 where denormals are flushed
    errors = np.abs(computed(name, x).astype(np.longdouble) - exact) / unit
    assert errors.max() <= UNITS[name], f"at {x[errors.argmax()]!r}"


INFINITY, NAN = np.inf, np.nan
SPECIAL = {
    "exp": {INFINITY: INFINITY, -INFINITY: 0, 0.0: 1, 1e30: INFINITY, -1e30: 0},
    "log": {1.0: 0},
    "sigmoid": {INFINITY: 1, -INFINITY: 0, 0.0: 0.5, 1e30: 1, -1e30: 0},
    "softplus": {INFINITY: INFINITY, -INFINITY: 0, 1e30: 1e30, -1e30: 0},
    "tanh": {INFINITY: 1, -INFINITY: -1, 0.0: 0, 1e30: 1, -1e30: -1},
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", list(DTYPES))
def test_special_values(name, dtype):
    x = np.array(list(SPECIAL[name]), dtype)
    expected = np.array(list(SPECIAL[name].values()), dtype)
    np.testing.assert_array_equal(computed(name, x), expected)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", list(DTYPES))
def test_what_is_not_a_number_stays_so(name, dtype):
    """Only so a broken member is found; its neighbours in the other lanes never notice."""
    x = np.full(LANES, 0.75, dtype)
    alone = computed(name, x)
    x[5] = NAN
    beside = computed(name, x)
    assert np.isnan(beside[5])
    keep = np.arange(LANES) != 5
    assert beside[keep].tobytes() == alone[keep].tobytes()


@pytest.mark.parametrize("dtype", list(DTYPES))
def test_beyond_the_largest_number_is_infinity(dtype):
    """Growth never wraps round: from the last finite power on, whatever is larger is infinite."""
    edge = float(np.log(np.finfo(dtype).max))
    beyond = np.concatenate([edge + np.linspace(1e-3, 2, 64), 10.0 ** np.arange(3, 37)]).astype(dtype)
    assert np.isposinf(computed("exp", beyond)).all()
    assert np.isfinite(computed("exp", (edge - np.linspace(1e-3, 2, 64)).astype(dtype))).all()


@pytest.mark.parametrize("name", NAMES)
def test_every_lane_has_the_same_bits(name):
    x = points(name, "float32")[:500]
    whole = computed(name, x)
    for shift in (1, 7):  # each number in another lane
        assert np.roll(computed(name, np.roll(x, shift)), -shift).tobytes() == whole.tobytes()
