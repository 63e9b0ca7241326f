import errno
import gc
import io
import json
import os
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from lrcli.cli import main

GOOD = """\
name: small
dataset: {kind: linear, w: [2.0, -3.4], b: 4.2, noise: 0.01, num_train: 20, num_val: 10}
model: {kind: linear}
loss: {kind: half_mse}
optimizer: {kind: sgd, lr: 0.03}
training: {epochs: 2, batch_size: 10}
logging: {figures: false}
"""


def change(old, new):
    assert GOOD.count(old) == 1
    return GOOD.replace(old, new)


def by_itself(directory, *words, start=("-m", "lrcli")):
    """Run the program in a process of its own, on a machine without a CUDA device."""
    return subprocess.run(
        [sys.executable, *start, *words],
        cwd=directory,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        timeout=60,
    )


def files(directory):
    """From each path below a directory to its content, None for a directory."""
    return {path: path.read_bytes() if path.is_file() else None for path in directory.rglob("*")}


def refused(run, directory, *words):
    """The message of a command that is refused and leaves the disk as it was."""
    before = files(directory)
    done = run(directory, *words)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert files(directory) == before
    return done.stderr


@pytest.fixture
def refusal(lrcli_in):
    """As `refused`, in this process."""
    return partial(refused, partial(lrcli_in, code=None))


BAD_FILES = {
    "empty": ("", "exp.yaml: is empty"),
    "comment": ("# nothing here\n", "exp.yaml: is empty"),
    "list": ("- 1\n- 2\n", "exp.yaml:1:1: an experiment file is a mapping of keys to values, not a list"),
    "invalid yaml": ("dataset: {kind: linear\nmodel: 3\n", "exp.yaml:2:6: is not valid YAML: "),
    "binary": (bytes(range(256)), "exp.yaml: is not a text file in UTF-8"),
    "control characters": (b"\x00\x01\x02", "exp.yaml: is not valid YAML: "),
    "key twice": (GOOD + "name: b\n", "exp.yaml:8:1: the key name is given twice, first on line 1"),
    "unknown key": (
        GOOD + "optimiser: {}\n",
        "exp.yaml:8:1: optimiser: unknown key; did you mean optimizer?",
    ),
    "unknown kind": (
        change("kind: sgd", "kind: adm"),
        "exp.yaml:5:19: optimizer.kind: unknown kind adm; did you mean adam?; one of sgd, ",
    ),
    "wrong type": (
        change("lr: 0.03", "lr: fast"),
        "exp.yaml:5:28: optimizer.lr: must be a number, not the text 'fast'",
    ),
    "length of feature_std": (
        change("noise: 0.01", "feature_std: [1, 1, 1]"),
        "exp.yaml:2:62: dataset.feature_std: has 3 numbers where w has 2",
    ),
    "sweep": (
        GOOD + "sweep: {grid: {seed: {values: [1]}}}\n",
        "exp.yaml:8:16: sweep.grid.seed: cannot be swept; replicates are sweep.seeds",
    ),
}


@pytest.mark.parametrize(("content", "message"), BAD_FILES.values(), ids=BAD_FILES)
def test_bad_file(refusal, tmp_path, content, message):
    (tmp_path / "exp.yaml").write_bytes(content if isinstance(content, bytes) else content.encode())
    shown = refusal(tmp_path, "train", "exp.yaml")
    assert shown.startswith(f"error: {message}")
    assert len(shown.splitlines()) in {1, 3}  # the message, and perhaps the line and a caret


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["dataset.num_train=-5"], "dataset.num_train: must be at least 1, not -5"),
        (["optimizer.lr=0"], "optimizer.lr: must be greater than 0, not 0"),
        (["optimizer.lr=-0.1"], "optimizer.lr: must be greater than 0, not -0.1"),
        (["optimizer.lr=.nan", "--json"], "optimizer.lr: must be a finite number, not nan"),
        (["training.batch_size=0"], "training.batch_size: must be at least 1 or 'full', not 0"),
        (["training.epochs=0"], "training.epochs: must be at least 1, not 0"),
        (["--seed", "-1"], "seed: must be at least 0, not -1"),
        (["--device", "gpu"], "device: must be auto, cpu, cuda, cuda:N or mps, not 'gpu'"),
        (["training.best.metric=val/los"], "training.best.metric: val/los is not recorded here; did you me"),
    ],
)
def test_bad_value(refusal, tmp_path, words, message):
    (tmp_path / "exp.yaml").write_text(GOOD)
    shown = refusal(tmp_path, "train", "exp.yaml", *words)
    assert shown.startswith(f"error: override: {message}")
    assert len(shown.splitlines()) == 3


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("none.yaml", "none.yaml: there is no such file"),
        (".", ".: is a directory, not an experiment file"),
    ],
)
def test_no_file(refusal, tmp_path, file, message):
    assert refusal(tmp_path, "train", file) == f"error: {message}\n"


