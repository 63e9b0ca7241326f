"""References and their standard errors, against statsmodels, SciPy, scikit-learn and simulation."""

from fractions import Fraction

import numpy as np
import pytest
import scipy.stats
from builders import LINEAR, SINE, component, problem
from scipy.optimize import linprog, minimize
from sklearn.linear_model import Ridge
from statsmodels.regression.linear_model import OLS
from statsmodels.regression.quantile_regression import QuantReg
from statsmodels.robust.norms import HuberT
from statsmodels.robust.robust_linear_model import RLM

from lrcli.analysis.linear_fit import fit_linear
from lrcli.analysis.m_estimation import absolute_fits, huber_fits
from lrcli.analysis.recovery import find_recovery
from lrcli.analysis.reference import find_references
from lrcli.analysis.set_fits import Examples
from lrcli.components.truth import true_parameters

LINE = component("model", kind="linear")
SHAPES = {"w": (2, 1), "b": (1,)}
TRUE = np.array([2.0, -3.4, 4.2])
FIRST = np.array([0])


def data(count=200, seed=0, noise=0.5, sets=1):
    rng = np.random.default_rng(seed)
    inputs = rng.normal(size=(sets, count, 2)) * [1, 3] + [0, 10]
    errors = noise * rng.standard_t(3, size=(sets, count, 1))
    return inputs, inputs @ TRUE[:2, None] + TRUE[2] + errors


def references(inputs, targets, loss, decay=0.0):
    count = inputs.shape[1]
    examples = Examples(inputs, targets, np.arange(len(inputs)), np.full((len(inputs), 3), decay), 1 / count)
    return find_references(LINE, loss, SHAPES, examples)


def flat(values):
    return np.concatenate([values["w"][..., 0], values["b"]], axis=1)


def designed(inputs):
    return np.hstack([inputs, np.ones((len(inputs), 1))])


@pytest.mark.parametrize("kind", ["mse", "half_mse"])
def test_least_squares_are_those_of_statsmodels(kind):
    inputs, targets = data()
    found = references(inputs, targets, component("loss", kind=kind))
    fit = OLS(targets[0, :, 0], designed(inputs[0])).fit()
    np.testing.assert_allclose(flat(found.values)[0], fit.params, rtol=1e-11)
    np.testing.assert_allclose(flat(found.standard_errors)[0], fit.bse, rtol=1e-10)
    assert found.freedom[0] == fit.df_resid


@pytest.mark.parametrize("width", [0.05, 0.5, 3.0])
def test_hubers_loss_is_the_m_estimate_of_statsmodels(width):
    inputs, targets = data()
    found = references(inputs, targets, component("loss", kind="huber", delta=width))
    model = RLM(targets[0, :, 0], designed(inputs[0]), M=HuberT(t=width))
    fit = model.fit(scale_est="mad", update_scale=False, maxiter=1000, tol=1e-13)
    factor = width / fit.scale  # its width is in units of a scale of its own
    model = RLM(targets[0, :, 0], designed(inputs[0]), M=HuberT(t=factor))
    fit = model.fit(scale_est="mad", update_scale=False, maxiter=1000, tol=1e-13)
    np.testing.assert_allclose(flat(found.values)[0], fit.params, rtol=1e-7)
    np.testing.assert_allclose(flat(found.standard_errors)[0], fit.bse, rtol=1e-6)


def test_absolute_errors_are_those_of_quantile_regression():
    inputs, targets = data(400)
    found = references(inputs, targets, component("loss", kind="l1"))
    fit = QuantReg(targets[0, :, 0], designed(inputs[0])).fit(q=0.5, max_iter=10_000, p_tol=1e-10)
    np.testing.assert_allclose(flat(found.values)[0], fit.params, atol=1e-4)  # it stops short of the vertex
    np.testing.assert_allclose(flat(found.standard_errors)[0], fit.bse, rtol=1e-2)


@pytest.mark.parametrize("count", [3, 4, 5, 21, 60])
def test_absolute_errors_are_the_optimum_of_linear_programming(count):
    inputs, targets = data(count, noise=2.0, sets=5)
    columns = np.concatenate([inputs, np.ones((5, count, 1))], axis=2)
    found = absolute_fits(columns, targets[..., 0])
    for x, y, theta in zip(columns, targets[..., 0], found.theta, strict=True):
        cost = np.concatenate([np.zeros(3), np.ones(2 * count)])
        matrix = np.hstack([x, np.eye(count), -np.eye(count)])
        bounds = [(None, None)] * 3 + [(0, None)] * (2 * count)
        best = linprog(cost, A_eq=matrix, b_eq=y, bounds=bounds)
        assert np.abs(y - x @ theta).sum() == pytest.approx(best.fun, rel=1e-9, abs=1e-9)


