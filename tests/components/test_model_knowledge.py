"""What models say of themselves, each held to their outputs as torch computes them."""

import math
import re
from typing import NamedTuple

import numpy as np
import pytest
import torch
from builders import built_in, component
from hypothesis import given, settings
from hypothesis import strategies as st

from lrcli.components.models.base import Model
from lrcli.components.models.least_squares import by_name
from lrcli.engines.torch.models import torch_model

N = 40


class Case(NamedTuple):
    """A model, the D features and O outputs it has, and what it knows of itself."""

    kind: str
    options: dict
    features: int = 1
    outputs: int = 1
    knows: str = ""

    @property
    def model(self):
        return component("model", kind=self.kind, **self.options)

    @property
    def parameters(self):
        return self.model.parameters(self.features, self.outputs)


CASES = [
    Case("linear", {}, 1, 1, "design outputs best_fit equation"),
    Case("linear", {}, 3, 1, "design outputs best_fit"),
    Case("linear", {}, 2, 3, "design outputs best_fit"),
    Case("polynomial", {"degree": 0}, knows="design outputs best_fit equation"),
    Case("polynomial", {"degree": 4}, knows="design outputs best_fit equation"),
    Case("legendre", {}, knows="outputs best_fit equation"),
    Case("sinusoid", {}, knows="outputs equation best_fit"),
    Case("mlp", {"hidden": []}, knows="outputs"),
    Case("mlp", {"hidden": [3], "activation": "tanh"}, 2, 2, "outputs"),
    Case("mlp", {"hidden": [4, 4], "activation": "relu", "input_noise": 0.5}, 2, 1, "outputs"),
    Case("mlp", {"hidden": [5, 3, 2], "activation": "sigmoid"}, 3, 1, "outputs"),
    Case("ohm", {}, knows="outputs best_fit equation"),
    Case("planck", {}, knows="outputs best_fit equation"),
    Case("exponential_decay", {}, knows="outputs best_fit equation"),
]


def those_that_know(what):
    return [pytest.param(case, id=f"{case.kind}-{i}") for i, case in enumerate(CASES) if what in case.knows]


def drawn(case, seed=0, digits=2):
    """Inputs, and parameters of few digits, so that an equation shows them all."""
    rng = np.random.default_rng(seed)
    parameters = {p.name: np.round(rng.normal(size=p.shape), digits) + 0.01 for p in case.parameters}
    if case.kind == "ohm":  # not so near to no resistance that the curve bends within a small step
        parameters = {"R": parameters["R"] + 4}
    if case.kind == "sinusoid":  # turns enough that no parabola fits as well
        parameters = parameters | {"frequency": parameters["frequency"] + 2}
    if case.kind == "planck":
        parameters = {"T": 3000 + 100 * np.round(10 * parameters["T"])}
        return 0.3 + np.abs(rng.normal(size=(N, 1))), {"T": np.asarray(parameters["T"])}
    return rng.normal(size=(N, case.features)), {k: np.asarray(v) for k, v in parameters.items()}


def computed(case, parameters, inputs):
    """The outputs (N, O) by torch, as in training."""
    tensors = {
        p.name: torch.from_numpy(np.array(parameters[p.name], dtype=float).reshape(1, *p.matrix))
        for p in case.parameters
    }
    return (
        torch_model(case.model)
        .forward(tensors, torch.from_numpy(case.model.features(inputs))[None])[0]
        .numpy()
    )


def test_every_model_is_here_and_knows_what_it_should():
    assert {case.kind for case in CASES} == set(built_in("model"))
    for case in CASES:
        inputs, parameters = drawn(case)
        model, targets = case.model, np.zeros((N, case.outputs))
        known = {
            "design": model.linear_in_parameters,
            "outputs": model.outputs(parameters, inputs) is not None,
            "best_fit": model.has_best_fit,
            "equation": model.equation(parameters) is not None,
        }
        assert {name for name, is_so in known.items() if is_so} == set(case.knows.split()), case
        assert model.has_best_fit or model.best_fit(inputs, targets) is None
        if not model.linear_in_parameters:
            with pytest.raises(NotImplementedError):
                model.design(model.features(inputs))


