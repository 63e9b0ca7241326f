"""`lrcli runs` and `lrcli delete` as a user runs them."""

import io
import json
import os
import shutil
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from made_results import rewrite

from lrcli.storage.locking import locked

SMALL = (
    "dataset: {kind: linear, w: [2], b: 1, num_train: 20, num_val: 10}\n"
    "model: {kind: linear}\nloss: {kind: mse}\noptimizer: {kind: sgd, lr: 0.1}\n"
    "training: {epochs: 1}\nlogging: {figures: false, tensorboard: false}\n"
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory, silent_lrcli):
    """Two runs and a sweep."""
    place = tmp_path_factory.mktemp("runs")
    (place / "small.yaml").write_text(SMALL)
    for words in (
        ["train", "optimizer.lr=0.01"],
        ["train", "seed=3"],
        ["sweep", "--lr", "0.01,0.1", "--seeds", "2"],
    ):
        silent_lrcli(place, words[0], "small.yaml", *words[1:], "--quiet")
    for number, name in enumerate(("train-0001", "train-0002", "sweep-0001")):
        begun = datetime.fromtimestamp(time.time() - 9000 + number, UTC).isoformat()
        rewrite(place / "runs" / "small" / name / "result.json", started=begun)
    return place


@pytest.fixture
def place(trained, tmp_path, monkeypatch):
    """These, one that was killed early and one that was killed later, and one that is damaged."""
    shutil.copytree(trained, tmp_path / "place")
    monkeypatch.chdir(tmp_path / "place")
    killed = Path("runs/b/train-0002/result.json")
    killed.parent.mkdir(parents=True)
    shutil.copy("runs/small/train-0001/result.json", killed)
    rewrite(killed, status="running", started="")
    Path("runs/b/train-0003").mkdir(parents=True)
    Path("runs/c/train-0001").mkdir(parents=True)
    Path("runs/c/train-0001/result.json").write_text("{")
    return tmp_path / "place"


def paths(out):
    return [line.removeprefix("runs/") for line in out.split()]


@pytest.mark.usefixtures("place")
def test_the_list(program):
    _, out, err = program("runs")
    lines = out.splitlines()
    assert [line.split()[0] for line in lines][:4] == [
        "run",
        *(f"small/{n}" for n in ("train-0001", "train-0002", "sweep-0001")),
    ]
    assert lines[1].endswith("optimizer.lr=0.01")
    assert lines[2].endswith("seed=3")
    assert lines[3].endswith("4 members over optimizer.lr")
    assert "b/train-0002" in out
    assert "(was stopped without a word)" in out
    assert err == "warning: runs/c/train-0001: its result.json is no JSON\n".replace("/", os.sep)


@pytest.mark.usefixtures("place")
def test_what_is_chosen(program):
    assert paths(program("runs", "-q", "small/train-*")[1]) == ["small/train-0001", "small/train-0002"]
    assert paths(program("runs", "-q", "--status", "failed", "--sort", "name")[1]) == [
        "b/train-0002",
        "b/train-0003",
    ]
    assert len(paths(program("runs", "-q", "--status", "failed", "--status", "completed")[1])) == 5
    assert len(paths(program("runs", "-q", "--older-than", "2h")[1])) == 3
    assert len(paths(program("runs", "-q", "--since", "2h")[1])) == 3
    assert len(paths(program("runs", "-q", "--since", "2020-01-31")[1])) == 6
    data = json.loads(program("runs", "small", "--json", "--sort", "val/loss")[1])
    values = [row["metrics"]["val/loss"] for row in data]
    assert values == sorted(values)
    assert program("runs", "nothing")[1] == ""
    assert "no run of that name" in program("runs", "nothing")[2]
    assert "there are no runs yet in none" in program("runs", "--runs-dir", "none")[2]
    assert program("runs", "--json", "--runs-dir", "none")[1] == "[]\n"


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--status", "faild"], "--status faild: is none; did you mean failed?"),
        (["--status", "x"], "there are running, completed"),
        (["--sort", "val/los"], "did you mean val/loss?"),
        (["--sort", "nothing"], "none of these runs has that; they have "),
        (["--since", "2 moons"], "write an age such as 30min"),
        (["--older-than", "-3d"], "write an age such as 30min"),
        (["--since", "1" * 400 + "d"], "write an age such as 30min"),
        (["--json", "--csv"], "choose one of"),
        (["--runs-dir", "small.yaml/x", "--status", "\x1b[2J"], r"\x1b[2J"),
    ],
)
def test_mistakes(program, words, told):
    code, out, err = program("runs", *words, code=2)
    assert (code, out) == (2, "")
    assert told in err
    assert "\x1b" not in err


# Deleting -----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("place")
def test_listing_and_deleting_compose(program):
    words = program("runs", "-q", "--status", "failed")[1].split()
    out = program("delete", "--yes", *words)[1]
    assert sorted(paths(out.replace("\\", "/"))) == ["b/train-0002", "b/train-0003"]
    assert not Path("runs/b").exists()
    assert program("runs", "-q", "--status", "failed")[1] == ""
    assert "nothing was deleted" in program("delete", "--yes")[2]
    assert len(paths(program("runs", "-q")[1])) == 4


@pytest.mark.usefixtures("place")
def test_nobody_is_asked_without_a_terminal(program):
    assert "add --yes" in program("delete", "small", code=2)[2]
    assert "name a run" in program("delete", code=2)[2]
    with locked(Path("runs/small/train-0001")):
        assert "is at work here" in program("delete", "--yes", "small/train-0001", code=2)[2]
    assert len(paths(program("runs", "-q")[1])) == 6


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 1), ("\n", 1), ("", 1)])
def test_on_a_terminal_the_answer_counts(program, monkeypatch, answer, code):
    monkeypatch.setattr("sys.stdin", io.StringIO(answer))
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    _, _, err = program("delete", "b/train-0002", code=code)
    assert "runs/b/train-0002  failed  1 file" in err.replace("\\", "/")
    assert Path("runs/b/train-0002").exists() == bool(code)


@pytest.mark.usefixtures("place")
def test_ctrl_c_at_the_question(program, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("typer._click.termui.visible_prompt_func", interrupted)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert "nothing was deleted" in program("delete", "b/train-0002", code=130)[2]
    assert Path("runs/b/train-0002").exists()


@pytest.mark.usefixtures("place")
def test_who_reads_a_run_without_a_result_is_told(program):
    for words in (["explain"], ["figure"], ["report"]):
        assert "was stopped before it had an experiment; lrcli delete" in program(*words, "b", code=2)[2]
    assert "runs/b/train-0003" in program("delete", "--yes", "b")[1].replace("\\", "/")
