"""A run trained from the experiment.yaml of an earlier one: the same bits, or what differs."""

import json
import os

import numpy as np
import pytest
from made_results import rewrite

from lrcli.engines.compiled.machine_code import compiler_missing
from lrcli.running.repeating import _same, earlier_run
from lrcli.storage.result_fields import SourceFiles

ENGINES = ["torch", *([] if compiler_missing() else ["compiled"])]
EXPERIMENT = """\
dataset: {kind: xor, num_train: 20, num_val: 8}
model: {kind: mlp, hidden: [3], input_noise: 0.1}
loss: {kind: bce}
optimizer: {kind: adam, lr: 0.05, schedule: {kind: exponential, gamma: 0.9}}
training: {epochs: 4, batch_size: 6}
logging: {figures: false, tensorboard: false}
"""
FIRST, SECOND = "runs/small/train-0001", "runs/small/train-0002"


@pytest.fixture
def place(request, tmp_path, lrcli_in):
    """A directory with a run, by the quickest engine or by one that is asked for."""
    (tmp_path / "small.yaml").write_text(EXPERIMENT)
    lrcli_in(tmp_path, "train", "small.yaml", f"engine={getattr(request, 'param', 'auto')}", "--quiet")
    return tmp_path


@pytest.fixture
def again(place, lrcli_in):
    """Trains the run's own file, whole or with words: what was written, and its result."""

    def train(*words, code=0):
        done = lrcli_in(place, "train", f"{FIRST}/experiment.yaml", *words, code=code)
        return done, json.loads((place / SECOND / "result.json").read_text())

    return train


def change(path, **changes):
    """Change an earlier run's result."""
    result = json.loads(path.read_text())
    rewrite(path, **{key: result[key] | new for key, new in changes.items()})


@pytest.mark.parametrize("place", ENGINES, indirect=True)
def test_on_the_same_machine_a_run_is_repeated_to_the_bit(place, again):
    done, result = again()
    assert f"repeats {FIRST} to the bit" in done.stdout
    assert "differs" not in done.stdout + done.stderr
    assert result["repetition"] == {"run_dir": FIRST, "same": True, "epoch": None}
    one, other = place / FIRST, place / SECOND
    for name in ("metrics.csv", "experiment.yaml"):
        assert (one / name).read_bytes() == (other / name).read_bytes()
    for file in ((one / "checkpoint" / f"{name}.npz") for name in ("last", "best", "path", "optimizer")):
        there, here = np.load(file), np.load(other / "checkpoint" / file.name)
        assert {name: there[name].tobytes() for name in there} == {
            name: here[name].tobytes() for name in here
        }


@pytest.mark.parametrize("place", ENGINES, indirect=True)
def test_on_another_machine_it_is_told_what_differs(place, again):
    facts = {"numpy": "1.0", "processor": "Z80\x1b[2J", "threads": 77, "cores": 99}
    change(place / FIRST / "result.json", environment=facts)
    done, _ = again()
    (note,) = (line for line in done.stderr.splitlines() if line.startswith("note: differs from the run"))
    assert f"numpy 1.0 there, {np.__version__} here" in note
    assert "processor Z80\\x1b[2J there" in note
    assert ("threads 77 there" in note) == (
        "engine: torch" in (place / SECOND / "experiment.yaml").read_text()
    )
    assert "cores" not in note


def test_numbers_that_differ_are_told_from_where_on(place, again):
    metrics = place / FIRST / "metrics.csv"
    header, *records = metrics.read_text().splitlines()
    *before, last = records[2].split(",")
    last = repr(float(np.nextafter(float(last), np.inf)))
    metrics.write_text("\n".join([header, *records[:2], ",".join([*before, last]), *records[3:], ""]))
    rewrite(place / FIRST / "result.json", files={})
    done, result = again()
    assert f"differs from {FIRST} from epoch 2 on" in done.stdout
    assert result["repetition"] == {"run_dir": FIRST, "same": False, "epoch": 2}


def test_parameters_alone_may_differ(place, again):
    found = json.loads((place / FIRST / "result.json").read_text())["parameters"]
    first = next(iter(found))
    changed = (np.array(found[first]) * (1 + 1e-15)).tolist()
    change(place / FIRST / "result.json", parameters={first: changed})
    done, _ = again()
    assert f"differs from {FIRST} in its parameters" in done.stdout


def test_records_that_one_lacks_differ(place, again):
    metrics = place / FIRST / "metrics.csv"
    metrics.write_text("".join(metrics.read_text().splitlines(keepends=True)[:-1]))
    rewrite(place / FIRST / "result.json", files={})
    done, _ = again()
    assert f"differs from {FIRST} from epoch 4 on" in done.stdout


def test_what_is_changed_repeats_nothing(again):
    done, result = again("optimizer.lr=0.1")
    assert result["repetition"] is None
    assert "repeats" not in done.stdout


@pytest.mark.parametrize("damage", ["metrics.csv", "result.json"])
def test_an_earlier_run_that_cannot_be_read_is_none(place, again, damage):
    (place / FIRST / damage).write_text('{"command": "train"}')
    done, result = again()
    assert result["repetition"] is None
    assert result["status"] == "completed"
    assert "repeats" not in done.stdout


def test_a_run_that_did_not_end_is_not_compared(place, again):
    path = place / FIRST / "result.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"status": "interrupted"}))
    assert again()[1]["repetition"] is None


def test_a_run_that_goes_on_repeats_nothing(place):
    file = str(place / FIRST / "experiment.yaml")
    assert earlier_run(SourceFiles(file, ""), place / SECOND).directory == place / FIRST
    assert earlier_run(SourceFiles(file, ""), place / FIRST) is None
    assert earlier_run(SourceFiles(file, "", overrides=("seed=1",)), place / SECOND) is None
    assert earlier_run(SourceFiles(str(place / "small.yaml"), ""), place / SECOND) is None
    assert earlier_run(None, place / SECOND) is None


def test_data_that_have_changed_are_told(tmp_path, lrcli_in):
    (tmp_path / "points.csv").write_text("x,y\n" + "".join(f"{i},{2 * i + i % 3}\n" for i in range(40)))
    (tmp_path / "table.yaml").write_text(
        "dataset: {kind: csv, path: points.csv, target: y, standardize: true}\nmodel: {kind: linear}\n"
        "loss: {kind: mse}\noptimizer: {kind: sgd, lr: 0.1}\ntraining: {epochs: 2}\n"
        "logging: {figures: false, tensorboard: false}\n"
    )
    lrcli_in(tmp_path, "train", "table.yaml", "--quiet")
    with (tmp_path / "points.csv").open("a") as file:
        file.write("40,90\n")
    done = lrcli_in(tmp_path, "train", "runs/table/train-0001/experiment.yaml")
    assert f"{os.sep}points.csv has changed" in done.stderr
    assert "differs from runs/table/train-0001 from epoch 0 on" in done.stdout


def test_zero_and_minus_zero_are_not_the_same_bits():
    one, other = np.array([0.0, -0.0, np.nan, 1.0]), np.array([-0.0, -0.0, -np.nan, 1.0])
    assert _same(one, other).tolist() == [False, True, True, True]
