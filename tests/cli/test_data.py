"""`lrcli data`: what it writes is what training uses, and enough to repeat the training elsewhere."""

import csv
import json
import math
import subprocess
import sys

import numpy as np
import pytest

from lrcli.experiment.loading import load
from lrcli.running.data_export import _csv
from lrcli.training.problem import Split, build_problem

LINEAR = """\
dataset: {kind: linear, w: [2.0, -3.4, 0.5], b: 4.2, noise: 0.01, num_train: 60, num_val: 20, num_test: 7}
model: {kind: linear, init: {kind: values, values: {w: [[0.3], [-0.2], [0.1]], b: [0.7]}}}
loss: {kind: half_mse}
optimizer: {kind: sgd, lr: 0.05}
training: {epochs: 200, batch_size: full}
logging: {every: 200, figures: false, tensorboard: false}
dtype: float64
"""
SINE = """\
dataset: {kind: sine, amplitude: 1.5, phase: 0.2, low: -1.5, high: 2, noise: 0.1, num_train: 50, num_val: 9}
model: {kind: polynomial, degree: 3, init: {kind: values, values: {coef: [0.1, -0.2, 0.3, 0.05]}}}
loss: {kind: half_mse}
optimizer: {kind: sgd, lr: 0.02}
training: {epochs: 200, batch_size: full}
logging: {every: 200, figures: false, tensorboard: false}
dtype: float64
"""
XOR = """\
dataset: {kind: xor, label_noise: 0.2, num_train: 50, num_val: 9, num_test: 3}
model: {kind: linear, init: {kind: values, values: {w: [[0.4], [-0.3]], b: [0.2]}}}
loss: {kind: bce}
optimizer: {kind: sgd, lr: 0.5}
training: {epochs: 200, batch_size: full}
logging: {every: 200, figures: false, tensorboard: false}
dtype: float64
"""
MLP = "model={kind: mlp, hidden: [3]}"


@pytest.fixture
def lrcli(tmp_path, monkeypatch, program):
    """Runs the program in a directory of the test's own: what it wrote to standard output and error."""
    monkeypatch.chdir(tmp_path)
    return lambda *words, code=0: program(*words, code=code)[1:]


@pytest.fixture
def data(lrcli, tmp_path):
    """Writes the data of a text, and gives what is in the files: rows of numbers, and the truth."""

    def write(text, *overrides):
        (tmp_path / "exp.yaml").write_text(text)
        lrcli("data", "exp.yaml", *overrides, "--out", "out")
        tables = {path.stem: table(path) for path in (tmp_path / "out").glob("*.csv")}
        return tables, json.loads((tmp_path / "out" / "truth.json").read_text())

    return write


def table(path):
    """The header and the numbers, (N, D + 1), of a file of comma-separated values."""
    with path.open(newline="") as file:
        header, *rows = csv.reader(file)
    return header, np.array([[float(word) for word in row] for row in rows])


def bits(array):
    return np.ascontiguousarray(array, dtype=np.float64).view(np.uint64).tolist()


@pytest.mark.parametrize("seed", [0, 5])
@pytest.mark.parametrize(
    ("text", "words", "names"),
    [
        (LINEAR, [], ["train", "val", "test"]),
        (LINEAR, ["dataset.outliers={3: 50, 0: -1e-300, 59: -0.0}"], ["train", "val", "test"]),
        (LINEAR, ["dataset.num_val=0"], ["train", "test"]),
        (LINEAR, ["dataset.num_val=0", "dataset.num_test=0", "dataset.seed=3"], ["train"]),
        (LINEAR, ["dtype=float32"], ["train", "val", "test"]),
        (SINE, [], ["train", "val"]),
        (SINE, ["dataset.spacing=uniform", "dataset.outliers={0: 9.1}"], ["train", "val"]),
        (XOR, [], ["train", "val", "test"]),
        (XOR, [MLP], ["train", "val", "test"]),
        (XOR, ["dataset.outliers={0: 1, 1: 0}", MLP, "loss.kind=cross_entropy"], ["train", "val", "test"]),
    ],
)
def test_the_numbers_read_back_to_the_same_bits(data, tmp_path, text, words, names, seed):
    words = [f"seed={seed}", *words]
    tables, _ = data(text, *words)
    experiment = load(tmp_path / "exp.yaml", words).experiment
    problem = build_problem(experiment.dataset, experiment.model, experiment.loss, [seed])
    assert set(tables) == set(names) == set(problem.splits)
    for name, (header, rows) in tables.items():
        split = problem.splits[name]
        targets = split.targets[0]
        if targets.shape[1] == 2:  # an output for each class
            targets = targets @ [[0.0], [1.0]]
        assert header == [*(f"x{i}" for i in range(split.inputs.shape[2])), "y"]
        assert bits(rows) == bits(np.hstack([split.inputs[0], targets]))


