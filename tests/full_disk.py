"""Lets the disk become full at random moments of a run, a sweep, a resumption and an export.

    sudo python tests/full_disk.py --trials 20 --seed 0

Each trial has a small disk in memory (tmpfs, so it is for Linux, and for root). What is on it from before
must stay as it was, the command must end with 0, or with 1 and a message that says why, and once there is
room again it goes on to what the undisturbed one has come to.
"""

import argparse
import contextlib
import random
import shutil
import subprocess
import tempfile
from pathlib import Path

import yaml
from killing import drawn, left, run, warm

ROOM = 64  # MiB, with which nothing becomes full
FULL = "No space left on device"


@contextlib.contextmanager
def disk(place):
    """A disk in memory."""
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={ROOM}m", "tmpfs", str(place)]
    subprocess.run(mount, check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def fill(place, room):
    """Leave so many bytes on a disk."""
    with (place / "filler").open("wb") as file:
        file.write(bytes(max(0, shutil.disk_usage(place).free - room)))


def files_in(directory):
    """The content of every file."""
    return {path: path.read_bytes() for path in sorted(directory.rglob("*")) if path.is_file()}


def used(place):
    """Bytes on a disk."""
    return shutil.disk_usage(place).used


def told(log):
    """What the last command has said; it says so on another disk."""
    text = (log / "out.txt").read_text()
    assert "Traceback" not in text, text
    return text


def trial(place, log, rng):
    """One experiment; which command it was, and how it ended when the disk was full."""
    words, experiment = drawn(rng)
    experiment["logging"]["figures"] = rng.random() < 0.3
    (place / "exp.yaml").write_text(yaml.safe_dump(experiment))
    cut, begin = place / "runs/killed/cut", [*words, "-q", "--run-dir", "runs/killed/cut"]
    assert run(place, [*words, "-q", "--run-dir", "earlier"], out=log) in (0, 1)
    before, took = files_in(place / "earlier"), used(place)
    undisturbed = run(place, begin, out=log)
    whole, needed = left(cut), used(place) - took
    what = rng.choice(["begin", "resume", "export"])
    command = begin
    if what == "export":
        command = ["export", "runs/killed/cut", "-o", "table.csv"]
    else:
        shutil.rmtree(place / "runs")
    if what == "resume":
        run(place, begin, rng.randint(20, 90), out=log)
        command = ["resume", "runs/killed/cut", "-q"] if (cut / "experiment.yaml").exists() else begin
    (log / "out.txt").write_text("")
    fill(place, int(needed * rng.random()))
    code = run(place, command, out=log)
    text = told(log)
    assert (code == 1 and FULL in text) or code == undisturbed, (words, what, code, text)
    assert files_in(place / "earlier") == before
    (place / "filler").unlink()
    goes_on = ["resume", "runs/killed/cut", "-q"] if (cut / "experiment.yaml").exists() else begin
    ended = run(place, command if what == "export" else goes_on, out=log)
    compare(whole, left(cut), without_pictures="figures/" in text)
    return f"{words[0]} {what}: {code}, then {ended}, with room for {needed // 1024} KiB in all"


def compare(whole, found, *, without_pictures):
    """Make sure that both are the same.

    Args:
        whole: what the undisturbed one has left.
        found: what the other has left.
        without_pictures: it had ended but for them, and nobody draws them again.
    """
    for each in (found, whole):
        for key in ("source", "memory", "fingerprint"):
            each["result.json"].pop(key, None)
        if without_pictures:
            each["curves"] = {}
    assert found.keys() == whole.keys()
    assert [name for name in whole if whole[name] != found[name]] == []


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    warm()
    with tempfile.TemporaryDirectory() as directory:
        log = Path(directory) / "log"
        log.mkdir()
        for number in range(arguments.trials):
            place = Path(directory) / str(number)
            with disk(place):
                summary = trial(place, log, random.Random(f"{arguments.seed}/{number}"))  # noqa: S311
            print(number, summary, flush=True)  # noqa: T201
