"""Two sweeps beside each other: which configurations are the same, and numbers from results.csv by hand."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from builders import EXPERIMENTS
from made_results import rewrite

import lrcli

FIXED = {
    "dataset.num_train": 40,
    "dataset.num_val": 20,
    "training.epochs": 2,
    "logging.figures": False,
    "logging.tensorboard": False,
    "expect": {},
}


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    """Makes sweeps of experiments/linear.yaml, each once."""
    folder, made = tmp_path_factory.mktemp("swept"), {}

    def sweep(seeds, grid, **changes):
        named = {key.replace("__", "."): value for key, value in changes.items()}
        key = json.dumps([seeds, grid, named])
        if key not in made:
            made[key] = lrcli.sweep(
                EXPERIMENTS / "linear.yaml", {**FIXED, **named}, grid=grid, seeds=seeds, runs_dir=folder
            ).directory
        return made[key]

    return sweep


def scores(directory, metric="val/loss"):
    """From the values of a configuration to that of each seed, as results.csv has them."""
    with (directory / "results.csv").open() as file:
        rows = list(csv.DictReader(file))
    names = list(rows[0])
    keys = names[names.index("seed") + 1 : names.index("status")]
    found = {}
    for row in rows:
        value = float("inf") if row["status"] == "diverged" else float(row[metric])
        found.setdefault(tuple(float(row[key]) for key in keys), {})[int(row["seed"])] = value
    return found


RATES = {"optimizer.lr": [0.01, 0.1, 100.0]}


def test_configurations_are_paired_by_seed(swept):
    """Only the seeds that both have, in whatever order; medians and differences over these."""
    a, b = swept(6, RATES), swept([7, 5, 3, 1, 2, 4], RATES, training__batch_size=5)
    found = lrcli.compare(a, b)
    assert found.seeds == (1, 2, 3, 4, 5)
    one, two = scores(a), scores(b)
    assert [pair.values for pair in found.configurations] == [{"optimizer.lr": lr} for (lr,) in one]
    for pair in found.configurations[:2]:
        key = (pair.values["optimizer.lr"],)
        first = np.array([one[key][seed] for seed in found.seeds])
        second = np.array([two[key][seed] for seed in found.seeds])
        assert (pair.first, pair.second) == (np.median(first), np.median(second))
        assert pair.difference == pytest.approx(np.median(second - first))
        assert pair.ratio == pytest.approx(np.median(second / first))
        assert pair.low <= pair.difference <= pair.high
        assert (second < first).all()  # it makes more steps, and every seed is better for it
        assert pair.verdict == "better"
    assert found.configurations[2].verdict == "equal"  # all of both diverged
    assert found.configurations[2].diverged == (5, 5)
    assert [row.name for row in found.settings] == ["training.batch_size", "sweep.seeds"]


def test_what_one_sweeps_and_the_other_fixes_is_matched_by_its_value(swept):
    a = swept(5, {"optimizer.lr": [0.01, 0.1], "training.batch_size": [10, 20]})
    b = swept(5, {"optimizer.lr": [0.1, 0.2, 0.01]}, training__batch_size=20)
    found = lrcli.compare(a, b)
    both = [
        (pair.values["optimizer.lr"], pair.values["training.batch_size"]) for pair in found.configurations
    ]
    assert both == [(0.01, 20), (0.1, 20)]
    assert all(pair.verdict == "equal" for pair in found.configurations)
    assert found.only_first == tuple({"optimizer.lr": lr, "training.batch_size": 10} for lr in (0.01, 0.1))
    assert found.only_second == ({"optimizer.lr": 0.2, "training.batch_size": 20},)
    rows = {row.name: row.values for row in found.settings}
    assert rows["training.batch_size"] == ({"values": [10, 20]}, 20)


def test_the_best_of_each_is_compared(swept):
    a, b = swept(5, {"optimizer.lr": [0.01, 0.02]}), swept(5, {"optimizer.lr": [0.1, 0.05]})
    found = lrcli.compare(a, b)
    assert found.configurations == ()
    assert (found.best.first_values, found.best.second_values) == (
        {"optimizer.lr": 0.02}, {"optimizer.lr": 0.1},
    )  # fmt: skip
    assert found.best.verdict == "better"
    differences = [scores(b)[0.1,][seed] - scores(a)[0.02,][seed] for seed in range(5)]
    assert found.best.difference == pytest.approx(np.median(differences))


def test_too_few_seeds_and_none_in_common(swept):
    a, b = swept(5, RATES), swept([3, 4, 9], RATES, training__epochs=1)
    found = lrcli.compare(a, b)
    assert {pair.verdict for pair in found.configurations[:2]} == {"too few seeds"}
    assert any("too few" in note for note in found.notes)
    found = lrcli.compare(a, swept([11], RATES))
    assert found.configurations == ()
    assert found.best is None
    assert any("no seed in common" in note for note in found.notes)


def test_other_data_are_not_judged(swept):
    found = lrcli.compare(swept(5, RATES), swept(5, RATES, dataset__b=9.0))
    assert {pair.verdict for pair in found.configurations} <= {"differs", "not distinguishable", "equal"}
    assert "differs" in {pair.verdict for pair in found.configurations}
    assert any("their data differ" in note for note in found.notes)


def test_another_metric_is_told(swept):
    ranked = {"metric": "train/loss", "mode": "min"}
    a, b = swept(5, RATES), swept(5, RATES, sweep__select=ranked)
    found = lrcli.compare(b, a)
    assert found.metric == "train/loss"
    assert any("ranked by val/loss" in note for note in found.notes)
    first = scores(b, "train/loss")[0.01,]
    assert found.configurations[0].first == np.median(list(first.values()))
    without = swept(5, RATES, dataset__num_val=0)
    found = lrcli.compare(a, without)
    assert found.configurations == ()
    assert any("the second has no val/loss" in note for note in found.notes)


def test_members_that_have_not_ended_are_left_out(swept, tmp_path):
    a = swept(5, RATES)
    broken = Path(shutil.copytree(a, tmp_path / "sweep-0001"))
    text = (broken / "results.csv").read_text()
    rows = text.splitlines()
    at = rows[0].split(",").index("status")
    cells = rows[1].split(",")
    cells[at] = "interrupted"
    (broken / "results.csv").write_text("\n".join([rows[0], ",".join(cells), *rows[2:], ""]))
    rewrite(broken / "result.json", files={})
    found = lrcli.compare(a, broken)
    assert found.unfinished == 1
    assert len(found.configurations) == 2


def test_without_results_it_is_told_how_to_get_them(swept, tmp_path):
    a = swept(5, RATES)
    broken = Path(shutil.copytree(a, tmp_path / "sweep-0001"))
    (broken / "results.csv").unlink()
    with pytest.raises(lrcli.RunDirectoryError, match=r"has no results yet.*lrcli resume"):
        lrcli.compare(a, broken)
    (broken / "results.csv").write_text("member,seed\n")
    with pytest.raises(lrcli.RunDirectoryError):
        lrcli.compare(a, broken)


def test_as_data_is_json(swept):
    found = lrcli.compare(swept(6, RATES), swept([7, 5, 3, 1, 2, 4], RATES, training__batch_size=5))
    data = found.as_data()
    assert json.loads(json.dumps(data, allow_nan=False)) == data
    assert data["configurations"][2]["first"] is None  # infinite
    assert f"{found.names[0]} | {found.names[1]}" in str(found)
