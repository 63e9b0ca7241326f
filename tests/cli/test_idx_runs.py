"""Runs on image files as a user starts them: MNIST's file, with scikit-learn's digits in its place."""

import gzip
import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from builders import EXPERIMENTS
from idx_files import write_digits
from PIL import Image

from lrcli.experiment.loading import load
from lrcli.training.problem import build_problem

SMALLER = ["dataset.num_val=300", "dataset.scale=16", "training.epochs=60"]  # 1437 images, of 8 x 8, 0 to 16
OF_DIGITS = [*SMALLER, "expect={test/accuracy: '>= 0.95'}", "seed=1"]
EPOCHS = 30  # of the textbook's loop, which takes its time


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with the experiment, and the digits where it looks for MNIST."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(EXPERIMENTS / "mnist_mlp.yaml", tmp_path)
    write_digits(tmp_path / "mnist")
    return tmp_path


def trained(program, *words, code=0):
    out = program("train", "mnist_mlp.yaml", *OF_DIGITS, *words, "--json", code=code)[1]
    return json.loads(out)


@pytest.mark.parametrize("engine", ["auto", "torch"])
def test_digits_are_learned(program, place, engine):
    result = trained(program, f"engine={engine}", "logging.report=true")
    assert result["environment"]["engine"] == {"auto": "compiled", "torch": "torch"}[engine]
    assert result["metrics"]["test/accuracy"] >= 0.95
    assert result["best"]["metric"] == "val/accuracy"
    assert result["recovery"] == []
    run = Path(result["run_dir"])
    assert sorted(path.name for path in run.glob("figures/*")) == ["loss.png", "loss.svg"]
    with Image.open(run / "figures" / "loss.png") as image:
        assert image.width > image.height > 200
    assert (run / "report.html").stat().st_size < 100_000
    assert sum(path.stat().st_size for path in run.glob("events*")) < 200_000


def test_the_engines_agree(program, place):
    of_both = [
        trained(
            program, f"engine={engine}", "dtype=float64", "training.epochs=3", "logging.figures=false", code=3
        )
        for engine in ("compiled", "torch")
    ]
    one, other = (result["metrics"] for result in of_both)
    assert one == pytest.approx(other, rel=1e-10)


