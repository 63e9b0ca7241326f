"""What is known of members, piece by piece: any block of any of it is what NumPy makes of the whole."""

import csv
import io
import itertools
import json

import numpy as np
import pytest

from lrcli.analysis import outcomes as judging
from lrcli.analysis.sweep_results import SweepResults
from lrcli.config.metrics import split_of
from lrcli.experiment.loading import load
from lrcli.running.location import Interruption, OutputLocation
from lrcli.storage.array_file import StreamedArray, put_arrays, stored_arrays
from lrcli.sweeps import collection, columns, tables
from lrcli.sweeps.columns import Block, MemberArrays, Piece, block_of, blocks_of, streamed
from lrcli.sweeps.files import SweepFiles
from lrcli.sweeps.group import Group, Variant
from lrcli.sweeps.plan import plan_sweep
from lrcli.sweeps.reading import read_sweep
from lrcli.sweeps.running import SweepFinished, run_sweep

SEEDS = (5, 3, 8, 1)
LINE = {
    "name": "line",
    "dataset": {"kind": "linear", "w": [2.0, -3.4], "b": 4.2, "noise": 0.01, "num_train": 6, "num_val": 5},
    "model": {"kind": "linear"},
    "loss": {"kind": "half_mse"},
    "optimizer": {"kind": "sgd", "lr": 0.05},
    "training": {"epochs": 3, "batch_size": 3},
    "logging": {"figures": False, "tensorboard": False, "report": False},
}


@pytest.mark.parametrize("most", [1, 2, 5, 99])
@pytest.mark.parametrize("shape", [(1, 1), (3, 4), (1, 9), (7, 2)])
def test_blocks_are_all_members_in_their_order(shape, most):
    members = np.arange(shape[0] * shape[1]).reshape(shape)
    found = [members[block.seeds, block.configurations] for block in blocks_of(shape, most)]
    assert np.concatenate([each.ravel() for each in found]).tolist() == members.ravel().tolist()
    assert max(each.size for each in found) <= most
    assert [each.shape for each in found] == [block.shape for block in blocks_of(shape, most)]


def made_pieces(generator, groups, records):
    """Arrays of the members of groups that are cut into parts; and the same (S, C), (S, C, T) by hand."""
    count = sum(map(len, groups))
    whole, curves = np.full((len(SEEDS), count), np.nan), np.full((len(SEEDS), count, max(records)), np.nan)
    pieces = []
    for numbers, length in zip(groups, records, strict=True):
        group = Group((Variant(None, np.array(numbers), {}),), SEEDS)
        edges = [0, *sorted(generator.choice(np.arange(1, group.size), 2, replace=False)), group.size]
        for first, last in itertools.pairwise(map(int, edges)):
            number, curve = generator.random(last - first), generator.random((last - first, length))
            for row, member in enumerate(range(first, last)):
                seed, local = divmod(member, len(numbers))
                whole[seed, numbers[local]] = number[row]
                curves[seed, numbers[local], :length] = curve[row]
            pieces.append(Piece(group, range(first, last), {"a": number, "history:c": curve}))
    return pieces, whole, curves


@pytest.mark.parametrize("stored", [False, True])
@pytest.mark.parametrize(
    ("groups", "records"),
    [([range(6)], [3]), ([[0, 3, 4], [1, 2, 5]], [2, 4]), ([[4, 0, 2], [5, 3], [1]], [1, 3, 2])],
)
def test_any_block_is_that_of_the_whole(groups, records, stored, tmp_path):
    generator = np.random.default_rng(3)
    pieces, whole, curves = made_pieces(generator, [list(numbers) for numbers in groups], records)
    arrays = MemberArrays(whole.shape, curves.shape[2])
    for number in generator.permutation(len(pieces)).tolist():
        piece = pieces[number]
        if stored:
            path = tmp_path / f"{number}.npz"
            with path.open("wb") as file:  # as `numpy.ndarray.T` gives it, too
                put_arrays(
                    file, {"a": piece.arrays["a"], "history:c": np.asfortranarray(piece.arrays["history:c"])}
                )
            with path.open("rb") as file:
                piece = Piece(piece.group, piece.members, stored_arrays(path, file))
        arrays.add(number, piece)
    assert arrays.names("history:") == ["c"]
    for most in (1, 2, 4, 7, 100):
        for block in blocks_of(whole.shape, most):
            at = (block.seeds, block.configurations)
            np.testing.assert_array_equal(arrays.read("a", block), whole[at])
            np.testing.assert_array_equal(arrays.read("history:c", block, curves=True), curves[at])
    np.testing.assert_array_equal(arrays.read("a"), whole)
    assert np.isnan(arrays.read("b")).all()


