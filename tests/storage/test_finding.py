"""Runs by name: a path, name/train-0003, name, last; and what is said where there is none."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lrcli.errors import RunDirectoryError
from lrcli.storage.beginnings import experiment_comment
from lrcli.storage.finding import (
    all_runs,
    command_of,
    find_run,
    run_directories,
    run_words,
    why_no_result,
)
from lrcli.storage.locking import locked
from lrcli.storage.reading import read_result

links = pytest.mark.skipif(os.name == "nt", reason="links need rights there")


def made(path, begun=None, command=None):
    """A run at a path, begun at a time in seconds; of any content where no command is given."""
    path = Path(path)
    path.mkdir(parents=True)
    command = command or path.name.partition("-")[0]
    (path / "experiment.yaml").write_text("name: any\n")
    (path / "result.json").write_text(json.dumps({"schema": 1, "command": command}, indent=2))
    if begun is not None:
        at(path, begun)
    return path


def at(path, begun, ended=None):
    os.utime(path / "experiment.yaml", (begun, begun))
    os.utime(path / "result.json", (ended or begun + 5, ended or begun + 5))


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Two experiments whose runs were begun in this order."""
    monkeypatch.chdir(tmp_path)
    for begun, name in enumerate(
        ["a/train-0001", "a/sweep-0001", "a/train-0002", "b/train-0001", "b/sweep-0001", "a/sweep-0002"]
    ):
        made(f"runs/{name}", 1000 + begun)
    return tmp_path


def found(word, command=None, runs_dir="runs"):
    return find_run(word, Path(runs_dir), command).as_posix()


def refused(word, command=None, runs_dir="runs"):
    with pytest.raises(RunDirectoryError) as caught:
        find_run(word, Path(runs_dir), command)
    assert caught.value.exit_code == 2
    return str(caught.value)


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("runs/a/train-0001", "a/train-0001"),
        ("./runs/a/train-0001/", "a/train-0001"),
        ("runs/a/train-0001/result.json", "a/train-0001"),
        ("a/train-0001", "a/train-0001"),
        ("a/train-0001/", "a/train-0001"),
        ("a\\train-0001", "a/train-0001"),
        ("a\\train-0001\\", "a/train-0001"),
        ("a", "a/sweep-0002"),
        ("a/", "a/sweep-0002"),
        ("b", "b/sweep-0001"),
        ("last", "a/sweep-0002"),
        ("last/", "a/sweep-0002"),
    ],
)
def test_words_and_what_they_mean(word, expected):
    assert found(word) == f"runs/{expected}"


@pytest.mark.usefixtures("place")
def test_a_command_narrows_names_and_nothing_else():
    assert [found(word, "train") for word in ("a", "b", "last")] == [
        "runs/a/train-0002",
        "runs/b/train-0001",
        "runs/b/train-0001",
    ]
    assert found("last", "sweep") == "runs/a/sweep-0002"
    assert found("a/train-0001", "sweep") == "runs/a/train-0001"  # its reader says what it is


def test_a_path_of_any_kind(place):
    assert find_run(str(place / "runs" / "a" / "train-0001"), Path("none")) == place / "runs/a/train-0001"
    os.chdir(place / "runs" / "a" / "train-0001")
    assert found("result.json") == found(".") == "."


@pytest.mark.usefixtures("place")
def test_a_path_wins_over_a_name_where_it_holds_a_result():
    Path("a").mkdir()
    assert found("a") == "runs/a/sweep-0002"
    made("b/train-0001")
    assert found("b/train-0001") == "b/train-0001"
    made("last")
    assert found("last") == "last"


def test_an_experiment_that_is_called_last(place):
    made("runs/last/train-0001", 5)
    made("runs/last/train-0002", 6)
    assert found("last") == "runs/a/sweep-0002"
    assert found("last/train-0001") == "runs/last/train-0001"
    at(place / "runs/last/train-0002", 9999)
    assert found("last") == "runs/last/train-0002"


