"""Tables in files: what is read, how it is split and scaled, and every mistake with its place."""

import csv
import hashlib
import math
import os

import numpy as np
import polars as pl
import pytest

from lrcli.components.datasets import CsvDataset, table_csv
from lrcli.components.datasets import table_reading as reading
from lrcli.components.datasets.table_columns import NumberColumn, TextColumn
from lrcli.components.datasets.table_reading import TableError, read_names, read_table
from lrcli.components.randomness import generator
from lrcli.config.watching import watching

ALL = {"train": 1.0}


def table(path, **keys):
    return CsvDataset(kind="csv", **({"path": str(path), "target": "y"} | keys))


@pytest.fixture
def written(tmp_path):
    """Writes a text as a file, and gives the dataset of it."""

    def write(text, **keys):
        path = tmp_path / "data.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return table(path, **keys)

    return write


def mistakes(dataset):
    return [message for _, message in dataset.mistakes()]


@pytest.mark.parametrize("piece", [2000, 2**24])
def test_numbers_are_read_to_the_same_bits(tmp_path, monkeypatch, piece):
    monkeypatch.setattr(table_csv, "_PIECE", piece)
    rng = np.random.default_rng(3)
    values = rng.standard_normal((500, 3)) * 10.0 ** rng.integers(-300, 300, (500, 3))
    path = tmp_path / "data.csv"
    path.write_text("a,b,c\n" + "\n".join(",".join(map(repr, row)) for row in values.tolist()))
    found = read_table(path, ",", ["a", "c"], drop_missing=False)
    assert np.array_equal(found.columns["a"].values, values[:, 0])
    assert np.array_equal(found.columns["c"].values, values[:, 2])
    assert found.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert list(found.columns) == ["a", "c"]


@pytest.mark.parametrize("piece", [16, 61, 1000])
def test_pieces_of_a_file_make_the_same_table(tmp_path, monkeypatch, piece):
    """Quoted line breaks, separators, quotes and empty lines, wherever a piece may end."""
    rng = np.random.default_rng(0)
    words = ["red", 'a "b"', "line\nbreak", "x,y", " spaced ", "1", "ü"]
    rows = [[repr(float(rng.standard_normal())), words[i % 7], str(i)] for i in range(90)]
    path = tmp_path / "data.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["x", "word", "i"])
        for i, row in enumerate(rows):
            writer.writerow(row)
            file.write("\r\n" if i % 11 == 5 else "")
    monkeypatch.setattr(table_csv, "_PIECE", piece)
    found = read_table(path, ",", ["x", "word", "i"], drop_missing=False)
    assert found.mistakes == ()
    assert found.columns["x"].values.tolist() == [float(row[0]) for row in rows]
    assert found.columns["i"].values.tolist() == list(range(90))
    word = found.columns["word"]
    assert [word.names[code] for code in word.codes] == [row[1].strip() for row in rows]
    assert list(word.names) == sorted(word.names)
    lines = path.read_bytes().split(b"\r\n")  # those of the writer; one row of seven has a break within
    starts, line = [], 1
    for text in lines:
        starts += [line] if text and line > 1 else []
        line += 1 + text.count(b"\n")
    assert [int(found.row_name(i).split()[1]) for i in range(90)] == starts


def test_the_split_is_drawn_from_the_seed(written):
    dataset = written("x,y\n" + "".join(f"{i},{2 * i}\n" for i in range(100)), standardize=False)
    assert dataset.sizes == {"train": 80, "val": 10, "test": 10}
    parts = {split: dataset.draw(7, split) for split in ("train", "val", "test")}
    order = generator(7, "data", 0).permutation(100)
    assert parts["train"][0][:, 0].tolist() == order[:80].tolist()
    assert parts["val"][0][:, 0].tolist() == order[80:90].tolist()
    assert parts["test"][1][:, 0].tolist() == (2 * order[90:]).tolist()
    assert not np.array_equal(dataset.draw(8, "train")[0], parts["train"][0])
    fixed = dataset.model_copy(update={"seed": 7})
    assert np.array_equal(fixed.draw(8, "train")[0], parts["train"][0])