def test_the_same_classes_whatever_the_loss(data, tmp_path):
    one, _ = data(XOR)
    (tmp_path / "out").rename(tmp_path / "first")
    two, _ = data(XOR, "model.init.kind=zeros", "loss.kind=cross_entropy")
    assert set(one["train"][1][:, 2]) == {0, 1}
    assert {name: bits(rows) for name, (_, rows) in one.items()} == {
        name: bits(rows) for name, (_, rows) in two.items()
    }


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.0, "0"),
        (-0.0, "-0"),
        (1.0, "1"),
        (0.1, "0.1"),
        (1e-300, "1e-300"),
        (-2.5, "-2.5"),
        (1 / 3, "0.3333333333333333"),
        (1e15, "1000000000000000"),
        (1e16, "1e+16"),
        (1.7976931348623157e308, "1.7976931348623157e+308"),
    ],
)
def test_a_number_is_written_in_as_few_digits_as_it_takes(number, text):
    arrays = [np.array(values).reshape(1, 1, -1) for values in ([number, 2.5], [number, 2.5], [number])]
    assert "".join(_csv(Split(*arrays), ["x0", "x1", "y"], None)) == f"x0,x1,y\n{text},2.5,{text}\n"
    assert math.copysign(1, float(text)) == math.copysign(1, number)
    assert float(text) == number


def test_lines_end_alike_on_every_platform(data, tmp_path):
    data(LINEAR, "dataset.outliers={0: -0.0, 1: 1e-300}")
    raw = (tmp_path / "out" / "train.csv").read_bytes()
    assert b"\r" not in raw
    assert [line.rpartition(b",")[2] for line in raw.split(b"\n")[1:3]] == [b"-0", b"1e-300"]
    assert len(raw.split(b"\n")) == 60 + 2


def test_the_truth(data):
    _, truth = data(LINEAR, "seed=4")
    assert list(truth)[:4] == ["schema", "name", "seed", "dtype"]
    assert (truth["schema"], truth["name"], truth["seed"], truth["dtype"]) == (1, "exp", 4, "float64")
    assert truth["model"] == "linear"
    assert truth["parameters"] == {"w": [[2.0], [-3.4], [0.5]], "b": [4.2]}
    assert truth["initial"] == {"w": [[0.3], [-0.2], [0.1]], "b": [0.7]}
    assert truth["dataset"]["w"] == [2.0, -3.4, 0.5]
    assert truth["dataset"]["feature_std"] == 1.0  # a default is written out, too
    assert truth["dataset"]["num_test"] == 7


@pytest.mark.parametrize(
    ("text", "words", "parameters"),
    [
        (LINEAR, [MLP], None),
        (XOR, [], None),
        (SINE, [], None),
        (
            SINE,
            ["model.kind=sinusoid"],
            {"amplitude": 1.5, "frequency": 1.0, "phase": 0.2, "offset": 0.0},
        ),
        (
            LINEAR.replace("[2.0, -3.4, 0.5]", "[2.0]"),
            ["model={kind: polynomial, degree: 3}"],
            {"coef": [4.2, 2.0]},
        ),
    ],
)
def test_the_true_parameters_where_there_are_any(data, text, words, parameters):
    assert data(text, *words)[1]["parameters"] == parameters


def test_the_drawn_initial_parameters_are_those_of_the_seed(data, tmp_path):
    _, truth = data(XOR, MLP, "seed=7")
    experiment = load(tmp_path / "exp.yaml", [MLP, "seed=7"]).experiment
    problem = build_problem(experiment.dataset, experiment.model, experiment.loss, [7])
    assert list(truth["initial"]) == ["w1", "b1", "w2", "b2"]
    for name, values in truth["initial"].items():
        assert bits(values) == bits(problem.initial[name][0])


def test_it_says_what_it_wrote_and_makes_the_directories_above(lrcli, tmp_path):
    (tmp_path / "exp.yaml").write_text(XOR)
    out, err = lrcli("data", "exp.yaml", "dataset.num_val=0", "--out", "a/b/c")
    files = [tmp_path.joinpath("a", "b", "c", name) for name in ("train.csv", "test.csv", "truth.json")]
    assert out.splitlines() == [str(file.relative_to(tmp_path)) for file in files]
    assert sorted(files) == sorted((tmp_path / "a" / "b" / "c").iterdir())
    assert err == ""