# The newest.


def test_of_one_kind_the_highest_number_whatever_the_times(place):
    """A copy of a folder has the times at which it was copied; and numbers grow beyond four digits."""
    for number in (9999, 10000):
        made(f"runs/a/sweep-{number}", 3000 - number / 10)
    assert found("a") == "runs/a/sweep-10000"
    for path in (place / "runs").glob("*/*"):
        at(path, 5000 - int(path.name[-4:]))
    assert found("b", "train") == "runs/b/train-0001"
    assert found("a", "train") == "runs/a/train-0002"


def test_what_was_begun_last_and_not_what_ended_last(place):
    at(place / "runs/b/sweep-0001", 1004, ended=9000)
    assert found("last") == "runs/a/sweep-0002"


def test_a_file_that_was_edited_makes_a_run_no_newer_than_its_end(place):
    os.utime(place / "runs/b/sweep-0001/experiment.yaml", (9000, 9000))
    os.utime(place / "runs/b/sweep-0001/result.json", (1004.5, 1004.5))
    assert found("last") == "runs/a/sweep-0002"


def test_what_is_no_run_is_passed_over(place):
    (place / "runs/a/sweep-0004").write_text("a file")
    (place / "runs/a/notes").mkdir()
    (place / "runs/c/mine").mkdir(parents=True)
    (place / "runs/c/mine/experiment.yaml").write_text("name: c\n")  # not of lrcli
    (place / "runs/.hidden/train-0001").mkdir(parents=True)
    (place / "runs/a/.train-0009.12.deleted").mkdir()
    (place / "runs/note.txt").touch()
    assert found("a") == found("last") == "runs/a/sweep-0002"
    assert found("a", "train") == "runs/a/train-0002"
    assert len(all_runs("*", Path("runs"))) == 6
    (place / "runs/a/sweep-0002/experiment.yaml").unlink()
    assert found("a") == "runs/a/sweep-0002"


def killed(path, begun, *, command=None):
    """What a kill leaves before there is a result: nothing, or the experiment of a command."""
    path.mkdir(parents=True)
    if command:
        (path / "experiment.yaml").write_text(f"# {experiment_comment(command)}\nname: any\n")
        os.utime(path / "experiment.yaml", (begun, begun))
    os.utime(path, (begun, begun))


def test_a_run_that_was_killed_before_it_had_a_result_is_one(place):
    killed(place / "runs/a/train-0003", 2000)
    assert found("last") == found("a") == found("a", "train") == found("a/train-0003") == "runs/a/train-0003"
    assert found("runs/a/train-0003") == "runs/a/train-0003"
    assert found("a", "sweep") == "runs/a/sweep-0002"
    killed(place / "runs/b/sweep-0002", 3000, command="sweep")
    assert found("last") == found("b") == found("last", "sweep") == "runs/b/sweep-0002"
    killed(place / "elsewhere", 4000, command="train")  # --run-dir elsewhere
    assert found("elsewhere") == "elsewhere"
    assert command_of(place / "elsewhere") == command_of(Path("runs/a/train-0003")) == "train"
    assert [path.name for path in all_runs("*", Path("runs"))][-2:] == ["train-0003", "sweep-0002"]
    assert run_words("a/train-0003", Path("runs")) == ["a/train-0003"]
    (place / "train-0001").mkdir()  # of somebody else
    assert "holds no result" in refused("train-0001")


def test_what_is_said_of_a_run_without_a_result(place):
    killed(place / "runs/a/train-0003", 2000)
    killed(place / "runs/a/train-0004", 2000, command="train")
    (place / "runs/a/train-0003/result.json").mkdir()
    for number, told in (
        (3, "had an experiment; lrcli delete"),
        (4, "had a result; lrcli resume runs/a/train"),
    ):
        with pytest.raises(RunDirectoryError, match=f"was stopped before it {told}"):
            read_result(Path(f"runs/a/train-000{number}"))
    assert why_no_result(Path("runs/a/train-0001")) == why_no_result(Path("runs")) == ""
    with locked(Path("runs/a/train-0004")):
        assert f"has no result yet: process {os.getpid()} on" in why_no_result(Path("runs/a/train-0004"))


