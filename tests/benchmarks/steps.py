"""Time of a training step: lrcli's torch engine against the textbook loop.

    python tests/benchmarks/steps.py [--rounds 9] [--seconds 0.2] [TASK ...]

The subjects take turns within one process; a ratio is taken within each round, so that a slow moment of
the machine falls on both sides of it. Set-up is not timed.
"""

import argparse
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Any

import numpy as np
import textbook
import torch

from lrcli.experiment.experiment import Experiment
from lrcli.training.population import build_population
from lrcli.training.problem import Problem, build_problem
from lrcli.training.torch_engine import TorchEngine

SINE = {"kind": "sine", "num_train": 2000, "num_val": 0}
LEGENDRE_START = {"a": 0.0, "b": -1.0, "c": 0.0, "d": 0.3}


@dataclass(frozen=True)
class Task:
    """One problem that both sides train.

    Attributes:
        experiment: the blocks of the experiment file.
        peer: from (inputs, targets) to the textbook's training function.
        target: the most that lrcli's step may take, in steps of the textbook loop.
    """

    experiment: dict[str, Any]
    peer: Callable[[torch.Tensor, torch.Tensor], textbook.Train]
    target: float


TASKS = {
    "linear, batch 10": Task(
        {
            "dataset": {"kind": "linear", "w": [2.0, -3.4], "b": 4.2, "noise": 0.01, "num_val": 0},
            "model": {"kind": "linear"},
            "loss": {"kind": "half_mse"},
            "optimizer": {"kind": "sgd", "lr": 0.03},
            "training": {"batch_size": 10},
        },
        partial(textbook.linear_regression, lr=0.03, batch_size=10),
        target=0.5,
    ),
    "MLP 2-4-4-1, batch 2": Task(
        {
            "dataset": {"kind": "xor", "num_train": 200, "num_val": 0},
            "model": {"kind": "mlp", "hidden": [4, 4]},
            "loss": {"kind": "bce"},
            "optimizer": {"kind": "sgd", "lr": 0.1},
            "training": {"batch_size": 2},
        },
        partial(textbook.xor_mlp, lr=0.1, batch_size=2),
        target=0.5,
    ),
    "sine, cubic, full batch": Task(
        {
            "dataset": SINE,
            "model": {"kind": "polynomial", "degree": 3},
            "loss": {"kind": "mse", "reduction": "sum"},
            "optimizer": {"kind": "sgd", "lr": 1e-6},
            "training": {"batch_size": "full"},
        },
        partial(textbook.sine_polynomial, lr=1e-6),
        target=0.5,
    ),
    "sine, Legendre, full batch": Task(
        {
            "dataset": SINE,
            "model": {"kind": "legendre", "init": {"kind": "values", "values": LEGENDRE_START}},
            "loss": {"kind": "mse", "reduction": "sum"},
            "optimizer": {"kind": "sgd", "lr": 5e-6},
            "training": {"batch_size": "full"},
        },
        partial(textbook.sine_legendre, lr=5e-6),
        target=1.0,
    ),
}
THOUSAND_TARGET = {"linear, batch 10": 3.0}  # a step of 1000 members, in steps of one
POPULATIONS = {"R = 1": (1, 1), "R = 1000": (1, 1000), "40 seeds x 25": (40, 25)}  # (seeds, rates)


class Subject:
    """Something that trains, with the number of threads that it would use if it ran alone."""

    def __init__(self, train: Callable[[int, int], None], steps_per_epoch: int, seconds: float) -> None:
        """Warm up, and find how many epochs take about `seconds`."""
        self._train = train
        self._threads = torch.get_num_threads()
        self._steps_per_epoch = steps_per_epoch
        self._done = 0
        self._epochs = 1
        self.step()
        while (taken := self.step() * steps_per_epoch * self._epochs) < seconds / 2:
            self._epochs = math.ceil(self._epochs * min(10, 0.9 * seconds / taken))

    def step(self) -> float:
        """Train for one repetition; the seconds that one step took."""
        torch.set_num_threads(self._threads)
        started = time.perf_counter()
        self._train(self._done + 1, self._epochs)
        taken = time.perf_counter() - started
        self._done += self._epochs
        return taken / (self._epochs * self._steps_per_epoch)


