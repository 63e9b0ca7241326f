"""Modules of the user's: held to the built-in models of the same form, alone and in a population."""

import numpy as np
import pytest
from builders import LINEAR, XOR, component, flat, parameters, population, problem, trained

from lrcli.components.randomness import generator
from lrcli.engines.torch.keyed_random import generator_states
from lrcli.engines.torch.module_code import ModuleCode
from lrcli.errors import CodeError, CodeRunError
from lrcli.training.problem import Draw, draw_problem

FILE = '''
import torch
from torch import nn


def line():
    return nn.Sequential(nn.Linear(2, 1))


class Net(nn.Module):
    """2-4-4-1, as the built-in mlp."""

    def __init__(self, p=0.0):
        super().__init__()
        layers = [nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 4), nn.Tanh(), nn.Dropout(p), nn.Linear(4, 1)]
        self.layers = nn.ModuleList(layers)

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


class Noisy(nn.Linear):
    def __init__(self, std=0.1):
        super().__init__(2, 1)
        self.std = std

    def forward(self, x, training=False):
        return super().forward(x + self.std * torch.randn_like(x) if training else x)


class Branching(nn.Linear):
    def __init__(self):
        super().__init__(2, 1)

    def forward(self, x):
        return super().forward(x) if x.sum().item() > -1e9 else None


class Function(torch.autograd.Function):
    @staticmethod
    def forward(ctx, u):
        return 2 * u

    @staticmethod
    def backward(ctx, slope):
        return 2 * slope


class Doubled(nn.Linear):
    def __init__(self):
        super().__init__(2, 1)

    def forward(self, x):
        return Function.apply(super().forward(x))


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(2, 2)
        self.second = nn.Linear(2, 2)
        self.second.weight = self.first.weight
        self.last = nn.Linear(2, 1)
        self.last.bias.requires_grad_(False)
        self.unused = nn.Parameter(torch.ones(3))
        self.register_buffer("scale", torch.tensor([0.5, 2.0]))
        self.register_buffer("count", torch.tensor(3))

    def forward(self, x):
        return self.last(self.second(torch.tanh(self.first(x * self.scale)))) * self.count


class InPlace(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 1)

    def forward(self, x):
        x *= 2
        return self.layer(x)[:, 0]


def net(*layers):
    return nn.Sequential(*layers)


def running(): return net(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Linear(3, 1))
def batch(): return net(nn.Linear(2, 3), nn.BatchNorm1d(3, track_running_stats=False), nn.Linear(3, 1))
def layer(): return net(nn.Linear(2, 3), nn.LayerNorm(3), nn.Linear(3, 1))
def built_in():
    module = nn.Linear(2, 1)
    module.forward = torch.relu
    return module
def elsewhere(): return net(nn.Linear(2, 1), Elsewhere())
def sparse(): return net(nn.Linear(2, 1), Sparse())
def own_train(): return Trainer(2, 1)
def wide(): return nn.Linear(2, 2)
def lazy(): return nn.LazyLinear(1)
def nothing(): return nn.ReLU()
def number(): return 3
def restless(): return net(nn.Linear(2, 1), Always())
def random_buffer():
    module = nn.Linear(2, 1)
    module.register_buffer("B", torch.randn(3))
    return module


class Always(nn.Module):
    def forward(self, x):
        return x + torch.randn_like(x)


class Elsewhere(nn.Module):
    def forward(self, x):
        return x.to("meta")


class Sparse(nn.Module):
    def forward(self, x):
        return x.to_sparse()


class Trainer(nn.Linear):
    def train(self, data):
        self.loss = data.shape


class Detached(nn.Linear):
    def __init__(self):
        super().__init__(2, 1)

    def forward(self, x):
        return super().forward(x).detach()


class Deaf(nn.Linear):
    """What it learns is left out, what is frozen is not."""

    def __init__(self):
        super().__init__(2, 1)
        self.factor = nn.Parameter(torch.ones(1), requires_grad=False)

    def forward(self, x):
        return super().forward(x).detach() * self.factor


class Late(nn.Linear):
    """Fails in its seventh call."""

    calls = 0

    def __init__(self):
        super().__init__(2, 1)

    def forward(self, x):
        Late.calls += 1
        if Late.calls > 6:
            raise ValueError("too late")
        return super().forward(x)


class Infinite(nn.Linear):
    def __init__(self):
        super().__init__(2, 1)

    def forward(self, x):
        return super().forward(x) / torch.relu(self.bias - 1e9)


made = nn.Linear(2, 1)
'''
HALF, BCE = {"kind": "half_mse"}, {"kind": "bce"}
SGD = {"kind": "sgd", "lr": 0.05, "momentum": 0.9}
TRAINING = {"epochs": 3, "batch_size": 8}