def test_a_column_says_the_split(written):
    text = "x,y,part\n1,2,train\n3,4,val\n5,6,train\n7,9,test\n"
    dataset = written(text, split={"column": "part"}, standardize=False)
    assert dataset.feature_names == ("x",)
    assert dataset.sizes == {"train": 2, "val": 1, "test": 1}
    assert dataset.draw(0, "train")[0].tolist() == [[1.0], [5.0]]
    assert dataset.draw(0, "val")[1].tolist() == [[4.0]]
    wrong = written(text.replace("5,6,train", "5,6,training"), split={"column": "part"})
    assert mistakes(wrong) == [
        "line 4, column 'part': 'training' is no split; it must say train, val or test in each row"
    ]


def test_files_of_their_own_are_the_splits(tmp_path):
    (tmp_path / "a.csv").write_text("x,kind,y\n1,b,2\n2,c,3\n4,b,5\n")
    (tmp_path / "b.csv").write_text("y,x,kind\n3,2,a\n")
    dataset = table(tmp_path / "a.csv", test_path=str(tmp_path / "b.csv"), standardize=False)
    assert list(dataset.mistakes()) == []
    assert dataset.sizes == {"train": 3, "val": 0, "test": 1}
    assert dataset.feature_names == ("x", "kind=a", "kind=b", "kind=c")
    assert dataset.draw(0, "train")[0].tolist() == [[1, 0, 1, 0], [2, 0, 0, 1], [4, 0, 1, 0]]
    assert dataset.draw(0, "test")[0].tolist() == [[2, 1, 0, 0]]
    assert set(dataset.files) == {str(tmp_path / "a.csv"), str(tmp_path / "b.csv")}


def test_standardisation_is_that_of_the_training_part(written):
    from sklearn.preprocessing import StandardScaler

    rng = np.random.default_rng(1)
    x = rng.normal([5, -3], [2, 100], (50, 2))
    rows = [f"{a!r},{b!r},{'uv'[i % 2]},{i}" for i, (a, b) in enumerate(x.tolist())]
    dataset = written("a,b,kind,y\n" + "\n".join(rows))
    order = generator(0, "data", 0).permutation(50)
    scaler = StandardScaler().fit(x[order[:40]])
    for split, rows in (("train", order[:40]), ("val", order[40:45])):
        inputs = dataset.draw(0, split)[0]
        assert np.allclose(inputs[:, :2], scaler.transform(x[rows]), rtol=1e-12)
        assert np.array_equal(inputs[:, 2:], np.stack([rows % 2 == 0, rows % 2 == 1], axis=1))
    scaling = dataset.scaling(0)
    assert np.allclose(scaling.mean, [*scaler.mean_, 0, 0])
    assert np.allclose(scaling.scale, [*scaler.scale_, 1, 1])
    assert written("x,y\n1,2\n3,4\n", split=ALL, standardize=False).scaling(0) is None


@pytest.mark.parametrize(
    ("text", "keys", "names", "classes"),
    [
        ("a,y\n1,no\n2,yes\n3,no\n4,yes\n", {}, ("no", "yes"), [0, 1, 0, 1]),
        ("a,y\n1,true\n2,false\n3,True\n4,FALSE\n", {}, ("false", "true"), [1, 0, 1, 0]),
        ("a,y\n1,3\n2,7\n3,3\n4,7\n", {"task": "classification"}, ("3", "7"), [0, 1, 0, 1]),
        ("a,y\n1,3\n2,7\n3,3\n4,7\n", {}, None, [3, 7, 3, 7]),
        ("a,y\n1,true\n2,false\n3,True\n4,false\n", {"task": "regression"}, None, [1, 0, 1, 0]),
    ],
)
def test_targets(written, text, keys, names, classes):
    dataset = written(text, split=ALL, seed=0, **keys)
    assert list(dataset.mistakes()) == []
    assert dataset.class_names == names
    assert dataset.num_classes == (names and len(names))
    order = generator(0, "data", 0).permutation(4)
    assert dataset.draw(0, "train")[1][:, 0].tolist() == [classes[i] for i in order]


