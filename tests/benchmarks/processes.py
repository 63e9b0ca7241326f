"""Time of whole processes: `lrcli train` and `lrcli --help` against importing torch and a textbook script.

    python tests/benchmarks/processes.py [--rounds 9]

The processes take turns; a ratio is taken within each round. Also says what `--help` imports.
"""

import argparse
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

HERE = Path(__file__).parent
EXPERIMENT = HERE.parents[1] / "experiments" / "linear.yaml"
LRCLI = str(Path(sysconfig.get_path("scripts"), "lrcli"))
TRAIN, HELP, PEER = "lrcli train", "lrcli --help", "import torch"
TRAIN_TARGET = 1.2  # times importing torch
HELP_TARGET = 0.25  # seconds
NOT_FOR_HELP = ("torch", "tensorboard", "pydantic")


def commands(runs_dir: str) -> dict[str, list[str]]:
    """What is timed, by name."""
    return {
        PEER: [sys.executable, "-c", "import torch"],
        TRAIN: [LRCLI, "train", str(EXPERIMENT), "--runs-dir", runs_dir],
        "textbook script": [sys.executable, str(HERE / "textbook_script.py")],
        HELP: [LRCLI, "--help"],
    }


def seconds(command: Sequence[str]) -> float:
    """How long a process takes.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    return time.perf_counter() - started


def measure(rounds: int) -> dict[str, list[float]]:
    """Seconds of each process, one number for each round after a first one that fills the file cache."""
    with tempfile.TemporaryDirectory() as runs_dir:
        timed = commands(runs_dir)
        for command in timed.values():
            seconds(command)
        times: dict[str, list[float]] = {name: [] for name in timed}
        for _ in range(rounds):
            for name, command in timed.items():
                times[name].append(seconds(command))
    return times


def imported_by_help() -> set[str]:
    """The top-level packages that `lrcli --help` imports."""
    command = [sys.executable, "-X", "importtime", "-m", "lrcli", "--help"]
    report = subprocess.run(command, check=True, capture_output=True, text=True).stderr
    lines = (line for line in report.splitlines() if line.startswith("import time:"))
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}


def print_table(times: dict[str, list[float]]) -> None:
    """Print a Markdown table."""
    targets = {TRAIN: f"{TRAIN_TARGET:g} x {PEER}", HELP: f"{HELP_TARGET:g} s"}
    print(f"| process | seconds | / {PEER} | target |\n|---|--:|--:|--:|")
    for name, values in times.items():
        ratio = median(a / b for a, b in zip(values, times[PEER], strict=True))
        print(f"| {name} | {median(values):.3f} | {ratio:.2f} | {targets.get(name, '')} |")


def main() -> None:
    """Measure, and print a Markdown table."""
    parser = argparse.ArgumentParser(description="Time of whole processes.")
    parser.add_argument("--rounds", type=int, default=9, help="repetitions of each process")
    rounds = parser.parse_args().rounds
    print(f"Medians of {rounds}.\n")
    print_table(measure(rounds))
    heavy = imported_by_help().intersection(NOT_FOR_HELP)
    print(f"\n`{HELP}` imports {', '.join(sorted(heavy)) or 'none'} of {', '.join(NOT_FOR_HELP)}.")


if __name__ == "__main__":
    main()
