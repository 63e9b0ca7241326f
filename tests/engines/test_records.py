"""Records of kernels: one description, from which the engine's side and the kernel's side come."""

import ctypes
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrcli.engines.compiled.arguments import Arguments
from lrcli.engines.compiled.memory import Scratch
from lrcli.engines.compiled.records import Record, array, flag, integer, number, scratch, shape_of
from lrcli.engines.compiled.signatures import RECORDS

DTYPES = {"number": "float32", "float64": "float64", "int64": "int64", "int32": "int32"}
every_record = pytest.mark.parametrize("record", RECORDS.values(), ids=RECORDS)


def filled(record, dtype="float32"):
    """Arguments in which every integer has a size of its own, so that no two shapes are alike by chance."""
    arguments = Arguments(record, dtype, members=4, units=1)
    kinds = {name: field.kind for name, field in record.arguments.items()}
    integers = [name for name, kind in kinds.items() if kind == "integer"]
    arguments.set({name: 2 + k for k, name in enumerate(integers)})
    arguments.set({name: True for name, kind in kinds.items() if kind == "flag"})
    arguments.set({name: 0.5 for name, kind in kinds.items() if kind == "number"})
    for name, kind in kinds.items():
        if kind == "array":
            arguments.set({name: np.zeros(*arguments.declared(name))})
    return arguments


# The description.


def test_two_fields_of_one_name_are_refused():
    with pytest.raises(ValueError, match="same name"):
        Record("n", first={"n": integer, "x": array("number", "n")}, second={"x": number})


@pytest.mark.parametrize("axis", ["m", "m + 1", "x"])
def test_an_axis_must_be_an_integer_of_the_record(axis):
    with pytest.raises(ValueError, match=r"no integers of the record: [mx]$"):
        Record("n", only={"n": integer, "x": number, "y": array("number", "n", axis)})


@pytest.mark.parametrize("axis", ["n - 1", "n * m", "", "1 + n"])
def test_an_axis_that_is_no_dimension(axis):
    with pytest.raises(ValueError, match="no dimension"):
        array("number", axis)


def test_shapes():
    field = array("number", "n", "m + 1", "3")
    assert shape_of(field, {"n": 5, "m": 6}) == (5, 7, 3)


# The engine's side.


@every_record
def test_what_the_record_declares_is_taken(record):
    arguments = filled(record)
    table = arguments.table()
    assert ctypes.sizeof(table) == 8 * len(record.arguments)
    for name, value in arguments.arrays.items():
        assert getattr(table, name) == value.ctypes.data


@every_record
def test_every_argument_must_be_set(record):
    for name in record.arguments:
        arguments = filled(record)
        arguments._missing.add(name)
        with pytest.raises(ValueError, match=rf"missing: {name}$"):
            arguments.table()
    with pytest.raises(ValueError, match="missing"):
        Arguments(record, "float32", 1, 1).table()


@every_record
def test_arrays_that_are_swapped_are_refused(record):
    """Wherever the description tells them apart."""
    arguments = filled(record)
    arguments.table()
    given_arrays = dict(arguments.arrays)
    swapped = 0
    for one, other in itertools.combinations(given_arrays, 2):
        if arguments.declared(one) == arguments.declared(other):
            continue
        arguments.set({one: given_arrays[other], other: given_arrays[one]})
        with pytest.raises(ValueError, match=f"^({one}|{other}): .* where the kernel takes"):
            arguments.table()
        arguments.set({one: given_arrays[one], other: given_arrays[other]})
        arguments.table()
        swapped += 1
    assert swapped


@every_record
def test_sizes_that_are_swapped_are_refused(record):
    """Any two integers of which at least one is an axis of an array."""
    arguments = filled(record)
    arguments.table()
    axes = {axis.name for field in record.arguments.values() for axis in field.shape} - {
        "members",
        "units",
        "",
    }
    integers = [name for name, field in record.arguments.items() if field.kind == "integer"]
    for one, other in itertools.combinations(integers, 2):
        if not {one, other} & axes:
            continue
        sizes = dict(arguments._sizes)
        arguments.set({one: sizes[other], other: sizes[one]})
        with pytest.raises(ValueError, match="where the kernel takes"):
            arguments.table()
        arguments.set({one: sizes[one], other: sizes[other]})
        arguments.table()


