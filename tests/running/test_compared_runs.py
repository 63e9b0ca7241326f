"""Runs beside each other, made by hand: every number of a comparison is worked out in the test."""

import json
import math
from pathlib import Path

import pytest

from lrcli.running.comparing import compare_runs, short_names
from lrcli.storage.reading import read_result

EXPERIMENT = """\
name: line
seed: 0
dataset: {kind: linear, w: [2.0], b: 1.0, num_train: 20}
model: {kind: linear}
loss: {kind: mse}
optimizer: {kind: sgd, lr: 0.1, schedule: {kind: constant}}
training: {epochs: 3, batch_size: 10}
"""
RECORDS = """\
epoch,step,train/loss,val/loss
0,0,4.0,
1,2,1.0,3.5
2,4,0.25,3.0
"""


def made(folder, *changes, records=RECORDS, experiment=EXPERIMENT, **result):
    """A run's directory with keys of its experiment replaced, and its result with other values."""
    for old, new in changes:
        assert old in experiment
        experiment = experiment.replace(old, new)
    folder.mkdir(parents=True)
    if experiment:
        (folder / "experiment.yaml").write_text(experiment)
    if records:
        (folder / "metrics.csv").write_text(records)
    whole = {
        "schema": 1,
        "command": "train",
        "name": "line",
        "status": "completed",
        "run_dir": folder.as_posix(),
        "seed": 0,
        "epochs": 2,
        "steps": 4,
        "metrics": {"train/loss": 0.25, "val/loss": 3.0, "val/accuracy": 0.75, "lr": 0.1},
        "best": {"metric": "val/loss", "value": 3.0, "epoch": 2},
        "parameters": {"w": [[1.5]], "b": [1.25]},
        "recovery": [
            {"name": "w[0]", "true": 2.0, "learned": 1.5, "error": 0.5},
            {"name": "b", "true": 1.0, "learned": 1.25, "error": -0.25},
        ],
        "timing": {"train_seconds": 0.5, "total_seconds": 1.0},
        "environment": {"lrcli": "0.1.0", "device": "cpu", "threads": 2, "engine_chosen": "dense"},
        **result,
    }
    (folder / "result.json").write_text(json.dumps(whole))
    return folder


def compared(*folders):
    return compare_runs(folders, [read_result(folder) for folder in folders])


@pytest.fixture
def first(tmp_path):
    return made(tmp_path / "line" / "train-0001")


@pytest.fixture
def second(tmp_path):
    """With another rate, other numbers, and another machine."""
    return made(
        tmp_path / "line" / "train-0002",
        ("lr: 0.1", "lr: 0.05"),
        records=RECORDS.replace("0.25", "0.5"),
        metrics={"train/loss": 0.5, "val/loss": 2.4, "val/accuracy": 0.5, "lr": 0.05},
        best={"metric": "val/loss", "value": 2.4, "epoch": 1},
        recovery=[
            {"name": "w[0]", "true": 2.0, "learned": 2.25, "error": -0.25},
            {"name": "b", "true": 1.0, "learned": 1.5, "error": -0.5},
        ],
        timing={"train_seconds": 1.0, "total_seconds": 2.0},
        environment={"lrcli": "0.1.0", "device": "cuda", "threads": 2, "engine_chosen": "large"},
    )


def test_only_what_differs_stands_in_the_settings(first, second):
    found = compared(first, second)
    assert found.names == ("line/train-0001", "line/train-0002")
    assert [(row.name, row.values) for row in found.settings] == [("optimizer.lr", (0.1, 0.05))]
    assert found.equal_settings == 12
    assert [(row.name, row.values) for row in found.environment] == [("device", ("cpu", "cuda"))]


