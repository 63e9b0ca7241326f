"""The compiled engine against the torch engine, the same but for rounding, and against finite differences."""

import dataclasses
import gc
import itertools
import weakref
from collections import Counter
from typing import get_args

import numpy as np
import pytest
from builders import (
    LINEAR,
    SINE,
    XOR,
    advance,
    built_in,
    compiled,
    epoch_metrics,
    evaluate,
    flat,
    population,
    problem,
    trained,
)

from lrcli.components.models import MLP
from lrcli.training.problem import Split

pytest.importorskip("numba")

from lrcli.engines.compiled import calls, fixed_arguments
from lrcli.engines.compiled import engine as compiled_engine
from lrcli.engines.torch.engine import TorchEngine

# The odd number of examples in every batch keeps signs of errors from adding up to nothing but rounding.
POINTS = XOR | {"num_train": 23, "num_val": 11}
OPTIMIZERS = {
    "sgd": {"lr": 0.05},
    "sgd momentum": {"lr": 0.02, "momentum": 0.8},
    "sgd dampening": {"lr": 0.03, "momentum": 0.7, "dampening": 0.4},
    "sgd nesterov": {"lr": 0.02, "momentum": 0.7, "nesterov": True},
    "sgd decay": {"lr": 0.05, "weight_decay": 0.1},
    "sgd decay of weights": {"lr": 0.05, "weight_decay": 0.1, "decay": "weights"},
    "sgd all": {"lr": 0.02, "momentum": 0.5, "weight_decay": 0.1, "nesterov": True},
    "rmsprop": {"lr": 0.002},
    "rmsprop alpha": {"lr": 0.005, "alpha": 0.9, "eps": 1e-3},
    "rmsprop momentum": {"lr": 0.001, "momentum": 0.7},
    "rmsprop centered": {"lr": 0.002, "centered": True},
    "rmsprop all": {"lr": 0.001, "centered": True, "momentum": 0.5, "weight_decay": 0.05},
    "rmsprop decay of weights": {"lr": 0.002, "weight_decay": 0.05, "decay": "weights"},
    "adam": {"lr": 0.005},
    "adam betas": {"lr": 0.005, "betas": [0.7, 0.9], "eps": 1e-3},
    "adam decay": {"lr": 0.005, "weight_decay": 0.1},
    "adam decay of weights": {"lr": 0.005, "weight_decay": 0.1, "decay": "weights"},
    "adam amsgrad": {"lr": 0.005, "amsgrad": True},
    "adam all": {"lr": 0.005, "amsgrad": True, "weight_decay": 0.1, "betas": [0.8, 0.95]},
    "adamw": {"lr": 0.005},
    "adamw decay": {"lr": 0.005, "weight_decay": 0.5},
    "adamw decay of weights": {"lr": 0.005, "weight_decay": 0.5, "decay": "weights"},
    "adamw amsgrad": {"lr": 0.005, "amsgrad": True, "betas": [0.8, 0.99], "eps": 1e-6},
}
SCHEDULES = {
    "constant": {},
    "step": {"every": 30, "gamma": 0.8},
    "exponential": {"gamma": 0.995},
    "cosine": {"min_lr": 1e-4},
    "linear_warmup": {"steps": 20},
}
PLANS = {  # how 23 examples make batches, and how many epochs are 200 steps
    "full": {"batch_size": "full", "epochs": 200},
    "smaller last": {"batch_size": 5, "epochs": 40},
    "dropped last": {"batch_size": 7, "epochs": 67, "drop_last": True},
    "in order": {"batch_size": 9, "epochs": 67, "shuffle": False},
}
MORE = {"huber": {"delta": 0.3}}  # so that errors lie on both sides of it
AXES = {
    "loss": list(built_in("loss")),
    "reduction": ["mean", "sum"],
    "optimizer": list(OPTIMIZERS),
    "activation": list(get_args(MLP.model_fields["activation"].annotation)),
    "hidden": [(), (5,), (4, 3), (3, 5, 4)],
    "schedule": list(SCHEDULES),
    "plan": list(PLANS),
    "clips": [False, True],
    "noise": [0.0, 0.2],
    "members": [3, 6],  # side by side in a row of lanes are units or members
}


