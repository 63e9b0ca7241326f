"""Datasets, losses and optimizers of the user's: held to the built-in ones of the same form."""

import numpy as np
import pytest
from builders import LINEAR, XOR, advance, component, flat, population, problem, trained

from lrcli.components.datasets.python import DatasetCode
from lrcli.engines.torch.engine import TorchEngine
from lrcli.engines.torch.loss_code import LossCode
from lrcli.engines.torch.optimizer_code import OptimizerCode
from lrcli.errors import CodeError, CodeRunError
from lrcli.training.problem import Draw, draw_problem

FILE = '''
import numpy as np
import torch
from torch import nn


class Line:
    """The built-in linear dataset."""

    def __init__(self, w=(2.0, -3.4), noise=0.01):
        self.w, self.noise = np.array(w), noise

    def sample(self, rng, count):
        inputs = rng.standard_normal((count, len(self.w)))
        return inputs, self.rule(inputs) + self.noise * rng.standard_normal((count, 1))

    def rule(self, inputs):
        return inputs @ self.w[:, None] + 4.2

    def true_parameters(self, model):
        return {"w": self.w[:, None], "b": [4.2]} if model == "linear" else None


def quadrants(rng, count, low=-1.0):
    inputs = rng.uniform(low, 1, (count, 2))
    rng.random((count, 1))
    return inputs, (inputs[:, 0] * inputs[:, 1] >= 0).astype(float)


def half(outputs, targets):
    return (outputs - targets)[:, 0] ** 2 / 2


def huber(outputs, targets, delta=1.0):
    return nn.functional.huber_loss(outputs, targets, delta=delta, reduction="none")


def branching(outputs, targets):
    return half(outputs, targets) if outputs.sum().item() < 1e300 else None


def entropy(outputs, targets):
    return -(nn.functional.log_softmax(outputs, -1) * targets).sum(-1)


class Logistic(nn.BCEWithLogitsLoss):
    def __init__(self):
        super().__init__(reduction="none")


class Momentum:
    def __init__(self, momentum=0.0):
        self.momentum = momentum

    def init(self, parameters):
        return {"velocity": torch.zeros_like(parameters)}

    def update(self, gradient, state, parameters, lr, step):
        velocity = self.momentum * state["velocity"] + gradient
        return parameters - lr * velocity, {"velocity": velocity}


class Adam:
    def init(self, p):
        return {"m": 0 * p, "v": 0 * p}

    def update(self, g, state, p, lr, step):
        m, v = 0.9 * state["m"] + 0.1 * g, 0.999 * state["v"] + 0.001 * g * g
        step_size = lr / (1 - 0.9**step)
        return p - step_size * m / ((v / (1 - 0.999**step)).sqrt() + 1e-8), {"m": m, "v": v}


class OwnAdam(torch.optim.Adam):
    pass


class Counting(torch.optim.Optimizer):
    """Rates that fall with a count, which is a number and no tensor."""

    def __init__(self, params, lr):
        super().__init__(params, {"lr": lr})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                count = self.state[p]["count"] = self.state[p].get("count", 0) + 1
                p -= group["lr"] / count * p.grad


def wrong_shape(rng, count): return rng.random((count, 3)), rng.random(count)
def words(rng, count): return [["a"] * 2] * count, rng.random(count)
def alone(rng, count): return rng.random((count, 2))
def labels(rng, count): return rng.random((count, 2)), np.full(count, 2.0)
def single(o, t): return ((o.float() - t.float()) ** 2)[:, 0]
def halves(o, t):
    t /= 2
    return ((o - t) ** 2)[:, 0]
def holes(rng, count):
    x = rng.normal(size=(count, 2))
    x[3, 1] = np.nan
    return x, np.zeros(count)
def imaginary(rng, count): return rng.normal(size=(count, 2)) * 1j, np.zeros(count)
class Wrong:
    def __init__(self, true): self.true = true
    def sample(self, rng, count): return rng.normal(size=(count, 2)), rng.normal(size=count)
    def true_parameters(self, model): return self.true
class Trap:
    def __getattr__(self, name): raise RuntimeError(name)
class NoArray:
    def __array__(self, *args, **kwargs): raise RuntimeError("no array")
def arrayless(rng, count): return NoArray(), NoArray()
def failing(rng, count): raise ValueError("no data")
def mean(outputs, targets): return half(outputs, targets).mean()
def detached(outputs, targets): return half(outputs, targets).detach()
def per_output(outputs, targets): return torch.zeros(len(outputs), 7)
number = 3


class Scalars(Momentum):
    def init(self, parameters):
        return {"velocity": torch.tensor(0.0)}


class Forgetful(Momentum):
    def update(self, *_):
        return super().update(*_)[0], {}


class Keeps(Counting):
    def step(self):
        super().step()
        for p in self.param_groups[0]["params"]:
            self.state[p]["note"] = "a word"


class Prepared(torch.optim.Optimizer):
    """Adagrad, whose constructor makes the state."""

    def __init__(self, params, lr):
        super().__init__(params, {"lr": lr})
        for group in self.param_groups:
            for p in group["params"]:
                self.state[p]["sum"] = torch.full_like(p, 0.5)

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                self.state[p]["sum"] += p.grad * p.grad
                p -= group["lr"] * p.grad / self.state[p]["sum"].sqrt()


class Grouped(Counting):
    def step(self):
        self.param_groups[0]["count"] = self.param_groups[0].get("count", 0) + 1


class Attributed(Counting):
    total = 0

    def step(self):
        super().step()
        self.total = self.total + 1


class Written(Momentum):
    """Momentum that counts, and writes into its state."""

    def init(self, parameters):
        return super().init(parameters) | {"count": torch.zeros_like(parameters[:, :1])}

    def update(self, gradient, state, parameters, lr, step):
        state["count"] += 1
        assert bool((state["count"] == step).all())
        state["velocity"].mul_(self.momentum).add_(gradient)
        return parameters - lr * state["velocity"], state


class Late(Momentum):
    def update(self, gradient, state, parameters, lr, step):
        if step > 4:
            raise RuntimeError("too late")
        return super().update(gradient, state, parameters, lr, step)
'''
HALF, BCE = {"kind": "half_mse"}, {"kind": "bce"}
MLP = {"kind": "mlp", "hidden": [3], "activation": "tanh"}
SGD = {"kind": "sgd", "lr": 0.05}
TRAINING = {"epochs": 3, "batch_size": 8}
CODES = {"dataset": DatasetCode, "loss": LossCode, "optimizer": OptimizerCode}


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    """Makes a component of a name in the file, with its code."""
    path = tmp_path_factory.mktemp("code") / "parts.py"
    path.write_text(FILE)

    def make(group, name, **keys):
        whole = component(group, kind="python", path=str(path), name=name, **keys)
        return whole.with_code(CODES[group](whole))

    return make


