"""What a member-step of the XOR network costs lrcli's default engine, against the sizes it depends on."""

import math
from collections.abc import Iterable
from pathlib import Path
from statistics import median
from typing import NamedTuple

import torch
from arithmetic import step_flops
from measuring import Subject, in_turn, print_table
from populations import default_engine, make_engine, make_population, seeds_and_rates, trainer
from tasks import TASKS, Task, varied

__all__ = ["measure"]

THREADS = torch.get_num_threads()
MEMBERS = 100  # where it is not their number that varies
NUM_TRAIN = 200  # of the task
SIZES = {
    "members": (1, 10, 100, 1000, 10_000),
    "hidden units": (1, 4, 16, 64, 256),
    "batch size": (1, 2, 5, 10, 20, 50, 100, 200),
    "examples": (100, 1000, 10_000, 100_000),
}


class Point(NamedTuple):
    """A size, and what was measured there.

    Attributes:
        size: the number that varies.
        seconds: of a step of one member.
        rate: operations in a second, of all members together.
    """

    size: int
    seconds: float
    rate: float


def measure(rounds: int, seconds: float, figure: Path | None) -> None:
    """Print a table for each size, and draw them where a file is given for it."""
    print(f"XOR, MLP 2-4-4-1, {NUM_TRAIN} examples, batch 2, {MEMBERS} members, engine {default_engine()};")
    print("one of these varies at a time.\n")
    panels = {}
    for name, sizes in SIZES.items():
        panels[name] = _points(name, sizes, rounds, seconds)
        rows = [(f"{p.size:,}", f"{p.seconds * 1e9:.1f}", f"{p.rate / 1e9:.2f}") for p in panels[name]]
        print_table([name, "per member-step, ns", "GFLOP/s"], rows)
    if figure is not None:
        _draw(panels, figure)


def _points(name: str, sizes: Iterable[int], rounds: int, seconds: float) -> list[Point]:
    """Measure at every size, in turn."""
    settings = {size: _setting(name, size) for size in sizes}
    subjects = {str(size): _subject(*setting, seconds) for size, setting in settings.items()}
    times = in_turn({size: subject.step for size, subject in subjects.items()}, rounds, warm_up=False)
    points = []
    for size, (task, members) in settings.items():
        taken = median(times[str(size)]) / members
        points.append(Point(size, taken, step_flops(task.layers, task.batch_size) / taken))
    return points


def _setting(name: str, size: int) -> tuple[Task, int]:
    """The task in which a number has this size, and how many members train it."""
    blocks = {
        "members": {},
        "hidden units": {"model": {"hidden": [size, size]}},
        "batch size": {"training": {"batch_size": size}},
        "examples": {"dataset": {"num_train": size}},
    }[name]
    return varied(TASKS["xor"], **blocks), size if name == "members" else MEMBERS


def _subject(task: Task, members: int, seconds: float) -> Subject:
    torch.set_num_threads(THREADS)
    engine = make_engine(*make_population(task.experiment, *seeds_and_rates(members)), default_engine())
    return Subject(trainer(engine), task.steps_per_epoch, seconds)


def _draw(panels: dict[str, list[Point]], path: Path) -> None:
    """One figure with a panel for each size, both axes logarithmic."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    rows = math.isqrt(len(panels))
    figure, axes = plt.subplots(rows, len(panels) // rows, figsize=(9, 7), layout="constrained")
    for ax, (name, points) in zip(axes.flat, panels.items(), strict=True):
        ax.loglog([p.size for p in points], [p.seconds * 1e9 for p in points], marker="o")
        ax.set_xlabel(name)
        ax.set_ylabel("time per member-step (ns)")
        ax.grid(which="both", alpha=0.3)
    figure.savefig(path, dpi=150)
    plt.close(figure)