def test_the_first_value_may_be_what_the_others_are_measured_from(written):
    text = "colour,y\nred,1\nblue,2\ngreen,3\nred,5\n"
    assert written(text, split=ALL).feature_names == ("colour=blue", "colour=green", "colour=red")
    dataset = written(text, split=ALL, drop_first=True)
    assert dataset.feature_names == ("colour=green", "colour=red")
    assert sorted(dataset.draw(0, "train")[0].tolist()) == [[0, 0], [0, 1], [0, 1], [1, 0]]


@pytest.mark.parametrize(
    ("text", "keys", "said"),
    [
        ("a,y\n1,2\n,3\n4,NA\n", {}, ["line 3, column 'a': no value; ", "line 4, column 'y': no value; "]),
        ("a,y\n1,2\nx,3\n4,6\n", {}, ["line 3, column 'a': 'x' is not a number, as the other cells"]),
        ("a,y\n1,2\n2,inf\n4,6\n", {}, ["line 3, column 'y': 'inf' is not finite"]),
        ("a,y\n1,2\n2,3,4\n4\n5,6\n", {}, ["line 3: has 3 cells where", "line 4: has 1 cells where"]),
        ("a,y\n2,2\n2,3\n2,6\n", {}, ["column 'a' is 2 in every row, and so tells nothing"]),
        ("a,y\n2,5\n3,5\n2,5\n", {}, ["is 5 in every row: there is nothing to learn"]),
        ("a,a,y\n1,2,3\n4,5,6\n", {}, ["column 'a' is there 2 times, as columns 1 and 2"]),
        ("a,y\n1,2\n3,4\n", {"target": "Y"}, ["there is no column 'Y'; did you mean 'y'?"]),
        ("a,y\n1,2\n3,4\n", {"features": ["b"]}, ["there is no column 'b'; there are 'a', 'y'"]),
        ("a,y\n1,2\n3,4\n", {"features": ["a", "y"]}, ["'y' is the target"]),
        ("y\n1\n3\n", {}, ["there is none: the file's columns are 'y'"]),
        (",y\n1,2\n3,4\n", {}, ["column 1 has no name; give it one"]),
        ("a,y\n1,2\n3,4\n", {"split": {"train": 0.8, "val": 0.2}}, ["val 0.2 of 2 rows is no row"]),
        ("a,y\n", {}, ["data.csv has no rows below its names"]),
        ("", {}, ["is empty; its first line must name its columns"]),
        ("\n,\na,y\n1,2\n3,4\n", {}, ["has an empty first line; it must name the columns"]),
        ("a,y\n1,2\n-1e300,3\n4,6\n", {}, ["line 3, column 'a': '-1e300' is larger than 1e+38"]),
        ("a,y\n1e-300,2\n2e-300,3\n3e-300,6\n", {}, ["column 'a' is 1e-300 in every row"]),
        ("1,2\n3,4\n", {"target": "2"}, ["its first line holds numbers; it must name the columns"]),
        ("a;y\n1;2\n3;4\n", {}, ['its cells seem to be separated by ";"']),
        ("a\ty\n1\t2\n", {}, ["its cells seem to be separated by a tab"]),
        ('a,y\n1,"2\n3,4\n', {}, ["has a cell that begins with a double quote and does not end"]),
        (b"a,y\n1,\xff\n3,4\n", {}, ["is not UTF-8 text"]),
        ("a,y\n1,u\n2,v\n3,u\n4,u\n", {}, ["line 3, column 'y': the only example of class 'v'"]),
        ("a,y\n1,u\n2,u\n", {}, ["is 'u' in every row: there is nothing to tell apart"]),
        ("a,y\n1,u\n2,v\n", {"task": "regression"}, ["regression needs numbers, and column 'y' holds text"]),
        ("a,y\n1,2\n3,4\n", {"split": {"train": 0.8}}, ["train, val and test add up to 0.8"]),
        ("a,y\n1,2\n3,4\n", {"split": {"train": 1, "column": "y"}}, ["either shares or a column"]),
        ("a,y\n1,2\n3,4\n", {"features": ["a", "a"]}, ["'a' is there more than once"]),
        ("a,y\nu,2\nu,4\n", {}, ["column 'a' is 'u' in every row"]),
    ],
)
def test_mistakes(written, text, keys, said):
    dataset = written(text, **({"split": ALL} | keys))
    found = mistakes(dataset)
    assert len(found) == len(said)
    for message, expected in zip(found, said, strict=True):
        assert expected in message
        assert "\n" not in message


