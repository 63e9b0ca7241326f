"""Datasets of IDX files: what is read, and what is said of files that cannot be."""

import gzip
import json
import os
import struct
from pathlib import Path

import numpy as np
import pytest
from builders import component
from idx_files import CODES, idx_bytes, write_digits, write_idx

from lrcli.components.datasets import idx_reading
from lrcli.components.datasets.idx_reading import forget_changed, read_idx
from lrcli.errors import ExperimentError, UsageError
from lrcli.experiment.loading import load
from lrcli.training.problem import build_problem

RNG = np.random.default_rng(3)
IMAGES = RNG.integers(0, 256, (40, 3, 2))
LABELS = np.arange(40) % 4
FILE = {
    "dataset": {"kind": "idx", "images": "images", "labels": "labels", "num_val": 10, "seed": 5},
    "model": {"kind": "mlp", "hidden": [3]},
    "loss": {"kind": "cross_entropy"},
    "optimizer": {"kind": "sgd", "lr": 0.1},
    "training": {"batch_size": 5},
}


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with images and labels."""
    monkeypatch.chdir(tmp_path)
    write_idx(tmp_path / "images", IMAGES)
    write_idx(tmp_path / "labels", LABELS)
    return tmp_path


def experiment(**keys):
    """What is loaded from a file with other keys of the dataset."""
    content = FILE | {"dataset": FILE["dataset"] | keys}
    Path("exp.yaml").write_text(json.dumps({k: v for k, v in content.items() if v is not None}))
    return load(Path("exp.yaml"))


def dataset(**keys):
    return experiment(**keys).experiment.dataset


# Read ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("kind", CODES)
def test_every_type_of_numbers(tmp_path, kind, packed):
    numbers = np.array([[1, 2, 3], [100, 0, 7]]) * (-1 if kind != "u1" else 1)
    path = write_idx(tmp_path / "file", numbers, kind, packed)
    np.testing.assert_array_equal(read_idx(path), numbers)
    assert not read_idx(path).flags.writeable


def test_a_file_of_mnist_byte_by_byte(tmp_path):
    """As the table of the database's page describes t10k-labels-idx1-ubyte."""
    (tmp_path / "labels").write_bytes(bytes.fromhex("00000801 00000003 07 02 01"))
    assert read_idx(str(tmp_path / "labels")).tolist() == [7, 2, 1]
    (tmp_path / "images").write_bytes(bytes.fromhex("00000803 00000002 00000001 00000002 00 ff 80 01"))
    assert read_idx(str(tmp_path / "images")).tolist() == [[[0, 255]], [[128, 1]]]


@pytest.mark.parametrize(("said", "there"), [("images", "images.gz"), ("images.gz", "images")])
def test_a_file_may_be_packed_or_not_whatever_is_said(place, said, there):
    (place / "images").unlink()
    write_idx(place / there, IMAGES, packed="gz" in there)
    assert dataset(images=said).num_features == 6


def test_the_name_does_not_tell_whether_a_file_is_packed(place):
    write_idx(place / "images", IMAGES, packed=True)
    assert dataset().num_features == 6


def test_what_a_dataset_says_of_itself(place):
    data = dataset(test_images="images", test_labels="labels", num_train=25)
    assert data.sizes == {"train": 25, "val": 10, "test": 40}
    assert dataset().sizes == {"train": 30, "val": 10, "test": 0}
    assert (data.num_features, data.num_classes) == (6, 4)
    assert experiment().notes == []


def test_pixels_are_scaled_and_lie_row_by_row(place):
    inputs, targets = dataset(num_val=0).draw(0, "train")
    np.testing.assert_array_equal(inputs, IMAGES.reshape(40, 6) / 255)
    np.testing.assert_array_equal(targets, LABELS[:, None])
    assert inputs.dtype == targets.dtype == np.float64
    inputs, _ = dataset(scale=16, num_val=0).draw(0, "train")
    np.testing.assert_array_equal(inputs, IMAGES.reshape(40, 6) / 16)
    write_idx(place / "images", IMAGES / 7, "f8")  # of other types than bytes, as they are
    np.testing.assert_array_equal(dataset(num_val=0).draw(0, "train")[0], (IMAGES / 7).reshape(40, 6))


