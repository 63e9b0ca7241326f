"""The memory that is announced is what is taken; what no machine has is refused before anything is taken."""

import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import lrcli.running.resources as module
from lrcli.cli.sweep import _bytes
from lrcli.config.keys import value_at
from lrcli.errors import UsageError
from lrcli.experiment.experiment import Experiment, resolved
from lrcli.experiment.loading import load
from lrcli.running import machine
from lrcli.running.resources import (
    Sizes,
    bytes_text,
    memory_for_data,
    memory_for_training,
    refuse_too_much,
)
from lrcli.sweeps.options import load_sweep
from lrcli.sweeps.plan import plan_sweep

resource = pytest.importorskip("resource", reason="the system does not say how much memory a process took")

LINE = {
    "name": "line",
    "dataset": {"kind": "linear", "w": [2.0, -3.4], "b": 4.2, "num_train": 1000, "num_val": 100},
    "model": {"kind": "linear"},
    "loss": {"kind": "half_mse"},
    "optimizer": {"kind": "sgd", "lr": 1e-4},
    "training": {"epochs": 1, "batch_size": 1000},
    "logging": {"tensorboard": False, "figures": False},
}
XOR = LINE | {
    "dataset": {"kind": "xor", "num_train": 1000, "num_val": 100},
    "model": {"kind": "mlp", "hidden": [4, 4]},
    "loss": {"kind": "bce"},
}
SINE = LINE | {
    "dataset": {"kind": "sine", "num_train": 1000, "num_val": 100},
    "model": {"kind": "polynomial", "degree": 3},
    "loss": {"kind": "mse"},
    "optimizer": {"kind": "sgd", "lr": 1e-9},
}
LOGISTIC = XOR | {"model": {"kind": "linear"}}
WIDE = LINE | {"dataset": LINE["dataset"] | {"w": [0.5] * 99}}
TORCH = ["engine=torch"]


def sweep(rates, seeds, memory="10GB"):
    return ["--lr", f"1e-9:1e-4:{rates}", "--seeds", str(seeds), "--memory", memory]


CASES = {  # the command, the experiment, the words that make it large
    "examples": ("train", LINE, ["dataset.num_train=1000000"]),
    "examples of validation": ("train", LINE, ["dataset.num_val=1200000"]),
    "double precision, full batch": (
        "train",
        LINE,
        ["dataset.num_train=1000000", "dtype=float64", "training.batch_size=full"],
    ),
    "steps": ("train", LINE, ["dataset.num_train=700000", "training.batch_size=2"]),
    "features": ("train", WIDE, ["dataset.num_train=25000"]),
    "classes and noise": (
        "train",
        XOR,
        ["dataset.num_train=500000", "loss.kind=cross_entropy", "model.input_noise=0.1"],
    ),
    "powers": ("train", SINE, ["model.degree=20", "dataset.num_train=60000"]),
    "classes of a linear model": ("train", LOGISTIC, ["dataset.num_train=400000"]),
    "parameters": (
        "train",
        XOR,
        ["engine=compiled", "model.hidden=[500, 500]", "optimizer.kind=adam"],
    ),
    "examples, torch": ("train", LINE, [*TORCH, "dataset.num_train=800000"]),
    "full batch, torch": (
        "train",
        XOR,
        [*TORCH, "dataset.num_train=600000", "training.batch_size=full", "model.hidden=[32]"],
    ),
    "written data": ("data", LINE, ["dataset.num_val=500000", "dataset.num_train=10"]),
    "members": ("sweep", LINE, sweep(500, 100)),
    "records": ("sweep", LINE, [*sweep(100, 50), "training.epochs=100"]),
    "parameters of members": ("sweep", XOR, [*sweep(50, 100), "model.hidden=[16, 16]"]),
    "data of seeds": ("sweep", LINE, [*sweep(3, 10), "dataset.num_train=100000"]),
    "data of seeds, in parts": ("sweep", LINE, [*sweep(3, 20, "60MB"), "dataset.num_train=150000"]),
}
SLACK = 8e6  # bytes, of what the system and NumPy keep for themselves

