"""What a beginner types, and what lrcli says to it: word for word, as a person reads it."""

import itertools
import shutil
from pathlib import Path

import pytest
from builders import MADE
from damaging import edited

from lrcli.components.registry import GROUPS

DATASETS = ", ".join(GROUPS["dataset"])
EXPERIMENTS = Path(__file__).parents[2] / "experiments"
BLOCKS = "dataset: {kind: linear, w: [1], b: 1}\nmodel: {kind: linear}\nloss: {kind: mse}\n"
GOOD = BLOCKS + "optimizer: {kind: sgd, lr: 0.1}\n"


@pytest.fixture
def says(program, tmp_path, monkeypatch):
    """The message of a command line that is refused, from which nothing is written."""
    monkeypatch.chdir(tmp_path)
    Path("experiments").mkdir()
    shutil.copy(EXPERIMENTS / "linear.yaml", "experiments")
    shutil.copy(EXPERIMENTS / "xor_mlp.yaml", tmp_path)
    Path("good.yaml").write_text(GOOD)
    before = sorted(tmp_path.rglob("*"))

    def says(*words):
        code, out, err = program(*words, code=None)
        assert (code, out) == (2, "")
        assert sorted(tmp_path.rglob("*")) == before
        return err.removesuffix("\n")

    return says


LINES = {
    "lr=0.1": (
        "show good.yaml lr=0.1",
        "error: override: lr: unknown key; did you mean optimizer.lr=0.1?\n   | lr=0.1\n   | ^",
    ),
    "epochs=10": (
        "show good.yaml epochs=10",
        "error: override: epochs: unknown key; did you mean training.epochs=10?\n   | epochs=10\n   | ^",
    ),
    "a key in another block": (
        "show good.yaml optimizer.epochs=10",
        "error: override: optimizer.epochs: unknown key; did you mean training.epochs=10?\n"
        "   | optimizer.epochs=10\n   | ^",
    ),
    "a key of several blocks": (
        "show good.yaml patience=3",
        "error: override: patience: unknown key; did you mean training.early_stopping.patience=3?\n"
        "   | patience=3\n   | ^",
    ),
    "--lr": ("train good.yaml --lr 0.1", "error: No such option: --lr; write optimizer.lr=0.1"),
    "--epochs": ("show good.yaml --epochs=3", "error: No such option: --epochs; write training.epochs=3"),
    "--batch-size": (
        "train good.yaml --batch-size 8",
        "error: No such option: --batch-size; write training.batch_size=8",
    ),
    "an option at the end": ("train good.yaml --lr", "error: No such option: --lr; write optimizer.lr=VALUE"),
    "an option that is no key": (
        "check good.yaml --fast",
        "error: No such option: --fast; see lrcli check --help",
    ),
    "optimizer=adam": (
        "show good.yaml optimizer=adam",
        "error: override: optimizer: must be a mapping, not the text 'adam'; write optimizer.kind=adam\n"
        "   | optimizer=adam\n   |           ^",
    ),
    "schedule=cosine": (
        "show good.yaml schedule=cosine",
        "error: override: schedule: unknown key; did you mean optimizer.schedule.kind=cosine?\n"
        "   | schedule=cosine\n   | ^",
    ),
    "train linear": (
        "train linear",
        "error: linear: there is no such file; did you mean experiments/linear.yaml?",
    ),
    "train good": ("train good", "error: good: there is no such file; did you mean good.yaml?"),
    "train god.yaml": ("train god.yaml", "error: god.yaml: there is no such file; did you mean good.yaml?"),
    "two words": (
        "train good.yaml optimizer.lr 0.1",
        "error: optimizer.lr: there is no such file; to set this key write optimizer.lr=0.1",
    ),
    "two words to show": (
        "show good.yaml optimizer.lr 0.1",
        "error: optimizer.lr: is no override; write KEY=VALUE, such as optimizer.lr=0.01",
    ),
    "cut by the shell": (
        "train xor_mlp.yaml model.hidden=[8, 8]",
        "error: override: model.hidden: a bracket is open; if the shell has cut it at a space, put quotes "
        "around all of it: 'model.hidden=[8, ...'\n"
        "   | model.hidden=[8,\n   |              ^",
    ),
    "decimals": (
        "show good.yaml optimizer.lr=1,5",
        "error: override: optimizer.lr: must be a number, not the text '1,5'; decimals take a point: 1.5\n"
        "   | optimizer.lr=1,5\n   |              ^",
    ),
    "thousands": (
        "show good.yaml training.epochs=1,000",
        "error: override: training.epochs: must be a whole number, not the text '1,000'; numbers have no "
        "commas: 1000\n   | training.epochs=1,000\n   |                 ^",
    ),
    "a linear grid": (
        "sweep good.yaml --grid optimizer.momentum=0:0.9:4",
        "error: override: sweep.grid.optimizer.momentum: log_range needs lo > 0, not 0, as its steps are "
        "geometric; equal steps are written {range: [0, 0.9, 4]}\n"
        "   | --grid optimizer.momentum=0:0.9:4\n   | ^",
    ),
    "exponents": (
        "sweep good.yaml --lr=-4:-1:4",
        "error: override: sweep.grid.optimizer.lr: log_range needs lo > 0, not -4, as its steps are "
        "geometric; its ends are values, not exponents\n   | --lr -4:-1:4\n   | ^",
    ),
    "a kind": (
        "show good.yaml dataset.kind=excel",
        f"error: override: dataset.kind: unknown kind excel; one of {DATASETS} (lrcli list dataset tells "
        "what they are)\n   | dataset.kind=excel\n   |              ^",
    ),
    "init": (
        "init new --dataset excel",
        f"error: unknown dataset excel; one of {DATASETS}",
    ),
    "init a long name": (f"init {'x' * 300}", f"error: {'x' * 300}.yaml: is too long a name for a file"),
    "init below a file": ("init good.yaml/new", "error: good.yaml/new.yaml: good.yaml is no directory"),
    "a long override": (
        f"show good.yaml description={'x' * 310} seed=a",
        "error: override: seed: must be a whole number, not the text 'a'\n   | seed=a\n   |      ^",
    ),
    "a long override to train": (
        f"train good.yaml description={'x' * 310} seed=a",
        "error: override: seed: must be a whole number, not the text 'a'\n   | seed=a\n   |      ^",
    ),
    "no file at all": ("train seed=1", "error: no experiment file; write lrcli train FILE [KEY=VALUE]..."),
    "init without a kind": ("init new --dataset=", f"error: unknown dataset ; one of {DATASETS}"),
    "describe adem": (
        "describe adem",
        "error: nothing is called adem; did you mean adam?; lrcli list shows the components, and there are "
        "also training, training.early_stopping, training.best, logging, sweep, sweep.grid, sweep.select, "
        "experiment, name, description, seed, device, engine, dtype, expect",
    ),
    "replay": (
        "replay experiments bset",
        "error: bset: is no member; write its number in results.csv, or best",
    ),
}


