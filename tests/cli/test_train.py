"""`lrcli train` as a user runs it."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import yaml
from screen import Screen

from lrcli.engines.compiled.machine_code import compiler_missing

LRCLI = [sys.executable, "-m", "lrcli"]
EXPERIMENTS = Path(__file__).parents[2] / "experiments"
ENGINES = ["torch", *([] if compiler_missing() else ["compiled"])]

SHORT = """
dataset: {kind: linear, w: [2.0, -3.4], b: 4.2, noise: 0.01, num_train: 100, num_val: 40, num_test: 30}
model: {kind: linear}
loss: {kind: half_mse}
optimizer: {kind: sgd, lr: 0.1}
training: {epochs: 4, batch_size: 10}
logging: {figures: false}
"""
XOR = """
dataset: {kind: xor, num_train: 40, num_val: 20}
model: {kind: mlp, hidden: [4]}
loss: {kind: bce}
optimizer: {kind: adam}
training: {epochs: 2}
logging: {figures: false}
"""


def by_itself(directory, *words, code=0):
    """What lrcli gives in a process of its own."""
    done = subprocess.run([*LRCLI, *words], cwd=directory, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    return done


@pytest.fixture
def lrcli(lrcli_in):
    return lrcli_in


@pytest.fixture
def place(tmp_path):
    (tmp_path / "short.yaml").write_text(SHORT)
    (tmp_path / "xor.yaml").write_text(XOR)
    return tmp_path


def result_of(directory):
    return json.loads((directory / "result.json").read_text(), parse_constant=pytest.fail)


def test_a_run_from_file_to_directory(place):
    """The report on stdout, progress on stderr, and every file of the run directory."""
    done = by_itself(place, "train", "short.yaml", "logging.figures=true")
    assert re.search(r"w\[1\][^\d-]+-3\.4[^\d-]+-3\.3\d+", done.stdout)
    assert "runs/short/train-0001" in done.stdout
    assert "epoch 4/4" in done.stderr
    assert "epoch" not in done.stdout.replace("epochs", "")
    run = place / "runs" / "short" / "train-0001"
    names = {path.name.split(".out.")[0] for path in run.iterdir()}
    made = {"experiment.yaml", "result.json", "metrics.csv", "log.txt", "checkpoint", "events", "figures"}
    assert names == made

    result = result_of(run)
    assert (result["schema"], result["command"], result["name"]) == (2, "train", "short")
    assert (result["status"], result["epochs"], result["steps"]) == ("completed", 4, 40)
    assert result["run_dir"] == "runs/short/train-0001"
    assert result["diverged_step"] is None
    assert [row["name"] for row in result["recovery"]] == ["w[0]", "w[1]", "b"]
    for row, true in zip(result["recovery"], [2.0, -3.4, 4.2], strict=True):
        assert row["true"] == true
        assert row["error"] == pytest.approx(true - row["learned"], abs=1e-12)
    assert {"test/loss", "val/loss", "train/loss", "recovery/error_norm"} <= set(result["metrics"])
    assert result["best"]["metric"] == "val/loss"
    assert {"train_seconds", "total_seconds"} == set(result["timing"])
    facts = {"lrcli", "python", "numpy", "platform", "device", "threads", "git_commit", "git_dirty"}
    facts |= {"engine", "engine_chosen", "denormals_flushed"}
    assert facts <= set(result["environment"])
    assert {"numba", "torch"} & set(result["environment"])  # the version of what did the arithmetic

    rows = list(csv.DictReader((run / "metrics.csv").read_text().splitlines()))
    assert [row["epoch"] for row in rows] == ["0", "1", "2", "3", "4"]
    assert [row["step"] for row in rows] == ["0", "10", "20", "30", "40"]
    assert [name for name, cell in rows[0].items() if cell == ""] == ["train/running_loss", "grad_norm", "lr"]
    for name, value in result["metrics"].items():
        if not name.startswith("test/"):
            assert float(rows[-1][name]) == value
    with np.load(run / "checkpoint" / "last.npz", allow_pickle=False) as arrays:
        assert {name: values.tolist() for name, values in arrays.items()} == result["parameters"]
    assert "epoch 4/4" in (run / "log.txt").read_text()


def test_the_resolved_file_repeats_the_run_to_the_byte(lrcli, place):
    lrcli(place, "train", "short.yaml", "optimizer.lr=3e-2", "--seed", "5")
    lrcli(place, "train", "short.yaml", "seed=5", "optimizer.lr=0.03")
    lrcli(place, "train", "runs/short/train-0001/experiment.yaml")
    tables = [(place / f"runs/short/train-000{i}/metrics.csv").read_bytes() for i in (1, 2, 3)]
    assert tables[0] == tables[1] == tables[2]
    files = [(place / f"runs/short/train-000{i}/experiment.yaml").read_bytes() for i in (1, 2, 3)]
    assert files[0] == files[1] == files[2]
    assert yaml.safe_load(files[0])["seed"] == 5


def test_json_is_the_result_and_nothing_else(place):
    done = by_itself(place, "train", "xor.yaml", "--json", "--quiet", "--run-dir", "here/mine")
    written = result_of(place / "here" / "mine")
    assert list(written)[-1] == "sha256"  # of the file alone
    assert written == json.loads(done.stdout) | {"sha256": written["sha256"]}
    assert done.stderr == ""
    assert not (place / "runs").exists()


def test_quiet_says_nothing(lrcli, place):
    done = lrcli(place, "train", "short.yaml", "-q", "--runs-dir", "elsewhere")
    assert (done.stdout, done.stderr) == ("", "")
    assert result_of(place / "elsewhere" / "short" / "train-0001")["status"] == "completed"


def test_parameters_that_cannot_be_identified(lrcli, place):
    done = lrcli(place, "train", "xor.yaml")
    assert "not identifiable" in done.stdout
    assert "val/accuracy" in done.stdout
    assert result_of(place / "runs" / "xor" / "train-0001")["recovery"] == []


@pytest.mark.parametrize(
    ("name", "line"),
    [
        (
            "sine_rmsprop",
            r"fitted: y = .*0\.85\d* x .*x\^3\nbest: +y = 0 \+ 0\.8567 x \+ 0 x\^2 - 0\.09333 x\^3",
        ),
        ("sine_legendre", r"fitted: y = 0 - 2\.209 P3\(0 \+ 0\.2555 x\), P3\(u\) ="),
    ],
)
def test_the_fitted_curve_is_an_equation(lrcli, place, name, line):
    done = lrcli(place, "train", str(EXPERIMENTS / f"{name}.yaml"))
    assert re.search(line, done.stdout), done.stdout
    assert "best possible" in done.stdout


def test_a_diverged_run_is_a_result(lrcli, place):
    done = lrcli(place, "train", "short.yaml", "optimizer.lr=1e9", "--json", code=1)
    result = json.loads(done.stdout, parse_constant=pytest.fail)
    assert result["status"] == "diverged"
    assert 0 < result["diverged_step"] == result["steps"] + 1
    assert result["metrics"]["train/running_loss"] is None
    done = lrcli(place, "train", "short.yaml", "optimizer.lr=1e9", code=1)
    assert f"diverged at step {result['diverged_step']}" in done.stdout


def test_parameters_that_the_data_leave_open_are_named(lrcli, place):
    done = lrcli(place, "train", "short.yaml", "dataset.num_train=2")
    assert "fewer training examples (2) than parameters (3)" in done.stdout
    assert done.stdout.count("not determined") == 3
    result = result_of(place / "runs" / "short" / "train-0001")
    assert result["reference"]["undetermined"] == ["w[0]", "w[1]", "b"]
    assert not any(row["determined"] for row in result["recovery"])
    done = lrcli(place, "train", "short.yaml")
    assert "determine" not in done.stdout


def test_logistic_regression_is_held_against_its_optimum(lrcli, place):
    words = ["model={kind: linear}", "optimizer={kind: sgd, lr: 1}", "training.epochs=500"]
    words += ["training.batch_size=full"]
    done = lrcli(place, "train", "xor.yaml", *words, "dataset.label_noise=0.2")
    assert "best possible: the smallest training loss, by Newton's" in done.stdout
    result = result_of(place / "runs" / "xor" / "train-0001")
    assert {row["against"] for row in result["recovery"]} == {"optimum"}
    assert max(abs(row["error"]) for row in result["recovery"]) < 0.05
    assert result["metrics"]["recovery/max_abs_error"] < 0.05
    done = lrcli(place, "train", "xor.yaml", *words, "dataset.num_train=3")
    assert "A plane separates the classes" in done.stdout
    result = result_of(place / "runs" / "xor" / "train-0002")
    assert (result["recovery"], result["reference"]["against"]) == ([], None)
    assert "recovery/max_abs_error" not in result["metrics"]


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        (
            ["training.batch_size=full"],
            r"a rate of 3 is [\d.]+ times the largest stable one, 1\.\d+ = 2 / largest curvature 1",
        ),
        (
            [],
            r"times the largest stable one in mean square, for random batches of 10, 1\.\d+;",
        ),
        (["optimizer.kind=rmsprop", "optimizer.lr=1e30"], "; try a smaller learning rate"),
        (["loss.kind=mse", "optimizer.momentum=2", "optimizer.lr=0.1"], "; try a smaller learning rate"),
    ],
)
def test_a_diverged_run_is_told_the_largest_stable_rate(lrcli, place, words, advice):
    words = ["optimizer.lr=3", "training.epochs=200", *words]
    done = lrcli(place, "train", "short.yaml", *words, code=1)
    assert re.search(advice, " ".join(done.stdout.split()))
    result = result_of(place / "runs" / "short" / "train-0001")
    limit = result["stability"]["largest_stable_rate"]
    assert (limit is None) == ("largest" not in advice)


def test_several_files_in_one_call(lrcli, place):
    done = lrcli(place, "train", "short.yaml", "xor.yaml", "seed=2", "--json", "--quiet")
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(r["name"], r["seed"], r["status"]) for r in results] == [
        ("short", 2, "completed"),
        ("xor", 2, "completed"),
    ]
    done = lrcli(place, "train", "short.yaml", "xor.yaml", "-q", "optimizer.lr=1e12", code=1)
    assert result_of(place / "runs" / "short" / "train-0002")["status"] == "diverged"
    assert (place / "runs" / "xor" / "train-0002" / "result.json").exists()


def test_expectations_are_compared(lrcli, place):
    good, bad = (
        'expect={val/loss: "<= 1", "recovery/w[0]": "< 0.5"}',
        'expect={val/loss: "> 1", lr: "== 0.1"}',
    )
    done = lrcli(place, "train", "short.yaml", good)
    assert re.search(r"recovery/w\[0\] .*< 0.5 .* passed", done.stdout)
    done = lrcli(place, "train", "short.yaml", bad, code=3)
    assert re.search(r"val/loss .*> 1 .* failed", done.stdout)
    rows = result_of(place / "runs" / "short" / "train-0002")["expectations"]
    assert [(row["name"], row["expected"], row["passed"]) for row in rows] == [
        ("val/loss", "> 1", False),
        ("lr", "== 0.1", True),
    ]
    lrcli(place, "train", "short.yaml", bad, "optimizer.lr=1e9", code=1)


def test_early_stopping_ends_the_run(lrcli, place):
    overrides = ["training.epochs=500", "training.early_stopping={metric: val/loss, patience: 5}"]
    done = lrcli(place, "train", "short.yaml", *overrides, "--json")
    result = json.loads(done.stdout)
    assert result["status"] == "stopped_early"
    assert result["epochs"] < 500


def test_records_every_so_often_and_best_by_any_metric(lrcli, place):
    overrides = [
        "logging.every=3",
        "training.best={metric: recovery/error_norm}",
        "logging.tensorboard=false",
    ]
    result = json.loads(lrcli(place, "train", "short.yaml", *overrides, "--json").stdout)
    assert result["best"]["metric"] == "recovery/error_norm"
    run = place / "runs" / "short" / "train-0001"
    assert [line.split(",")[0] for line in (run / "metrics.csv").read_text().splitlines()] == [
        "epoch",
        "0",
        "3",
        "4",
    ]
    assert not list(run.glob("events*"))


def wait_for(condition, process, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.02)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for another process")
@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.usefixtures("machine_code")
def test_ctrl_c(place, times):
    """Once: the state is saved. Twice: it stops at once. Both exit with 130 and leave a readable result."""
    run = place / "run"
    words = ["train", "short.yaml", "training.epochs=10000000", "logging.every=2000", "--run-dir", run]
    process = subprocess.Popen([*LRCLI, *words], cwd=place, stderr=subprocess.PIPE, text=True)
    with process:
        table = run / "metrics.csv"  # with more than the record before training
        wait_for(lambda: table.exists() and len(table.read_text().splitlines()) > 2, process)
        assert result_of(run)["status"] == "running"
        process.send_signal(signal.SIGINT)
        if times == 2:
            assert "stopping" in process.stderr.readline() + process.stderr.readline()
            process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 130
        assert "Traceback" not in process.stderr.read()
    result = result_of(run)
    assert result["status"] == "interrupted"
    assert result["epochs"] > 0
    if times == 1:
        with np.load(run / "checkpoint" / "last.npz") as arrays:
            assert arrays["w"].tolist() == result["parameters"]["w"]
        last = (run / "metrics.csv").read_text().splitlines()[-1].split(",")
        assert [result["epochs"], result["steps"]] == [int(last[0]), int(last[1])]


@pytest.mark.skipif(os.name == "nt", reason="no pseudo-terminal")
def test_on_a_terminal(place):
    """A bar, numbers and curves while it trains, and the curves afterwards."""
    words = ["train", "short.yaml", "training.epochs=100000000", "logging.every=100"]
    shown = on_a_terminal(place, words, press_after=1.2, code=130)
    screen = Screen(120, 24)
    screen.write(shown.decode())
    message, legend, *curves, go_on = screen.lines()
    assert go_on == "note: to go on: lrcli resume runs/short/train-0001"
    assert message == "stopping; Ctrl-C again to stop without saving"
    assert re.fullmatch(r"epoch \d+  ⠒⠒⠒ train/loss \S+ +⠒ ⠒ val/loss \S+", legend)
    assert len(curves) == 8
    assert curves[-1].split()[:2] == ["epoch", "0"]


@pytest.mark.skipif(os.name == "nt", reason="no pseudo-terminal")
def test_a_short_run_on_a_terminal(place):
    """Nothing is drawn that would be gone in a moment."""
    shown = on_a_terminal(place, ["train", "short.yaml"])
    assert b"\x1b" not in shown
    epochs = [line.split()[:2] for line in shown.decode().splitlines()[:-1]]
    assert epochs == [["epoch", str(n)] for n in range(5)]


def on_a_terminal(place, words, press_after=None, code=0):
    """What lrcli shows on a terminal; Ctrl-C is pressed so many seconds after it has shown something."""
    import pty

    master, slave = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120", "LINES": "24"}
    del environment["NO_COLOR"]
    with subprocess.Popen(
        [*LRCLI, *words], cwd=place, stderr=slave, stdout=subprocess.PIPE, env=environment
    ) as process:
        os.close(slave)
        shown, began = _read(master), time.monotonic()
        while chunk := _read(master):
            shown += chunk
            if press_after is not None and time.monotonic() - began > press_after:
                process.send_signal(signal.SIGINT)
                press_after = None
        process.stdout.read()
        assert process.wait() == code
    os.close(master)
    return shown


def _read(descriptor):
    try:
        return os.read(descriptor, 65536)
    except OSError:  # the other end is closed
        return b""


@pytest.mark.skipif(os.name == "nt", reason="no such devices")
def test_readers_that_leave_and_disks_that_are_full(place):
    def bash(line):
        return subprocess.run(["bash", "-c", line], cwd=place, capture_output=True, text=True, check=False)

    train = f"{sys.executable} -m lrcli train short.yaml"
    done = bash(f"{train} 2>&1 | true; echo ${{PIPESTATUS[0]}}")
    assert done.stdout == "0\n"
    assert result_of(place / "runs" / "short" / "train-0001")["status"] == "completed"
    done = bash(f"{train} -q --json > /dev/full")
    assert done.returncode == 1
    assert done.stderr == "error: standard output: could not be written: No space left on device\n"


def test_odd_names_of_directories(lrcli, place):
    done = lrcli(place, "train", "short.yaml", "--run-dir", "out[/x]/[v2]")
    assert "run: out[/x]/[v2]" in done.stdout
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    command = [*LRCLI, "train", "short.yaml", "--run-dir", "résultats"]
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=True, env=environment)
    assert r"run: r\xe9sultats" in done.stdout


@pytest.mark.parametrize("engine", ENGINES)
def test_many_batches_start_at_once(lrcli, place, engine):
    """What is made for each size of batch is made once, however many batches there are."""
    words = ["dataset.num_train=20000", "training.epochs=1", "logging.tensorboard=false", "--engine", engine]

    def before_training(batch_size):
        size = f"training.batch_size={batch_size}"
        timing = json.loads(lrcli(place, "train", "short.yaml", "--json", *words, size).stdout)["timing"]
        return timing["total_seconds"] - timing["train_seconds"]

    few = before_training(1000)  # which may have to compile
    assert before_training(1) < few + 2  # a tenth of a millisecond for each would be more


def test_help_and_version(place):
    assert "train" in by_itself(place, "--help").stdout
    assert "KEY=VALUE" in by_itself(place, "train", "--help").stdout
    assert re.fullmatch(r"lrcli \d+\.\d+\.\d+\n", by_itself(place, "--version").stdout)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no resource module")
def test_thousands_of_steps_leave_no_memory_behind():
    """Pullbacks hold the tensors of their step; none may outlive it."""
    import resource

    from builders import SINE, advance, population, problem

    from lrcli.engines.torch.engine import TorchEngine

    members = population({"kind": "sgd", "lr": 1e-6}, {"epochs": 8000, "batch_size": "full"})
    pb = problem({**SINE, "num_train": 2000}, {"kind": "legendre"}, {"kind": "mse"})
    engine = TorchEngine(pb, members, "cpu", "float32")
    advance(engine, 1, 500)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    advance(engine, 501, 3000)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000  # kB; a leak would be 50,000
