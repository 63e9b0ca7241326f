"""The choice of an engine on the command line, and what both engines do alike."""

import csv
import json
import os
import signal
import subprocess
import sys
import time

import pytest

import lrcli.engines.compiled.engine as compiled_engine
from lrcli.engines.compiled import machine_code
from lrcli.engines.compiled.machine_code import compiler_missing

if compiler_missing():
    pytest.skip(compiler_missing(), allow_module_level=True)

LINE = """\
name: line
dataset: {kind: linear, w: [2.0, -3.4], b: 4.2, noise: 0.01, num_train: 40, num_val: 20, num_test: 30}
model: {kind: linear}
loss: {kind: half_mse}
optimizer: {kind: sgd, lr: 0.03}
training: {epochs: 6, batch_size: 10}
logging: {figures: false, tensorboard: false}
"""
NET = """\
name: net
dataset: {kind: xor, num_train: 30, num_val: 20}
model: {kind: mlp, hidden: [4], activation: tanh}
loss: {kind: bce}
optimizer: {kind: adam, lr: 0.01}
training: {epochs: 5, batch_size: 7}
logging: {figures: false, tensorboard: false}
"""
CURVE = """\
name: curve
dataset: {kind: sine, num_train: 30}
model: {kind: legendre}
loss: {kind: mse}
optimizer: {kind: sgd, lr: 0.001}
training: {epochs: 2}
logging: {figures: false, tensorboard: false}
"""
RATES = ["--lr", "0.01,0.1", "--seeds", "2"]
NOTE = "note: compiling the engine for this machine, once: some seconds\n"


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, text in {"line": LINE, "net": NET, "curve": CURVE}.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    return tmp_path


def read_json(text):
    return json.loads(text, parse_constant=pytest.fail)


def result_of(directory):
    return read_json((directory / "result.json").read_text())


def rows(directory):
    return list(csv.DictReader((directory / "results.csv").read_text().splitlines()))


@pytest.fixture
def chosen(place, program):
    """Runs a command; the engine that its result names, and why."""

    def run(*words):
        facts = read_json(program(*words, "--json", "--quiet")[1])["environment"]
        return facts["engine"], facts["engine_chosen"]

    return run


# The choice.


@pytest.mark.parametrize("command", [["train"], ["sweep", *RATES]], ids=["train", "sweep"])
def test_file_override_and_option(place, chosen, command):
    auto = ("compiled", "a dense model on the cpu")
    assert chosen(*command, "line.yaml") == auto
    for engine in ("compiled", "torch"):
        assert chosen(*command, "line.yaml", f"engine={engine}") == (engine, "asked for")
        assert chosen(*command, "line.yaml", "--engine", engine) == (engine, "asked for")
        (place / "said.yaml").write_text(f"engine: {engine}\n{LINE}")
        assert chosen(*command, "said.yaml") == (engine, "asked for")
        assert chosen(*command, "said.yaml", "--engine", "auto") == auto


def test_the_option_counts_for_every_file(place, program):
    _, out, _ = program("train", "line.yaml", "net.yaml", "--engine", "torch", "--json", "-q")
    assert [read_json(line)["environment"]["engine"] for line in out.splitlines()] == ["torch", "torch"]


def test_models_and_widths_that_are_torchs(chosen):
    engine, reason = chosen("train", "curve.yaml")
    assert (engine, reason.split(";")[0]) == ("torch", "legendre has no compiled form")
    engine, reason = chosen("train", "net.yaml", "model.hidden=[600, 600]", "training.epochs=1")
    assert (engine, "wide enough" in reason) == ("torch", True)


@pytest.mark.parametrize(
    ("file", "words", "message"),
    [
        ("curve", [], "legendre has no compiled form; the compiled engine takes linear, polynomial and mlp"),
        ("line", ["device=cuda"], "the compiled engine computes on the cpu, not on cuda"),
        ("line", ["--device", "mps"], "the compiled engine computes on the cpu, not on mps"),
    ],
)
@pytest.mark.parametrize("command", [["train"], ["sweep", *RATES]], ids=["train", "sweep"])
def test_what_the_compiled_engine_cannot_take(place, program, command, file, words, message):
    before = sorted(place.rglob("*"))
    _, out, err = program(*command, f"{file}.yaml", *words, "--engine", "compiled", code=2)
    assert out == ""
    assert f"engine: compiled cannot take this experiment: {message}" in err
    assert sorted(place.rglob("*")) == before


def test_check_says_what_the_compiled_engine_cannot_take(place, program):
    (place / "said.yaml").write_text(f"{CURVE}engine: compiled\n")
    _, out, err = program("check", "said.yaml", "line.yaml", code=2)
    assert err.startswith("error: said.yaml:8:9: engine: compiled cannot take this experiment: legendre has")
    assert out.startswith("line.yaml: ")


def test_a_device_takes_the_experiment_to_torch(place, program):
    """Also one that the machine lacks: it was asked for."""
    _, _, err = program("train", "line.yaml", "device=cuda:99", code=2)
    assert "cuda:99" in err
    assert "engine" not in err


