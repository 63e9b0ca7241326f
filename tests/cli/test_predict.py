"""`lrcli predict`: what a run's model says of other rows, against scikit-learn and NumPy."""

import csv
import io
import json

import numpy as np
import pytest
import yaml


@pytest.fixture
def lrcli(tmp_path, monkeypatch, program):
    monkeypatch.chdir(tmp_path)
    return lambda *words, code=0: program(*words, code=code)[1:]


def experiment(path, dataset, **blocks):
    given = {
        "dataset": dataset,
        "model": {"kind": "linear"},
        "loss": {"kind": "mse"},
        "optimizer": {"kind": "sgd", "lr": 0.1},
        "training": {"epochs": 300, "batch_size": "full"},
        "logging": {"every": 100, "figures": False, "tensorboard": False},
        "dtype": "float64",
    } | blocks
    path.write_text(yaml.safe_dump(given))


def rows_of(text):
    return list(csv.DictReader(io.StringIO(text)))


def write(path, names, columns):
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([names, *zip(*columns, strict=True)])


def test_numbers_are_predicted_as_by_linear_regression(lrcli, tmp_path):
    from sklearn.linear_model import LinearRegression

    rng = np.random.default_rng(0)
    x, colours = rng.normal(5, 2, 90), [["red", "blue"][i % 2] for i in range(90)]
    y = 3 * x + (np.array(colours) == "red") + rng.normal(0, 0.1, 90)
    write(tmp_path / "data.csv", ["x", "colour", "y"], [x.tolist(), colours, y.tolist()])
    keys = {"kind": "csv", "path": "data.csv", "target": "y", "split": {"train": 1}, "drop_first": True}
    experiment(tmp_path / "exp.yaml", keys, training={"epochs": 3000, "batch_size": "full"})
    lrcli("train", "exp.yaml", "-q")
    new, names = rng.normal(5, 2, 7), ["red", "blue", "blue", "red", "red", "red", "blue"]
    write(tmp_path / "new.csv", ["colour", "id", "x"], [names, list(range(7)), new.tolist()])
    out, error = lrcli("predict", "exp", "--input", "new.csv")
    fitted = LinearRegression().fit(np.column_stack([x, np.array(colours) == "red"]), y)
    expected = fitted.predict(np.column_stack([new, np.array(names) == "red"]))
    rows = rows_of(out)
    assert [row["row"] for row in rows] == [str(i) for i in range(1, 8)]
    assert np.allclose([float(row["prediction"]) for row in rows], expected, rtol=1e-8)
    assert "ignored: id" in error
    assert "loss" not in error
    found, error = lrcli("predict", "exp", "--input", "data.csv", "--out", "out.csv", "--best")
    assert found == "out.csv\n"
    assert len(rows_of((tmp_path / "out.csv").read_text())) == 90
    last = json.loads((tmp_path / "runs/exp/train-0001/result.json").read_text())["metrics"]["train/loss"]
    assert f"loss {last:.6g}, over 90 rows" in error
    assert "no loss" not in error
    assert "is there already" in lrcli("predict", "exp", "--input", "data.csv", "--out", "out.csv", code=2)[1]


@pytest.mark.parametrize(
    "model", [{"kind": "linear"}, {"kind": "mlp", "hidden": [5], "activation": "tanh"}], ids=["linear", "mlp"]
)
def test_classes_have_their_names_and_their_chances(lrcli, tmp_path, model):
    from sklearn.datasets import load_iris

    data = load_iris()
    names = [str(data.target_names[k]) for k in data.target]
    write(tmp_path / "iris.csv", ["a", "b", "c", "d", "species"], [*data.data.T.tolist(), names])
    keys = {"kind": "csv", "path": "iris.csv", "target": "species"}
    loss = {"kind": "cross_entropy"}
    experiment(tmp_path / "iris.yaml", keys, loss=loss, model=model)
    result = json.loads(lrcli("train", "iris.yaml", "-q", "--json")[0])
    out, error = lrcli("predict", "last", "--input", "iris.csv")
    rows = rows_of(out)
    chances = np.array([[float(row[f"p({name})"]) for name in data.target_names] for row in rows])
    assert np.allclose(chances.sum(axis=1), 1)
    assert [row["prediction"] for row in rows] == [str(data.target_names[k]) for k in chances.argmax(axis=1)]
    accuracy = np.mean([row["prediction"] == name for row, name in zip(rows, names, strict=True)])
    assert f"accuracy {accuracy:.6g}, over 150 rows" in error
    assert accuracy > 0.9
    p = {name: np.array(values) for name, values in result["parameters"].items()}  # in the flowers' units
    logits = (
        data.data @ p["w"] + p["b"]
        if "w" in p
        else np.tanh(data.data @ p["w1"] + p["b1"]) @ p["w2"] + p["b2"]
    )
    expected = np.exp(logits - logits.max(axis=1, keepdims=True))
    assert np.allclose(chances, expected / expected.sum(axis=1, keepdims=True), atol=1e-9)


