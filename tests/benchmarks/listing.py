"""`lrcli runs` over thousands of directories: seconds of the whole command, beside `lrcli --version`.

    python tests/benchmarks/listing.py [--runs 10000] [--cold]

The directories are mirrors of one real run, each with its own result.json and experiment.yaml, in a hundred
experiments. With --cold the system's caches of files are emptied before each command, which only root may do.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from lrcli.storage.digests import seal

ROOT = Path(__file__).parents[2]
EXPERIMENTS = 100
REPEATS = 5


def lrcli(*words, cwd):
    """Run the program; what it wrote to standard output."""
    command = [sys.executable, "-m", "lrcli", *map(str, words)]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 3), done.stderr
    return done.stdout


def mirror(place, count):
    """Make the directories, as a run with its files makes them."""
    lrcli("train", ROOT / "experiments" / "linear.yaml", "--quiet", "--run-dir", "model", cwd=place)
    result = json.loads((place / "model" / "result.json").read_bytes())
    del result["sha256"]
    experiment = (place / "model" / "experiment.yaml").read_bytes()
    metrics = (place / "model" / "metrics.csv").read_bytes()
    for number in range(count):
        name = f"experiment{number % EXPERIMENTS:03d}"
        directory = place / "runs" / name / f"train-{number // EXPERIMENTS + 1:04d}"
        directory.mkdir(parents=True)
        (directory / "experiment.yaml").write_bytes(experiment)
        (directory / "metrics.csv").write_bytes(metrics)
        own = result | {"name": name, "run_dir": str(directory), "seed": number}
        own["metrics"] = result["metrics"] | {"val/loss": 1 / (number + 1)}
        (directory / "result.json").write_bytes(seal(json.dumps(own, indent=2)))


def seconds(*words, cwd, cold):
    """The median of several commands, in seconds."""
    taken = []
    for _ in range(REPEATS):
        if cold:
            os.sync()
            Path("/proc/sys/vm/drop_caches").write_text("3", encoding="utf-8")
        started = time.perf_counter()
        lrcli(*words, cwd=cwd)
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def main():
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--cold", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        mirror(place, given.runs)
        for words in (
            ["--version"],
            ["runs", "--runs-dir", "none"],
            ["runs"],
            ["runs", "--sort", "val/loss"],
            ["runs", "--json"],
            ["runs", "-q", "--status", "failed", "--older-than", "30d"],
            ["runs", "experiment007"],
        ):
            taken = seconds(*words, cwd=place, cold=given.cold)
            print(f"lrcli {' '.join(words):60} {taken:6.2f} s")


if __name__ == "__main__":
    main()
