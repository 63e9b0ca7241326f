"""What minimises what was trained: gradients are zero there, and training arrives there."""

import numpy as np
import pytest
from builders import LINEAR, SINE, XOR, component, evaluate, parameters, population, problem, trained

from lrcli.analysis.logistic import logistic_optima, within_reach
from lrcli.analysis.reference import find_references, has_reference
from lrcli.analysis.set_fits import Examples

NOISY = XOR | {"label_noise": 0.3}
LINE, CUBIC = {"kind": "linear"}, {"kind": "polynomial", "degree": 3}


def references(pb, decay=0.0, steps=1):
    """Of one set of data, as the loss of a step counts it."""
    split = pb.splits["train"]
    shapes = {p.name: p.shape for p in pb.parameters}
    decays = np.full((1, sum(p.size for p in pb.parameters)), decay)
    terms = split.size * pb.num_terms
    scale = 1 / terms if pb.loss.reduction == "mean" else 1 / steps
    examples = Examples(split.inputs, split.targets, np.array([0]), decays, scale)
    return find_references(pb.model, pb.loss, shapes, examples)


def optimum(columns, targets, decay):
    """Of the mean of one set of data."""
    return logistic_optima(columns[None], targets[None], 1 / len(columns), decay[None])[0]


TRAINED = {
    "line": (LINEAR, LINE, {"kind": "half_mse"}, 1.0),
    "line, sum": (LINEAR, LINE, {"kind": "mse", "reduction": "sum"}, 0.005),
    "cubic": (SINE, CUBIC, {"kind": "mse"}, 0.005),
    "bce": (NOISY, LINE, {"kind": "bce"}, 2.0),
    "bce, sum": (NOISY, LINE, {"kind": "bce", "reduction": "sum"}, 0.1),
    "squares of classes": (NOISY, LINE, {"kind": "mse"}, 0.5),
}


