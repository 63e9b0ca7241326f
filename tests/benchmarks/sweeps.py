"""Sweeps: many members against one, against the textbook loop and against `torch.func.vmap`; their growth.

    python tests/benchmarks/sweeps.py [--rounds 9] [TASK ...]

The subjects take turns; a ratio is taken within each round. Memory is measured in a process for each subject.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import textbook
import torch
import yaml
from measuring import Timed, in_turn, print_table, ratio
from populations import advance, make_engine, make_population
from processes import LRCLI
from stacked import Stacked
from tasks import TASKS

from lrcli.experiment.experiment import Experiment
from lrcli.experiment.loading import Loaded, load
from lrcli.running.location import Interruption, OutputLocation
from lrcli.running.preparation import prepare
from lrcli.running.single import train
from lrcli.sweeps.files import SweepFiles
from lrcli.sweeps.plan import SweepPlan, plan_sweep
from lrcli.sweeps.running import run_sweep

THREADS = torch.get_num_threads()
LINEAR: dict[str, Any] = {
    "name": "d2l",
    "dataset": {
        "kind": "linear", "w": [2.0, -3.4], "b": 4.2, "noise": 0.01, "num_train": 1000, "num_val": 1000,
    },
    "model": {"kind": "linear"},
    "loss": {"kind": "half_mse"},
    "optimizer": {"kind": "sgd", "lr": 0.03},
    "training": {"epochs": 3, "batch_size": 10},
}  # fmt: skip
RANGES = {"1e-4 to 1": (1e-4, 1.0), "1e-4 to 10": (1e-4, 10.0)}
SEEDS, RATES = 40, 25
TEXTBOOK_RUNS = 5
XOR_EPOCHS, XOR_STEPS = 20, 2000
XOR_POPULATIONS = {"1000 rates": (1, 1000), "40 seeds x 25 rates": (40, 25)}
XOR_FEW, XOR_MANY = 10, 10  # memory: members less and more by these factors
LEAST_TO_WEIGH = 1000  # members, for their memory to be seen in that of a process
GROWTH_ROUNDS = 3
GROWTH = [(1, 1), (2, 5), (4, 25), (40, 25), (40, 250), (40, 2500), (10_000, 10)]  # (seeds, rates)


def written(directory: str, seeds: int, rates: int, bounds: tuple[float, float] = (1e-4, 1.0)) -> Path:
    """The file of a sweep of the linear task."""
    grid = {"values": [0.03]} if rates == 1 else {"log_range": [*bounds, rates]}
    content = LINEAR | {"sweep": {"seeds": seeds, "grid": {"optimizer.lr": grid}}}
    path = Path(directory, f"{seeds}x{rates}-to-{bounds[1]:g}.yaml")
    path.write_text(yaml.safe_dump(content))
    return path


# The d2l setting --------------------------------------------------------------------------------


def train_one(experiment: Experiment) -> float:
    """`lrcli train` without its process; the seconds of training and evaluating."""
    torch.set_num_threads(THREADS)
    with tempfile.TemporaryDirectory() as runs_dir:
        *_, finished = train(experiment, OutputLocation(Path(runs_dir)), Interruption())
    return finished.result.timing.train_seconds


def sweep(loaded: Loaded) -> dict[str, float]:
    """`lrcli sweep` without its process and its drawing; the timing and what else is asked for."""
    torch.set_num_threads(THREADS)
    started = time.perf_counter()
    plan = plan_sweep(loaded)
    with tempfile.TemporaryDirectory() as runs_dir:
        *_, finished = run_sweep(plan, SweepFiles(plan, OutputLocation(Path(runs_dir))), Interruption())
        seconds = time.perf_counter() - started
    found = {"planned": plan.needs.total(), "diverged": finished.result.diverged}
    return vars(finished.result.timing) | found | {"seconds": seconds}


def advance_alone(plan: SweepPlan) -> float:
    """The seconds of `engine.advance` alone, epoch by epoch as both commands call it."""
    torch.set_num_threads(THREADS)
    (part,) = plan.parts
    draws, population = part.group.population(part.members)
    engine = prepare(part.group.experiment, draws, population).engine
    started = time.perf_counter()
    for epoch in range(1, population.training.epochs + 1):
        advance(engine, epoch, 1)
    return time.perf_counter() - started


def textbook_runs(inputs: torch.Tensor, targets: torch.Tensor) -> float:
    """The mean seconds of the textbook loop, which evaluates nothing."""
    torch.set_num_threads(THREADS)
    started = time.perf_counter()
    for _ in range(TEXTBOOK_RUNS):
        textbook.linear_regression(inputs, targets, 0.03, LINEAR["training"]["batch_size"])(3)
    return (time.perf_counter() - started) / TEXTBOOK_RUNS


def compare_linear(rounds: int) -> None:
    """1000 members against one and against 1000 textbook loops."""
    with tempfile.TemporaryDirectory() as directory:
        one = load(written(directory, 1, 1))
        many = {name: load(written(directory, SEEDS, RATES, ends)) for name, ends in RANGES.items()}
    problem, _ = make_population(one.experiment, 1, 1)
    split = problem.splits["train"]
    tensors = [torch.from_numpy(array[0]).float() for array in (split.inputs, split.targets)]
    found: dict[str, list[dict[str, float]]] = {name: [] for name in RANGES}

    def sweep_keeping(name: str) -> float:
        found[name].append(sweep(many[name]))
        return found[name][-1]["train_seconds"]

    subjects: dict[str, Timed] = {"textbook": lambda: textbook_runs(*tensors)}
    subjects["train one"] = lambda: train_one(one.experiment)
    subjects["advance one"] = lambda: advance_alone(plan_sweep(one))
    for name in RANGES:
        subjects[f"train {name}"] = lambda name=name: sweep_keeping(name)
        subjects[f"advance {name}"] = lambda name=name: advance_alone(plan_sweep(many[name]))
    times = in_turn(subjects, rounds)

    def row(kind: str, name: str) -> list[Any]:
        single, thousand = times[f"{kind} one"], times[f"{kind} {name}"]
        book = times["textbook"]
        return [
            {"train": "`timing.train_seconds`", "advance": "`engine.advance` alone"}[kind],
            name,
            found[name][0]["diverged"],
            *(f"{median(values) * 1e3:.1f}" for values in (book, single, thousand)),
            f"**{ratio(thousand, single):.2f}**",
            "3",
            f"**{1000 * ratio(book, thousand):.0f}**",
            "300",
            f"{median(timing['seconds'] for timing in found[name][1:]) * 1e3:.0f}" if kind == "train" else "",
        ]

    head = "time,rates,diverged,one textbook loop (ms),one member (ms),1000 members (ms),/ one,target,"
    head += "1000 textbook loops / 1000 members,target,planning and `run_sweep` (ms)"
    print_table(head.split(","), [row(kind, name) for name in RANGES for kind in ("train", "advance")])


# The whole command ------------------------------------------------------------------------------


def compare_commands(rounds: int) -> None:
    """`lrcli sweep` as a process against importing torch."""
    with tempfile.TemporaryDirectory() as directory:
        file = str(written(directory, SEEDS, RATES))
        command = [LRCLI, "sweep", file, "--quiet"]
        commands = {
            "import torch": [sys.executable, "-c", "import torch"],
            "lrcli train, one member": [LRCLI, "train", file, "--quiet"],
            "lrcli sweep": command,
            "... logging.figures=false": [*command, "logging.figures=false"],
            "... logging.tensorboard=false": [*command, "logging.tensorboard=false"],
            "... both": [*command, "logging.figures=false", "logging.tensorboard=false"],
        }
        timings: dict[str, list[dict[str, float]]] = {name: [] for name in commands}

        def run(name: str) -> float:
            started = time.perf_counter()
            with tempfile.TemporaryDirectory() as runs_dir:
                place = [] if name == "import torch" else ["--runs-dir", runs_dir]
                subprocess.run([*commands[name], *place], check=True, stdout=subprocess.DEVNULL)
                taken = time.perf_counter() - started
                for path in Path(runs_dir).glob("*/*/result.json"):
                    timings[name].append(json.loads(path.read_text())["timing"])
            return taken

        times = in_turn({name: lambda name=name: run(name) for name in commands}, rounds)

    def inside(name: str, key: str) -> str:
        return f"{median(timing[key] for timing in timings[name]):.3f}" if timings[name] else ""

    reference = times["import torch"]
    rows = [
        [
            name,
            f"{median(values):.3f}",
            f"{ratio(values, reference):.2f}",
            "3" if name == "lrcli sweep" else "",
            inside(name, "train_seconds"),
            inside(name, "total_seconds"),
        ]
        for name, values in times.items()
    ]
    head = ["process", "seconds", "/ import torch", "target", "`train_seconds`", "`total_seconds`"]
    print_table(head, rows)


# Against torch.func ------------------------------------------------------------------------------


class Xor:
    """One population of the XOR network, trained by either side from the same start on the same batches."""

    def __init__(self, seeds: int, rates: int) -> None:
        torch.set_num_threads(THREADS)
        self._seeds, self._rates = seeds, rates
        self._experiment = TASKS["xor"].experiment

    def lrcli(self, epochs: int = XOR_EPOCHS) -> tuple[float, dict[str, torch.Tensor]]:
        """The seconds of training and what was learned, under torch's names."""
        torch.set_num_threads(THREADS)
        engine = make_engine(*make_population(self._experiment, self._seeds, self._rates), "torch")
        started = time.perf_counter()
        for epoch in range(1, epochs + 1):
            advance(engine, epoch, 1)
        taken = time.perf_counter() - started
        if engine.diverged_steps().any():
            raise RuntimeError("a member diverged: its steps were guarded, and the times are not comparable")
        learned = {name: torch.from_numpy(array[-1]).float() for name, array in engine.parameters().items()}
        return taken, {name: array for i in (1, 2, 3) for name, array in _as_linear(learned, i)}

    def vmap(self, epochs: int = XOR_EPOCHS, threads: int = THREADS) -> tuple[float, dict[str, torch.Tensor]]:
        """The same with `torch.func`."""
        problem, _ = make_population(self._experiment, self._seeds, 1)
        torch.set_num_threads(threads)
        split, size = problem.splits["train"], self._experiment.training.batch_size
        inputs, targets = (torch.from_numpy(array[-1]).float() for array in (split.features, split.targets))
        seed_of = torch.arange(self._seeds).repeat_interleave(self._rates)
        models = [textbook.dense(*TASKS["xor"].layers) for _ in seed_of]
        initial = {name: torch.from_numpy(array[-1]).float() for name, array in problem.initial.items()}
        starts = {name: array for i in (1, 2, 3) for name, array in _as_linear(initial, i)}
        for model, seed in zip(models, seed_of.tolist(), strict=True):
            model.load_state_dict({name: array[seed] for name, array in starts.items()})
        lr = self._experiment.optimizer.lr
        lrs = torch.logspace(-2, 0, self._rates).mul(lr).repeat(self._seeds)
        shared = self._seeds == 1
        stacked = Stacked(models, lrs, torch.nn.BCEWithLogitsLoss(), shared_data=shared)
        del models
        rows = torch.arange(self._seeds)[:, None]
        started = time.perf_counter()
        for epoch in range(1, epochs + 1):
            order = torch.stack([torch.from_numpy(problem.order(row, epoch)) for row in range(self._seeds)])
            batches = (tensor[rows, order].split(size, 1) for tensor in (inputs, targets))
            for x, y in zip(*batches, strict=True):
                stacked.step(*((x[0], y[0]) if shared else (x[seed_of], y[seed_of])))
        return time.perf_counter() - started, stacked.parameters

    def check(self) -> None:
        """Both sides must do the same work: after an epoch they are where rounding allows."""
        ours, theirs = self.lrcli(1)[1], self.vmap(1)[1]
        if not all(torch.allclose(ours[name], theirs[name], atol=1e-4) for name in theirs):
            raise RuntimeError("lrcli and torch.func learned something else from the same batches")


