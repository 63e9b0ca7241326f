"""Tables of one's own on the command line: what comes back, and what other programs find in the same data."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import yaml

from lrcli.experiment.loading import load

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


WORDS = ["blue, dark", 'a "quoted" word', "größer"]  # classes and kinds
CASES = {  # from the target's column to its cells and the header of what is written
    "regression": ([0.1 * i for i in range(40)], ""),
    "words": ([WORDS[i % 3] for i in range(40)], '"blue, dark"'),
    "numbers": ([[3, 10, 20][i % 3] for i in range(40)], "10"),
    "boolean": ([["False", "TRUE"][i % 2] for i in range(40)], "true"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_table_is_written_with_its_names_and_read_back_to_the_same_bits(lrcli, tmp_path, case):
    """Standardised numbers, text in features, a name with a comma; the classes as words where there are."""
    cells, word = CASES[case]
    size = [repr(float(x)) for x in np.random.default_rng(0).normal(3, 2, 40)]
    kinds = [WORDS[i // 2 % 3] for i in range(40)]
    write_table(tmp_path / "t.csv", ["size, in m", "kind", "tärget"], [size, kinds, cells])
    task = (
        {}
        if case in ("words", "boolean")
        else {"task": "regression" if case == "regression" else "classification"}
    )
    loss = {"loss": {"kind": "mse" if case == "regression" else "cross_entropy"}}
    experiment(tmp_path / "first.yaml", {"path": "t.csv", "target": "tärget"} | task, **loss)
    err = lrcli("data", "first.yaml", "--out", "out")[1]
    assert err.count("standardised") == 1
    text = (tmp_path / "out" / "train.csv").read_text(encoding="utf-8")
    with (tmp_path / "out" / "train.csv").open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    assert header == ["size, in m", *(f"kind={kind}" for kind in sorted(WORDS)), "tärget"]
    if case != "regression":
        assert {row[-1].lower() for row in rows} == {str(cell).lower() for cell in cells}
        assert f",{word}\n" in text
    again = {f"{split}_path": f"out/{split}.csv" for split in ("val", "test")} | {"standardize": False}
    again |= {"path": "out/train.csv", "target": "tärget"} | task
    experiment(tmp_path / "again.yaml", again, **loss)
    first, second = (load(tmp_path / f"{name}.yaml").experiment.dataset for name in ("first", "again"))
    for split in ("train", "val", "test"):
        for one, other in zip(first.draw(0, split), second.draw(0, split), strict=True):
            assert one.tobytes() == other.tobytes()
    assert second.class_names == first.class_names
    assert second.feature_names == first.feature_names


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


def test_diabetes_is_fitted_as_by_linear_regression(lrcli, tmp_path, diabetes):
    """In the units of the file: learned coefficients to 1e-3, the reference to 1e-8, its errors by hand."""
    from sklearn.linear_model import LinearRegression

    experiment(
        tmp_path / "exp.yaml",
        {"path": "diabetes.csv", "target": "progression", "split": {"train": 1}},
        training={"epochs": 20000, "batch_size": "full"},
        logging={"every": 5000, "figures": False, "tensorboard": False},
        optimizer={"kind": "sgd", "lr": 0.4, "momentum": 0.9},
    )
    found = json.loads(lrcli("train", "exp.yaml", "--json", "-q")[0])
    fitted = LinearRegression().fit(diabetes.data, diabetes.target)
    expected = np.append(fitted.coef_, fitted.intercept_)
    rows = found["recovery"]
    assert [row["name"] for row in rows] == [*(f"w[{name}]" for name in diabetes.feature_names), "b"]
    assert [row["true"] for row in rows] == [None] * 11
    assert np.allclose([row["reference"] for row in rows], expected, rtol=1e-8, atol=0)
    assert np.allclose([row["learned"] for row in rows], expected, rtol=1e-3, atol=0)
    assert np.allclose([row["error"] for row in rows], expected - [row["learned"] for row in rows])
    assert {row["against"] for row in rows} == {"least_squares"}
    flat = [number for row in found["parameters"]["w"] for number in row] + found["parameters"]["b"]
    assert flat == [row["learned"] for row in rows]
    x = np.column_stack([diabetes.data, np.ones(442)])
    residuals = diabetes.target - x @ expected
    errors = np.sqrt(np.diag(residuals @ residuals / (442 - 11) * np.linalg.inv(x.T @ x)))
    assert np.allclose([row["standard_error"] for row in rows], errors, rtol=1e-8)
    largest = max(abs(row["error"]) for row in rows)
    assert found["metrics"]["recovery/max_abs_error"] == pytest.approx(largest, rel=1e-6, abs=1e-9)
    with np.load(tmp_path / found["run_dir"] / "checkpoint" / "last.npz") as last:  # as trained, standardised
        assert np.allclose(last["w"][:, 0] / diabetes.data.std(axis=0), flat[:10])
    assert "std. error" in lrcli("train", "exp.yaml", "training.epochs=1")[0]
    lrcli("report", found["run_dir"])
    assert "std. error" in (tmp_path / found["run_dir"] / "report.html").read_text(encoding="utf-8")


def test_standardising_changes_no_fit(lrcli, tmp_path, diabetes):
    """The reference is the same in original units, whether the inputs were standardised or not."""
    dataset = {"path": "diabetes.csv", "target": "progression", "features": ["bmi"]}
    rows = []
    for standardize in (True, False):
        experiment(
            tmp_path / "exp.yaml",
            dataset | {"standardize": standardize},
            model={"kind": "polynomial", "degree": 3},
            optimizer={"kind": "sgd", "lr": 1e-12},
        )
        rows.append(json.loads(lrcli("train", "exp.yaml", "--json", "-q")[0])["recovery"])
    for key in ("reference", "standard_error"):
        one, other = ([row[key] for row in each] for each in rows)
        assert np.allclose(one, other, rtol=1e-5)


def test_columns_that_add_up_to_one_are_said_to_be_open(lrcli, tmp_path):
    rng = np.random.default_rng(0)
    colours = [["red", "green", "blue"][i % 3] for i in range(60)]
    x = rng.normal(5, 2, 60)
    y = 2 * x + np.array([{"red": 0, "green": 1, "blue": 3}[c] for c in colours]) + rng.normal(0, 0.1, 60)
    write_table(tmp_path / "data.csv", ["x", "colour", "y"], [x.tolist(), colours, y.tolist()])
    dataset = {"path": "data.csv", "target": "y", "split": {"train": 1}}
    experiment(tmp_path / "exp.yaml", dataset)
    found = json.loads(lrcli("train", "exp.yaml", "--json", "-q")[0])
    names = ["w[x]", "w[colour=blue]", "w[colour=green]", "w[colour=red]", "b"]
    assert [row["name"] for row in found["recovery"]] == names
    assert [row["determined"] for row in found["recovery"]] == [True, False, False, False, False]
    assert [row["standard_error"] is None for row in found["recovery"]] == [False, True, True, True, True]
    assert "dataset.drop_first" in found["reference"]["why"]
    experiment(
        tmp_path / "exp.yaml", dataset | {"drop_first": True}, training={"epochs": 2000, "batch_size": 60}
    )
    found = json.loads(lrcli("train", "exp.yaml", "--json", "-q")[0])
    assert [row["name"] for row in found["recovery"]] == [*names[:1], *names[2:]]
    assert all(row["determined"] for row in found["recovery"])
    assert [row["learned"] for row in found["recovery"]] == pytest.approx([2, -2, -3, 3], abs=0.15)
    columns = np.column_stack([x, np.array(colours) == "green", np.array(colours) == "red", np.ones(60)])
    best = np.linalg.lstsq(columns.astype(float), y, rcond=None)[0]
    assert [row["reference"] for row in found["recovery"]] == pytest.approx(best.tolist(), rel=1e-9)


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


def test_rows_of_validation_that_training_knows_are_named(lrcli, tmp_path):
    rows = [(float(i), i % 5, 2.0 * i, "train") for i in range(20)]
    rows += [(3.0, 3, 6.0, "val"), (4.0, 4, 0.0, "val"), (99.0, 1, 1.0, "val"), (-0.0, 0, 0.0, "test")]
    write_table(tmp_path / "data.csv", ["a", "b", "y", "part"], list(zip(*rows, strict=True)))
    experiment(tmp_path / "exp.yaml", {"path": "data.csv", "target": "y", "split": {"column": "part"}})
    error = lrcli("check", "exp.yaml")[1]
    assert "1 of 3 validation rows are in the training part, too, target and all (line 22 is line 5)" in error
    assert "1 of 3 validation rows have the features of a training row, with another target" in error
    assert "(line 23 is line 6)" in error
    assert "1 of 1 test rows are in the training part, too, target and all (line 25 is line 2)" in error
    write_table(tmp_path / "data.csv", ["a", "b", "y", "part"], list(zip(*rows[:20], rows[22], strict=True)))
    assert "training part" not in lrcli("check", "exp.yaml")[1]


def doubled(seed, split):
    """The rows of a drawn split as sets do it: of forty rows, of which 20 + i is row i for i below 8."""
    dataset = load(Path("exp.yaml")).experiment.dataset
    (train, _), (other, _) = (dataset.draw(seed, part) for part in ("train", split))
    return len(other), sum(tuple(row) in set(map(tuple, train.tolist())) for row in other.tolist())


def test_rows_that_some_seed_of_a_sweep_puts_into_two_parts_are_named(lrcli, tmp_path):
    rows = [(float(i % 20 if i < 28 else i), i % 20 % 3 if i < 28 else 7) for i in range(40)]
    write_table(tmp_path / "data.csv", ["a", "y"], list(zip(*rows, strict=True)))
    dataset = {"path": "data.csv", "target": "y", "standardize": False}
    experiment(tmp_path / "exp.yaml", dataset)
    words = ["sweep", "exp.yaml", "--lr", "0.1,0.2", "--dry-run", "--seeds"]
    known = {split: [doubled(seed, split) for seed in range(6)] for split in ("val", "test")}
    error = lrcli(*words, "6")[1]
    for split, word in (("val", "validation"), ("test", "test")):
        low, high = (f([count for _, count in known[split]]) for f in (min, max))
        assert low < high
        worst = [count for _, count in known[split]].index(high)
        drawn = f"{low} to {high} of {known[split][0][0]} {word} rows, as each of 6 seeds draws them, are in"
        assert drawn in error
        assert f"(with seed {worst}: line " in error.partition(drawn)[2]
    alone = f"{max(count for _, count in known['val'])} of 4 validation rows are in"
    seed = f"seed={[count for _, count in known['val']].index(max(count for _, count in known['val']))}"
    assert alone in lrcli("sweep", "exp.yaml", seed, *words[2:], "1")[1]
    experiment(tmp_path / "exp.yaml", dataset | {"seed": int(seed[5:])})
    assert alone in lrcli(*words, "6")[1]
    write_table(tmp_path / "data.csv", ["a", "y"], [range(40), [i % 7 for i in range(40)]])
    assert "training part" not in lrcli(*words, "6")[1]


def test_of_very_many_seeds_the_first_are_looked_at(lrcli, tmp_path, monkeypatch):
    from lrcli.components.datasets import table_leaks

    monkeypatch.setattr(table_leaks, "_MOST_LOOKED_AT", 3 * (40 + 40 // 8 + 1))
    write_table(tmp_path / "data.csv", ["a", "y"], [[i % 20 for i in range(40)], [i % 20 for i in range(40)]])
    experiment(tmp_path / "exp.yaml", {"path": "data.csv", "target": "y", "standardize": False})
    counts = [doubled(seed, "val")[1] for seed in range(3)]
    error = lrcli("sweep", "exp.yaml", "--lr", "0.1,0.2", "--dry-run", "--seeds", "4")[1]
    assert f"{max(counts)} of 4 validation rows, as each of the first 3 seeds draws them, are in" in error


def test_rows_of_other_targets_are_named_for_the_worst_seed(lrcli, tmp_path):
    write_table(tmp_path / "data.csv", ["a", "y"], [[i % 20 for i in range(40)], range(40)])
    experiment(tmp_path / "exp.yaml", {"path": "data.csv", "target": "y", "standardize": False})
    counts = [doubled(seed, "val")[1] for seed in range(4)]
    error = lrcli("sweep", "exp.yaml", "--lr", "0.1,0.2", "--dry-run", "--seeds", "4")[1]
    span = f"{min(counts)} to {max(counts)}" if min(counts) < max(counts) else f"{max(counts)}"
    assert f"{span} of 4 validation rows, as each of 4 seeds draws them, have the features of a" in error
    assert "target and all" not in error


def test_a_run_says_which_file_it_was_trained_on(lrcli, tmp_path, diabetes):
    import hashlib

    file = tmp_path / "diabetes.csv"
    experiment(tmp_path / "exp.yaml", {"path": "diabetes.csv", "target": "progression"})
    found = json.loads(lrcli("train", "exp.yaml", "--json", "-q")[0])
    assert found["data"] == [{"file": str(file), "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}]
    lrcli("report", found["run_dir"])
    content = file.read_text(encoding="utf-8")
    file.write_text(content.replace("151.0", "152.0"), encoding="utf-8")
    error = lrcli("report", found["run_dir"], code=2)[1]
    assert "has changed since this run was trained on it" in error
    file.unlink()
    assert "there is no file" in lrcli("figure", found["run_dir"], code=2)[1]


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


def test_a_sweep_says_which_files_it_was_trained_on_and_goes_on_with_no_others(lrcli, tmp_path, diabetes):
    import hashlib

    file = tmp_path / "diabetes.csv"
    other = tmp_path / "other.csv"
    other.write_bytes(file.read_bytes() + b"\n")
    experiment(tmp_path / "exp.yaml", {"path": "diabetes.csv", "target": "progression"})
    line = ["sweep", "exp.yaml", "--lr", "0.01,0.1", "--grid", f"dataset.path={file},{other}"]
    found = json.loads(lrcli(*line, "--json", "-q")[0])
    digests = [{"file": str(f), "sha256": hashlib.sha256(f.read_bytes()).hexdigest()} for f in (file, other)]
    assert found["data"] == digests
    content = other.read_bytes()
    other.write_bytes(content.replace(b"151.0", b"152.0"))
    for words in (["resume"], ["figure"], ["replay", "best"]):
        error = lrcli(words[0], found["run_dir"], *words[1:], code=2)[1]
        assert f"{other} has changed since this sweep was trained on it" in error, words
    other.write_bytes(content)
    lrcli("resume", found["run_dir"], "-q")