def built(group, keys):
    return component(group, **keys) if isinstance(keys, dict) else keys


def fitted(dataset=LINEAR, model=MLP, loss=HALF, optimizer=SGD, seeds=(0,), engine=None, **varied):
    """What some members have come to, (R, P)."""
    draws = [Draw(seed, built("dataset", dataset), component("model", **model)) for seed in seeds]
    pb = draw_problem(draws, built("loss", loss))
    members = population(SGD, TRAINING, range(len(seeds)), **varied)
    rule = built("optimizer", optimizer)
    vectors = {**rule.hyperparameters()}
    vectors = {name: np.full(len(seeds), value) for name, value in vectors.items()}
    vectors["lr"] = members.hyperparameters["lr"]
    members = type(members)(members.draw_index, rule, members.training, vectors)
    return flat(trained(pb, members))


def test_a_dataset_draws_what_the_built_in_one_draws(opened):
    own = opened("dataset", "Line", features=2, num_train=100, num_val=50)
    ours = component("dataset", **LINEAR)
    for split in ("train", "val"):
        for got, expected in zip(own.draw(3, split), ours.draw(3, split), strict=True):
            np.testing.assert_array_equal(got, expected)
    inputs = np.ones((3, 2))
    np.testing.assert_array_equal(own.rule(inputs), ours.rule(inputs))
    for name, values in ours.true_parameters("linear").items():
        np.testing.assert_array_equal(own.true_parameters("linear")[name], values)
    assert own.true_parameters("mlp") is None


