"""Where members and parameters lie in the memory of the compiled engine."""

import numpy as np
import pytest
from builders import LINEAR, SINE, problem

pytest.importorskip("numba")

from lrcli.engines.compiled.layout import Layout, layer_sizes
from lrcli.engines.compiled.memory import aligned

MODELS = {
    "constant": (SINE, {"kind": "polynomial", "degree": 0}, [0, 1]),
    "cubic": (SINE, {"kind": "polynomial", "degree": 3}, [3, 1]),
    "line": (LINEAR, {"kind": "linear"}, [2, 1]),
    "mlp without layers": (LINEAR, {"kind": "mlp", "hidden": []}, [2, 1]),
    "mlp": (LINEAR, {"kind": "mlp", "hidden": [5, 1, 33]}, [2, 5, 1, 33, 1]),
}
every_model = pytest.mark.parametrize(("dataset", "model", "sizes"), MODELS.values(), ids=MODELS)
LANES = [(1, 1), (1, 4), (1, 32), (4, 1), (32, 1)]
every_lanes = pytest.mark.parametrize("lanes", LANES, ids=str)
ROWS = [[0], [0] * 4, [0, 1, 0, 2, 1, 0, 0], [2] * 5 + [0] * 40 + [1] * 33]


def placed(dataset, model, rows, lanes):
    pb = problem(dataset, model, {"kind": "mse"})
    layout = Layout(pb.parameters, np.array(rows, np.intp), *lanes)
    count = sum(parameter.size for parameter in pb.parameters)
    parameters = 1.0 + np.arange(len(rows) * count).reshape(len(rows), count)
    state = np.zeros((layout.blocks, 3, layout.count, layout.units, layout.members))
    layout.write_parameters(state[:, :1], parameters[None])
    return layout, parameters, state


@every_model
def test_sizes_of_layers(dataset, model, sizes):
    pb = problem(dataset, model, {"kind": "mse"})
    assert layer_sizes(pb.parameters) == sizes


@pytest.mark.parametrize("rows", ROWS, ids=len)
@every_lanes
@every_model
def test_parameters_are_found_where_they_were_put(dataset, model, sizes, lanes, rows):
    layout, parameters, state = placed(dataset, model, rows, lanes)
    np.testing.assert_array_equal(layout.parameters(state[:, :1]), parameters[None])


@pytest.mark.parametrize("rows", ROWS, ids=len)
@every_lanes
@every_model
def test_every_parameter_has_one_place_and_what_is_filled_up_is_zero(dataset, model, sizes, lanes, rows):
    layout, parameters, state = placed(dataset, model, rows, lanes)
    spare = layout.blocks * layout.members - len(rows)
    lanes = np.arange(layout.blocks * layout.members).reshape(layout.blocks, -1)
    last = parameters[layout.gather(lanes).argmax()]
    held = np.sort(state[:, 0][state[:, 0] != 0])
    np.testing.assert_array_equal(held, np.sort(np.concatenate([parameters.ravel(), *[last] * spare])))
    assert not state[:, 1:].any()


@every_lanes
def test_the_order_of_memory_is_that_of_the_parameters(lanes):
    """Which the quadratic form relies on: it has the numbers of a model of one layer in this order."""
    layout, parameters, state = placed(*MODELS["cubic"][:2], [0], lanes)
    memory = state[0, 0, :, 0, 0]
    np.testing.assert_array_equal(memory, parameters[0, layout.order])


@pytest.mark.parametrize("rows", ROWS, ids=len)
@every_lanes
def test_spread_and_gathered_again(lanes, rows):
    layout, *_ = placed(*MODELS["line"][:2], rows, lanes)
    values = np.arange(2.0 * len(rows)).reshape(2, len(rows))
    spread = layout.spread(values, np.float32)
    assert spread.shape == (layout.blocks, 2, layout.members)
    for row in range(2):
        np.testing.assert_array_equal(layout.gather(spread[:, row]), values[row])
    np.testing.assert_array_equal(layout.gather(layout.spread(values[0], np.float64)), values[0])


@pytest.mark.parametrize("rows", ROWS, ids=len)
@every_lanes
def test_members_that_share_their_data_lie_side_by_side(lanes, rows):
    """Then an example is brought to all of them at once; all but the last blocks can have it so."""
    layout, *_ = placed(*MODELS["line"][:2], rows, lanes)
    blocks = layout.spread(np.array(rows), np.int64)
    alike = np.all(blocks == blocks[:, :1], axis=1)
    whole = sum(np.bincount(rows) // layout.members)
    assert alike[:whole].all()
    assert np.all(np.diff(blocks[whole:].ravel()) >= 0)


@pytest.mark.parametrize("rows", ROWS, ids=len)
@every_lanes
def test_a_lane_without_a_member_never_trains(lanes, rows):
    layout, *_ = placed(*MODELS["line"][:2], rows, lanes)
    active = layout.active(np.float32)
    assert active.sum() == len(rows)
    assert np.all(layout.gather(active) == 1)


@pytest.mark.parametrize("shape", [(1,), (3, 5), (7, 1, 31), (0,)], ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
def test_memory_begins_with_a_line_of_the_cache(shape, dtype):
    for _ in range(5):
        memory = aligned(shape, dtype)
        assert memory.ctypes.data % 64 == 0 or memory.size == 0
        assert (memory.shape, memory.dtype.name, memory.any()) == (shape, dtype, False)
