"""Time of training for each member and step: lrcli's engines against JAX, torch.func, Lightning and a loop.

    python tests/benchmarks/engines.py [--tasks linear xor sine classifier] [--members 1 100 1000 10000]
                                       [--engines compiled torch] [--seconds 1] [--rounds 5] [--limit 60]
                                       [--peers JAX torch.func textbook Lightning]
    python tests/benchmarks/engines.py --scaling [--figure FILE]
    python tests/benchmarks/engines.py --processes

The subjects take turns within one process; a ratio is taken within each round. What is drawn, placed and
compiled before is not timed. A subject that is not installed or would take too long is left out, and why is
said below the table.
"""

import argparse
import math
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from statistics import median

import processes
import scaling
import torch
from arithmetic import num_parameters, peak_flops, step_flops
from measuring import Subject, TooSlowError, in_turn, print_table, ratio
from populations import ENGINES, make_engine, make_population, seeds_and_rates, trainer, why_missing
from tasks import TASKS, Data, Task

from lrcli.errors import LrcliError

THREADS = torch.get_num_threads()
TITLES = {
    "linear": "Linear regression on two features, 1000 examples, batch 10",
    "xor": "XOR, MLP 2-4-4-1, 200 examples, batch 2",
    "sine": "Sine, cubic polynomial, 2000 examples, full batch",
    "classifier": "Classifier, MLP 784-32-16-10, 6400 examples, batch 64",
}
PEERS = {"JAX": "jax", "torch.func": "torch", "textbook": "torch", "Lightning": "lightning"}  # what they need
ALONE = ("textbook", "Lightning")  # train one member: many take as many times as long
MANY = 100  # members from which on each takes about as long as with any larger number
COPIES = 8  # of a member's parameters: gradients, what is updated, temporaries
MEMORY_SHARE = 1 / 3  # of the machine's, for one subject
HEAD = ["members", "subject", "a step, us", "per member-step, ns", "/ lrcli", "share of peak"]

Train = Callable[[int, int], None]


class LeftOutError(Exception):
    """A subject cannot be measured here; the message says why."""


@dataclass
class Comparison:
    """One task for all subjects, with more and more members.

    Attributes:
        task: what is trained.
        data: of the peers.
        names: the subjects.
        seconds: about what a repetition is to take.
        limit: the most seconds that it may take.
        peak: the machine's operations in a second.
        known: from subject to (members, seconds of a step), of the largest number of members measured.
        left_out: sentences about what was not measured.
    """

    task: Task
    data: Data
    names: Sequence[str]
    seconds: float
    limit: float
    peak: float
    known: dict[str, tuple[int, float]] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)

    def rows(self, members: int, rounds: int) -> Iterator[list[str]]:
        """Measure, and give a row of the table for each subject."""
        subjects = self._subjects(members)
        times = in_turn({name: s.step for name, s in subjects.items()}, rounds, warm_up=False)
        flops = step_flops(self.task.layers, self.task.batch_size)
        ours = next((times[name] for name in map(_ours, ENGINES) if name in times), None)
        for name in self.names:
            if name not in times:
                yield [f"{members:,}", name, *["-"] * 4]
                continue
            trained = _trained(name, members)
            self.known[name] = trained, median(times[name])
            yield [
                f"{members:,}",
                name,
                f"{median(times[name]) * 1e6:.1f}",
                f"{median(times[name]) / trained * 1e9:.1f}",
                "" if ours is None else f"{ratio(times[name], ours) * members / trained:.2f}",
                f"{flops * trained / median(times[name]) / self.peak:.2%}",
            ]

    def _subjects(self, members: int) -> dict[str, Subject]:
        """Those that can be measured; about the others a sentence is noted."""
        subjects = {}
        for name in self.names:
            torch.set_num_threads(THREADS)
            try:
                self._foresee(name, _trained(name, members))
                train = self._make(name, members)
                subjects[name] = Subject(train, self.task.steps_per_epoch, self.seconds, self.limit)
            except (LeftOutError, LrcliError, TooSlowError) as error:
                self.left_out.append(f"{name}, R = {members:,}: {error}.")
            except (MemoryError, RuntimeError) as error:  # torch and JAX raise the latter
                if isinstance(error, RuntimeError) and "memory" not in str(error):
                    raise
                self.left_out.append(f"{name}, R = {members:,}: there is not enough memory.")
        return subjects

    def _foresee(self, name: str, trained: int) -> None:
        """Do not begin what would not end.

        Raises:
            LeftOutError: its parameters take too much memory, or an epoch takes too long, either for the
                bare arithmetic or if each member takes as long as it did among fewer.
        """
        needed = 4 * COPIES * num_parameters(self.task.layers) * trained
        if needed > MEMORY_SHARE * _memory():
            raise LeftOutError(f"it would take about {needed / 2**30:.0f} GB")
        step = step_flops(self.task.layers, self.task.batch_size) * trained / self.peak
        fewer, seconds = self.known.get(name, (0, 0.0))
        if MANY <= fewer < trained:
            step = max(step, seconds * trained / fewer)
        epoch = step * self.task.steps_per_epoch
        if epoch > self.limit:
            raise LeftOutError(f"an epoch would take about {epoch:.0f} s")

    def _make(self, name: str, members: int) -> Train:
        """The training function of a subject.

        Raises:
            LeftOutError: something is not installed.
        """
        if name not in PEERS:
            return self._make_ours(name.removeprefix("lrcli "), members)
        if find_spec(PEERS[name]) is None:
            raise LeftOutError(f"{PEERS[name]} is not installed")
        if name == "JAX":
            import peers_jax

            make = peers_jax.ensemble
        else:
            import peers_torch

            make = {
                "torch.func": peers_torch.ensemble,
                "textbook": peers_torch.textbook_loop,
                "Lightning": peers_torch.lightning_loop,
            }[name]
        train = make(self.task, self.data, _trained(name, members))
        return lambda _, epochs: train(epochs)

    def _make_ours(self, kind: str, members: int) -> Train:
        reason = why_missing(kind)
        if reason is not None:
            raise LeftOutError(reason)
        return trainer(make_engine(*make_population(self.task.experiment, *seeds_and_rates(members)), kind))