def make_engine(experiment: Experiment, seeds: int, rates: int) -> tuple[Problem, TorchEngine]:
    """The engine of seeds x rates members; every rate up to the experiment's own, where all is stable."""
    lr = experiment.optimizer.lr
    problem = build_problem(experiment.dataset, experiment.model, experiment.loss, range(seeds))
    varied = {"lr": np.tile(np.geomspace(lr / 100, lr, rates) if rates > 1 else [lr], seeds)}
    members = np.repeat(np.arange(seeds), rates)
    population = build_population(experiment.optimizer, experiment.training, members, varied)
    return problem, TorchEngine(problem, population, "cpu", experiment.dtype)


def make_subjects(task: Task, seconds: float) -> tuple[dict[str, Subject], list[TorchEngine]]:
    """The textbook loop and an engine for each population; the number of threads is left as it was."""
    experiment = Experiment.model_validate({"name": "benchmark", **task.experiment})
    threads = torch.get_num_threads()
    subjects, engines = {}, []
    for name, (seeds, rates) in POPULATIONS.items():
        problem, engine = make_engine(experiment, seeds, rates)
        size, split = experiment.training.batch_size, problem.splits["train"]
        steps = 1 if size == "full" else math.ceil(split.size / size)
        if not subjects:
            engine_threads = torch.get_num_threads()
            torch.set_num_threads(threads)
            tensors = (torch.from_numpy(array[0]).float() for array in (split.inputs, split.targets))
            train = task.peer(*tensors)
            subjects["textbook"] = Subject(lambda _, epochs, train=train: train(epochs), steps, seconds)
            torch.set_num_threads(engine_threads)
        subjects[name] = Subject(engine.advance, steps, seconds)
        engines.append(engine)
        torch.set_num_threads(threads)
    return subjects, engines


def measure(task: Task, rounds: int, seconds: float) -> dict[str, list[float]]:
    """Seconds for a step of each subject, one number for each round."""
    subjects, engines = make_subjects(task, seconds)
    times: dict[str, list[float]] = {name: [] for name in subjects}
    for _ in range(rounds):
        for name, subject in subjects.items():
            times[name].append(subject.step())
    if any(engine.diverged_steps().any() for engine in engines):
        raise RuntimeError("a member diverged: its steps were guarded, and the times are not comparable")
    return times


def ratio(above: Sequence[float], below: Sequence[float]) -> float:
    """The median over the rounds of the ratio within a round."""
    return median(a / b for a, b in zip(above, below, strict=True))


def row(name: str, times: dict[str, list[float]]) -> str:
    """A row of the table."""
    book, one, thousand, seeds = (times[key] for key in ("textbook", *POPULATIONS))
    target = THOUSAND_TARGET.get(name)
    cells = [
        name,
        *(f"{median(values) * 1e6:.1f}" for values in (book, one)),
        f"**{ratio(one, book):.2f}**",
        f"{TASKS[name].target:g}",
        f"{median(thousand) * 1e6:.1f}",
        f"**{ratio(thousand, one):.2f}**",
        "" if target is None else f"{target:g}",
        f"{median(seeds) * 1e6:.1f}",
        f"{ratio(seeds, one):.2f}",
        f"{1000 * ratio(book, seeds):.0f}",
    ]
    return f"| {' | '.join(cells)} |"


HEADER = """\
| task | textbook, us | R = 1, us | R = 1 / textbook | target | R = 1000, us | / R = 1 | target \
| 40 seeds x 25, us | / R = 1 | members trained in the time of one textbook step |
|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|"""


def main() -> None:
    """Measure, and print a Markdown table."""
    parser = argparse.ArgumentParser(description="Time of a training step against the textbook loop.")
    parser.add_argument("tasks", nargs="*", metavar="TASK", help="beginnings of task names; default: all")
    parser.add_argument("--rounds", type=int, default=9, help="repetitions of each subject")
    parser.add_argument("--seconds", type=float, default=0.2, help="least time of a repetition, about")
    options = parser.parse_args()
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, medians of {options.rounds}\n")
    print(HEADER)
    for name, task in TASKS.items():
        if not options.tasks or name.startswith(tuple(options.tasks)):
            print(row(name, measure(task, options.rounds, options.seconds)), flush=True)


if __name__ == "__main__":
    main()
