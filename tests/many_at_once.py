"""Many processes at once in one directory of runs: each gets a directory of its own, and it is whole.

    python tests/many_at_once.py --processes 16 --rounds 20

Each process trains a small run, again and again, all in the same directory, beginning each round together.
They are forked from one that has everything imported. The suite runs a short form.
"""

import argparse
import contextlib
import json
import os
import tempfile
import traceback
from pathlib import Path

RUN = {
    "name": "many",
    "dataset": {"kind": "linear", "w": [2.0], "b": 1.0, "num_train": 20, "num_val": 10},
    "model": {"kind": "linear"},
    "loss": {"kind": "half_mse"},
    "optimizer": {"kind": "sgd", "lr": 0.1},
    "training": {"epochs": 2, "batch_size": 10},
    "logging": {"tensorboard": False, "figures": False},
}
FILES = {"checkpoint", "experiment.yaml", "log.txt", "metrics.csv", "result.json"}


def train_in(runs: Path, rounds: int) -> list[Path]:
    """Take part in all rounds; the directories that this process has got."""
    import lrcli

    number = os.getpid()
    return [lrcli.train(RUN, seed=number, runs_dir=runs).directory for _ in range(rounds)]


def race(runs: Path, processes: int, rounds: int) -> list[tuple[int, Path]]:
    """Train in many processes at once.

    Returns:
        The number of the process and the directory of each run.
    """
    import lrcli

    lrcli.train(RUN, runs_dir=runs.parent / "warm")  # so that they only train
    begin, started = os.pipe()
    children = {}
    for _ in range(processes):
        told, tell = os.pipe()
        child = os.fork()
        if not child:
            os.close(started)
            os.read(begin, 1)  # until it is closed: all begin together
            with contextlib.suppress(BaseException):
                try:
                    found = train_in(runs, rounds)
                    os.write(tell, json.dumps([str(path) for path in found]).encode())
                except BaseException:
                    traceback.print_exc()
            os._exit(0)
        os.close(tell)
        children[child] = told
    os.close(started)
    got = []
    for child, told in children.items():
        with os.fdopen(told, "rb") as answer:
            text = answer.read()
        os.waitpid(child, 0)
        got += [(child, Path(path)) for path in json.loads(text or "[]")]
    os.close(begin)
    return got


def check(runs: Path, got: list[tuple[int, Path]], count: int) -> None:
    """Every process has got what it asked for, nobody else has it, and each directory is its run's alone."""
    assert len(got) == count, f"{len(got)} of {count} runs ended well"
    there = sorted((runs / "many").iterdir())
    assert sorted(path for _, path in got) == there, "a directory was got twice, or by nobody"
    numbers = [f"train-{number:04d}" for number in range(1, count + 1)]
    assert [path.name for path in there] == numbers, "a number was left out"
    for process, path in got:
        assert {inside.name for inside in path.iterdir()} == FILES, f"{path}: holds other files"
        result = json.loads((path / "result.json").read_text())
        assert (result["status"], result["seed"]) == ("completed", process), f"{path}: of another process"
        assert Path(result["run_dir"]) == path
        assert len((path / "metrics.csv").read_text().splitlines()) == 4, f"{path}: other records"


def main() -> None:
    """Race, and tell how it went."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--processes", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=20)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        runs = Path(folder) / "runs"
        count = asked.processes * asked.rounds
        check(runs, race(runs, asked.processes, asked.rounds), count)
        print(f"{count} runs in {count} directories, all of them whole")  # noqa: T201


if __name__ == "__main__":
    main()
