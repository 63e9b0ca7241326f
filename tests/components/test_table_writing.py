"""Names of columns and classes that are written are read back to the same columns and classes."""

import numpy as np
import pytest
from builders import component

from lrcli.components.datasets.table_writing import class_words, column_names


def written(path, words):
    """A table of one feature, in which class i has the word of that number three times."""
    lines = [f"{3 * i + k},{word}" for i, word in enumerate(words) for k in range(3)]
    path.write_text("\n".join(["x,y", *lines, ""]), encoding="utf-8")
    return component("dataset", kind="csv", path=str(path), target="y", task="classification")


@pytest.mark.parametrize(
    "words",
    [
        ["setosa", "versicolor", "virginica"],
        ["10 m", "9 m"],
        ["A", "a", "ä"],
        ["-1.5", "0", "3", "20"],
        ["1e-300", "1"],
        ["false", "true"],
    ],
    ids=str,
)
def test_names_that_stand_for_their_classes(tmp_path, words):
    assert class_words(words) == words
    data = written(tmp_path / "t.csv", words).data
    assert data.targets(data.part(0, "train")).shape[1] == 1
    read = data.tables["train"].columns["y"]
    codes = read.codes if hasattr(read, "codes") else np.searchsorted(data.class_values, read.values)
    assert codes.tolist() == np.repeat(np.arange(len(words)), 3).tolist()


@pytest.mark.parametrize(
    "names",
    [
        ["setosa", "iris"],  # numbered otherwise when they are read
        ["1", "10", "2"],
        ["1", "01"],
        ["1", "2", "three"],  # which are numbers then, or text, as the rows have it
        ["NA", "other"],
        ["", "a"],
        [" a", "b"],
        ["a", "a"],
        ["maybe", "true"],  # a file with true alone holds true and false
        ["True", "false"],
        ["1", "inf"],
        ["1", "1e39"],
    ],
    ids=str,
)
def test_names_that_do_not(names):
    assert class_words(names) is None


def test_a_dataset_without_names_has_none():
    assert class_words(None) is None
    assert column_names(component("dataset", kind="xor"), 2) == ["x0", "x1", "y"]


@pytest.mark.parametrize(
    ("header", "target", "names"),
    [
        ("area,kind,price", "price", ["area", "kind=a", "kind=b", "price"]),
        ("kind=a,kind,price", "price", ["x0", "x1", "x2", "y"]),  # one name twice
        ("area,kind,kind=a", "kind=a", ["x0", "x1", "x2", "y"]),
        ("area,3,price", "price", ["area", "3=a", "3=b", "price"]),
    ],
)
def test_the_names_of_columns(tmp_path, header, target, names):
    rows = ["1,a,5", "2,b,6", "3,a,7", "4,b,8"] * 5
    (tmp_path / "t.csv").write_text("\n".join([header, *rows, ""]))
    dataset = component("dataset", kind="csv", path=str(tmp_path / "t.csv"), target=target)
    assert column_names(dataset, dataset.num_features) == names


def test_names_that_are_all_numbers_are_no_first_line(tmp_path):
    (tmp_path / "t.csv").write_text("\n".join(["0,1,z", *["1,4,0", "2,2,0", "3,9,0"] * 5]))
    dataset = component("dataset", kind="csv", path=str(tmp_path / "t.csv"), target="1", features=["0"])
    assert column_names(dataset, 1) == ["x0", "y"]
