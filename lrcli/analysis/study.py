"""The seeds of a configuration as a simulation study: each trains on data of its own of the same truth.

The measures of Morris, White and Crowther (2019), Using simulation studies to evaluate statistical methods,
Statistics in Medicine 38, table 6, each with its Monte Carlo standard error (MCSE): how far it would move if
the same were done with other seeds. Of n seeds with errors e_i = learned - true, mean e, and d = e_i^2 - MSE:

    bias          e                                   sd / sqrt(n)
    empirical SE  sd = sqrt(sum (e_i - e)^2 / (n-1))  sd / sqrt(2 (n - 1))
    RMSE          sqrt(MSE), MSE = sum e_i^2 / n      sqrt(sum d^2 / (n (n - 1))) / (2 RMSE), delta method
    coverage      c, the share of intervals that      sqrt(c (1 - c) / n)
                  hold the truth

An interval is learned +- t SE, SE the standard error of least squares on that seed's data, t the quantile
0.975 of Student's t: 95% hold the truth where training has come to the reference, fewer where it has not.

Members that diverged are counted, and all numbers are of the others. Where a number is not known of one of
these, it is known of none: the data leave the parameter open, or the member has not ended.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lrcli.analysis.comparison import binomial_tail
from lrcli.analysis.student_t import reach_of_interval
from lrcli.analysis.sweep_results import SweepResults

__all__ = [
    "MEASURES",
    "NOMINAL",
    "Shortfall",
    "Study",
    "shortfall",
    "study",
    "study_of",
    "study_of_references",
]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Shortfall = Literal["unfinished", "noisy", "reference"]

MEASURES = ("bias", "empirical_se", "rmse", "coverage")
NOMINAL = 0.95
_CHANCE = 0.025  # of a coverage as low as that, were the intervals right


@dataclass(frozen=True)
class Study:
    """One parameter over the seeds of each configuration; every array is (C,), NaN where it is not known.

    Attributes:
        known: whether the configuration has that parameter, and its truth is known.
        n: members, those that diverged included.
        diverged: how many of them diverged; the numbers are of the others.
        bias: the mean of learned minus true.
        bias_mcse: its Monte Carlo standard error, like those of the others.
        empirical_se: the standard deviation over seeds.
        empirical_se_mcse: likewise.
        rmse: the root of the mean squared error.
        rmse_mcse: likewise.
        coverage: the share of 95% intervals around the learned value that hold the true one.
        coverage_mcse: likewise; 0 where all do, or none.
        standard_error: the root of the mean squared standard error, what the data alone leave open.
    """

    known: Mask
    n: NDArray[np.int64]
    diverged: NDArray[np.int64]
    bias: Array
    bias_mcse: Array
    empirical_se: Array
    empirical_se_mcse: Array
    rmse: Array
    rmse_mcse: Array
    coverage: Array
    coverage_mcse: Array
    standard_error: Array


def study_of(results: SweepResults) -> dict[str, Study]:
    """The learned parameters of a sweep, from a parameter's number; empty where no truth is known."""
    return _studies(results, of_reference=False)


def study_of_references(results: SweepResults) -> dict[str, Study]:
    """The same of the references, what a training that is finished would have learned."""
    return _studies(results, of_reference=True)


def _studies(results: SweepResults, *, of_reference: bool) -> dict[str, Study]:
    sampling = results.sampling
    if sampling is None:
        return {}
    unknown = np.full(results.status.shape, np.nan)
    source = sampling.sampling_errors if of_reference else results.errors
    diverged = results.diverged
    studies = {}
    for name, truth in sampling.truth.items():
        is_open = results.undetermined.get(name, np.zeros(diverged.shape, dtype=bool))
        errors = np.where(is_open | results.missing | np.isnan(truth), np.nan, source.get(name, unknown))
        spreads = sampling.standard_errors.get(name, unknown)
        found = study(errors, spreads, sampling.freedom, diverged, ~np.isnan(truth))
        studies[name] = replace(found, n=found.n - results.missing.sum(axis=0))
    return studies


