"""What `lrcli sweep --dry-run` says about time and memory, against what a sweep takes.

    python tests/benchmarks/estimates.py [NAME ...]

The time is that of planning apart: from the drawing of the data to the tables, machine code compiled before,
figures and event files left out. Run it on a machine that does nothing else.
"""

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml
from measuring import print_table

from lrcli.running.location import Interruption, OutputLocation
from lrcli.running.preparation import Compiling
from lrcli.sweeps.files import SweepFiles
from lrcli.sweeps.options import load_sweep
from lrcli.sweeps.plan import SweepPlan, plan_sweep
from lrcli.sweeps.running import run_sweep

LINEAR: dict[str, Any] = {
    "dataset": {"kind": "linear", "w": [2.0, -3.4], "b": 4.2, "noise": 0.01},
    "model": {"kind": "linear"},
    "loss": {"kind": "half_mse"},
    "optimizer": {"kind": "sgd"},
    "training": {"epochs": 3, "batch_size": 10},
    "logging": {"figures": False, "tensorboard": False},
}
XOR = LINEAR | {
    "dataset": {"kind": "xor", "num_train": 200},
    "model": {"kind": "mlp", "hidden": [4, 4]},
    "loss": {"kind": "bce"},
    "training": {"epochs": 20, "batch_size": 2},
}
SINE = LINEAR | {
    "dataset": {"kind": "sine", "num_train": 2000},
    "model": {"kind": "polynomial", "degree": 3},
    "loss": {"kind": "mse"},
    "training": {"epochs": 2000, "batch_size": "full"},
    "logging": {"every": 100, "figures": False, "tensorboard": False},
}
TORCH = ["engine=torch"]
CASES: dict[str, tuple[dict[str, Any], str, int, list[str]]] = {  # experiment, rates, seeds, overrides
    "linear, one": (LINEAR, "0.01", 1, ["training.epochs=3000", "logging.every=30"]),
    "linear, a thousand": (LINEAR, "1e-4:0.1:25", 40, []),
    "linear, 200,000": (LINEAR, "1e-4:0.1:2000", 100, []),
    "linear, two million": (LINEAR, "1e-4:0.1:10000", 200, ["dataset.num_train=100", "training.epochs=1"]),
    "linear, many records": (LINEAR, "1e-4:0.1:100", 10, ["training.epochs=1000", "dataset.num_train=100"]),
    "linear, many seeds": (LINEAR, "0.01,0.1", 2000, []),
    "wide, 200 features": (LINEAR, "1e-5:1e-3:10", 5, [f"dataset.w={[0.5] * 200}"]),
    "xor, a thousand": (XOR, "1e-3:0.1:25", 40, []),
    "xor, 50,000, adam": (XOR, "1e-3:0.1:500", 100, ["optimizer.kind=adam", "logging.every=5"]),
    "xor, hidden 64": (XOR, "1e-3:0.1:10", 5, ["model.hidden=[64, 64]", "training.batch_size=20"]),
    "sine, a thousand": (SINE, "1e-4:1e-2:100", 10, []),
    "sine, records": (SINE, "1e-4:1e-2:100", 10, ["logging.every=1"]),
    "linear, one, torch": (LINEAR, "0.01", 1, [*TORCH, "training.epochs=10"]),
    "linear, a thousand, torch": (LINEAR, "1e-4:0.1:25", 40, [*TORCH, "training.epochs=10"]),
    "xor, a thousand, torch": (XOR, "1e-3:0.1:25", 40, [*TORCH]),
    "sine, sinusoid": (SINE, "1e-4:1e-2:20", 5, ["model={kind: sinusoid}", "training.epochs=200"]),
}


def planned(name: str, place: str) -> SweepPlan:
    """The plan of a case."""
    experiment, rates, seeds, overrides = CASES[name]
    file = Path(place, "estimate.yaml")
    file.write_text(yaml.safe_dump(experiment), encoding="utf-8")
    return plan_sweep(load_sweep(file, overrides, rates=rates, seeds=seeds))


def seconds(plan: SweepPlan, place: str) -> tuple[float, float]:
    """How long a sweep takes, and how long the processor works for it; once more where it had to compile."""
    started = time.perf_counter(), time.process_time()
    events = list(run_sweep(plan, SweepFiles(plan, OutputLocation(Path(place))), Interruption()))
    if any(isinstance(event, Compiling) for event in events):
        return seconds(plan, place)
    return time.perf_counter() - started[0], time.process_time() - started[1]


def row(name: str) -> list[str]:
    """A row of the table."""
    with tempfile.TemporaryDirectory() as place:
        plan = planned(name, place)
        taken, worked = seconds(plan, place)
    records = sum(part.records for part in plan.parts)
    steps = sum(part.steps for part in plan.parts)
    cells = [name, f"{plan.size:,}", f"{steps:,}", f"{records:,}", f"{plan.seconds:.3g}", f"{taken:.3g}"]
    return [*cells, f"{worked:.3g}", f"{plan.seconds / taken:.2f}"]


def main() -> None:
    """Measure, and print a Markdown table."""
    parser = argparse.ArgumentParser(description="What a dry run says about time, against the time taken.")
    parser.add_argument("names", nargs="*", help="cases whose names begin so")
    names = parser.parse_args().names
    chosen = [name for name in CASES if not names or name.startswith(tuple(names))]
    head = [
        "sweep",
        "members",
        "steps",
        "records",
        "estimate, s",
        "taken, s",
        "processor, s",
        "estimate / taken",
    ]
    print_table(head, map(row, chosen))


if __name__ == "__main__":
    main()
