"""A member that becomes non-finite is frozen at that step; its neighbours never notice."""

import numpy as np
import pytest
from builders import (
    LINEAR,
    XOR,
    advance,
    compiled,
    epoch_metrics,
    evaluate,
    flat,
    population,
    problem,
    trained,
)

from lrcli.config.blocks import Best, Training
from lrcli.engines.torch.engine import TorchEngine
from lrcli.training.divergence import exploded, starting_level
from lrcli.training.loop import Plan, TrainingLoop

LINE = (LINEAR, {"kind": "linear"}, {"kind": "half_mse"})


def by_hand(pb, rate, steps, dtype=np.float32):
    """Full-batch gradient descent in NumPy: the step whose loss or parameters are not finite, from 1."""
    split = pb.splits["train"]
    x, y = split.inputs[0].astype(dtype), split.targets[0].astype(dtype)
    w, b = pb.initial["w"][0].astype(dtype), pb.initial["b"][0].astype(dtype)
    with np.errstate(all="ignore"):
        for step in range(1, steps + 1):
            error = x @ w + b - y
            loss = np.sum(error**2 * dtype(0.5) * dtype(1 / len(x)), dtype=dtype)
            new_w = w - dtype(rate) * (x.T @ error / dtype(len(x)))
            new_b = b - dtype(rate) * (error.sum(0, dtype=dtype) / dtype(len(x)))
            if not (np.isfinite(loss) and np.isfinite(new_w).all() and np.isfinite(new_b).all()):
                return step, np.concatenate([w.ravel(), b])
            w, b = new_w, new_b
    return 0, np.concatenate([w.ravel(), b])


@pytest.mark.parametrize("rate", [3.0, 10.0, 1e3, 1e30])
@pytest.mark.parametrize("pieces", [(200,), (1,) * 200, (50, 3, 147)])
def test_frozen_at_the_very_step(rate, pieces):
    pb = problem(*LINE)
    engine = TorchEngine(
        pb, population({"kind": "sgd", "lr": rate}, {"epochs": 200, "batch_size": "full"}), "cpu", "float32"
    )
    first = 1
    for count in pieces:
        advance(engine, first, count)
        first += count
    step, parameters = by_hand(pb, rate, 200)
    assert step > 0
    assert engine.diverged_steps().tolist() == [step]
    ours = flat(engine)[0]
    assert np.isfinite(ours).all()
    np.testing.assert_allclose(ours, parameters, rtol=2e-3)


@pytest.mark.parametrize(
    "optimizer", [{"kind": "sgd", "momentum": 0.5}, {"kind": "adam"}, {"kind": "rmsprop"}]
)
def test_neighbours_keep_their_bits(optimizer):
    """Among healthy members some diverge, at different times; the healthy ones end as if alone together."""
    pb = problem(*LINE, range(2))
    training = {"epochs": 30, "batch_size": 16}
    healthy = [0.01, 0.02, 0.03, 0.05]
    calm = trained(pb, population(optimizer, training, [0, 1, 0, 1], lr=healthy), "float32")
    mixed_rates = [0.01, 1e20, 0.02, 0.03, 1e37, 0.05]
    mixed = trained(pb, population(optimizer, training, [0, 0, 1, 0, 1, 1], lr=mixed_rates), "float32")
    diverged = mixed.diverged_steps() > 0
    assert diverged.tolist() == [False, True, False, False, True, False]
    assert flat(calm).tobytes() == flat(mixed)[~diverged].tobytes()


def test_neighbours_of_a_diverging_mlp_keep_their_bits():
    pb = problem(XOR, {"kind": "mlp", "hidden": [4, 4]}, {"kind": "half_mse"})
    training = {"epochs": 20, "batch_size": 2}
    calm = trained(pb, population({"kind": "sgd"}, training, [0] * 3, lr=[0.01, 0.05, 0.02]), "float32")
    wild = trained(pb, population({"kind": "sgd"}, training, [0] * 3, lr=[0.01, 1e6, 0.02]), "float32")
    assert wild.diverged_steps()[1] > 0
    keep = [0, 2]
    assert flat(calm)[keep].tobytes() == flat(wild)[keep].tobytes()


def test_a_running_loss_of_a_broken_epoch_is_no_number():
    pb = problem(*LINE)
    engine = TorchEngine(
        pb, population({"kind": "sgd"}, {"epochs": 9}, [0, 0], lr=[1e30, 0.01]), "cpu", "float32"
    )
    advance(engine, 1, 9)
    running = epoch_metrics(engine)["train/running_loss"]
    assert np.isnan(running[0])
    assert np.isfinite(running[1])


def test_what_a_diverged_member_answers_does_not_depend_on_its_neighbours():
    pb = problem(*LINE)
    training = {"epochs": 40, "batch_size": 25}
    answers = []
    for others in ([0.01], [0.01, 1e3], [0.01, 3.5, 1e8]):  # who diverge at other times, or not at all
        members = population({"kind": "sgd"}, training, [0] * (1 + len(others)), lr=[30.0, *others])
        engine = TorchEngine(pb, members, "cpu", "float32")
        for first in (1, 11, 21, 31):
            advance(engine, first, 10)
        last, evaluated = epoch_metrics(engine), evaluate(engine, "train")
        row = [engine.diverged_steps()[0], *(values[0] for values in (last | evaluated).values())]
        answers.append(np.array([*row, *flat(engine)[0]]).tobytes())
    assert len(set(answers)) == 1


