"""The largest stable rates of a sweep, and which members diverged that should."""

import json

import numpy as np
import pytest
from builders import component
from damaging import without_digests

from lrcli.analysis.stable_rates import Foretold, LargestStable, StableRates
from lrcli.experiment.loading import load
from lrcli.running.location import Interruption, OutputLocation
from lrcli.running.stability import stability
from lrcli.sweeps import stable_rates as module
from lrcli.sweeps.files import SweepFiles
from lrcli.sweeps.plan import plan_sweep
from lrcli.sweeps.reading import read_sweep
from lrcli.sweeps.running import run_sweep
from lrcli.sweeps.stable_rates import stable_rates

LINE = {
    "name": "line",
    "dataset": {"kind": "linear", "w": [2.0, -3.4], "b": 4.2, "noise": 0.01, "num_train": 50, "num_val": 20},
    "model": {"kind": "linear"},
    "loss": {"kind": "half_mse"},
    "optimizer": {"kind": "sgd", "lr": 0.05},
    "training": {"epochs": 60, "batch_size": "full"},
}
XOR = LINE | {
    "dataset": {"kind": "xor", "num_train": 40, "num_val": 20},
    "model": {"kind": "mlp", "hidden": [4], "activation": "tanh"},
    "loss": {"kind": "bce"},
}
RATES = [0.1, 0.5, 1.0, 3.0, 10.0]


@pytest.fixture
def planned(tmp_path):
    def plan(base, grid, seeds=4, memory=10**9):
        grids = [{k: v if isinstance(v, dict) else {"values": v} for k, v in one.items()} for one in grid]
        file = tmp_path / "experiment.yaml"
        file.write_text(json.dumps(base | {"sweep": {"grid": grids, "seeds": seeds}}))
        return plan_sweep(load(file), memory)

    return plan


def largest_curvature(seed, decay=0.0):
    """From the data as they are drawn for a seed."""
    x, _ = component("dataset", **LINE["dataset"]).draw(seed, "train")
    x = np.hstack([x, np.ones((len(x), 1))])
    return np.linalg.eigvalsh(x.T @ x / len(x))[-1] + decay


def test_the_limit_is_the_median_of_those_of_the_seeds(planned):
    plan = planned(LINE, [{"optimizer.lr": RATES}], seeds=5)
    found = stable_rates(plan)
    assert found.rates == tuple(RATES)
    limits = [2 / largest_curvature(seed) for seed in range(5)]
    assert {id(each) for each in found.largest} == {id(found.largest[0])}
    one = found.largest[0]
    assert (one.low, one.limit, one.high) == pytest.approx((min(limits), np.median(limits), max(limits)))
    assert (one.seeds, one.sense, one.diagnostic, one.unknown) == (5, "", False, "")


def test_of_many_seeds_a_few_from_first_to_last_are_looked_at(planned):
    one = stable_rates(planned(LINE, [{"optimizer.lr": RATES}], seeds=41)).largest[0]
    limits = [2 / largest_curvature(seed) for seed in (0, 10, 20, 30, 40)]
    assert one.seeds == 5
    assert (one.low, one.high) == pytest.approx((min(limits), max(limits)))


def test_each_combination_has_a_limit_of_its_own(planned):
    grid = {
        "optimizer.momentum": [0.0, 0.9],
        "optimizer.weight_decay": [0.0, 1.0],
        "optimizer.lr": [0.1, 1.0],
    }
    plan = planned(LINE, [grid], seeds=1)
    found = stable_rates(plan)
    for values, rate, one in zip(plan.filled, found.rates, found.largest, strict=True):
        assert rate == values["optimizer.lr"]
        curvature = largest_curvature(0, values["optimizer.weight_decay"])
        assert one.limit == pytest.approx(2 * (1 + values["optimizer.momentum"]) / curvature)


def test_it_is_what_stability_says_of_each(planned):
    grid = {
        "training.batch_size": [10, "full"],
        "optimizer.nesterov": [False, True],
        "training.clip_grad_norm": [None, 1.0],
        "loss.kind": ["half_mse", "huber", "l1"],
    }
    base = LINE | {"optimizer": LINE["optimizer"] | {"momentum": 0.5}}
    plan = planned(base, [grid], seeds=1)
    found = stable_rates(plan).largest
    assert {one.limit is None for one in found} == {True, False}
    for group in {id(part.group): part.group for part in plan.parts}.values():
        for variant in group.variants:
            clipped = variant.varied["clip_grad_norm"]
            for number, clip in zip(variant.numbers, clipped, strict=True):
                if np.isfinite(clip):
                    assert "clipped" in found[number].unknown
                    continue
                training = variant.experiment.training.model_copy(update={"clip_grad_norm": None})
                alone = stability(variant.experiment.model_copy(update={"training": training}))
                assert found[number].limit == alone.limit
                assert found[number].diagnostic == alone.diagnostic
                assert found[number].sense == alone.sense