def test_an_engine_that_there_is_not(place, program):
    _, _, err = program("train", "line.yaml", "--engine", "jax", code=2)
    assert "engine" in err
    assert "compiled" in err


# Without Numba.


@pytest.fixture
def bare(monkeypatch):
    """A machine on which Numba is not installed."""
    find_spec = machine_code.util.find_spec
    monkeypatch.setattr(
        machine_code.util,
        "find_spec",
        lambda name, *more: None if name == "numba" else find_spec(name, *more),
    )
    machine_code.compiler_missing.cache_clear()
    yield
    machine_code.compiler_missing.cache_clear()


@pytest.mark.parametrize("command", [["train"], ["sweep", *RATES]], ids=["train", "sweep"])
def test_without_numba(place, program, chosen, bare, command):
    assert chosen(*command, "line.yaml") == ("torch", "numba not installed")
    before = sorted(place.rglob("*"))
    _, out, err = program(*command, "line.yaml", "--engine", "compiled", code=2)
    assert (out, err) == (
        "",
        "error: engine: there is no compiled engine, numba not installed; engine: torch does without\n",
    )
    assert sorted(place.rglob("*")) == before
    assert program("check", "line.yaml")[2] == ""


# While it is compiled.


@pytest.fixture
def cold(monkeypatch):
    """A machine that has no machine code yet, until it has been made: that takes no time here."""
    find, make, made = compiled_engine.find, compiled_engine.make, set()

    def make_it(codes):
        made.update(codes)
        return [find(code) or make([code])[0] for code in codes]

    monkeypatch.setattr(compiled_engine, "find", lambda code: find(code) if code in made else None)
    monkeypatch.setattr(compiled_engine, "make", make_it)
    return made


COMMANDS = {
    "train": ["train", "net.yaml"],
    "two files": ["train", "line.yaml", "line.yaml"],
    "sweep": ["sweep", "net.yaml", *RATES],
    "a sweep in parts": ["sweep", "line.yaml", "--lr", "0.01,0.1,0.2,0.3", "--memory", "1KB"],
}


@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
def test_compiling_is_said_once(place, program, cold, words):
    _, out, err = program(*words)
    assert err.count(NOTE) == 1
    assert "compiling" not in out + err.replace(NOTE, "")
    assert NOTE not in program(*words)[2]


@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
def test_compiling_is_not_said_with_quiet(place, program, cold, words):
    assert program(*words, "--quiet")[1:] == ("", "")
    assert cold


def test_json_stays_json_while_compiling(place, program, cold):
    _, out, err = program("train", "line.yaml", "--json")
    assert read_json(out)["status"] == "completed"
    assert NOTE in err


@pytest.mark.parametrize("command", [["train"], ["sweep", *RATES]], ids=["train", "sweep"])
def test_a_compiler_that_fails(place, program, monkeypatch, command):
    popen = subprocess.Popen
    failing = [sys.executable, "-SE", "-c", "raise SystemExit('cannot')"]
    monkeypatch.setattr(compiled_engine, "find", lambda code: None)
    monkeypatch.setattr(
        machine_code.subprocess,
        "Popen",
        lambda words, **options: popen(failing if str(machine_code._COMPILER) in words else words, **options),
    )
    before = sorted(place.rglob("*"))
    _, out, err = program(*command, "line.yaml", "-q", code=2)
    assert out == ""
    assert err == "error: engine: train could not be compiled: cannot; engine: torch does without\n"
    assert sorted(place.rglob("*")) == before


@pytest.mark.skipif(os.name == "nt", reason="no pseudo-terminal")
def test_compiling_on_a_terminal():
    """Before there is a bar, and beside one, as where a later part of a sweep needs other code."""
    import pty

    code = (
        "import time\n"
        "from pathlib import Path\n"
        "from lrcli.running.preparation import Compiling\n"
        "from lrcli.reporting.sweeps.progress import SweepProgressReport\n"
        "from lrcli.sweeps.running import SweepProgress, SweepStarted\n"
        "with SweepProgressReport('val/loss') as report:\n"
        "    for event in (Compiling(), SweepStarted(Path(), 4, 40, 'cpu'), SweepProgress(20, 2, 0, 1.0),\n"
        "                  Compiling(), SweepProgress(40, 2, 0, 0.5)):\n"
        "        report.show(event)\n"
        "        time.sleep(0.4)"  # which a bar takes to appear
    )
    master, slave = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120"}
    del environment["NO_COLOR"]
    with subprocess.Popen([sys.executable, "-c", code], stderr=slave, env=environment) as process:
        os.close(slave)
        shown = b""
        while chunk := _read(master):
            shown += chunk
    os.close(master)
    assert process.returncode == 0, shown.decode()
    parts = [shown.partition(b"members")[0], shown.partition(b"members")[2]]
    assert all(b"compiling the engine" in part for part in parts)
    assert b"best val/loss 0.5" in shown.rpartition(b"compiling the engine")[2]