def test_mistakes_are_told_in_the_order_of_the_lines_and_counted(written):
    rows = ["1,2"] * 60 + ["x,3"] * 50 + [",4", "5,y"]
    found = mistakes(written("a,y\n" + "\n".join(rows), split=ALL))
    assert len(found) == 23
    assert "line 62, column 'a': 'x'" in found[0]
    assert "line 112" in found[20]
    assert "line 113" in found[21]
    assert "column 'a': 30 more such cells (is not a number" in found[22]


def test_escape_codes_in_cells_do_not_reach_a_terminal(written):
    found = mistakes(written("a\x1b[2J,y\n1,2\n\x1b[31mred,3\n4,6\n", split=ALL))
    assert "\x1b" not in "".join(found)
    assert "x1b" in found[0]
    assert "\x1b" not in "".join(written("a\x1b,y\n1,2\n2,3\n", split=ALL).feature_names)


def test_rows_without_a_value_may_be_left_out(written):
    dataset = written("a,y\n1,2\n,3\n4,NA\n5,6\n", split=ALL, missing="drop", standardize=False)
    assert list(dataset.mistakes()) == []
    assert dataset.sizes["train"] == 2
    assert sorted(dataset.draw(0, "train")[0][:, 0].tolist()) == [1, 5]


@pytest.mark.parametrize("piece", [8, 2**24])
@pytest.mark.parametrize("blank", ["  ", " NA", "\t"])
@pytest.mark.parametrize("values", [("red", "blue", "red"), ("1", "2.5", "1")], ids=["text", "numbers"])
def test_a_cell_of_spaces_has_no_value(written, monkeypatch, piece, blank, values):
    monkeypatch.setattr(table_csv, "_PIECE", piece)
    text = f"a,b,y\n1,{values[0]},2\n2,{blank},3\n3,{values[1]},4\n4,{values[2]},5\n"
    (said,) = mistakes(written(text, split=ALL))
    assert said.startswith("data.csv, line 3, column 'b': no value")
    dataset = written(text, split=ALL, missing="drop", standardize=False)
    assert list(dataset.mistakes()) == []
    assert sorted(dataset.draw(0, "train")[1][:, 0].tolist()) == [2, 4, 5]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("a\tb", r"'a\tb'"),
        ("a\nb", r"'a\nb'"),
        ("\x1b[31mred", r"'\x1b[31mred'"),
        ("\u202eexe", r"'\u202eexe'"),
        (r"C:\temp", r"'C:\\temp'"),
        ("it's", '"it\'s"'),
        ("größe", "'größe'"),
        ("\t" * 41, "'" + r"\t" * 40 + "...'"),
    ],
)
def test_a_name_in_a_message_has_each_code_once(tmp_path, name, said):
    pl.DataFrame({name: [1.0, math.inf, 3.0], "y": [1.0, 2.0, 3.0]}).write_parquet(tmp_path / "t.parquet")
    (found,) = mistakes(table(tmp_path / "t.parquet", features=[name]))
    assert found.startswith(f"t.parquet, row 2, column {said}: inf is not finite")


@pytest.mark.parametrize("dtype", [pl.String, pl.Categorical, pl.Enum(["a", "b", "", " \t", "NA"])], ids=str)
@pytest.mark.parametrize("column", ["colour", "y"])
def test_a_blank_cell_of_parquet_has_no_value(tmp_path, dtype, column):
    """Empty or all spaces, as in CSV; NA is a text, since Parquet has nulls."""
    cells = pl.Series(["a", "", "b", " \t", "a", None, "NA", "b", "NA"], dtype=dtype)
    other = {"y" if column == "colour" else "colour": ["u", "v", "u"] * 3}
    pl.DataFrame({column: cells, "x": range(9), **other}).write_parquet(tmp_path / "t.parquet")
    found = mistakes(table(tmp_path / "t.parquet", split=ALL))
    assert [text.partition(": no value")[0] for text in found] == [
        f"t.parquet, row {row}, column '{column}'" for row in (2, 4, 6)
    ]
    dataset = table(
        tmp_path / "t.parquet", split=ALL, missing="drop", standardize=False, features=["colour", "x"]
    )
    assert list(dataset.mistakes()) == []
    kinds = ("NA", "a", "b")
    assert dataset.class_names == (kinds if column == "y" else ("u", "v"))
    inputs, _ = dataset.draw(0, "train")
    assert dataset.feature_names == (
        *(f"colour={k}" for k in (kinds if column == "colour" else ("u", "v"))),
        "x",
    )
    assert sorted(inputs[:, -1].tolist()) == [0, 2, 4, 6, 7, 8]