@pytest.mark.parametrize("decay", [0.0, 0.3])
@pytest.mark.parametrize("case", TRAINED.values(), ids=TRAINED)
def test_full_batch_training_arrives_there(case, decay):
    *blocks, rate = case
    pb = problem(*blocks)
    members = population(
        {"kind": "sgd", "weight_decay": decay}, {"epochs": 8000, "batch_size": "full"}, lr=[rate]
    )
    engine = trained(pb, members)
    best = references(pb, decay)
    assert best.found.all()
    for name, values in parameters(engine).items():
        np.testing.assert_allclose(best.values[name], values, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(best.losses, evaluate(engine, "train")["loss"], rtol=1e-9)
    kind = "optimum" if blocks[2]["kind"] == "bce" else "ridge" if decay else "least_squares"
    assert best.against == kind


@pytest.mark.parametrize("decay", [0.0, 0.2])
@pytest.mark.parametrize("outputs", [1, 2, 3])
def test_the_gradient_of_the_logistic_loss_is_zero_there(outputs, decay):
    rng = np.random.default_rng(outputs)
    columns = np.hstack([rng.normal(size=(80, 3)) * [1, 10, 0.1], np.ones((80, 1))])
    labels = rng.integers(max(outputs, 2), size=80)
    targets = labels[:, None] * 1.0 if outputs == 1 else np.eye(outputs)[labels]
    loss = component("loss", kind="bce" if outputs == 1 else "cross_entropy")
    decays = np.full((4, outputs), decay)
    best = optimum(columns, targets, decays)
    for i, j in np.ndindex(4, outputs):
        step = np.zeros((4, outputs))
        step[i, j] = 1e-5
        up, down = (
            loss.value(columns @ p, targets) + np.sum(decays * p * p) / 2 for p in (best + step, best - step)
        )
        assert abs(up - down) / 2e-5 < 1e-8


def test_two_outputs_are_one_logit_in_two_halves():
    one, two = (references(problem(NOISY, LINE, {"kind": kind})) for kind in ("bce", "cross_entropy"))
    for name, values in two.values.items():
        difference = values[..., 1:] - values[..., :1]
        np.testing.assert_allclose(difference.ravel(), one.values[name].ravel(), rtol=1e-8, atol=1e-10)
        np.testing.assert_allclose(values.sum(axis=-1), 0, atol=1e-10)
    np.testing.assert_allclose(one.losses, two.losses, rtol=1e-12)


@pytest.mark.parametrize("kind", ["bce", "cross_entropy"])
@pytest.mark.parametrize("gap", [1.0, 1e-3, 0.0, -0.1])
def test_separable_classes_have_no_optimum(kind, gap):
    """A gap of 0 puts examples of both classes on the plane, which is not enough for an optimum either."""
    x = np.linspace(-1, 1, 20)[:, None]
    x = np.hstack([x + np.sign(x) * gap, np.ones((20, 1))])
    if gap == 0.0:
        x = np.vstack([x, [[0.0, 1.0], [0.0, 1.0]]])
    labels = (x[:, 0] > 0).astype(int)
    if gap == 0.0:
        labels[-1] = 1
    if gap < 0:
        labels[[3, 15]] = 1 - labels[[3, 15]]
    targets = np.eye(2)[labels] if kind == "cross_entropy" else labels[:, None] * 1.0
    assert np.isnan(optimum(x, targets, np.zeros((2, targets.shape[1])))).all() == (gap >= 0)
    assert np.isfinite(optimum(x, targets, np.full((2, targets.shape[1]), 0.01))).all()


def test_of_more_than_two_classes_that_lines_separate_nothing_is_known():
    far = references(problem({"kind": "blobs", "radius": 20.0}, LINE, {"kind": "cross_entropy"}))
    assert far.separable.all()
    assert not far.losses.any()
    near = references(problem({"kind": "blobs", "radius": 1.0}, LINE, {"kind": "cross_entropy"}))
    assert near.found.all()
    assert 0 < near.losses[0] < np.log(3)


def test_one_class_alone_is_separable():
    columns = np.hstack([np.random.default_rng(0).normal(size=(9, 2)), np.ones((9, 1))])
    assert np.isnan(optimum(columns, np.ones((9, 1)), np.zeros((3, 1)))).all()


def test_many_sets_at_once_are_each_its_own():
    rng = np.random.default_rng(0)
    columns, targets = rng.normal(size=(30, 12, 3)), rng.integers(2, size=(30, 12, 1)) * 1.0
    together = logistic_optima(columns, targets, 0.1, np.zeros((30, 3, 1)))
    alone = [
        logistic_optima(x[None], y[None], 0.1, np.zeros((1, 3, 1)))[0]
        for x, y in zip(columns, targets, strict=True)
    ]
    np.testing.assert_allclose(together, alone, rtol=1e-9)
    assert 0 < np.isnan(together[:, 0, 0]).sum() < 30


@pytest.mark.parametrize(
    ("model", "loss", "classes", "expected"),
    [
        (LINE, "mse", None, True),
        (LINE, "l1", None, True),
        (LINE, "l1", 2, True),
        (LINE, "mse", 2, True),
        (LINE, "bce", 2, True),
        (LINE, "cross_entropy", 2, True),
        ({"kind": "legendre"}, "mse", None, True),
        ({"kind": "sinusoid"}, "mse", None, True),
        ({"kind": "mlp", "hidden": []}, "bce", 2, False),
    ],
)
def test_where_there_may_be_one(model, loss, classes, expected):
    assert has_reference(component("model", **model), component("loss", kind=loss), classes) == expected


@pytest.mark.parametrize(
    ("examples", "numbers", "searched"),
    [(600_000, 6, True), (2000, 110, True), (1137, 650, False), (55_000, 7850, False), (10**7, 40, False)],
)
def test_what_is_searched_for_by_newtons_method(examples, numbers, searched):
    assert within_reach(examples, numbers) == searched


def test_what_is_out_of_reach_is_not_found_and_not_separable(monkeypatch):
    monkeypatch.setattr("lrcli.analysis.reference.within_reach", lambda examples, numbers: False)
    inputs = np.random.default_rng(0).standard_normal((2, 30, 2))
    targets = (inputs[..., :1] > 0).astype(float)
    examples = Examples(inputs, targets, np.array([0, 1]), np.zeros((2, 3)), 1 / 30)
    found = find_references(
        component("model", kind="linear"), component("loss", kind="bce"), {"w": (2, 1), "b": (1,)}, examples
    )
    assert not found.found.any()
    assert not found.separable.any()
    assert np.isnan(found.losses).all()
    assert found.values["w"].shape == (2, 2, 1)


@pytest.mark.parametrize("loss", ["mse", "huber", "l1"])
@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_of_numbers_that_are_too_large_nothing_warns(loss, decay):
    pb = problem(LINEAR | {"w": [1e200, 1e200]}, LINE, {"kind": loss})
    assert np.isnan(references(pb, decay).standard_errors["w"]).all()


@pytest.mark.parametrize(
    ("model", "searched"), [({"kind": "sinusoid"}, [True, False]), (CUBIC, [True, True])]
)
def test_absolute_errors_of_a_curve_with_decay_are_searched_for_where_examples_are_few(model, searched):
    """Each step of a curve's search is a search of its own, so there are to be fewer of them."""
    found = []
    for count in (100, 30_000):
        pb = problem(SINE | {"num_train": count}, model, {"kind": "l1"})
        best = references(pb, 0.01)
        found.append(bool(best.found.all()))
        assert best.missing[0] == ("decay" if found[-1] else "large")
    assert found == searched