def _read(descriptor):
    try:
        return os.read(descriptor, 65536)
    except OSError:  # the other end is closed
        return b""


# One member, alone and among others.

MODELS = {
    "linear": ("line", []),
    "linear, full": ("line", ["training.batch_size=full"]),
    "linear, momentum": ("line", ["optimizer.momentum=0.9", "optimizer.nesterov=true", "loss.kind=l1"]),
    "linear, float64": ("line", ["dtype=float64", "training.clip_grad_norm=0.5"]),
    "mlp": ("net", []),
    "mlp, float64": ("net", ["dtype=float64", "model.hidden=[5, 3]", "model.activation=sigmoid"]),
    "mlp, noise": ("net", ["model.input_noise=0.3", "optimizer.kind=rmsprop"]),
    "mlp, classes": ("net", ["loss.kind=cross_entropy", "optimizer.kind=adamw", "model.activation=relu"]),
}


def same(row, result):
    """Every number of a member's row is that of a run, to the last bit; how many there were."""
    errors = {f"error/{line['name']}": line["error"] for line in result["recovery"]}
    best = {f"best/{result['best']['metric']}": result["best"]["value"]} if result["best"] else {}
    values = result["metrics"] | errors | best
    numbers = {name: value for name, value in values.items() if row[name] and value is not None}
    assert {name: float(row[name]) for name in numbers} == numbers
    return len(numbers)


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_a_replay_and_parts_are_the_sweep_to_the_last_bit(place, program, model):
    file, words = model
    line = ["sweep", f"{file}.yaml", *words, "--lr", "0.003,0.03,1e30", "--seeds", "3", "-q"]
    program(*line, "engine=compiled", "--run-dir", "whole")
    program(*line, "engine=compiled", "--run-dir", "parts", "--memory", "1KB")
    assert result_of(place / "whole")["environment"]["engine"] == "compiled"
    tables = [(place / name / "results.csv").read_bytes() for name in ("whole", "parts")]
    assert tables[0] == tables[1]
    for row in rows(place / "whole")[::2]:
        again = f"again-{row['member']}"
        program("replay", "whole", row["member"], "-q", "--run-dir", again, code=None)
        result = result_of(place / again)
        assert result["environment"]["engine"] == "compiled"
        assert result["status"] == row["status"]
        assert str(result["diverged_step"] or "") == row["diverged_step"]
        assert same(row, result) > 3 or row["status"] == "diverged"


def test_a_sweep_has_the_numbers_of_the_other_engine(place, program):
    line = ["sweep", "net.yaml", "dtype=float64", *RATES, "-q", "--run-dir"]
    for engine in ("compiled", "torch"):
        program(*line, engine, "--engine", engine)
    for one, other in zip(rows(place / "compiled"), rows(place / "torch"), strict=True):
        assert (one["member"], one["status"]) == (other["member"], other["status"])
        assert float(one["val/loss"]) == pytest.approx(float(other["val/loss"]), rel=1e-10)


def test_a_sweep_of_one_engine_does_not_go_on_with_another(place, program):
    line = ["sweep", "line.yaml", *RATES, "-q", "--run-dir", "mine"]
    program(*line, "--engine", "torch")
    _, _, err = program(*line, "--engine", "compiled", code=2)
    assert 'engine: "torch" there, "compiled" here' in err


# Ctrl-C in the middle of an epoch.

LONG = [
    "dataset.num_train=1000000",
    "dataset.num_val=1",
    "training.batch_size=1",
    "training.epochs=1000",
    "model.hidden=[12, 12, 12, 12]",
    "logging.evaluate_train=false",
]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for another process")
@pytest.mark.usefixtures("machine_code")
@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize(
    "command", [["train"], ["sweep", "--lr", "0.01,0.1", "--seeds", "1"]], ids=["train", "sweep"]
)
def test_ctrl_c_in_a_long_epoch(place, command, times):
    """Once: it ends after the epoch. Twice: it stops at once."""
    words = [*command, "net.yaml", *LONG, "--engine", "compiled", "--run-dir", "run"]
    process = subprocess.Popen(
        [sys.executable, "-m", "lrcli", *words], cwd=place, stderr=subprocess.PIPE, text=True
    )
    with process:
        deadline = time.monotonic() + 120
        while not (place / "run" / "result.json").exists():
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.02)
        time.sleep(1)  # which the record before training does not take
        process.send_signal(signal.SIGINT)
        while "stopping" not in process.stderr.readline():
            assert process.poll() is None
        if times == 2:
            process.send_signal(signal.SIGINT)
        began = time.monotonic()
        assert process.wait(timeout=60) == 130
        assert times == 1 or time.monotonic() - began < 2
        assert "Traceback" not in process.stderr.read()
    result = result_of(place / "run")
    assert result["status"] == "interrupted"
    if command == ["train"]:
        assert (result["epochs"], result["steps"]) == ((1, 1_000_000) if times == 1 else (0, 0))
    elif times == 1:
        assert {row["epochs"] for row in rows(place / "run")} == {"1"}
