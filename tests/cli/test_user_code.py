"""Code of the user's on the command line: where it runs, what is said when it breaks, what stays whole."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from lrcli import api
from lrcli.cli import main

EXPERIMENT = """
dtype: float64
dataset: {kind: linear, w: [2.0, -3.4], b: 4.2, noise: 0.01, num_train: 20, num_val: 10}
model: {kind: module, path: net.py, name: Net, truth: {bias: [4.2]}}
loss: {kind: half_mse}
optimizer: {kind: sgd, lr: 0.05}
training: {epochs: 4, batch_size: 5}
logging: {tensorboard: false, figures: false}
expect: {"recovery/bias": "<= 5"}
"""
NET = """
import pathlib
import torch
from torch import nn

with pathlib.Path(__file__).with_name("ran.txt").open("a") as log:
    log.write("ran ")
print("hello from the file")


class Net(nn.Linear):
    def __init__(self, scale=1.0):
        super().__init__(2, 1)
        self.scale = scale

    def forward(self, x):
        return self.scale * super().forward(x)
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("exp.yaml").write_text(EXPERIMENT)
    Path("net.py").write_text(NET)
    return tmp_path


@pytest.fixture
def lrcli(place, monkeypatch, capsys):
    """Run the program in this process: exit code, standard output, standard error."""

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["lrcli", *words])
        with pytest.raises(SystemExit) as caught:
            main()
        output = capsys.readouterr()
        return caught.value.code or 0, output.out, output.err

    return run


def ran():
    return Path("ran.txt").exists()


READING = [
    "check exp.yaml",
    "show exp.yaml",
    "list model",
    "describe model.module",
    "schema",
    "sweep exp.yaml --grid model.path=net.py --dry-run",
    "train exp.yaml model.path=net.py",
]


@pytest.mark.parametrize("line", READING)
def test_what_reads_a_file_runs_no_code(lrcli, line):
    code, _, err = lrcli(*line.split())
    assert not ran()
    assert code == (2 if "path=" in line else 0)
    assert "code is run only from a path that the experiment file says itself" in err or code == 0


GRIDS = [
    ("model.path", "net.py"),
    ("model", {"kind": "module", "path": "net.py", "name": "Net"}),
]


@pytest.mark.parametrize(("key", "value"), GRIDS, ids=[key for key, _ in GRIDS])
def test_no_point_of_a_grid_has_code_of_its_own(lrcli, key, value):
    """So that the code of all members is that of the file, which a sweep is held to as it goes on."""
    grid = json.dumps({"sweep": {"grid": {key: {"values": [value]}}}})
    with Path("exp.yaml").open("a") as file:
        file.write(f"sweep: {grid[10:-1]}\n")
    code, _, err = lrcli("sweep", "exp.yaml", "-q")
    assert code == 2
    assert "code is run only from a path that the experiment file says itself" in err
    assert not ran()


def test_a_file_that_is_not_there_is_seen_by_check(lrcli):
    Path("net.py").unlink()
    code, out, err = lrcli("check", "exp.yaml")
    assert (code, out) == (2, "")
    assert f"exp.yaml: model.path: there is no file {Path('net.py').resolve()}" in err


@pytest.mark.filterwarnings("always:.*only its Python code can compute")
def test_what_trains_runs_it_and_what_tells_of_it_does_not(lrcli):
    code, out, _ = lrcli("train", "exp.yaml", "--json")
    result = json.loads(out)  # what the file prints is not among it
    assert code == 0
    assert ran()
    assert [row["name"] for row in result["recovery"]] == ["bias"]
    assert list(result["environment"]["code"]) == [str(Path("net.py").resolve())]
    assert lrcli("sweep", "exp.yaml", "--lr", "0.01,0.05", "--seeds", "2", "-q")[0] == 0
    Path("ran.txt").unlink()
    Path("net.py").write_text("raise SystemExit(7)\n" + NET)
    with pytest.warns(UserWarning, match="only its Python code can compute"):
        drawn = api.figures([Path("runs/exp/train-0001")])
    assert set(drawn) == {"loss", "recovery"}
    assert lrcli("figure", "runs/exp/sweep-0001")[0] == 0
    code, _, err = lrcli("report", "runs/exp/train-0001")
    assert code == 0
    assert "warning: runs/exp/train-0001: figures that only its Python code can compute" in err
    assert not ran()
    code, _, err = lrcli("replay", "runs/exp/sweep-0001", "0")
    assert code == 2
    assert "it calls exit" in err


def test_a_sweep_is_not_gone_on_with_by_other_code(lrcli):
    assert lrcli("sweep", "exp.yaml", "--lr", "0.01,0.05", "--seeds", "2", "-q")[0] == 0
    Path("net.py").write_text(NET + "\n# changed\n")
    code, _, err = lrcli("replay", "runs/exp/sweep-0001", "0")
    assert code == 2
    assert "net.py was changed after the sweep had begun" in err