@pytest.mark.parametrize("case", those_that_know("outputs"))
def test_outputs_are_those_of_training(case):
    inputs, parameters = drawn(case)
    expected = computed(case, parameters, inputs)
    np.testing.assert_allclose(case.model.outputs(parameters, inputs), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid"])
@pytest.mark.parametrize("size", [30.0, 700.0, 1e5])
def test_an_activation_far_from_zero_keeps_its_digits(activation, size):
    """One unit whose output is its activation: 1e-13 of a sigmoid at -30 counts, and nothing overflows."""
    case = Case("mlp", {"hidden": [1], "activation": activation})
    parameters = {"w1": np.ones((1, 1)), "b1": np.zeros(1), "w2": np.ones((1, 1)), "b2": np.zeros(1)}
    inputs = np.linspace(-size, size, N)[:, None]
    outputs = case.model.outputs(parameters, inputs)
    np.testing.assert_allclose(outputs, computed(case, parameters, inputs), rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize("case", those_that_know("design"))
def test_the_design_times_the_parameters_is_the_output(case):
    inputs, parameters = drawn(case)
    theta = np.concatenate([parameters[p.name].reshape(p.matrix) for p in case.parameters])
    design = case.model.design(case.model.features(inputs))
    np.testing.assert_allclose(design @ theta, computed(case, parameters, inputs), rtol=1e-12, atol=1e-12)
    several = case.model.design(case.model.features(np.stack([inputs, 2 * inputs])))
    np.testing.assert_array_equal(several[0], design)
    for name, values in by_name(theta, case.parameters).items():
        np.testing.assert_array_equal(values, parameters[name])


@pytest.mark.parametrize("case", those_that_know("equation"))
@pytest.mark.parametrize("seed", range(3))
def test_the_equation_is_the_curve(case, seed):
    inputs, parameters = drawn(case, seed)
    text = case.model.equation(parameters)
    right = re.sub(r"(?<=\d) (?=[xseP])", " * ", text.removeprefix("y = ").partition(", ")[0])
    names = {
        "x": inputs,
        "sin": np.sin,
        "exp": np.exp,
        "P3": lambda u: np.polynomial.legendre.legval(u, [0, 0, 0, 1]),
    }
    values = eval(right.replace("^", "**"), names)  # noqa: S307
    rounding = 1e-4 if case.kind == "planck" else 1e-9  # of the constants of nature
    np.testing.assert_allclose(
        np.broadcast_to(values, (N, 1)), computed(case, parameters, inputs), rtol=rounding, atol=1e-9
    )


@pytest.mark.parametrize(
    ("kind", "parameters", "expected"),
    [
        (
            "polynomial",
            {"coef": [0.038, 0.8736, -0.0066, -0.0957]},
            "y = 0.038 + 0.8736 x - 0.0066 x^2 - 0.0957 x^3",
        ),
        ("polynomial", {"coef": [-1.5]}, "y = -1.5"),
        ("polynomial", {"coef": [-4.1e-15, 0.5]}, "y = -4.1e-15 + 0.5 x"),
        ("linear", {"w": [[2.0]], "b": [-1.0]}, "y = -1 + 2 x"),
        (
            "legendre",
            {"a": 0.0, "b": -2.2085, "c": 0.0, "d": 0.2555},
            "y = 0 - 2.208 P3(0 + 0.2555 x), P3(u) = (5 u^3 - 3 u) / 2",
        ),
        (
            "sinusoid",
            {"amplitude": 2.0, "frequency": 1.0, "phase": -0.5, "offset": 1.0},
            "y = 2 sin(1 x - 0.5) + 1",
        ),
        ("ohm", {"R": 4.7}, "y = x / 4.7"),
        ("planck", {"T": 5772.04}, "y = 119.104 / x^5 / (exp(14387.8 / (5772.04 x)) - 1)"),
        ("planck", {"T": -10.0}, "y = 0"),
        ("exponential_decay", {"amplitude": 3.0, "rate": 0.5}, "y = 3 exp(-0.5 x)"),
    ],
)
def test_equations_are_as_people_write_them(kind, parameters, expected):
    model = component("model", kind=kind, **({"degree": 3} if kind == "polynomial" else {}))
    assert model.equation({name: np.array(value) for name, value in parameters.items()}) == expected


NUMBERS = st.floats(-4, 4, allow_subnormal=False).map(lambda number: round(number, 3))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.kind}-{case.features}-{case.outputs}")
@settings(max_examples=30)
@given(data=st.data())
def test_the_nearest_equivalent_is_the_same_function(case, data):
    """That of classes: their odds; so it is compared after softmax."""
    inputs, _ = drawn(case)
    one, two = (
        {
            p.name: np.array(data.draw(st.lists(NUMBERS, min_size=p.size, max_size=p.size))).reshape(
                1, *p.shape
            )
            for p in case.parameters
        }
        for _ in range(2)
    )
    turned = case.model.nearest_equivalent(one, two)
    assert {name: values.shape for name, values in turned.items()} == {k: v.shape for k, v in one.items()}
    was, now = (computed(case, {k: v[0] for k, v in each.items()}, inputs) for each in (one, turned))
    if case.outputs > 1:
        was, now = (np.exp(o - np.logaddexp.reduce(o, axis=1, keepdims=True)) for o in (was, now))
    np.testing.assert_allclose(now, was, rtol=1e-9, atol=1e-9)
    again = case.model.nearest_equivalent(turned, two)
    for name, values in turned.items():
        np.testing.assert_allclose(again[name], values, rtol=1e-12, atol=1e-12)
    for name, values in case.model.nearest_equivalent(one, one).items():
        np.testing.assert_array_equal(values, one[name])


def test_equal_odds_are_equal_parameters():
    learned, shift = {"w": np.ones((1, 2, 3)), "b": np.zeros((1, 3))}, {"w": [[7.0], [-2.0]], "b": [5.0]}
    moved = {name: values + np.array(shift[name]) for name, values in learned.items()}
    turned = component("model", kind="linear").nearest_equivalent(moved, learned)
    for name, values in turned.items():
        np.testing.assert_allclose(values, learned[name], atol=1e-12)


@pytest.mark.parametrize("case", those_that_know("best_fit"))
@pytest.mark.parametrize("penalty", [0.0, 0.7])
def test_no_parameters_near_the_best_fit_are_better(case, penalty):
    """A step of h along any of them and the same step back cost alike: the slope there is 0."""
    inputs, truth = drawn(case)
    noise = 0.001 * np.random.default_rng(1).normal(size=(N, case.outputs))
    targets = computed(case, truth, inputs) + noise
    weight = penalty * case.model.linear_in_parameters  # others take none
    rows = sum(p.matrix[0] for p in case.parameters)
    best = case.model.best_fit(inputs, targets, np.full(rows, penalty))

    def cost(parameters):
        squares = np.sum((computed(case, parameters, inputs) - targets) ** 2)
        return squares + weight * sum(np.sum(values**2) for values in parameters.values())

    least, h = cost(best), 1e-4
    for name, values in best.items():
        for index in np.ndindex(values.shape):
            shift = np.zeros(values.shape)
            shift[index] = h
            up, down = cost({**best, name: values + shift}), cost({**best, name: values - shift})
            assert min(up, down) > least
            assert abs(up - down) < 1e-3 * (up + down - 2 * least) + 1e-9


def test_the_penalty_is_that_of_each_number():
    inputs = np.random.default_rng(0).normal(size=(N, 2))
    model, targets = component("model", kind="linear"), inputs @ [[3.0], [-2.0]] + 1.0
    best = model.best_fit(inputs, targets, np.array([1e12, 0.0, 0.0]))
    assert abs(best["w"][0, 0]) < 1e-9
    assert abs(best["w"][1, 0]) > 1


def test_a_network_is_not_identifiable():
    """Hidden units in another order are other parameters of the same function; no other model says so."""
    case = next(case for case in CASES if case.options.get("hidden") == [3])
    inputs, one = drawn(case)
    order = [2, 0, 1]
    two = one | {"w1": one["w1"][:, order], "b1": one["b1"][order], "w2": one["w2"][order]}
    np.testing.assert_allclose(computed(case, two, inputs), computed(case, one, inputs), rtol=1e-12)
    assert {case.kind for case in CASES if not case.model.identifiable} == {"mlp"}


def test_the_key_that_makes_a_model_large():
    for case in CASES:
        key, field = case.model.size_key, type(case.model).model_fields
        assert key is None or key in field
    larger = {"degree": [3, 9], "hidden": [[2], [9]]}
    for kind, key in (("polynomial", "degree"), ("mlp", "hidden")):
        sizes = [
            sum(p.size for p in component("model", kind=kind, **{key: value}).parameters(1, 1))
            for value in larger[key]
        ]
        assert sizes[0] < sizes[1]
        assert built_in("model")[kind].size_key == key


def test_the_highest_power():
    for case in CASES:
        slope = (
            math.log2(np.abs(case.model.features(np.full((1, case.features), 2.0**20))).max()) / 20
        )  # of a feature, in a plot of logarithms
        assert round(slope) == case.model.highest_power


def test_a_model_need_say_nothing_of_itself():
    class Silent(Model):
        kind: str = "silent"

    model, x = Silent(), np.zeros((2, 1))
    assert model.best_fit(x, x) is model.outputs({}, x) is model.equation({}) is None
    assert not model.has_best_fit
    assert model.nearest_equivalent({"a": x}, {"a": x + 1})["a"] is x


@pytest.mark.parametrize(
    ("kind", "targets"),
    [("ohm", np.zeros(N)), ("planck", np.zeros(N)), ("planck", -np.ones(N)), ("planck", np.full(N, 1e12))]
    + [("exponential_decay", y) for y in (np.zeros(N), np.eye(N)[0], np.eye(N)[-1])],
)
def test_a_law_far_from_the_data_has_no_best_fit(kind, targets):
    """The darker the better; nothing but one example at an end, which the steepest curve meets best."""
    x = np.linspace(0.2, 3, N)[:, None]
    assert component("model", kind=kind).best_fit(x, targets[:, None]) is None


@pytest.mark.parametrize(
    ("kind", "truth"),
    [("ohm", {"R": 1e-6}), ("ohm", {"R": 1e9}), ("planck", {"T": 1200.0}), ("planck", {"T": 4e6})]
    + [("exponential_decay", {"amplitude": a, "rate": r}) for a in (-1e6, 1e-6) for r in (-9.0, 0.01, 30.0)],
)
def test_the_best_fit_of_a_law_is_the_law(kind, truth):
    x = np.linspace(0.2, 3, 4 * N)[:, None]
    model, truth = component("model", kind=kind), {name: np.array(value) for name, value in truth.items()}
    best = model.best_fit(x, model.outputs(truth, x))
    for name, value in truth.items():
        np.testing.assert_allclose(best[name], value, rtol=1e-8)


@pytest.mark.parametrize(
    ("init", "key"),
    [
        ({"kind": "default"}, "init.kind"),
        ({"kind": "normal", "std": 1.0}, "init.kind"),
        ({"kind": "zeros"}, "init.kind"),
        ({"kind": "constant", "value": 0.0}, "init.value"),
        ({"kind": "uniform", "low": -1.0, "high": 2.0}, "init.low"),
        ({"kind": "values", "values": {"NAME": -3.0}}, "init.values.NAME"),
        ({"kind": "values", "values": {"other": 3.0}}, None),
        ({"kind": "constant", "value": 0.1}, ""),
        ({"kind": "uniform", "low": 0.1, "high": 2.0}, ""),
        ({"kind": "values", "values": {"NAME": 3}}, ""),
    ],
)
@pytest.mark.parametrize(("kind", "name"), [("ohm", "R"), ("planck", "T")])
def test_what_is_positive_must_start_so(kind, name, init, key):
    """An empty key: nothing is wrong; None: something else is."""
    if "values" in init:
        init = init | {"values": {k.replace("NAME", name): v for k, v in init["values"].items()}}
    found = list(component("model", kind=kind, init=init).mistakes(1, 1))
    if key:
        assert [where for where, _ in found] == [key.replace("NAME", name)]
        assert f"{name} must start above 0" in found[0][1]
    else:
        assert not any("must start above" in message for _, message in found)
        assert bool(found) == (key is None)