def _as_linear(arrays: dict[str, torch.Tensor], layer: int) -> Iterable[tuple[str, torch.Tensor]]:
    """The weight and the bias of a layer as `nn.Linear` has them in the sequence."""
    yield f"{2 * layer - 2}.weight", arrays[f"w{layer}"].transpose(1, 2)
    yield f"{2 * layer - 2}.bias", arrays[f"b{layer}"]


def compare_stacked(rounds: int) -> None:
    """1000 networks against `torch.func.vmap`."""
    head = (
        f"members,lrcli (s),torch.func, {THREADS} threads (s),torch.func, one thread (s),lrcli / the faster,"
    )
    head += "target,a step: lrcli (us),torch.func (us),memory of a member: lrcli (KB),torch.func (KB)"

    def rows() -> Iterable[list[str]]:
        for name, (seeds, rates) in XOR_POPULATIONS.items():
            xor = Xor(seeds, rates)
            xor.check()
            sides = {"lrcli": xor.lrcli, "vmap": xor.vmap, "vmap, one thread": partial(xor.vmap, threads=1)}
            times = in_turn({side: lambda run=run: run()[0] for side, run in sides.items()}, rounds)
            ours, *theirs = times.values()
            faster = min(theirs, key=median)
            yield [
                name,
                *(f"{median(values):.2f}" for values in (ours, *theirs)),
                f"**{ratio(ours, faster):.2f}**",
                "1",
                *(f"{median(values) / XOR_STEPS * 1e6:.0f}" for values in (ours, faster)),
                *(f"{memory_per_member(side, seeds, rates):.2f}" for side in ("lrcli", "vmap")),
            ]

    print_table(re.split(",(?! )", head), rows())