def places(data, seed, split):
    """Where in the file each example of a split stands; all pixels of an image tell."""
    whole = [tuple(row) for row in (IMAGES.reshape(40, 6) / 255).tolist()]
    inputs, targets = data.draw(seed, split)
    found = [whole.index(tuple(row)) for row in inputs.tolist()]
    np.testing.assert_array_equal(targets[:, 0], LABELS[found])
    return found


def test_what_is_put_aside(place):
    """Random, fixed by the dataset's seed, nothing twice, in the order of the file."""
    data = dataset()
    train, val = places(data, 0, "train"), places(data, 0, "val")
    assert sorted(train + val) == list(range(40))
    assert train == sorted(train)
    assert val == sorted(val) != list(range(10))
    assert places(data, 9, "val") == val
    assert places(dataset(seed=6), 9, "val") != val
    assert places(dataset(seed=None), 5, "val") == val  # the run's takes its place
    fewer = dataset(num_train=7)
    assert places(fewer, 0, "val") == val
    assert len(set(places(fewer, 0, "train")) & set(train)) == 7


def test_drawn_in_portions_as_at_once(place, monkeypatch):
    whole = dataset().draw(0, "train")[0]
    monkeypatch.setattr("lrcli.components.datasets.idx_file._TOGETHER", 20)
    np.testing.assert_array_equal(dataset().draw(0, "train")[0], whole)


def test_a_problem_is_made_of_it(place):
    loaded = experiment(test_images="images", test_labels="labels").experiment
    problem = build_problem(loaded.dataset, loaded.model, loaded.loss, [0, 1])
    assert len(problem.sources) == 2
    train = problem.splits["train"]
    assert train.inputs.shape == (2, 30, 6)
    np.testing.assert_array_equal(train.targets.argmax(-1)[0], LABELS[places(loaded.dataset, 0, "train")])
    np.testing.assert_array_equal(problem.splits["test"].inputs[1], IMAGES.reshape(40, 6) / 255)


def test_a_run_does_not_mind_what_becomes_of_its_files(place):
    data = dataset()
    before = data.draw(0, "train")[0]
    write_idx(place / "images", IMAGES[:2])
    (place / "labels").unlink()
    np.testing.assert_array_equal(data.draw(0, "train")[0], before)
    with pytest.raises(ExperimentError, match="there is no file"):
        dataset()
    write_idx(place / "labels", LABELS[:2])
    assert dataset(num_val=1).sizes["train"] == 1  # a file that is loaded anew, is read anew


def test_only_some_files_are_kept(tmp_path):
    for number in range(30):
        read_idx(write_idx(tmp_path / str(number), [number]))
    assert len(idx_reading._kept) == idx_reading._KEPT_FILES
    forget_changed(str(tmp_path / "29"))
    os.utime(tmp_path / "28", ns=(1, 1))
    forget_changed(str(tmp_path / "28"))
    assert str(tmp_path / "29") in idx_reading._kept
    assert str(tmp_path / "28") not in idx_reading._kept


# Refused ------------------------------------------------------------------------------------------------


def refused(**keys):
    """The first line of each mistake, without the file's place."""
    with pytest.raises(ExperimentError) as caught:
        experiment(**keys)
    return [mistake.splitlines()[0].partition(" dataset.")[2] for mistake in caught.value.mistakes]


