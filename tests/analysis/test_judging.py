"""The verdict of a sweep as data, against what its scores say by hand."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_sweeps import made_results

from lrcli.analysis.comparison import compare_with_best
from lrcli.analysis.judging import find_verdict
from lrcli.analysis.statistics import describe_metric
from lrcli.storage.files import replace_nonfinite

SGD, ADAM = {"optimizer.kind": "sgd"}, {"optimizer.kind": "adam"}


def judged(scores, configurations=None, **fields):
    if configurations is not None:
        keys = tuple(dict.fromkeys(key for each in configurations for key in each))
        fields = {"configurations": configurations, "keys": keys} | fields
    results = made_results(scores, **fields)
    return find_verdict(results, describe_metric(results))


def rates(*values, **held):
    return [{**held, "optimizer.lr": value} for value in values]


def column(*scores, seeds=5):
    """The same scores in every seed, but for a little."""
    return np.array(scores) + 0.001 * np.arange(seeds)[:, None]


def test_the_best_and_those_like_it():
    scores = column(3.0, 1.0, 1.0, 2.0)
    scores[:, 2] += [-0.01, 0.01, -0.01, 0.01, 0.01]  # better in some seeds, worse in others
    verdict = judged(scores, rates(0.1, 0.2, 0.3, 0.4), final={"val/loss": scores, "test/loss": 2 * scores})
    assert verdict.best.values == {"optimizer.lr": 0.2}
    assert verdict.best.median == scores[2, 1]
    assert verdict.best.low <= verdict.best.median <= verdict.best.high
    assert verdict.best.test == {"test/loss": 2 * scores[2, 1]}
    assert verdict.best.alike == ({"optimizer.lr": 0.3},)
    assert verdict.best.has_median
    assert verdict.diverged == 0


def test_few_seeds_tell_nothing_apart():
    assert judged(column(1.0, 2.0, seeds=4), rates(0.1, 0.2)).best.alike is None
    assert judged(column(1.0, 2.0, seeds=5), rates(0.1, 0.2)).best.alike == ()


def test_large_values_may_be_good():
    verdict = judged(column(0.5, 0.9), rates(0.1, 0.2), metric="val/accuracy", mode="max")
    assert verdict.best.values == {"optimizer.lr": 0.2}


def test_usable_rates_are_those_within_a_factor_of_two():
    verdict = judged(column(9.0, 1.5, 1.0, 1.5, 9.0), rates(1e-4, 1e-3, 1e-2, 1e-1, 1.0))
    band = verdict.rates.band
    assert (band.low, band.high, band.open_low, band.open_high) == (1e-3, 1e-1, False, False)
    assert verdict.rates.edge is None
    assert verdict.lowest_rate == 1e-4


@pytest.mark.parametrize(
    ("scores", "edge", "low", "high"),
    [((1.0, 5.0, 9.0), "low", 1e-6, 1e-3), ((9.0, 5.0, 1.0), "high", 1e-1, 1e2)],
)
def test_the_best_rate_at_an_edge(scores, edge, low, high):
    found = judged(column(*scores), rates(1e-3, 1e-2, 1e-1)).rates.edge
    assert found.edge == edge
    np.testing.assert_allclose([found.low, found.high], [low, high])


def test_a_best_that_is_only_as_good_as_the_edge_is_inside():
    """Equal medians of which the quartiles choose the inner one."""
    scores = np.array([[1.0, 0.9, 9.0], [1.0, 1.0, 9.0], [1.0, 1.0, 9.0]])
    verdict = judged(scores, rates(0.1, 0.2, 0.3))
    assert verdict.best.values == {"optimizer.lr": 0.2}
    assert verdict.rates.edge is None


def test_rates_count_where_nothing_else_differs():
    configurations = [*rates(0.1, 0.2, momentum=0.0), *rates(0.1, 0.2, momentum=0.9)]
    verdict = judged(column(5.0, 6.0, 2.0, 1.0), configurations)
    assert verdict.rates.held == {"momentum": 0.9}
    assert (verdict.rates.band.low, verdict.rates.band.high) == (0.1, 0.2)


def test_where_everything_diverged():
    verdict = judged(np.full((5, 2), np.inf), rates(0.1, 0.2))
    assert not verdict.best.has_median
    assert verdict.diverged == 1
    assert verdict.lowest_rate == 0.1
    assert verdict.rates.band is None
    assert verdict.rates.edge.edge == "low"


def test_optimizers_are_compared_at_their_best():
    configurations = [*rates(0.1, 0.2, 0.3, **SGD), *rates(0.1, **ADAM)]
    scores = column(4.0, 2.0, 4.0, 1.0)
    verdict = judged(scores, configurations)
    sgd, adam = verdict.optimizers
    assert (sgd.kind, sgd.configurations, sgd.median) == ("sgd", 3, scores[2, 1])
    assert (adam.kind, adam.configurations, adam.median) == ("adam", 1, scores[2, 3])
    assert (sgd.rates.edge, adam.rates.edge.edge) == (None, "both")
    assert verdict.budgets_differ
    assert verdict.rates is None
    (difference,) = verdict.differences
    assert (difference.kind, difference.best, difference.distinguishable) == ("sgd", "adam", True)
    assert difference.median == pytest.approx(1.0)


def test_optimizers_without_rates():
    verdict = judged(column(4.0, 2.0), [SGD, ADAM])
    assert [optimizer.rates for optimizer in verdict.optimizers] == [None, None]
    assert verdict.lowest_rate is None
    assert not verdict.budgets_differ


CONFIGURATIONS = st.sampled_from(
    [
        rates(0.1, 0.2, 0.3),
        [*rates(0.1, 1.0, **SGD), *rates(0.1, 1.0, **ADAM)],
        [SGD, *rates(0.1, **ADAM)],
        [{"model.hidden": [4]}, {"model.hidden": [4, 4]}],
    ]
)


@settings(max_examples=60)
@given(
    configurations=CONFIGURATIONS,
    seeds=st.integers(1, 6),
    data=st.data(),
    mode=st.sampled_from(["min", "max"]),
)
def test_any_verdict_is_plain_data_and_right(configurations, seeds, data, mode):
    number = st.sampled_from([0.0, 0.5, 1.0, 3.0, np.inf])
    shape = (seeds, len(configurations))
    size = seeds * len(configurations)
    scores = np.array(data.draw(st.lists(number, min_size=size, max_size=size))).reshape(shape)
    verdict = judged(scores, configurations, mode=mode)
    worst = np.where(np.isfinite(scores), scores, np.inf if mode == "min" else -np.inf)
    medians = np.sort(worst, axis=0)[[(seeds - 1) // 2, seeds // 2]]
    with np.errstate(invalid="ignore"):
        medians = np.where(medians[0] == medians[1], medians[0], medians.mean(axis=0))
    best = medians.min() if mode == "min" else medians.max()
    assert verdict.best.median == best
    assert verdict.diverged == np.mean(~np.isfinite(scores))
    if verdict.best.alike is not None:
        number = configurations.index(verdict.best.values)
        told = compare_with_best(scores, number, mode).distinguishable
        alike = [each for each, far in zip(configurations, told, strict=True) if not far]
        assert len(verdict.best.alike) == len(alike) - 1
    plain = json.loads(json.dumps(replace_nonfinite(verdict.as_data()), allow_nan=False))
    assert plain["best"]["values"] == verdict.best.values
    assert set(plain) >= {"metric", "best", "rates", "optimizers", "differences", "diverged"}