@pytest.fixture(scope="module")
def module(tmp_path_factory):
    """Makes a model of a name in the file, with its code."""
    path = tmp_path_factory.mktemp("code") / "nets.py"
    path.write_text(FILE)

    def make(name, **keys):
        model = component("model", kind="module", path=str(path), name=name, **keys)
        return model.with_code(ModuleCode(model))

    return make


def fitted(model, seeds=(0,), dataset=LINEAR, loss=HALF, optimizer=SGD, **varied):
    """What some members have come to, (R, P), each with a seed of its own."""
    draws = [Draw(seed, component("dataset", **dataset), model) for seed in seeds]
    pb = draw_problem(draws, component("loss", **loss))
    return flat(trained(pb, population(optimizer, TRAINING, range(len(seeds)), **varied)))


def as_built_in(rows, *shapes):
    """Rows of weights (out, in) and biases as rows of weights (in, out) and biases."""
    edges = np.cumsum([o * i + o for o, i in shapes])[:-1]
    parts = []
    for part, (o, i) in zip(np.split(rows, edges, axis=1), shapes, strict=True):
        weight = part[:, : o * i].reshape(-1, o, i).transpose(0, 2, 1).reshape(len(part), -1)
        parts += [weight, part[:, o * i :]]
    return np.concatenate(parts, axis=1)


FORMS = [
    ("line", {"kind": "linear"}, LINEAR, HALF, [(1, 2)]),
    ("Net", {"kind": "mlp", "hidden": [4, 4], "activation": "tanh"}, XOR, BCE, [(4, 2), (4, 4), (1, 4)]),
]


@pytest.mark.parametrize(("name", "built_in", "dataset", "loss", "shapes"), FORMS)
@pytest.mark.parametrize(
    "init", [{"kind": "default"}, {"kind": "normal", "std": 0.3}], ids=lambda i: i["kind"]
)
def test_a_module_is_the_built_in_of_the_same_form(module, name, built_in, dataset, loss, shapes, init):
    ours = component("model", **built_in, init=init)
    theirs = module(name, init=init)
    for seeds in [(3,), range(50)]:
        starts = [problem_of(model, dataset, loss, seeds) for model in (ours, theirs)]
        np.testing.assert_array_equal(starts[0], as_built_in(starts[1], *shapes))
        expected = fitted(ours, seeds, dataset, loss)
        got = as_built_in(fitted(theirs, seeds, dataset, loss), *shapes)
        assert np.abs(expected).max() > 0.1
        np.testing.assert_allclose(got, expected, rtol=0, atol=1e-10)


def problem_of(model, dataset, loss, seeds):
    """The initial parameters, (R, P)."""
    pb = draw_problem(
        [Draw(s, component("dataset", **dataset), model) for s in seeds], component("loss", **loss)
    )
    return pb.starts(np.arange(len(seeds)))


@pytest.mark.parametrize("name", ["line", "Net", "Tied", "batch", "layer", "InPlace"])
def test_a_member_alone_is_what_it_is_in_company(module, name):
    model = module(name)
    rates = [0.001, 0.002, 0.005, 0.01]
    together = fitted(model, range(4), lr=rates)
    for seed, rate in enumerate(rates):
        alone = fitted(model, [seed], lr=[rate])
        np.testing.assert_allclose(together[[seed]], alone, rtol=0, atol=1e-10)


