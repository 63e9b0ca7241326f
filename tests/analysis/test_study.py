"""Bias, spread and coverage over seeds: against NumPy by hand, SciPy, and simulation."""

import math

import numpy as np
import pytest
from made_sweeps import made_results
from scipy import stats
from statsmodels.regression.linear_model import OLS

from lrcli.analysis.sampling import Sampling
from lrcli.analysis.student_t import reach_of_interval
from lrcli.analysis.study import shortfall, study, study_of, study_of_references

NUMBERS = ("bias", "empirical_se", "rmse", "coverage")


def studied(errors, standard_errors=None, freedom=100.0, diverged=None):
    errors = np.asarray(errors, dtype=float)
    if errors.ndim == 1:
        errors = errors[:, None]
    spreads = (
        np.full(errors.shape, np.nan) if standard_errors is None else standard_errors * np.ones_like(errors)
    )
    lost = np.zeros(errors.shape, dtype=bool) if diverged is None else np.asarray(diverged)
    return study(errors, spreads, np.full(errors.shape, freedom), lost, np.ones(errors.shape, dtype=bool))


def test_the_quantile_of_student_is_scipys():
    freedom = np.array([*range(1, 300), 1e3, 1e6])
    np.testing.assert_allclose(reach_of_interval(freedom), stats.t.ppf(0.975, freedom), rtol=1e-9)
    assert reach_of_interval(np.array([np.inf]))[0] == pytest.approx(stats.norm.ppf(0.975))
    assert np.isnan(reach_of_interval(np.array([[0.0, np.nan, -3.0]]))).all()


def test_each_measure_is_what_is_defined():
    errors = np.random.default_rng(0).normal(0.3, 1.0, 50)  # true - learned
    found = studied(errors, 0.8, 20)
    learned = -errors
    assert found.bias[0] == pytest.approx(np.mean(learned))
    assert found.bias_mcse[0] == pytest.approx(stats.sem(learned))
    assert found.empirical_se[0] == pytest.approx(np.std(learned, ddof=1))
    assert found.empirical_se_mcse[0] == pytest.approx(np.std(learned, ddof=1) / math.sqrt(98))
    squares = errors**2
    assert found.rmse[0] == pytest.approx(math.sqrt(squares.mean()))
    assert found.rmse_mcse[0] == pytest.approx(stats.sem(squares, ddof=1) / (2 * math.sqrt(squares.mean())))
    held = np.mean(np.abs(errors) <= stats.t.ppf(0.975, 20) * 0.8)
    assert found.coverage[0] == held
    assert found.coverage_mcse[0] == pytest.approx(math.sqrt(held * (1 - held) / 50))


def test_members_that_diverged_are_counted_and_left_out():
    errors = np.array([0.1, 0.2, 1e300, np.nan, -0.1])
    found = studied(errors, 0.1, diverged=[[False], [False], [True], [True], [False]])
    assert (found.n[0], found.diverged[0]) == (5, 2)
    assert found.bias[0] == pytest.approx(-np.mean([0.1, 0.2, -0.1]))
    nothing = studied(errors, 0.1, diverged=np.ones((5, 1), dtype=bool))
    assert nothing.diverged[0] == 5
    assert all(np.isnan(getattr(nothing, name)[0]) for name in NUMBERS)


def test_a_number_that_one_member_lacks_is_known_of_none():
    found = studied([0.1, np.nan, 0.2], 0.1)
    assert all(np.isnan(getattr(found, name)[0]) for name in NUMBERS)
    spreads = np.array([[0.1], [np.nan], [0.1]])
    without = studied([0.1, 0.3, 0.2], spreads)
    assert np.isnan(without.coverage[0])
    assert without.bias[0] == pytest.approx(-0.2)


def test_one_seed_has_a_bias_and_no_spread():
    found = studied([0.25], 1.0)
    assert found.bias[0] == -0.25
    for name in ("bias_mcse", "empirical_se", "empirical_se_mcse", "rmse_mcse", "coverage_mcse"):
        assert np.isnan(getattr(found, name)[0]), name


@pytest.mark.parametrize("scale", [1e200, 1e-200])
def test_numbers_of_any_size_are_squared_without_loss(scale):
    errors = np.array([1.0, 2.0, -1.0])
    plain, found = studied(errors), studied(errors * scale)
    for name in ("bias", "empirical_se", "rmse", "rmse_mcse"):
        assert getattr(found, name)[0] == pytest.approx(scale * getattr(plain, name)[0])


def test_errors_of_zero_have_no_spread():
    found = studied(np.zeros(4), 0.1)
    assert (found.rmse[0], found.rmse_mcse[0], found.coverage[0]) == (0, 0, 1)


