"""A training that goes on from a state ends as the one that was never stopped, to the last bit."""

import numpy as np
import pytest
from builders import LINEAR, XOR, compiled, population, problem, records_of

from lrcli.config.blocks import Best, Training
from lrcli.engines.torch.engine import TorchEngine
from lrcli.storage.sealed import read_sealed, write_sealed
from lrcli.training.loop import Plan, TrainingLoop
from lrcli.training.records import Records

LINE, MLP = {"kind": "linear"}, {"kind": "mlp", "hidden": [4]}
NOISY = MLP | {"input_noise": 0.3}
STOPPING = {"early_stopping": {"metric": "val/loss", "patience": 2, "min_delta": 1e-3}}
CASES = {  # dataset, model, loss, optimizer, training, rates, epochs between records
    "momentum": (LINEAR, LINE, "half_mse", {"kind": "sgd", "momentum": 0.9}, {}, [0.1, 0.01], 1),
    "nesterov": (
        LINEAR,
        LINE,
        "huber",
        {"kind": "sgd", "momentum": 0.9, "nesterov": True, "weight_decay": 1e-3},
        {"clip_grad_norm": 1.0},
        [0.1, 0.01],
        3,
    ),
    "dampening": (
        LINEAR,
        LINE,
        "l1",
        {"kind": "sgd", "momentum": 0.5, "dampening": 0.5, "schedule": {"kind": "step", "every": 7}},
        {},
        [0.1, 1e9],
        1,
    ),
    "centered": (
        XOR,
        MLP,
        "bce",
        {"kind": "rmsprop", "centered": True, "momentum": 0.5},
        STOPPING,
        [0.5, 0.1, 0.01],
        1,
    ),
    "amsgrad": (XOR, NOISY, "bce", {"kind": "adam", "amsgrad": True}, {"shuffle": False}, [0.1, 0.01], 2),
    "adamw": (
        XOR,
        MLP,
        "bce",
        {"kind": "adamw", "schedule": {"kind": "linear_warmup", "steps": 20}},
        {"batch_size": "full", **STOPPING},
        [0.5, 0.1],
        1,
    ),
    "all diverge": (LINEAR, LINE, "mse", {"kind": "sgd"}, {}, [3.0, 50.0], 4),
}
EPOCHS = 12


@pytest.fixture(autouse=True)
def short_chunks(monkeypatch):
    """The loop rests after each epoch."""
    monkeypatch.setattr("lrcli.training.loop._CHUNK_SECONDS", 1e-9)


def loop_of(case, engine, epochs=EPOCHS):
    dataset, model, loss, optimizer, training, rates, every = case
    pb = problem(dataset, model, {"kind": loss}, seeds=(0, 1))
    plan = {"epochs": epochs, "batch_size": 9, **training}
    members = population(optimizer, plan, [k % 2 for k in range(len(rates))], lr=rates)
    if engine == "compiled":
        pytest.importorskip("numba")
        ready = compiled(pb, members, "float32")
    else:
        ready = TorchEngine(pb, members, "cpu", "float32")
    every = Plan(every, True, Best(metric="val/loss"), Training(**plan).early_stopping)
    return TrainingLoop(ready, pb, members, every)


def followed(loop):
    """The records of a training, and the states with the count of records before each, at every rest."""
    records, states, last = [], [], None
    for event in loop:
        if isinstance(event, Records):
            records += records_of([event], before_training=True)
        if loop.rests:
            states.append((len(records), loop.state()))
            last = states[-1] if loop.ends_next else last
    return records, states, last


def facts(records, loop):
    """Everything that a training has told, as bytes."""
    members = loop.members
    told = [members.epochs, members.steps, members.diverged_step, members.best.best, members.best.epoch]
    told += [*members.best_parameters.values(), *loop.parameters.values(), *loop.last_metrics.values()]
    told += [*loop.test_best().values()]
    for record in records:
        told += [np.array([record.epoch, record.step]), *record.metrics.values(), *record.parameters.values()]
    return members.status.tolist(), [array.tobytes() for array in told]


@pytest.mark.parametrize("engine", ["compiled", "torch"])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_from_any_rest(case, engine, tmp_path):
    whole = loop_of(case, engine)
    records, states, _ = followed(whole)
    assert len(states) >= 3
    for count, state in (states[0], states[len(states) // 2], states[-1]):
        write_sealed(tmp_path / "state.npz", state)
        loop = loop_of(case, engine)
        loop.restore(read_sealed(tmp_path / "state.npz"))
        rest, _, _ = followed(loop)
        assert facts(rest, loop) == facts(records[count:], whole)


@pytest.mark.parametrize("engine", ["compiled", "torch"])
@pytest.mark.parametrize("case", [CASES["nesterov"], CASES["adamw"]], ids=["nesterov", "adamw"])
def test_for_more_epochs(case, engine):
    """What was recorded, and decided, at the end of the shorter training has not happened in the longer."""
    whole = loop_of(case, engine, epochs=EPOCHS + 5)
    records, _, _ = followed(whole)
    _, _, (count, state) = followed(loop_of(case, engine, epochs=EPOCHS - 1))
    loop = loop_of(case, engine, epochs=EPOCHS + 5)
    loop.restore(state)
    rest, _, _ = followed(loop)
    assert facts(rest, loop) == facts(records[count:], whole)


def test_a_state_is_not_touched_by_what_follows():
    loop = loop_of(CASES["centered"], "torch")
    events = iter(loop)
    next(events)
    state = loop.state()
    before = {name: array.tobytes() for name, array in state.items()}
    for _ in events:
        pass
    assert {name: array.tobytes() for name, array in state.items()} == before


def test_an_interruption_is_no_part_of_a_state():
    """The record that is taken because of it was not planned."""
    case = (*CASES["momentum"][:-1], 10)
    whole = loop_of(case, "torch")
    records, _, _ = followed(whole)
    loop = loop_of(case, "torch")
    states, seen = [], []
    for event in loop:
        seen += records_of([event], before_training=True) if isinstance(event, Records) else []
        if event.epoch == 7:
            loop.interrupt()
        if loop.rests:
            states.append(loop.state())
    assert [record.epoch for record in seen] == [0, 7]
    assert loop.members.status.tolist() == ["interrupted", "interrupted"]
    again = loop_of(case, "torch")
    again.restore(states[-1])
    assert again.epoch == 7
    rest, _, _ = followed(again)
    assert facts(rest, again) == facts(records[1:], whole)


def test_within_a_chunk_there_is_none():
    loop = loop_of(CASES["momentum"], "torch")
    with pytest.raises(ValueError, match="between two chunks"):
        loop.state()
