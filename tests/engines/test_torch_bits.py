"""On the CPU a member's bits depend neither on where it lies in a population nor on the number of threads."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from builders import (
    SINE,
    XOR,
    built_in,
    component,
    epoch_metrics,
    evaluate,
    flat,
    population,
    problem,
    trained,
)
from torch.nn import functional

from lrcli.components import installed
from lrcli.config.blocks import Training
from lrcli.engines.torch import device, engine
from lrcli.engines.torch.functions import sigmoid
from lrcli.engines.torch.loss_code import LossCode
from lrcli.engines.torch.losses import torch_loss
from lrcli.engines.torch.models import ACTIVATIONS, torch_model
from lrcli.engines.torch.module_code import ModuleCode
from lrcli.engines.torch.optimizer_code import OptimizerCode
from lrcli.training.population import build_population
from lrcli.training.problem import build_problem

DTYPES = pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
LARGE = 100_003  # numbers: from 32768 on, torch cuts them up among threads

OPTIONS = {"huber": {"delta": 0.7}}
MADE = {  # what models without a number of outputs of their own are made with
    "mlp": {"hidden": [3], "activation": "sigmoid"},
    "polynomial": {"degree": 3},
}
CASES = [
    (SINE, {"kind": "mlp", "hidden": [5], "activation": "sigmoid"}, {"kind": "mse"}, {"kind": "adam"}),
    (
        XOR,
        {"kind": "mlp", "hidden": [4, 3], "activation": "sigmoid"},
        {"kind": "bce"},
        {"kind": "rmsprop", "centered": True, "momentum": 0.5},
    ),
    (XOR, {"kind": "linear"}, {"kind": "bce"}, {"kind": "sgd", "momentum": 0.9, "weight_decay": 0.01}),
    (
        {"kind": "blobs", "classes": 5, "num_train": 60, "num_val": 20},
        {"kind": "mlp", "hidden": [5], "activation": "tanh", "input_noise": 0.1},
        {"kind": "cross_entropy"},
        {"kind": "adamw", "amsgrad": True},
    ),
    (SINE, {"kind": "sinusoid"}, {"kind": "huber", "delta": 0.5}, {"kind": "rmsprop"}),
    (
        {"kind": "planck", "temperature": 5772.0, "num_train": 60, "num_val": 20},
        {"kind": "planck", "init": {"kind": "constant", "value": 4000.0}},
        {"kind": "mse"},
        {"kind": "adam"},
    ),
]
NAMES = [f"{model['kind']} {loss['kind']} {optimizer['kind']}" for _, model, loss, optimizer in CASES]


@pytest.fixture
def many(monkeypatch):
    """Says how many threads the engine is to take for the smallest step; none is left as it was found."""
    before = torch.get_num_threads()

    def say(count):
        monkeypatch.setattr(device, "_SMALL", 0)
        monkeypatch.setattr(device, "_ALL_THREADS", count)
        monkeypatch.setattr(device, "_alike", lambda: True)  # whatever other tests have left behind

    yield say
    torch.set_num_threads(before)


def numbers(*shape, dtype=torch.float64):
    generator = torch.Generator().manual_seed(sum(shape))
    return 3 * torch.randn(*shape, generator=generator, dtype=torch.float64).to(dtype)


def assert_anywhere(function, *tensors):
    """A function of members (R, ...) gives each the same bits among others, with few and with many threads.

    Args:
        function: gives a sequence of tensors (R, ...).
        tensors: that it is given, (R, ...) each.
    """
    with device.threads(1):
        whole = function(*tensors)
        for size in range(2, 24):
            for first in range(0, len(tensors[0]) - size, 2 * size + 1):
                some = function(*(t[first : first + size].clone() for t in tensors))
                for piece, all_members in zip(some, whole, strict=True):
                    assert torch.equal(piece, all_members[first : first + size]), (first, size)
    repeats = -(-LARGE // tensors[0].numel())
    many_members = [t.repeat(repeats, *[1] * (t.dim() - 1)) for t in tensors]
    results = []
    for count in (1, 2, 3):
        with device.threads(count):
            results.append(function(*many_members))
    for others in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(results[0], others, strict=True))


@DTYPES
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations(name, dtype):
    activation = ACTIVATIONS[name]

    def both(z):
        h = activation.function(z)
        return h, activation.derivative(h)

    assert_anywhere(both, numbers(61, 5, 1, dtype=dtype))


@DTYPES
@pytest.mark.parametrize("kind", built_in("loss"))
def test_losses(kind, dtype):
    loss = component("loss", kind=kind, **OPTIONS.get(kind, {}))
    outputs = numbers(61, 5, loss.num_outputs(3), dtype=dtype)
    targets = (
        functional.one_hot(outputs.flip(0).argmax(-1), 3).to(dtype)
        if kind == "cross_entropy"
        else (outputs.flip(0) > 0).to(dtype)
    )
    assert_anywhere(torch_loss(loss).terms, outputs, targets)


@DTYPES
@pytest.mark.parametrize("kind", built_in("model"))
def test_models(kind, dtype):
    """Outputs and gradients."""
    model = component("model", kind=kind, **MADE.get(kind, {}))
    features = 4 if kind == "polynomial" else 1
    shapes = model.parameters(1, 1)
    form = torch_model(model)
    inputs = numbers(61, 5, features, dtype=dtype).abs() + 0.1
    rows = [
        numbers(61, *p.matrix, dtype=dtype).abs() * (1000 if kind == "planck" else 1) + 0.1 for p in shapes
    ]

    def outputs_and_gradient(x, *tensors):
        parameters = {p.name: t for p, t in zip(shapes, tensors, strict=True)}
        gradient = {name: torch.zeros_like(t) for name, t in parameters.items()}
        outputs, pullback = form.vjp(parameters, x)
        pullback(x[:, :, :1] * outputs, gradient)
        return outputs, *gradient.values()

    assert_anywhere(outputs_and_gradient, inputs, *rows)


@DTYPES
def test_the_sigmoid_is_that_of_torch(dtype):
    x = torch.cat([torch.linspace(-40, 40, 4001, dtype=dtype), torch.tensor([-1e4, 1e4, 0.0], dtype=dtype)])
    relative = 4 * torch.finfo(dtype).eps
    torch.testing.assert_close(sigmoid(x), torch.sigmoid(x), rtol=relative, atol=1e-30)
    assert sigmoid(torch.tensor([torch.nan, -torch.inf, torch.inf])).tolist()[1:] == [0, 1]


# Whole trainings ------------------------------------------------------------------------------------


def answers(trained_engine):
    measured = {**epoch_metrics(trained_engine), **evaluate(trained_engine, "val")}
    return np.column_stack([flat(trained_engine), *measured.values()])


def members_of(case, dtype, size, training, which=slice(None)):
    """What some members of a population of two seeds come to."""
    dataset, model, loss, optimizer = case
    seed_index, rates = np.arange(size) * 2 // size, np.geomspace(1e-3, 0.3, size)
    members = population(optimizer, training, seed_index[which], lr=rates[which])
    return answers(trained(problem(dataset, model, loss, [0, 1]), members, dtype))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_parts_of_a_population(case, dtype, monkeypatch):
    """The pieces are evaluated whole, and the population in other chunks than these."""
    training = {"epochs": 2, "batch_size": 7, "clip_grad_norm": 0.7}
    monkeypatch.setattr(engine, "_EVALUATION_NUMBERS", 500)
    whole = members_of(case, dtype, 23, training)
    monkeypatch.undo()
    for piece in (slice(0, 2), slice(2, 9), slice(9, 12), slice(12, 23)):
        assert members_of(case, dtype, 23, training, piece).tobytes() == whole[piece].tobytes(), piece


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_threads(case, dtype, many):
    """With more members than torch cuts into shares, and with fewer members than threads."""
    dataset, model, loss, optimizer = case
    large = ({**dataset, "num_train": 300}, model, loss, optimizer)
    results = []
    for count in (1, 3):
        many(count)
        training = {"epochs": 1, "batch_size": "full"}
        results.append([members_of(large, dtype, size, training).tobytes() for size in (250, 2)])
    assert results[0] == results[1]


@pytest.mark.parametrize("before", [False, True])
def test_threads_that_keep_denormal_numbers_are_not_used(before, monkeypatch):
    """Those that torch has made before it was told to flush them, in a thread of Python's of their own."""
    monkeypatch.setattr(device, "_ALL_THREADS", 2)

    def compute():
        if before:
            torch.set_flush_denormal(False)
            with device.threads(2):
                torch.ones(2**18).mul_(2)
        device.prepare_process()
        return device.choose_threads(2**30, None)

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(compute).result() == (1 if before else 2)