def test_where_none_is_known_none_is_claimed(planned):
    plan = planned(LINE, [{"optimizer.kind": ["adam", "sgd"]}, {"optimizer.schedule.kind": ["cosine"]}])
    adam, sgd, cosine = stable_rates(plan).largest
    assert (adam.limit, adam.unknown) == (None, "none is known for adam")
    assert sgd.limit
    assert "schedule" in cosine.unknown


def test_rates_that_are_not_swept_are_those_of_the_file(planned):
    plan = planned(LINE, [{"optimizer.momentum": [0.0, 0.9]}])
    assert stable_rates(plan).rates == (0.05, 0.05)


def test_what_does_not_change_the_limit_costs_nothing(planned, monkeypatch):
    asked = []
    monkeypatch.setattr(
        module, "stability", lambda experiment: asked.append(experiment) or stability(experiment)
    )
    grid = {"optimizer.lr": {"log_range": [1e-3, 1, 50]}, "model.init.std": {"range": [0.1, 1, 20]}}
    base = LINE | {"model": {"kind": "linear", "init": {"kind": "normal", "std": 0.1}}}
    found = stable_rates(planned(base, [grid]))
    assert len(found.largest) == 1000
    assert len(asked) == 4


def test_what_would_take_long_is_left_out(planned, monkeypatch):
    asked = []
    monkeypatch.setattr(
        module, "stability", lambda experiment: asked.append(experiment) or stability(experiment)
    )
    base = LINE | {"training": {"epochs": 1, "batch_size": 10}}
    found = stable_rates(planned(base, [{"optimizer.momentum": {"range": [0.0, 0.9, 1000]}}]))
    assert 10 < len(asked) < 300
    assert found.largest[0].limit
    assert "too long" in found.largest[-1].unknown
    large = base | {"dataset": LINE["dataset"] | {"num_train": 10**6}}
    asked.clear()
    assert "too long" in stable_rates(planned(large, [{"optimizer.lr": [0.1, 1.0]}])).largest[0].unknown
    assert not asked


def swept(plan, directory, after=None):
    interruption = Interruption()
    for event in run_sweep(plan, SweepFiles(plan, OutputLocation(run_dir=directory)), interruption):
        interruption.requested |= after is not None and getattr(event, "step", 0) >= after
    return event.result


def test_members_are_counted_by_what_was_predicted_and_what_came(planned, tmp_path):
    plan = planned(LINE, [{"optimizer.lr": RATES, "optimizer.momentum": [0.0, 0.5]}], seeds=3, memory=1)
    result = swept(plan, tmp_path / "sweep")
    found = result.divergence
    assert [row.values for row in found.stable_rates] == [{"optimizer.momentum": m} for m in (0.0, 0.5)]
    sweep = read_sweep(tmp_path / "sweep")
    usual = 2 / np.median([largest_curvature(seed) for seed in range(3)])
    above = np.array([v["optimizer.lr"] > usual * (1 + v["optimizer.momentum"]) for v in plan.filled])
    diverged = sweep.results.status == "diverged"
    assert found.predicted_and_did == np.sum(diverged[:, above]) == 3 * above.sum() > 0
    assert found.neither == np.sum(~diverged[:, ~above]) == 3 * (~above).sum() > 0
    assert (found.predicted_but_did_not, found.not_predicted_but_did, found.unpredicted) == (0, 0, 0)
    assert sweep.results.stable == stable_rates(plan)
    data = json.loads((tmp_path / "sweep" / "result.json").read_text())["divergence"]
    assert data["predicted_and_did"] == found.predicted_and_did
    assert data["stable_rates"][0]["limit"] == found.stable_rates[0].limit


def test_a_sweep_of_an_older_lrcli_is_read(planned, tmp_path):
    directory = tmp_path / "sweep"
    swept(planned(LINE, [{"optimizer.lr": [0.1, 1.0]}], seeds=2), directory)
    without_digests(directory)
    result = json.loads((directory / "result.json").read_text())
    del result["divergence"]
    (directory / "result.json").write_text(json.dumps(result))
    sweep = read_sweep(directory)
    assert sweep.results.stable is None
    assert sweep.result.divergence is None


def test_members_that_have_not_ended_are_not_counted():
    known, unknown = LargestStable(1.0, 1.0, 1.0, 1), LargestStable(None, unknown="nobody knows")
    stable = StableRates((0.5, 1.0, 2.0, 9.0), (known, known, known, unknown))
    status = np.array(
        [
            ["completed", "diverged", "diverged", "diverged"],
            ["completed", "stopped_early", "completed", "completed"],
            ["interrupted", "interrupted", "interrupted", "interrupted"],
        ]
    )
    assert stable.foretold(status) == Foretold(1, 1, 1, 3, 2)


def test_networks_have_a_diagnostic(planned):
    plan = planned(XOR, [{"optimizer.lr": [0.1, 1.0]}], seeds=3)
    one = stable_rates(plan).largest[0]
    assert one.diagnostic
    assert one.sense == "where training begins"
    limits = [stability(plan.experiment.model_copy(update={"seed": seed})).limit for seed in range(3)]
    assert one.limit == np.median(limits)