def test_results_have_ratio_or_difference_and_say_which_is_better(first, second):
    found = compared(first, second)

    def change(name):
        row = found[name]
        return row.ratio, row.difference, row.verdict

    assert change("train/loss") == (2.0, 0.25, "worse")
    assert change("val/loss") == (2.4 / 3.0, pytest.approx(-0.6), "better")
    assert change("val/accuracy") == (None, -0.25, "worse")  # large ones are good
    assert change("lr") == (0.5, -0.05, None)  # neither is
    assert change("recovery/w[0]") == (None, -0.75, "better")  # nearer to 0
    assert change("recovery/b") == (None, -0.25, "worse")
    assert change("best/val/loss") == (2.4 / 3.0, pytest.approx(-0.6), "better")
    assert change("epoch of the best") == (None, -1, None)
    assert change("train_seconds") == (2.0, 0.5, None)
    assert change("status") == (None, None, None)
    assert {row.name for row in found.results if row.equal} == {
        "status", "outcome", "epochs", "steps", "diverged_step", "expectations met",
    }  # fmt: skip
    assert [note for note in found.notes if "says nothing about chance" in note] == list(found.notes)


def test_the_best_of_several_is_marked(first, second, tmp_path):
    third = made(tmp_path / "line" / "train-0003", ("lr: 0.1", "lr: 0.2"))
    found = compared(first, second, third)
    assert found["val/loss"].best == (1,)
    assert found["train/loss"].best == (0, 2)
    assert found["recovery/b"].best == (0, 2)
    assert found["lr"].best == ()
    assert found["train/loss"].ratio is None
    assert found["train/loss"].verdict is None


@pytest.mark.parametrize(
    ("change", "unjudged"),
    [
        (("w: [2.0]", "w: [3.0]"), {"train/loss", "val/loss", "val/accuracy", "recovery/b", "best/val/loss"}),
        (("kind: mse", "kind: half_mse"), {"train/loss", "val/loss", "best/val/loss"}),
    ],
)
def test_values_of_different_things_are_not_judged(first, tmp_path, change, unjudged):
    numbers = {"train/loss": 0.5, "val/loss": 2.4, "val/accuracy": 0.5}
    rows = [{"name": "b", "true": 1.0, "learned": 1.5, "error": -0.5}]
    best = {"metric": "val/loss", "value": 2.4, "epoch": 1}
    other = made(tmp_path / "other", change, records=RECORDS, recovery=rows, best=best)
    result = json.loads((other / "result.json").read_text()) | {"metrics": numbers}
    (other / "result.json").write_text(json.dumps(result))
    found = compared(first, other)
    judged = {row.name for row in found.results if row.verdict}
    assert judged == {"train/loss", "val/loss", "val/accuracy", "recovery/b", "best/val/loss"} - unjudged
    assert any("differ, so none" in note for note in found.notes)


def test_data_of_other_content_are_other_data(first, tmp_path):
    files = [{"file": "data.csv", "sha256": "ab" * 32}]
    found = compared(first, made(tmp_path / "other", data=files, records=RECORDS))
    assert [(row.name, row.values) for row in found.environment] == [
        ("SHA-256 of data.csv", (None, "abababababab"))
    ]
    assert not found.repetitions
    assert "their data differ" in " ".join(found.notes)


def test_a_repetition_is_the_same_to_the_bit(first, tmp_path):
    found = compared(first, made(tmp_path / "again", ("name: line", "name: again")))
    (each,) = found.repetitions
    assert (each.runs, each.equal, each.records, each.epoch) == ((0, 1), True, 3, None)
    assert [row.name for row in found.settings] == ["name"]
    assert found.notes == ()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "2,4,0.25,3.0",
            "2,4,0.25000000000000006,3.0",
            (2, 4, "train/loss", ("0.25", "0.25000000000000006")),
        ),
        ("1,2,1.0,3.5", "1,2,1.0,", (1, 2, "val/loss", ("3.5", ""))),
        ("1,2,1.0,3.5", "1,3,1.0,3.5", (1, 2, "step", ("2", "3"))),
    ],
)
def test_the_first_record_that_differs_is_named(first, tmp_path, old, new, said):
    (each,) = compared(first, made(tmp_path / "again", records=RECORDS.replace(old, new))).repetitions
    assert each.equal is False
    assert (each.epoch, each.step, each.metric, each.values) == said


