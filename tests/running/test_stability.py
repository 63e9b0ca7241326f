"""The largest stable rate of whole experiments: training by hand explodes above it and not below."""

import numpy as np
import pytest
from builders import component

from lrcli.config.blocks import Training
from lrcli.experiment.experiment import Experiment
from lrcli.running.stability import advice, stability
from lrcli.training.problem import build_problem

DATA = {"kind": "linear", "w": [2.0, -3.4], "b": 4.2, "noise": 0.1, "num_train": 60, "num_val": 0}
SMALL = DATA | {"feature_std": 0.1}  # where the bias has the largest curvature
MANY = DATA | {"w": [1.0] * 50, "num_train": 300}  # in mean square and for each run are about the same
SINE = {"kind": "sine", "num_train": 60, "num_val": 0}


def experiment(optimizer=None, training=None, dataset=DATA, model=None, loss=None):
    training = {"epochs": 3000, "batch_size": "full"} | (training or {})
    return Experiment(
        name="made",
        dataset=component("dataset", **dataset),
        model=component("model", **(model or {"kind": "linear"})),
        loss=component("loss", **(loss or {"kind": "half_mse"})),
        optimizer=component("optimizer", **({"kind": "sgd"} | (optimizer or {}))),
        training=Training(**training),
    )


def grown(made, rate, epochs):
    """ln of the distance of two runs after training by hand, from 1: the noise of the targets cancels."""
    pb = build_problem(made.dataset, made.model, made.loss, [0])
    features = pb.splits["train"].features[0]
    if made.model.kind == "linear":
        features = np.hstack([features, np.ones((len(features), 1))])
    optimizer, sizes = made.optimizer, made.training.batch_sizes(len(features))
    decayed = np.ones(features.shape[1])
    decayed[-1] = optimizer.decay == "all" or made.model.kind != "linear"  # where the bias is
    scale = 2.0 if made.loss.kind == "mse" else 1.0
    total, step, log, v = epochs * len(sizes), 0, 0.0, None
    p = np.ones(features.shape[1]) / np.sqrt(features.shape[1])
    for epoch in range(1, epochs + 1):
        order = pb.order(0, epoch) if made.training.shuffle and len(sizes) > 1 else np.arange(len(features))
        for x in np.split(features[order[: sum(sizes)]], np.cumsum(sizes)[:-1]):
            weight = scale / (len(x) if made.loss.reduction == "mean" else 1)
            g = weight * x.T @ (x @ p) + optimizer.weight_decay * decayed * p
            first = v is None or not optimizer.momentum
            v = g if first else optimizer.momentum * v + (1 - optimizer.dampening) * g
            at = float(optimizer.schedule.rates(np.array([rate]), np.array([step]), total)[0, 0])
            p = p - at * (g + optimizer.momentum * v if optimizer.nesterov else v)
            step += 1
            size = max(np.linalg.norm(p), at * np.linalg.norm(v))
            p, v, log = p / size, v / size, log + np.log(size)
    return log


EXACT = {
    "plain": {},
    "momentum": {"optimizer": {"momentum": 0.9}},
    "dampening": {"optimizer": {"momentum": 0.9, "dampening": 0.9}},
    "nesterov": {"optimizer": {"momentum": 0.9, "nesterov": True}},
    "decay": {"optimizer": {"weight_decay": 10.0}},
    "decay of weights": {"dataset": SMALL, "optimizer": {"weight_decay": 10.0, "decay": "weights"}},
    "decay, nesterov": {"optimizer": {"weight_decay": 1.0, "momentum": 0.5, "nesterov": True}},
    "mse": {"loss": {"kind": "mse"}},
    "sum": {"loss": {"kind": "mse", "reduction": "sum"}},
    "sum, decay": {"loss": {"kind": "half_mse", "reduction": "sum"}, "optimizer": {"weight_decay": 100.0}},
    "warmup": {"optimizer": {"schedule": {"kind": "linear_warmup", "steps": 50}}},
    "a step that never comes": {"optimizer": {"schedule": {"kind": "step", "every": 10**6}}},
    "a batch of all": {"training": {"batch_size": 60}},
    "a larger batch": {"training": {"batch_size": 70}},
    "in order": {"training": {"batch_size": 7, "shuffle": False}},
    "in order, drop last": {"training": {"batch_size": 7, "shuffle": False, "drop_last": True}},
    "in order, sum": {
        "training": {"batch_size": 7, "shuffle": False},
        "loss": {"kind": "half_mse", "reduction": "sum"},
        "optimizer": {"weight_decay": 0.5},
    },
    "in order, momentum": {"training": {"batch_size": 20, "shuffle": False}, "optimizer": {"momentum": 0.8}},
    "in order, sorted": {
        "training": {"batch_size": 10, "shuffle": False},
        "dataset": SINE,
        "model": {"kind": "polynomial", "degree": 2},
        "optimizer": {"momentum": 0.5, "nesterov": True},
    },
}


