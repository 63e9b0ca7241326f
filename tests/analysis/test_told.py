"""Which errors are told: none of numbers that the data leave open, or that a whole interval would do for."""

import numpy as np
import pytest
from builders import component
from scipy.optimize import linprog, minimize
from test_two_parts import FIRST, LINE, SHAPES, data, flat, references

from lrcli.analysis.m_estimation import RobustFit, huber_fits
from lrcli.analysis.recovery import find_recovery
from lrcli.analysis.reference import find_references
from lrcli.analysis.set_fits import Examples
from lrcli.components.datasets.base import Scaling

DATA = component("dataset", kind="linear", w=[2.0, -3.4], b=4.2, noise=0.5, num_train=20, num_val=0)
OBSERVED = component("dataset", kind="sine", num_train=20, num_val=0)  # whose rule no line is
LEARNED = {"w": np.array([[[1.5], [-3.0]]]), "b": np.array([[4.0]])}
L1 = component("loss", kind="l1")


def recovery_of(inputs, targets, loss="mse", dataset=DATA, scaling=None, decay=0.0):
    examples = Examples(inputs, targets, FIRST, np.full((1, 3), decay), 1 / inputs.shape[1])
    return find_recovery([dataset], LINE, component("loss", kind=loss), SHAPES, examples, scaling=scaling)


def medians():
    """Two groups of which each has an even number of examples, and so any of many medians."""
    group = np.repeat([0.0, 1.0], 4)
    other = np.tile([1.0, -1.0, 0.0, 0.0], 2)
    values = np.array([1.0, 2, 3, 9, 11, 12, 13, 19])
    return np.stack([group, other * 1e-3], axis=1)[None], values[None, :, None]


def test_open_numbers_have_no_errors_and_do_not_count():
    inputs, targets = data(20)
    inputs = inputs.copy()
    inputs[..., 1] = 7.0  # w[1] and b change the outputs alike
    recovery = recovery_of(inputs, targets)
    errors = recovery.errors(LEARNED, FIRST)
    assert errors["w"][0, 0, 0] == 0.5
    assert np.isnan([errors["w"][0, 1, 0], errors["b"][0, 0]]).all()
    metrics = recovery.metrics(LEARNED, FIRST)
    assert metrics["recovery/max_abs_error"][0] == metrics["recovery/error_norm"][0] == 0.5
    path = {name: np.stack([values, 2 * values]) for name, values in LEARNED.items()}
    np.testing.assert_allclose(recovery.metrics(path, FIRST)["recovery/error_norm"], [[0.5], [1.0]])


def test_where_all_is_open_there_is_no_metric():
    metrics = recovery_of(*(values[:, :1] for values in data(20))).metrics(LEARNED, FIRST)
    assert all(np.isnan(values).all() for values in metrics.values())


def test_the_interval_of_a_median_is_told_by_its_ends():
    group = np.repeat([0.0, 1.0], 4)
    inputs = np.stack([group, np.tile([1.0, -1.0], 4)], axis=1)[None]
    targets = (np.array([1.0, 2, 3, 9, 11, 12, 13, 19]))[None, :, None]
    found = references(inputs, targets, L1)
    ends = np.concatenate([found.ends["w"][0, :, 0], found.ends["b"][0][None, 0]])
    best = np.abs(targets[0, :, 0] - np.hstack([inputs[0], np.ones((8, 1))]) @ flat(found.values)[0]).sum()
    for number, (low, high) in enumerate(ends):
        assert low < high
        for within in (low, high):
            assert _least(inputs[0], targets[0, :, 0], number, within) == pytest.approx(best, abs=1e-6)
        for beyond in (low - 0.1, high + 0.1):
            assert _least(inputs[0], targets[0, :, 0], number, beyond) > best + 1e-3
    assert found.missing[0] == "several"