def test_word_that_is_neither_a_file_nor_an_override(refusal, tmp_path):
    (tmp_path / "exp.yaml").write_text(GOOD)
    message = "error: exp2.yaml: there is no such file; did you mean exp.yaml?\n"
    assert refusal(tmp_path, "train", "exp.yaml", "exp2.yaml") == message
    message = "error: =3: is no override; write KEY=VALUE, such as optimizer.lr=0.01\n"
    assert refusal(tmp_path, "train", "exp.yaml", "=3") == message


def test_one_place_for_several_runs(refusal, tmp_path):
    (tmp_path / "exp.yaml").write_text(GOOD)
    shown = refusal(tmp_path, "train", "exp.yaml", "exp.yaml", "--run-dir", "here")
    assert shown.startswith("error: --run-dir is a place for one run")


def test_every_mistake_is_shown(refusal, tmp_path):
    (tmp_path / "exp.yaml").write_text(change("lr: 0.03", "lr: 0"))
    shown = refusal(tmp_path, "train", "exp.yaml", "training.epochs=0")
    assert "exp.yaml:5:28: optimizer.lr: " in shown
    assert "override: training.epochs: " in shown


@pytest.mark.parametrize(
    ("words", "named"),
    [(["train"], "Missing argument"), (["train", "exp.yaml", "--seed", "x"], "--seed"), (["tra"], "tra")],
)
def test_bad_command_line(refusal, tmp_path, words, named):
    assert named in refusal(tmp_path, *words)


# What only shows after torch is imported, still before anything is written.


@pytest.mark.parametrize("word", ["dataset.num_train=1000000000000", "dataset.num_val=1000000000000"])
def test_more_than_fits_in_memory(refusal, tmp_path, word):
    (tmp_path / "exp.yaml").write_text(GOOD)
    shown = refusal(tmp_path, "train", "exp.yaml", word)
    assert shown.startswith("error: the experiment does not fit in memory: ")
    assert len(shown.splitlines()) == 1


@pytest.mark.parametrize(
    "device",
    [
        "cuda:99",
        pytest.param("cuda", marks=pytest.mark.skipif(bool(shutil.which("nvidia-smi")), reason="has one")),
    ],
)
def test_missing_device(refusal, tmp_path, device):
    (tmp_path / "exp.yaml").write_text(GOOD)
    shown = refusal(tmp_path, "train", "exp.yaml", f"device={device}")
    assert shown.startswith(f"error: device: there is no {device} on this machine; there is ")
    assert len(shown.splitlines()) == 1


def test_runs_dir_that_is_a_file(refusal, tmp_path):
    (tmp_path / "exp.yaml").write_text(GOOD)
    (tmp_path / "taken").write_text("notes")
    shown = refusal(tmp_path, "train", "exp.yaml", "--runs-dir", "taken", "--quiet")
    assert shown == "error: taken/small: cannot hold runs: Not a directory\n"


def test_run_dir_that_is_not_empty(refusal, tmp_path):
    (tmp_path / "exp.yaml").write_text(GOOD)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("chapter 1")
    shown = refusal(tmp_path, "train", "exp.yaml", "--run-dir", "mine", "--json")
    assert shown == "error: mine: is not empty, and nothing is ever overwritten\n"


def test_batch_larger_than_the_data(lrcli_in, tmp_path):
    (tmp_path / "exp.yaml").write_text(GOOD)
    done = lrcli_in(tmp_path, "train", "exp.yaml", "training.batch_size=64", "--json")
    assert done.stderr.startswith(
        "note: batch_size 64 is larger than the 20 training examples: each epoch is one batch\n"
    )
    result = json.loads(done.stdout)
    assert result["steps"] == result["epochs"] == 2


# A disk that is full.


@pytest.fixture
def in_process(tmp_path, monkeypatch, capsys):
    """Run the program in this process, as something may have been made to fail in it."""

    def in_process(*words):
        monkeypatch.setattr(sys, "argv", ["lrcli", *words])
        with pytest.raises(SystemExit) as caught:
            main()
        return caught.value.code, *capsys.readouterr()

    monkeypatch.chdir(tmp_path)
    (tmp_path / "exp.yaml").write_text(GOOD)
    yield in_process
    gc.unfreeze()
    gc.enable()


def fail_from(monkeypatch, owner, name, count):
    """Let a function work some times and then find the disk full, ever after."""
    works, calls = getattr(owner, name), []

    def fails(*arguments):
        calls.append(arguments)
        if len(calls) > count:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return works(*arguments)

    monkeypatch.setattr(owner, name, fails)