def cover(axes):
    """Few cases among which every two values of two axes meet.

    Each begins with a pair that has not met yet; any further value is the one that meets most of the others
    anew, and the one least used so far among several.
    """
    cells = [[(axis, value) for value in values] for axis, values in axes.items()]
    pairs = [
        frozenset(pair)
        for one, other in itertools.combinations(cells, 2)
        for pair in itertools.product(one, other)
    ]
    missing, uses = set(pairs), Counter()
    for pair in pairs:
        if pair not in missing:
            continue
        chosen = dict(pair)
        for column in cells:
            news = {cell: sum(frozenset([cell, met]) in missing for met in chosen.items()) for cell in column}
            axis, value = max(column, key=lambda cell, news=news: (news[cell], -uses[cell]))
            chosen.setdefault(axis, value)
        missing -= {frozenset(pair) for pair in itertools.combinations(chosen.items(), 2)}
        uses.update(chosen.items())
        yield {axis: chosen[axis] for axis in axes}


CASES = list(cover(AXES))


def assert_same(ours, theirs, tolerance=1e-10):
    """Two engines say the same of each member, but for a small part of the size of its parameters."""
    found, expected = flat(ours), flat(theirs)
    size = np.linalg.norm(expected, axis=1)
    assert np.all(np.linalg.norm(found - expected, axis=1) <= tolerance * size)
    for ask in (lambda e: epoch_metrics(e), lambda e: evaluate(e, "train"), lambda e: evaluate(e, "val")):
        answer, reference = ask(ours), ask(theirs)
        assert answer.keys() == reference.keys()
        for name, values in reference.items():
            assert np.all(np.abs(answer[name] - values) <= tolerance * (size + np.abs(values))), name
    assert ours.diverged_steps().tolist() == theirs.diverged_steps().tolist()


def both(pb, members, dtype="float64"):
    return trained(pb, members, dtype, engine="compiled"), trained(pb, members, dtype)


def varied(optimizer, members, clips):
    """Numbers in which the members of a case differ: a few of them each."""
    factors = np.resize([1.0, 0.5, 0.0, 0.25], members)
    numbers = {"lr": optimizer["lr"] * np.linspace(1, 0.3, members)}
    numbers |= {key: optimizer[key] * factors for key in ("momentum", "weight_decay") if key in optimizer}
    if clips:
        numbers["clip_grad_norm"] = np.resize([0.05, np.inf, 0.4], members)
    return numbers


def test_every_component_and_every_option_is_in_the_cover():
    for axis in ("loss", "schedule"):
        assert set(AXES[axis]) == set(built_in(axis))
    for kind, config in built_in("loss").items():
        assert {"kind", "reduction", *MORE.get(kind, {})} == set(config.model_fields)
    for kind, config in built_in("optimizer").items():
        tried = {key for name, keys in OPTIMIZERS.items() if name.split()[0] == kind for key in keys}
        assert tried == set(config.model_fields) - {"kind", "schedule"}
    for one, other in itertools.combinations(AXES, 2):
        met = {(case[one], case[other]) for case in CASES}
        assert met == set(itertools.product(AXES[one], AXES[other]))


@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(str(value) for value in case.values()))
def test_trains_as_the_torch_engine_does(case):
    """Every two values of two axes meet; all combinations would take hours."""
    keys = OPTIMIZERS[case["optimizer"]]
    schedule = {"kind": case["schedule"], **SCHEDULES[case["schedule"]]}
    optimizer = {"kind": case["optimizer"].split()[0], **keys, "schedule": schedule}
    if case["reduction"] == "sum" and optimizer["kind"] == "sgd":
        optimizer["lr"] = keys["lr"] / 10  # its gradients are as many times longer
    model = {"kind": "mlp", "activation": case["activation"]}
    model |= {"hidden": list(case["hidden"]), "input_noise": case["noise"]}
    loss = {"kind": case["loss"], "reduction": case["reduction"], **MORE.get(case["loss"], {})}
    pb = problem(POINTS, model, loss, seeds=(0, 1))
    seeds = np.arange(case["members"]) % 2
    members = population(
        optimizer, PLANS[case["plan"]], seeds, **varied(optimizer, case["members"], case["clips"])
    )
    assert_same(*both(pb, members))