def _ours(kind: str) -> str:
    return f"lrcli {kind}"


def _trained(name: str, members: int) -> int:
    """How many members a subject trains when there are to be so many."""
    return 1 if name in ALONE else members


def _memory() -> float:
    """Bytes of the machine; infinite where it does not say."""
    if "SC_PHYS_PAGES" not in getattr(os, "sysconf_names", {}):
        return math.inf
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def compare(options: argparse.Namespace) -> None:
    """Print a table for each task."""
    peak = peak_flops()
    print(f"Peak, as large products of float32 matrices reach it: {peak / 1e9:.0f} GFLOP/s.\n")
    names = [*map(_ours, options.engines), *options.peers]
    for task_name in options.tasks:
        task = TASKS[task_name]
        print(f"{TITLES[task_name]}: {step_flops(task.layers, task.batch_size):,} operations a step.\n")
        comparison = Comparison(task, task.data(), names, options.seconds, options.limit, peak)
        print_table(HEAD, (row for size in options.members for row in comparison.rows(size, options.rounds)))
        print("".join(f"- {sentence}\n" for sentence in comparison.left_out))


def process_commands(runs_dir: str) -> Mapping[str, list[str]]:
    """Whole processes that train `experiments/linear.yaml`, and the import that most users pay for."""
    timed = processes.commands(runs_dir)
    script = str(Path(__file__).with_name("jax_script.py"))
    timed = {name: timed[name] for name in (processes.PEER, processes.TRAIN, processes.SCRIPT)}
    return timed if find_spec("jax") is None else {**timed, "JAX script": [sys.executable, script]}


def compare_processes(rounds: int) -> None:
    """Print a table of whole processes."""
    targets = {processes.TRAIN: processes.TRAIN_TARGET}
    processes.print_times(processes.measure(process_commands, rounds), targets)
    if find_spec("jax") is None:
        print("- JAX script: jax is not installed.\n")


def main() -> None:
    """Measure, and print Markdown tables."""
    parser = argparse.ArgumentParser(description="Time of training for each member and step.")
    parser.add_argument("--tasks", nargs="+", choices=TITLES, default=list(TITLES), help="default: all")
    parser.add_argument("--members", nargs="+", type=int, default=[1, 100, 1000, 10_000])
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=list(ENGINES), help="default: all")
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=list(PEERS), help="default: all")
    parser.add_argument("--seconds", type=float, default=1.0, help="time of a repetition, about")
    parser.add_argument("--limit", type=float, default=60.0, help="the most seconds of a repetition")
    parser.add_argument("--rounds", type=int, default=5, help="repetitions of each subject")
    parser.add_argument("--scaling", action="store_true", help="lrcli's default engine against sizes")
    parser.add_argument("--figure", type=Path, help="with --scaling: a file for it as a figure")
    parser.add_argument("--processes", action="store_true", help="whole processes instead")
    options = parser.parse_args()
    print(f"torch {torch.__version__}, {THREADS} threads, medians of {options.rounds}\n")
    if options.scaling:
        scaling.measure(options.rounds, options.seconds, options.figure)
    if options.processes:
        compare_processes(options.rounds)
    if not options.scaling and not options.processes:
        compare(options)


if __name__ == "__main__":
    main()
