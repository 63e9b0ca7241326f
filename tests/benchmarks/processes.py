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
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import median

from measuring import in_turn, print_table, ratio

HERE = Path(__file__).parent
EXPERIMENT = HERE.parents[1] / "experiments" / "linear.yaml"
LRCLI = str(Path(sysconfig.get_path("scripts"), "lrcli"))
TRAIN, HELP, PEER, SCRIPT = "lrcli train", "lrcli --help", "import torch", "textbook script"
TRAIN_TARGET, HELP_TARGET = f"1.2 x {PEER}", "0.25 s"
NOT_FOR_HELP = ("torch", "tensorboard", "pydantic")


def commands(runs_dir: str) -> dict[str, list[str]]:
    """What is timed, by name."""
    return {
        PEER: [sys.executable, "-c", "import torch"],
        TRAIN: [LRCLI, "train", str(EXPERIMENT), "--runs-dir", runs_dir],
        SCRIPT: [sys.executable, str(HERE / "textbook_script.py")],
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


def measure(commands: Callable[[str], dict[str, list[str]]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each process, one number for each round after a first one that fills the file cache.

    Args:
        commands: from the directory for runs to what is timed, by name.
        rounds: repetitions of each.
    """
    with tempfile.TemporaryDirectory() as runs_dir:
        return in_turn(
            {name: partial(seconds, command) for name, command in commands(runs_dir).items()}, rounds
        )


def imported_by_help() -> set[str]:
    """The top-level packages that `lrcli --help` imports."""
    command = [sys.executable, "-X", "importtime", "-m", "lrcli", "--help"]
    report = subprocess.run(command, check=True, capture_output=True, text=True).stderr
    lines = (line for line in report.splitlines() if line.startswith("import time:"))
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}


def print_times(times: dict[str, list[float]], targets: Mapping[str, str]) -> None:
    """Print a Markdown table of processes, with what was aimed at."""
    rows = [
        [name, f"{median(values):.3f}", f"{ratio(values, times[PEER]):.2f}", targets.get(name, "")]
        for name, values in times.items()
    ]
    print_table(["process", "seconds", f"/ {PEER}", "target"], rows)


def main() -> None:
    """Measure, and print a Markdown table."""
    parser = argparse.ArgumentParser(description="Time of whole processes.")
    parser.add_argument("--rounds", type=int, default=9, help="repetitions of each process")
    rounds = parser.parse_args().rounds
    print(f"Medians of {rounds}.\n")
    targets = {TRAIN: TRAIN_TARGET, HELP: HELP_TARGET}
    print_times(measure(commands, rounds), targets)
    heavy = imported_by_help().intersection(NOT_FOR_HELP)
    print(f"`{HELP}` imports {', '.join(sorted(heavy)) or 'none'} of {', '.join(NOT_FOR_HELP)}.")


if __name__ == "__main__":
    main()
