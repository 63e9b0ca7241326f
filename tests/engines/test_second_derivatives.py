"""Second derivatives of code of the user's, against Hessians by autograd alone and built-in models."""

import numpy as np
import pytest
import torch
from builders import component
from torch import nn

from lrcli.analysis.hessian import hessian_at
from lrcli.config.blocks import Training
from lrcli.engines.torch.loss_code import LossCode
from lrcli.engines.torch.module_code import ModuleCode
from lrcli.experiment.experiment import Experiment
from lrcli.experiment.user_code import opened
from lrcli.running.curvature import curvature_ends, curvature_of, loss_hessian, why_no_curvature
from lrcli.training.problem import build_problem

FILE = """
import torch
from torch import nn


def net():
    return nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))


class Frozen(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(2, 3), nn.Linear(3, 1)
        self.first.bias.requires_grad_(False)
        self.unused = nn.Parameter(torch.ones(2))

    def forward(self, x):
        x *= 0.5
        return self.last(torch.sigmoid(self.first(x)))[:, 0]


class Square(torch.autograd.Function):
    '''Its backward cannot be mapped, but differentiated.'''

    @staticmethod
    def forward(ctx, u):
        ctx.save_for_backward(u)
        return u * u

    @staticmethod
    def backward(ctx, slope):
        return 2 * ctx.saved_tensors[0] * slope if slope.sum().item() != 1e99 else None


class Kept(torch.autograd.Function):
    '''Its second derivative is lost: the power is saved, and not what it depends on.'''

    @staticmethod
    def forward(ctx, u):
        ctx.save_for_backward(3 * u * u)
        return u**3

    @staticmethod
    def backward(ctx, slope):
        return ctx.saved_tensors[0] * slope


class Once(Square):
    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, slope):
        return 2 * ctx.saved_tensors[0] * slope


class Sign(torch.autograd.Function):
    '''Straight through.'''

    @staticmethod
    def forward(ctx, u):
        return torch.sign(u)

    @staticmethod
    def backward(ctx, slope):
        return slope


class With(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.first, self.last = nn.Linear(2, 3), nn.Linear(3, 1)
        self.function = globals()[function]

    def forward(self, x):
        return self.last(self.function.apply(self.first(x)))


class Single(nn.Linear):
    '''Computes in float32 alone.'''

    def __init__(self):
        super().__init__(2, 1)

    def forward(self, x):
        return super().forward(x) @ torch.ones(1, 1, dtype=torch.float32)


def log_cosh(o, y, scale=1.0):
    return torch.log(torch.cosh(scale * (o - y)))[:, 0]


def hidden(o, y):
    return Kept.apply(o - y)[:, 0]
"""


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    file = tmp_path_factory.mktemp("code") / "mine.py"
    file.write_text(FILE)
    return str(file)


def module(path, name, **args):
    model = component("model", kind="module", path=path, name=name, args=args)
    return model.with_code(ModuleCode(model))


def python_loss(path, name, **args):
    loss = component("loss", kind="python", path=path, name=name, args=args)
    return loss.with_code(LossCode(loss))


RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(15, 2)), RNG.normal(size=(15, 1))


def drawn(model):
    rng = np.random.default_rng(3)
    return {p.name: rng.normal(size=p.shape) for p in model.parameters(2, 1)}


def explicit(model, loss, parameters):
    """The Hessian of loss(outputs, targets) by autograd's own function, float64."""
    made = model.code.code.named(**model.args).double().eval()
    names = [p.name for p in model.parameters(2, 1)]
    shapes = [parameters[name].shape for name in names]
    x, y = torch.from_numpy(X), torch.from_numpy(Y)

    def whole(theta):
        parts = theta.split([int(np.prod(s)) for s in shapes])
        named = {n: part.view(s) for n, part, s in zip(names, parts, shapes, strict=True)}
        return loss(torch.func.functional_call(made, named, (x.clone(),)).view(-1, 1), y)

    flat = torch.from_numpy(np.concatenate([parameters[name].ravel() for name in names]))
    return torch.autograd.functional.hessian(whole, flat).numpy()


def columns(model, loss, parameters, scale):
    size = sum(values.size for values in parameters.values())
    found = hessian_at(model, loss, parameters, X, Y, scale, np.zeros(size))
    return None if found is None else found.products(np.eye(size))


@pytest.mark.parametrize(("name", "args"), [("net", {}), ("Frozen", {}), ("With", {"function": "Square"})])
def test_a_modules_hessian_is_the_explicit_one(path, name, args):
    model = module(path, name, **args)
    parameters = drawn(model)
    expected = explicit(model, nn.functional.mse_loss, parameters)
    found = columns(model, component("loss", kind="mse"), parameters, 1 / 15)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-11)
    gradient = model.derivatives(parameters, X).gradient(np.ones((15, 1)))
    assert gradient.shape == (sum(v.size for v in parameters.values()),)