FORKING = """
import json, os, resource, sys, traceback
from pathlib import Path
import filelock, jinja2, llvmlite.binding
import lrcli.api.following, lrcli.engines.compiled.engine, lrcli.explaining.runs.explanation
import lrcli.reporting.runs.live_curves, lrcli.reporting.runs.presentation, lrcli.running.data_export
import lrcli.reporting.sweeps.figures, lrcli.reporting.sweeps.presentation, lrcli.reporting.sweeps.report
import lrcli.sweeps.options, lrcli.sweeps.reading, lrcli.sweeps.resuming
from lrcli.cli.app import app
if sys.argv[1] == "torch":
    import torch, lrcli.engines.torch.engine

def taken():
    status = Path("/proc/self/status")  # what resource says on Linux may be that of the parent
    if status.exists():
        words = status.read_text().split()
        return int(words[words.index("VmHWM:") + 1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

os.fsync = os.fstat  # nothing needs to survive a loss of power
for line in sys.stdin:  # a process for each, which has nothing to import
    place, words = json.loads(line)
    process = os.fork()
    if process == 0:
        code = 1
        try:
            os.chdir(place)
            out = os.open("said.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(out, 1)
            os.dup2(out, 2)
            app(words, standalone_mode=False)
            Path("peak.txt").write_text(str(taken()))
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(code)
    print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), flush=True)
"""