@pytest.mark.parametrize("piece", [20, 2**24])
def test_texts_of_rows_that_are_left_out_are_neither_classes_nor_features(tmp_path, monkeypatch, piece):
    monkeypatch.setattr(table_csv, "_PIECE", piece)
    rows = [(1.5, "red", "yes"), (None, "green", "maybe"), (2.5, "blue", "no")]
    rows += [(3.5, "blue", "yes"), (4.5, "red", "no"), (None, "amber", "a")]
    frame = pl.DataFrame(rows, schema=["a", "colour", "y"], orient="row")
    frame.write_csv(tmp_path / "data.csv")
    frame.write_parquet(tmp_path / "data.parquet")
    for name in ("data.csv", "data.parquet"):
        dataset = table(tmp_path / name, split=ALL, missing="drop", standardize=False)
        assert list(dataset.mistakes()) == []
        assert dataset.class_names == ("no", "yes")
        assert dataset.feature_names == ("a", "colour=blue", "colour=red")
        inputs, targets = dataset.draw(0, "train")
        drawn = {(*row, int(target)) for row, (target,) in zip(inputs.tolist(), targets, strict=True)}
        assert drawn == {(1.5, 0, 1, 1), (2.5, 1, 0, 0), (3.5, 1, 0, 1), (4.5, 0, 1, 0)}


def test_a_missing_file_and_a_directory(tmp_path):
    assert mistakes(table(tmp_path / "no.csv")) == [f"there is no file {tmp_path / 'no.csv'}"]
    assert "is a directory" in mistakes(table(tmp_path))[0]
    assert list(table(tmp_path / "no.csv", val_path=str(tmp_path / "x.csv")).mistakes()) == [
        ("path", f"there is no file {tmp_path / 'no.csv'}"),
        ("val_path", f"there is no file {tmp_path / 'x.csv'}"),
    ]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    assert "is no ordinary file" in mistakes(table(tmp_path / "pipe.csv"))[0]


def test_a_column_that_is_constant_in_the_training_rows_alone(written):
    from lrcli.errors import UsageError

    text = "a,y\n" + "".join(f"{int(i == 0)},{i}\n" for i in range(30))
    dataset = written(text, split={"train": 0.5, "val": 0.5})
    assert list(dataset.mistakes()) == []
    first = [int(np.flatnonzero(generator(s, "data", 0).permutation(30) == 0)[0]) for s in range(20)]
    without = next(s for s, place in enumerate(first) if place >= 15)
    with pytest.raises(UsageError, match=f"'a' is the same in all training rows that seed {without}"):
        dataset.draw(without, "train")
    dataset.draw(next(s for s, place in enumerate(first) if place < 15), "train")


def test_a_file_is_read_once_until_it_changes(written, monkeypatch, tmp_path):
    calls = []
    real = reading.read_table
    from lrcli.components.datasets import table_gathering

    def counted(*words, **keys):
        calls.append(words)
        return real(*words, **keys)

    monkeypatch.setattr(table_gathering, "read_table", counted)
    dataset = written("a,y\n1,2\n3,4\n5,7\n", split=ALL)
    for _ in range(3):
        assert dataset.sizes["train"] == 3
    table(dataset.path, split=ALL, standardize=False).draw(0, "train")
    assert len(calls) == 1
    (tmp_path / "data.csv").write_text("a,y\n1,2\n3,4\n")
    assert dataset.sizes["train"] == 2
    assert len(calls) == 2