@pytest.mark.usefixtures("place")
def test_names_that_users_gave():
    """With --run-dir a run is anywhere, also straight below the directory of all runs."""
    made("runs/a/mine", 2000, "train")
    made("runs/other", 3000, "sweep")
    assert found("a") == found("a/mine") == found("a", "train") == "runs/a/mine"
    assert found("a", "sweep") == "runs/a/sweep-0002"
    assert found("last") == found("other") == found("last", "sweep") == "runs/other"
    assert found("last", "train") == "runs/a/mine"


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize("content", ["", "{", "[]", "\0" * 300, '{"command": "sweep"}'])
def test_a_damaged_result_is_found_and_left_to_its_reader(content):
    Path("runs/a/sweep-0002/result.json").write_text(content)
    assert found("last") == found("a") == "runs/a/sweep-0002"


@pytest.mark.parametrize("name", ["été", "数据", "a.b-c_d", "x" * 100, "42"])
def test_names_of_any_script(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    made(f"runs/{name}/train-0001")
    assert found(name) == found(f"{name}/train-0001") == f"runs/{name}/train-0001"


def test_an_accent_that_was_typed_as_two_characters(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made("runs/\u00e9/train-0001")
    assert found("e\u0301") == "runs/\u00e9/train-0001"


@links
def test_links(place):
    (place / "elsewhere").mkdir()
    (place / "runs/a").rename(place / "elsewhere/a")
    (place / "runs/a").symlink_to(place / "elsewhere/a")
    (place / "runs/loop").symlink_to(place / "runs/loop")
    (place / "runs/a/sweep-0009").symlink_to(place / "gone")
    (place / "short").symlink_to(place / "runs/b/train-0001")
    assert found("a") == found("last") == "runs/a/sweep-0002"
    assert found("short") == "short"


# What is said where there is none.


def test_no_runs_yet(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    expected = "there are no runs in runs yet; train one with lrcli train, or name the directory of all runs"
    for word in ("last", "linear", "linear/train-0001"):
        assert refused(word) == f"{word}: {expected} with --runs-dir"
    Path("runs/linear").mkdir(parents=True)
    assert "there are no runs in runs yet" in refused("last")
    Path("file").touch()
    assert "there are no runs in file yet" in refused("last", runs_dir="file")


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("c", "c: is no run\n  runs holds a, b, linear"),
        ("linaer", "linaer: is no run; did you mean linear?\n  runs holds a, b, linear"),
        (
            "a/train-0009",
            "a/train-0009: is no run\n  runs/a holds train-0001, train-0002, sweep-0001, sweep-0002",
        ),
        (
            "linear/train-5",
            "linear/train-5: is no run; did you mean linear/train-0005?\n"
            "  runs/linear holds train-0001 to train-0012",
        ),
        (
            "linear/trian-0003",
            "linear/trian-0003: is no run; did you mean linear/train-0003?\n"
            "  runs/linear holds train-0001 to train-0012",
        ),
        (
            "runs/linear/train-0099",
            "runs/linear/train-0099: holds no result of a run or a sweep; name its directory or its "
            "result.json\n  runs/linear holds train-0001 to train-0012",
        ),
        (
            "runs/linear",
            "runs/linear: holds no result of a run or a sweep; name its directory or its result.json\n"
            "  runs/linear holds train-0001 to train-0012",
        ),
        (
            "linear/train-0013",  # a file
            "linear/train-0013: is no run\n  runs/linear holds train-0001 to train-0012",
        ),
        ("", "'': holds no result of a run or a sweep; name its directory or its result.json"),
    ],
)
def test_what_there_is_instead(word, expected):
    for number in range(1, 13):
        made(f"runs/linear/train-{number:04d}")
    Path("runs/linear/train-0013").touch()
    assert refused(word).replace("\\", "/") == expected


@pytest.mark.usefixtures("place")
def test_of_many_names_some():
    for number in range(40):
        made(f"runs/n{number:02d}/train-0001")
    assert refused("nothing") == (
        "nothing: is no run\n  runs holds a, b, n00, n01, n02, n03, n04, n05, 34 more"
    )


@pytest.mark.usefixtures("place")
def test_no_run_of_a_command():
    made("runs/c/train-0001")
    assert refused("c", "sweep").replace("\\", "/") == "c: there is no run of lrcli sweep in runs/c"
    made("others/c/train-0001")
    assert refused("last", "sweep", "others") == "last: there is no run of lrcli sweep in others"


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize(
    "word",
    ["\0", "a\0b", "a\nb", "..", "../..", "/", "a//b", "C:\\x", "x" * 5000, "*", "~", "\x1b[2J", "a/b/c/d"],
)
def test_words_that_name_nothing(word):
    told = refused(word)
    assert "\x1b" not in told
    assert "\0" not in told


def test_a_directory_that_cannot_be_read(place, monkeypatch):
    listed = os.listdir

    def locked(path):
        if Path(path) == locked.path:
            raise PermissionError(13, "Permission denied")
        return listed(path)

    monkeypatch.setattr(os, "listdir", locked)
    locked.path = Path("runs/a")
    assert refused("a").replace("\\", "/") == "runs/a: cannot be read: Permission denied"
    assert found("last") == "runs/b/sweep-0001"
    assert found("a/train-0001") == "runs/a/train-0001"
    names = {path.as_posix() for path in run_directories("*", Path("runs"))}
    assert "runs/a" in names  # the others are not hidden by it
    assert "runs/b/sweep-0001" in names
    locked.path = Path("runs")
    assert refused("last") == "runs: cannot be read: Permission denied"
    assert run_words("", Path("runs")) == []


def test_a_run_that_cannot_be_read_was_not_stopped(place, monkeypatch):
    run = Path("runs/a/train-0009")
    run.mkdir()
    assert why_no_result(run).startswith("was stopped before it had an experiment; ")
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != run)
    assert why_no_result(run) == "cannot be read: Permission denied"


