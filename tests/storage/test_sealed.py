"""Sealed files and states: what has been damaged is never taken for what was written."""

import os
import random

import numpy as np
import pytest

from lrcli.errors import RunDirectoryError, WriteError
from lrcli.storage import sealed, state
from lrcli.storage.sealed import read_sealed, write_sealed
from lrcli.storage.state import delete_states, read_state, write_state

ARRAYS = {
    "loop/engine/parameters": np.arange(6, dtype=np.float32).reshape(2, 3),
    "loop/members/status": np.array(["running", "diverged"]),
    "epoch": np.array(7),
    "nothing": np.zeros((0, 3)),
    "name": np.array("né"),
    "whether": np.array([True, False]),
}


def same(one, other):
    return one.keys() == other.keys() and all(
        (one[name].dtype, one[name].shape, one[name].tobytes())
        == (other[name].dtype, other[name].shape, other[name].tobytes())
        for name in one
    )


class Content:
    """A path to a file of some content, without the file."""

    def __init__(self, content):
        self.read_bytes = lambda: content
        self.exists = self.is_file = lambda: True


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state.npz"


def test_what_is_written_is_read(path):
    write_sealed(path, ARRAYS)
    assert same(read_sealed(path), ARRAYS)
    with np.load(path) as archive:  # as anybody would
        assert archive["loop/engine/parameters"].tolist() == [[0, 1, 2], [3, 4, 5]]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes in directories")
def test_a_pipe(path):
    """Reading it would never end."""
    os.mkfifo(path)
    assert read_sealed(path) is None
    assert read_state(path).damaged == (path,)


def test_cut_short_at_every_length(path):
    write_sealed(path, ARRAYS)
    content = path.read_bytes()
    for length in range(len(content)):
        assert read_sealed(Content(content[:length])) is None


def test_a_thousand_flipped_bits(path):
    write_sealed(path, ARRAYS)
    content, rng = path.read_bytes(), random.Random(0)  # noqa: S311
    for _ in range(1000):
        damaged = bytearray(content)
        damaged[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        assert read_sealed(Content(bytes(damaged))) is None


@pytest.mark.parametrize("content", [b"", b"x" * 31, b"x" * 33, bytes(1000)])
def test_what_is_no_such_file(path, content):
    path.write_bytes(content)
    assert read_sealed(path) is None


def test_objects_are_neither_written_nor_read(path):
    """Reading them could run code."""
    with pytest.raises(ValueError, match="allow_pickle=False"):
        write_sealed(path, {"code": np.array([print])})
    assert not path.exists()


def test_a_newer_format(path, monkeypatch):
    monkeypatch.setattr(sealed, "_VERSION", 2)
    write_sealed(path, ARRAYS)
    monkeypatch.undo()
    with pytest.raises(RunDirectoryError, match="is of format 2, from a newer lrcli; this one knows 1"):
        read_sealed(path)


# The last state and the one before it.


def numbered(number):
    return {"number": np.array(number)}


def test_the_one_before_is_kept(path):
    assert (read_state(path).arrays, read_state(path).damaged) == (None, ())
    for number in range(3):
        write_state(path, numbered(number))
    before = path.with_name("state-before.npz")
    assert read_state(path).arrays["number"] == 2
    assert sorted(path.parent.iterdir()) == [before, path]
    path.write_bytes(path.read_bytes()[:-1])
    kept = read_state(path)
    assert (kept.arrays["number"], kept.damaged) == (1, (path,))
    before.write_bytes(b"")
    kept = read_state(path)
    assert (kept.arrays, kept.damaged) == (None, (path, before))
    delete_states(path)
    assert not list(path.parent.iterdir())


@pytest.mark.parametrize("step", range(3))
def test_killed_between_two_of_its_steps(path, monkeypatch, step):
    """Written aside, the old one put away, the new one put in its place."""
    for number in range(2):
        write_state(path, numbered(number))
    write, replace, done = state.write_sealed, type(path).replace, []

    def dying(work):
        def working(*arguments):
            if len(done) == step:
                raise KeyboardInterrupt
            done.append(work)
            return work(*arguments)

        return working

    monkeypatch.setattr(state, "write_sealed", dying(write))
    monkeypatch.setattr(
        type(path), "replace", lambda file, to: (dying(replace) if file.name[0] != "." else replace)(file, to)
    )
    with pytest.raises(KeyboardInterrupt):
        write_state(path, numbered(2))
    monkeypatch.undo()
    kept = read_state(path)
    assert kept.damaged == ()
    assert kept.arrays["number"] == 1
    write_state(path, numbered(3))
    assert read_state(path).arrays["number"] == 3


def test_one_that_cannot_be_written(path, monkeypatch):
    write_state(path, numbered(0))

    def full(*_):
        raise WriteError("no space")

    monkeypatch.setattr(state, "write_sealed", full)
    with pytest.raises(WriteError):
        write_state(path, numbered(1))
    assert read_state(path).arrays["number"] == 0