@pytest.mark.parametrize("case", EXACT.values(), ids=EXACT)
def test_the_limit_is_exact_where_every_epoch_is_the_same(case):
    made = experiment(**case)
    known = stability(made)
    assert known.sense == ""
    epochs = 3000 if made.optimizer.schedule.kind == "linear_warmup" else 1000  # small steps come first
    assert grown(made, 0.98 * known.limit, epochs) < 0
    assert grown(made, 1.02 * known.limit, epochs) > 2


RANDOM = {
    "1 example": ({}, 1, 0.1),
    "10 examples": ({}, 10, 0.1),
    "mse": ({"loss": {"kind": "mse"}}, 10, 0.1),
    "sum": ({"loss": {"kind": "half_mse", "reduction": "sum"}}, 10, 0.1),
    "decay": ({"optimizer": {"weight_decay": 3.0}}, 10, 0.2),
    "momentum": ({"optimizer": {"momentum": 0.9}}, 10, 0.2),
    "nesterov": ({"optimizer": {"momentum": 0.9, "nesterov": True}}, 10, 0.2),
    "dampening": ({"optimizer": {"momentum": 0.5, "dampening": 0.5}}, 10, 0.15),
    "drop last": ({"training": {"drop_last": True}}, 70, 0.25),
    "a last batch of one": ({}, 13, 0.4),
}


@pytest.mark.parametrize(("case", "batch", "margin"), RANDOM.values(), ids=RANDOM)
def test_random_batches_are_stable_in_mean_square(case, batch, margin):
    training = {"batch_size": batch, **case.get("training", {})}
    made = experiment(**{"dataset": MANY, **case, "training": training})
    known = stability(made)
    assert known.sense == f"in mean square, for random batches of {batch}"
    epochs = 1 + 6000 * batch // 300
    assert grown(made, (1 - margin) * known.limit, epochs) < 0
    assert grown(made, (1 + margin) * known.limit, epochs) > 0


@pytest.mark.parametrize(("features", "batch"), [(1, 1), (3, 4), (20, 1), (20, 16)])
def test_the_closed_form_for_gaussian_features(features, batch):
    """With D features and a bias E[(x'Mx) xx'] is known (Isserlis 1918): noise in two numbers, by hand."""
    dataset = DATA | {"w": [1.0] * features, "num_train": 10_000 if features > 3 else 50_000}
    known = stability(experiment(dataset=dataset, training={"batch_size": batch}))
    mu = np.linalg.eigvals([[features + 1, 1], [features, 0]]).max()
    assert known.limit == pytest.approx(2 * batch / (batch + mu), rel=0.03)


def test_random_batches_of_nearly_all_are_nearly_those_of_all():
    sizes = (1, 10, 30, 59, 60)
    made = [experiment(training={"batch_size": size, "drop_last": True}) for size in sizes]
    limits = [stability(each).limit for each in made]
    assert limits == sorted(limits)
    assert limits[-2] == pytest.approx(limits[-1], rel=0.01)


