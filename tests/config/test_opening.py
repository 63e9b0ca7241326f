"""Whatever a name turns out to be, reading it ends: with its text, or with a reason."""

import errno
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from lrcli.config.opening import UnreadableError, read_bytes

needs_pipes = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")


def reason(path):
    with pytest.raises(UnreadableError) as caught:
        read_bytes(path, 1000)
    return str(caught.value)


def test_a_file(tmp_path):
    (tmp_path / "a").write_bytes(b"x" * 100_000)
    assert read_bytes(tmp_path / "a", 10) == b"x" * 11
    assert read_bytes(tmp_path / "a", 10**6) == b"x" * 100_000
    (tmp_path / "a").write_bytes(b"")
    assert read_bytes(tmp_path / "a", 10) == b""


@needs_pipes
def test_a_pipe_that_nobody_writes_to(tmp_path):
    """In a process of its own, which can be ended if it waits."""
    os.mkfifo(tmp_path / "pipe")
    command = [sys.executable, "-m", "lrcli", "check", "pipe"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (2, "error: pipe: is a pipe that nobody writes to\n")


@needs_pipes
@pytest.mark.parametrize("size", [5, 300_000])
def test_a_pipe_with_a_slow_writer(size):
    """As a shell hands over <(command)."""
    reading, writing = os.pipe()

    def write():
        with os.fdopen(writing, "wb", buffering=0) as file:
            for start in range(0, size, 50_000):
                threading.Event().wait(0.02)
                file.write(b"x" * min(50_000, size - start))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert read_bytes(Path(f"/dev/fd/{reading}"), 10**6) == b"x" * size
    finally:
        writer.join()
        os.close(reading)


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no such devices")
@pytest.mark.parametrize("name", ["/dev/zero", "/dev/null", "/dev/full", "/dev/tty"])
def test_a_device(name):
    found = reason(Path(name))
    assert found == "is a device, not an experiment file" or name == "/dev/tty"


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no such sockets")
def test_a_socket(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("s")
        assert reason(tmp_path / "s")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("none", "there is no such file"),
        ("a\0b", "there is no such file"),
        (".", "is a directory, not an experiment file"),
    ],
)
def test_no_file(tmp_path, name, message):
    assert reason(tmp_path / name) == message


@pytest.mark.parametrize("length", [256, 310, 5000])
def test_a_name_that_is_too_long(tmp_path, length):
    assert reason(tmp_path / ("x" * length))
    assert reason(tmp_path / ("x" * length) / "y")


def test_a_folder_that_cannot_be_searched(tmp_path, monkeypatch):
    def refuses(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "open", refuses)
    monkeypatch.setattr(os, "stat", refuses)
    assert reason(tmp_path / "a") == "Permission denied"


@pytest.mark.parametrize(
    ("there", "said", "meant"),
    [
        ("linear.yaml", "linear", "linear.yaml"),
        ("linear.yml", "linear", "linear.yml"),
        ("experiments/linear.yaml", "linear.yaml", "experiments/linear.yaml"),
        ("experiments/linear.yaml", "linear", "experiments/linear.yaml"),
        ("linear.yaml", "linaer.yaml", "linear.yaml"),
        ("linear.yaml", "quadratic.yaml", None),
        ("linear.txt", "linaer.txt", None),
    ],
)
def test_the_file_that_was_meant(tmp_path, there, said, meant):
    (tmp_path / there).parent.mkdir(exist_ok=True)
    (tmp_path / there).touch()
    hint = f"; did you mean {tmp_path / meant}?" if meant else ""
    assert reason(tmp_path / said) == f"there is no such file{hint}"
