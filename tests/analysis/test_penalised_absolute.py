"""Absolute errors with a weight decay: that a minimum is one is proved by linear programming."""

import numpy as np
import pytest
from scipy.optimize import linprog, minimize

from lrcli.analysis.penalised_absolute import penalised_absolute_fits


def is_minimum(columns, targets, penalty, theta):
    """Whether some subgradient is zero: penalty theta = columns' s, s the sign of each residual."""
    residuals = targets - columns @ theta
    sums = np.abs(columns) @ np.abs(theta) + np.abs(targets)
    zero = np.abs(residuals) <= 1e-10 * sums
    bounds = [(-1, 1) if none else (sign, sign) for none, sign in zip(zero, np.sign(residuals), strict=True)]
    scale = np.linalg.norm(columns, axis=0)
    answer = linprog(
        np.zeros(len(targets)), A_eq=columns.T / scale[:, None], b_eq=penalty * theta / scale, bounds=bounds
    )
    return answer.status == 0


@pytest.mark.parametrize("seed", range(40))
def test_no_other_parameters_are_better(seed):
    rng = np.random.default_rng(seed)
    count, size = rng.integers(1, 60), rng.integers(1, 6)
    columns = rng.normal(size=(count, size)) * 10.0 ** rng.integers(-2, 3, size=size)
    targets = columns @ rng.normal(size=size) + rng.choice([0, 1e-3, 1, 10]) * rng.standard_t(2, size=count)
    if seed % 3 == 0:  # ties: more residuals are zero than must be
        columns, targets = np.round(columns), np.round(targets)
    columns[:, -1] = 1
    penalty = 10.0 ** rng.uniform(-4, 2, size=size)
    if seed % 4 == 1 and size > 1:
        penalty[-1] = 0
    columns = columns[:, columns.any(axis=0)]
    penalty = penalty[-columns.shape[1] :]
    found = penalised_absolute_fits(columns[None], targets[None], penalty[None])
    assert is_minimum(columns, targets, penalty, found.theta[0])
    assert not is_minimum(columns, targets, penalty, found.theta[0] * 1.001 + 1e-3)


def test_it_is_what_scipy_comes_near():
    rng = np.random.default_rng(1)
    columns, penalty = rng.normal(size=(2, 50, 3)), np.array([[3.0, 3.0, 3.0], [20.0, 20.0, 0.0]])
    targets = columns @ [2.0, -3.4, 4.2] + rng.standard_t(3, size=(2, 50))
    found = penalised_absolute_fits(columns, targets, penalty)
    for x, y, decay, theta in zip(columns, targets, penalty, found.theta, strict=True):

        def value(p, x=x, y=y, decay=decay):
            return np.abs(y - x @ p).sum() + (decay * p**2).sum() / 2

        near = minimize(value, theta + 0.1, method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12})
        assert value(theta) <= near.fun
        np.testing.assert_allclose(theta, near.x, atol=1e-5)
    assert not found.open.any()


def test_a_median_without_decay_is_open_between_the_two_in_the_middle():
    columns, targets = np.ones((2, 4, 1)), np.array([[1.0, 2.0, 3.0, 9.0]] * 2)
    found = penalised_absolute_fits(columns, targets, np.array([[0.0], [0.1]]))
    assert found.open.tolist() == [[True], [False]]
    np.testing.assert_allclose(found.theta[1], 2.0)


def test_so_much_decay_that_all_signs_stay():
    columns, targets = np.ones((1, 3, 1)), np.array([[1.0, 2.0, 3.0]])
    found = penalised_absolute_fits(columns, targets, np.array([[30.0]]))
    np.testing.assert_allclose(found.theta, [[3 / 30]])  # the sum of the signs over the penalty