def test_arguments_can_be_swept(lrcli):
    words = ["--grid", "model.args.scale=0.5,1.0", "--lr", "0.01,0.05", "--seeds", "2", "-q"]
    assert lrcli("sweep", "exp.yaml", *words)[0] == 0
    rows = Path("runs/exp/sweep-0001/results.csv").read_text().splitlines()
    assert "model.args.scale" in rows[0]
    assert len(rows) == 9
    code, _, err = lrcli("sweep", "exp.yaml", "--grid", "model.args.speed=0.5,1.0", "-q")
    assert code == 2
    assert "with model.args.speed=0.5" in err
    assert "unexpected keyword argument 'speed'" in err


def test_a_member_of_a_sweep_is_what_it_is_alone(lrcli):
    assert lrcli("sweep", "exp.yaml", "--lr", "0.01,0.05", "--seeds", "2", "-q")[0] == 0
    lines = [line.split(",") for line in Path("runs/exp/sweep-0001/results.csv").read_text().splitlines()]
    row = dict(zip(lines[0], lines[4], strict=True))
    code, out, _ = lrcli("train", "exp.yaml", "--seed", "1", "optimizer.lr=0.05", "--json")
    assert code == 0
    metrics = json.loads(out)["metrics"]
    assert float(row["val/loss"]) == pytest.approx(metrics["val/loss"], rel=1e-10)