def test_records_in_common_are_compared(first, tmp_path):
    """One that was interrupted, and one that logged every second epoch; a line that is cut off is none."""
    short = RECORDS.replace("2,4,0.25,3.0\n", "2,4,0.")
    (each,) = compared(first, made(tmp_path / "a", records=short, steps=2, epochs=1)).repetitions
    assert (each.equal, each.records) == (True, 2)
    fewer = RECORDS.replace("1,2,1.0,3.5\n", "")
    (each,) = compared(first, made(tmp_path / "b", records=fewer)).repetitions
    assert (each.equal, each.records) == (True, 2)


def test_what_is_in_no_record_is_compared_too(first, tmp_path):
    (each,) = compared(first, made(tmp_path / "a", parameters={"w": [[1.5]], "b": [1.5]})).repetitions
    assert (each.equal, each.metric, each.epoch) == (False, "parameter b", None)


@pytest.mark.parametrize("text", ["", "nonsense", "epoch,step\nx,y\n", "epoch,step\n\xff\n", None])
def test_without_records_nothing_is_said_of_bits(first, tmp_path, text):
    other = made(tmp_path / "other", records=text)
    if text:
        (other / "metrics.csv").write_bytes(text.encode("latin-1"))
    (each,) = compared(first, other).repetitions
    assert each.equal is None
    assert each.unknown


def test_runs_that_differ_in_the_seed_alone(first, tmp_path):
    found = compared(first, made(tmp_path / "other", ("seed: 0", "seed: 1"), seed=1))
    assert [row.name for row in found.settings] == ["seed"]
    assert found.notes == ("they differ in the seed alone: what differs in their results is chance",)
    assert not found.repetitions


@pytest.mark.parametrize("text", ["", "a: [", "- 1\n"])
def test_results_without_settings(first, tmp_path, text):
    other = made(tmp_path / "other", experiment=text, steps=5)
    found = compared(first, other)
    assert found.equal_settings is None
    assert found.settings == ()
    assert found["steps"].difference == 1
    assert any("settings of" in note and "not known" in note for note in found.notes)
    assert all(row.verdict is None for row in found.results)


def test_a_file_of_an_earlier_version_has_the_defaults(first, tmp_path):
    """Keys that have come since are missing in it, and differ in nothing."""
    other = made(
        tmp_path / "other", (", b: 1.0", ", b: 1.0, noise: 0.0"), (", schedule: {kind: constant}", "")
    )
    found = compared(first, other)
    assert found.settings == ()
    assert found.equal_settings > 30
    assert found.repetitions[0].equal


def test_what_a_run_has_not_is_none(first, tmp_path):
    """It diverged, or ended before it had any record: nothing is compared with it, nothing fails."""
    nothing = {"metrics": {"train/loss": None}, "best": None, "recovery": [], "timing": {}, "parameters": {}}
    other = made(tmp_path / "other", status="failed", epochs=0, steps=0, **{"environment": {}, **nothing})
    found = compared(first, other)
    assert found["train/loss"].values == (0.25, None)
    assert found["train/loss"].verdict is None
    assert found["val/loss"].values == (3.0, None)
    assert found["train_seconds"].values == (0.5, None)
    assert found["status"].values == ("completed", "failed")
    data = found.as_data()
    assert json.loads(json.dumps(data, allow_nan=False)) == data
    assert "train/loss: 0.25 | -" in str(found)


def test_a_loss_of_zero_has_no_ratio(first, tmp_path):
    other = made(tmp_path / "other", records=RECORDS)
    result = json.loads((other / "result.json").read_text())
    result["metrics"] |= {"train/loss": 0.0, "val/loss": 1e-300}
    (other / "result.json").write_text(json.dumps(result))
    found = compared(first, other)
    assert (found["train/loss"].ratio, found["train/loss"].difference) == (None, -0.25)
    assert found["val/loss"].ratio == 1e-300 / 3.0
    assert not any(isinstance(x, float) and math.isinf(x) for row in found.results for x in row.values)


def test_names_are_short_where_they_differ():
    assert short_names([Path("runs/a/train-0001"), Path("runs/b/train-0001")]) == [
        "a/train-0001", "b/train-0001",
    ]  # fmt: skip
    alike = short_names([Path("one/a/train-0001"), Path("two/a/train-0001")])
    assert alike == [str(Path(name).resolve()) for name in ("one/a/train-0001", "two/a/train-0001")]