def memory_per_member(side: str, seeds: int, rates: int) -> float:
    """KB that a member adds to the peak of a process: ten times as many members against a tenth."""
    few, many = rates // XOR_FEW, rates * XOR_MANY
    peaks = [in_process("xor", side, seeds, count)["peak"] for count in (max(1, few), many)]
    return (peaks[1] - peaks[0]) / (seeds * (many - max(1, few))) / 1024


# Growth -----------------------------------------------------------------------------------------


def print_growth(rounds: int) -> None:
    """Time and memory of sweeps of 1 to 100,000 members, a process for each."""
    rounds = min(rounds, GROWTH_ROUNDS)
    head = "members,seeds x rates,`train_seconds`,us per member and step,planning and `run_sweep` (s),"
    head += "us per member,peak memory (MB),KB per member,planned KB per member"

    def rows() -> Iterable[list[str]]:
        first = None
        for seeds, rates in GROWTH:
            found = [in_process("linear", "lrcli", seeds, rates) for _ in range(rounds)]
            keys = ("train_seconds", "seconds", "peak")
            training, whole, peak = (median(timing[key] for timing in found) for key in keys)
            first = peak if first is None else first
            size = seeds * rates
            yield [
                f"{size:,}",
                f"{seeds:,} x {rates:,}",
                f"{training:.3f}",
                f"{training / size / 300 * 1e6:.3f}",
                f"{whole:.3f}",
                f"{whole / size * 1e6:.0f}",
                f"{peak / 2**20:.0f}",
                f"{(peak - first) / size / 1024:.2f}" if size >= LEAST_TO_WEIGH else "",
                f"{found[0]['planned'] / size / 1024:.2f}",
            ]

    print_table(head.split(","), rows())


