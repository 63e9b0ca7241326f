"""One process at a time in a directory: others are told who has it, what a killed one leaves stops nobody."""

import errno
import json
import os
import signal
import socket
import sys
import threading

import pytest

from lrcli.errors import RunDirectoryError, WriteError
from lrcli.storage import locking
from lrcli.storage.directories import new_run_directory, take_directory
from lrcli.storage.locking import LOCK_FILE, Owner, locked, owner_of

ME = Owner(os.getpid(), socket.gethostname())
NOBODY = 2**22 + 1  # more than any process's number
forks = pytest.mark.skipif(
    sys.platform in {"win32", "darwin"}, reason="a process is made by forking this one"
)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr(locking, "_PATIENCE", 0.05)


def enter(context):
    with context as value:
        return value


def leave(directory, **record):
    (directory / LOCK_FILE).write_text("\n" + json.dumps(record))


def fork(action):
    """Another process that does something and goes, without a look back."""
    process = os.fork()
    if not process:
        try:
            action()
        finally:
            os._exit(1)
    return process


def test_who_has_it_is_told_and_nobody_else_gets_it(tmp_path):
    assert owner_of(tmp_path) is None
    with locked(tmp_path):
        assert owner_of(tmp_path) == ME
        with pytest.raises(RunDirectoryError) as refused:
            enter(locked(tmp_path))
        assert str(refused.value) == (
            f"{tmp_path}: process {ME.pid} on host {ME.host} is at work here; wait for it or stop it"
        )
        assert owner_of(tmp_path) == ME
    assert owner_of(tmp_path) is None
    assert list(tmp_path.iterdir()) == []
    enter(locked(tmp_path))


def test_the_file_says_nothing_by_being_there(tmp_path):
    """Neither of a process that is gone, nor of one that lives, here or elsewhere."""
    left = [{"pid": NOBODY, "host": ME.host}, {"pid": 1, "host": ME.host}, {"pid": 1, "host": "far"}, {}]
    for record in left:
        leave(tmp_path, **record)
        assert owner_of(tmp_path) is None
        assert (tmp_path / LOCK_FILE).exists()
        with locked(tmp_path):
            assert owner_of(tmp_path) == ME
        assert not (tmp_path / LOCK_FILE).exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        b"\n{}",
        b"\n[1]",
        b"\n{",
        b"\n" + b"[" * 5000,
        b"\n\xff",
        b'\n{"pid": "x", "host": 1}',
        b'\n{"pid": -5, "host": "a\\u001b[31mb"}',
        b'\n{"pid": 1e400, "host": "a"}',
        b'\n{"pid": ' + b"9" * 900 + b', "host": "a"}',
    ],
)
def test_nonsense_in_the_file(tmp_path, content):
    """Who holds the lock has written it, as far as anybody can tell."""
    with locked(tmp_path):
        (tmp_path / LOCK_FILE).write_bytes(content)
        assert owner_of(tmp_path) is not None
        with pytest.raises(RunDirectoryError, match=r"process.* is at work here") as refused:
            enter(locked(tmp_path))
    assert "\x1b" not in str(refused.value)


@pytest.mark.skipif(os.name == "nt", reason="links need rights there, and there are no pipes in folders")
def test_what_is_no_lock_is_left_as_it_is(tmp_path):
    other, path = tmp_path / "other", tmp_path / LOCK_FILE
    other.write_text("mine")
    for make in (path.symlink_to, path.hardlink_to, lambda _: path.mkdir(), lambda _: os.mkfifo(path)):
        make(other)
        assert owner_of(tmp_path) is None
        with pytest.raises(RunDirectoryError, match="cannot be written to"):
            enter(locked(tmp_path))
        assert other.read_text() == "mine"
        path.rmdir() if path.is_dir() else path.unlink()


@forks
def test_the_lock_of_a_killed_process_is_taken_over(tmp_path):
    ready, told = os.pipe()

    def hold():
        with locked(tmp_path):
            os.write(told, b".")
            signal.pause()

    process = fork(hold)
    os.read(ready, 1)
    assert owner_of(tmp_path) == Owner(process, ME.host)
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    assert (tmp_path / LOCK_FILE).exists()
    assert owner_of(tmp_path) is None
    with locked(tmp_path):
        assert owner_of(tmp_path) == ME