WHOLE = idx_bytes(IMAGES)
PACKED = gzip.compress(WHOLE, 1)
DAMAGED = {  # what the file of the images holds, and what is said of it
    "empty": (b"", "is empty"),
    "a byte": (b"\0", "is not in the IDX format"),
    "text": (b"one two three", "is not in the IDX format"),
    "a web page": (b"<!DOCTYPE html>", "is not in the IDX format: it is a web page"),
    "a ZIP archive": (b"PK\x03\x04" + bytes(40), "it is a ZIP archive, to be unpacked"),
    "a type that is not": (b"\0\0\x0a\x01" + bytes(8), "is not in the IDX format"),
    "no sizes": (b"\0\0\x08\0\x05", "is not in the IDX format"),
    "in its header": (WHOLE[:9], "ends within its header"),
    "cut off": (WHOLE[:-1], "holds 239 numbers, and its header says 40 x 3 x 2 numbers"),
    "going on": (WHOLE + b"\0", "goes on after what its header says, 40 x 3 x 2 numbers"),
    "a huge size": (b"\0\0\x08\x03" + b"\xff" * 12, "is too short for what its header says"),
    "a huge size, packed": (
        gzip.compress(b"\0\0\x08\x03" + b"\xff" * 12),
        "is too short for what its header",
    ),
    "too little, packed": (gzip.compress(WHOLE[:-3]), "holds 237 numbers, and its header says 40 x 3 x 2"),
    "too much, packed": (gzip.compress(WHOLE + bytes(10**6)), "goes on after what its header says"),
    "cut off, packed": (PACKED[: len(PACKED) // 2], "ends in the middle of its gzip data"),
    "without its end, packed": (PACKED[:-8], "ends in the middle of its gzip data"),
    "changed, packed": (PACKED[:-5] + b"x" + PACKED[-4:], "its gzip data are damaged"),
    "mangled, packed": (PACKED[:10] + b"\xff" * 40 + PACKED[50:], "its gzip data are damaged"),
    "packed twice": (gzip.compress(PACKED), "is not in the IDX format"),
    "no images": (idx_bytes(np.zeros((0, 3, 2))), "holds no pixels: its sizes are 0 x 3 x 2"),
    "no pixels": (idx_bytes(np.zeros((40, 0, 2))), "holds no pixels: its sizes are 40 x 0 x 2"),
    "not finite": (idx_bytes(np.full((40, 2), np.nan), "f4"), "holds numbers that are not finite"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_file(place, name):
    content, message = DAMAGED[name]
    (place / "images").write_bytes(content)
    said = refused()
    assert len(said) == 1
    assert said[0].startswith("images: ")
    assert message in said[0]
    if name not in {"no images", "no pixels", "not finite"}:
        assert said[0].endswith(f": {place / 'images'}")


def test_a_file_that_unpacks_without_end(place):
    """Nothing beyond what the header says is ever unpacked."""
    (place / "images").write_bytes(gzip.compress(WHOLE + bytes(2 * 10**7), 1))
    idx_reading._kept.clear()
    with pytest.raises(UsageError, match="goes on after"):
        read_idx(str(place / "images"))
    assert not idx_reading._kept


BAD_LABELS = {
    "of too few": (LABELS[:39], "u1", "has 39 labels for 40 images"),
    "one": (LABELS[:1], "u1", "has 1 label for 40 images"),
    "below zero": (LABELS - 1, "i1", "label 0 is -1; classes are 0, 1, 2, ..."),
    "in between": (LABELS + (np.arange(40) == 3) / 2, "f4", "label 3 is 3.5; classes are"),
    "not numbers": (np.where(LABELS == 2, np.nan, 1), "f8", "label 2 is nan; classes are"),
    "of a million": (
        LABELS * 10**6,
        "i4",
        "its largest label is 3,000,000; classes are 0, 1, 2, ..., below 1,",
    ),
    "of one class": (LABELS * 0, "u1", "all its labels are 0: there is nothing to tell apart"),
}


@pytest.mark.parametrize("name", BAD_LABELS)
def test_labels_that_are_none(place, name):
    labels, kind, message = BAD_LABELS[name]
    write_idx(place / "labels", labels, kind)
    (said,) = refused()
    assert said.startswith(f"labels: {message}")


def test_images_and_labels_swapped(place):
    assert refused(images="labels", labels="images") == [
        "images: holds single numbers, not images; are images and labels swapped?",
        "labels: holds images, not labels; are images and labels swapped?",
    ]


def test_what_does_not_fit_the_test_files(place):
    write_idx(place / "other", IMAGES[:, :, :1])
    write_idx(place / "more", LABELS + 3)
    assert refused(test_images="other", test_labels="more") == [
        "test_images: has images of 3 x 1, and those of training are of 3 x 2",
        "test_labels: has class 6, and the classes of training are 0 to 3",
    ]
    assert refused(test_images="images") == ["test_images: needs test_labels, their classes"]
    assert refused(test_labels="labels") == ["test_labels: needs test_images, the images that they are of"]


def test_counts_that_are_not_there(place):
    assert refused(num_val=40) == ["num_val: leaves nothing to train on: the files hold 40 examples"]
    assert refused(num_val=10, num_train=31) == [
        "num_train: is more than there are: 40 in the files, less 10 of num_val, are 30"
    ]
    assert dataset(num_val=10, num_train=30).sizes["train"] == 30


def test_places_that_hold_no_file(place):
    (place / "folder").mkdir()
    (said,) = refused(images="folder")
    assert said == f"images: is a directory: {place / 'folder'}"
    if os.name == "posix":
        os.mkfifo("pipe")
        assert refused(images="pipe") == [f"images: is no plain file: {place / 'pipe'}"]
    assert "there is no file" in refused(images="x" * 5000)[0]
    assert "there is no file" in refused(images="a\0b")[0]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read every file")
def test_a_file_that_may_not_be_read(place):
    (place / "images").chmod(0)
    assert refused() == [f"images: cannot be read (Permission denied): {place / 'images'}"]


def test_files_that_are_missing_are_all_named(place):
    names = "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", "t10k-images-idx3-ubyte", "none"
    keys = dict(zip(("images", "labels", "test_images", "test_labels"), names, strict=True))
    assert refused(**keys) == [
        f"images: there is no file {place / names[0]}: the 60,000 training images of MNIST belong there, "
        "packed (.gz) or not",
        f"labels: there is no file {place / names[1]}: the labels of MNIST's training images belong there, "
        "packed (.gz) or not",
        f"test_images: there is no file {place / names[2]}: the 10,000 test images of MNIST belong there, "
        "packed (.gz) or not",
        f"test_labels: there is no file {place / names[3]}, nor none.gz beside it",
    ]
    write_idx(place / "train-images.idx3-ubyte", IMAGES)  # as another mirror calls it
    (said,) = refused(images=names[0])
    assert said.endswith("; did you mean train-images.idx3-ubyte, which is there?")


def test_other_mistakes_are_told_with_missing_files(place):
    content = FILE | {"dataset": FILE["dataset"] | {"images": "none"}, "engine": "compiled", "device": "cuda"}
    Path("exp.yaml").write_text(json.dumps(content))
    with pytest.raises(ExperimentError) as caught:
        load(Path("exp.yaml"))
    assert len(caught.value.mistakes) == 2


def test_gaps_between_classes_are_told(place):
    write_idx(place / "labels", np.where(LABELS == 2, 9, LABELS))
    notes = experiment().notes
    assert notes == [
        "dataset.labels: the largest label is 9, so there are 10 classes, 0 to 9, of which no example has "
        "2, 4, 5, 6, 7, 8; the model has an output for each of them, too. If they are no classes, number the "
        "labels 0, 1, 2 and so on"
    ]
    write_idx(place / "labels", LABELS * 33)
    assert "no example has 1, 2, 3, 4, 5, 6, 7, 8, ...; the model" in experiment().notes[0]


def test_a_path_is_relative_to_the_file_that_says_it(place):
    (place / "below").mkdir()
    (place / "below" / "exp.yaml").write_text(
        json.dumps(FILE | {"dataset": {"seed": 1}} | {"extends": "../exp.yaml"})
    )
    loaded = experiment(test_images="images", test_labels="labels").experiment
    below = load(place / "below" / "exp.yaml").experiment
    assert below.dataset.test_images == str(place / "images")  # a path that may be left out, too
    assert below.dataset.images == loaded.dataset.images == str(place / "images")


def test_scikit_learns_digits_are_what_it_says(tmp_path):
    from sklearn.datasets import load_digits

    data = component("dataset", kind="idx", scale=16, **write_digits(tmp_path))
    assert not list(data.mistakes())
    (inputs, targets), (tested, of_test) = data.draw(0, "train"), data.draw(0, "test")
    order = np.random.default_rng(0).permutation(1797)
    np.testing.assert_array_equal(np.concatenate([inputs, tested]), load_digits().data[order] / 16)
    np.testing.assert_array_equal(np.concatenate([targets, of_test])[:, 0], load_digits().target[order])
    assert struct.unpack(">4I", gzip.decompress(Path(data.images).read_bytes())[:16]) == (2051, 1437, 8, 8)
