"""Where members and parameters lie in the memory of the compiled engine, and that it keeps to that memory."""

import numpy as np
import pytest
from builders import LINEAR, SINE, XOR, advance, compiled, evaluate, flat, population, problem

pytest.importorskip("numba")

from lrcli.engines.compiled import engine as compiled_engine
from lrcli.engines.compiled.layout import Layout, aligned, layer_sizes

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
    state = np.zeros((layout.blocks, 3, layout.count * layout.units, layout.members))
    layout.place(state[:, :1], parameters[None])
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
    last = parameters[
        layout.gather(np.arange(layout.blocks * layout.members).reshape(layout.blocks, -1)).argmax()
    ]
    held = np.sort(state[:, 0][state[:, 0] != 0])
    np.testing.assert_array_equal(held, np.sort(np.concatenate([parameters.ravel(), *[last] * spare])))
    assert not state[:, 1:].any()


@every_lanes
def test_the_order_of_memory_is_that_of_the_parameters(lanes):
    """Which the quadratic form relies on: it has the numbers of a model of one layer in this order."""
    layout, parameters, state = placed(*MODELS["cubic"][:2], [0], lanes)
    memory = state[0, 0, :: layout.units, 0]
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


FRAMED = {
    "quadratic": (SINE, {"kind": "polynomial", "degree": 8}, "mse", {"batch_size": "full"}),
    "many features": (LINEAR | {"w": [0.1] * 50}, {"kind": "linear"}, "huber", {"batch_size": 7}),
    "mlp": (XOR, {"kind": "mlp", "hidden": [5, 17]}, "cross_entropy", {"batch_size": 9, "clip_grad_norm": 1}),
    "noisy": (XOR, {"kind": "mlp", "hidden": [3], "input_noise": 0.1}, "bce", {"batch_size": "full"}),
}


@pytest.mark.parametrize("rate", [1e-3, 1e35])
@pytest.mark.parametrize("lanes", [(1, 4), (1, 32), (32, 1)], ids=str)
@pytest.mark.parametrize(("dataset", "model", "loss", "training"), FRAMED.values(), ids=FRAMED)
def test_nothing_is_written_beyond_the_memory_that_was_asked_for(
    dataset, model, loss, training, lanes, rate, monkeypatch
):
    """With a frame around everything that the machine code writes to, calm members and wild ones."""
    frames = []

    def framed(shape, dtype, original=aligned):
        size = int(np.prod(shape))
        margin = 64 * 16  # as many numbers on either side
        memory = original((size + 2 * margin,), dtype)
        memory[:margin] = memory[margin + size :] = 77
        frames.append((memory, margin, size))
        return memory[margin : margin + size].reshape(shape)

    monkeypatch.setattr(compiled_engine, "aligned", framed)
    monkeypatch.setattr(compiled_engine, "_lanes", lambda *_: lanes)
    pb = problem(dataset, model, {"kind": loss}, seeds=(0, 1))
    members = population(
        {"kind": "adam", "amsgrad": True, "lr": rate}, {"epochs": 5, **training}, [0, 0, 1] * 12
    )
    engine = compiled(pb, members, "float32")
    advance(engine, 1, 5)
    evaluate(engine, "train")
    assert np.isfinite(flat(engine)).all()
    assert len(frames) >= 3
    for memory, margin, size in frames:
        assert np.all(memory[:margin] == 77)
        assert np.all(memory[margin + size :] == 77)