def test_generated_data_have_the_columns_that_data_writes(lrcli, tmp_path):
    dataset = {"kind": "linear", "w": [2.0, -3.0], "b": 1.0, "num_train": 50, "num_val": 20}
    experiment(tmp_path / "line.yaml", dataset | {"noise": 0.1})
    result = json.loads(lrcli("train", "line.yaml", "-q", "--json")[0])
    lrcli("data", "line.yaml", "--out", "out")
    error = lrcli("predict", "line", "--input", "out/val.csv")[1]
    assert f"loss {result['metrics']['val/loss']:.6g}, over 20 rows" in error


@pytest.mark.parametrize(
    ("targets", "said"),
    [
        (["", "3"], "line 2, column 'y': no value"),
        (["3", "soon"], "line 3, column 'y': 'soon' is not a number, as the other cells of the column are"),
        (["", "NA"], "line 2, column 'y': no value, and others"),
    ],
)
def test_targets_that_say_nothing_take_the_loss_alone(lrcli, tmp_path, targets, said):
    dataset = {"kind": "linear", "w": [2.0, -3.0], "b": 1.0, "num_train": 50, "num_val": 20}
    experiment(tmp_path / "line.yaml", dataset)
    learned = json.loads(lrcli("train", "line.yaml", "-q", "--json")[0])["parameters"]
    lines = [f"{i},{2 * i},{target}" for i, target in enumerate(targets)]
    (tmp_path / "new.csv").write_text("\n".join(["x0,x1,y", *lines]))
    out, error = lrcli("predict", "line", "--input", "new.csv")
    (w0,), (w1,) = learned["w"]
    expected = [i * w0 + 2 * i * w1 + learned["b"][0] for i in range(2)]
    assert [float(row["prediction"]) for row in rows_of(out)] == pytest.approx(expected)
    assert error == f"note: new.csv: no loss is told, for want of a target in every row: {said}\n"
    (tmp_path / "new.csv").write_text("x0,y,x1,y\n1,2,3,4\n")
    error = lrcli("predict", "line", "--input", "new.csv")[1]
    assert "no loss is told, for want of a target in every row: column 'y' is there 2 times" in error


def test_a_dash_is_standard_output(lrcli, tmp_path):
    dataset = {"kind": "linear", "w": [2.0, -3.0], "b": 1.0, "num_train": 50, "num_val": 20}
    experiment(tmp_path / "line.yaml", dataset, training={"epochs": 1})
    lrcli("train", "line.yaml", "-q")
    write(tmp_path / "new.csv", ["x0", "x1"], [[0.5], [1.0]])
    written = lrcli("predict", "line", "--input", "new.csv", "--out", "-")
    assert written == lrcli("predict", "line", "--input", "new.csv")
    assert len(rows_of(written[0])) == 1
    assert not (tmp_path / "-").exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x0\n1\n", "lacks 'x1' among its columns"),
        ("x0,x1\n1,2\n3,a\n4,5\n", "line 3, column 'x1': 'a' is not a number"),
        (
            "x0,x1\n1,\n",
            "line 2, column 'x1': no value; fill it in, or take the row out: the model needs all",
        ),
        (
            "x0,x1,y\n1,,\n",
            "line 2, column 'x1': no value; fill it in, or take the row out: the model needs all",
        ),
        ("x0,x1\n", "has no rows below its names"),
        ("x0,x1\na,b\n", "column 'x0' does not hold numbers"),
    ],
)
def test_mistakes_in_the_table(lrcli, tmp_path, text, said):
    dataset = {"kind": "linear", "w": [2.0, -3.0], "b": 1.0, "num_train": 50, "num_val": 20}
    experiment(tmp_path / "line.yaml", dataset, training={"epochs": 1})
    lrcli("train", "line.yaml", "-q")
    (tmp_path / "new.csv").write_text(text)
    error = lrcli("predict", "line", "--input", "new.csv", code=2)[1]
    assert said in error
    assert "missing: drop" not in error
    assert "Traceback" not in error
    assert "no file" in lrcli("predict", "line", "--input", "none.csv", code=2)[1]


