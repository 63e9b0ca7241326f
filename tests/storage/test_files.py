"""Files appear whole, lines appear whole, directories are taken once."""

import errno
import json
import os
import subprocess
import threading
from pathlib import Path

import numpy as np
import pytest
import yaml

from lrcli.config.source import read
from lrcli.errors import RunDirectoryError, UsageError, WriteError
from lrcli.storage.directories import new_run_directory, take_directory
from lrcli.storage.files import (
    LineFile,
    replace_nonfinite,
    write_arrays,
    write_json,
    write_new,
    write_whole,
    write_yaml,
)
from lrcli.storage.provenance import GitState, environment


def no_space(*_):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_failed_write_leaves_the_earlier_file_and_no_litter(tmp_path, monkeypatch):
    path = tmp_path / "result.json"
    write_whole(path, b"before")
    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(WriteError, match=r"result\.json: could not be written: No space"):
        write_whole(path, b"after")
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name == "nt", reason="directories cannot be flushed there")
def test_what_results_rely_on_outlives_a_loss_of_power(tmp_path, monkeypatch):
    """Whatever was written before a result is on the disk by name when the result is."""
    flushed = []

    def fsync(file):
        flushed.append((os.fstat(file).st_ino, sorted(path.name for path in tmp_path.iterdir())))

    monkeypatch.setattr(os, "fsync", fsync)
    write_whole(tmp_path / "results.csv", b"x")
    assert len(flushed) == 1
    write_json(tmp_path / "result.json", {})
    assert flushed[-1] == (tmp_path.stat().st_ino, ["result.json", "results.csv"])
    write_arrays(tmp_path / "state.npz", {"w": np.eye(2)})
    assert flushed[-1] == (tmp_path.stat().st_ino, ["result.json", "results.csv", "state.npz"])
    with new_run_directory(tmp_path / "runs", "exp", "train"):
        assert [inode for inode, _ in flushed[-2:]] == [
            (tmp_path / name).stat().st_ino for name in ("runs", "runs/exp")
        ]


def test_a_file_system_that_flushes_no_directories(tmp_path, monkeypatch):
    real = os.fsync

    def fsync(file):
        if os.path.sameopenfile(file, folder):
            raise OSError(errno.EINVAL, "Invalid argument")
        real(file)

    folder = os.open(tmp_path, os.O_RDONLY) if os.name != "nt" else 0
    monkeypatch.setattr(os, "fsync", fsync)
    write_json(tmp_path / "result.json", {"a": 1})
    assert json.loads((tmp_path / "result.json").read_text()) == {"a": 1}
    if folder:
        os.close(folder)


@pytest.mark.parametrize("links", [True, False])
def test_of_several_only_one_writes_a_new_file(tmp_path, monkeypatch, links):
    """Also where the file system has no links, and where it was not there a moment ago."""
    path = tmp_path / "a" / "new.yaml"
    if not links:
        monkeypatch.setattr(Path, "hardlink_to", no_space)
    monkeypatch.setattr(os.path, "lexists", lambda _: False)
    write_new(path, b"first")
    with pytest.raises(UsageError, match="is there already"):
        write_new(path, b"second")
    assert path.read_bytes() == b"first"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_link_is_replaced_not_followed(tmp_path):
    """That of the file, and one where it is written aside: of a name that can be foreseen."""
    other, path = tmp_path / "other", tmp_path / "result.json"
    other.write_bytes(b"of another")
    path.symlink_to(other)
    (tmp_path / f".result.json.{os.getpid()}.tmp").symlink_to(other)
    write_whole(path, b"new")
    assert (other.read_bytes(), path.read_bytes()) == (b"of another", b"new")
    assert not path.is_symlink()


def test_a_reader_never_sees_half_a_file(tmp_path):
    path = tmp_path / "result.json"
    texts = {letter * 300_000 for letter in (b"a", b"b")}
    write_whole(path, b"a" * 300_000)
    seen, stop = set(), threading.Event()

    def read():
        while not stop.is_set():
            seen.add(path.read_bytes())

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(20):
        for text in texts:
            write_whole(path, text)
    stop.set()
    reader.join()
    assert seen <= texts


def test_numbers_that_json_cannot_hold_are_null(tmp_path):
    write_json(tmp_path / "x.json", {"a": float("nan"), "b": [float("inf"), 1.5], "c": {"d": -float("inf")}})
    text = (tmp_path / "x.json").read_text()
    assert json.loads(text, parse_constant=pytest.fail) == {"a": None, "b": [None, 1.5], "c": {"d": None}}
    assert replace_nonfinite((1, "x", None, True)) == [1, "x", None, True]


def test_yaml_keeps_order_and_digits(tmp_path):
    write_yaml(tmp_path / "x.yaml", {"b": 1e-06, "a": [0.1, 1 / 3]}, "a comment")
    lines = (tmp_path / "x.yaml").read_text().splitlines()
    assert lines == ["# a comment", "b: 1.0e-06", f"a: [0.1, {1 / 3!r}]"]


@pytest.mark.parametrize(
    "text", ["1e-3", "no", "017", "1_000", "null", "12:30", "2026-01-01", "~", "0x10", "a"]
)
def test_text_stays_text_for_every_reader(text, tmp_path):
    """Both for the loader of experiment files and for YAML 1.1, which disagree about what is text."""
    write_yaml(tmp_path / "x.yaml", {"name": text}, "a comment")
    assert read(tmp_path / "x.yaml", "x").data == {"name": text}
    assert yaml.safe_load((tmp_path / "x.yaml").read_text()) == {"name": text}


