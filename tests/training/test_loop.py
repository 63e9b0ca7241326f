"""The loop: records, pieces, best states, early stopping, the account of each member."""

import math

import numpy as np
import pytest
from builders import (
    LINEAR,
    epoch_metrics,
    evaluate,
    flat,
    population,
    problem,
    records_of,
    trained,
)
from hypothesis import given
from hypothesis import strategies as st

from lrcli.config.blocks import Best, EarlyStopping
from lrcli.engines.torch.engine import TorchEngine
from lrcli.training.loop import Plan, TrainingLoop
from lrcli.training.records import Records
from lrcli.training.tracking import Tracker

BEST = Best(metric="val/loss")


def loop_of(members, plan, seeds=(0,), dtype="float64"):
    pb = problem(LINEAR, {"kind": "linear"}, {"kind": "half_mse"}, seeds)
    return TrainingLoop(TorchEngine(pb, members, "cpu", dtype), pb, members, plan), pb


def records(loop):
    return records_of(loop)


@pytest.mark.parametrize(("every", "expected"), [(1, [1, 2, 3, 4, 5, 6, 7]), (3, [3, 6, 7]), (10, [7])])
def test_records_come_every_so_often_and_at_the_end(every, expected):
    members = population({"kind": "sgd"}, {"epochs": 7, "batch_size": 30})
    loop, _ = loop_of(members, Plan(every, True, BEST))
    taken = records(loop)
    assert [record.epoch for record in taken] == expected
    assert [record.step for record in taken] == [4 * epoch for epoch in expected]
    assert loop.members.status.tolist() == ["completed"]
    assert loop.members.epochs.tolist() == [7]
    assert loop.members.steps.tolist() == [28]


def test_a_record_holds_what_the_engine_says():
    members = population({"kind": "sgd", "lr": 0.1}, {"epochs": 2, "batch_size": 30})
    loop, pb = loop_of(members, Plan(1, True, BEST))
    last = records(loop)[-1]
    engine = trained(pb, members)
    for name, values in {
        **epoch_metrics(engine),
        **{f"val/{k}": v for k, v in evaluate(engine, "val").items()},
    }.items():
        assert last.metrics[name].tobytes() == values.tobytes()
    assert last.metrics["lr"].tolist() == [0.1]
    assert set(last.metrics) == {"train/running_loss", "train/loss", "val/loss", "grad_norm", "lr"}


def test_training_metrics_can_be_left_out():
    members = population({"kind": "sgd"}, {"epochs": 1})
    loop, _ = loop_of(members, Plan(1, False, BEST))
    assert "train/loss" not in records(loop)[0].metrics


def test_the_scheduled_rate_is_recorded():
    optimizer = {"kind": "sgd", "lr": 0.1, "schedule": {"kind": "step", "every": 4, "gamma": 0.5}}
    loop, _ = loop_of(population(optimizer, {"epochs": 3, "batch_size": 30}), Plan(1, False, BEST))
    rates = [record.metrics["lr"][0] for record in records(loop)]
    np.testing.assert_allclose(rates, [0.1, 0.05, 0.025])


def test_control_returns_often(monkeypatch):
    """Between two records there are events, so that a bar moves and Ctrl-C is seen."""
    monkeypatch.setattr("lrcli.training.loop._CHUNK_SECONDS", 1e-9)
    loop, _ = loop_of(population({"kind": "sgd"}, {"epochs": 6}), Plan(6, False, BEST))
    assert [(event.epoch, isinstance(event, Records)) for event in loop] == [
        (0, True),
        *((epoch, False) for epoch in range(1, 6)),
        (6, True),
    ]


def test_the_best_state_is_kept():
    """A rate that oscillates: the last state is not the best one."""
    members = population({"kind": "sgd"}, {"epochs": 12, "batch_size": 10}, [0, 0], lr=[0.9, 0.01])
    loop, _ = loop_of(members, Plan(1, True, BEST))
    losses = np.array([record.metrics["val/loss"] for record in records(loop)])
    best = loop.members.best
    np.testing.assert_array_equal(best.best, losses.min(0))
    np.testing.assert_array_equal(best.epoch, losses.argmin(0) + 1)
    epochs = int(best.epoch[0])
    assert epochs < 12
    again = trained(loop_of(members, Plan(1, True, BEST))[1], members, epochs=epochs)
    assert flat(loop.members.best_parameters)[0].tobytes() == flat(again)[0].tobytes()