@pytest.mark.parametrize(("most", "again"), [(2**28, 0), (100, 9)])
def test_small_files_are_kept_and_of_large_ones_four(tmp_path, monkeypatch, most, again):
    """Nine files of 160 bytes of numbers each, looked at in turns as a sweep over them does."""
    from lrcli.components.datasets import table_gathering

    read = []

    def counted(path, *args, **keys):
        read.append(path)
        return read_table(path, *args, **keys)

    for name in ("_tables", "_gathered"):
        monkeypatch.setattr(table_gathering, name, type(table_gathering._tables)())
    monkeypatch.setattr(table_gathering, "read_table", counted)
    monkeypatch.setattr(table_gathering, "_MOST_BYTES", most)
    paths = [tmp_path / f"{i}.csv" for i in range(9)]
    for i, path in enumerate(paths):
        path.write_text("x,y\n" + "".join(f"{j},{i * j}.5\n" for j in range(9)) + "9,1\n")
    datasets = [table(path) for path in paths]
    assert [dataset.sizes["train"] for dataset in datasets] == [8] * 9
    assert [dataset.num_features for dataset in datasets] == [1] * 9
    assert len(read) == 9 + again
    assert len(table_gathering._tables) == (9 if again == 0 else 4)
    assert datasets[8].sizes["train"] == 8
    assert len(read) == 9 + again


def test_parquet_is_read_as_csv_is(tmp_path):
    frame = pl.DataFrame(
        {
            "whole": pl.Series([1, 2, 3, 5], dtype=pl.Int16),
            "x": pl.Series([0.5, 1.5, -1, 2], dtype=pl.Float32),
            "colour": ["red", "blue", "red", "blue"],
            "flag": [True, False, True, True],
            "day": pl.Series([1, 2, 3, 4], dtype=pl.Date),
            "y": ["a", "b", "a", "b"],
        }
    )
    frame.write_parquet(tmp_path / "t.parquet")
    frame.write_csv(tmp_path / "t.csv")
    names = ["whole", "x", "colour", "flag"]
    both = [
        table(tmp_path / name, features=names, split=ALL, standardize=False)
        for name in ("t.parquet", "t.csv")
    ]
    for dataset in both:
        assert list(dataset.mistakes()) == []
        assert dataset.feature_names == ("whole", "x", "colour=blue", "colour=red", "flag")
        assert dataset.class_names == ("a", "b")
    for one, other in zip(*(dataset.draw(0, "train") for dataset in both), strict=True):
        assert np.array_equal(one, other)
    assert "column 'day' holds Date" in mistakes(table(tmp_path / "t.parquet"))[0]
    holes = frame.with_columns(x=pl.Series([None, 1.0, float("nan"), float("inf")]))
    holes.write_parquet(tmp_path / "h.parquet")
    found = mistakes(table(tmp_path / "h.parquet", features=["x"]))
    assert [text.partition(":")[0] for text in found] == [
        f"h.parquet, row {row}, column 'x'" for row in (1, 3, 4)
    ]
    (tmp_path / "bad.parquet").write_bytes(b"a,y\n1,2\n")
    assert "cannot be read" in mistakes(table(tmp_path / "bad.parquet"))[0]


def test_names_and_kinds(tmp_path):
    path = tmp_path / "data.csv"
    path.write_bytes(b'\xef\xbb\xbf a ,"b, c",d\r\n1, 2 ,x\r\n3,4,y\r\n')
    assert read_names(path, ",") == ["a", "b, c", "d"]
    found = read_table(path, ",", ["a", "b, c", "d"], drop_missing=False)
    assert isinstance(found.columns["b, c"], NumberColumn)
    assert isinstance(found.columns["d"], TextColumn)
    assert found.columns["b, c"].values.tolist() == [2, 4]
    assert found.columns["d"].names == ("x", "y")
    with pytest.raises(TableError, match="no file"):
        read_names(tmp_path / "none.csv", ",")


def test_reading_is_watched(tmp_path, monkeypatch):
    path = tmp_path / "data.csv"
    path.write_text("a,y\n" + "1,2\n" * 100)
    monkeypatch.setattr(table_csv, "_PIECE", 100)
    seen = []
    with watching(lambda *told: seen.append(told)):
        read_table(path, ",", ["a"], drop_missing=False)
    read_table(path, ",", ["a"], drop_missing=False)
    assert [done for _, done, _ in seen] == sorted({done for _, done, _ in seen})
    assert seen[-1] == (path, 404, 404)