@forks
def test_never_two_at_once(tmp_path):
    """Though the file is removed each time, and others look who has it."""
    counter = tmp_path / "counter"
    counter.write_text("0")

    def work():
        own = 0
        for _ in range(40):
            try:
                with locked(tmp_path):
                    counted = int(counter.read_text() or "half")
                    counter.write_text(str(counted + 1))
                    own += 1
            except RunDirectoryError as error:
                if "at work" not in str(error):
                    raise
            owner_of(tmp_path)
        os._exit(own)

    processes = [fork(work) for _ in range(4)]
    own = [os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) for process in processes]
    assert int(counter.read_text()) == sum(own)
    assert min(own) > 1
    assert not (tmp_path / LOCK_FILE).exists()


@pytest.mark.skipif(os.name == "nt", reason="a file that is open cannot be removed there")
def test_a_lock_whose_file_is_gone_is_none(tmp_path, monkeypatch):
    """It was opened while one process had it, and another has a new one by the time that it is locked."""
    opened, first, second = locking._open, locked(tmp_path), locked(tmp_path)

    def open_late(path):
        monkeypatch.undo()
        found = opened(path)
        first.__exit__(None, None, None)
        second.__enter__()
        return found

    first.__enter__()
    monkeypatch.setattr(locking, "_open", open_late)
    with pytest.raises(RunDirectoryError, match="is at work here"):
        enter(locked(tmp_path))
    assert owner_of(tmp_path) == ME
    second.__exit__(None, None, None)
    assert owner_of(tmp_path) is None


def test_looking_does_not_keep_anybody_out(tmp_path):
    stop, refused = threading.Event(), []

    def look():
        while not stop.is_set():
            owner_of(tmp_path)

    looking = [threading.Thread(target=look) for _ in range(2)]
    leave(tmp_path, pid=NOBODY, host=ME.host)
    for thread in looking:
        thread.start()
    for _ in range(100):
        try:
            enter(locked(tmp_path))
        except RunDirectoryError as error:
            refused.append(error)
    stop.set()
    for thread in looking:
        thread.join()
    assert refused == []


def test_a_file_system_without_locks(tmp_path, monkeypatch):
    """The file is the lock, of a process of this host as long as that is there, of others for ever."""

    def missing(_file, **_options):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("filelock.lock_descriptor", missing)
    with locked(tmp_path):
        assert owner_of(tmp_path) == ME
        with pytest.raises(RunDirectoryError, match=f"process {ME.pid} "):
            enter(locked(tmp_path))
    assert owner_of(tmp_path) is None
    leave(tmp_path, pid=NOBODY, host="far")
    assert owner_of(tmp_path) == Owner(NOBODY, "far")
    with pytest.raises(RunDirectoryError, match="on host far is at work here"):
        enter(locked(tmp_path))
    if os.name != "nt":
        leave(tmp_path, pid=NOBODY, host=ME.host)
        enter(locked(tmp_path))


def test_directories_that_cannot_be_written_to(tmp_path, monkeypatch):
    with pytest.raises(RunDirectoryError, match="gone: cannot be written to: No such file"):
        enter(locked(tmp_path / "gone"))
    assert owner_of(tmp_path / "gone") is None

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(locking, "_open", full)
    with pytest.raises(WriteError, match="could not be written: No space left"):
        enter(locked(tmp_path))
    with pytest.raises(WriteError, match="could not be written: No space left"):
        enter(new_run_directory(tmp_path, "exp", "train"))
    assert list((tmp_path / "exp").iterdir()) == []


def test_a_new_directory_is_held_until_the_end(tmp_path):
    with new_run_directory(tmp_path, "exp", "train") as path:
        assert owner_of(path) == ME
        (path / "experiment.yaml").touch()
        for other in (path, path.parent / "train-0001"):
            with pytest.raises(RunDirectoryError, match="is at work here"):
                enter(take_directory(other))
    assert owner_of(path) is None
    named = tmp_path / "named"
    with take_directory(named) as path, pytest.raises(RunDirectoryError, match="is at work here"):
        enter(take_directory(named))
    leave(path, pid=NOBODY, host=ME.host)  # killed before it had written anything
    enter(take_directory(path))
