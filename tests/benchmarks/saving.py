"""What keeping the last state costs a training: `python tests/benchmarks/saving.py`.

For each training: how long it waits for a state, how long the thread beside it takes to write one, what share
of the half minute between two states these are; and the time that a training with a state every three seconds
takes, against one without any, in turns.
"""

import argparse
import math
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from lrcli.experiment.loading import load
from lrcli.running import keeping, single
from lrcli.running.location import Interruption, OutputLocation
from lrcli.running.single import train
from lrcli.storage.sealed import Arrays
from lrcli.sweeps import part
from lrcli.sweeps.files import SweepFiles
from lrcli.sweeps.options import load_sweep
from lrcli.sweeps.plan import plan_sweep
from lrcli.sweeps.running import run_sweep
from lrcli.training.loop import TrainingLoop

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
OFTEN = 3.0  # seconds between two states
QUIET = ["logging.figures=false"]
LARGE = {
    "name": "large",
    "engine": "torch",
    "dataset": {"kind": "linear", "w": [1.0] * 1000, "b": 0.0, "num_train": 256, "num_val": 0},
    "model": {"kind": "mlp", "hidden": [3000, 2300]},
    "loss": {"kind": "mse"},
    "optimizer": {"kind": "adam", "lr": 1e-4},
    "training": {"epochs": 40, "batch_size": 64},
    "logging": {"figures": False, "evaluate_train": False},
}


def of_xor(directory: Path) -> None:
    """A run of experiments/xor_mlp.yaml that takes some seconds."""
    loaded = load(EXPERIMENTS / "xor_mlp.yaml", [*QUIET, "training.epochs=600000", "logging.every=100"])
    for _ in train(loaded.experiment, OutputLocation(run_dir=directory / "run"), Interruption()):
        pass


def of_sweep(directory: Path) -> None:
    """A sweep of 1,000 members."""
    words = [*QUIET, "logging.tensorboard=false", "training.epochs=20000", "logging.every=100"]
    loaded = load_sweep(EXPERIMENTS / "xor_mlp.yaml", words, rates="1e-3:1:25", grids=None, seeds=40)
    plan = plan_sweep(loaded, 10**10)
    for _ in run_sweep(plan, SweepFiles(plan, OutputLocation(run_dir=directory / "sweep")), Interruption()):
        pass


def of_large(directory: Path) -> None:
    """Ten million parameters in the torch engine."""
    loaded = load(LARGE)
    for _ in train(loaded.experiment, OutputLocation(run_dir=directory / "run"), Interruption()):
        pass


class Watched(keeping.Keeper):
    """A keeper whose times are taken."""

    waits: list[float] = []  # noqa: RUF012
    writes: list[float] = []  # noqa: RUF012

    def wants(self, loop: TrainingLoop, interruption: Interruption) -> bool:
        self._asked = time.perf_counter()
        return super().wants(loop, interruption)

    def take(self, state: Arrays) -> None:
        is_due = self._is_due()
        super().take(state)
        if is_due:  # the others are those before the end
            self.waits.append(time.perf_counter() - self._asked)

    def _write(self, state: Arrays) -> None:
        began = time.perf_counter()
        super()._write(state)
        self.writes.append(time.perf_counter() - began)


def seconds(work: Callable[[Path], None], every: float) -> float:
    """The time of a training with a state every so many seconds."""
    keeping.EVERY_SECONDS = every
    with tempfile.TemporaryDirectory() as directory:
        began = time.perf_counter()
        work(Path(directory))
        return time.perf_counter() - began


def main() -> None:
    """Print a row for each training."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    single.Keeper = part.Keeper = Watched  # type: ignore[misc]
    half_minute = keeping.EVERY_SECONDS
    print("| training | waits | writes beside it | share of half a minute | a state every 3 s : none |")
    print("|---|---|---|---|---|")
    for work in (of_xor, of_sweep, of_large):
        work_seconds = seconds(work, math.inf)  # and the machine code is there
        Watched.waits.clear()
        Watched.writes.clear()
        ratios = [seconds(work, OFTEN) / seconds(work, math.inf) for _ in range(rounds)]
        waits, writes = statistics.median(Watched.waits), statistics.median(Watched.writes)
        title = (work.__doc__ or "").rstrip(".")
        cells = f"{waits * 1e3:.2g} ms | {writes * 1e3:.2g} ms | {100 * waits / half_minute:.2g}%"
        share = f"{cells} and {100 * writes / half_minute:.2g}%"
        print(f"| {title} ({work_seconds:.0f} s) | {share} | {statistics.median(ratios):.3f} |", flush=True)


if __name__ == "__main__":
    main()