LINE30 = LINEAR | {"w": [0.1 * k for k in range(30)]}
MODELS = {
    "a constant": (SINE | {"offset": 1.0}, {"kind": "polynomial", "degree": 0}),
    "a cubic": (SINE, {"kind": "polynomial", "degree": 3}),
    "one feature": (LINEAR | {"w": [1.5]}, {"kind": "linear"}),
    "thirty features": (LINE30, {"kind": "linear"}),
    "wide": (LINEAR, {"kind": "mlp", "hidden": [37], "activation": "tanh"}),
    "wide and deep": (LINEAR, {"kind": "mlp", "hidden": [16, 21, 3], "activation": "sigmoid"}),
    "narrow, then wide": (LINEAR, {"kind": "mlp", "hidden": [2, 33], "activation": "relu"}),
}


@pytest.mark.parametrize("batch_size", [16, "full"])
@pytest.mark.parametrize("loss", ["mse", "huber"])
@pytest.mark.parametrize("members", [1, 20])
@pytest.mark.parametrize(("dataset", "model"), MODELS.values(), ids=MODELS)
def test_models_of_every_shape(dataset, model, members, loss, batch_size):
    pb = problem(dataset, model, {"kind": loss}, seeds=(3, 4, 5))
    rates = (1e-4 if model.get("degree") else 1e-2) * np.linspace(1, 0.1, members)
    training = {"epochs": 20, "batch_size": batch_size}
    optimizer = {"kind": "sgd", "momentum": 0.5}
    assert_same(*both(pb, population(optimizer, training, np.arange(members) % 3, lr=rates)))


def pictures(classes=10, examples=30):
    """A problem of many inputs and classes, such as no dataset here has."""
    pb = problem(
        LINEAR | {"w": [0.1] * 784, "num_train": examples, "num_val": 10},
        {"kind": "mlp", "hidden": [20]},
        {"kind": "mse"},
        seeds=(0, 1),
    )
    labels = problem(XOR, {"kind": "mlp", "hidden": [20]}, {"kind": "cross_entropy"}, seeds=(0, 1))
    parameters = pb.model.parameters(784, classes)
    rng = np.random.default_rng(0)
    splits = {}
    for name, split in pb.splits.items():
        targets = np.eye(classes)[rng.integers(classes, size=split.targets.shape[:2])]
        splits[name] = Split(split.inputs / 28, split.features / 28, targets)
    initial = {p.name: rng.uniform(-1, 1, (2, *p.shape)) / np.sqrt(p.fan_in) for p in parameters}
    return dataclasses.replace(labels, splits=splits, parameters=parameters, initial=initial)


@pytest.mark.parametrize("members", [1, 5])
def test_many_inputs_and_many_classes(members):
    rates = np.linspace(0.1, 0.01, members)
    members = population({"kind": "sgd"}, {"epochs": 10, "batch_size": 8}, np.arange(members) % 2, lr=rates)
    assert_same(*both(pictures(), members))


# Gradients -------------------------------------------------------------------------------------------


def started(pb, rows):
    """The problem with a draw for each row of parameters (R, P), all of them on the data of the first."""
    edges = np.cumsum([parameter.size for parameter in pb.parameters])[:-1]
    parts = np.split(rows, edges, axis=1)
    initial = {p.name: part.reshape(-1, *p.shape) for p, part in zip(pb.parameters, parts, strict=True)}
    index = np.zeros(len(rows), np.intp)
    return dataclasses.replace(pb, draws=pb.draws[:1] * len(rows), data_index=index, initial=initial)


GRADIENTS = {
    f"{loss} {activation} {hidden}": (
        POINTS,
        {"kind": "mlp", "hidden": hidden, "activation": activation},
        loss,
    )
    for loss in AXES["loss"]
    for hidden in ([], [5], [3, 4], [3, 4, 2])
    for activation in AXES["activation"]
}
GRADIENTS |= {
    f"{loss} {model['kind']}": (dataset, model, loss)
    for loss in ("mse", "half_mse", "huber")
    for dataset, model in ((SINE, {"kind": "polynomial", "degree": 3}), (LINE30, {"kind": "linear"}))
}


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize(("dataset", "model", "loss"), GRADIENTS.values(), ids=GRADIENTS)
def test_gradients_are_the_slopes_of_the_loss(dataset, model, loss, reduction):
    """What one step of gradient descent took away is the difference of the losses on both sides."""
    pb = problem(dataset, model, {"kind": loss, "reduction": reduction, **MORE.get(loss, {})})
    start = flat(pb.initial)
    aside = 1e-6 * np.eye(start.shape[1])
    pb = started(pb, np.concatenate([start, start + aside, start - aside]))
    members = population(
        {"kind": "sgd", "lr": 1e-3}, {"epochs": 1, "batch_size": "full"}, range(1 + 2 * len(aside))
    )
    engine = compiled(pb, members)
    _, above, below = np.split(evaluate(engine, "train")["loss"], [1, 1 + len(aside)])
    advance(engine, 1, 1)
    gradient = (start - flat(engine)[:1])[0] / 1e-3
    slopes = (above - below) / 2e-6
    np.testing.assert_allclose(gradient, slopes, rtol=1e-7, atol=1e-8 * (1 + np.abs(above).max()))