WIDE = {"kind": "mlp", "hidden": [256, 100]}


def threads_of(model, loss, optimizer, size=5):
    pb = problem(SINE, model, loss)
    return trained(pb, population(optimizer, {"epochs": 1}, [0] * size, lr=[0.01] * size)).environment[
        "threads"
    ]


def test_no_more_threads_than_members(many):
    """Else products of matrices are cut within a member, and rounded in another way."""
    many(4)
    plain = {"kind": "mse"}, {"kind": "sgd"}
    assert [threads_of(WIDE, *plain, size) for size in (2, 3, 4, 9)] == [2, 3, 4, 4]
    assert threads_of(WIDE, *plain, 1) == 4  # which has nobody to be the same beside
    assert threads_of({"kind": "linear"}, *plain, 1) == 2  # beside its twin
    alone = population(plain[1], {"epochs": 1}, [0], lr=[0.01])
    part = engine.TorchEngine(problem(SINE, WIDE, plain[0]), alone, "cpu", "float64", most_alone=1)
    assert part.environment["threads"] == 1  # as a part of a sweep, which a worker of one core may train


def test_chunks_of_an_evaluation_have_no_more_threads_than_members(many, monkeypatch):
    many(4)
    monkeypatch.setattr(engine, "_EVALUATION_NUMBERS", 0)  # two at a time
    found = []
    ready = engine.TorchEngine(
        problem(SINE, WIDE, {"kind": "mse"}),
        population({"kind": "sgd"}, {"epochs": 1}, [0] * 5, lr=[0.01] * 5),
        "cpu",
        "float64",
    )
    loss = ready._loss
    spy = loss._replace(
        terms=lambda o, t: found.append((len(o), torch.get_num_threads())) or loss.terms(o, t)
    )
    ready._loss = spy
    ready.evaluate("val")
    assert found == [(2, 2), (3, 3)]
    assert torch.get_num_threads() == 4