def check_failure(tmp_path, code, out, err, culprit):
    run = tmp_path / "runs" / "small" / "train-0002"
    assert code == 1
    assert out == "" or out.endswith("\nrun: runs/small/train-0002\n")  # whole, where the run had ended
    assert "Traceback" not in err
    errors = [line for line in err.splitlines() if line.startswith("error: ")]
    assert errors == [
        f"error: runs/small/train-0002/{culprit}: could not be written: No space left on device"
    ]
    assert not list(run.rglob("*.tmp"))
    return run


@pytest.mark.parametrize(
    ("count", "culprit", "whole"),
    [
        (0, "experiment.yaml", []),
        (1, "result.json", ["experiment.yaml"]),
        (2, "checkpoint/state-next.npz", ["experiment.yaml", "result.json", "metrics.csv"]),
        (3, "checkpoint/last.npz", ["experiment.yaml", "result.json", "metrics.csv"]),
        (4, "checkpoint/best.npz", ["experiment.yaml", "result.json", "metrics.csv", "checkpoint/last.npz"]),
        (5, "checkpoint/path.npz", ["experiment.yaml", "metrics.csv", "checkpoint/best.npz"]),
        (6, "result.json", ["experiment.yaml", "metrics.csv", "checkpoint/best.npz", "checkpoint/path.npz"]),
    ],
)
def test_disk_full_at_a_whole_file(tmp_path, monkeypatch, in_process, count, culprit, whole):
    assert in_process("train", "exp.yaml", "--quiet")[0] == 0
    before = files(tmp_path)
    good = tmp_path / "runs" / "small" / "train-0001"
    for module in ("directories", "files"):  # of which none is counted
        monkeypatch.setattr(f"lrcli.storage.{module}.flush_directory", lambda _path: None)
    fail_from(monkeypatch, os, "fsync", count)
    run = check_failure(tmp_path, *in_process("train", "exp.yaml"), culprit)
    assert {path: content for path, content in files(tmp_path).items() if path in before} == before
    for name in whole:
        if name != "result.json":
            assert (run / name).read_bytes() == (good / name).read_bytes()
    assert run.exists() == bool(whole)  # one in which nothing could be written is gone
    if "result.json" in whole or count >= 5:
        assert json.loads((run / "result.json").read_text())["status"] == "running"


class FillingUp(io.FileIO):
    """A file on a disk that takes some more writes and a part of the next one."""

    writes = 0

    def write(self, data):
        kind = type(self)
        kind.writes -= 1
        if kind.writes < -1:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(data if kind.writes >= 0 else data[: len(data) // 2])


def open_on_filling_disk(path, mode="r", *arguments, works=Path.open, **named):
    return FillingUp(path, "a") if mode == "ab" else works(path, mode, *arguments, **named)


@pytest.mark.parametrize(
    ("count", "culprit", "rows"),
    [
        (0, "log.txt", None),
        (1, "metrics.csv", 0),
        (2, "log.txt", 2),
        (3, "metrics.csv", 2),
        (4, "log.txt", 3),
    ],
)
def test_disk_full_at_a_file_that_grows(tmp_path, monkeypatch, in_process, count, culprit, rows):
    assert in_process("train", "exp.yaml", "--quiet")[0] == 0
    before = files(tmp_path)
    good = tmp_path / "runs" / "small" / "train-0001"
    FillingUp.writes = count
    monkeypatch.setattr(Path, "open", open_on_filling_disk)
    run = check_failure(tmp_path, *in_process("train", "exp.yaml"), culprit)
    assert {path: content for path, content in files(tmp_path).items() if path in before} == before
    assert json.loads((run / "result.json").read_text())["status"] == "failed"
    if rows is not None:
        written = (run / "metrics.csv").read_text().splitlines()
        assert written == (good / "metrics.csv").read_text().splitlines()[:rows]


def test_disk_that_fills_up(tmp_path):
    pytest.importorskip("resource")
    (tmp_path / "exp.yaml").write_text(GOOD)
    limit = 4096
    start = (
        "-c",
        f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))\n"
        "from lrcli.cli import main; main()",
    )
    words = ["train", "exp.yaml", "training.epochs=100", "logging.tensorboard=false", "--quiet"]
    done = by_itself(tmp_path, *words, start=start)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == "error: runs/small/train-0001/metrics.csv: could not be written: File too large\n"
    run = tmp_path / "runs" / "small" / "train-0001"
    assert json.loads((run / "result.json").read_text())["status"] == "failed"
    table = (run / "metrics.csv").read_text()
    assert table.endswith("\n")  # whole lines only
    assert len({line.count(",") for line in table.splitlines()}) == 1
    assert limit / 2 < len(table) <= limit  # several lines may be written at once
