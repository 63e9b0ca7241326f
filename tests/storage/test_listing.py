"""Rows of runs: what is read of them, in which order, and what becomes of those that are dead or damaged."""

import json
import os
import time
from pathlib import Path

import pytest

from lrcli.storage.beginnings import experiment_comment
from lrcli.storage.listing import STATUSES, metric_names, rows, sorted_by, within
from lrcli.storage.locking import locked
from lrcli.storage.run_result import RunStatus
from lrcli.storage.sweep_result import SweepStatus

RUN = {"schema": 1, "command": "train", "name": "a", "source": None, "status": "completed", "metrics": {}}
SWEEP = {
    "schema": 1,
    "command": "sweep",
    "name": "a",
    "source": {"file": "a.yaml", "sha256": "", "overrides": ["seed=3"]},
    "status": "completed",
    "members": 12,
    "keys": ["optimizer.lr", "seed"],
    "metric": "val/accuracy",
    "mode": "max",
}


def put(word, begun=1000, **content):
    """A run with a result of some content, on top of what every run or sweep has."""
    path = Path("runs") / word
    path.mkdir(parents=True)
    base = SWEEP if path.name.startswith("sweep") else RUN
    (path / "experiment.yaml").write_text(f"# {experiment_comment('train')}\n")
    os.utime(path / "experiment.yaml", (begun, begun))
    (path / "result.json").write_text(json.dumps(base | content))
    return path


@pytest.fixture(autouse=True)
def _place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def listed(pattern="*"):
    return {row.word: row for row in rows(pattern, Path("runs"))}


def test_what_a_row_says_of_a_run():
    recovery = [
        {"name": "w[0]", "error": -0.5, "determined": True},
        {"name": "w[1]", "error": 9.0, "determined": False},
        {"name": "b", "error": None},
    ]
    metrics = {"val/loss": 0.25, "train/loss": None, "recovery/max_abs_error": 0.5}
    put(
        "a/train-0001",
        source={"overrides": ["optimizer.lr=0.1"]},
        best={"metric": "val/loss", "value": 0.2, "epoch": 1},
        metrics=metrics,
        recovery=recovery,
    )
    (row,) = rows("*", Path("runs"))
    assert (row.word, row.command, row.status, row.why) == ("a/train-0001", "train", "completed", "")
    assert (row.metric, row.value, row.recovery_error) == ("val/loss", 0.25, 0.5)
    assert row.changed == ("optimizer.lr=0.1",)
    assert row.metrics == {"val/loss": 0.25, "recovery/max_abs_error": 0.5, "recovery/w[0]": 0.5}
    assert row.begun == 1000
    data = json.loads(json.dumps(row.as_data(1500.0), allow_nan=False))
    assert (data["age_seconds"], data["alive"], data["run_dir"]) == (500.0, False, "runs/a/train-0001")


def test_what_a_row_says_of_a_sweep():
    put("a/sweep-0001", best={"median": 0.75, "test": {"test/loss": 0.1}})
    put("a/sweep-0002", 2000)
    one, two = rows("*", Path("runs"))
    assert (one.metric, one.direction, one.value, one.members) == ("val/accuracy", "max", 0.75, 12)
    assert one.keys == ("optimizer.lr", "seed")
    assert one.metrics == {"val/accuracy": 0.75, "test/loss": 0.1}
    assert two.value is None


@pytest.mark.parametrize(
    ("metrics", "main"),
    [({"train/loss": 1, "val/loss": 2}, "val/loss"), ({"lr": 1, "train/loss": 1}, "train/loss"), ({}, "")],
)
def test_the_main_metric_where_no_record_was_best(metrics, main):
    put("a/train-0001", metrics=metrics)
    assert listed()["a/train-0001"].metric == main


def test_a_run_that_says_it_is_running():
    path = put("a/train-0001", status="running")
    row = listed()["a/train-0001"]
    assert (row.status, row.why) == ("failed", "was stopped without a word")
    with locked(path):
        row = listed()["a/train-0001"]
        assert (row.status, row.why) == ("running", "")
        assert row.as_data(0)["alive"] is True


def test_one_that_ends_while_it_is_looked_at(monkeypatch):
    """Between its result and its lock: it says running, and then nobody is at work."""
    path = put("a/train-0001", status="running")

    def nobody(directory):
        (path / "result.json").write_text(json.dumps(RUN))

    monkeypatch.setattr("lrcli.storage.listing.owner_of", nobody)
    assert listed()["a/train-0001"].status == "completed"