# Completion, and what it costs.


@pytest.mark.usefixtures("place")
def test_words_that_a_shell_offers():
    made("runs/last/train-0001")
    Path("runs/empty").mkdir()
    runs = Path("runs")
    assert run_words("", runs) == ["last", "a", "b"]
    assert run_words("l", runs) == ["last"]
    assert run_words("b/", runs) == ["b/sweep-0001", "b/train-0001"]
    assert run_words("b/t", runs) == ["b/train-0001"]
    assert run_words("runs/a/", runs) == run_words("./", runs) == run_words("/", runs) == []
    assert run_words("../runs", runs) == run_words("x", Path("none")) == []


def test_thousands_of_runs(tmp_path, monkeypatch):
    """None of their results is opened; the seconds allowed are many times what it takes."""
    for number in range(1, 2501):
        made(tmp_path / f"one/train-{number:04d}")
        made(tmp_path / f"name{number}/train-0001")
    monkeypatch.setattr(Path, "open", pytest.fail)
    started = time.perf_counter()
    assert find_run("one", tmp_path) == tmp_path / "one/train-2500"
    assert find_run("last", tmp_path) is not None
    assert len(run_words("", tmp_path)) == 2502
    with pytest.raises(RunDirectoryError):
        find_run("nothing", tmp_path)
    assert time.perf_counter() - started < 20


def test_finding_needs_no_numpy():
    code = (
        "import sys, pathlib\nfrom lrcli.storage.finding import run_words\n"
        "run_words('', pathlib.Path('runs'))\n"
        "assert not {'torch', 'numpy', 'rich', 'matplotlib', 'pydantic'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
