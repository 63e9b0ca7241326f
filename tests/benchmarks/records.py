"""Time of training with a record after each epoch: lrcli's loop against JAX with its own evaluation.

    python tests/benchmarks/records.py [--tasks linear xor] [--members 1 1000] [--seconds 1] [--rounds 5]
    python tests/benchmarks/records.py --commands [--rounds 9]

A record has the losses (and accuracies) of the training and the validation set; lrcli's has the running loss,
the gradient's norm, the rate, the recovery of the parameters and the parameters themselves beside them, and
the best state is followed. lrcli's time is ``train_seconds``. JAX's is one `jax.jit` of a `vmap` of a `scan`
over epochs that returns the metrics of each, compiled before. The subjects take turns within one process.
"""

import argparse
import json
import math
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from statistics import median

from measuring import Subject, in_turn, print_table, ratio
from populations import seeds_and_rates
from tasks import TASKS, Task, varied

from lrcli.running.preparation import Prepared, prepare
from lrcli.training.population import build_population
from lrcli.training.problem import Draw

TITLES = {
    "linear": "Linear regression on two features, 1000 examples and 1000 to validate, batch 10",
    "xor": "XOR, MLP 2-4-4-1, 200 examples and 200 to validate, batch 2",
}
HEAD = ["members", "subject", "epochs", "an epoch, us", "per member-step, ns", "/ lrcli"]
LINEAR = Path(__file__).parents[2] / "experiments" / "linear.yaml"
STEPS, RECORDS = 30_000, 300


def with_validation(task: Task) -> Task:
    """The task with as many examples to validate as to train."""
    return varied(task, dataset={"num_val": task.experiment.dataset.sizes["train"]})


def prepared(task: Task, members: int, epochs: int, every: int = 1) -> Prepared:
    """Members of a few seeds and many rates, ready to train."""
    experiment = varied(task, training={"epochs": epochs}, logging={"every": every}).experiment
    seeds, rates = seeds_and_rates(members)
    lr = experiment.optimizer.lr
    values = [lr * 100 ** (k / max(1, rates - 1) - 1) if rates > 1 else lr for k in range(rates)] * seeds
    draws = [Draw(seed, experiment.dataset, experiment.model) for seed in range(seeds)]
    index = [seed for seed in range(seeds) for _ in range(rates)]
    population = build_population(experiment.optimizer, experiment.training, index, {"lr": values})
    ready = prepare(experiment, draws, population)
    ready.engine.compile()
    return ready


class Ours:
    """lrcli's training of so many epochs, each repetition from the start."""

    def __init__(self, task: Task, members: int, seconds: float, every: int = 1) -> None:
        self._task, self._members, self._every = task, members, every
        self.epochs = 20
        while (taken := self.seconds()) < seconds / 2:
            self.epochs = math.ceil(self.epochs * min(10, 0.9 * seconds / taken))

    def seconds(self) -> float:
        """What `train_seconds` would be."""
        loop = prepared(self._task, self._members, self.epochs, self._every).loop
        for _ in loop:
            pass
        if set(loop.members.status) != {"completed"}:
            raise RuntimeError("not all members were trained to the end")
        return loop.seconds

    def step(self) -> float:
        return self.seconds() / (self.epochs * self._task.steps_per_epoch)


def compare(name: str, members: int, seconds: float, rounds: int) -> list[list[str]]:
    """The rows of a table."""
    task = with_validation(TASKS[name])
    ours = Ours(task, members, seconds)
    subjects: dict[str, Callable[[], float]] = {"lrcli": ours.step}
    # Of no record but the first and the last: what the engine alone takes.
    bare = Ours(task, members, seconds, every=10**9)
    subjects["lrcli, one record"] = bare.step
    epochs = {"lrcli": ours.epochs, "lrcli, one record": bare.epochs}
    if find_spec("jax") is not None:
        import peers_jax

        train, val = task.data(), task.data("val")
        advance = peers_jax.ensemble(task, train, members, evaluated=[train, val])
        peer = Subject(lambda _, count: advance(count), task.steps_per_epoch, seconds)
        subjects["JAX"], epochs["JAX"] = peer.step, peer.epochs
    times = in_turn(subjects, rounds)
    return [
        [
            f"{members:,}",
            subject,
            f"{epochs[subject]:,}",
            f"{median(taken) * task.steps_per_epoch * 1e6:,.1f}",
            f"{median(taken) / members * 1e9:,.2f}",
            f"{ratio(taken, times['lrcli']):.2f}",
        ]
        for subject, taken in times.items()
    ]


def command(records: int, directory: Path) -> float:
    """`total_seconds` and all: the wall time of a whole command that trains linear.yaml."""
    import time

    epochs = STEPS // 100
    words = [
        "train", str(LINEAR), f"training.epochs={epochs}", "training.batch_size=10", "--quiet",
        f"logging.every={epochs // records}", "--run-dir", str(directory),
    ]  # fmt: skip
    started = time.perf_counter()
    subprocess.run([sys.executable, "-m", "lrcli", *words], check=True)
    taken = time.perf_counter() - started
    assert json.loads((directory / "result.json").read_text())["status"] == "completed"
    return taken


def compare_commands(rounds: int) -> None:
    """Print what many records cost a whole command."""
    with tempfile.TemporaryDirectory() as place:
        numbers = iter(range(10**6))
        subjects = {
            f"{count} records": lambda count=count: command(count, Path(place) / str(next(numbers)))
            for count in (RECORDS, 1)
        }
        times = in_turn(subjects, rounds)
    base = times["1 records"]
    rows = [[name, f"{median(taken):.3f}", f"{ratio(taken, base):.3f}"] for name, taken in times.items()]
    print(f"`lrcli train experiments/linear.yaml`, {STEPS:,} steps:\n")
    print_table(["records", "seconds", "/ one"], rows)


def main() -> None:
    """Measure, and print Markdown tables."""
    parser = argparse.ArgumentParser(description="Time of training with a record after each epoch.")
    parser.add_argument("--tasks", nargs="+", choices=TITLES, default=list(TITLES), help="default: all")
    parser.add_argument("--members", nargs="+", type=int, default=[1, 1000])
    parser.add_argument("--seconds", type=float, default=1.0, help="time of a repetition, about")
    parser.add_argument("--rounds", type=int, default=5, help="repetitions of each subject")
    parser.add_argument("--commands", action="store_true", help="whole commands instead")
    options = parser.parse_args()
    if options.commands:
        compare_commands(options.rounds)
        return
    for name in options.tasks:
        print(f"{TITLES[name]}:\n")
        rows = (
            row for size in options.members for row in compare(name, size, options.seconds, options.rounds)
        )
        print_table(HEAD, rows)


if __name__ == "__main__":
    main()
