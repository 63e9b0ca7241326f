"""`lrcli explain`: what a word names, JSON, mistakes."""

import json

import pytest
from builders import EXPERIMENTS

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
    assert "going to diverge" in out


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
    ],
)
def test_mistakes(program, words, said):
    _, out, err = program("explain", *words, code=2)
    assert out == ""
    assert said in err
