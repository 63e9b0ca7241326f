"""`lrcli lr-find`: what it says, what it writes, and what it refuses."""

import json

import numpy as np
import pytest

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
    _, _, err = program(*last.split()[2:], "--quiet", "expect={}", code=None)
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
    "words", [["nothing.yaml"], ["line.yaml", "optimizer.lr=-1"], ["line.yaml", "--seeds", "0"]]
)
def test_what_is_wrong_is_told_before_anything_is_trained(line, program, words):
    _, out, err = program("lr-find", *words, code=2)
    assert not out
    assert err.startswith("error: ")


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
