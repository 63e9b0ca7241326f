"""Tables of one's own on the command line: what comes back, and what other programs find in the same data."""

import csv
import json

import numpy as np
import pytest
import yaml

LINEAR = """\
name: linear
dataset: {kind: linear, w: [2.0, -3.4, 0.5], b: 4.2, noise: 0.1, num_train: 60, num_val: 20, num_test: 7}
model: {kind: linear}
loss: {kind: half_mse}
optimizer: {kind: sgd, lr: 0.05}
training: {epochs: 20, batch_size: 8}
logging: {figures: false, tensorboard: false}
"""


@pytest.fixture
def lrcli(tmp_path, monkeypatch, program):
    """Runs the program in a directory of the test's own: what it wrote to standard output and error."""
    monkeypatch.chdir(tmp_path)
    return lambda *words, code=0: program(*words, code=code)[1:]


def write_table(path, names, columns):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        writer.writerows(zip(*columns, strict=True))


def experiment(path, dataset, **blocks):
    given = {
        "dataset": {"kind": "csv"} | dataset,
        "model": {"kind": "linear"},
        "loss": {"kind": "mse"},
        "optimizer": {"kind": "sgd", "lr": 0.1},
        "training": {"epochs": 100, "batch_size": "full"},
        "logging": {"figures": False, "tensorboard": False},
        "dtype": "float64",
    } | blocks
    path.write_text(yaml.safe_dump(given))


@pytest.fixture
def diabetes(tmp_path):
    """The file of scikit-learn's data in their own units, and what is in it."""
    from sklearn.datasets import load_diabetes

    data = load_diabetes(scaled=False)
    columns = [*data.data.T.tolist(), data.target.tolist()]
    write_table(tmp_path / "diabetes.csv", [*data.feature_names, "progression"], columns)
    return data


@pytest.mark.parametrize("engine", ["compiled", "torch"])
def test_what_data_has_written_trains_to_the_same_bits(lrcli, tmp_path, engine):
    (tmp_path / "first.yaml").write_text(LINEAR)
    lrcli("data", "first.yaml", "--out", "out")
    first = json.loads(lrcli("train", "first.yaml", f"engine={engine}", "--json", "-q")[0])
    again = yaml.safe_load(LINEAR) | {
        "dataset": {
            "kind": "csv",
            "path": "out/train.csv",
            "val_path": "out/val.csv",
            "test_path": "out/test.csv",
            "target": "y",
            "standardize": False,
        }
    }
    (tmp_path / "again.yaml").write_text(yaml.safe_dump(again))
    second = json.loads(lrcli("train", "again.yaml", f"engine={engine}", "--json", "-q")[0])
    assert second["parameters"] == first["parameters"]
    of_data = {name: value for name, value in first["metrics"].items() if "recovery" not in name}
    assert {name: second["metrics"][name] for name in of_data} == of_data
    assert [name for name in of_data if name.startswith("test/")]


def test_iris_is_classified_as_by_logistic_regression(lrcli, tmp_path):
    from sklearn.datasets import load_iris
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    data = load_iris()
    species = [str(data.target_names[k]) for k in data.target]
    order = np.random.default_rng(0).permutation(150)
    part = np.array(["train"] * 100 + ["test"] * 50)[np.argsort(order)]
    columns = [*data.data.T.tolist(), species, part.tolist()]
    write_table(tmp_path / "iris.csv", ["a", "b", "c", "d", "species", "part"], columns)
    experiment(
        tmp_path / "iris.yaml",
        {"path": "iris.csv", "target": "species", "split": {"column": "part"}},
        loss={"kind": "cross_entropy"},
        optimizer={"kind": "sgd", "lr": 0.5, "weight_decay": 0.01},
        training={"epochs": 2000, "batch_size": "full"},
        logging={"every": 500, "figures": False, "tensorboard": False},
    )
    found = json.loads(lrcli("train", "iris.yaml", "--json", "-q")[0])
    scaler = StandardScaler().fit(data.data[part == "train"])
    x = np.column_stack([scaler.transform(data.data), np.ones(150)])  # the decay holds the biases, too
    train = part == "train"
    fitted = LogisticRegression(C=1 / (0.01 * 100), fit_intercept=False, tol=1e-10, max_iter=1000)
    fitted.fit(x[train], data.target[train])
    for split, metric in (("train", "train/accuracy"), ("test", "test/accuracy")):
        expected = fitted.score(x[part == split], data.target[part == split])
        assert found["metrics"][metric] == pytest.approx(expected)
        assert expected > 0.85
    usual = LogisticRegression().fit(x[train, :4], data.target[train])
    assert found["metrics"]["test/accuracy"] >= usual.score(x[~train, :4], data.target[~train]) - 0.021


def test_a_path_is_relative_to_the_experiment_file(lrcli, tmp_path, diabetes):
    (tmp_path / "sub").mkdir()
    experiment(tmp_path / "sub" / "exp.yaml", {"path": "../diabetes.csv", "target": "progression"})
    assert "csv data (354 examples), linear model (11 parameters)" in lrcli("check", "sub/exp.yaml")[0]


def test_every_mistake_is_told_before_anything_is_written(lrcli, tmp_path):
    (tmp_path / "bad.csv").write_text("a,b,y\n1,2,3\nx,,4\n3,4,5\n")
    experiment(tmp_path / "bad.yaml", {"path": "bad.csv", "target": "y"})
    for command in ("check", "train", "sweep"):
        error = lrcli(command, "bad.yaml", *(["--lr", "0.1,0.2"] if command == "sweep" else []), code=2)[1]
        assert "bad.csv, line 3, column 'a': 'x' is not a number" in error
        assert "bad.csv, line 3, column 'b': no value" in error
        assert "dataset.path" in error
        assert "Traceback" not in error
    assert not (tmp_path / "runs").exists()


def test_a_sweep_over_a_table(lrcli, tmp_path, diabetes):
    experiment(tmp_path / "exp.yaml", {"path": "diabetes.csv", "target": "progression"})
    line = [
        "sweep",
        "exp.yaml",
        "--lr",
        "0.01,0.1",
        "--seeds",
        "3",
        "--grid",
        "dataset.standardize=true,false",
    ]
    found = json.loads(lrcli(*line, "--json", "-q")[0])
    assert found["members"] == 12
    values = {tuple(each["values"].values()) if "values" in each else 0 for each in found["configurations"]}
    assert values