def test_a_function_draws_classes(opened):
    own = opened("dataset", "quadrants", features=2, classes=2, num_train=40, args={"low": -1.0})
    inputs, targets = own.draw(5, "train")
    expected = component("dataset", **XOR).draw(5, "train")
    np.testing.assert_array_equal(inputs, expected[0])
    np.testing.assert_array_equal(targets, expected[1])
    assert own.rule(inputs) is None


LOSSES = [
    ("half", {}, HALF, LINEAR),
    ("branching", {}, HALF, LINEAR),
    ("huber", {"args": {"delta": 0.5}}, {"kind": "huber", "delta": 0.5}, LINEAR),
    ("Logistic", {"logits": True}, BCE, XOR),
    ("entropy", {"outputs": 2}, {"kind": "cross_entropy"}, XOR),
]


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize(("name", "keys", "built_in", "dataset"), LOSSES, ids=[case[0] for case in LOSSES])
def test_a_loss_trains_as_the_built_in_one(opened, name, keys, built_in, dataset, reduction):
    own = opened("loss", name, reduction=reduction, **keys)
    for seeds in ((0,), (0, 1, 2)):
        rates = np.linspace(0.001, 0.01, len(seeds))
        expected = fitted(dataset, loss={**built_in, "reduction": reduction}, seeds=seeds, lr=rates)
        np.testing.assert_allclose(
            fitted(dataset, loss=own, seeds=seeds, lr=rates), expected, rtol=0, atol=1e-10
        )


def test_a_loss_counts_what_is_right(opened):
    for name, keys, built_in in (("Logistic", {"logits": True}, BCE), ("half", {}, HALF)):
        metrics = []
        for loss in (opened("loss", name, **keys), component("loss", **built_in)):
            pb = draw_problem([Draw(0, component("dataset", **XOR), component("model", **MLP))], loss)
            metrics.append(trained(pb, population(SGD, TRAINING)).evaluate("val"))
        for metric, values in metrics[1].items():
            np.testing.assert_allclose(metrics[0][metric], values, atol=1e-12)


OPTIMIZERS = [
    ("Momentum", {"args": {"momentum": 0.9}}, {"kind": "sgd", "momentum": 0.9}),
    ("Written", {"args": {"momentum": 0.9}}, {"kind": "sgd", "momentum": 0.9}),
    ("Adam", {}, {"kind": "adam"}),
    ("OwnAdam", {}, {"kind": "adam"}),
    (
        "OwnAdam",
        {"args": {"weight_decay": 0.1, "amsgrad": True}},
        {"kind": "adam", "weight_decay": 0.1, "amsgrad": True},
    ),
]


