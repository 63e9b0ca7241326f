"""Kills workers, schedulers and clients of clusters that train a sweep, and compares what is left.

    python tests/killing_workers.py --trials 10 --seed 0

A sweep of several populations is trained by one process, then by 2 workers and by 4. Then, in turns, at
random moments: workers are killed (SIGKILL), several times; the scheduler is killed, and the sweep resumed by
one process; the client is killed, and the sweep resumed by a cluster. Each time all tables and curves must be
those of the first, byte for byte. For systems with ps.
"""

import argparse
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LRCLI = [sys.executable, "-m", "lrcli"]
FILES = ("results.csv", "summary.csv", "curves.npz", "reference.npz", "recovery.csv")
EXPERIMENT = {
    "name": "workers",
    "dataset": {"kind": "linear", "w": [2.0, -3.4], "b": 4.2, "noise": 0.1, "num_train": 200, "num_val": 20},
    "model": {"kind": "linear"},
    "loss": {"kind": "half_mse"},
    "optimizer": {"kind": "adam", "lr": 0.01},
    "training": {"epochs": 200, "batch_size": 4},
    "logging": {"figures": False, "tensorboard": False},
    "sweep": {
        "seeds": 8,
        "grid": [
            {"optimizer.lr": {"log_range": [1e-4, 1.0, 12]}},
            {"optimizer.lr": {"log_range": [1e-4, 1e30, 7]}, "training.batch_size": {"values": [8]}},
            {"optimizer.lr": {"values": [0.1]}, "training.epochs": {"values": [50, 100]}},
        ],
    },
}
MEMORY = "20kB"  # so that there are many parts


def files_of(directory):
    return {name: (directory / name).read_bytes() for name in FILES}


def start(words):
    return subprocess.Popen([*LRCLI, *words], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)


def run(words):
    done = subprocess.run([*LRCLI, *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def processes():
    """Of each that lives its number, its parent's, and its command."""
    lines = subprocess.run(["ps", "-eo", "pid=,ppid=,stat=,args="], capture_output=True, text=True).stdout
    rows = [line.split(None, 3) for line in lines.splitlines()]
    return [(int(row[0]), int(row[1]), row[3]) for row in rows if not row[2].startswith("Z")]


def workers_of(parent):
    return [
        pid for pid, of, command in processes() if of == parent and "lrcli.cluster.local_worker" in command
    ]


def wait_for_parts(directory, count):
    """Until so many parts have ended."""
    while (
        len(list(directory.glob("checkpoint/part-*.npz"))) < count
        and not (directory / "results.csv").exists()
    ):
        time.sleep(0.01)


def killing_workers(rng, words, directory):
    client = start([*words, "--cluster", "local:2"])
    for _ in range(rng.randint(1, 4)):
        wait_for_parts(directory, 1)
        time.sleep(rng.uniform(0, 3))
        for pid in workers_of(client.pid)[: rng.randint(1, 2)]:
            os.kill(pid, signal.SIGKILL)
    said = client.stderr.read()
    if client.wait() and "was given up: 3 workers died" in said:  # it was under way each time
        run(["resume", str(directory), "-q", "--cluster", "local:2"])
    else:
        assert client.wait() == 0, said
    return "workers"


def killing_the_scheduler(rng, words, directory):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--port", str(port), "--no-dashboard"]
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", f"tcp://127.0.0.1:{port}"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    scheduler = subprocess.Popen([*command, "--host", "127.0.0.1"], **quiet)
    worker += ["--nthreads", "1", "--no-nanny", "--no-dashboard"]
    workers = [subprocess.Popen(worker, **quiet) for _ in range(2)]
    time.sleep(3)
    client = start([*words, "--cluster", f"tcp://127.0.0.1:{port}"])
    wait_for_parts(directory, rng.randint(1, 20))
    scheduler.kill()
    began = time.monotonic()
    said = client.stderr.read()
    ended = client.wait() == 0  # it may have been too late
    assert ended or "scheduler of the cluster has gone away" in said, said
    assert time.monotonic() - began < 5 + 10 * ended
    for each in workers:
        each.kill()
        each.wait()
    run(["resume", str(directory), "-q"])
    return "scheduler"


def killing_the_client(rng, words, directory):
    client = start([*words, "--cluster", "local:2"])
    wait_for_parts(directory, rng.randint(1, 20))
    workers = workers_of(client.pid)
    client.kill()
    client.wait()
    time.sleep(1)
    assert not {*workers} & {pid for pid, *_ in processes()}, "workers that outlive their client"
    run(["resume", str(directory), "-q", "--cluster", "local:2"])
    return "client"


def main():
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--trials", type=int, default=10)
    arguments.add_argument("--seed", type=int, default=0)
    given = arguments.parse_args()
    rng = random.Random(given.seed)  # noqa: S311
    with tempfile.TemporaryDirectory() as place:
        file = Path(place, "workers.yaml")
        file.write_text(json.dumps(EXPERIMENT))
        words = ["sweep", str(file), "--memory", MEMORY, "--run-dir"]
        run([*words, f"{place}/alone", "-q"])
        wanted = files_of(Path(place, "alone"))
        for count in (2, 4):
            run([*words, f"{place}/by-{count}", "-q", "--cluster", f"local:{count}"])
            assert files_of(Path(place, f"by-{count}")) == wanted
            print(f"{count} workers: the same", flush=True)  # noqa: T201
        for trial in range(given.trials):
            kill = (killing_workers, killing_the_scheduler, killing_the_client)[trial % 3]
            directory = Path(place, f"trial-{trial}")
            what = kill(rng, [*words, str(directory)], directory)
            assert files_of(directory) == wanted, f"trial {trial}: {what}"
            print(f"trial {trial}: {what} killed: the same", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