def test_an_empty_directory_will_do(lrcli, tmp_path):
    (tmp_path / "exp.yaml").write_text(LINEAR)
    (tmp_path / "out").mkdir()
    lrcli("data", "exp.yaml", "--out", "out")
    assert (tmp_path / "out" / "truth.json").exists()


def test_notes_go_to_standard_error(lrcli, tmp_path):
    (tmp_path / "exp.yaml").write_text(LINEAR)
    out, err = lrcli("data", "exp.yaml", "training.batch_size=100", "--out", "out")
    assert err == "note: batch_size 100 is larger than the 60 training examples: each epoch is one batch\n"
    assert len(out.splitlines()) == 4


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["exp.yaml", "--out", "taken"], "taken: is not empty"),
        (["exp.yaml", "--out", "exp.yaml"], "exp.yaml: "),
        (["exp.yaml", "--out", "exp.yaml/below"], "exp.yaml"),
        (["bad.yaml", "--out", "new"], "bad.yaml:4:28: optimizer.lr: must be greater than 0, not 0"),
        (["none.yaml", "--out", "new"], "none.yaml: there is no such file"),
        (["exp.yaml", "optimizer.lr=-1", "--out", "new"], "override: optimizer.lr: must be greater than 0"),
        (["exp.yaml", "seed", "--out", "new"], "seed: is no override"),
        (["exp.yaml", "dataset.feature_std=1e200", "--out", "new"], "dataset: its numbers are too large"),
        (["exp.yaml", "dataset.num_train=1000000000000", "--out", "new"], "the experiment does not fit"),
    ],
)
def test_what_is_refused_changes_nothing(lrcli, tmp_path, words, message):
    (tmp_path / "exp.yaml").write_text(LINEAR)
    (tmp_path / "bad.yaml").write_text(LINEAR.replace("lr: 0.05", "lr: 0"))
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "train.csv").write_text("mine")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    out, err = lrcli("data", *words, code=2)
    assert out == ""
    assert err.startswith(f"error: {message}")
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    assert not (tmp_path / "new").exists()


def test_out_must_be_given(lrcli, tmp_path):
    (tmp_path / "exp.yaml").write_text(LINEAR)
    assert "--out" in lrcli("data", "exp.yaml", code=2)[1]
    assert [path.name for path in tmp_path.iterdir()] == ["exp.yaml"]


def test_writing_data_needs_no_torch(tmp_path):
    (tmp_path / "exp.yaml").write_text(LINEAR)
    program = (
        "import sys\nfrom lrcli.cli.app import app\n"
        "app(['data', 'exp.yaml', '--out', 'out'], standalone_mode=False)\n"
        "assert not {'torch', 'tensorboard'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, cwd=tmp_path)


# The same training in a few lines of NumPy, from the files alone.


def linear_features(x):
    return np.hstack([x, np.ones((len(x), 1))])


def cubic_features(x):
    return x ** np.arange(4)


def identity(z):
    return z


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def descend(tables, truth, features, response, lr, dtype):
    """200 steps of full-batch gradient descent; half_mse and bce both have the slope (response - y) / N."""
    rows = tables["train"][1]
    x, y = features(rows[:, :-1]).astype(dtype), rows[:, -1].astype(dtype)
    theta = np.concatenate([np.ravel(values) for values in truth["initial"].values()]).astype(dtype)
    for _ in range(200):
        theta = theta - dtype(lr) * (x.T @ (response(x @ theta) - y)) / dtype(len(y))
    assert theta.dtype == dtype
    return theta


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 1e-5)])
@pytest.mark.parametrize(
    ("text", "features", "response", "lr"),
    [
        (LINEAR, linear_features, identity, 0.05),
        (SINE, cubic_features, identity, 0.02),
        (XOR, linear_features, sigmoid, 0.5),
    ],
    ids=["linear", "polynomial", "logistic"],
)
def test_gradient_descent_on_the_files_ends_where_training_does(
    data, lrcli, tmp_path, text, features, response, lr, dtype, tolerance
):
    word = f"dtype={dtype.__name__}"
    by_hand = descend(*data(text, word), features, response, lr, dtype)
    lrcli("train", "exp.yaml", word, "--quiet", "--run-dir", "run")
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    trained = np.concatenate([np.ravel(values) for values in result["parameters"].values()])
    initial = json.loads((tmp_path / "out" / "truth.json").read_text())["initial"]
    assert result["steps"] == 200
    assert np.abs(trained - np.concatenate([np.ravel(v) for v in initial.values()])).max() > 0.1
    np.testing.assert_allclose(trained, by_hand, rtol=tolerance, atol=0)
