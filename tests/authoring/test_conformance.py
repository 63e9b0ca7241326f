"""`lrcli test`: each check passes for a sound component, and fails for one that is broken in just that."""

import pytest

from lrcli.authoring.conformance import conformance
from lrcli.authoring.finding import components_of, left_out
from lrcli.components.python_file import open_file
from lrcli.errors import CodeError, UsageError

FILE = '''
import numpy as np
import torch
from torch import nn


def net() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.layer = nn.Linear(2, width)

    def forward(self, x):
        return self.layer(x)


class Wrong(torch.autograd.Function):
    @staticmethod
    def forward(ctx, u):
        return u**2

    @staticmethod
    def backward(ctx, slope):
        return slope


class WrongSlope(nn.Linear):
    def __init__(self):
        super().__init__(2, 1)

    def forward(self, x):
        return Wrong.apply(super().forward(x))


class Counts(nn.Linear):
    calls = 0

    def __init__(self):
        super().__init__(2, 1)

    def forward(self, x):
        Counts.calls += 1
        return super().forward(x) * (1 + 1e-3 * (Counts.calls % 7))


class Deaf(nn.Linear):
    def __init__(self):
        super().__init__(2, 1)

    def forward(self, x):
        return super().forward(x).detach()


class Spills(nn.Linear):
    def __init__(self):
        super().__init__(2, 1)

    def forward(self, x):
        x += 1
        return super().forward(x)


class Clock(nn.Linear):
    made = 0

    def __init__(self):
        super().__init__(2, 1)
        Clock.made += 1
        nn.init.constant_(self.weight, Clock.made)


class Mixes(nn.Linear):
    """Tells a mapped call from one of a member alone."""

    def __init__(self):
        super().__init__(2, 1)

    def forward(self, x):
        mapped = torch._C._functorch.is_batchedtensor(x)
        return super().forward(x) * (1.5 if mapped else 1.0)


class Breaks(nn.Linear):
    def __init__(self):
        super().__init__(2, 1)

    def forward(self, x):
        raise ValueError("no\\nway")


def half(outputs, targets):
    return ((outputs - targets) ** 2 / 2).sum(-1)


def centred(outputs, targets):
    return ((outputs - outputs.mean()) - targets)[:, 0] ** 2


def bent(outputs, targets):
    return (Wrong.apply(outputs) - targets)[:, 0]


def reduced(outputs, targets):
    return half(outputs, targets).mean()


def points(rng, count):
    x = rng.random((count, 1))
    return x, x


def careless(rng, count):
    x = np.random.default_rng().random((count, 1))
    return x, x


def holes(rng, count):
    return np.full((count, 1), np.nan), rng.random(count)


class Descent:
    def init(self, p):
        return {}

    def update(self, g, state, p, lr, step):
        return p - lr * g, {}


class Remembers(Descent):
    def __init__(self):
        self.last = 0

    def update(self, g, state, p, lr, step):
        self.last = 0.5 * (self.last if step > 1 else 0) + g
        return p - lr * self.last, {}


class Averages(Descent):
    def update(self, g, state, p, lr, step):
        return p - lr * g.mean(0, keepdim=True), {}


class Own(torch.optim.SGD):
    pass


def _hidden(outputs, targets):
    return outputs


def helper(a, b, c):
    return a
'''


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    file = tmp_path_factory.mktemp("code") / "parts.py"
    file.write_text(FILE)
    return str(file)


def checks(path, name, args=None, features=None, outputs=None):
    ((group, component),) = components_of(path, name, args or {}, outputs)
    return {check.name: check.why for check in conformance(group, component, features, outputs)}


SOUND = [
    ("net", {}, 8),
    ("Block", {"width": 1}, 8),
    ("half", {}, 6),
    ("points", {}, 4),
    ("Descent", {}, 4),
    ("Own", {}, 4),
]


@pytest.mark.parametrize(("name", "args", "count"), SOUND, ids=[case[0] for case in SOUND])
def test_sound_components_pass(path, name, args, count):
    assert list(checks(path, name, args).values()) == [""] * count


BROKEN = [
    ("WrongSlope", "gradients", "not the derivative of forward"),
    ("Deaf", "can be trained", "do not depend on its parameters"),
    ("Counts", "the same numbers again", "something is kept, or drawn"),
    ("Spills", "inputs left as they are", "in place"),
    ("Clock", "initial values from the seed alone", "weight differ when the same seed"),
    ("Mixes", "the same numbers alone and in company", "among 3 members the numbers differ"),
    ("Breaks", "shapes", "ValueError: no way"),
    ("centred", "a term of each example alone", "depends on the other examples"),
    ("bent", "slope", "not the derivative"),
    ("reduced", "shapes", "it must give a term for each example"),
    ("careless", "examples from the seed alone", "draw from rng alone"),
    ("holes", "shapes and numbers", "inputs hold nan"),
    ("Remembers", "goes on as if never stopped", "is lost when training goes on"),
    ("Averages", "the same numbers alone and in company", "among 3 members"),
]


@pytest.mark.filterwarnings("ignore:.*one after the other")
@pytest.mark.parametrize(("name", "check", "why"), BROKEN, ids=[case[0] for case in BROKEN])
def test_a_broken_component_fails_where_it_is_broken(path, name, check, why):
    failed = {each: said for each, said in checks(path, name).items() if said}
    assert why in failed[check]
    assert next(iter(failed)) == check or name == "Counts"  # which is broken in several ways


def test_components_are_found_and_layers_are_not(path):
    file = open_file(path)
    assert left_out(file) == {"Block": ["width"]}
    found = {component.name: group for group, component in components_of(path, None, {}, None)}
    groups = {
        "model": "net WrongSlope Counts Deaf Spills Clock Mixes Breaks",
        "loss": "half centred bent reduced",
    }
    groups |= {"dataset": "points careless holes", "optimizer": "Descent Remembers Averages Own"}
    assert found == {name: group for group, names in groups.items() for name in names.split()}


def test_what_is_no_component(path, tmp_path):
    with pytest.raises(CodeError, match="has no nett; did you mean net"):
        list(components_of(path, "nett", {}, None))
    with pytest.raises(UsageError, match="helper is no model, loss, dataset or optimizer"):
        list(components_of(path, "helper", {}, None))
    empty = tmp_path / "empty.py"
    empty.write_text("x = 1\n")
    with pytest.raises(CodeError, match="defines no model"):
        list(components_of(str(empty), None, {}, None))


def test_an_object_that_fails_when_it_is_asked_is_no_component(tmp_path):
    from lrcli.components.python_file import open_file
    from lrcli.engines.torch.user_kinds import own_components

    text = "class T:\n    def __getattr__(self, name): raise RuntimeError(name)\nt = T()\n"
    (tmp_path / "trap.py").write_text(text)
    assert own_components(open_file(str(tmp_path / "trap.py"))) == {}
