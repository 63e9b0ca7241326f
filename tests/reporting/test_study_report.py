"""What a sweep's report and picture say of bias, spread and coverage over its seeds."""

import io
from contextlib import redirect_stdout

import numpy as np
import pytest
from made_sweeps import made_results
from valleys import RATES, product, valley

from lrcli.analysis.sampling import Sampling
from lrcli.reporting.figure_files import figure_of
from lrcli.reporting.streams import console
from lrcli.reporting.sweeps.console import _print_study
from lrcli.reporting.sweeps.figure_bias import bias_and_spread
from lrcli.reporting.sweeps.recovery import BestStudy, with_error


def swept(errors, standard_error=1.0, sampling_errors=None, status="completed"):
    """Two parameters, the second without any error, from (S, C) true minus learned."""
    errors = np.asarray(errors, dtype=float)
    ones = np.ones(errors.shape)
    reference = 0 * ones if sampling_errors is None else np.asarray(sampling_errors)
    sampling = Sampling(
        freedom=50 * ones,
        truth={"w[0]": 2 * ones, "b": ones},
        sampling_errors={"w[0]": reference, "b": 0 * ones},
        standard_errors={"w[0]": standard_error * ones, "b": ones},
    )
    statuses = np.broadcast_to(status, errors.shape).copy()
    found = {"w[0]": errors, "b": 0 * ones}
    return made_results(np.abs(errors), errors=found, sampling=sampling, status=statuses)


RANDOM = np.random.default_rng(0).normal(size=(40, 1))


@pytest.mark.parametrize(
    ("results", "said"),
    [
        (
            swept(0.1 + 0.001 * RANDOM, 0.01),
            "Over 40 seeds w[0] is off by -0.0999 ± 0.0001 on average; an interval that should hold the "
            "truth in 95% of trainings holds it in 0%: the training is not finished",
        ),
        (
            swept(RANDOM, 0.1),
            "in 20%: over the seeds it spreads by 0.8, where the data alone would by 0.1",
        ),
        (swept(RANDOM, 0.1, RANDOM), "around what minimises the training loss it holds it in"),
        (swept(RANDOM, 1.0), "holds it in 98%"),
        (swept(RANDOM, np.nan), "on average"),
        (
            swept(RANDOM, status=[["diverged"]] * 3 + [["completed"]] * 37),
            "Over the 37 of 40 seeds that did not diverge ",
        ),
    ],
)
def test_the_sentence_says_why(results, said):
    sentence = BestStudy(results, 0).sentence
    assert said in sentence
    assert sentence.count(":") <= 1


def test_right_intervals_need_no_reason():
    sentence = BestStudy(swept(RANDOM), 0).sentence
    assert ":" not in sentence


@pytest.mark.parametrize("results", [made_results(), swept(RANDOM[:1]), swept(RANDOM, status="diverged")])
def test_where_nothing_is_known_nothing_is_said(results):
    study = BestStudy(results, 0)
    assert study.sentence == ""
    written = io.StringIO()
    with redirect_stdout(written):
        _print_study(console(), study)
    assert written.getvalue() == ""


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (-0.1002, 0.0031, "-0.100 ± 0.003"),
        (12.345, 0.97, "12 ± 1"),
        (0.75, 0.068, "0.75 ± 0.07"),
        (1.0, 0.0, "1 ± 0"),
        (0.5, np.nan, "0.5"),
        (np.nan, np.nan, ""),
        (1.5e12, 2e9, "1.5e+12 ± 2e+09"),
        (3e-12, 2e-13, "3e-12 ± 2e-13"),
    ],
)
def test_numbers_end_where_their_error_begins(value, error, text):
    assert with_error(value, error) == text


def test_the_picture_has_bias_and_spread_of_each_parameter():
    results = valley(product(optimizer__lr=RATES))
    ones = np.ones(results.status.shape)
    (errors,) = results.errors.values()
    sampling = Sampling(50 * ones, {"w[0]": ones}, {"w[0]": 0 * ones}, {"w[0]": 0.01 * ones})
    drawing = bias_and_spread(swept_as(results, sampling))
    left, right = figure_of(drawing).axes
    points = left.containers[0].lines[0].get_data()
    ended = np.where(results.status == "diverged", np.nan, -errors)
    kept = [column[~np.isnan(column)] for column in ended.T]
    expected = np.array([column.mean() if column.size else np.nan for column in kept])
    np.testing.assert_array_equal(points[0], RATES)
    whole = np.isfinite(points[1])
    assert whole.sum() > 10
    np.testing.assert_allclose(points[1][whole], expected[whole])
    assert right.get_yscale() == "log"
    assert "w[0] is off by" in drawing.description
    assert not any("mathdefault" in tick.get_text() for tick in right.get_yticklabels())


def swept_as(results, sampling):
    from dataclasses import replace

    return replace(results, sampling=sampling)


def test_without_truth_or_with_one_seed_there_is_no_picture():
    assert bias_and_spread(valley(product(optimizer__lr=RATES))) is None
    assert bias_and_spread(swept(RANDOM[:1].repeat(3, axis=1))) is None
