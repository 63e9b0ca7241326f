"""`lrcli lr-find`: what it says, what it writes, and what it refuses."""

import json
import subprocess
import sys

import numpy as np
import pytest

import lrcli

FILE = """
dataset: {kind: linear, w: [2.0, -3.4], b: 4.2, noise: 0.1, num_train: 60, num_val: 20}
model: {kind: linear}
loss: {kind: mse}
optimizer: {kind: sgd, lr: 0.001}
training: {epochs: 50, batch_size: full}
expect: {train/loss: "<= 0"}
"""


@pytest.fixture
def line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "line.yaml").write_text(FILE)
    return tmp_path


def test_it_ends_with_the_command_to_type(line, program):
    _, out, _ = program("lr-find", "line.yaml", "training.epochs=40")
    last = out.splitlines()[-1]
    assert last.startswith("try: lrcli train line.yaml training.epochs=40 optimizer.lr=")
    assert "blow-up: at" in out
    assert [path.name for path in line.iterdir()] == ["line.yaml"]
    _, _, err = program(*last.split()[2:], "--quiet", "expect={}", "logging={figures: false}", code=None)
    assert "Traceback" not in err


def test_json_is_all_of_it(line, program):
    _, out, _ = program("lr-find", "line.yaml", "--json", "--seeds", "2")
    found = json.loads(out)
    assert found["seeds"] == [0, 1]
    assert found["low"] <= found["suggestion"] <= found["high"] < found["blow_up"]["high"]
    assert len(found["rates"]) > 15


def test_a_picture_is_written_where_it_is_asked_for(line, program):
    program("lr-find", "line.yaml", "--figure", "rates.svg")
    assert "suggestion" in (line / "rates.svg").read_text()
    _, _, err = program("lr-find", "line.yaml", "--figure", "rates.svg", code=2)
    assert "--force" in err
    program("lr-find", "line.yaml", "--figure", "rates.txt", code=2)


@pytest.mark.parametrize(
    "words",
    [
        ["nothing.yaml"],
        ["line.yaml", "optimizer.lr=-1"],
        ["line.yaml", "dataset={kind: csv, path: none.csv, target: y}"],
        ["line.yaml", "model={kind: module, path: none.py, name: Net}"],
        ["line.yaml", "--seeds", "0"],
        ["line.yaml", "--seeds", "1001"],
        *(["line.yaml", "--seconds", seconds] for seconds in ("nan", "-1", "0", "1e999", "soon")),
    ],
)
def test_what_is_wrong_is_told_before_anything_is_trained(line, program, words):
    _, out, err = program("lr-find", *words, code=2)
    assert not out
    assert err.startswith("error: ")


def test_a_sweep_of_the_file_is_left_aside(line, program):
    swept = "sweep={grid: {optimizer.lr: {log_range: [1e-4, 1, 5]}, training.epochs: {values: [1, 2]}}}"
    _, out, _ = program("lr-find", "line.yaml", swept)
    assert out.startswith("left aside: the file's sweep over optimizer.lr and training.epochs; ")
    assert ", 50 epochs, " in out
    _, out, _ = program("lr-find", "line.yaml", swept, "--json")
    assert json.loads(out)["left_aside"] == ["optimizer.lr", "training.epochs"]


CODE = """
import signal
import numpy as np

class Line:
    def sample(self, rng, count):
        x = rng.normal(size=(count, 1))
        return x, 2 * x[:, 0]

class Breaks(Line):
    def sample(self, rng, count):
        raise ValueError("no sensor")

class Pressed(Line):
    def sample(self, rng, count):
        signal.raise_signal(signal.SIGINT)
        return super().sample(rng, count)

class Endless(Line):
    def sample(self, rng, count):
        return super().sample(rng, count)[0], np.full(count, 1e30)
"""


@pytest.fixture
def coded(line):
    """Makes `line.yaml` take its examples from a class of the user's."""

    def make(name):
        (line / "code.py").write_text(CODE)
        data = f"dataset: {{kind: python, path: code.py, name: {name}, num_train: 60, num_val: 20}}"
        (line / "line.yaml").write_text("\n".join(["", data, *FILE.splitlines()[2:]]))

    return make


def test_code_of_the_users(coded, program):
    coded("Line")
    _, out, _ = program("lr-find", "line.yaml", "--seeds", "2")
    assert "try: lrcli train line.yaml optimizer.lr=" in out
    coded("Breaks")
    _, out, err = program("lr-find", "line.yaml", code=2)
    assert not out
    assert "no sensor" in err