# Single precision ------------------------------------------------------------------------------------


def rounded(pb):
    """The problem with numbers that single precision holds, so that both precisions have the same ones."""

    def short(array):
        return array.astype(np.float32).astype(np.float64)

    splits = {
        name: Split(*(short(a) for a in (s.inputs, s.features, s.targets))) for name, s in pb.splits.items()
    }
    initial = {name: short(values) for name, values in pb.initial.items()}
    return dataclasses.replace(pb, splits=splits, initial=initial)


def descent(pb, rate, steps):
    """Gradient descent on a line in float64, and how far float32 may have gone astray at its end.

    A step does not take two points further apart (rate times curvature is below 2), so what each step
    rounds adds up. With u half a unit in the last place: an output of F features is a sum of F + 1 numbers,
    its error (F + 2) u times the sum of their sizes; a gradient is a sum over N examples, (N + 2) u likewise;
    the update rounds twice. Rate and 1 / N are powers of two.
    """
    split = pb.splits["train"]
    x = np.concatenate([split.features[0], np.ones((split.size, 1))], axis=1)
    y = split.targets[0, :, 0]
    n, f = x.shape
    p = flat(pb.initial)[0]
    u, astray = 2.0**-24, 0.0
    for _ in range(steps):
        error = x @ p - y
        gradient = x.T @ error / n
        sizes = np.abs(x) @ np.abs(p) + np.abs(y)
        of_gradient = np.abs(x).T @ ((f + 2) * u * sizes + (n + 2) * u * np.abs(error)) / n
        p = p - rate * gradient
        astray += np.linalg.norm(rate * of_gradient + u * (np.abs(p) + 2 * rate * np.abs(gradient)))
    return p, 1.01 * astray  # for products of roundings, and for sizes that are astray themselves


@pytest.mark.parametrize("members", [1, 40])
@pytest.mark.parametrize("reduced", [False, True])
def test_single_precision_is_off_by_its_roundings(reduced, members, monkeypatch):
    if not reduced:
        monkeypatch.setattr(fixed_arguments, "_PARAMETERS", 0)
    pb = rounded(problem(LINEAR | {"num_train": 64}, {"kind": "linear"}, {"kind": "half_mse"}))
    training = {"epochs": 40, "batch_size": "full"}
    members = population({"kind": "sgd", "lr": 2.0**-3}, training, [0] * members)
    engine = trained(pb, members, "float32", engine="compiled")
    expected, astray = descent(pb, 2.0**-3, 40)
    off = np.linalg.norm(flat(engine) - expected, axis=1)
    assert astray < 1e-3
    assert np.all(off <= astray)


@pytest.mark.parametrize("hidden", [[4], [33], [5, 4]], ids=str)
@pytest.mark.parametrize("kind", ["sgd", "adam", "rmsprop"])
@pytest.mark.parametrize("activation", ["tanh", "sigmoid"])
def test_single_precision_is_off_by_its_roundings_in_an_mlp(activation, kind, hidden):
    """Each step rounds: a sum of n numbers n times, and a few times in between; later steps amplify that.

    How much is seen from starts a little aside, trained in float64: a difference grows by no more than they
    do, but for luck.
    """
    steps, aside = 60, 1e-6
    pb = rounded(
        problem(
            POINTS | {"num_train": 32},
            {"kind": "mlp", "hidden": hidden, "activation": activation},
            {"kind": "bce"},
        )
    )
    start = flat(pb.initial)
    rng = np.random.default_rng(0)
    away = rng.standard_normal((20, start.shape[1]))
    away *= aside * np.linalg.norm(start) / np.linalg.norm(away, axis=1, keepdims=True)
    spread = started(pb, np.concatenate([start, start + away]))
    plan = {"epochs": steps, "batch_size": "full"}
    optimizer = {"kind": kind, "lr": 2.0**-8, **({} if kind == "sgd" else {"eps": 1e-3})}
    ends = flat(trained(spread, population(optimizer, plan, range(21))))
    growth = np.linalg.norm(ends[1:] - ends[0], axis=1).max() / (aside * np.linalg.norm(start))
    roundings = 32 + 2 * max(hidden) + 20
    found = flat(trained(pb, population(optimizer, plan), "float32", engine="compiled"))[0]
    tolerance = 2.0**-24 * roundings * steps * max(growth, 1.0)
    assert tolerance < 2e-3
    assert np.linalg.norm(found - ends[0]) <= tolerance * np.linalg.norm(ends[0])