@pytest.mark.parametrize(("line", "message"), LINES.values(), ids=LINES)
def test_a_command_line(says, line, message):
    assert says(*line.split(" ")) == message


FILES = {
    "a tab": (
        "dataset:\n\tkind: linear\n",
        "exp.yaml:2:1: is not valid YAML: there is a tab, and YAML indents with spaces\n"
        "  2 |  kind: linear\n    | ^",
    ),
    "a tab after a space": (
        "dataset:\n  kind: linear\n \tw: [1]\n",
        "exp.yaml:3:2: is not valid YAML: there is a tab, and YAML indents with spaces\n"
        "  3 |   w: [1]\n    |  ^",
    ),
    "a comparison without quotes": (
        GOOD + "expect:\n  val/loss: >= 0.1\n",
        "exp.yaml:6:14: is not valid YAML: a value with > needs quotes, "
        '">= 0.1"\n  6 |   val/loss: >= 0.1\n    |              ^',
    ),
    "a comparison with a space": (
        GOOD + "expect:\n  val/loss: > 0.1\n",
        "exp.yaml:6:15: is not valid YAML: a value with > needs quotes, "
        '"> 0.1"\n  6 |   val/loss: > 0.1\n    |               ^',
    ),
    "a decimal comma": (
        BLOCKS + "optimizer: {kind: sgd, lr: 1,5}\n",
        "exp.yaml:4:30: optimizer.5: unknown key; decimals take a point: lr: 1.5\n"
        "  4 | optimizer: {kind: sgd, lr: 1,5}\n    |                              ^",
    ),
    "a decimal comma in a line": (
        BLOCKS + "optimizer:\n  kind: sgd\n  lr: 0,03\n",
        "exp.yaml:6:7: optimizer.lr: must be a number, not the text '0,03'; decimals take a point: 0.03\n"
        "  6 |   lr: 0,03\n    |       ^",
    ),
    "a kind alone": (
        BLOCKS + "optimizer: adam\n",
        "exp.yaml:4:12: optimizer: must be a mapping, not the text 'adam'; write {kind: adam}\n"
        "  4 | optimizer: adam\n    |            ^",
    ),
    "a dotted key": (
        GOOD + "training.epochs: 3\n",
        "exp.yaml:5:1: training.epochs: unknown key; in a file it is written training: {epochs: ...}\n"
        "  5 | training.epochs: 3\n    | ^",
    ),
    "a key of a block": (
        GOOD + "epochs: 3\n",
        "exp.yaml:5:1: epochs: unknown key; did you mean training.epochs?\n  5 | epochs: 3\n    | ^",
    ),
}