def test_a_median_of_an_even_number_is_open_and_of_an_odd_one_not():
    ones = np.ones((1, 4, 1))
    assert absolute_fits(ones, np.array([[1.0, 2.0, 3.0, 7.0]])).open.all()
    odd = absolute_fits(np.ones((1, 5, 1)), np.array([[1.0, 2.0, 3.0, 7.0, 7.0]]))
    assert odd.theta[0, 0] == pytest.approx(3.0)
    assert not odd.open.any()


def test_huber_with_decay_is_the_minimum_that_scipy_finds():
    inputs, targets = data(50, noise=2.0)
    columns, decay = designed(inputs[0]), np.full(3, 0.3)
    loss = component("loss", kind="huber", delta=0.5)
    theta = huber_fits(columns[None], targets[..., 0], 0.5, 1 / 50, decay[None]).theta[0]

    def objective(p):
        return loss.value(columns @ p[:, None], targets[0]) + np.sum(decay * p**2) / 2

    found = minimize(objective, np.zeros(3), method="BFGS", options={"gtol": 1e-9})
    assert objective(theta) <= found.fun + 1e-12
    np.testing.assert_allclose(theta, found.x, atol=1e-5)


def test_weight_decay_is_ridge_without_standard_errors():
    inputs, targets = data()
    found = references(inputs, targets, component("loss", kind="half_mse"), decay=0.2)
    ridge = Ridge(alpha=0.2 * 200, fit_intercept=False).fit(designed(inputs[0]), targets[0, :, 0])
    np.testing.assert_allclose(flat(found.values)[0], ridge.coef_, rtol=1e-9)
    assert found.missing[0] == "decay"
    assert np.isnan(flat(found.standard_errors)).all()


def test_logistic_regression_has_the_standard_errors_of_statsmodels():
    from statsmodels.discrete.discrete_model import Logit

    rng = np.random.default_rng(1)
    inputs = rng.normal(size=(1, 300, 2))
    chances = 1 / (1 + np.exp(-(inputs @ [[1.0], [-2.0]] + 0.5)))
    targets = (rng.random(chances.shape) < chances) * 1.0
    found = references(inputs, targets, component("loss", kind="bce"))
    fit = Logit(targets[0, :, 0], designed(inputs[0])).fit(disp=False, tol=1e-12)
    np.testing.assert_allclose(flat(found.values)[0], fit.params, rtol=1e-8)
    np.testing.assert_allclose(flat(found.standard_errors)[0], fit.bse, rtol=1e-7)


def test_the_interval_of_least_squares_holds_the_truth_in_95_percent():
    rng = np.random.default_rng(2)
    inputs = rng.normal(size=(10_000, 12, 2))
    targets = inputs @ TRUE[:2, None] + TRUE[2] + rng.normal(size=(10_000, 12, 1))
    found = references(inputs, targets, component("loss", kind="mse"))
    limits = scipy.stats.t.ppf(0.975, found.freedom)[:, None] * flat(found.standard_errors)
    shares = np.mean(np.abs(flat(found.values) - TRUE) <= limits, axis=0)
    assert np.all((shares > 0.94) & (shares < 0.96)), shares


@pytest.mark.parametrize(("count", "noise", "why"), [(1, 0.5, "few"), (3, 0.5, "few"), (50, 0.0, "exact")])
@pytest.mark.parametrize("kind", ["mse", "huber", "l1"])
def test_where_there_are_no_standard_errors(kind, count, noise, why):
    inputs, targets = data(count, noise=noise)
    found = references(inputs, targets, component("loss", kind=kind))
    assert found.missing[0] == why
    assert np.isnan(flat(found.standard_errors)).all()


def exact_solution(columns, targets):
    """Least squares in fractions."""
    x = [[Fraction(float(v)) for v in row] for row in columns]
    y = [Fraction(float(v)) for v in targets]
    size = len(x[0])
    rows = [
        [sum(r[i] * r[j] for r in x) for j in range(size)]
        + [sum(r[i] * t for r, t in zip(x, y, strict=True))]
        for i in range(size)
    ]
    for i in range(size):
        rows[i] = [v / rows[i][i] for v in rows[i]]
        for j in range(size):
            if j != i:
                rows[j] = [a - rows[j][i] * b for a, b in zip(rows[j], rows[i], strict=True)]
    return np.array([float(row[-1]) for row in rows])


