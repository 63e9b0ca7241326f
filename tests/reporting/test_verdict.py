"""The verdict of a sweep in words, from its data alone."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np

from lrcli.analysis.basin import Advice, Band
from lrcli.analysis.verdict import BestConfiguration, Difference, OptimizerVerdict, RateVerdict, Verdict
from lrcli.reporting.sweeps.verdict import sentences
from lrcli.storage.result_fields import StableRate

BEST = BestConfiguration({"optimizer.lr": 0.1}, 0.25, 0.2, 0.3, {"test/loss": 0.5}, ())
BAND = Band(0.1, 0.25, 0.01, 1.0, 2.0, np.array([True]), open_low=False, open_high=True)
RATES = RateVerdict({}, BAND, None)
VERDICT = Verdict(("optimizer.lr",), "val/loss", "min", 5, BEST, 0.0, 0.01, RATES, (), ())


def result_with(**changes):
    """What the sentences need of the result of a sweep."""
    known = {"reference": SimpleNamespace(why=""), "warnings": [], "stability": None, "divergence": None}
    return SimpleNamespace(**(known | changes))


RESULT = result_with()


def said(result=RESULT, **changes):
    return list(sentences(replace(VERDICT, **changes), result))


def test_the_best_and_its_rates():
    assert said() == [
        "best: optimizer.lr=0.1: val/loss 0.25 (median of its seeds; 95% interval 0.2 to 0.3); test/loss 0.5",
        "usable learning rates: 0.01 to 1 (2.0 decades), perhaps above",
    ]


def test_a_single_usable_rate_is_no_band():
    single = replace(BAND, low=0.1, high=0.1, decades=0.0, open_high=False)
    assert said(rates=RateVerdict({}, single, None))[1:] == ["usable learning rates: 0.1 alone"]


def test_one_seed_has_no_interval():
    alone = replace(BEST, low=np.nan, high=np.nan, alike=None)
    assert said(seeds=1, best=alone)[:2] == [
        "best: optimizer.lr=0.1: val/loss 0.25; test/loss 0.5",
        "with fewer than 5 seeds no configuration can be told from another",
    ]


def test_those_like_the_best_are_named_as_far_as_there_is_room():
    alike = tuple({"optimizer.lr": float(rate), "model.hidden": [4, 4]} for rate in range(1, 11))
    (sentence,) = [line for line in said(best=replace(BEST, alike=alike)) if "not distinguishable" in line]
    assert sentence.startswith("not distinguishable from it over 5 seeds: (1, 4x4), (2, 4x4)")
    assert sentence.endswith("(8, 4x4) and 2 more")


def test_the_edges():
    for edge, words in (
        (Advice("low", 1e-5, 1e-2), "the lowest of the grid; try --lr 1e-05:0.01:13"),
        (Advice("high", 1.0, 1e3), "the highest of the grid; try --lr 1:1000:13"),
        (Advice("both", 0.0032, 3.2), "the only one of the grid; try --lr 0.0032:3.2:13"),
    ):
        assert said(rates=RateVerdict({}, None, edge))[1:] == [f"warning: the best learning rate is {words}"]


def test_everything_diverged():
    infinite, result = replace(BEST, median=np.inf), result_with(warnings=["told"])
    start = "every configuration diverged in at least half of its seeds; "
    assert said(result, best=infinite, rates=None) == [start + "try smaller learning rates", "warning: told"]
    stable = result_with(stability=StableRate(0.001))
    (sentence,) = said(stable, best=infinite, rates=None)
    assert sentence == start + "a rate of 0.01 is 10 times the largest stable one, 0.001; try a smaller one"


def test_optimizers():
    sgd = OptimizerVerdict("sgd", 3, 0.25, replace(RATES, held={"optimizer.momentum": 0.9}))
    adam = OptimizerVerdict("adam", 1, 0.5, None)
    difference = Difference("adam", "sgd", 0.25, 0.2, 0.3, distinguishable=True)
    keys = ("optimizer.kind", "optimizer.momentum", "optimizer.lr")
    assert said(keys=keys, rates=None, optimizers=(sgd, adam), differences=(difference,))[1:] == [
        "sgd: best 0.25, usable with momentum=0.9: 0.01 to 1 (2.0 decades), perhaps above",
        "adam: best 0.5",
        "adam minus sgd, paired by seed: 0.25 (95% interval 0.2 to 0.3)",
        "warning: the budgets differ (sgd 3, adam 1 configurations); more tries find a better best",
    ]
    blurred = replace(difference, distinguishable=False), replace(difference, low=np.nan)
    assert said(rates=None, differences=blurred)[1:] == [
        "adam minus sgd, paired by seed: 0.25 (95% interval 0.2 to 0.3; not distinguishable)",
        "adam minus sgd: 0.25, on one seed",
    ]


def test_what_the_data_leave_open_comes_before_the_rates():
    result = result_with(reference=SimpleNamespace(why="The data do not determine b."))
    assert said(result)[1] == "The data do not determine b."
