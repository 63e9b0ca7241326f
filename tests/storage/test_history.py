"""Histories and tables: filled record by record, written, and read back."""

import io
import pickle

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lrcli.errors import RunDirectoryError
from lrcli.storage.files import write_arrays
from lrcli.storage.history import GrowingHistory, History
from lrcli.storage.table_reading import read_curves, read_members, read_metrics
from lrcli.storage.tables import cells, csv_text, swept_text, swept_value

SETTINGS = settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
floats = st.floats(allow_subnormal=False)  # which are flushed to zero in a process that has trained
names = st.text('abc/[0]_," \n', min_size=1, max_size=6).filter(lambda name: name not in {"step", "epoch"})


def same(one, other):
    """The same bits, the same names in the same order."""
    assert one.epoch.tolist() == other.epoch.tolist()
    assert one.step.tolist() == other.step.tolist()
    assert list(one.metrics) == list(other.metrics)
    for name, values in one.metrics.items():
        assert values.shape == other.metrics[name].shape
        np.testing.assert_array_equal(values, other.metrics[name])


@SETTINGS
@given(data=st.data(), members=st.integers(1, 4), room=st.integers(0, 9))
def test_chunks_of_any_size_are_one_history(data, members, room):
    """Also where a metric is there from some record on only."""
    sizes = data.draw(st.lists(st.integers(0, 7), max_size=6))
    random = np.random.default_rng(len(sizes))
    loss = random.normal(size=(sum(sizes), members))
    late = data.draw(st.integers(0, len(sizes)))
    growing, first = GrowingHistory(members, room), 0
    expected = np.full_like(loss, np.nan)
    for number, size in enumerate(sizes):
        rows = slice(first, first + size)
        first += size
        metrics = {"loss": loss[rows]}
        if number >= late:
            metrics["late"] = 2 * loss[rows]
            expected[rows] = 2 * loss[rows]
        growing.add(np.arange(rows.start, rows.stop) + 1, 3 * np.arange(rows.start, rows.stop), metrics)
    history = growing.history
    assert len(growing) == len(loss)
    assert history.epoch.tolist() == list(range(1, len(loss) + 1))
    assert history.step.tolist() == list(range(0, 3 * len(loss), 3))
    for name, values in {"loss": loss, "late": expected}.items():
        if name in history.metrics:
            np.testing.assert_array_equal(history.metrics[name], values.T)
    same(pickle.loads(pickle.dumps(history)), history)  # noqa: S301 - written a moment ago


def test_room_grows_with_what_there_is():
    """A million records of a run take eight bytes for each number, and at most as much again."""
    growing = GrowingHistory(1)
    for first in range(0, 1000, 10):
        growing.add(np.arange(10) + first, np.arange(10), {"loss": np.zeros((10, 1))})
    assert growing.history.metrics["loss"].base.nbytes <= 2 * 8 * 1000


@SETTINGS
@given(st.data(), st.integers(1, 3), st.integers(0, 5), st.booleans())
def test_curves_are_read_back(tmp_path, data, members, records, of_each):
    shape = (members, records) if of_each else (records,)
    axis = np.arange(np.prod(shape)).reshape(shape)
    metrics = {
        name: np.array(data.draw(st.lists(floats, min_size=members * records, max_size=members * records)))
        .reshape(members, records)
        .astype(np.float64)
        for name in data.draw(st.lists(st.text("abc/", min_size=1, max_size=4), unique=True, max_size=3))
    }
    history = History(axis, 2 * axis, {f"x{name.replace('/', '_')}": v for name, v in metrics.items()})
    write_arrays(tmp_path / "curves.npz", history.arrays)
    same(read_curves(tmp_path / "curves.npz"), history)


@SETTINGS
@given(st.lists(names, unique=True, max_size=4), st.lists(floats, max_size=5))
def test_a_table_of_metrics_is_read_back(tmp_path, metrics, numbers):
    """As a run writes it: NaN and infinity by name."""
    count = np.arange(len(numbers))
    columns = {"epoch": cells(count), "step": cells(count)} | {
        name: list(map(repr, numbers)) for name in metrics
    }
    (tmp_path / "metrics.csv").write_bytes(csv_text(columns).encode())
    expected = History(count, count, {name: np.array([numbers], dtype=np.float64) for name in metrics})
    same(read_metrics(tmp_path / "metrics.csv"), expected)


swept = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False)
)
swept |= st.sampled_from(["sgd", "relu", "a, b", 'say "x"']) | st.lists(st.integers(), max_size=3)
swept |= st.dictionaries(st.sampled_from(["kind", "std"]), st.floats(0, 1, allow_subnormal=False), max_size=2)


@SETTINGS
@given(st.lists(st.tuples(swept, floats), min_size=1, max_size=5))
def test_a_table_of_members_is_read_back(tmp_path, rows):
    values, numbers = zip(*rows, strict=True)
    count = np.arange(len(rows))
    columns = {
        "member": cells(count),
        "seed": cells(count + 5),
        "model.init": cells([swept_text(value) for value in values]),
        "status": cells(["completed"] * len(rows)),
        "outcome": cells(["stuck"] * len(rows)),
        "diverged_step": ["" if n % 2 else str(n) for n in count],
        "epochs": cells(count),
        "val/loss": cells(np.array(numbers)),
    }
    (tmp_path / "results.csv").write_bytes(csv_text(columns).encode())
    table = read_members(tmp_path / "results.csv")
    assert table.values == {"model.init": values}
    assert table.seed.tolist() == (count + 5).tolist()
    assert table.diverged_step.tolist() == [0 if n % 2 else n for n in count]
    np.testing.assert_array_equal(table.numbers["val/loss"], numbers)


def test_a_swept_key_that_a_member_does_not_have():
    assert swept_value("") is None
    assert swept_value(swept_text(None)) is None


READERS = {"metrics.csv": read_metrics, "results.csv": read_members, "curves.npz": read_curves}


def arrays(**named):
    file = io.BytesIO()
    np.savez(file, **named)
    return file.getvalue()


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hello",
        b"epoch,step,a\n1,2\n",
        b"epoch,step,a\n1,2,x\n",
        b"a,b\n1,2\n",
        b"\xff\n",
        arrays(a=[1]),
        arrays(epoch=1, step=1),
        arrays(epoch=[1], step=1),
    ],
)
def test_what_is_damaged_is_refused_by_its_name(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(RunDirectoryError, match="has been damaged; train again"):
        READERS[name](tmp_path / name)
    with pytest.raises(RunDirectoryError, match=r"cannot be read: .*; name a file of a run or a sweep"):
        READERS[name](tmp_path / "nothing")
