"""recovery.csv: its numbers are those of results.csv and of least squares, by hand."""

import csv
import json
import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.regression.linear_model import OLS

import lrcli
from lrcli.components.choices import AnyDataset
from lrcli.storage.table_reading import read_study

BASE = {
    "name": "line",
    "dataset": {"kind": "linear", "w": [2.0, -3.4], "b": 4.2, "noise": 0.5, "num_train": 30, "num_val": 10},
    "model": {"kind": "linear"},
    "loss": {"kind": "half_mse"},
    "optimizer": {"kind": "sgd", "lr": 0.1},
    "training": {"epochs": 60, "batch_size": "full"},
    "logging": {"figures": False, "tensorboard": False, "report": False},
}
COLUMNS = [f"{name}{end}" for name in ("bias", "empirical_se", "rmse", "coverage") for end in ("", "_mcse")]


@pytest.fixture
def swept(tmp_path):
    def sweep(changes=None, **options):
        return lrcli.sweep(BASE | (changes or {}), runs_dir=tmp_path, **options)

    return sweep


def intervals(seeds):
    """(S, 3) how far the 95% intervals of least squares go, by statsmodels."""
    from pydantic import TypeAdapter

    dataset = TypeAdapter(AnyDataset).validate_python(BASE["dataset"])
    found = []
    for seed in range(seeds):
        inputs, targets = dataset.draw(seed, "train")
        fit = OLS(targets, np.column_stack([inputs, np.ones(len(inputs))])).fit()
        found.append(stats.t.ppf(0.975, fit.df_resid) * fit.bse)
    return np.array(found)


def test_every_number_is_that_of_the_members(swept):
    sweep = swept(lr=[0.001, 0.3, 30.0], seeds=12)
    table, members = sweep.recovery, sweep.members
    assert list(table) == ["optimizer.lr", "parameter", "n", "diverged", *COLUMNS]
    reach = intervals(12)
    rows = list(zip(*table.values(), strict=True))
    assert [(row[0], row[1]) for row in rows] == [
        (rate, name) for rate in (0.001, 0.3, 30.0) for name in ("w[0]", "w[1]", "b")
    ]
    for rate, name, n, diverged, bias, bias_mcse, spread, _, rmse, _, coverage, coverage_mcse in rows:
        own = members["optimizer.lr"] == rate
        assert n == 12
        assert diverged == np.sum(members["status"][own] == "diverged")
        if rate == 30:
            assert diverged == 12
            assert math.isnan(bias)
            continue
        errors = members[f"error/{name}"][own]
        assert bias == pytest.approx(-errors.mean())
        assert bias_mcse == pytest.approx(stats.sem(errors))
        assert spread == pytest.approx(errors.std(ddof=1))
        assert rmse == pytest.approx(math.sqrt((errors**2).mean()))
        held = np.mean(np.abs(errors) <= reach[:, ("w[0]", "w[1]", "b").index(name)])
        assert coverage == held
        assert coverage_mcse == pytest.approx(math.sqrt(held * (1 - held) / 12))
    at = {rate: table["coverage"][table["optimizer.lr"] == rate] for rate in (0.001, 0.3)}
    assert np.all(at[0.001] == 0)
    assert np.all(at[0.3] > 0.6)


def test_where_no_truth_is_known_there_is_no_table(swept):
    sine = {"dataset": {"kind": "sine", "num_train": 30}, "model": {"kind": "polynomial", "degree": 3}}
    sweep = swept(sine, lr=[1e-4, 1e-3], seeds=2)
    assert not (sweep.directory / "recovery.csv").exists()
    assert sweep.recovery == {}


def test_a_parameter_that_a_configuration_lacks_has_no_row(swept):
    sweep = swept(grid={"dataset.w": [[1.0], [1.0, 2.0]]}, seeds=2)
    assert sweep.recovery["parameter"].tolist() == ["w[0]", "b", "w[0]", "b", "w[1]"]


def test_parameters_that_the_data_leave_open_have_no_numbers(swept):
    sweep = swept({"dataset": BASE["dataset"] | {"num_train": 2}}, lr=[0.01], seeds=3)
    assert np.isnan(sweep.recovery["bias"]).all()
    with (sweep.directory / "recovery.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["bias"] for row in rows} == {row["coverage"] for row in rows} == {""}
    assert {row["n"] for row in rows} == {"3"}


def test_the_table_reads_back_with_any_keys(swept):
    sweep = swept(grid={"model.init": [{"kind": "zeros"}, {"kind": "normal", "std": 0.1}]}, seeds=2)
    values = read_study(sweep.directory / "recovery.csv").values["model.init"]
    assert json.loads(json.dumps(values[0])) == {"kind": "zeros"}


def test_a_damaged_table_is_refused(swept):
    sweep = swept(lr=[0.1], seeds=2)
    (sweep.directory / "recovery.csv").write_text("a,b\n1\n")
    with pytest.raises(lrcli.errors.RunDirectoryError, match=r"recovery.csv: has been damaged"):
        _ = sweep.recovery