def test_arrays_load_without_executing_code(tmp_path):
    write_arrays(tmp_path / "x.npz", {"w": np.eye(2), "a": np.array(1.5)})
    with np.load(tmp_path / "x.npz", allow_pickle=False) as arrays:
        assert arrays["w"].tolist() == [[1, 0], [0, 1]]
        assert arrays["a"].shape == ()


def test_lines_are_on_disk_at_once(tmp_path, monkeypatch):
    file = LineFile(tmp_path / "metrics.csv")
    file.write("a,b")
    assert (tmp_path / "metrics.csv").read_bytes() == b"a,b\n"
    file.close()
    file.close()
    with pytest.raises(WriteError, match="nowhere"):
        LineFile(tmp_path / "nowhere" / "x.csv")


def made(*where):
    """A new directory, given back at once, with something in it."""
    with new_run_directory(*where) as path:
        (path / "result.json").touch()
    return path


def test_numbers_go_up_and_gaps_are_not_filled(tmp_path):
    first = made(tmp_path, "exp", "train")
    assert first == tmp_path / "exp" / "train-0001"
    (tmp_path / "exp" / "train-0007").mkdir()
    (tmp_path / "exp" / "sweep-0099").mkdir()
    (tmp_path / "exp" / "train-notes").mkdir()
    assert made(tmp_path, "exp", "train").name == "train-0008"


def test_many_at_once_each_get_their_own(tmp_path):
    taken = []
    threads = [
        threading.Thread(target=lambda: taken.append(made(tmp_path, "exp", "train"))) for _ in range(24)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(path.name for path in taken) == [f"train-{i:04d}" for i in range(1, 25)]


def enter(context):
    with context as path:
        return path


def test_directories_that_can_be_made_and_not_be_used(tmp_path, monkeypatch):
    """As with an umask that lets nobody write: what the system refuses is not tried for ever."""

    def refuse(path):
        raise RunDirectoryError(f"{path}: cannot be written to: Permission denied")

    monkeypatch.setattr("lrcli.storage.directories.locked", refuse)
    with pytest.raises(RunDirectoryError, match=r"exp.train-0\d+: cannot be written to: Permission denied"):
        enter(new_run_directory(tmp_path, "exp", "train"))
    assert list((tmp_path / "exp").iterdir()) == []


def test_a_named_directory_must_be_empty(tmp_path):
    assert enter(take_directory(tmp_path / "a" / "b")).is_dir()
    assert enter(take_directory(tmp_path / "a" / "b")).is_dir()
    (tmp_path / "a" / "b" / "file").touch()
    with pytest.raises(RunDirectoryError, match="not empty"):
        enter(take_directory(tmp_path / "a" / "b"))
    with pytest.raises(RunDirectoryError, match="cannot be written"):
        enter(take_directory(tmp_path / "a" / "b" / "file" / "c"))
    with pytest.raises(RunDirectoryError, match="cannot hold"):
        enter(new_run_directory(tmp_path / "a" / "b" / "file", "exp", "train"))
    assert [path.name for path in (tmp_path / "a" / "b").iterdir()] == ["file"]


def test_a_directory_that_an_error_left_empty_is_gone(tmp_path):
    for context in (new_run_directory(tmp_path, "exp", "train"), take_directory(tmp_path / "named")):
        with pytest.raises(KeyboardInterrupt), context as path:
            raise KeyboardInterrupt
        assert not path.exists()
    (tmp_path / "mine").mkdir()
    with pytest.raises(KeyboardInterrupt), take_directory(tmp_path / "mine") as path:
        raise KeyboardInterrupt
    assert list(path.iterdir()) == []


def git(directory, *words):
    identity = {
        "GIT_AUTHOR_NAME": "a",
        "GIT_AUTHOR_EMAIL": "a@b",
        "GIT_COMMITTER_NAME": "a",
        "GIT_COMMITTER_EMAIL": "a@b",
    }
    done = subprocess.run(
        ["git", "-C", directory, *words],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, **identity},
    )
    return done.stdout.strip()


def state(directory):
    with GitState(directory) as asked:
        return asked.answer(30.0)


def test_nobody_waits_for_an_answer_that_is_not_wanted(tmp_path):
    with GitState(tmp_path):
        pass


def test_the_commit_of_the_experiments_repository(tmp_path, monkeypatch):
    unknown = {"git_commit": None, "git_dirty": None}
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert state(tmp_path) == unknown
    git(tmp_path, "init", "-q")
    (tmp_path / "exp.yaml").write_text("a: 1\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "first")
    commit = git(tmp_path, "rev-parse", "HEAD")
    assert state(tmp_path) == {"git_commit": commit, "git_dirty": False}
    (tmp_path / "exp.yaml").write_text("a: 2\n")
    assert state(tmp_path) == {"git_commit": commit, "git_dirty": True}
    monkeypatch.setenv("PATH", "")
    assert state(tmp_path) == unknown


def test_the_environment_is_named():
    assert {"lrcli", "python", "numpy", "platform"} <= set(environment())