def test_runs_that_were_killed_before_they_had_a_result():
    Path("runs/a/train-0001").mkdir(parents=True)
    put("a/sweep-0001").joinpath("result.json").unlink()
    found = listed()
    assert found["a/train-0001"].why == "was stopped before it had an experiment"
    assert found["a/sweep-0001"].why == "was stopped before it had a result"
    assert {row.status for row in found.values()} == {"failed"}
    with locked(Path("runs/a/train-0001")):
        assert listed()["a/train-0001"].status == "running"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "is no JSON"),
        ('{"command": "train"', "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        ("\0" * 300, "is no JSON"),
        ("[]", "is no result of a run or a sweep"),
        ("3", "is no result of a run or a sweep"),
        ('{"command": "train"}', "has been damaged or edited by hand"),
        ('{"schema": 1, "command": "train"}', "is not what lrcli writes"),
        ('{"schema": 1, "command": "sweep", "status": "completed"}', "is not what lrcli writes"),
        (json.dumps(RUN | {"sha256": "0" * 64}), "has been damaged or edited by hand"),
        (json.dumps(RUN | {"schema": 2}), "has been damaged or edited by hand"),
        (json.dumps(RUN | {"status": ["x"]}), "is not what lrcli writes"),
        (json.dumps(RUN | {"status": "fine"}), "is not what lrcli writes"),
        (json.dumps(RUN | {"metrics": {"val/loss": "x"}}), "is not what lrcli writes"),
        (json.dumps(RUN | {"metrics": 3}), "is not what lrcli writes"),
        (json.dumps(RUN | {"best": 3}), "is not what lrcli writes"),
        (json.dumps(RUN | {"recovery": [3]}), "is not what lrcli writes"),
        (json.dumps(RUN | {"recovery": [{"name": "w", "error": "x"}]}), "is not what lrcli writes"),
        (json.dumps(RUN | {"source": 3}), "is not what lrcli writes"),
        (json.dumps(RUN | {"metrics": {"val/loss": 10**400}}), "is not what lrcli writes"),
        (json.dumps(RUN | {"schema": 99}), "is of schema 99, from a newer lrcli"),
        (json.dumps(RUN)[:-3], "is no JSON"),
    ],
)
def test_a_damaged_result_is_listed_as_such(content, why):
    (put("a/train-0001") / "result.json").write_text(content)
    put("a/train-0002", 2000)
    found = listed()
    assert (found["a/train-0001"].status, found["a/train-0001"].why) == ("damaged", f"its result.json {why}")
    assert found["a/train-0002"].status == "completed"


def test_a_result_cut_anywhere_and_every_byte_changed():
    path = (
        put("a/train-0001", metrics={"val/loss": 0.5}, recovery=[{"name": "b", "error": 1.5}]) / "result.json"
    )
    whole = path.read_bytes()
    for end in range(len(whole)):
        path.write_bytes(whole[:end])
        assert listed()["a/train-0001"].status == "damaged"
        path.write_bytes(whole[:end] + bytes([whole[end] ^ 4]) + whole[end + 1 :])
        assert listed()["a/train-0001"].status in STATUSES


def test_the_order_is_that_of_their_beginning():
    for number, begun in enumerate((3000, 1000, 2000)):
        put(f"a/train-000{number}", begun)
    assert list(listed()) == ["a/train-0001", "a/train-0002", "a/train-0000"]
    put("b/train-0001", 9000, started="1970-01-01T00:25:00+00:00")
    assert list(listed()) == ["a/train-0001", "b/train-0001", "a/train-0002", "a/train-0000"]
    assert list(listed("a")) == list(listed("a/*")) == ["a/train-0001", "a/train-0002", "a/train-0000"]
    assert list(listed("*/train-0001")) == ["a/train-0001", "b/train-0001"]


@pytest.mark.parametrize(
    ("metric", "expected"), [("val/loss", [3, 1, 2, 4]), ("val/accuracy", [1, 2, 3, 4]), ("lr", [1, 3, 2, 4])]
)
def test_the_best_comes_first_and_what_has_no_value_last(metric, expected):
    values = [(0.3, 0.9, 0.1), (0.4, 0.8, 0.3), (0.2, 0.7, 0.2), (None, None, None)]
    for number, each in enumerate(values, 1):
        put(f"a/train-000{number}", metrics=dict(zip(("val/loss", "val/accuracy", "lr"), each, strict=True)))
    found = sorted_by(rows("*", Path("runs")), metric)
    assert [int(row.word[-1]) for row in found] == expected


def test_ages():
    now = time.time()
    for number, age in enumerate((10, 1000, 100_000)):
        put(f"a/train-000{number}", now - age)
    found = rows("*", Path("runs"))
    assert [row.word[-1] for row in within(found, since=2000, older_than=None)] == ["1", "0"]
    assert [row.word[-1] for row in within(found, since=None, older_than=500)] == ["2", "1"]
    assert [row.word[-1] for row in within(found, since=2000, older_than=500)] == ["1"]


def test_metrics_that_a_shell_offers():
    put("a/train-0001", metrics={"val/loss": 1, "lr": 1})
    (put("a/train-0002") / "result.json").write_text("{")
    assert metric_names(Path("runs")) == ["val/loss", "lr"]
    assert metric_names(Path("runs"), "v") == ["val/loss"]
    assert metric_names(Path("none")) == []


def test_every_status_of_a_result_is_known():
    assert {*RunStatus.__args__, *SweepStatus.__args__} | {"damaged"} == set(STATUSES)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names")
def test_nobody_waits_at_a_pipe():
    Path("runs/a/train-0001").mkdir(parents=True)
    os.mkfifo("runs/a/train-0001/result.json")
    assert listed()["a/train-0001"].status == "failed"
