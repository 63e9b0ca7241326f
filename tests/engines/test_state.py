"""The state of an engine: another one that takes it over goes on with the same bits."""

import numpy as np
import pytest
from builders import LINEAR, XOR, advance, compiled, flat, population, problem

from lrcli.engines.torch.engine import TorchEngine

CASES = {
    "sgd": (LINEAR, {"kind": "linear"}, "half_mse", {"kind": "sgd", "momentum": 0.9}),
    "rmsprop": (LINEAR, {"kind": "linear"}, "huber", {"kind": "rmsprop", "centered": True, "momentum": 0.5}),
    "adam": (XOR, {"kind": "mlp", "hidden": [5, 3]}, "bce", {"kind": "adam", "amsgrad": True}),
    "adamw": (XOR, {"kind": "mlp", "hidden": [4]}, "cross_entropy", {"kind": "adamw"}),
}
STATE = {
    "sgd": ["velocity"],
    "rmsprop": ["square", "mean", "step"],
    "adam": ["mean", "square", "largest_square"],
    "adamw": ["mean", "square"],
}


def engine_of(name, engine, size):
    dataset, model, loss, optimizer = CASES[name]
    pb = problem(dataset, model, {"kind": loss}, seeds=(0, 1))
    rates = np.geomspace(1e-3, 1e30 if size > 1 else 0.1, size)  # the last one breaks
    members = population(optimizer, {"epochs": 6, "batch_size": 7}, [k % 2 for k in range(size)], lr=rates)
    return (
        compiled(pb, members, "float32")
        if engine == "compiled"
        else TorchEngine(pb, members, "cpu", "float32")
    )


@pytest.mark.parametrize("size", [1, 2, 40])
@pytest.mark.parametrize("engine", ["compiled", "torch"])
@pytest.mark.parametrize("name", CASES)
def test_another_engine_goes_on_with_the_same_bits(name, engine, size):
    if engine == "compiled":
        pytest.importorskip("numba")
    whole, begun, resumed = (engine_of(name, engine, size) for _ in range(3))
    frozen = np.arange(size) == 1
    for each in (whole, begun):
        advance(each, 1, 2)
        each.freeze(frozen, np.zeros(size, dtype=np.intp))
    state = begun.state()
    assert list(state) == ["parameters", *(f"state/{key}" for key in STATE[name]), "active", "diverged"]
    assert all(len(array) == size for array in state.values())
    resumed.restore(state)
    assert flat(resumed).tobytes() == flat(begun).tobytes()
    for each in (whole, resumed):
        advance(each, 3, 4)
    assert flat(resumed).tobytes() == flat(whole).tobytes()
    assert resumed.diverged_steps().tolist() == whole.diverged_steps().tolist()
    for key, array in whole.state().items():
        assert resumed.state()[key].tobytes() == array.tobytes(), key


@pytest.mark.parametrize("name", CASES)
def test_engines_have_the_same_state(name):
    """Its names, its shapes and, nearly, its numbers."""
    pytest.importorskip("numba")
    states = []
    for engine in ("compiled", "torch"):
        each = engine_of(name, engine, 1)
        advance(each, 1, 2)
        states.append(each.state())
    assert list(states[0]) == list(states[1])
    for key, array in states[0].items():
        np.testing.assert_allclose(array, states[1][key], rtol=2e-3, atol=1e-6, err_msg=key)
