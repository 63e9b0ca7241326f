"""Time of a training step: lrcli's torch engine against the textbook loop.

    python tests/benchmarks/steps.py [--rounds 9] [--seconds 0.2] [TASK ...]

The subjects take turns within one process; a ratio is taken within each round, so that a slow moment of
the machine falls on both sides of it. Set-up is not timed.
"""

import argparse
from statistics import median

import torch
from measuring import Subject, in_turn, print_table, ratio
from populations import make_engine, make_population, trainer
from tasks import TASKS, Task

TITLES = {
    "linear, batch 10": "linear",
    "MLP 2-4-4-1, batch 2": "xor",
    "sine, cubic, full batch": "sine",
    "sine, Legendre, full batch": "legendre",
}
TARGETS = {"linear": 0.5, "xor": 0.5, "sine": 0.5, "legendre": 1.0}  # a step, in steps of the textbook loop
THOUSAND_TARGETS = {"linear": 3.0}  # a step of 1000 members, in steps of one
POPULATIONS = {"R = 1": (1, 1), "R = 1000": (1, 1000), "40 seeds x 25": (40, 25)}  # (seeds, rates)
THREADS = torch.get_num_threads()


def make_subjects(task: Task, seconds: float) -> dict[str, Subject]:
    """The textbook loop, and an engine for each population."""
    torch.set_num_threads(THREADS)
    data, steps = task.data(), task.steps_per_epoch
    book = task.textbook(torch.from_numpy(data.inputs), torch.from_numpy(data.targets))
    subjects = {"textbook": Subject(lambda _, epochs: book(epochs), steps, seconds)}
    for name, (seeds, rates) in POPULATIONS.items():
        torch.set_num_threads(THREADS)
        engine = make_engine(*make_population(task.experiment, seeds, rates), "torch")
        subjects[name] = Subject(trainer(engine), steps, seconds)
    return subjects


def measure(task: Task, rounds: int, seconds: float) -> dict[str, list[float]]:
    """Seconds for a step of each subject, one number for each round."""
    subjects = make_subjects(task, seconds)
    return in_turn({name: subject.step for name, subject in subjects.items()}, rounds, warm_up=False)


def row(title: str, times: dict[str, list[float]]) -> list[str]:
    """A row of the table."""
    book, one, thousand, seeds = (times[key] for key in ("textbook", *POPULATIONS))
    target = THOUSAND_TARGETS.get(TITLES[title])
    return [
        title,
        *(f"{median(values) * 1e6:.1f}" for values in (book, one)),
        f"**{ratio(one, book):.2f}**",
        f"{TARGETS[TITLES[title]]:g}",
        f"{median(thousand) * 1e6:.1f}",
        f"**{ratio(thousand, one):.2f}**",
        "" if target is None else f"{target:g}",
        f"{median(seeds) * 1e6:.1f}",
        f"{ratio(seeds, one):.2f}",
        f"{1000 * ratio(book, seeds):.0f}",
    ]


HEAD = (
    "task|textbook, us|R = 1, us|R = 1 / textbook|target|R = 1000, us|/ R = 1|target|40 seeds x 25, us|"
    "/ R = 1|members trained in the time of one textbook step"
)


def main() -> None:
    """Measure, and print a Markdown table."""
    parser = argparse.ArgumentParser(description="Time of a training step against the textbook loop.")
    parser.add_argument("tasks", nargs="*", metavar="TASK", help="beginnings of task names; default: all")
    parser.add_argument("--rounds", type=int, default=9, help="repetitions of each subject")
    parser.add_argument("--seconds", type=float, default=0.2, help="least time of a repetition, about")
    options = parser.parse_args()
    print(f"torch {torch.__version__}, {THREADS} threads, medians of {options.rounds}\n")
    print_table(
        HEAD.split("|"),
        (
            row(title, measure(TASKS[name], options.rounds, options.seconds))
            for title, name in TITLES.items()
            if not options.tasks or title.startswith(tuple(options.tasks))
        ),
    )


if __name__ == "__main__":
    main()