@pytest.mark.parametrize(("name", "keys", "built_in"), OPTIMIZERS, ids=str)
def test_an_optimizer_trains_as_the_built_in_one(opened, name, keys, built_in):
    own = opened("optimizer", name, **keys)
    for seeds in ((0,), (0, 1, 2)):
        rates = np.linspace(0.01, 0.05, len(seeds))
        expected = fitted(optimizer=component("optimizer", **built_in), seeds=seeds, lr=rates)
        np.testing.assert_allclose(fitted(optimizer=own, seeds=seeds, lr=rates), expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("name", ["Momentum", "Adam", "OwnAdam", "Counting", "Prepared"])
@pytest.mark.parametrize("before", [0, 2])
def test_an_optimizer_goes_on_with_the_same_bits(opened, name, before):
    pb = problem(LINEAR, MLP, HALF, [0, 1])
    members = population(SGD, {"epochs": 4, "batch_size": 8}, [0, 1])
    rule = opened("optimizer", name)
    members = type(members)(members.draw_index, rule, members.training, {"lr": np.array([0.01, 0.02])})
    whole = TorchEngine(pb, members, "cpu", "float64")
    advance(whole, 1, 4)
    first, second = (TorchEngine(pb, members, "cpu", "float64") for _ in range(2))
    if before:
        advance(first, 1, before)
    second.restore(first.state())
    advance(second, before + 1, 4 - before)
    np.testing.assert_array_equal(flat(second), flat(whole))
    for key, values in whole.state().items():
        np.testing.assert_array_equal(second.state()[key], values)


@pytest.mark.parametrize("name", ["Momentum", "OwnAdam", "Counting", "Prepared"])
def test_a_member_that_diverges_leaves_the_others_alone(opened, name):
    own = opened("optimizer", name)
    together = fitted(model={"kind": "linear"}, optimizer=own, seeds=(0, 1, 2), lr=[0.01, 1e308, 0.02])
    for seed, rate in ((0, 0.01), (2, 0.02)):
        alone = fitted(model={"kind": "linear"}, optimizer=own, seeds=(seed,), lr=[rate])
        np.testing.assert_array_equal(together[[seed]], alone)


REFUSED = [
    ("dataset", "number", {}, "has no method sample"),
    ("dataset", "Trap", {}, "sample failed: RuntimeError: sample"),
    ("loss", "number", {}, "is no function"),
    ("optimizer", "number", {}, "has no init and update"),
    ("optimizer", "Momentum", {"args": {"speed": 1}}, "unexpected keyword argument 'speed'"),
    ("loss", "number", {"args": {"a": 1}}, "takes no args"),
]


@pytest.mark.parametrize(("group", "name", "keys", "message"), REFUSED, ids=str)
def test_what_is_no_such_component_is_refused(opened, group, name, keys, message):
    with pytest.raises(CodeError, match=message):
        opened(group, name, **keys)


BAD_DATA = [
    ("wrong_shape", r"inputs have the shape \(9, 3\); it must be \(9, 2\)"),
    ("words", "inputs are no array of numbers"),
    ("alone", "sample must give a pair"),
    ("labels", "a target is 2; classes are whole numbers from 0 to 1"),
    ("failing", "sample failed: ValueError: no data"),
    ("holes", "inputs hold nan, in row 3 from 0"),
    ("imaginary", "inputs are no array of numbers: TypeError: they are complex"),
    ("arrayless", "inputs are no array of numbers: RuntimeError: no array"),
]


@pytest.mark.parametrize(("name", "message"), BAD_DATA)
def test_bad_data_are_refused(opened, name, message):
    own = opened("dataset", name, features=2, classes=2, num_train=9)
    with pytest.raises(CodeError, match=message):
        own.draw(0, "train")


def test_true_parameters_that_are_none(opened):
    from lrcli.analysis.recovery import true_parameters

    own = opened("dataset", "Wrong", features=2, args={"true": {"w": [float("nan")]}})
    with pytest.raises(CodeError, match="true_parameters failed: ValueError: w is not finite"):
        true_parameters(own, component("model", kind="linear"))


BAD_RULES = [
    ("loss", "mean", r"gives \(\) for outputs \(8, 1\).*reduction='none'"),
    ("loss", "single", "gives torch.float32 on cpu where training is in torch.float64 on cpu"),
    ("loss", "halves", "changes its targets in place"),
    ("loss", "detached", "do not depend on the outputs"),
    ("loss", "per_output", r"gives \(8, 7\)"),
    ("optimizer", "Scalars", "a row for each member"),
    ("optimizer", "Forgetful", "with the names of init's"),
    ("optimizer", "Keeps", "keeps note, a str; only tensors and numbers can be saved"),
    ("optimizer", "Grouped", r"changes self.param_groups\[0\]\['count'\] in a step"),
    ("optimizer", "Attributed", "changes self.total in a step"),
]


@pytest.mark.parametrize(("group", "name", "message"), BAD_RULES)
def test_what_cannot_be_trained_with_is_refused_before_it_is(opened, group, name, message):
    with pytest.raises(CodeError, match=message):
        fitted(**{group: opened(group, name)})


def test_an_optimizer_that_fails_later_fails_the_run(opened):
    with pytest.raises(CodeRunError, match="update failed: RuntimeError: too late"):
        fitted(optimizer=opened("optimizer", "Late"))