WRONG = {
    "dtype": lambda a: a.astype(np.float16),
    "another axis": lambda a: a[..., None],
    "one more": lambda a: np.zeros((a.shape[0] + 1, *a.shape[1:]), a.dtype),
    "order in memory": lambda a: np.asfortranarray(np.zeros((*a.shape[:-1], a.shape[-1] + 1), a.dtype))[
        ..., 1:
    ],
    "not aligned": lambda a: np.zeros(a.nbytes + 1, np.uint8)[1:].view(a.dtype).reshape(a.shape),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_an_array_that_is_not_as_declared(wrong):
    record = RECORDS["train"]
    for name in ("inputs", "state", "row_index", "matrix"):
        arguments = filled(record)
        arguments.set({name: wrong(arguments.arrays[name])})
        with pytest.raises(ValueError, match=f"^{name}: "):
            arguments.table()


def test_what_a_kernel_writes_to_must_be_writeable():
    arguments = filled(RECORDS["train"])
    for name in ("state", "inputs"):
        value = arguments.arrays[name].copy()
        value.flags.writeable = False
        arguments.set({name: value})
    with pytest.raises(ValueError, match=r"^state: cannot be written to"):
        arguments.table()


def test_an_argument_that_there_is_not():
    with pytest.raises(ValueError, match=r"^speed: the kernel has no such argument"):
        filled(RECORDS["train"]).set({"speed": 3})


def test_a_number_where_an_integer_is_declared():
    with pytest.raises(TypeError):
        filled(RECORDS["train"]).set({"batch": 1.5})


@every_record
def test_regions_of_scratch_memory_do_not_overlap(record):
    arguments = filled(record)
    regions = Scratch(arguments)
    starts = regions.table.astype(np.int64)
    ends = starts + [arguments.num_bytes(name) for name in record.scratch]
    assert np.all(starts % 64 == 0)
    assert np.all(ends[:-1] <= starts[1:])
    memory = regions._memory
    assert starts[0] >= memory.ctypes.data
    assert ends[-1] <= memory.ctypes.data + memory.nbytes


# The kernel's side: it finds under each name what was set under it.

MEMBERS, UNITS = 2, 4
PROBE = Record(
    "blocks",
    sizes={"blocks": integer, "rows": integer, "extra": integer, "flagged": flag, "rate": number},
    arrays={
        "codes": array("int64", "blocks", "members"),
        "state": array("number", "blocks", "extra + 1", "rows", "units", "members"),
        "wide": array("float64", "blocks", "rows", "members"),
        "small": array("int32", "rows", "3"),
        "plain": array("number", "rows", "extra"),
        "found": array("float64", "blocks", "10", "members", written=True),
        "work": scratch("number", "rows", "members"),
        "more": scratch("int64", "rows"),
    },
)


@pytest.fixture(scope="module", params=["float32", "float64"])
def probe(request):
    """A kernel that writes down what it finds: from each array, the last numbers of its slice."""
    pytest.importorskip("numba")
    from numba import cfunc, types

    from lrcli.engines.compiled.kernels.lanes import viewed, widened
    from lrcli.engines.compiled.kernels.records import POINTER, loader

    load = loader(PROBE, getattr(types, request.param), MEMBERS, UNITS)

    def kernel(arguments, scratch, first, last):
        for block in range(first, last):
            record = load(arguments, scratch, block)
            sizes, arrays = record.sizes, record.arrays
            found, rows, extra = arrays.found, sizes.rows, sizes.extra
            arrays.more[rows - 1] = block
            arrays.work[rows - 1] = sizes.rate
            found[0] = sizes.blocks
            found[1] = rows
            found[2] = extra
            found[3] = 7 if sizes.flagged else 3
            found[4] = arrays.codes[MEMBERS - 1]
            found[5] = widened(viewed(arrays.state, arrays.work)[(extra + 1) * rows * UNITS - 1])
            found[6] = arrays.wide[rows - 1]
            found[7] = arrays.small[3 * rows - 1] + arrays.plain[rows * extra - 1]
            found[8] = arrays.more[rows - 1]
            found[9] = widened(arrays.work[rows - 1])

    return request.param, cfunc(types.void(POINTER, POINTER, types.int64, types.int64))(kernel)


@settings(max_examples=30, deadline=None)
@given(
    blocks=st.integers(1, 5),
    rows=st.integers(1, 6),
    extra=st.integers(1, 4),
    flagged=st.booleans(),
    data=st.data(),
)
def test_a_kernel_finds_what_was_set(probe, blocks, rows, extra, flagged, data):
    dtype, kernel = probe
    arguments = Arguments(PROBE, dtype, MEMBERS, UNITS)
    rate = data.draw(st.floats(-10, 10, allow_subnormal=False))  # training flushes these
    arguments.set({"blocks": blocks, "rows": rows, "extra": extra, "flagged": flagged, "rate": rate})
    rng = np.random.default_rng(rows)
    for name, field in PROBE.arguments.items():
        if field.kind == "array":
            shape, kind = arguments.declared(name)
            arguments.set({name: rng.integers(0, 1000, shape).astype(kind)})
    scratch_memory, arrays = Scratch(arguments), arguments.arrays
    first, last = sorted(data.draw(st.tuples(st.integers(0, blocks), st.integers(0, blocks))))
    before = arrays["found"].copy()
    kernel.ctypes(
        *(
            ctypes.cast(address, kernel.ctypes.argtypes[0])
            for address in (ctypes.addressof(arguments.table()), scratch_memory.table.ctypes.data)
        ),
        first,
        last,
    )
    for block in range(blocks):
        expected = [
            [blocks] * 2,
            [rows] * 2,
            [extra] * 2,
            [7 if flagged else 3] * 2,
            [arrays["codes"][block, -1]] * 2,
            arrays["state"][block, -1, -1, -1],
            arrays["wide"][block, -1],
            [arrays["small"][-1, -1] + arrays["plain"][-1, -1]] * 2,
            [block] * 2,
            [np.dtype(dtype).type(rate)] * 2,
        ]
        found = expected if first <= block < last else before[block]
        np.testing.assert_array_equal(arrays["found"][block], found)