@pytest.mark.parametrize(("name", "args"), [("Net", {"p": 0.5}), ("Noisy", {"std": 0.7})])
def test_random_modules_draw_the_same_alone_and_in_company(module, name, args):
    model = module(name, args=args)
    together = fitted(model, [5, 7, 5], lr=[0.01, 0.05, 0.02])
    for number, (seed, rate) in enumerate([(5, 0.01), (7, 0.05), (5, 0.02)]):
        np.testing.assert_array_equal(together[[number]], fitted(model, [seed], lr=[rate]))
    quiet = fitted(module(name, args=dict.fromkeys(args, 0.0)), [5], lr=[0.01])
    assert np.abs(together[0] - quiet).max() > 1e-3


def test_noise_is_new_in_each_step(module):
    """A step of a linear module whose inputs are noise alone: its gradient is that of the noise."""
    model = module("Noisy", args={"std": 1.0}, init={"kind": "zeros"})
    data = {**LINEAR, "feature_std": 0.0, "w": [0.0, 0.0], "b": 1.0, "noise": 0.0, "num_train": 4}
    draws = [Draw(0, component("dataset", **data), model)]
    pb = draw_problem(draws, component("loss", **HALF))
    steps = {"epochs": 4, "batch_size": "full"}
    optimizer = {"kind": "sgd", "lr": 1.0}
    engines = [trained(pb, population(optimizer, steps), epochs=epochs) for epochs in (1, 2)]
    one, two = (parameters(engine)["weight"].ravel() for engine in engines)
    assert not np.allclose(one, 0)
    assert not np.allclose(two - one, one)


@pytest.mark.parametrize(("name", "maps"), [("Net", True), ("Noisy", False)])
def test_another_thread_that_draws_is_not_the_module(module, name, maps, monkeypatch):
    moves = iter([1, 2, 2, 2])  # before and after the first call, then of no other

    def states():
        found = generator_states()
        return [*found[:-1], found[-1] + next(moves, 2)]

    monkeypatch.setattr("lrcli.engines.torch.module_population.generator_states", states)
    assert module(name).code.maps(4, 2, 1) is maps


def test_noise_does_not_touch_the_generators_of_others(module):
    before = [state.copy() for state in generator_states()]
    fitted(module("Noisy"))
    assert all(map(np.array_equal, before, generator_states()))


@pytest.mark.parametrize("name", ["Branching", "Doubled"])
def test_what_cannot_be_mapped_trains_member_by_member(module, name):
    model = module(name)
    assert not model.code.maps(4, 2, 1)
    with pytest.warns(UserWarning, match="one after the other") as told:
        together = fitted(model, range(3))
    assert len(told) == 1
    for seed in range(3):
        np.testing.assert_array_equal(together[[seed]], fitted(model, [seed]))


@pytest.mark.parametrize(("name", "maps"), [("Net", True), ("Noisy", False), ("Unusable", True)])
def test_whether_it_can_be_mapped_is_known_before_training(module, name, maps, recwarn):
    """Of what cannot be trained at all, training says so."""
    if name == "Unusable":
        model = module("Net")
        assert model.code.maps(4, 17, 1)
    else:
        assert module(name).code.maps(4, 2, 1) is maps
    assert not recwarn.list


def test_own_values_are_those_of_the_constructor_and_of_the_seed(module):
    model = module("Net")
    first, again, other = (model.initial(2, 1, seed) for seed in (4, 4, 5))
    for name, values in first.items():
        np.testing.assert_array_equal(values, again[name])
        assert not np.array_equal(values, other[name])
        bound = 1 / np.sqrt(2 if name.startswith("layers.0") else 4)
        assert np.abs(values).max() <= bound


def test_frozen_tied_and_unused_parameters(module):
    model = module("Tied")
    names = {p.name: p for p in model.parameters(2, 1)}
    assert list(names) == ["unused", "first.weight", "first.bias", "second.bias", "last.weight", "last.bias"]
    assert names["last.bias"].is_frozen
    assert names["first.bias"].is_bias
    decayed = {"kind": "adamw", "lr": 0.1, "weight_decay": 0.5}
    start = model.initial(2, 1, 0)
    pb = draw_problem([Draw(0, component("dataset", **LINEAR), model)], component("loss", **HALF))
    end = parameters(trained(pb, population(decayed, TRAINING)))
    np.testing.assert_array_equal(end["last.bias"][0], start["last.bias"])
    assert np.all(end["unused"] < 1)  # decayed, and nothing else
    assert np.abs(end["first.weight"][0] - start["first.weight"]).max() > 0.01