@pytest.mark.parametrize("near", [1e-4, 1e-8, 1e-12])
def test_nearly_dependent_columns_are_solved_to_a_small_part_of_their_standard_errors(near):
    rng = np.random.default_rng(3)
    columns = rng.normal(size=(40, 3)) * [1, 1e6, 1e-6]
    columns[:, 1] = 1e6 * (columns[:, 0] + near * rng.normal(size=40))
    targets = columns[:, :1] + 0.01 * rng.normal(size=(40, 1))
    fit = fit_linear(columns[None], targets[None])
    assert fit.rank[0] == 3
    errors = np.sqrt(np.sum(fit.residuals**2) / 37 * fit.leverage[0])
    away = np.abs(fit.theta[0, :, 0] - exact_solution(columns, targets[:, 0]))
    assert np.all(away < 0.02 * errors)


def test_dependent_columns_have_the_shortest_solution():
    rng = np.random.default_rng(4)
    columns = rng.normal(size=(20, 3))
    columns = np.column_stack([columns, columns[:, 0] - 2 * columns[:, 1]])
    targets = rng.normal(size=(20, 1))
    fit = fit_linear(columns[None], targets[None])
    np.testing.assert_allclose(fit.theta[0], np.linalg.pinv(columns) @ targets, atol=1e-12)
    assert fit.rank[0] == 3


@pytest.mark.parametrize("loss", ["mse", "huber", "l1"])
def test_a_sinusoid_has_its_minimum_near_the_truth(loss):
    pb = problem(SINE | {"noise": 0.2}, {"kind": "sinusoid"}, {"kind": loss})
    split = pb.splits["train"]
    truth = {name: value[None] for name, value in true_parameters(pb.dataset, pb.model).items()}
    examples = Examples(split.inputs, split.targets, FIRST, np.zeros((1, 4)), 1 / split.size)
    found = find_references(pb.model, pb.loss, {p.name: p.shape for p in pb.parameters}, examples, truth)
    best = np.array([found.values[name][0] for name in truth])

    def objective(p):
        values = dict(zip(truth, map(np.array, p), strict=True))
        return pb.loss.value(pb.model.outputs(values, split.inputs[0]), split.targets[0])

    simplex = {"xatol": 1e-10, "fatol": 1e-14, "maxiter": 20_000, "maxfev": 20_000}
    start = [truth[name][0] for name in truth]
    other = minimize(objective, start, method="Nelder-Mead", options=simplex)
    assert objective(best) <= other.fun + 1e-12
    np.testing.assert_allclose(best, other.x, atol=2e-3)  # where the simplex of absolute errors stops
    assert found.losses[0] == pytest.approx(objective(best), rel=1e-12)


@pytest.mark.parametrize("kind", ["legendre", "sinusoid", "ohm", "planck", "exponential_decay"])
def test_slopes_are_finite_differences(kind):
    model, inputs = component("model", kind=kind), np.linspace(0.4, 3, 30)[:, None]
    names = [parameter.name for parameter in model.parameters(1, 1)]
    values = {name: np.array(3000.0 if name == "T" else 0.7 + 0.2 * i) for i, name in enumerate(names)}
    slopes = model.derivatives(values, inputs).firsts
    for column, name in enumerate(names):
        step = 1e-5 * values[name]
        up, down = (model.outputs(values | {name: values[name] + s}, inputs) for s in (step, -step))
        np.testing.assert_allclose(slopes[:, column], ((up - down) / (2 * step))[:, 0], rtol=1e-6, atol=1e-9)


def test_both_parts_add_up_to_the_error():
    pb = problem(LINEAR, {"kind": "linear"}, {"kind": "mse"})
    split = pb.splits["train"]
    examples = Examples(split.inputs, split.targets, FIRST, np.zeros((1, 3)), 1 / split.size)
    recovery = find_recovery([pb.dataset], pb.model, pb.loss, SHAPES, examples)
    learned = {"w": np.array([[[1.5], [-3.0]]]), "b": np.array([[4.0]])}
    x = designed(split.inputs[0])
    best = np.linalg.lstsq(x, split.targets[0], rcond=None)[0][:, 0]
    metrics = recovery.metrics(learned, FIRST)
    owed, told = best - [1.5, -3.0, 4.0], [2.0, -3.4, 4.2] - best
    assert metrics["recovery/optimization_error"][0] == pytest.approx(np.linalg.norm(owed), rel=1e-10)
    assert metrics["recovery/sampling_error"][0] == pytest.approx(np.linalg.norm(told), rel=1e-8)
    assert metrics["recovery/error_norm"][0] == pytest.approx(np.linalg.norm(owed + told), rel=1e-10)
