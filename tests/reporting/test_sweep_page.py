"""The report of a sweep: the numbers of its results, the verdict as the console prints it."""

import datetime
import math
from collections import Counter

import numpy as np
import pytest
from made_sweeps import made_results
from pages import ReadPage, assert_sound
from valleys import cases

from lrcli.analysis.judging import find_verdict
from lrcli.analysis.outcomes import outcomes
from lrcli.analysis.statistics import describe_metric, ranking
from lrcli.experiment.experiment import Experiment
from lrcli.reporting.pages.html import page_html
from lrcli.reporting.sweeps.page import _MEANINGS, sweep_page
from lrcli.reporting.sweeps.verdict import sentences
from lrcli.storage.result_fields import Timing
from lrcli.storage.sweep_result import SweepResult
from lrcli.sweeps.findings import findings

EXPERIMENT = Experiment.model_validate(
    {
        "name": "line",
        "dataset": {"kind": "linear", "w": [2.0], "b": 1.0, "num_train": 50, "num_val": 20},
        "model": {"kind": "linear"},
        "loss": {"kind": "half_mse"},
        "optimizer": {"kind": "sgd", "lr": 0.05},
        "sweep": {"grid": {"optimizer.lr": {"values": [0.1, 0.2]}}, "seeds": 3},
    }
)
CASES = cases()


def result_of(results, status="completed", **changes):
    return SweepResult(
        name="line",
        status=status,
        run_dir="runs/line/sweep-0001",
        members=results.status.size,
        seeds=results.seeds,
        keys=results.keys,
        metric=results.metric,
        mode=results.mode,
        memory=10**9,
        fingerprint="",
        timing=Timing(0.5, 1.0),
        **{**findings(EXPERIMENT, results, describe_metric(results)), **changes},
    )


def read(results, result=None):
    page = sweep_page(results, result or result_of(results), EXPERIMENT, [])
    found = ReadPage(page_html(page, datetime.date(2026, 1, 31)))
    assert_sound(found)
    return found


@pytest.mark.parametrize("case", CASES)
def test_every_number_is_the_results(case):
    results = CASES[case]
    statistics = describe_metric(results)
    order = ranking(statistics, results.mode)[:300]
    table = read(results).tables["Configurations, best first"]
    assert table.numbers("rank") == list(range(1, len(order) + 1))
    for heading, values in (
        (results.metric, statistics.median),
        ("q25", statistics.q25),
        ("q75", statistics.q75),
    ):
        expected = np.where(np.isfinite(values[order]), values[order], np.nan)
        np.testing.assert_array_equal(np.array(table.numbers(heading), dtype=float), expected)
    if statistics.diverged.any():
        assert table.numbers("diverged") == statistics.diverged[order].tolist()
    for key in results.keys:
        values = [results.configurations[number].get(key) for number in order]
        if all(isinstance(value, float) for value in values):
            assert table.numbers(key) == values


@pytest.mark.parametrize("case", CASES)
def test_the_verdict_is_that_of_the_console(case):
    results = CASES[case]
    result = result_of(results)
    said = list(sentences(find_verdict(results, describe_metric(results)), result))
    assert said
    assert read(results, result).texts["li"] == said


@pytest.mark.parametrize("case", CASES)
def test_every_member_is_counted_once(case):
    results = CASES[case]
    table = read(results).tables["What has become of the members"]
    counted = dict(zip(table.column("outcome"), table.numbers("members"), strict=True))
    assert counted == Counter(outcomes(results).ravel().tolist())
    assert table.numbers("members") == sorted(table.numbers("members"), reverse=True)


def test_every_outcome_has_a_meaning():
    """As many as the module that judges names."""
    from lrcli.analysis import outcomes as module

    assert set(_MEANINGS) == {word for word in _MEANINGS if f"``{word}``" in module.__doc__}
    assert len(_MEANINGS) == 8


def test_those_like_the_best_are_named():
    results = made_results(np.random.default_rng(0).normal([1, 1, 1, 5], 0.3, (8, 4)))
    result = result_of(results)
    column = read(results, result).tables["Configurations, best first"].column("verdict")
    assert column[0] == "best"
    alike = [rank for rank, text in enumerate(column, 1) if text == "like the best"]
    assert tuple(alike) == result.best.like_best
    assert alike


def test_many_configurations_are_told_as_far_as_they_can_be_read():
    page = read(made_results(np.geomspace(1e-3, 1, 500)[None] * np.ones((3, 1))))
    assert len(page.tables["Configurations, best first"].rows) == 300
    assert "200 more in summary.csv." in page.text


def test_a_sweep_that_lacks_members_is_not_judged():
    results = made_results()
    status = results.status.astype("U11")
    status[0, 0] = "interrupted"
    results = made_results(status=status)
    page = read(results, result_of(results, "interrupted"))
    assert page.texts["li"] == ["11 of 12 members have ended; nothing is judged before all have"]
    assert "Configurations, best first" not in page.tables
    assert "Interrupted; lrcli resume goes on with it" in page.text
    assert "replay" not in page.text


def test_a_sweep_of_which_all_diverged_has_a_page():
    page = read(made_results([[math.nan, math.inf], [math.nan, math.nan]]))
    table = page.tables["Configurations, best first"]
    assert table.column("val/loss") == ["not finite"] * 2
    assert table.numbers("diverged") == [2, 2]


def test_how_to_repeat_it():
    page = read(made_results())
    commands = [line for text in page.texts["code"][2:] for line in text.splitlines()]
    assert commands == [
        "lrcli sweep experiment.yaml",
        "lrcli sweep runs/line/sweep-0001/experiment.yaml",
        "lrcli replay runs/line/sweep-0001 best",
    ]
    assert page.tables["What the numbers depend on"].rows == [["seeds", "0 to 2"]]
