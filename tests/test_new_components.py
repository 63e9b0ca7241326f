"""What README says that a new component takes is all that it takes: nothing else has a row for it.

It is added to a copy of lrcli, or offered by an installed package.
"""

import json
import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import yaml
from additions import grown, installed
from jsonschema import Draft7Validator

PROGRAM = """
import contextlib, io, json, os, sys, traceback
from lrcli.cli import main

for line in sys.stdin:
    words, environment = json.loads(line)
    sys.argv = ["lrcli", *words]
    os.environ.update(environment)
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main()
        except SystemExit as ended:
            code = ended.code or 0
        except Exception:
            code = traceback.format_exc()
    for name in environment:
        del os.environ[name]
    print(json.dumps([code, out.getvalue(), err.getvalue()]), flush=True)
"""

NEW = {
    "name": "new",
    "seed": 3,
    "dtype": "float64",
    "dataset": {"kind": "decay", "rate": 1.5, "num_train": 40, "num_val": 20},
    "model": {"kind": "linear"},
    "loss": {"kind": "log_cosh"},
    "optimizer": {"kind": "adagrad", "lr": 0.1, "initial": 0.5},
    "training": {"epochs": 30, "batch_size": "full"},
    "logging": {"figures": False, "tensorboard": False},
}
KINDS = {"loss": "log_cosh", "optimizer": "adagrad", "dataset": "decay", "model": "exponential"}


@pytest.fixture(scope="module", params=[grown, installed], ids=lambda make: make.__name__)
def lrcli(request, tmp_path_factory):
    """The program that has the additions, in a directory of its own: from words to an answer."""
    folder, here = tmp_path_factory.mktemp("package"), tmp_path_factory.mktemp("here")
    request.param(folder)
    (here / "new.yaml").write_text(yaml.safe_dump(NEW), encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(folder), "COLUMNS": "120", "NO_COLOR": "1"},
        cwd=here,
        text=True,
    )

    def run(words, code=0, **environment):
        """Standard output, or where the code is not 0 what is said instead."""
        process.stdin.write(json.dumps([words.split(), environment]) + "\n")
        process.stdin.flush()
        ended, out, err = json.loads(process.stdout.readline())
        assert ended == code, f"{words}: {ended}\n{err}"
        return err if code else out

    run.here = here
    with process:
        yield run
        process.stdin.close()


def test_they_are_listed_and_described(lrcli):
    for group, kind in KINDS.items():
        assert kind in lrcli(f"list {group}")
        description = lrcli(f"describe {group}.{kind}")
        assert f"kind: {kind}" in description
        assert "source" in description.lower()


@pytest.mark.parametrize("group", KINDS)
def test_the_file_that_describes_one_is_sound_and_trains(lrcli, group):
    description = lrcli(f"describe {group}.{KINDS[group]}")
    example = textwrap.dedent(description[description.index("    dataset:") :])
    (lrcli.here / f"{group}.yaml").write_text(example, encoding="utf-8")
    lrcli(f"check {group}.yaml")
    lrcli(f"train {group}.yaml training.epochs=2 engine=torch logging.figures=false --quiet")


def test_a_first_file_trains(lrcli):
    lrcli("init first --dataset decay")
    for words in (
        "check first.yaml",
        "show first.yaml",
        "train first.yaml engine=torch logging.figures=false --quiet",
    ):
        lrcli(words)
    text = (lrcli.here / "first.yaml").read_text(encoding="utf-8")
    assert "rate: 1.5" in text
    schema = json.loads((lrcli.here / "lrcli.schema.json").read_text(encoding="utf-8"))
    assert Draft7Validator(schema).is_valid(yaml.safe_load(text))


def test_the_schema_knows_their_keys(lrcli):
    check = Draft7Validator(json.loads(lrcli("schema")))
    assert check.is_valid(NEW)
    for group in ("dataset", "loss", "optimizer"):
        assert not check.is_valid(NEW | {group: NEW[group] | {"strange": 1}})
    assert not check.is_valid(NEW | {"optimizer": NEW["optimizer"] | {"initial": -1}})


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        *((["train", "new.yaml", f"{group}.kind", "=", ""], kind) for group, kind in KINDS.items()),
        (["train", "new.yaml", "optimizer.in"], "optimizer.initial="),
        (["init", "x", "--dataset", "d"], "decay"),
        (["describe", "optimizer.adag"], "optimizer.adagrad"),
    ],
    ids=str,
)
def test_they_are_completed(lrcli, words, offered):
    asked = {"_LRCLI_COMPLETE": "complete_bash", "COMP_WORDS": "\n".join(["lrcli", *words])}
    assert offered in lrcli("", **asked, COMP_CWORD=str(len(words))).split()