def in_process(*words: Any) -> dict[str, float]:
    """What `measure_alone` finds in a process of its own."""
    command = [sys.executable, __file__, "--alone", *map(str, words)]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def measure_alone(task: str, side: str, seeds: int, rates: int) -> dict[str, float]:
    """Train one population; its timing, and the process's peak memory in bytes."""
    timing: dict[str, float] = {}
    if task == "xor":
        getattr(Xor(seeds, rates), side)(1)
    else:
        with tempfile.TemporaryDirectory() as directory:
            timing = sweep(load(written(directory, seeds, rates)))
    return timing | {"peak": peak_memory()}


def peak_memory() -> int:
    """Bytes; on Linux not `ru_maxrss`, which a process inherits from the one that started it."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


COMPARISONS: dict[str, tuple[str, Callable[[int], None]]] = {
    "linear": ("Linear regression, 300 steps of batch 10, 40 seeds x 25 rates", compare_linear),
    "command": ("The whole command, linear regression, 40 seeds x 25 rates", compare_commands),
    "xor": (f"1000 MLPs 2-4-4-1, {XOR_STEPS} steps of batch 2, against torch.func.vmap", compare_stacked),
    "growth": (
        f"Growth, linear regression, 300 steps of batch 10, medians of at most {GROWTH_ROUNDS}",
        print_growth,
    ),
}


def main() -> None:
    """Measure, and print Markdown tables."""
    parser = argparse.ArgumentParser(description="Sweeps against their peers, and their growth.")
    parser.add_argument("tasks", nargs="*", metavar="TASK", help=f"of {', '.join(COMPARISONS)}; default: all")
    parser.add_argument("--rounds", type=int, default=9, help="repetitions of each subject")
    parser.add_argument("--alone", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.alone:
        task, side, seeds, rates = options.alone
        print(json.dumps(measure_alone(task, side, int(seeds), int(rates))))
        return
    load_average = f"load {os.getloadavg()[0]:.1f}, " if hasattr(os, "getloadavg") else ""
    print(f"torch {torch.__version__}, {THREADS} threads, {load_average}medians of {options.rounds}\n")
    for name, (title, compare) in COMPARISONS.items():
        if not options.tasks or name.startswith(tuple(options.tasks)):
            print(f"{title}:\n")
            compare(options.rounds)


if __name__ == "__main__":
    main()
