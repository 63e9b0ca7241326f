"""What is said of what learned parameters are held against, and of what is not known of their errors."""

import json

import numpy as np
import pytest

import lrcli.analysis.reference as module
from lrcli.errors import UsageError
from lrcli.experiment.loading import load
from lrcli.running.preparation import prepare
from lrcli.running.reference_words import describe_reference
from lrcli.running.result import Findings, Setting, build_result
from lrcli.storage.files import replace_nonfinite
from lrcli.training.population import build_population
from lrcli.training.problem import Draw

LINE = {
    "name": "line",
    "dataset": {"kind": "linear", "w": [2.0, -3.4], "b": 4.2, "noise": 0.1, "num_train": 50, "num_val": 10},
    "model": {"kind": "linear"},
    "loss": {"kind": "half_mse"},
    "optimizer": {"kind": "sgd", "lr": 0.1},
    "training": {"epochs": 1, "batch_size": "full"},
}
TABLE = {"kind": "csv", "path": "data.csv", "target": "y", "split": {"train": 1}}


@pytest.fixture
def told(tmp_path, monkeypatch):
    """Makes what is said of an experiment with changes, and the rows before training; without training it."""
    monkeypatch.chdir(tmp_path)

    def of(**changes):
        file = tmp_path / "exp.yaml"
        blocks = {k: (LINE[k] | v if isinstance(v, dict) else v) for k, v in changes.items()}
        if "kind" in changes.get("dataset", {}):
            blocks["dataset"] = changes["dataset"]
        file.write_text(json.dumps(LINE | blocks))
        experiment = load(file, []).experiment
        population = build_population(experiment.optimizer, experiment.training, [0])
        made = prepare(experiment, [Draw(0, experiment.dataset, experiment.model)], population)
        found = Findings(parameters=made.problem.initial, recovery=made.recovery)
        setting = Setting(experiment, tmp_path, None, {})
        result = build_result(setting, "completed", {}, {}, found)
        assert result.reference == describe_reference(experiment, made.recovery)
        return result

    return of


def table(path, **columns):
    rows = zip(*columns.values(), strict=True)
    path.write_text("\n".join([",".join(columns), *(",".join(map(repr, map(float, row))) for row in rows)]))


CASES = {
    "nothing": ({}, ""),
    "decay": ({"optimizer": {"weight_decay": 0.1}}, "No standard errors: weight decay draws the reference"),
    "few": ({"dataset": {"num_train": 3}}, "with as many parameters as training examples, 3,"),
    "exact": ({"dataset": {"noise": 0.0}}, "the best fit leaves only rounding"),
    "bandwidth": ({"dataset": {"num_train": 5}, "loss": {"kind": "l1"}}, "how dense the errors are at 0"),
    "no rule": (
        {"dataset": {"kind": "sine", "num_train": 20, "num_val": 0}},
        "No standard errors: the rule behind the data is not known as parameters of this model.",
    ),
    "not searched": (
        {"dataset": {"num_train": 2}, "loss": {"kind": "huber"}},
        "with fewer examples than parameters: errors are not told in two parts.",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_is_missing_is_said(name, told):
    changes, said = CASES[name]
    result = told(**changes)
    assert said in result.reference.missing
    assert bool(said) == bool(result.reference.missing)
    assert (name == "nothing") == all(row.standard_error is not None for row in result.recovery)
    parts = [row.optimization_error is not None for row in result.recovery]
    assert all(parts) == (name != "not searched")


def test_what_would_take_too_long_is_said(told, monkeypatch):
    monkeypatch.setattr(module, "_MOST_WORK", 10)
    assert "which would take too long: errors are not told" in told().reference.missing


def test_numbers_that_the_data_leave_open_have_no_error(told):
    result = told(dataset={"num_train": 2})
    assert [row.determined for row in result.recovery] == [False] * 3
    assert all(np.isnan(row.error) and not row.told for row in result.recovery)
    written = replace_nonfinite(result.as_data())
    assert [row["error"] for row in written["recovery"]] == [None] * 3
    assert "shortest" not in result.reference.why  # beside true values none of these is shown
    assert result.reference.missing == ""


def test_an_interval_is_told_as_one(told, tmp_path):
    table(tmp_path / "data.csv", x=[0, 0, 0, 0, 1, 1, 1, 1], y=[1, 2, 3, 9, 11, 12, 13, 19])
    result = told(dataset=TABLE | {"standardize": False}, loss={"kind": "l1"})
    bias = result.recovery[-1]
    assert bias.name == "b"
    np.testing.assert_allclose(bias.interval, (2, 3), atol=1e-6)
    assert bias.determined
    assert not bias.told
    assert np.isnan(bias.error)
    assert bias.optimization_error is None
    assert "b from 2 to 3: these have no errors" in result.reference.missing
    assert result.reference.why == ""


def test_dependent_features_of_a_table_are_told_in_standardised_units(told, tmp_path):
    x = np.arange(12.0)
    y = 3 * x + np.sin(5 * x)
    table(tmp_path / "data.csv", x=x, twice=1 - 2 * x, y=y)
    result = told(dataset=TABLE)
    assert "With the features standardised, of w[x] and w[twice] only w[x] - w[twice] is determined" in (
        result.reference.why
    )
    assert (
        "the shortest parameters that fit as well, at which gradient descent from zeros"
        in result.reference.why
    )
    plain = told(dataset=TABLE | {"standardize": False}).reference.why
    assert "Adding 1 to w[x], 0.5 to w[twice], -0.5 to b changes no output" in plain
    assert "standardised" not in plain


def test_a_sinusoid_of_observed_data_has_a_reference(told, tmp_path):
    x = np.linspace(0, 20, 60)
    table(tmp_path / "data.csv", x=x, y=2 * np.sin(1.3 * x + 0.5) + 4)
    result = told(dataset=TABLE | {"standardize": False}, model={"kind": "sinusoid"})
    best = {row.name: row.reference for row in result.recovery}
    assert abs(best["frequency"]) == pytest.approx(1.3)
    assert best["offset"] == pytest.approx(4)


def test_where_nothing_is_determined_no_metric_of_recovery_is_taken(told):
    with pytest.raises(UsageError, match="the data determine none that recovery"):
        told(dataset={"num_train": 2}, training={"best": {"metric": "recovery/error_norm"}})
