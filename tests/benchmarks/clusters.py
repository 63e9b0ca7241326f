"""What workers of a cluster on this machine gain, and what they cost.

    python tests/benchmarks/clusters.py [--rounds 3] [--seconds 60]

- a module of one's own that trains its members one after the other: 2 workers against 1;
- the compiled engine: one worker that has the cores of this process against this process;
- a part: the time from the end of one to the beginning of the next, of parts that take next to none.

Each round trains all of them in turn; ratios are within a round. The time is that from the first part handed
out to the last part kept: workers take one to three seconds more to start.
"""

import argparse
import contextlib
import json
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from measuring import print_table

from lrcli.cluster.trainer import ClusterTrainer
from lrcli.experiment.loading import load
from lrcli.running.location import Interruption, OutputLocation
from lrcli.sweeps.files import SweepFiles
from lrcli.sweeps.plan import DEFAULT_MEMORY, SweepPlan, plan_sweep
from lrcli.sweeps.running import SweepProgress, SweepStarted, run_sweep

MODULE = """
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Dropout(0.1), nn.Linear(32, 1))

    def forward(self, x):
        return self.layers(x)
"""
XOR: dict[str, Any] = {
    "dataset": {"kind": "xor", "num_train": 200},
    "model": {"kind": "mlp", "hidden": [4, 4]},
    "loss": {"kind": "bce"},
    "optimizer": {"kind": "adam"},
    "training": {"epochs": 20, "batch_size": 4},
    "logging": {"figures": False, "tensorboard": False, "every": 20},
}
SMALL = XOR | {"training": {"epochs": 1, "batch_size": "full"}, "dataset": {"kind": "xor", "num_train": 8}}


def planned(place: Path, experiment: dict[str, Any], members: int, memory: int = DEFAULT_MEMORY) -> SweepPlan:
    """So many members of an experiment, ten for each rate."""
    rates = {"log_range": [1e-4, 0.1, members // 10]}
    file = place / "measured.yaml"
    file.write_text(json.dumps(experiment | {"sweep": {"seeds": 10, "grid": {"optimizer.lr": rates}}}))
    return plan_sweep(load(file), memory)


def seconds(plan: SweepPlan, cluster: str | None) -> float:
    """From when the first part may begin to when the last is kept."""
    with tempfile.TemporaryDirectory() as place, contextlib.ExitStack() as stack:
        trainer = stack.enter_context(ClusterTrainer(cluster)) if cluster else None
        files = SweepFiles(plan, OutputLocation(run_dir=Path(place, "sweep")))
        began = ended = 0.0
        for event in run_sweep(plan, files, Interruption(), trainer):
            if isinstance(event, SweepStarted):
                began = time.perf_counter()
            elif isinstance(event, SweepProgress) and event.ended == len(plan.parts):
                ended = time.perf_counter()
    return ended - began


def sized(place: Path, experiment: dict[str, Any], members: int, target: float) -> SweepPlan:
    """Epochs enough for so many seconds on one core of the reference machine."""
    epochs = experiment["training"]["epochs"]
    for _ in range(3):
        training = experiment["training"] | {"epochs": epochs}
        logging = experiment["logging"] | {"every": epochs}
        plan = planned(place, experiment | {"training": training, "logging": logging}, members)
        epochs = max(1, round(epochs * target / sum(part.work for part in plan.parts)))
    return plan


def main() -> None:
    """Measure."""
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--seconds", type=float, default=60.0, help="of work by one core, of each sweep")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        (place / "own.py").write_text(MODULE)
        own = XOR | {"model": {"kind": "module", "path": "own.py", "name": "Net"}}
        own_plan = sized(place, own, 40, given.seconds)
        compiled = sized(place, XOR, 10_000, given.seconds)
        small = planned(place, SMALL, 2000, 20_000)
        subjects = {
            "own module, this process": (own_plan, None),
            "own module, 1 worker": (own_plan, "local:1"),
            "own module, 2 workers": (own_plan, "local:2"),
            "compiled, this process": (compiled, None),
            "compiled, 1 worker": (compiled, "local:1"),
            "compiled, 2 workers": (compiled, "local:2"),
            "tiny parts, this process": (small, None),
            "tiny parts, 1 worker": (small, "local:1"),
        }
        taken: dict[str, list[float]] = {name: [] for name in subjects}
        for _ in range(given.rounds):
            for name, (plan, cluster) in subjects.items():
                taken[name].append(seconds(plan, cluster))
        rows: list[list[str]] = []
        for name, (plan, _) in subjects.items():
            first = taken[f"{name.partition(',')[0]}, this process"]
            ratio = median(a / b for a, b in zip(taken[name], first, strict=True))
            each = 1000 * median(taken[name]) / len(plan.parts)
            rows.append(
                [name, str(len(plan.parts)), f"{median(taken[name]):.2f}", f"{ratio:.2f}", f"{each:.1f}"]
            )
        head = ["sweep", "parts", "seconds", "against this process", "ms for each part"]
        print_table(head, rows)


if __name__ == "__main__":
    main()
