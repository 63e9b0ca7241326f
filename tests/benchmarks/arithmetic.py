"""How much arithmetic a training step is, and how much of it the machine can do."""

import itertools
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

__all__ = ["num_parameters", "peak_flops", "step_flops"]

SIZE = 2048  # of the square matrices: large enough for every core, and done in a fraction of a second
REPETITIONS = 8


def step_flops(layers: Sequence[int], batch_size: int) -> int:
    """The floating-point operations of one step of SGD of a dense network, two for each multiply-add.

    With B examples, a layer of m inputs and n outputs, its bias a further weight on an input of one, takes

        forward             B (m + 1) n
        weight gradients    B (m + 1) n
        backward            B m n           to its inputs; not in the first layer
        update              (m + 1) n

    multiply-adds. Activations, the loss and its derivative are not counted: they are of the order B n.

    Args:
        layers: the sizes of the network, from its inputs to its outputs.
        batch_size: B.
    """
    multiply_adds = 0
    for i, (inputs, outputs) in enumerate(itertools.pairwise(layers)):
        weights = (inputs + 1) * outputs
        multiply_adds += 2 * batch_size * weights + weights
        multiply_adds += batch_size * inputs * outputs if i > 0 else 0
    return 2 * multiply_adds


def num_parameters(layers: Sequence[int]) -> int:
    """The weights and biases of a dense network."""
    return sum((inputs + 1) * outputs for inputs, outputs in itertools.pairwise(layers))


def peak_flops() -> float:
    """Operations in a second that all cores reach: the best of large products of float32 matrices."""
    matrix = np.random.default_rng(0).standard_normal((SIZE, SIZE), np.float32)
    tensor = torch.from_numpy(matrix)
    products = [lambda: matrix @ matrix, lambda: tensor @ tensor]
    return 2 * SIZE**3 / min(_seconds(product) for product in products for _ in range(REPETITIONS))


def _seconds(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