@pytest.mark.parametrize(
    "array", [np.arange(24.0).reshape(6, 4), np.arange(6), np.zeros((0, 3)), np.ones(5) > 0]
)
def test_a_streamed_array_is_written_as_one_in_memory(array):
    plain, pieces = io.BytesIO(), io.BytesIO()
    put_arrays(plain, {"a": array})
    put_arrays(pieces, {"a": StreamedArray(array.shape, array.dtype, iter(np.array_split(array, 4)))})
    assert without_times(pieces) == without_times(plain)


def without_times(file):
    """A zip file without the moments at which its members were written."""
    return np.load(io.BytesIO(file.getvalue()))["a"].tobytes(), len(file.getvalue())


def test_pieces_of_another_array_are_refused():
    for pieces in ([np.zeros((2, 3))], [np.zeros((4, 2))], [np.zeros((4, 3), dtype=np.float32)]):
        with pytest.raises(ValueError, match="piece"):
            put_arrays(io.BytesIO(), {"a": StreamedArray((4, 3), np.dtype(np.float64), pieces)})


def test_a_table_of_arrays_is_streamed_like_one_of_columns():
    values = np.arange(24.0).reshape(2, 3, 4)
    (piece,) = streamed({"a": values}, "a", values.shape, np.float64).pieces
    assert piece.tolist() == values.reshape(6, 4).tolist()
    block = Block(slice(1, 2), slice(0, 2))
    assert block_of({"a": values}, "a", block).tolist() == values[1:2, :2].tolist()


TABLES = ("final", "errors", "curves", "undetermined")
GRIDS = {
    "one population": ({"optimizer.lr": {"values": [0.01, 0.2, 1.9, 30.0]}}, 10**9),
    "epochs differ": (
        {"training.epochs": {"values": [1, 3]}, "optimizer.lr": {"values": [0.1, 50.0]}},
        10**9,
    ),
    "parts": ({"dataset.noise": {"values": [0.0, 1.0]}, "optimizer.momentum": {"values": [0.0, 0.9]}}, 9000),
}


def swept(folder, grid, memory):
    """Runs a sweep: from the names of its files to their content, and what its results hold."""
    folder.mkdir()
    file = folder / "experiment.yaml"
    file.write_text(json.dumps(LINE | {"sweep": {"grid": grid, "seeds": 5}}))
    plan = plan_sweep(load(file), memory)
    found = {}
    for event in run_sweep(plan, SweepFiles(plan, OutputLocation(run_dir=folder / "run")), Interruption()):
        if isinstance(event, SweepFinished):  # of large sweeps the parts are gone after it
            found = {table: dict(getattr(event.results, table)) for table in TABLES}
    names = ("results.csv", "summary.csv", "recovery.csv", "curves.npz", "reference.npz")
    return {name: content(folder / "run" / name) for name in names}, found


def content(path):
    if path.suffix == ".csv":
        return path.read_bytes()
    with np.load(path) as arrays:
        return {name: (arrays[name].dtype, arrays[name].shape, arrays[name].tobytes()) for name in arrays}


@pytest.mark.parametrize("name", GRIDS)
def test_pieces_of_any_size_make_the_same_files(name, tmp_path, monkeypatch):
    grid, memory = GRIDS[name]
    plain, _ = swept(tmp_path / "plain", grid, memory)
    monkeypatch.setattr(collection, "IN_MEMORY", 0)
    monkeypatch.setattr(columns.blocks_of, "__defaults__", (3,))
    monkeypatch.setattr(judging, "_MEMBERS", 3)
    monkeypatch.setattr(tables, "_CELLS", 40)
    pieces, found = swept(tmp_path / "pieces", grid, memory)
    assert pieces == plain
    again = read_sweep(tmp_path / "pieces" / "run").results
    check_table(plain["results.csv"], again)
    for table, arrays in found.items():
        read = getattr(again, table)
        assert list(read) == list(arrays)
        assert all(read[name].tobytes() == values.tobytes() for name, values in arrays.items())


def check_table(text, results: SweepResults):
    """The numbers of results.csv are the last ones of the curves, where there are such."""
    rows = list(csv.DictReader(io.StringIO(text.decode())))
    assert [row["status"] for row in rows] == results.status.ravel().tolist()
    for metric in results.final:
        written = np.array([float(row[metric] or "nan") for row in rows])
        np.testing.assert_array_equal(written, results.final[metric].ravel())
        if split_of(metric) == "val":
            ended = np.array([row["status"] == "completed" for row in rows])
            last = (results.epoch >= 0).sum(axis=1) - 1
            curve = np.take_along_axis(results.curves[metric], last[None, :, None], axis=2).ravel()
            np.testing.assert_array_equal(written[ended], curve[ended])