# The quadratic form ----------------------------------------------------------------------------------

FORMS = {
    "a line": (LINEAR, {"kind": "linear"}, 0.02),
    "twelve features": (LINE30 | {"w": LINE30["w"][:12]}, {"kind": "linear"}, 0.01),
    "a feature that is always zero": (LINEAR | {"feature_std": [1.0, 0.0]}, {"kind": "linear"}, 0.02),
    "a cubic": (SINE, {"kind": "polynomial", "degree": 3}, 1e-4),
    "degree 8": (SINE | {"low": -1.0, "high": 1.0}, {"kind": "polynomial", "degree": 8}, 0.02),
}


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("loss", ["mse", "half_mse"])
@pytest.mark.parametrize(("dataset", "model", "rate"), FORMS.values(), ids=FORMS)
def test_the_quadratic_form_is_the_loss_of_the_examples(dataset, model, rate, loss, reduction, monkeypatch):
    """In float32 with and without it, and in float64 by torch: the same loss and the same gradient."""
    pb = rounded(problem(dataset, model, {"kind": loss, "reduction": reduction}, seeds=(0, 1, 2)))
    if reduction == "sum":
        rate = rate / pb.splits["train"].size
    rates = rate * 2.0 ** -np.arange(5)
    members = population({"kind": "sgd"}, {"epochs": 20, "batch_size": "full"}, [0, 1, 1, 2, 0], lr=rates)
    form = trained(pb, members, "float32", engine="compiled")
    assert form.environment["gradients"] == "quadratic form"
    monkeypatch.setattr(fixed_arguments, "_PARAMETERS", 0)
    direct = trained(pb, members, "float32", engine="compiled")
    assert direct.environment["gradients"] == "examples"
    exact = trained(pb, members)
    for engine in (form, direct):
        for name, values in epoch_metrics(exact).items():
            np.testing.assert_allclose(epoch_metrics(engine)[name], values, rtol=2e-6, err_msg=name)
        np.testing.assert_allclose(evaluate(engine, "val")["loss"], evaluate(exact, "val")["loss"], rtol=2e-6)
    for name, values in epoch_metrics(form).items():
        np.testing.assert_allclose(epoch_metrics(direct)[name], values, rtol=2e-6, err_msg=name)


def gradients(dataset, model, loss="mse", **training):
    pb = problem(dataset, model, {"kind": loss})
    members = population({"kind": "sgd"}, {"epochs": 1, "batch_size": "full", **training})
    return compiled_engine.CompiledEngine(pb, members, "float32").environment["gradients"]


@pytest.mark.parametrize(
    ("dataset", "model", "more"),
    [
        (LINEAR, {"kind": "linear"}, {"batch_size": 50}),  # a step sees a part of the examples
        (LINEAR, {"kind": "linear"}, {"loss": "huber"}),
        (LINEAR, {"kind": "mlp", "hidden": []}, {}),
        (XOR, {"kind": "linear"}, {}),  # accuracy is of examples
        (SINE, {"kind": "polynomial", "degree": 9}, {}),  # ill-conditioned
        (SINE | {"num_train": 3}, {"kind": "polynomial", "degree": 3}, {}),  # fewer examples than parameters
        (LINEAR | {"w": [1.0] * 70}, {"kind": "linear"}, {}),  # the examples are fewer numbers
    ],
    ids=str,
)
def test_elsewhere_gradients_come_from_the_examples(dataset, model, more):
    assert gradients(LINEAR, {"kind": "linear"}) == "quadratic form"
    assert gradients(dataset, model, **more) == "examples"


