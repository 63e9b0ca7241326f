"""The arrays that optimizers carry from step to step: named once, by the component, for every engine."""

import itertools

import numpy as np
import pytest
import torch
from builders import LINEAR, XOR, built_in, component, flat, population, problem, trained

from lrcli.components.optimizers import SGD, Adam
from lrcli.config.blocks import Training
from lrcli.engines.compiled.layout import Layout
from lrcli.engines.compiled.registry import OPTIMIZERS, optimizer_spec
from lrcli.engines.torch.coefficients import CoefficientTable
from lrcli.engines.torch.optimizers import torch_optimizer
from lrcli.training.population import Population


def variants():
    """Every kind with its switches on and off, its numbers used by some member or by none."""
    for kind, config in built_in("optimizer").items():
        switches = [name for name, field in config.model_fields.items() if field.annotation is bool]
        for values in itertools.product([False, True], repeat=len(switches)):
            for used in (False, True):
                yield component("optimizer", kind=kind, **dict(zip(switches, values, strict=True))), used


@pytest.mark.parametrize(("optimizer", "used"), list(variants()))
def test_the_engines_carry_the_arrays_that_the_component_names(optimizer, used):
    uses = dict.fromkeys(optimizer.hyperparameters(), used)
    state = optimizer.state(uses)
    rows = torch.ones(1, 3)
    members = Population(np.zeros(1, np.intp), optimizer, Training(), vectors(optimizer))
    coefficients = CoefficientTable(members, 5, torch.device("cpu"), torch.float32).at(0)
    before = {name: torch.full_like(rows, start) for name, start in state.items()}
    _, after = torch_optimizer(optimizer, uses)(rows, before, rows, coefficients)
    assert list(after) == list(state)
    assert len(state) <= optimizer.most_states
    if optimizer.kind in OPTIMIZERS:
        assert optimizer_spec(optimizer, uses).state == state


def vectors(optimizer):
    return {name: np.array([value]) for name, value in optimizer.hyperparameters().items()}


class Pushed(SGD):
    """SGD whose velocity starts at a number of its own."""

    def state(self, uses):
        return dict.fromkeys(super().state(uses), 0.25)


class Warmed(Adam):
    """Adam whose arrays each start at another number."""

    def state(self, uses):
        return {name: 0.1 + i for i, name in enumerate(super().state(uses))}


@pytest.mark.parametrize("engine", ["torch", "compiled"])
@pytest.mark.parametrize("batch_size", ["full", 30])
def test_a_state_starts_where_its_component_says(engine, batch_size):
    """Against the textbook loop in NumPy: v = momentum v + g, the first v being no zero."""
    if engine == "compiled":
        pytest.importorskip("numba")
    line = problem(LINEAR | {"num_val": 0}, {"kind": "linear"}, {"kind": "half_mse"})
    training = {"batch_size": batch_size, "shuffle": False, "epochs": 2, "drop_last": True}
    members = population({"kind": "sgd", "lr": 0.1, "momentum": 0.9}, training, [0] * 3)
    pushed = Pushed(**members.optimizer.model_dump())
    split = line.splits["train"]
    x = np.hstack([split.features[0], np.ones((split.size, 1))])
    theta = line.starts(np.array([0]))[0]
    velocity = np.full(3, 0.25)
    size = split.size if batch_size == "full" else batch_size
    for first in 2 * list(range(0, split.size // size * size, size)):
        part = slice(first, first + size)
        gradient = x[part].T @ (x[part] @ theta - split.targets[0, part, 0]) / size
        velocity = 0.9 * velocity + gradient
        theta = theta - 0.1 * velocity
    ours = flat(trained(line, with_optimizer(members, pushed), engine=engine))
    np.testing.assert_allclose(ours, np.tile(theta, (3, 1)), rtol=1e-10)


def with_optimizer(members, optimizer):
    return type(members)(members.draw_index, optimizer, members.training, members.hyperparameters)


@pytest.mark.parametrize("hidden", [[3], [40]], ids=["a lane for each member", "a lane for each unit"])
@pytest.mark.parametrize("size", [1, 5])
def test_engines_agree_where_no_array_starts_at_zero(hidden, size):
    pytest.importorskip("numba")
    xor = problem(XOR, {"kind": "mlp", "hidden": hidden}, {"kind": "bce"})
    members = population(
        {"kind": "adam", "lr": 0.05, "amsgrad": True}, {"batch_size": 9, "epochs": 3}, [0] * size
    )
    warmed = with_optimizer(members, Warmed(**members.optimizer.model_dump()))
    by_torch, by_machine_code = (flat(trained(xor, warmed, engine=name)) for name in ("torch", "compiled"))
    np.testing.assert_allclose(by_machine_code, by_torch, rtol=1e-10)
    assert not np.allclose(by_torch, flat(trained(xor, members)), rtol=1e-3)


def test_what_fills_up_rows_of_lanes_stays_zero():
    parameters = problem(XOR, {"kind": "mlp", "hidden": [5]}, {"kind": "bce"}).parameters
    layout = Layout(parameters, np.zeros(1, np.intp), members=1, units=4)
    size = sum(parameter.size for parameter in parameters)
    state = np.zeros((layout.blocks, 3, layout.count, layout.units, layout.members))
    layout.write_parameters(state, np.stack([np.full((1, size), start) for start in (1.0, 0.5, -2.0)]))
    assert layout.count * layout.units > size
    assert [sorted(set(array.ravel().tolist())) for array in state[0]] == [
        [0.0, 1.0],
        [0.0, 0.5],
        [-2.0, 0.0],
    ]
    assert np.count_nonzero(state, axis=(0, 2, 3, 4)).tolist() == [size] * 3


@pytest.mark.parametrize(
    ("keys", "moves"),
    [
        ({"kind": "sgd"}, False),
        ({"kind": "sgd", "momentum": 0.9, "nesterov": True, "weight_decay": 0.1}, False),
        ({"kind": "sgd", "momentum": 0.9, "dampening": 0.5}, True),  # the first velocity takes all of g
        ({"kind": "rmsprop", "momentum": 0.5}, False),
        ({"kind": "adam"}, True),
        ({"kind": "adamw"}, True),
        *(
            ({"kind": "sgd", "schedule": {"kind": kind} | keys}, True)
            for kind, keys in {
                "step": {"every": 5},
                "exponential": {"gamma": 0.5},
                "cosine": {},
                "linear_warmup": {"steps": 9},
            }.items()
        ),
    ],
    ids=str,
)
def test_coefficients_move_by_schedules_and_corrections(keys, moves):
    assert component("optimizer", **keys).moves == moves