def test_what_cannot_be_trained_has_no_rate(coded, program):
    """Targets whose squares are more than float32 can hold."""
    coded("Endless")
    _, out, _ = program("lr-find", "line.yaml", "--seeds", "1")
    assert "no rate is suggested: the training loss is no finite number even before the first step" in out


def test_ctrl_c_ends_it_quietly(coded):
    coded("Pressed")
    words = [sys.executable, "-m", "lrcli", "lr-find", "line.yaml"]
    ended = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 130
    assert not ended.stdout
    assert "Traceback" not in ended.stderr


def test_the_ramp_is_gradient_descent_whose_rate_grows(line, program):
    """One example of the target 3: the loss after each step in closed form."""
    one = "dataset={kind: linear, w: [0], b: 3, num_train: 1, num_val: 0, feature_std: 0}"
    words = [one, "model.init={kind: zeros}", "dtype=float64", "optimizer.lr=0.1"]
    _, out, _ = program("lr-find", "line.yaml", *words, "--ramp", "--json")
    found = json.loads(out)
    rates = 0.1 * 10 ** (-4 + 7 * np.arange(100) / 99)
    exact = 9 * np.cumprod((1 - 2 * rates) ** 2)
    assert found["losses"] == pytest.approx(exact[: len(found["losses"])].tolist(), rel=1e-6)
    assert found["stopped"] > 1  # two over the curvature
    assert found["steepest"] in found["rates"]


def test_the_ramp_says_what_it_confounds(line, program):
    _, out, _ = program("lr-find", "line.yaml", "--ramp", "--figure", "ramp.svg")
    assert "confounded" in out
    assert "steepest" in (line / "ramp.svg").read_text()


def test_python_finds_the_same_rate(line, program):
    _, out, _ = program("lr-find", "line.yaml", "--json", "--seeds", "3")
    found = lrcli.lr_find("line.yaml", seeds=3)
    assert found.suggestion == json.loads(out)["suggestion"]
    assert found.seeds == (0, 1, 2)


@pytest.mark.parametrize(
    "wrong",
    [
        {"seeds": 0},
        {"seeds": 1001},
        {"seeds": True},
        {"seconds": 0},
        {"seconds": np.inf},
        {"seconds": np.nan},
    ],
)
def test_python_refuses_what_the_command_does(line, wrong):
    with pytest.raises(lrcli.UsageError, match=next(iter(wrong))):
        lrcli.lr_find(line / "line.yaml", **wrong)


def test_accuracies_are_told_by_their_differences(line, program):
    blobs = FILE.replace("kind: linear, w: [2.0, -3.4], b: 4.2, noise: 0.1", "kind: moons").replace(
        "mse", "bce"
    )
    (line / "moons.yaml").write_text(blobs)
    _, out, _ = program("lr-find", "moons.yaml", "training.best={metric: val/accuracy}")
    assert "(val/accuracy at most 0.05 below the best)" in out
    assert "is as good as the best within 0.005 or" in out
    _, out, _ = program("lr-find", "moons.yaml")
    assert "(up to twice the best val/loss)" in out


def test_a_single_rate_is_no_range():
    from types import SimpleNamespace

    from lrcli.reporting.rates.words import sentences

    finding = SimpleNamespace(
        experiment=SimpleNamespace(
            sweep=None, training=SimpleNamespace(epochs=2), optimizer=SimpleNamespace(lr=1.0)
        ),
        trials=SimpleNamespace(rates=np.array([0.1, 0.5])),
        decisive=SimpleNamespace(rates=np.array([0.1, 0.5])),
        epochs=2,
        seeds=(0,),
        seconds=1.0,
        blow_up=None,
        band=SimpleNamespace(low=0.5, high=0.5),
        chosen=SimpleNamespace(rate=0.5, low=0.5, high=0.5, score=2.0, noisy=False),
        select=SimpleNamespace(metric="val/loss", direction="min"),
        suggestion=0.5,
    )
    _, _, usable, suggestion, _ = sentences(finding, "it")
    assert usable == "usable: 0.5 alone (up to twice the best val/loss)"
    assert suggestion.startswith("suggestion: 0.5, where val/loss is as good as the best within 5% or")