def _least(inputs, targets, number, value):
    """The smallest sum of absolute errors with one number held at a value, by linear programming."""
    x = np.hstack([inputs, np.ones((len(inputs), 1))])
    free = np.delete(x, number, axis=1)
    right = targets - value * x[:, number]
    count = len(targets)
    costs = np.concatenate([np.zeros(2), np.ones(2 * count)])
    equations = np.hstack([free, np.eye(count), -np.eye(count)])
    bounds = [(None, None)] * 2 + [(0, None)] * (2 * count)
    return linprog(costs, A_eq=equations, b_eq=right, bounds=bounds).fun


def test_an_interval_hides_the_parts_of_an_error_but_not_the_error():
    inputs, targets = medians()
    recovery = recovery_of(inputs, targets, "l1")
    several = recovery.reference.several
    assert several["b"].all()
    np.testing.assert_allclose(recovery.errors(LEARNED, FIRST)["b"], [[0.2]])  # the truth is known
    assert np.isnan(recovery.sampling_errors["b"]).all()
    assert not any(mask.any() for mask in recovery.undetermined.values())
    observed = recovery_of(inputs, targets, "l1", OBSERVED)
    assert np.isnan(observed.errors(LEARNED, FIRST)["b"]).all()


def test_an_interval_in_standardised_units_is_one_of_the_original_bias_too():
    inputs, targets = medians()
    scaling = Scaling(inputs.mean(axis=1), inputs.std(axis=1))
    scaled = (inputs - scaling.mean[:, None]) / scaling.scale[:, None]
    told = recovery_of(scaled, targets, "l1", OBSERVED, scaling).reference
    plain = recovery_of(inputs, targets, "l1", OBSERVED).reference
    for name in ("w", "b"):
        np.testing.assert_array_equal(told.several[name], plain.several[name])
        np.testing.assert_allclose(told.ends[name], plain.ends[name], rtol=1e-5, atol=1e-5)


def test_absolute_errors_with_decay_have_a_reference_beside_those_without():
    inputs, targets = data(60)
    count = inputs.shape[1]
    both = Examples(inputs, targets, np.array([0, 0]), np.array([[0.1] * 3, [0.0] * 3]), 1 / count)
    found = find_references(LINE, L1, SHAPES, both)
    assert list(found.missing) == ["decay", ""]
    x = np.hstack([inputs[0], np.ones((count, 1))])

    def value(p):
        return np.abs(targets[0, :, 0] - x @ p).mean() + 0.05 * np.sum(p**2)

    best = flat(found.values)[0]
    other = minimize(value, best + 0.05, method="Nelder-Mead", options={"xatol": 1e-10, "fatol": 1e-13})
    assert value(best) <= other.fun
    np.testing.assert_allclose(best, other.x, atol=1e-4)
    np.testing.assert_array_equal(flat(found.values)[1], flat(references(inputs, targets, L1).values)[0])


def test_a_minimum_that_is_not_found_though_decay_makes_it_the_only_one_is_not_called_open(monkeypatch):
    inputs, targets = data(60)
    inputs = inputs.copy()
    inputs[..., 1] = inputs[..., 0]
    nothing = RobustFit(np.full((1, 3), np.nan), np.zeros((1, 3), dtype=bool), np.full((1, 3, 2), np.nan))
    monkeypatch.setattr("lrcli.analysis.linear_references.penalised_absolute_fits", lambda *_: nothing)
    both = Examples(inputs, targets, np.array([0, 0]), np.array([[0.1] * 3, [0.0] * 3]), 1 / 60)
    assert list(find_references(LINE, L1, SHAPES, both).missing) == ["none", "open"]