@pytest.fixture(scope="module")
def peak():
    """The most memory that a process took: of a command, its file, its words, and whether it is torch's."""
    begun = {}

    def ran(place, words, torch):
        if torch not in begun:
            call = [sys.executable, "-c", FORKING, "torch" if torch else ""]
            begun[torch] = subprocess.Popen(call, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        process = begun[torch]
        process.stdin.write(json.dumps([str(place), words]) + "\n")
        process.stdin.flush()
        code, said = process.stdout.readline(), (place / "said.txt").read_text()
        assert code == "0\n", said
        return said

    def peak(command, file, words, torch):
        words = [*words, "--out", str(file.with_suffix(""))] if command == "data" else words
        for _ in range(2):  # once more where it had to compile
            if "compiling" not in ran(file.parent, [command, str(file), *words], torch):
                break
        return int((file.parent / "peak.txt").read_text())

    yield peak
    for process in begun.values():
        with process:
            process.stdin.close()


@pytest.fixture(scope="module")
def smallest(peak, tmp_path_factory):
    """The memory of a process that trains next to nothing."""

    @cache
    def found(command, torch):
        file = tmp_path_factory.mktemp("smallest") / "exp.yaml"
        file.write_text(json.dumps(LINE))
        words = sweep(2, 2) if command == "sweep" else []
        return peak(command, file, words + (TORCH if torch else []), torch)

    return found


def planned(command, file, words):
    """The memory that is announced."""
    if command != "sweep":
        experiment = load(file, words).experiment
        return (
            memory_for_data(experiment) if command == "data" else memory_for_training(experiment, Sizes())
        ).total()
    rates, seeds, memory = words[1], int(words[3]), words[5]
    return plan_sweep(load_sweep(file, words[6:], rates=rates, seeds=seeds), _bytes(memory)).needs.total()


@pytest.mark.parametrize("name", CASES)
@pytest.mark.usefixtures("machine_code")
def test_what_is_taken_is_what_was_announced(name, tmp_path, peak, smallest):
    command, base, words = CASES[name]
    file = tmp_path / "exp.yaml"
    file.write_text(json.dumps(base))
    announced = planned(command, file, words)
    torch = TORCH[0] in words
    taken = peak(command, file, words, torch) - smallest(command, torch)
    assert announced > 2 * SLACK
    assert announced / 1.3 - SLACK < taken < 1.3 * announced + SLACK


# Refused ------------------------------------------------------------------------------------------------

ABSURD = [  # words, and the keys that are to blame
    (["train", "dataset.num_train=1000000000000"], "dataset.num_train 1000000000000"),
    (["train", "dataset.num_test=1e11"], "dataset.num_test 100000000000"),
    (["train", "dataset.num_train=2e11", "training.batch_size=1"], "training.batch_size 1"),
    (["train", "model={kind: mlp, hidden: [200000, 200000]}"], "model.hidden [200000, 200000]"),
    (["train", "model={kind: mlp, hidden: [1000000000000]}", "engine=torch"], "model.hidden [1000000000000]"),
    (["train", "dataset.num_train=3e9", "training.batch_size=full", "engine=torch"], "dataset.num_train"),
    (["train", "training.epochs=1e12", "dataset.num_train=1e7", "training.batch_size=1"], "counted"),
    (["data", "dataset.num_train=1e11", "--out", "out"], "dataset.num_train 100000000000"),
    (["sweep", "dataset.num_train=1e11"], "dataset.num_train 100000000000"),
    (["sweep", "--lr", "0.1,0.2", "dataset.num_train=1e11"], "dataset.num_train 100000000000"),
    (["sweep", "--lr", "0.1,0.2", "--seeds", "1000000000000"], "members"),
    (["sweep", "--lr", "0.1,0.2", "training.epochs=1e12"], "logging.every 1"),
    (["sweep", "--lr", "0.1,0.2", "--grid", "training.epochs=1,1000000000000"], "logging.every 1"),
    (["sweep", "--lr", "1e-4:1:10000", "--seeds", "10000000"], "members"),
]
LIMITED = """
import sys, resource
resource.setrlimit(resource.RLIMIT_AS, (6 * 10**9, resource.getrlimit(resource.RLIMIT_AS)[1]))
from lrcli.cli.app import main
sys.argv = ["lrcli", *sys.argv[1:]]
main()
"""


@pytest.mark.parametrize(("words", "blamed"), ABSURD, ids=lambda value: " ".join(value)[:60])
@pytest.mark.parametrize("dry", [False, True])
def test_what_no_machine_has_is_refused(words, blamed, dry, program, tmp_path, monkeypatch):
    if dry and words[0] != "sweep":
        pytest.skip("only a sweep has a dry run")
    monkeypatch.chdir(tmp_path)
    Path("exp.yaml").write_text(json.dumps(LINE | {"training": {}, "logging": {}}))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    _, out, err = program(words[0], "exp.yaml", *words[1:], *(["--dry-run"] if dry else []), code=2)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    assert sys.platform == "darwin" or grown < 100e6
    assert blamed in err
    assert err.startswith("error: ")
    assert len(err.splitlines()) == 1
    assert not out
    assert [path.name for path in tmp_path.iterdir()] == ["exp.yaml"]


@pytest.mark.parametrize(
    "made",
    [
        LINE,
        XOR,
        SINE,
        LOGISTIC,
        SINE | {"model": {"kind": "legendre"}},
        SINE | {"model": {"kind": "sinusoid"}},
    ],
    ids=lambda made: f"{made['model']['kind']} of {made['dataset']['kind']}",
)
def test_every_key_to_change_is_one_of_the_experiment(made):
    experiment = Experiment.model_validate(made)
    needs = memory_for_training(experiment, Sizes(members=1000))
    keys = [key for key in needs if key != "members"]
    assert {key: value_at(resolved(experiment), key) is not None for key in keys} == dict.fromkeys(keys, True)


@pytest.mark.parametrize(
    "words",
    [
        ["train", "dataset.num_train=1e8"],
        ["train", "model={kind: mlp, hidden: [20000, 20000]}"],
        ["data", "dataset.num_train=2e8", "--out", "out"],
        ["sweep", "--lr", "0.1,0.2", "dataset.num_train=1e8"],
    ],
    ids=lambda words: " ".join(words[:2]),
)
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere limits are not kept")
def test_a_limit_on_the_process_counts(words, tmp_path):
    (tmp_path / "exp.yaml").write_text(json.dumps(LINE))
    call = [sys.executable, "-c", LIMITED, words[0], "exp.yaml", *words[1:]]
    done = subprocess.run(call, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 2
    assert "does not fit in memory" in done.stderr
    assert "this machine has 6 GB" in done.stderr


def test_what_fits_is_not_refused(tmp_path, monkeypatch):
    file = tmp_path / "exp.yaml"
    file.write_text(json.dumps(LINE))
    experiment = load(file, ["dataset.num_train=1e6"]).experiment
    needs = memory_for_training(experiment, Sizes())
    monkeypatch.setattr(module, "memory_of_machine", lambda: needs.total() + 10**9)
    refuse_too_much(experiment, needs)
    monkeypatch.setattr(module, "memory_of_machine", lambda: needs.total())
    with pytest.raises(UsageError, match=r"for dataset\.num_train 1000000"):
        refuse_too_much(experiment, needs)
    monkeypatch.setattr(module, "memory_of_machine", lambda: None)
    refuse_too_much(experiment, needs)


def test_memory_that_ends_all_the_same_is_no_traceback(program, tmp_path, monkeypatch):
    """Because something else uses it."""

    def full(*_):
        raise MemoryError

    monkeypatch.chdir(tmp_path)
    Path("exp.yaml").write_text(json.dumps(LINE))
    monkeypatch.setattr("lrcli.training.loop.TrainingLoop._measure", full)
    _, _, err = program("train", "exp.yaml", code=1)
    assert "error: out of memory" in err


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 KB"), (1500, "1.5 KB"), (12_345_678, "12.3 MB"), (10**12, "1 TB"), (10**24, "1,000,000 EB")],
)
def test_sizes_for_people(size, text):
    assert bytes_text(size) == text


@pytest.mark.parametrize(
    "text", ["9" * 400, "inf", "1e3", "1e400GB", "1" + "0" * 29 + "TB", ".", "", "GB", "\u0661GB"]
)
def test_sizes_that_are_none(text):
    with pytest.raises(UsageError, match=r"--memory .*write a size such as 500MB or 2GB"):
        _bytes(text)


@pytest.mark.parametrize(
    ("text", "size"), [("1GB", 10**9), ("1.5 GiB", 3 * 2**29), ("7", 7), (".5k", 500), ("0.001", 1)]
)
def test_sizes_that_are_some(text, size):
    assert _bytes(text) == size


# The machine --------------------------------------------------------------------------------------------


@pytest.fixture
def groups(tmp_path, monkeypatch):
    """Writes control groups: from a path to a limit."""
    monkeypatch.setattr(machine, "_GROUPS", tmp_path)
    monkeypatch.setattr(machine, "_OWN_GROUP", tmp_path / "own")

    def write(own, **limits):
        (tmp_path / "own").write_text(own)
        for path, limit in limits.items():
            file = tmp_path / path.replace("__", "/")
            file = file.with_name({"v2": "memory.max", "v1": "memory.limit_in_bytes"}[file.name])
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"{limit}\n")
        return machine.memory_of_machine()

    return write


def test_the_limits_of_control_groups(groups):
    assert groups("0::/\n", v2=10**6) == 10**6
    assert groups("0::/user/app\n", v2="max", user__v2=4 * 10**5, user__app__v2="max") == 4 * 10**5
    assert groups("4:cpu,memory:/box\n", memory__box__v1=3 * 10**5) == 3 * 10**5
    assert groups("4:cpu,memory:/none\n", memory__v1=2**63 - 4096) > 10**8


def test_a_machine_that_says_nothing(groups, monkeypatch):
    monkeypatch.delattr("os.sysconf")
    monkeypatch.setitem(sys.modules, "resource", None)
    assert groups("nonsense without colons") is None
    assert groups("0::/\n", v2=5) == 5