def test_values_are_taken_as_the_module_holds_them(module):
    values = {"0.weight": [[1.0, 2.0]], "0.bias": [3.0]}
    start = module("line", init={"kind": "values", "values": values}).initial(2, 1, 0)
    assert {name: value.tolist() for name, value in start.items()} == values


def test_weights_of_layers_are_drawn_as_those_of_built_in_ones(module):
    start = module("Net", init={"kind": "xavier_normal"}).initial(2, 1, 9)
    std = np.sqrt(2 / (2 + 4))
    expected = std * generator(9, "init", 0).standard_normal((2, 4))
    np.testing.assert_array_equal(start["layers.0.weight"], expected.T)
    assert not start["layers.0.bias"].any()


REFUSED = [
    ("nought", "has no nought"),
    ("number", "makes a int, not a torch.nn.Module"),
    ("made", "has been made; name a class or a function"),
    ("nothing", "has no parameters to train"),
    ("lazy", "has no shape before it has seen data"),
    ("random_buffer", "its buffer B is drawn at random"),
]


@pytest.mark.parametrize(("name", "message"), REFUSED, ids=[name for name, _ in REFUSED])
def test_what_is_no_module_is_refused(module, name, message):
    with pytest.raises(CodeError, match=message):
        module(name)


UNTRAINABLE = [
    ("running", "its buffer 1.running_mean changes as it trains.*track_running_stats=False"),
    ("wide", r"forward gives \(8, 2\) for inputs \(8, 2\); it must give \(8, 1\)"),
    ("restless", "draws random numbers in evaluation"),
    ("elsewhere", "forward gives a tensor on meta .* for inputs on cpu"),
    ("sparse", r"forward gives a tensor on cpu \(torch.sparse_coo\) for inputs on cpu"),
    ("own_train", r"train\(True\): AttributeError: 'bool' object has no attribute 'shape'"),
    ("built_in", r"forward gives \(8, 2\) for inputs"),
    ("Detached", "do not depend on its parameters"),
    ("Deaf", "do not depend on its parameters"),
]


@pytest.mark.parametrize(("name", "message"), UNTRAINABLE, ids=[name for name, _ in UNTRAINABLE])
def test_what_cannot_be_trained_is_refused_before_it_is(module, name, message):
    with pytest.raises(CodeError, match=message):
        fitted(module(name))


def test_an_exception_while_training_has_the_lines_of_the_user(module):
    with pytest.raises(CodeRunError) as caught:
        fitted(module("Late"))
    message, *lines = str(caught.value).splitlines()
    assert message.endswith("forward failed: ValueError: too late")
    assert lines[0].endswith("in forward")
    assert lines[1].strip() == 'raise ValueError("too late")'
    assert len(lines) == 2


def test_infinite_outputs_end_a_member_and_no_other(module):
    """One diverges by its rate, the others are what they are without it."""
    model = module("Net")
    quick = {"kind": "sgd", "lr": 0.05}
    together = fitted(model, range(3), optimizer=quick, lr=[0.01, 1e300, 0.02])
    for seed, rate in ((0, 0.01), (2, 0.02)):
        np.testing.assert_allclose(
            together[[seed]], fitted(model, [seed], optimizer=quick, lr=[rate]), rtol=0, atol=1e-10
        )
    draws = [Draw(0, component("dataset", **LINEAR), module("Infinite"))]
    pb = draw_problem(draws, component("loss", **HALF))
    assert trained(pb, population(quick, TRAINING)).diverged_steps().tolist() == [1]


def test_a_problem_without_the_code_has_the_data_alone(module):
    closed = component("model", kind="module", path="nowhere.py", name="Net")
    pb = problem(LINEAR, {"kind": "linear"}, HALF)
    unopened = draw_problem([Draw(0, pb.dataset, closed)], pb.loss)
    assert unopened.parameters == ()
    np.testing.assert_array_equal(unopened.splits["train"].inputs, pb.splits["train"].inputs)
    with pytest.raises(CodeError, match="has not been run"):
        closed.parameters(2, 1)