def test_of_many_sets_no_more_is_searched_than_there_is_time_for(monkeypatch):
    """A median that is not the only one takes linear programs; one that is takes none."""
    inputs, targets = medians()
    alone = inputs + np.random.default_rng(0).normal(size=inputs.shape)
    sets = Examples(
        np.concatenate([inputs, alone]),
        np.repeat(targets, 2, axis=0),
        np.array([0, 1]),
        np.zeros((2, 3)),
        1 / 8,
    )
    assert list(find_references(LINE, L1, SHAPES, sets).found) == [True, True]
    monkeypatch.setattr("lrcli.analysis.absolute_programs._MOST_OF_ALL", 8**2 * 3**1.5 * 1.5)
    found = find_references(LINE, L1, SHAPES, sets)
    assert list(found.found) == [False, True]
    assert found.missing[0] == "none"
    one = Examples(inputs, targets, FIRST, np.zeros((1, 3)), 1 / 8)
    assert find_references(LINE, L1, SHAPES, one).found.all()


def test_of_many_sets_with_decay_none_is_searched_where_all_take_too_long(monkeypatch):
    inputs, targets = data(60)
    monkeypatch.setattr("lrcli.analysis.reference._MOST_OF_ALL", 60 * 3**2 * 1.5)
    for count, missing in ((1, "decay"), (2, "large")):
        decay = np.linspace(0.1, 0.2, count)[:, None] * np.ones(3)
        sets = Examples(inputs, targets, np.zeros(count, dtype=np.intp), decay, 1 / 60)
        assert list(find_references(LINE, L1, SHAPES, sets).missing) == [missing] * count


@pytest.mark.parametrize("near", [1e-3, 1e-6, 1e-9])
def test_huber_of_nearly_dependent_columns_is_that_of_independent_ones(near):
    rng = np.random.default_rng(0)
    x, z = rng.normal(size=(2, 50))
    columns = np.stack([x, x + near * z, np.ones(50)], axis=1)[None]
    targets = (2 * x + z + rng.standard_t(2, size=50))[None]
    fit = huber_fits(columns, targets, 0.5, 1.0, np.zeros((1, 3)))
    apart = huber_fits(np.stack([x, z, np.ones(50)], axis=1)[None], targets, 0.5, 1.0, np.zeros((1, 3)))
    assert not fit.open.any()
    second = apart.theta[0, 1] / near
    np.testing.assert_allclose(fit.theta[0, 1], second, rtol=1e-4)
    np.testing.assert_allclose(
        (columns @ fit.theta[..., None])[0, :, 0],
        np.stack([x, z, np.ones(50)], 1) @ apart.theta[0],
        atol=1e-6,
    )


def test_huber_between_two_outliers_leaves_the_middle_open():
    targets = np.array([[-9.0, 9.0]])
    fit = huber_fits(np.ones((1, 2, 1)), targets, 1.0, 1.0, np.zeros((1, 1)))
    assert fit.open.all()


@pytest.mark.parametrize("loss", ["l1", "huber", "mse"])
def test_a_curve_with_decay_has_the_minimum_that_a_simplex_finds(loss):
    rng = np.random.default_rng(3)
    x = np.linspace(-3, 3, 41)[:, None]
    y = 2 * np.sin(1.3 * x + 0.4) + 1 + 0.2 * rng.standard_t(3, size=x.shape)
    model, kind, decay = component("model", kind="sinusoid"), component("loss", kind=loss), 0.2
    shapes = dict.fromkeys(("amplitude", "frequency", "phase", "offset"), ())
    examples = Examples(x[None], y[None], FIRST, np.full((1, 4), decay), 1 / 41)
    found = find_references(model, kind, shapes, examples)
    best = np.array([found.values[name][0] for name in shapes])

    def objective(p):
        outputs = model.outputs(dict(zip(shapes, map(np.array, p), strict=True)), x)
        return kind.value(outputs, y) + decay * np.sum(p**2) / 2

    simplex = {"xatol": 1e-9, "fatol": 1e-13, "maxiter": 20_000, "maxfev": 20_000}
    other = minimize(objective, best + 0.02, method="Nelder-Mead", options=simplex)
    assert objective(best) <= other.fun + 1e-11
    np.testing.assert_allclose(best, other.x, atol=2e-3)
    assert found.missing[0] == "decay"