def test_early_stopping_is_each_members_own():
    stopping = EarlyStopping(metric="val/loss", patience=3, min_delta=1e-3)
    members = population({"kind": "sgd"}, {"epochs": 60, "batch_size": 10}, [0, 0], lr=[0.5, 0.003])
    loop, _ = loop_of(members, Plan(1, True, BEST, stopping))
    taken = records(loop)
    assert loop.members.status.tolist() == ["stopped_early", "completed"]
    stopped = int(loop.members.epochs[0])
    losses = [record.metrics["val/loss"][0] for record in taken]
    reference, waited, expected = np.inf, 0, 0
    while waited < 3:  # the rule, by hand
        improved = losses[expected] < reference - 1e-3
        reference, waited = (losses[expected], 0) if improved else (reference, waited + 1)
        expected += 1
    assert stopped == expected
    assert len(set(losses[stopped - 1 :])) == 1, "a member that has ended keeps the values it ended with"
    alone, _ = loop_of(members.take([0]), Plan(1, True, BEST, stopping))
    assert [record.epoch for record in alone][-1] == stopped


def test_divergence_is_accounted_for():
    members = population({"kind": "sgd"}, {"epochs": 30, "batch_size": 25}, [0, 0], lr=[0.01, 50.0])
    loop, _ = loop_of(members, Plan(1, True, BEST), dtype="float32")
    taken = records(loop)
    step = int(loop.members.diverged_step[1])
    assert loop.members.status.tolist() == ["completed", "diverged"]
    assert loop.members.steps.tolist() == [120, step - 1]
    assert loop.members.epochs[1] == (step - 1) // 4
    assert loop.members.diverged_step[0] == 0
    after = [record.metrics["train/loss"][1] for record in taken[step // 4 + 1 :]]
    assert len(set(after)) == 1


def test_training_ends_when_nobody_is_left():
    members = population({"kind": "sgd"}, {"epochs": 10_000, "batch_size": 25}, [0, 0], lr=[1e6, 1e9])
    loop, _ = loop_of(members, Plan(1, True, BEST), dtype="float32")
    assert records(loop)[-1].epoch < 20


def test_when_the_last_member_breaks_the_record_is_where_it_broke(monkeypatch):
    """Not where a piece of training ended, which depends on the machine's speed."""
    ends = set()
    for seconds in (1e-9, 0.0003, 100.0):
        monkeypatch.setattr("lrcli.training.loop._CHUNK_SECONDS", seconds)
        members = population({"kind": "sgd", "lr": 3.0}, {"epochs": 5000, "batch_size": "full"})
        loop, _ = loop_of(members, Plan(5000, False, BEST), dtype="float32")
        (record,) = records(loop)
        assert record.epoch == loop.members.diverged_step[0]
        ends.add((record.epoch, *(values.tobytes() for values in record.metrics.values())))
    assert len(ends) == 1


def test_an_interrupted_run_keeps_its_best_state(monkeypatch):
    monkeypatch.setattr("lrcli.training.loop._CHUNK_SECONDS", 1e-9)
    members = population({"kind": "sgd", "lr": 0.1}, {"epochs": 100})
    loop, _ = loop_of(members, Plan(100, True, BEST))
    taken = []
    for event in loop:
        taken.append(event)
        if event.epoch == 3:
            loop.interrupt()
    assert (taken[-1].epoch, isinstance(taken[-1], Records)) == (3, True)
    assert loop.members.status.tolist() == ["interrupted"]
    assert loop.members.best.epoch.tolist() == [3]
    np.testing.assert_array_equal(loop.members.best_parameters["w"], taken[-1].parameters["w"][-1])


def test_a_run_that_was_interrupted_too_late_is_complete():
    loop, _ = loop_of(population({"kind": "sgd"}, {"epochs": 2}), Plan(1, True, BEST))
    for event in loop:
        if event.epoch == 2:
            loop.interrupt()
    assert loop.members.status.tolist() == ["completed"]


def test_a_last_step_that_breaks_the_loss_is_divergence():
    members = population({"kind": "sgd"}, {"epochs": 1, "batch_size": "full"}, [0, 0], lr=[1e25, 0.1])
    loop, _ = loop_of(members, Plan(1, True, BEST), dtype="float32")
    records(loop)
    assert loop.members.status.tolist() == ["diverged", "completed"]
    assert loop.members.diverged_step.tolist() == [2, 0]
    assert loop.members.steps.tolist() == [1, 1]


def test_accuracy_is_better_when_it_is_higher():
    assert Best(metric="val/accuracy").direction == "max"
    assert Best(metric="val/loss").direction == "min"
    assert Best(metric="val/accuracy", mode="min").direction == "min"


def test_metrics_of_parameters_can_decide():
    def norm(parameters):
        return {"norm": np.sqrt(np.sum(parameters["w"] ** 2, axis=(2, 3)))}

    members = population({"kind": "sgd", "lr": 0.1}, {"epochs": 4})
    loop, _ = loop_of(members, Plan(1, True, Best(metric="norm", mode="max"), of_parameters=norm))
    values = [record.metrics["norm"][0] for record in records(loop)]
    assert loop.members.best.best[0] == max(values)


def test_a_tracker_is_not_fooled_by_nan():
    tracker = Tracker(3, "loss", "min")
    everyone = np.ones((1, 3), dtype=bool)
    first, second = np.array([[1.0, np.nan, np.inf]]), np.array([[np.nan, 2.0, 5.0]])
    assert tracker.update(first, np.array([1]), everyone).improved.tolist() == [True, False, False]
    assert tracker.update(second, np.array([2]), everyone).improved.tolist() == [False, True, True]
    assert tracker.best.tolist() == [1.0, 2.0, 5.0]
    assert tracker.epoch.tolist() == [1, 2, 2]
    assert tracker.waited.tolist() == [1, 0, 0]


class OneByOne:
    """The rule of a tracker for one member, by hand: the oracle of chunks of records."""

    def __init__(self, sign, min_delta):
        self.sign, self.min_delta, self.best, self.epoch, self.waited = sign, min_delta, math.nan, 0, 0

    def update(self, value, epoch, counts):
        if not counts:
            return
        self.waited += 1
        beats = math.isnan(self.best) or self.sign * value < self.sign * self.best - self.min_delta
        if math.isfinite(value) and beats:
            self.best, self.epoch, self.waited = value, epoch, 0


NUMBERS = st.sampled_from([0.0, 0.5, 0.55, 1.0, 1.05, 2.0, -1.0, math.nan, math.inf, -math.inf])


@given(
    st.lists(st.tuples(NUMBERS, st.booleans()), min_size=1, max_size=12),
    st.lists(st.integers(1, 5), min_size=12, max_size=12),
    st.sampled_from(["min", "max"]),
    st.sampled_from([0.0, 0.1]),
)
def test_a_chunk_of_records_is_tracked_as_one_by_one(rows, sizes, mode, min_delta):
    tracker = Tracker(1, "loss", mode, min_delta)
    oracle = OneByOne(1 if mode == "min" else -1, min_delta)
    first = 0
    while first < len(rows):
        chunk = rows[first : first + sizes[first]]
        epochs = np.arange(first + 1, first + 1 + len(chunk))
        values, counts = (np.array(column)[:, None] for column in zip(*chunk, strict=True))
        waited = tracker.update(values, epochs, counts).waited
        for k, (value, counting) in enumerate(chunk):
            oracle.update(value, first + 1 + k, counting)
            assert waited[k, 0] == oracle.waited
        first += len(chunk)
        np.testing.assert_array_equal(tracker.best[0], oracle.best)
        assert (tracker.epoch[0], tracker.waited[0]) == (oracle.epoch, oracle.waited)