def test_frozen_members_stay_frozen():
    pb = problem(*LINE)
    engine = TorchEngine(
        pb, population({"kind": "adam"}, {"epochs": 9}, [0, 0], lr=[0.01, 0.01]), "cpu", "float64"
    )
    advance(engine, 1, 2)
    engine.freeze(np.array([True, False]), np.array([0, 0]))
    before = flat(engine)
    advance(engine, 3, 3)
    after = flat(engine)
    assert before[0].tobytes() == after[0].tobytes()
    assert not np.allclose(before[1], after[1])
    assert engine.diverged_steps().tolist() == [0, 0]


WIDE = LINEAR | {"feature_std": 100.0, "num_val": 0}


def ended(loss, optimizer, training, rates, seed_index=None, evaluate=True, every=1, engine="torch"):
    """The loop of a population that has ended."""
    pb = problem(WIDE, {"kind": "linear"}, loss, range(3))
    members = population(optimizer, training, seed_index or [0] * len(rates), lr=rates)
    ready = compiled(pb, members) if engine == "compiled" else TorchEngine(pb, members, "cpu", "float64")
    stopping = Training(**training).early_stopping
    best = Best(metric="train/loss" if evaluate else "train/running_loss")
    loop = TrainingLoop(ready, pb, members, Plan(every, evaluate, best, stopping))
    list(loop)
    return loop


@pytest.mark.parametrize("engine", ["compiled", "torch"])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize(("evaluate", "every"), [(True, 1), (False, 1), (True, 1000), (False, 1000)])
def test_an_exploded_loss_is_divergence_however_it_is_recorded(engine, reduction, evaluate, every):
    """Full batches of N(0, 100^2): lambda is near 10^4, so that at 3e-4 the error doubles each step."""
    if engine == "compiled":
        pytest.importorskip("numba")
    scale = 100 if reduction == "sum" else 1
    rates = [r / scale for r in (1e-5, 1.9e-4, 3e-4, 1e-3)]
    training = {"epochs": 12, "batch_size": "full"}
    loss = {"kind": "half_mse", "reduction": reduction}
    loop = ended(loss, {"kind": "sgd"}, training, rates, evaluate=evaluate, every=every, engine=engine)
    assert loop.members.status.tolist() == ["completed", "completed", "diverged", "diverged"]
    assert loop.members.diverged_step.tolist() == [0, 0, 12, 12]
    assert loop.members.steps.tolist() == [12] * 4
    assert "train/loss" in loop.last_metrics or not evaluate


@pytest.mark.parametrize(("steps", "status"), [(3, "completed"), (12, "diverged")])
def test_a_loss_that_is_not_far_above_has_not_exploded(steps, status):
    training = {"epochs": steps, "batch_size": "full"}
    loop = ended({"kind": "half_mse"}, {"kind": "sgd"}, training, [3e-4])
    assert loop.last_metrics["train/loss"][0] > 4
    assert loop.members.status.tolist() == [status]


@pytest.mark.parametrize("every", [1, 2])
def test_an_exploding_member_that_stops_early_has_diverged(every):
    stopping = {"metric": "train/loss", "patience": 10}
    training = {"epochs": 50, "batch_size": "full", "early_stopping": stopping}
    loop = ended({"kind": "half_mse"}, {"kind": "sgd"}, training, [3e-4, 1e-4], every=every)
    step = int(loop.members.steps[0])
    assert step < 50
    assert loop.members.status.tolist()[0] == "diverged"
    assert loop.members.diverged_step[0] == step, "later steps of its neighbour change nothing"
    assert loop.members.status[1] != "diverged"


def test_what_comes_back_has_not_diverged():
    """Adam leaps by its rate whatever the gradient is, and returns: its loss is far above, but falling."""
    level, loss, during = np.ones(4), np.array([2e3, 2e3, 2e6, 5e2]), np.array([1e3, 4e3, 4e6, 1.0])
    assert exploded(loss, during, level).tolist() == [True, False, True, False]
    assert exploded(np.full(1, np.nan), np.ones(1), np.ones(1)).tolist() == [False]


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_a_sum_over_batches_is_compared_with_the_sum_over_all(reduction):
    """Adam's steps do not depend on the loss's scale: far above, but falling, in both."""
    loss, training = {"kind": "half_mse", "reduction": reduction}, {"epochs": 4, "batch_size": 10}
    loop = ended(loss, {"kind": "adam"}, training, [3e3, 1e4])
    assert loop.members.status.tolist() == ["completed", "completed"]
    assert (loop.last_metrics["train/loss"] > 1e8).all(), "where it began it was below 1e5, in mean"


def test_a_member_that_begins_at_the_optimum_is_not_judged_by_rounding():
    dataset = WIDE | {"noise": 0.0}
    truth = {"kind": "values", "values": {"w": [[2.0], [-3.4]], "b": [4.2]}}
    pb = problem(dataset, {"kind": "linear", "init": truth}, {"kind": "half_mse"})
    members = population({"kind": "adam", "lr": 1e-3}, {"epochs": 5})
    engine = TorchEngine(pb, members, "cpu", "float32")
    loop = TrainingLoop(engine, pb, members, Plan(1, True, Best(metric="train/loss")))
    list(loop)
    assert loop.members.status.tolist() == ["completed"]
    squares = np.mean(pb.splits["train"].targets ** 2)
    assert starting_level(pb, np.zeros(1), np.zeros(1, int)) == pytest.approx([squares])
