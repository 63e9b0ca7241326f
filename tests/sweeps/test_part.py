"""A part of a sweep trains to a value, which can be handed on, kept in a file, and taken in in any order."""

import dataclasses
import json
import multiprocessing
import pickle

import numpy as np
import pytest

from lrcli.experiment.loading import load
from lrcli.running.location import Interruption
from lrcli.running.preparation import make_ready
from lrcli.storage.sealed import write_sealed
from lrcli.sweeps.collection import Collection
from lrcli.sweeps.outcome import load_outcome, save_outcome
from lrcli.sweeps.part import prepare_part, train_part
from lrcli.sweeps.plan import plan_sweep

LINE = {
    "dataset": {
        "kind": "linear",
        "w": [2.0],
        "b": 4.2,
        "noise": 0.1,
        "num_train": 3,
        "num_val": 20,
        "num_test": 5,
    },
    "model": {"kind": "polynomial", "degree": 3},
    "loss": {"kind": "half_mse"},
    "optimizer": {"kind": "sgd"},
    "training": {"epochs": 9, "batch_size": 2},
    "logging": {"every": 2},
    "sweep": {
        "grid": {"optimizer.lr": {"values": [1e-4, 1e-2, 1e30]}, "training.epochs": {"values": [9, 4]}},
        "seeds": 3,
    },
}


@pytest.fixture
def plan(tmp_path):
    """Six parts, of two populations."""
    (tmp_path / "line.yaml").write_text(json.dumps(LINE))
    made = plan_sweep(load(tmp_path / "line.yaml"), memory=6_000)
    assert len(made.parts) >= 4
    return made


def outcome_of(part, select, interruption=None):
    """What a part comes to, and how far it said it was."""
    prepared = prepare_part(part)
    for _ in make_ready(prepared):
        pass
    training, reached = train_part(part, prepared, select, interruption or Interruption()), []
    while True:
        try:
            reached.append(next(training))
        except StopIteration as ended:
            return ended.value, reached


def leaves(value):
    """Every array of an outcome, by the way to it."""
    if dataclasses.is_dataclass(value):
        value = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if not isinstance(value, dict):
        return {"": np.asarray(value)}
    return {f"{key}/{way}": leaf for key, inner in value.items() for way, leaf in leaves(inner).items()}


def assert_same(one, other):
    """Bit for bit, but for the seconds that it took."""
    one, other = (leaves(dataclasses.replace(outcome, seconds=0.0)) for outcome in (one, other))
    assert list(one) == list(other)
    for way, values in one.items():
        assert values.tobytes() == other[way].tobytes(), way
        assert values.shape == other[way].shape


def task(data):
    """What another process does with a part."""
    part, select = pickle.loads(data)  # noqa: S301 - written a moment ago
    return pickle.dumps(outcome_of(part, select)[0])


def test_a_part_trains_in_another_process_to_the_same_bits(plan):
    part = plan.parts[1]
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        elsewhere = pickle.loads(pool.apply(task, [pickle.dumps((part, plan.select))]))  # noqa: S301
    assert_same(outcome_of(part, plan.select)[0], elsewhere)


def test_outcomes_hold_plain_arrays(plan):
    outcome, reached = outcome_of(plan.parts[0], plan.select)
    for way, values in leaves(outcome).items():
        assert values.dtype.kind in "fiU", way
        assert values.ndim <= 2
    assert outcome.is_complete
    assert outcome.history.epoch.tolist() == plan.parts[0].record_epochs.tolist() == [0, 2, 4, 6, 8, 9]
    assert outcome.undetermined  # three examples leave four parameters open
    assert set(outcome.levels) == {"least", "constant"}
    assert reached[-1].step == plan.parts[0].steps
    assert reached[-1].diverged == np.count_nonzero(outcome.status == "diverged")
    finite = outcome.history.metrics["val/loss"]
    assert reached[-1].best == finite[np.isfinite(finite)].min()


def test_collected_in_any_order(plan):
    parts = [(part, outcome_of(part, plan.select)[0]) for part in plan.parts]
    forwards, backwards = Collection(plan), Collection(plan)
    for part, outcome in parts:
        forwards.take(part, outcome)
    for part, outcome in reversed(parts):
        backwards.take(part, outcome)
    one, other = forwards.results(), backwards.results()
    assert set(one.status.ravel()) == {"completed", "diverged"}
    for name in ("status", "diverged_step", "epochs", "best", "least", "constant"):
        assert getattr(one, name).tobytes() == getattr(other, name).tobytes()
    for name in ("final", "errors", "curves", "undetermined"):
        here, there = getattr(one, name), getattr(other, name)
        assert {key: values.tobytes() for key, values in here.items()} == {
            key: values.tobytes() for key, values in there.items()
        }


def test_kept_in_a_file(plan, tmp_path):
    part, other = plan.parts[:2]
    outcome, _ = outcome_of(part, plan.select)
    path = tmp_path / "part.npz"
    assert load_outcome(path, part, plan.fingerprint) is None
    save_outcome(path, part, outcome, plan.fingerprint)
    assert_same(load_outcome(path, part, plan.fingerprint), outcome)
    assert load_outcome(path, other, plan.fingerprint) is None
    assert load_outcome(path, part, "another sweep") is None
    write_sealed(other_path := tmp_path / "other.npz", {"w": np.zeros(2)})
    assert load_outcome(other_path, part, plan.fingerprint) is None
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.warns(UserWarning, match="has been damaged"):
        assert load_outcome(path, part, plan.fingerprint) is None


def test_an_interruption_leaves_an_outcome_that_is_not_complete(plan):
    interruption = Interruption(requested=True)
    outcome, _ = outcome_of(plan.parts[0], plan.select, interruption)
    assert not outcome.is_complete
    assert len(outcome.history.epoch) < plan.parts[0].records