def test_monte_carlo_errors_are_the_spread_of_repeated_studies():
    errors = np.random.default_rng(1).normal(0.5, 1.0, (400, 1000))  # a study in each column
    found = studied(errors, 1.0)
    for name in NUMBERS:
        spread = np.std(getattr(found, name), ddof=1)
        told = np.mean(getattr(found, f"{name}_mcse"))
        assert told == pytest.approx(spread, rel=0.1), name  # the spread of 1,000 has an error of 2%


def simulated(seeds, shrunk=1.0):
    """True minus learned, standard errors, and true minus least squares, which learning shrinks."""
    rng = np.random.default_rng(2)
    x = np.stack([np.ones((seeds, 20)), rng.normal(size=(seeds, 20))], axis=2)
    truth = np.array([1.0, 2.0])
    y = x @ truth + rng.normal(size=(seeds, 20))
    products = np.linalg.inv(x.transpose(0, 2, 1) @ x)
    best = np.einsum("spq,sq->sp", products, np.einsum("snp,sn->sp", x, y))
    noise = np.sum((y - np.einsum("snp,sp->sn", x, best)) ** 2, axis=1) / 18
    errors = np.sqrt(noise[:, None] * np.einsum("spp->sp", products))
    ols = OLS(y[0], x[0]).fit()
    np.testing.assert_allclose(best[0], ols.params)
    np.testing.assert_allclose(errors[0], ols.bse)
    return truth - shrunk * best, errors, truth - best


def test_coverage_is_nominal_at_least_squares_and_less_before():
    errors, spreads, _ = simulated(10_000)
    finished = studied(errors, spreads, 18)
    assert np.all(np.abs(finished.coverage - 0.95) < 0.01)
    np.testing.assert_allclose(finished.empirical_se, finished.standard_error, rtol=0.05)
    early, spreads, _ = simulated(10_000, 0.8)
    assert np.all(studied(early, spreads, 18).coverage < 0.93)


@pytest.mark.parametrize("count", [40, 4000])
def test_why_intervals_hold_the_truth_too_seldom(count):
    rng = np.random.default_rng(3)
    right = rng.normal(size=(count, 1))
    reference = studied(right, 1.0)
    assert shortfall(reference, reference, 0) is None
    assert shortfall(studied(right + 3, 1.0), reference, 0) == "unfinished"
    assert shortfall(studied(3 * right, 1.0), reference, 0) == "noisy"
    off = studied(right + 3, 1.0)
    assert shortfall(off, off, 0) == "reference"
    assert shortfall(studied(right), reference, 0) is None


def test_three_of_four_may_be_chance():
    assert shortfall(studied([0.0, 0, 0, 9], 1.0), studied(np.zeros(4), 1.0), 0) is None
    assert shortfall(studied([0.0, 9, 9, 9], 1.0), studied(np.zeros(4), 1.0), 0) is not None


def with_truth(errors, **fields):
    errors = np.asarray(errors, dtype=float)
    ones = np.ones(errors.shape)
    sampling = Sampling(50 * ones, {"w[0]": 2 * ones}, {"w[0]": 0 * ones}, {"w[0]": ones})
    return made_results(np.abs(errors), errors={"w[0]": errors}, sampling=sampling, **fields)


def test_a_sweep_of_unknown_truth_has_no_study():
    assert study_of(made_results()) == {}


def test_parameters_left_open_and_members_that_are_missing_have_no_numbers():
    errors = [[0.1, 0.2], [0.3, 0.4], [0.2, 0.1]]
    mask = np.zeros((3, 2), dtype=bool)
    mask[1, 0] = True
    found = study_of(with_truth(errors, undetermined={"w[0]": mask}))["w[0]"]
    assert np.isnan(found.bias[0])
    assert found.bias[1] == pytest.approx(-np.mean([0.2, 0.4, 0.1]))
    status = np.where(mask, "interrupted", "completed")
    found = study_of(with_truth(errors, status=status))["w[0]"]
    assert np.isnan(found.bias[0])
    assert found.n.tolist() == [2, 3]


def test_references_are_studied_alike():
    assert study_of_references(with_truth([[0.1], [0.3]]))["w[0]"].rmse[0] == 0


def test_what_is_kept_reads_back():
    sampling = with_truth([[0.1], [0.3]]).sampling
    again = Sampling.of_arrays(sampling.arrays)
    assert list(again.arrays) == list(sampling.arrays)
    assert Sampling.of_arrays({}) is None
    with pytest.raises(KeyError):
        Sampling.of_arrays({"other": np.zeros(1)})