def test_a_loss_of_the_users_with_any_model(path):
    loss = python_loss(path, "log_cosh", scale=1.5)
    model = module(path, "net")
    parameters = drawn(model)

    def whole(o, y):
        return torch.log(torch.cosh(1.5 * (o - y))).mean()

    expected = explicit(model, whole, parameters)
    np.testing.assert_allclose(columns(model, loss, parameters, 1 / 15), expected, rtol=1e-9, atol=1e-11)
    line = component("model", kind="linear")
    theta = {"w": np.array([[0.3], [0.5]]).reshape(line.parameters(2, 1)[0].shape), "b": np.array([0.1])}
    design = np.hstack([X, np.ones((15, 1))])
    outputs = design @ np.array([[0.3], [0.5], [0.1]])
    weights = 1.5**2 / np.cosh(1.5 * (outputs - Y)) ** 2
    np.testing.assert_allclose(columns(line, loss, theta, 1.0), design.T @ (weights * design), rtol=1e-9)


@pytest.mark.parametrize("function", ["Kept", "Once", "Sign"])
def test_second_derivatives_that_are_none_are_refused(path, function):
    model = module(path, "With", function=function)
    assert model.derivatives(drawn(model), X) is None


def test_what_cannot_be_computed_in_float64_or_is_hidden_in_a_loss_is_refused(path):
    single = module(path, "Single")
    assert single.derivatives(drawn(single), X) is None
    assert python_loss(path, "hidden").slopes(Y, np.zeros_like(Y)) is None


def test_relus_are_not_taken_for_mistakes(path):
    """The same numbers as the built-in network, whose corners are where the module's are."""
    rng = np.random.default_rng(1)
    built_in = component("model", kind="mlp", hidden=[20, 20], activation="relu")
    w = {p.name: rng.normal(size=p.shape) for p in built_in.parameters(2, 1)}
    x, y = rng.normal(size=(300, 2)), rng.normal(size=(300, 1))
    code = "from torch import nn\ndef deep(): return nn.Sequential(nn.Linear(2, 20), nn.ReLU(), "
    code += "nn.Linear(20, 20), nn.ReLU(), nn.Linear(20, 1))\n"
    (file := __import__("pathlib").Path(path).with_name("deep.py")).write_text(code)
    model = module(str(file), "deep")
    named = {f"{2 * i}.{kind}": w[f"{kind[0]}{i + 1}"].T for i in range(3) for kind in ("weight", "bias")}
    v = rng.normal(size=(2, sum(a.size for a in w.values())))
    split = dict(zip(w, np.split(v, np.cumsum([a.size for a in w.values()])[:-1], axis=1), strict=True))
    turned = [
        split[f"{kind[0]}{i + 1}"].reshape(2, *w[f"{kind[0]}{i + 1}"].shape).swapaxes(1, -1).reshape(2, -1)
        for i in range(3)
        for kind in ("weight", "bias")
    ]
    mse = component("loss", kind="mse")
    of_module = hessian_at(model, mse, named, x, y, 1.0, np.zeros(v.shape[1]))
    of_mlp = hessian_at(built_in, mse, w, x, y, 1.0, np.zeros(v.shape[1]))
    norms = [np.linalg.norm(h.products(u)) for h, u in ((of_module, np.hstack(turned)), (of_mlp, v))]
    assert norms[0] == pytest.approx(norms[1], rel=1e-9)


def experiment(path, name, **args):
    return Experiment(
        name="made",
        dataset=component("dataset", kind="linear", w=[2.0, -3.4], b=4.2, num_train=20, num_val=0),
        model=component("model", kind="module", path=path, name=name, args=args),
        loss=component("loss", kind="mse"),
        optimizer=component("optimizer", kind="sgd", weight_decay=0.1),
        training=Training(epochs=2),
    )


def test_the_curvature_of_an_experiment_is_that_of_what_training_moves(path):
    made = experiment(path, "Frozen")
    unopened = build_problem(made.dataset, made.model, made.loss, [0])
    assert "run only to train" in why_no_curvature(made, unopened)
    made = opened(made)
    problem = build_problem(made.dataset, made.model, made.loss, [0])
    first = {name: values[0] for name, values in problem.initial.items()}
    split = problem.splits["train"]
    size = sum(p.size for p in problem.parameters)
    whole = hessian_at(
        made.model, made.loss, first, split.features[0], split.targets[0], 1 / 20, np.full(size, 0.1)
    )
    moved = np.concatenate([np.full(p.size, not p.is_frozen) for p in problem.parameters])
    assert not moved.all()
    values = np.linalg.eigvalsh(whole.products(np.eye(size))[np.ix_(moved, moved)])
    found = curvature_of(made, problem, first)
    assert [found.smallest, found.largest] == pytest.approx(values[[0, -1]], rel=1e-9)
    assert loss_hessian(problem, made.training, np.full(size, 0.1), first).size == moved.sum()
    ends = curvature_ends(made, problem, problem.initial)
    assert ends.start.largest == pytest.approx(found.largest)


def test_why_there_is_none_of_such_code(path):
    made = opened(experiment(path, "With", function="Sign"))
    problem = build_problem(made.dataset, made.model, made.loss, [0])
    assert (
        why_no_curvature(made, problem) == "torch has no second derivatives of its code that can be relied on"
    )
    assert curvature_ends(made, problem, problem.initial).start is None