def by_torch(problem, seed):
    """The textbook's loop: its accuracy on the test examples."""
    torch.manual_seed(seed)
    train, test = (
        (torch.tensor(split.inputs[0], dtype=torch.float32), torch.tensor(split.targets[0].argmax(1)))
        for split in (problem.splits["train"], problem.splits["test"])
    )
    layers = [torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 16), torch.nn.ReLU()]
    model = torch.nn.Sequential(*layers, torch.nn.Linear(16, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001)
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(train[0])).split(64):
            loss = torch.nn.functional.cross_entropy(model(train[0][rows]), train[1][rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return float((model(test[0]).argmax(1) == test[1]).double().mean())


def test_as_good_as_the_textbooks_loop(program, place):
    """Over seeds, which differ by a standard deviation of 0.01; one of 360 test examples is 0.003."""
    experiment = load(place / "mnist_mlp.yaml", OF_DIGITS).experiment
    problem = build_problem(experiment.dataset, experiment.model, experiment.loss, [0])
    textbook = [by_torch(problem, seed) for seed in range(3)]
    bare = (f"training.epochs={EPOCHS}", "logging.figures=false", "logging.tensorboard=false", "expect={}")
    mine = [trained(program, *bare, f"seed={seed}")["metrics"]["test/accuracy"] for seed in range(3)]
    assert abs(np.mean(mine) - np.mean(textbook)) < 0.03


def test_a_sweep_over_seeds_puts_the_same_aside(program, place):
    words = [*SMALLER, "expect={}", "logging.figures=false", "logging.tensorboard=false", "training.epochs=2"]
    program("sweep", "mnist_mlp.yaml", *words, "--lr", "0.001,0.003", "--seeds", "3", "-q")
    rows = Path("runs/mnist_mlp/sweep-0001/results.csv").read_text().splitlines()
    assert len(rows) == 7
    experiment = load(place / "mnist_mlp.yaml", OF_DIGITS).experiment
    problem = build_problem(experiment.dataset, experiment.model, experiment.loss, [0, 1])
    np.testing.assert_array_equal(*problem.splits["val"].inputs)


def test_the_data_as_tables(program, place):
    program("data", "mnist_mlp.yaml", *OF_DIGITS, "--out", "tables")
    table = np.loadtxt("tables/test.csv", delimiter=",", skiprows=1)
    assert table.shape == (360, 65)
    truth = json.loads(Path("tables/truth.json").read_text())
    assert truth["parameters"] is None
    assert truth["dataset"]["images"] == str(place / "mnist" / "train-images-idx3-ubyte.gz")


def test_a_run_whose_files_have_gone_away(program, place):
    run = trained(program, "training.epochs=1", "logging.figures=false", code=3)["run_dir"]
    shutil.move("mnist", "elsewhere")
    missing = place / "mnist" / "t10k-labels-idx1-ubyte.gz"
    for words in (["figure", run, "--out", "a.png"], ["report", run], ["train", f"{run}/experiment.yaml"]):
        out, err = program(*words, code=2)[1:]
        assert f"dataset.test_labels: there is no file {missing}" in err
        assert err.count("there is no file") == 4
        assert not out
    assert not Path("a.png").exists()
    shutil.move("elsewhere", "mnist")
    program("figure", run, "--out", "a.png")
    out = program("train", f"{run}/experiment.yaml", "--json", "logging.tensorboard=false", code=3)[1]
    assert (
        Path(json.loads(out)["run_dir"], "metrics.csv").read_bytes() == Path(run, "metrics.csv").read_bytes()
    )


def test_files_that_are_not_there_are_named_before_anything_is_written(program, place):
    shutil.rmtree("mnist")
    before = sorted(place.rglob("*"))
    for command in ("check", "train", "sweep", "show"):
        out, err = program(command, "mnist_mlp.yaml", code=2)[1:]
        assert not out
        lines = Path("mnist_mlp.yaml").read_text(encoding="utf-8").splitlines()
        for name in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3"):
            line = next(i for i, text in enumerate(lines, 1) if name in text and not text.startswith("#"))
            assert f"error: mnist_mlp.yaml:{line}:" in err or f"\nmnist_mlp.yaml:{line}:" in err
            assert f"{place / 'mnist' / name}-ubyte.gz: " in err
    assert sorted(place.rglob("*")) == before


def test_the_others_are_trained(program, place):
    """Of several files that whose data are missing is named, and the exit code tells of it."""
    shutil.rmtree("mnist")
    shutil.copy(EXPERIMENTS / "linear.yaml", place)
    out, err = program("train", "linear.yaml", "mnist_mlp.yaml", "logging.figures=false", code=2)[1:]
    assert "linear: completed" in out
    assert "train-images-idx3-ubyte" in err
    assert "2 files: 1 did well, 1 wrong" in out


def test_a_first_file(program, place):
    Path("mnist").rename("there")
    out = program("init", "first", "--dataset", "idx")[1]
    assert out == "first.yaml: written; say in it where your data are, then lrcli check first.yaml\n"
    program("check", "first.yaml", code=2)
    Path("there").rename("mnist")
    said = Path("first.yaml").read_text()
    Path("first.yaml").write_text(said.replace("num_val: 5000", "num_val: 300 "))
    assert program("check", "first.yaml")[1].startswith("first.yaml: idx data (1,137 examples), mlp model")


def test_softmax_regression_is_not_held_up(program, place):
    """Its 650 best possible parameters would take Newton's method ten seconds, and MNIST's 7850 hours."""
    result = trained(program, "model={kind: linear}", "training.epochs=2", "logging.figures=false", code=3)
    assert result["recovery"] == []
    assert result["reference"]["text"].startswith("What minimises the training loss is not searched for")
    assert result["timing"]["total_seconds"] - result["timing"]["train_seconds"] < 5
    err = program("train", "mnist_mlp.yaml", "training.best.metric=recovery/error_norm", *SMALLER, code=2)[2]
    assert "recovery/error_norm" in err


def test_a_run_says_which_files_it_was_trained_on_and_refuses_others(program, place):
    result = trained(program, "training.epochs=1", code=3)
    files = sorted((place / "mnist").iterdir())
    digests = {each["file"]: each["sha256"] for each in result["data"]}
    assert digests == {str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
    labels = next(file for file in files if file.name.startswith("train-labels"))
    content = bytearray(gzip.decompress(labels.read_bytes()))
    content[-1] = (content[-1] + 1) % 10
    labels.write_bytes(gzip.compress(bytes(content)))
    error = program("report", result["run_dir"], code=2)[2]
    assert f"{labels} has changed since this run was trained on it" in error