CODE = """
import torch
from torch import nn


class Net(nn.Linear):
    def __init__(self):
        super().__init__(1, 1)


class Orthogonal(nn.Linear):
    def __init__(self):
        super().__init__(120, 120)
        nn.init.orthogonal_(self.weight)


def half(outputs, targets):
    return (outputs - targets)[:, 0] ** 2 / 2


class Descent:
    def init(self, p):
        return {}

    def update(self, g, state, p, lr, step):
        return p - lr * g, {}
"""


@pytest.fixture(scope="module")
def code(tmp_path_factory):
    path = tmp_path_factory.mktemp("code") / "code.py"
    path.write_text(CODE)
    return str(path)


def opened(kind, path, group, **keys):
    whole = component(group, kind=kind, path=path, **keys)
    return whole.with_code({"model": ModuleCode, "loss": LossCode, "optimizer": OptimizerCode}[group](whole))


@pytest.mark.parametrize("own", ["none", "model", "loss", "optimizer", "package"])
def test_code_of_the_users_or_of_a_package_has_one_thread(own, many, code, monkeypatch):
    many(4)
    monkeypatch.setattr(
        installed, "PACKAGES", {type(component("model", **WIDE)): "a package"} if own == "package" else {}
    )
    model = opened("module", code, "model", name="Net") if own == "model" else component("model", **WIDE)
    loss = opened("python", code, "loss", name="half") if own == "loss" else component("loss", kind="mse")
    optimizer = (
        opened("python", code, "optimizer", name="Descent", lr=0.1)
        if own == "optimizer"
        else component("optimizer", kind="sgd")
    )
    pb = build_problem(component("dataset", **SINE), model, loss, [0])
    members = build_population(optimizer, Training(epochs=1), [0] * 5, {"lr": np.full(5, 0.1)})
    ready = engine.TorchEngine(pb, members, "cpu", "float64")
    assert ready.environment["threads"] == torch.get_num_threads() == (4 if own == "none" else 1)


def test_initial_values_of_a_module_do_not_depend_on_threads(code):
    values = []
    for count in (1, 2):
        with device.threads(count):
            values.append(opened("module", code, "model", name="Orthogonal").code.initial(0)["weight"])
    assert values[0].tobytes() == values[1].tobytes()
