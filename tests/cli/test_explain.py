"""`lrcli explain`: what a word names, JSON, mistakes."""

import json
import shutil
from pathlib import Path

import pytest
from builders import EXPERIMENTS
from damaging import edited

LINEAR = str(EXPERIMENTS / "linear.yaml")
QUICK = ("--quiet", "logging.figures=false", "logging.tensorboard=false")


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_without_a_word_all_words_are_listed(program):
    code, out, _ = program("explain")
    assert code == 0
    assert "usable band" in out
    code, out, _ = program("explain", "--json")
    assert {each["term"] for each in json.loads(out)} >= {"coverage", "epoch"}


@pytest.mark.parametrize("words", [["noise", "floor"], ["noise floor"], ["--term", "Noise-Floor"]])
def test_a_term_of_two_words(program, words):
    code, out, _ = program("explain", *words)
    assert code == 0
    assert out.startswith("noise floor")


def test_a_run_comes_before_a_term_of_its_name(program):
    assert program("train", LINEAR, "name=epoch", *QUICK)[0] == 0
    code, out, err = program("explain", "epoch")
    assert code == 0
    assert "unfinished training" in out
    assert "lrcli explain --term epoch" in err
    assert program("explain", "last")[1] == out
    assert program("explain", "--term", "epoch")[1].startswith("epoch")
    data = json.loads(program("explain", "last", "--json")[1])
    assert data["findings"][0]["kind"] == "unfinished"
    assert data["findings"][0]["numbers"]["standard_error"] > 0


def test_a_file_with_changes(program):
    code, out, _ = program("explain", LINEAR, "optimizer.lr=30")
    assert code == 0
    assert "until training diverges" in out


def test_a_sweep(program):
    assert program("sweep", LINEAR, "--lr", "0.01:10:4", "--seeds", "6", *QUICK)[0] == 0
    code, out, _ = program("explain", "last")
    assert code == 0
    assert "Best is optimizer.lr=" in out
    assert "diverged" in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nosuch"], "no file, no run and no word"),
        (["covrage"], "did you mean coverage?"),
        (["nosuch.yaml"], "there is no such file"),
        (["last"], "no runs"),
        (["coverage", "optimizer.lr=1"], "only an experiment file can be changed"),
        ([LINEAR, "optimizer.lr=fast"], "optimizer.lr"),
        ([""], "no word"),
        (["noise", "flor"], "did you mean noise floor?"),
        (["empty.yaml"], "is empty"),
        (["binary"], "is not a text file in UTF-8"),
        (["folder"], "holds no result of a run or a sweep"),
    ],
)
def test_mistakes(program, words, said):
    Path("empty.yaml").write_bytes(b"")
    Path("binary").write_bytes(bytes(range(256)))
    Path("folder").mkdir()
    _, out, err = program("explain", *words, code=2)
    assert out == ""
    assert said in err
    assert "\\n" not in err  # what hangs together stands in lines


NEW = ("sampling_error", "optimization_error", "z", "least_squares")


def test_a_run_that_has_not_ended_well_or_is_old(program):
    """What result.json says is taken for what it is; fields that were not there yet are missed by nobody."""
    assert program("train", LINEAR, "--run-dir", "whole", *QUICK)[0] == 0

    def explained(name, **changes):
        shutil.copytree("whole", name)
        edited(Path(name), **changes)
        code, out, err = program("explain", f"./{name}")
        assert (code, err) == (0, "")
        return out

    for status, said in {
        "running": "The run has not ended",
        "interrupted": "The run was interrupted, after 1 epoch of 3.",
        "failed": "The run failed before its end, after 1 epoch of 3.",
    }.items():
        assert said in explained(status, status=status, epochs=1, steps=32)
    rows = json.loads(Path("whole/result.json").read_text())["recovery"]
    old = [{key: value for key, value in row.items() if key not in NEW} for row in rows]
    fewer = {"recovery": old, "outcome": None, "curvature": None, "stability": None}
    assert "Training is not finished" in explained("old", **fewer)


@pytest.mark.parametrize("width", [40, 80, 200])
def test_at_any_width_a_command_stays_in_one_line(program, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    lines = program("explain", LINEAR)[1].splitlines()
    said, commands = ([x for x in lines if x.startswith("    ") == is_one] for is_one in (False, True))
    assert max(map(len, said[1:])) <= min(width, 100)
    assert [command.split()[:3] for command in commands] == 2 * [["lrcli", "train", LINEAR]]
    assert len(lines) <= 24 or width == 40  # a screen