def adagrad_by_hand(x, y, theta):
    """30 steps on the mean of log(cosh(error)), all examples in each."""
    x = np.stack([x, np.ones_like(x)], axis=1)
    square = np.full(2, 0.5)
    for _ in range(30):
        gradient = np.tanh(x @ theta - y) @ x / len(y)
        square += gradient**2
        theta = theta - 0.1 * gradient / (np.sqrt(square) + 1e-10)
    return theta, np.mean(np.log(np.cosh(x @ theta - y)))


def test_they_train_as_their_formulas_say(lrcli):
    lrcli("data new.yaml --out data")
    result = json.loads(lrcli("train new.yaml --json --quiet"))
    x, y = np.loadtxt(lrcli.here / "data" / "train.csv", delimiter=",", skiprows=1).T
    start = json.loads((lrcli.here / "data" / "truth.json").read_text(encoding="utf-8"))["initial"]
    theta, loss = adagrad_by_hand(x, y, np.array([start["w"][0][0], start["b"][0]]))
    learned = result["parameters"]
    np.testing.assert_allclose([learned["w"][0][0], learned["b"][0]], theta, rtol=1e-12)
    np.testing.assert_allclose(result["metrics"]["train/loss"], loss, rtol=1e-12)
    assert result["environment"]["engine"] == "torch"
    assert "log_cosh" in result["environment"]["engine_chosen"]


def test_a_rule_is_recovered_by_its_model(lrcli):
    words = "model.kind=exponential dataset.noise=0 optimizer.lr=0.5 training.epochs=1000"
    rows = json.loads(lrcli(f"train new.yaml {words} logging.every=500 --json --quiet"))["recovery"]
    assert {row["name"]: row["true"] for row in rows} == {"height": 2.0, "rate": 1.5}
    assert all(abs(row["error"]) < 1e-6 for row in rows)


@pytest.mark.parametrize("group", ["model", "loss", "optimizer"])
def test_the_compiled_engine_refuses_what_it_has_no_form_of(lrcli, group):
    old = {"model": "linear", "loss": "mse", "optimizer": "sgd"}
    words = " ".join(f"{name}.kind={(KINDS if name == group else old)[name]}" for name in old)
    said = lrcli(f"train new.yaml {words} engine=compiled", code=2)
    assert "engine: compiled cannot take this experiment" in said
    assert KINDS[group] in said


def test_the_compiled_engine_takes_a_new_dataset(lrcli):
    """There is nothing of it in any engine."""
    known = {"engine": "compiled", "loss": {"kind": "mse"}, "optimizer": {"kind": "sgd"}}
    (lrcli.here / "known.yaml").write_text(yaml.safe_dump(NEW | known), encoding="utf-8")
    assert "compiled engine" in lrcli("check known.yaml")
    assert "torch engine" in lrcli("check new.yaml")


SWEEP = {
    "grid": {
        "optimizer.lr": {"values": [0.1, 0.2]},
        "optimizer.initial": {"values": [0.5, 0.1]},
        "dataset.rate": {"values": [1.5, 0.5]},
    },
    "seeds": [3, 4],
}


def test_they_sweep(lrcli):
    """Keys that are no numbers of the optimizer's, too, each value as a file says it by itself."""
    (lrcli.here / "sweep.yaml").write_text(yaml.safe_dump(NEW | {"sweep": SWEEP}), encoding="utf-8")
    assert "16 members" in lrcli("sweep sweep.yaml --dry-run")
    result = json.loads(lrcli("sweep sweep.yaml --json --quiet --run-dir swept"))
    assert len(result["configurations"]) == 8
    curves = np.load(lrcli.here / "swept" / "curves.npz")["train/loss"]
    for member, words in (
        (0, ""),
        (2, "optimizer.initial=0.1"),
        (13, "dataset.rate=0.5 optimizer.lr=0.2 seed=4"),
    ):
        alone = json.loads(lrcli(f"train new.yaml {words} --json --quiet"))
        assert curves[member, -1] == pytest.approx(alone["metrics"]["train/loss"], rel=1e-10), member


def test_optimizers_are_compared_at_rates_of_their_own(lrcli):
    """An adaptive one is tried up to long steps, whatever rate it has."""
    words = "sweep new.yaml optimizer.lr=0.001 --seeds 2 --json --quiet --grid optimizer.kind=adagrad,sgd"
    rates = {kind: [] for kind in ("adagrad", "sgd")}
    for each in json.loads(lrcli(words))["configurations"]:
        rates[each["values"]["optimizer.kind"]].append(each["values"]["optimizer.lr"])
    assert {kind: (min(tried), max(tried)) for kind, tried in rates.items()} == {
        "adagrad": (1e-5, 1.0),
        "sgd": (1e-5, 0.1),
    }