def test_fewer_examples_than_parameters():
    pb = problem(SINE | {"num_train": 3}, {"kind": "polynomial", "degree": 5}, {"kind": "mse"})
    members = population({"kind": "sgd", "lr": 1e-7}, {"epochs": 200, "batch_size": "full"}, [0] * 2)
    assert_same(*both(pb, members))


# Divergence ------------------------------------------------------------------------------------------

WILD = {  # the last rates of each do no harm
    "line": (LINEAR, {"kind": "linear"}, "half_mse", 16, [1e30, 30.0, 0.02]),
    # Whose form knows the mean of the squares, which may be finite one step longer than the largest square.
    "reduced line": (LINEAR, {"kind": "linear"}, "mse", "full", [1e4, 1e30, 0.02]),
    "cubic": (SINE, {"kind": "polynomial", "degree": 3}, "mse", 20, [1.0, 1e9, 1e-5]),
    "relu": (LINEAR, {"kind": "mlp", "hidden": [5, 4]}, "mse", 16, [1e3, 1e30, 0.02]),
}
WILD |= {  # an activation's derivative may be no number, even in lanes that hold no unit
    f"{activation} {hidden} {batch_size}": (
        LINEAR,
        {"kind": "mlp", "hidden": hidden, "activation": activation},
        "mse",
        batch_size,
        [1e30, 1e50, 0.02],
    )
    for activation in ("relu", "tanh", "sigmoid")
    for hidden, batch_size in (([5, 6], 16), ([17, 18], "full"))
}


@pytest.mark.parametrize(("dataset", "model", "loss", "batch_size", "rates"), WILD.values(), ids=WILD)
def test_a_member_diverges_at_the_step_at_which_torch_says(dataset, model, loss, batch_size, rates):
    """It keeps what it had before that step, and has no loss of an epoch that it did not finish."""
    pb = problem(dataset, model, {"kind": loss}, seeds=(0, 1))
    training = {"epochs": 40, "batch_size": batch_size}
    theirs = trained(pb, population({"kind": "sgd"}, training, [0, 1, 0], lr=rates))
    steps, expected = theirs.diverged_steps(), flat(theirs)
    assert (steps > 0).tolist() == [True, True, False]
    # A member on its way to infinity has magnified every rounding on that way.
    tolerance = np.array([1e-6, 1e-6, 1e-10]) * np.abs(expected).max(axis=1)
    for copies, pieces in itertools.product((1, 7), [(40,), (1,) * 40, (20, 3, 17)]):
        members = population({"kind": "sgd"}, training, [0, 1, 0] * copies, lr=rates * copies)
        ours = compiled(pb, members)
        first = 1
        for count in pieces:
            advance(ours, first, count)
            first += count
        assert ours.diverged_steps().reshape(copies, 3).tolist() == [steps.tolist()] * copies
        found = flat(ours).reshape(copies, 3, -1)
        assert np.all(np.abs(found - expected).max(axis=2) <= tolerance)
        for name, values in epoch_metrics(theirs).items():
            answer = epoch_metrics(ours)[name].reshape(copies, 3)
            assert np.isnan(answer[:, :2]).all()
            np.testing.assert_allclose(answer[:, 2], values[2], rtol=1e-9, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "rmsprop", "adamw"])
def test_all_members_may_diverge(optimizer):
    pb = problem(LINEAR, {"kind": "linear"}, {"kind": "mse"}, seeds=(0, 1))
    members = population(
        {"kind": optimizer}, {"epochs": 9, "batch_size": 16}, [0, 1] * 10, lr=np.geomspace(1e200, 1e300, 20)
    )
    ours, theirs = both(pb, members)
    assert np.all(theirs.diverged_steps() > 0)
    assert ours.diverged_steps().tolist() == theirs.diverged_steps().tolist()
    np.testing.assert_allclose(flat(ours), flat(theirs), rtol=1e-9)
    advance(ours, 9, 1)  # nothing is left to train
    assert np.isnan(epoch_metrics(ours)["train/running_loss"]).all()