def test_the_newest_run_is_meant_not_a_sweep(lrcli, tmp_path):
    write(tmp_path / "data.csv", ["x", "y"], [list(range(20)), [2.0 * i for i in range(20)]])
    experiment(tmp_path / "exp.yaml", {"kind": "csv", "path": "data.csv", "target": "y"})
    lrcli("train", "exp.yaml", "-q")
    lrcli("sweep", "exp.yaml", "-q", "--lr", "0.1,0.2", "--seeds", "1")
    assert len(rows_of(lrcli("predict", "exp", "--input", "data.csv")[0])) == 20


def test_code_of_the_users_is_not_run(lrcli, tmp_path):
    code = "from pathlib import Path\nimport torch\nPath('ran').touch()\nNet = torch.nn.Linear\n"
    (tmp_path / "net.py").write_text(code)
    model = {"kind": "module", "path": "net.py", "name": "Net", "args": {"in_features": 2, "out_features": 1}}
    data = {"kind": "linear", "w": [1.0, 2.0], "b": 0.0, "num_train": 20, "num_val": 0}
    experiment(tmp_path / "exp.yaml", data, model=model, training={"epochs": 1})
    lrcli("train", "exp.yaml", "-q")
    (tmp_path / "ran").unlink()
    write(tmp_path / "new.csv", ["x0", "x1"], [[0.5], [1.0]])
    out, error = lrcli("predict", "exp", "--input", "new.csv", code=2)
    assert not out
    assert "code of yours" in error
    assert "last.npz" in error
    assert not (tmp_path / "ran").exists()


def test_numbers_that_are_no_classes_of_training_are_refused(lrcli, tmp_path):
    columns = [[float(i % 3) for i in range(60)], [i % 3 for i in range(60)]]
    write(tmp_path / "data.csv", ["x", "y"], columns)
    keys = {"kind": "csv", "path": "data.csv", "target": "y", "task": "classification"}
    experiment(tmp_path / "exp.yaml", keys, loss={"kind": "cross_entropy"})
    lrcli("train", "exp.yaml", "-q")
    assert "accuracy 1, over 60 rows" in lrcli("predict", "exp", "--input", "data.csv")[1]
    write(tmp_path / "new.csv", ["x", "y"], [[0, 1, 2], [0, 7, 1.5]])
    error = lrcli("predict", "exp", "--input", "new.csv", code=2)[1]
    assert "line 3, column 'y': 7 is none of the classes, 0, 1, 2" in error
    assert "line 4, column 'y': 1.5 is none of the classes" in error


@pytest.mark.parametrize(("loss", "decided"), [("cross_entropy", "a"), ("bce", "b")])
def test_of_classes_that_are_as_likely_the_one_is_taken_that_training_takes(lrcli, tmp_path, loss, decided):
    """The first of equal logits with cross-entropy, class 1 from a logit of 0 on with the binary one."""
    # Both classes are at both, so that weights of 0 stay there to the bit.
    write(tmp_path / "data.csv", ["x", "y"], [[-1.0, 1.0, -1.0, 1.0], ["a", "a", "b", "b"]])
    keys = {"kind": "csv", "path": "data.csv", "target": "y", "split": {"train": 1}, "standardize": False}
    blocks = {"model": {"kind": "linear", "init": {"kind": "zeros"}}, "loss": {"kind": loss}}
    experiment(tmp_path / "exp.yaml", keys, **blocks, training={"epochs": 1, "batch_size": "full"})
    result = json.loads(lrcli("train", "exp.yaml", "-q", "--json")[0])
    assert not np.any(result["parameters"]["w"])
    out, error = lrcli("predict", "exp", "--input", "data.csv")
    assert {row["prediction"] for row in rows_of(out)} == {decided}
    assert f"accuracy {result['metrics']['train/accuracy']:.6g}" in error


def test_a_table_of_names_alone(lrcli, tmp_path):
    write(tmp_path / "data.csv", ["x", "y"], [[1.0, 2.0, 3.0], [2.0, 4.0, 6.0]])
    experiment(
        tmp_path / "exp.yaml", {"kind": "csv", "path": "data.csv", "target": "y", "split": {"train": 1}}
    )
    lrcli("train", "exp.yaml", "-q")
    (tmp_path / "none.csv").write_text("x\n")
    assert "has no rows below its names" in lrcli("predict", "exp", "--input", "none.csv", code=2)[1]