@pytest.mark.parametrize(
    ("case", "why"),
    [
        ({"optimizer": {"kind": "adam"}}, "adam"),
        ({"optimizer": {"kind": "rmsprop"}}, "rmsprop"),
        ({"optimizer": {"schedule": {"kind": "cosine"}}}, "schedule"),
        ({"optimizer": {"schedule": {"kind": "exponential", "gamma": 0.99}}}, "schedule"),
        ({"optimizer": {"schedule": {"kind": "linear_warmup", "steps": 2900}}}, "schedule"),
        ({"training": {"clip_grad_norm": 1.0}}, "clipped"),
        ({"loss": {"kind": "l1"}}, "upwards nowhere"),
        ({"model": {"kind": "mlp", "hidden": [300, 300]}, "dataset": DATA | {"num_train": 9000}}, "too long"),
        ({"optimizer": {"momentum": 1.0}}, "momentum"),
        ({"training": {"batch_size": 10}, "optimizer": {"momentum": 1.5}}, "momentum"),
        ({"training": {"batch_size": 10, "shuffle": False}, "optimizer": {"momentum": 1.5}}, "momentum"),
        ({"dataset": DATA | {"feature_std": 1e100}}, "too large"),
        ({"dataset": DATA | {"feature_std": 1e70}, "training": {"batch_size": 10}}, "too large"),
        ({"optimizer": {"weight_decay": 1e300}, "training": {"batch_size": 10}}, "too large"),
        ({"dataset": DATA | {"w": [1.0] * 200}, "training": {"batch_size": 10}}, "batches"),
        ({"dataset": DATA | {"w": [1.0] * 2000}}, "more than 2,000 parameters"),
    ],
)
def test_where_none_is_known_none_is_claimed(case, why):
    known = stability(experiment(**case))
    assert known.limit is None
    assert why in known.unknown


def test_directions_without_data_have_no_say():
    dataset = DATA | {"feature_std": [1.0, 0.0]}
    for training in ({}, {"batch_size": 5}, {"batch_size": 5, "shuffle": False}):
        with_it = stability(experiment(dataset=dataset, training=training)).limit
        assert 0.1 < with_it < 3


NOT_CONSTANT = {
    "huber": {"loss": {"kind": "huber", "delta": 100.0}},
    "bce": {"loss": {"kind": "bce"}, "dataset": {"kind": "xor", "num_train": 60}},
    "mlp": {"model": {"kind": "mlp", "hidden": [3], "activation": "tanh"}},
    "momentum": {"model": {"kind": "mlp", "hidden": []}, "optimizer": {"momentum": 0.5}},
}


@pytest.mark.parametrize("case", NOT_CONSTANT.values(), ids=NOT_CONSTANT)
def test_elsewhere_the_limit_is_that_where_training_begins(case):
    made = experiment(**case)
    pb = build_problem(made.dataset, made.model, made.loss, [0])
    known = stability(made, pb)
    assert known.diagnostic
    assert known.sense == "where training begins"
    names = [p.name for p in pb.parameters]
    start = np.concatenate([pb.initial[name][0].ravel() for name in names])
    split = pb.splits["train"]

    def loss(theta):
        parameters = {name: values[0] for name, values in pb.by_name(theta[None]).items()}
        return made.loss.value(made.model.outputs(parameters, split.inputs[0]), split.targets[0])

    h, size = 1e-4, len(start)
    unit = h * np.eye(size)
    second = np.array(
        [
            [
                sum(s * t * loss(start + s * a + t * b) for s in (1, -1) for t in (1, -1)) / (4 * h * h)
                for a in unit
            ]
            for b in unit
        ]
    )
    largest = np.linalg.eigvalsh(second)[-1]
    assert known.curvature == pytest.approx(largest, rel=1e-5)
    assert known.limit == pytest.approx(2 * (1 + made.optimizer.momentum) / largest, rel=1e-5)


def test_a_rate_that_was_too_large_is_told_by_how_much():
    made = experiment(optimizer={"momentum": 0.5})
    known = stability(made)
    said = advice(known.record, 1.8 * known.limit)
    assert said == (
        f"a rate of {1.8 * known.limit:.3g} is 1.8 times the largest stable one, {known.limit:.3g} = "
        f"2 (1 + momentum) / largest curvature {known.curvature:.3g}; try a smaller one"
    )
    assert advice(known.record, known.limit / 2) == "try a smaller learning rate"