@pytest.mark.parametrize("reduced", [False, True])
@pytest.mark.parametrize("members", [1, 40])
def test_a_loss_may_overflow_while_all_parameters_are_finite(members, reduced, monkeypatch):
    """The square of a clipped step of length 1e20 is more than float32 holds, that of 1e16 is not."""
    if not reduced:
        monkeypatch.setattr(fixed_arguments, "_PARAMETERS", 0)
    pb = problem(LINEAR, {"kind": "linear"}, {"kind": "mse"})
    training = {"epochs": 30, "batch_size": "full", "clip_grad_norm": 1.0}
    for rate, step in ((1e20, 2), (1e16, 0)):
        engine = trained(
            pb,
            population({"kind": "sgd", "lr": rate}, training, [0] * members),
            "float32",
            engine="compiled",
        )
        assert engine.diverged_steps().tolist() == [step] * members
        assert np.isfinite(flat(engine)).all()
        assert np.isnan(epoch_metrics(engine)["train/running_loss"]).all() == (step > 0)


def test_large_losses_that_never_overflow_by_themselves_are_no_divergence():
    """Their sum over the steps of many epochs would be infinite in float32."""
    pb = problem(LINEAR | {"b": 1e19, "noise": 0.0}, {"kind": "linear"}, {"kind": "mse"})
    members = population({"kind": "sgd", "lr": 1e-30}, {"epochs": 200, "batch_size": 10})
    engine = trained(pb, members, "float32", engine="compiled")
    assert engine.diverged_steps().tolist() == [0]
    np.testing.assert_allclose(epoch_metrics(engine)["train/running_loss"], [1e38], rtol=1e-4)


@pytest.mark.parametrize("members", [2, 40])
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_frozen_members_stay_frozen_and_the_others_train_on(optimizer, members):
    pb = problem(POINTS, {"kind": "mlp", "hidden": [4]}, {"kind": "bce"}, seeds=(0, 1))
    rates = np.linspace(0.001, 0.01, members)
    everyone = population(
        {"kind": optimizer}, {"epochs": 9, "batch_size": 5}, np.arange(members) % 2, lr=rates
    )
    frozen = np.arange(members) % 3 == 0
    engines = compiled(pb, everyone), TorchEngine(pb, everyone, "cpu", "float64")
    for engine in engines:
        advance(engine, 1, 4)
        engine.freeze(frozen, np.zeros(len(frozen), dtype=np.intp))
    before = flat(engines[0])
    for engine in engines:
        advance(engine, 5, 5)
    after, expected = (flat(engine) for engine in engines)
    assert before[frozen].tobytes() == after[frozen].tobytes()
    np.testing.assert_allclose(after, expected, rtol=1e-10, atol=1e-12)
    assert not engines[0].diverged_steps().any()
    never = trained(pb, everyone, engine="compiled")
    assert flat(never)[~frozen].tobytes() == after[~frozen].tobytes()


def test_a_run_may_be_frozen_as_a_whole():
    pb = problem(LINEAR, {"kind": "linear"}, {"kind": "mse"})
    engine = compiled(pb, population({"kind": "sgd"}, {"epochs": 9}, [0] * 3))
    advance(engine, 1, 2)
    before = flat(engine)
    engine.freeze(np.array([True] * 3), np.zeros(3, dtype=np.intp))
    advance(engine, 3, 7)
    assert flat(engine).tobytes() == before.tobytes()


def test_who_is_interrupted_leaves_threads_the_memory_that_they_write_to(monkeypatch):
    """They cannot be stopped: what they write to must stay until they have ended, and no longer."""
    memory, work = [], []

    class Watched(calls.Scratch):
        def __init__(self, arguments):
            super().__init__(arguments)
            memory.append(weakref.ref(self._memory))

    def interrupted(_threads, given):
        work.append(given)
        raise KeyboardInterrupt

    line = problem(LINEAR, {"kind": "linear"}, {"kind": "half_mse"})
    members = population({"kind": "sgd", "lr": 0.1}, {"batch_size": 10}, [0] * 10)
    engine = compiled(line, members)
    with monkeypatch.context() as context:
        context.setattr(calls, "Scratch", Watched)
        context.setattr(calls.Threads, "run", interrupted)
        with pytest.raises(KeyboardInterrupt):
            advance(engine, 1, 1)
    del engine
    gc.collect()
    assert memory
    assert all(kept() is not None for kept in memory)
    work.clear()
    gc.collect()
    assert all(kept() is None for kept in memory)