def study(errors: Array, standard_errors: Array, freedom: Array, diverged: Mask, has_truth: Mask) -> Study:
    """One parameter over the seeds of each configuration.

    Args:
        errors: (S, C) true minus learned, NaN where that is not known.
        standard_errors: (S, C) of the reference on each one's data, NaN where there is none.
        freedom: (S, C) the degrees of freedom of these.
        diverged: (S, C) which members diverged.
        has_truth: (S, C) which have the parameter, with a truth.
    """
    kept = ~diverged
    count = np.count_nonzero(kept, axis=0)
    whole = np.asarray((count > 0) & ~np.any(kept & ~np.isfinite(errors), axis=0))
    usable = kept & whole
    scale = np.max(np.abs(errors), axis=0, where=usable, initial=0.0)  # squares of any numbers are numbers
    scale = np.where(scale > 0, scale, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):  # of configurations with too few members
        found = _moments(np.where(usable, -errors, 0.0) / scale, usable, count)
        found = {name: np.where(whole, values * scale, np.nan) for name, values in found.items()}
        found |= _coverage(errors, standard_errors, freedom, usable, count)
    size = np.full(len(count), len(errors))
    return Study(np.any(has_truth, axis=0), size, np.count_nonzero(diverged, axis=0), **found)


def _moments(errors: Array, kept: Mask, count: NDArray[np.int64]) -> dict[str, Array]:
    """All but the coverage, of errors (S, C) that are 0 where they do not count; NaN of too few."""
    bias = errors.sum(axis=0) / count
    spread = np.sqrt(np.sum(np.where(kept, errors - bias, 0.0) ** 2, axis=0) / (count - 1))
    mean_square = np.sum(errors**2, axis=0) / count
    around = np.sum(np.where(kept, errors**2 - mean_square, 0.0) ** 2, axis=0)
    rmse = np.sqrt(mean_square)
    of_square = np.sqrt(around / (count * (count - 1)))
    return {
        "bias": bias,
        "bias_mcse": spread / np.sqrt(count),
        "empirical_se": spread,
        "empirical_se_mcse": spread / np.sqrt(2 * (count - 1)),
        "rmse": rmse,
        "rmse_mcse": np.where(rmse == 0, spread, of_square / (2 * rmse)),  # of errors that are all 0
    }


def _coverage(
    errors: Array, standard_errors: Array, freedom: Array, kept: Mask, count: NDArray[np.int64]
) -> dict[str, Array]:
    reach = reach_of_interval(freedom) * standard_errors
    known = np.any(kept, axis=0) & ~np.any(kept & np.isnan(reach), axis=0)
    coverage = np.count_nonzero(kept & (np.abs(errors) <= reach), axis=0) / count
    error = np.where(count > 1, np.sqrt(coverage * (1 - coverage) / count), np.nan)
    square = np.sum(np.where(kept & known, standard_errors, 0.0) ** 2, axis=0) / count
    found = {"coverage": coverage, "coverage_mcse": error, "standard_error": np.sqrt(square)}
    return {name: np.where(known, values, np.nan) for name, values in found.items()}


def shortfall(learned: Study, reference: Study, number: int) -> Shortfall | None:
    """Why intervals around what a configuration learned hold the truth too seldom.

    Args:
        learned: of a parameter.
        reference: of the same, what training aims at.
        number: of the configuration.

    Returns:
        ``reference`` where those around the reference do, too; ``unfinished`` where the bias weighs more
        than what the seeds scatter beyond the references; else ``noisy``. None where they hold it often
        enough, but for chance, or where that is not known.
    """
    if not _too_seldom(learned, number):
        return None
    if _too_seldom(reference, number):
        return "reference"
    beyond = learned.empirical_se[number] ** 2 - reference.empirical_se[number] ** 2
    return "noisy" if beyond > learned.bias[number] ** 2 else "unfinished"


def _too_seldom(of: Study, number: int) -> bool:
    """Whether right intervals would hold the truth that seldom in 1 of 40 studies at most."""
    count = int(of.n[number] - of.diverged[number])
    coverage = float(of.coverage[number])
    if not count or not coverage < NOMINAL:
        return False
    missed = round((1 - coverage) * count)
    return bool(binomial_tail(count, missed, np.array([1 - NOMINAL]))[0] < _CHANCE)