@pytest.mark.parametrize(("content", "message"), FILES.values(), ids=FILES)
def test_a_file(program, tmp_path, monkeypatch, content, message):
    monkeypatch.chdir(tmp_path)
    Path("exp.yaml").write_text(content)
    assert program("check", "exp.yaml", code=2)[1:] == ("", f"error: {message}\n")


@pytest.mark.parametrize(
    ("name", "titles"),
    [
        ("sgd", ["optimizer.sgd"]),
        ("linear", ["dataset.linear", "model.linear"]),
        ("training", ["training"]),
        ("early_stopping", ["training.early_stopping"]),
        ("best", ["training.best"]),
        ("training.best", ["training.best"]),
        ("logging", ["logging"]),
        ("sweep", ["sweep"]),
        ("grid", ["sweep.grid"]),
        ("select", ["sweep.select"]),
        ("expect", ["expect"]),
        ("seed", ["seed"]),
        ("name", ["name"]),
        ("experiment", ["experiment"]),
        ("loss.mse", ["loss.mse"]),
    ],
)
def test_what_can_be_described(program, name, titles):
    lines = program("describe", name)[1].splitlines()
    found = [line for blank, line in itertools.pairwise(lines) if line in titles and not blank]
    assert [lines[0], *found] == titles


def test_init_takes_every_dataset(program, tmp_path, monkeypatch):
    from lrcli.components.datasets import Dataset
    from lrcli.components.registry import GROUPS

    monkeypatch.chdir(tmp_path)
    for kind in MADE:
        config = GROUPS["dataset"][kind]
        monkeypatch.setattr(config, "starter", Dataset.starter)  # as of one that says nothing of its own
        program("init", kind, "--dataset", kind)
        program("check", f"{kind}.yaml")


@pytest.mark.parametrize("member", ["0", "best"])
def test_a_member_by_its_number_or_as_the_best(program, tmp_path, monkeypatch, member):
    monkeypatch.chdir(tmp_path)
    shutil.copy(EXPERIMENTS / "linear.yaml", tmp_path)
    grid = ["--lr", "0.01,0.1", "--grid", "optimizer.momentum=0,0.5", "--seeds", "3"]
    program("sweep", "linear.yaml", *grid, "-q", "logging.figures=false")
    rows = [line.split(",") for line in Path("runs/linear/sweep-0001/results.csv").read_text().splitlines()]
    head, *rows = rows
    metric, rate, momentum = (head.index(key) for key in ("val/loss", "optimizer.lr", "optimizer.momentum"))
    of = {}
    for row in rows:
        of.setdefault((row[rate], row[momentum]), []).append((float(row[metric]), int(row[0])))
    best = min(of.values(), key=lambda scores: sorted(scores)[1])  # by the median of three
    expected = min(best)[1] if member == "best" else 0
    err = program("replay", "runs/linear/sweep-0001", member)[2]
    assert err.startswith(f"note: member {expected}: ")


def test_a_sweep_that_has_no_best(program, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(EXPERIMENTS / "linear.yaml", tmp_path)
    program("sweep", "linear.yaml", "--lr", "0.01,0.1", "-q", "logging.figures=false")
    result = Path("runs/linear/sweep-0001/result.json")
    whole = result.read_text()
    edited(result.parent, best=None)
    message = "has no best member before all have ended; go on with lrcli resume\n"
    assert program("replay", "runs/linear/sweep-0001", "best", code=2)[2].endswith(message)
    result.write_text(whole)
    result.with_name("results.csv").unlink()
    assert program("replay", "runs/linear/sweep-0001", "best", code=2)[2].endswith(
        "put it back, or have it made again by lrcli resume runs/linear/sweep-0001\n"
    )
    assert program("replay", "none", "best", code=2)[2] == "error: none: is no run\n  runs holds linear\n"