BROKEN = {
    "syntax": ("import torch\ndef net(:\n", "net.py:2:9: invalid syntax", ["def net(:", "^"]),
    "import": ("import nothing_like_it\n", "could not be run: ModuleNotFoundError", ["line 1, in <module>"]),
    "name": ("import torch\nclass Nett: pass\n", "has no Net; did you mean Nett?; it defines Nett", []),
    "no module": ("class Net: pass\n", "makes a Net, not a torch.nn.Module", []),
    "shape": (NET.replace("forward(x)", "forward(x).expand(-1, 3)"), "it must give (5, 1)", []),
    "features": (
        NET.replace("super().__init__(2, 1)", "super().__init__(3, 1)"),
        "forward failed for inputs of shape (5, 2): RuntimeError: mat1 and mat2",
        ["in forward", "return self.scale * super().forward(x)"],
    ),
    "exit": ("import sys\nsys.exit(0)\n", "could not be run: it calls exit", ["sys.exit(0)"]),
    "constructor": (NET.replace("self.scale = scale", "self.scale = 1 / 0"), "ZeroDivisionError", ["1 / 0"]),
    "truth": (
        NET.replace("super().__init__(2, 1)", "super().__init__(2, 1, bias=False)"),
        "model.truth.bias",
        [],
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_broken_code_is_told_in_its_own_lines(lrcli, what):
    content, message, lines = BROKEN[what]
    Path("net.py").write_text(content)
    code, out, err = lrcli("train", "exp.yaml")
    assert code == 2
    assert out == ""
    assert message in err
    assert all(line in err for line in lines)
    assert "lrcli/" not in err.replace(str(Path.cwd()), "")
    assert "Traceback" not in err
    assert not Path("runs").exists()


def test_code_that_breaks_while_it_trains_ends_that_run_alone(lrcli):
    Path("good.yaml").write_text(EXPERIMENT.replace("net.py", "good.py"))
    Path("good.py").write_text(NET)
    late = "        Net.calls += 1\n        if Net.calls > 9:\n            raise ValueError('too late')\n"
    broken = NET.replace("(nn.Linear):\n", "(nn.Linear):\n    calls = 0\n\n")
    Path("net.py").write_text(broken.replace("def forward(self, x):\n", f"def forward(self, x):\n{late}"))
    code, out, err = lrcli("train", "good.yaml", "exp.yaml")
    assert code == 1
    assert "good: completed" in out
    assert "forward failed: ValueError: too late" in err
    assert "raise ValueError('too late')" in err
    results = [
        json.loads(Path(f"runs/{name}/train-0001/result.json").read_text()) for name in ("good", "exp")
    ]
    assert [result["status"] for result in results] == ["completed", "failed"]


def test_infinite_outputs_are_a_run_that_diverged(lrcli):
    Path("net.py").write_text(NET.replace("self.scale *", "1e400 *"))
    code, out, _ = lrcli("train", "exp.yaml", "--json")
    assert code == 1
    assert json.loads(out)["status"] == "diverged"


ENDLESS = """
        Net.calls = getattr(Net, "calls", 0) + 1
        while Net.calls > 9:
            print("endless", flush=True)
            __import__("time").sleep(0.05)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signal that interrupts another process")
def test_an_endless_loop_ends_at_the_second_ctrl_c(place):
    Path("net.py").write_text(NET.replace("def forward(self, x):\n", f"def forward(self, x):{ENDLESS}"))
    program = [sys.executable, "-m", "lrcli", "train", "exp.yaml", "--run-dir", "run"]
    process = subprocess.Popen(program, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    for line in process.stderr:
        if "endless" in line:
            break
    os.kill(process.pid, signal.SIGINT)
    time.sleep(0.3)
    os.kill(process.pid, signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 130
    assert json.loads(Path("run/result.json").read_text())["status"] == "interrupted"


def test_helpers_beside_the_file_can_be_imported(lrcli):
    Path("helper.py").write_text("SCALE = 2.0\n")
    Path("net.py").write_text("import helper\n" + NET.replace("scale=1.0", "scale=helper.SCALE"))
    code, out, _ = lrcli("train", "exp.yaml", "--json")
    assert code == 0
    assert {Path(file).name for file in json.loads(out)["environment"]["code"]} == {"net.py", "helper.py"}
    assert "helper" not in sys.modules


TESTED = """
import torch
from torch import nn


class Net(nn.Linear):
    def __init__(self):
        super().__init__(2, 1)


def loss(outputs, targets):
    return (outputs - targets).mean()
"""


def test_a_file_is_tested(lrcli):
    Path("tested.py").write_text(textwrap.dedent(TESTED))
    code, out, _ = lrcli("test", "tested.py")
    assert code == 1
    assert "Net (model)\n  passed  can be made" in out
    assert "FAILED  shapes: loss: loss in" in out
    assert "reduction='none'" in out
    assert lrcli("test", "tested.py", "Net")[0] == 0
    code, _, err = lrcli("test", "tested.py", "Nett")
    assert code == 2
    assert "did you mean Net?" in err
    code, _, err = lrcli("test", "tested.py", "Net", "--args", "3")
    assert code == 2
    assert "must be a mapping" in err
    assert lrcli("test", "nothing.py")[0] == 2


PARTS = """
import numpy as np


class Wave:
    def __init__(self, frequency=1.5):
        self.frequency = frequency

    def sample(self, rng, count):
        x = rng.uniform(-3, 3, (count, 1))
        return x, self.rule(x)

    def rule(self, x):
        return np.sin(self.frequency * x)

    def true_parameters(self, model):
        true = {"amplitude": 1.0, "frequency": self.frequency, "phase": 0.0, "offset": 0.0}
        return true if model == "sinusoid" else None


class Descent:
    def init(self, p):
        return {}

    def update(self, g, state, p, lr, step):
        return p - lr * g, {}


def absolute(outputs, targets):
    return (outputs - targets).abs()[:, 0]
"""
OF_PARTS = """
dataset: {kind: python, path: parts.py, name: Wave, num_train: 20, num_val: 10}
model: {kind: sinusoid}
loss: {kind: python, path: parts.py, name: absolute}
optimizer: {kind: python, path: parts.py, name: Descent, lr: 0.01}
training: {epochs: 3, batch_size: 5}
logging: {tensorboard: false, figures: false}
expect: {"recovery/frequency": "<= 2", "recovery/max_abs_error": "<= 9"}
"""


def test_data_a_loss_and_an_optimizer_of_ones_own(lrcli):
    """In a process of its own, where nothing has imported torch before the file."""
    Path("parts.py").write_text(PARTS)
    Path("parts.yaml").write_text(OF_PARTS)
    program = [sys.executable, "-m", "lrcli", "train", "parts.yaml", "--json"]
    done = subprocess.run(program, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert [row["true"] for row in json.loads(done.stdout)["recovery"]] == [1.0, 1.5, 0.0, 0.0]
    words = ["--lr", "0.01,0.1", "--grid", "dataset.args.frequency=1.0,2.0", "--seeds", "2", "-q"]
    assert lrcli("sweep", "parts.yaml", *words)[0] == 0
    code, _, err = lrcli("data", "parts.yaml", "--out", "data")
    assert code == 2
    assert "is code, which only training runs" in err


def test_what_only_the_code_knows_is_judged_once_it_has_been_run(lrcli):
    Path("parts.py").write_text(PARTS)
    Path("parts.yaml").write_text(OF_PARTS.replace("sinusoid", "legendre").replace("frequency", "a"))
    assert lrcli("check", "parts.yaml")[0] == 0
    of_classes = OF_PARTS.replace("num_val: 10", "num_val: 10, classes: 2")
    Path("parts.yaml").write_text(of_classes.replace("sinusoid", "linear").replace("frequency", "b"))
    Path("parts.py").write_text(PARTS.replace("self.rule(x)\n\n", "(x > 0) * 1.0\n\n", 1))
    assert lrcli("check", "parts.yaml")[0] == 0
    code, _, err = lrcli("train", "parts.yaml")
    assert code == 2
    assert "expect.recovery/b: is not in the result" in err
