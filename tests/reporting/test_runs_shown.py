"""The list of runs on the screen: everything is there at every width, and no key and no number is cut."""

import csv
import io
import json
import time
from pathlib import Path

import pytest
from screen import Screen

from lrcli.reporting.listing import print_csv, print_json, print_names, print_rows
from lrcli.storage.listing import Row


def row(number, *, status="completed", age=100.0, **more):
    word = f"linear/train-{number:04d}"
    return Row(Path("runs") / word, word, "train", status, begun=time.time() - age, **more)


ROWS = [
    row(
        1,
        metric="val/loss",
        metrics={"val/loss": 0.123456789, "recovery/max_abs_error": 12.5, "lr": 0.1},
        changed=("optimizer.lr=0.30000000000000004", "dataset.feature_std=[1, 2]"),
    ),
    row(2, status="failed", why="was stopped without a word", age=7200 * 3),
    row(3, status="stopped_early", metric="val/loss", metrics={"val/loss": 1e-30}, age=86400 * 40),
    Row(Path("runs/x/sweep-0001"), "x/sweep-0001", "sweep", "running", keys=("a.b", "c"), members=1200),
]
TOLD = [
    *("linear/train-0001", "completed", "0.1235", "12.5", "optimizer.lr=0.30000000000000004"),
    *(
        "linear/train-0002",
        "failed",
        "6 h",
        "was stopped without a word",
        "linear/train-0003",
        "stopped early",
    ),
    *("1e-30", "40 d", "x/sweep-0001", "running", "1,200 members over a.b, c", "dataset.feature_std=[1, 2]"),
]


def seen(monkeypatch, width, *arguments):
    """The rows of a terminal of some width, as it breaks lines that are too long."""
    screen = Screen(width, 100)
    monkeypatch.setattr("sys.stdout", screen)
    monkeypatch.setenv("COLUMNS", str(width))
    print_rows(*arguments)
    return screen.lines()


@pytest.mark.parametrize("width", [40, 60, 80, 100, 200])
def test_everything_is_there_at_every_width(monkeypatch, width):
    lines = seen(monkeypatch, width, ROWS)
    text = " ".join(" ".join(lines).split())
    for told in TOLD:
        assert told in text
    assert max(map(len, lines)) <= width


def test_columns(monkeypatch):
    lines = seen(monkeypatch, 160, ROWS)
    assert lines[0].split() == ["run", "status", "age", "val/loss", "largest", "error", "changed"]
    assert len(lines) == 1 + len(ROWS)
    assert {line.index(" 0.1235") for line in lines if "0.1235" in line} == {lines[0].index("val/loss") + 1}
    assert lines[1][lines[0].index("changed") :].startswith("optimizer.lr=0.3")
    assert lines[2][lines[0].index("changed") :] == "(was stopped without a word)"


def test_another_metric_and_unlike_ones(monkeypatch):
    other = row(5, metric="val/accuracy", metrics={"val/accuracy": 0.5, "lr": 0.25})
    lines = seen(monkeypatch, 150, [*ROWS, other])
    assert "metric" in lines[0]
    assert "val/loss 0.1235" in lines[1]
    assert "val/accuracy 0.5" in lines[-1]
    lines = seen(monkeypatch, 150, [*ROWS, other], "lr")
    assert "lr" in lines[0].split()
    assert lines[-1].split()[-1] == "0.25"


def test_a_pipe_has_all_in_a_line_each(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "40")
    print_rows(ROWS)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + len(ROWS)
    print_rows([])
    print_names(ROWS)
    assert capsys.readouterr().out.splitlines() == [
        *(f"runs/linear/train-000{number}" for number in (1, 2, 3)),
        "runs/x/sweep-0001",
    ]


def test_data(capsys):
    print_json(ROWS)
    data = json.loads(capsys.readouterr().out)
    assert [each["run"] for each in data] == [each.word for each in ROWS]
    assert data[0]["metrics"] == ROWS[0].metrics
    assert data[0]["changed"] == list(ROWS[0].changed)
    assert (data[1]["value"], data[1]["recovery_error"], data[1]["alive"]) == (None, None, False)
    assert (data[3]["alive"], data[3]["members"], data[3]["swept"]) == (True, 1200, ["a.b", "c"])
    print_csv(ROWS)
    table = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [each["run"] for each in table] == [each.word for each in ROWS]
    assert table[0]["val/loss"] == table[0]["value"] == "0.123456789"
    assert table[2]["recovery/max_abs_error"] == ""
    print_csv([])
    assert capsys.readouterr().out.startswith("run,run_dir,command,status,")


def test_codes_are_shown_and_not_obeyed(capsys):
    print_rows([row(1, changed=("description=\x1b[2J\n",), metric="\x1b]0;x", metrics={"\x1b]0;x": 1.0})])
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert r"description=\x1b[2J\n" in out


def test_thousands_are_shown_at_once(monkeypatch):
    """The seconds allowed are many times what it takes."""
    started = time.perf_counter()
    monkeypatch.setattr("sys.stdout", io.StringIO())
    print_rows([ROWS[0]] * 10_000)
    assert time.perf_counter() - started < 5
