"""Removing runs: all of one, nothing else, and never through a link."""

import os
import shutil
from pathlib import Path

import pytest

from lrcli.errors import RunError, UsageError
from lrcli.storage.directories import new_run_directory
from lrcli.storage.finding import all_runs
from lrcli.storage.locking import locked
from lrcli.storage.removing import removable, remove

RUNS = Path("runs")
links = pytest.mark.skipif(os.name == "nt", reason="links need rights there")


@pytest.fixture(autouse=True)
def _place(tmp_path, monkeypatch):
    """Two experiments, one of which has two runs; something that is nobody's run; the current directory."""
    monkeypatch.chdir(tmp_path)
    for name in ("a/train-0001", "a/train-0002", "b/sweep-0001"):
        run(RUNS / name)
    Path("precious").mkdir()
    Path("precious/file").write_text("precious")


def run(path):
    (path / "checkpoint").mkdir(parents=True)
    (path / "result.json").write_text('{"schema": 1, "command": "train"}')
    (path / "checkpoint" / "last.npz").write_bytes(b"x" * 1000)
    return path


def delete(*words, runs_dir=RUNS):
    for each in removable(words, runs_dir):
        remove(each.directory, runs_dir)


def names(path):
    return [each.name for each in Path(path).iterdir()]


def everything():
    return sorted(path.as_posix() for path in Path().rglob("*"))


def refused(*words, runs_dir=RUNS):
    before = everything()
    with pytest.raises(UsageError) as caught:
        delete(*words, runs_dir=runs_dir)
    assert everything() == before
    return str(caught.value).replace("\\", "/")


def test_what_goes_and_what_stays():
    (found,) = removable(["a/train-0001"], RUNS)
    assert (found.directory, found.files, found.size) == (RUNS / "a/train-0001", 2, 1033)
    remove(found.directory, RUNS)
    assert not Path("runs/a/train-0001").exists()
    assert names("runs/a") == ["train-0002"]
    delete("a", "b")
    assert names("runs") == []  # the directories of the experiments are gone, too
    assert everything() == ["precious", "precious/file", "runs"]


def test_a_run_that_is_named_twice_goes_once():
    assert len(removable(["b", "runs/b/sweep-0001", "b/sweep-0001/"], RUNS)) == 1
    delete("b", "b/sweep-0001", str(Path("runs/b/sweep-0001").absolute()))
    assert not Path("runs/b").exists()


def test_what_was_killed_early_goes():
    for name in ("runs/c/train-0001", "runs/c/train-0002"):
        Path(name).mkdir(parents=True)
    Path("runs/c/train-0002/other").write_text("x")
    delete("c/train-0001", "runs/c/train-0002")
    assert not Path("runs/c").exists()


def test_a_run_elsewhere_goes_and_nothing_beside_it():
    run(Path("precious/mine"))
    delete("precious/mine")
    assert names("precious") == ["file"]


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("precious", "holds no result"),
        ("runs", "holds no result"),
        ("runs/a", "holds no result"),
        ("/", "holds no result"),
        (".", "holds no result"),
        ("..", "holds no result"),
        ("", "holds no result"),
        ("precious/file", "holds no result"),
        ("precious/train-0001", "holds no result"),
        ("a/../../precious", "holds no result"),
        ("nothing", "is no run"),
        ("odd", "holds nothing that lrcli has written"),
    ],
)
def test_what_is_no_run_stays(word, told):
    Path("precious/train-0001").mkdir()
    Path("odd").mkdir()
    Path("odd/result.json").write_text('{"score": 3}')
    assert told in refused(word)


def test_all_mistakes_come_before_anything_goes():
    told = refused("a/train-0001", "precious", "nothing", "b")
    assert told.startswith("nothing was deleted:")
    assert "precious: holds no result" in told
    assert "nothing: is no run" in told


def test_where_somebody_is_at_work():
    with locked(RUNS / "a/train-0001"):
        assert "is at work here" in refused("a/train-0002", "a/train-0001")
    delete("a/train-0001")


def test_a_run_that_holds_others():
    run(Path("runs/b/sweep-0001/mine"))
    assert "holds another run" in refused("b")
    shutil.rmtree("runs/b/sweep-0001/mine")
    Path("runs/b/sweep-0001/.git").mkdir()
    assert "holds a repository" in refused("b")


def test_the_current_directory_and_the_one_of_all_runs(monkeypatch):
    run(Path("around"))
    shutil.move("runs", "around/runs")
    assert "around: it holds" in refused("around", runs_dir=Path("around/runs"))
    monkeypatch.chdir("around/runs/a/train-0001/checkpoint")
    with pytest.raises(UsageError, match="the current directory is in it"):
        delete("a/train-0001", runs_dir=Path("../../.."))


@links
def test_links():
    Path("runs/a/train-0003").symlink_to(run(Path("precious/run")).absolute())
    assert "is a link" in refused("a/train-0003")
    Path("runs/c").symlink_to(Path("precious").absolute())
    assert "is reached by a link that leads out of runs" in refused("c/run")
    assert "is reached by a link that leads out of runs" in refused("runs/c/run")
    inside = RUNS / "a/train-0001"
    (inside / "link").symlink_to(Path("precious").absolute())
    (inside / "checkpoint" / "link").symlink_to(Path("precious/file").absolute())
    (inside / "gone").symlink_to("nowhere")
    delete("a/train-0001")
    assert not inside.exists()
    assert Path("precious/file").read_text() == "precious"
    Path("runs").rename("large")
    Path("runs").symlink_to("large")  # which users do, where the disk is small
    delete("b")
    assert not Path("large/b").exists()


def test_a_kill_leaves_nothing_that_is_listed(monkeypatch):
    def killed(path):
        (path / "result.json").unlink()
        raise KeyboardInterrupt

    with monkeypatch.context() as context:
        context.setattr(shutil, "rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            delete("a/train-0001")
    assert [path.name for path in all_runs("*", RUNS)].count("train-0001") == 0
    assert len(names("runs/a")) == 2
    delete("a/train-0002")
    assert not Path("runs/a").exists()


def test_what_cannot_be_removed_is_told(monkeypatch):
    def refuse(path, *_):
        raise PermissionError(13, "Permission denied", str(path))

    with monkeypatch.context() as context:
        context.setattr(Path, "rename", refuse)
        with pytest.raises(RunError, match=r"train-0001: could not be deleted: .*Permission denied"):
            delete("a/train-0001")
    assert Path("runs/a/train-0001/result.json").exists()


def test_a_run_that_begins_while_the_last_one_goes(monkeypatch):
    """The directory of the experiment is removed between the number and the directory that takes it."""
    made = Path.mkdir
    parent = RUNS / "new"

    def mkdir(path, *arguments, **options):
        if path.name == "train-0001" and parent.exists() and not mkdir.done:
            mkdir.done = True
            parent.rmdir()
        made(path, *arguments, **options)

    mkdir.done = False
    monkeypatch.setattr(Path, "mkdir", mkdir)
    with new_run_directory(RUNS, "new", "train") as path:
        assert path == parent / "train-0001"
        assert path.is_dir()
