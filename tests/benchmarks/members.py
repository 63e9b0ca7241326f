"""A sweep of a million members: seconds, memory and disk of whole commands, however the grid is shaped.

    python tests/benchmarks/members.py [--members 1000 100000 1000000 4000000] [--cluster local:2] [--again]

Members are linear regressions of an epoch, 32 steps, with one record beside that before training. The memory
is the most that the process had, of a sweep with workers that of the client. What a member more takes of it
is told against the row before. With --again also the commands that read the largest sweep.
"""

import argparse
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
LINEAR = ROOT / "experiments" / "linear.yaml"
READERS = (["report"], ["figure"], ["explain"], ["export", "--out", "members.csv"])
HEAD = (
    "members",
    "s",
    "s of all cores",
    "s of training",
    "MB",
    "bytes a member more",
    "bytes a member on the disk",
)
RULE = ("---", *["--:"] * (len(HEAD) - 1))
SHAPES = {"even": 0.5, "many rates": 1.0, "many seeds": 0.0}  # the power of the members that are rates


class Cost(NamedTuple):
    """What a command took.

    Attributes:
        seconds: of the clock.
        work: seconds of all cores.
        memory: bytes, the most at a time.
    """

    seconds: float
    work: float
    memory: int


def cost(*words, cwd):
    """What the program took, which must end well.

    This process is small: on Linux the memory of a child is at least that of its parent.
    """
    command = [sys.executable, "-m", "lrcli", *map(str, words)]
    started = time.perf_counter()
    with subprocess.Popen(command, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        said = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, said.decode()
    memory = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return Cost(time.perf_counter() - started, usage.ru_utime + usage.ru_stime, memory)


def grid_of(members, power):
    """Options of a grid of so many members; ten at least of seeds, and of rates."""
    rates = min(10_000, members // 10, max(10, round(members**power)))
    momenta = 10 if power == 1 and members >= 10 * 10 * rates else 1
    seeds = members // (rates * momenta)
    more = ["--grid", "optimizer.momentum={range: [0, 0.9, 10]}"] if momenta > 1 else []
    return ["--lr", f"1e-4:1:{rates}", "--seeds", seeds, *more], rates * momenta, seeds


def row(members, shape, more, place, before):
    """A line of the table, and what stands for the next one."""
    grid, configurations, seeds = grid_of(members, SHAPES[shape])
    directory = place / "sweep"
    shutil.rmtree(directory, ignore_errors=True)
    taken = cost("sweep", LINEAR, "training.epochs=1", *grid, *more, "--run-dir", directory, cwd=place)
    result = json.loads((directory / "result.json").read_bytes())
    disk = sum(file.stat().st_size for file in directory.rglob("*") if file.is_file())
    count = configurations * seeds
    each = (taken.memory - before[1]) / (count - before[0]) if before and count > before[0] else None
    return (count, taken.memory), (
        f"{count:,}: {configurations:,} x {seeds:,}",
        f"{taken.seconds:.1f}",
        f"{taken.work:.1f}",
        f"{result['timing']['train_seconds']:.1f}",
        f"{taken.memory / 1e6:,.0f}",
        "" if each is None else f"{each:,.0f}",
        f"{disk / count:,.0f}",
    )


def rows(sizes, shape, more, place):
    """A line for each size."""
    before = None
    for members in sorted(sizes):
        before, line = row(members, shape, more, place, before)
        yield line


def main():
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--members", type=int, nargs="+", default=[1000, 100_000, 1_000_000])
    parser.add_argument("--shapes", nargs="+", choices=SHAPES, default=list(SHAPES))
    parser.add_argument("--cluster", help="as for lrcli sweep")
    parser.add_argument("--again", action="store_true")
    given = parser.parse_args()
    more = ["--cluster", given.cluster] if given.cluster else []
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        for shape in given.shapes:
            print(f"{shape}{', ' + given.cluster if given.cluster else ''}:\n")
            for line in itertools.chain((HEAD, RULE), rows(given.members, shape, more, place)):
                print(f"| {' | '.join(line)} |", flush=True)
            print()
            for command, *words in READERS if given.again else ():
                (place / "members.csv").unlink(missing_ok=True)
                taken = cost(command, place / "sweep", *words, cwd=place)
                times = f"{taken.seconds:6.1f} s {taken.work:6.1f} s of all cores"
                print(f"lrcli {command:10} {times} {taken.memory / 1e6:8,.0f} MB")


if __name__ == "__main__":
    main()
