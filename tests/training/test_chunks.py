"""Chunks of records: what they decide is what record by record would decide, to the last bit."""

import numpy as np
import pytest
from builders import LINEAR, XOR, compiled, population, problem, records_of

from lrcli.config.blocks import Best, Training
from lrcli.engines.torch.engine import TorchEngine
from lrcli.training.loop import Plan, TrainingLoop
from lrcli.training.records import Records

CASES = {  # dataset, model, loss, optimizer, training, rates, epochs between records
    "calm": (LINEAR, {"kind": "linear"}, "half_mse", {"kind": "sgd"}, {}, [0.1, 0.01, 0.001], 1),
    "every third": (LINEAR, {"kind": "linear"}, "l1", {"kind": "adam"}, {}, [0.1, 0.01], 3),
    "early stopping": (
        XOR,
        {"kind": "mlp", "hidden": [4]},
        "bce",
        {"kind": "adam"},
        {"early_stopping": {"metric": "val/loss", "patience": 2}},
        [0.5, 0.1, 0.01, 0.001],
        2,
    ),
    "least improvement": (
        LINEAR,
        {"kind": "linear"},
        "half_mse",
        {"kind": "sgd", "schedule": {"kind": "cosine"}},
        {"early_stopping": {"metric": "train/loss", "patience": 3, "min_delta": 1e-2}},
        [0.5, 0.1, 0.02],
        1,
    ),
    "divergence": (LINEAR, {"kind": "linear"}, "mse", {"kind": "sgd"}, {}, [0.01, 3.0, 50.0, 1e9], 1),
    "all diverge": (LINEAR, {"kind": "linear"}, "mse", {"kind": "sgd"}, {}, [3.0, 50.0], 4),
    "explosion and early stopping": (
        LINEAR | {"feature_std": 100.0},
        {"kind": "linear"},
        "half_mse",
        {"kind": "sgd"},
        {"batch_size": "full", "early_stopping": {"metric": "train/loss", "patience": 10}},
        [3e-4, 1e-4],
        1,
    ),
}


def trained(case, engine, evaluate):
    """The records of a training, what became of its members, and in how many chunks."""
    dataset, model, loss, optimizer, training, rates, every = case
    pb = problem(dataset, model, {"kind": loss}, seeds=(0, 1))
    plan = {"epochs": 40, "batch_size": 9, **training}
    members = population(optimizer, plan, [k % 2 for k in range(len(rates))], lr=rates)
    ready = (
        compiled(pb, members, "float32")
        if engine == "compiled"
        else TorchEngine(pb, members, "cpu", "float32")
    )

    def norm(parameters):
        rows = [v.reshape(*v.shape[:2], -1) for v in parameters.values()]
        numbers = np.moveaxis(np.concatenate(rows, axis=2), 2, 0)
        return {"norm": sum(number * number for number in numbers)}

    best = Best(metric="norm", mode="min")
    loop = TrainingLoop(
        ready, pb, members, Plan(every, evaluate, best, Training(**plan).early_stopping, norm)
    )
    records, chunks = [], 0
    for event in loop:
        records += records_of([event], before_training=True)
        chunks += isinstance(event, Records)
    return records, loop, chunks


def facts(records, loop):
    """Everything that a training tells, as bytes."""
    members = loop.members
    told = [members.epochs, members.steps, members.diverged_step, members.best.best, members.best.epoch]
    told += [*members.best_parameters.values(), *loop.parameters.values(), *loop.last_metrics.values()]
    for record in records:
        told += [np.array([record.epoch, record.step]), *record.metrics.values(), *record.parameters.values()]
    return members.status.tolist(), [array.tobytes() for array in told]


@pytest.mark.parametrize("evaluate", [True, False], ids=["train/loss", "no train/loss"])
@pytest.mark.parametrize("engine", ["compiled", "torch"])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_chunks_change_nothing(case, engine, evaluate, monkeypatch):
    stopping = case[4].get("early_stopping")
    if not evaluate and stopping is not None and stopping["metric"] == "train/loss":
        pytest.skip("there is no such metric")
    if engine == "compiled":
        pytest.importorskip("numba")
    monkeypatch.setattr("lrcli.training.loop._CHUNK_NUMBERS", 1)
    one_by_one, loop, many = trained(case, engine, evaluate)
    expected = facts(one_by_one, loop)
    monkeypatch.setattr("lrcli.training.loop._CHUNK_NUMBERS", 2**20)
    for seconds in (1e-3, 1e9):
        monkeypatch.setattr("lrcli.training.loop._CHUNK_SECONDS", seconds)
        records, loop, few = trained(case, engine, evaluate)
        assert facts(records, loop) == expected
    assert few <= many
