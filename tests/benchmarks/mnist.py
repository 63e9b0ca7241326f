"""`experiments/mnist_mlp.yaml` on made images of MNIST's size: lrcli against Lightning and the textbook loop.

    python tests/benchmarks/mnist.py [--rounds 3] [--data DIR]

Prints the time of a step, and of an epoch, and how long it takes until training can begin: reading the files,
drawing, placing. `--data` names a folder with MNIST's own four files; without it files are made: patterns of
ten classes, shifted, with noise.
"""

import argparse
import gzip
import struct
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import textbook
import torch
from arithmetic import peak_flops
from engines import HEAD, Comparison
from measuring import print_table
from numpy.typing import NDArray
from populations import default_engine, make_engine, make_population
from tasks import Task

from lrcli.experiment.experiment import Experiment
from lrcli.experiment.loading import load

FILE = Path(__file__).parents[2] / "experiments" / "mnist_mlp.yaml"
NAMES = {
    "images": "train-images-idx3-ubyte",
    "labels": "train-labels-idx1-ubyte",
    "test_images": "t10k-images-idx3-ubyte",
    "test_labels": "t10k-labels-idx1-ubyte",
}
SUBJECTS = ["lrcli compiled", "lrcli torch", "textbook", "Lightning"]


def write_idx(path: Path, numbers: NDArray[np.uint8]) -> None:
    """Write bytes in MNIST's format, packed."""
    header = struct.pack(f">4B{numbers.ndim}I", 0, 0, 8, numbers.ndim, *numbers.shape)
    path.write_bytes(gzip.compress(header + numbers.tobytes(), 1))


def make_files(folder: Path) -> None:
    """60,000 and 10,000 images of 28 x 28 pixels, a fifth of them lit as in MNIST, in ten classes."""
    rng = np.random.default_rng(0)
    patterns = rng.random((10, 24, 24)) < 0.25
    for count, images, labels in ((60_000, "images", "labels"), (10_000, "test_images", "test_labels")):
        classes = rng.integers(0, 10, count)
        pixels = np.zeros((count, 28, 28), np.uint8)
        for image, kind, (down, right) in zip(pixels, classes, rng.integers(0, 5, (count, 2)), strict=True):
            lit = patterns[kind] & (rng.random((24, 24)) < 0.8)
            image[down : down + 24, right : right + 24] = lit * rng.integers(100, 256, (24, 24))
        write_idx(folder / f"{NAMES[images]}.gz", pixels)
        write_idx(folder / f"{NAMES[labels]}.gz", classes.astype(np.uint8))


def seconds(call: Callable[[], object]) -> float:
    """How long a call takes."""
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def before_training(words: list[str]) -> Experiment:
    """Print how long it takes until training begins; the experiment."""
    reading = seconds(lambda: load(FILE, words))
    experiment = load(FILE, words).experiment
    population = make_population(experiment, 1, 1)
    make_engine(*population, default_engine())  # compiled, from here on
    steps = {
        "drawing": lambda: make_population(experiment, 1, 1),
        "placing": lambda: make_engine(*population, default_engine()),
    }
    times = {"reading and checking the files": reading} | {n: seconds(step) for n, step in steps.items()}
    print_table(["before training", "s"], ([name, f"{taken:.2f}"] for name, taken in times.items()))
    return experiment


def compare(experiment: Experiment, rounds: int) -> None:
    """Print the time of a step of each subject."""
    loop = partial(textbook.classifier, lr=0.001, batch_size=64, optimizer=torch.optim.Adam)
    task = Task(experiment, loop)
    comparison = Comparison(task, task.data(), SUBJECTS, seconds=1.0, limit=60.0, peak=peak_flops())
    rows = list(comparison.rows(1, rounds))
    print_table(HEAD, rows)
    print("".join(f"- {sentence}\n" for sentence in comparison.left_out))
    measured = [(name, of_step * task.steps_per_epoch) for name, (_, of_step) in comparison.known.items()]
    print_table(["subject", "an epoch, s"], ([name, f"{epoch:.2f}"] for name, epoch in measured))


def main() -> None:
    """Measure, and print Markdown tables."""
    parser = argparse.ArgumentParser(description="mnist_mlp.yaml against Lightning and the textbook loop.")
    parser.add_argument("--rounds", type=int, default=3, help="repetitions of each subject")
    parser.add_argument("--data", type=Path, help="a folder with MNIST's own files")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        if options.data is None:
            make_files(Path(made))
        words = [f"dataset.{key}={options.data or made}/{name}" for key, name in NAMES.items()]
        compare(before_training(words), options.rounds)


if __name__ == "__main__":
    main()
