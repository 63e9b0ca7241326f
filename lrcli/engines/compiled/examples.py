"""The examples in the order in which each epoch of training uses them, made ahead of training.

Machine code shuffles a chunk of epochs on a thread of its own, while the chunk before is trained.
"""

import itertools
import math
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from lrcli.components.randomness import words
from lrcli.engines.compiled.arguments import Arguments
from lrcli.engines.compiled.calls import Kernel, Threads
from lrcli.engines.compiled.machine_code import Function
from lrcli.engines.compiled.signatures import RECORDS
from lrcli.training.population import Population
from lrcli.training.problem import Array, Problem, SplitName

__all__ = ["EpochChunk", "Examples", "epochs_of_chunk"]

_NUMBERS = 2**20  # of a chunk


class EpochChunk(NamedTuple):
    """The examples of some epochs that follow one another, each in its order.

    Attributes:
        inputs: (S, epochs, N, F); where there is but one epoch, all are the same.
        targets: (S, epochs, N, O).
        first: the first of the epochs, counted from 0.
        last: the epoch after them.
    """

    inputs: NDArray[Any]
    targets: NDArray[Any]
    first: int
    last: int


def epochs_of_chunk(numbers: int, left: int) -> int:
    """How many epochs a chunk has: of so many numbers each, and no more than are left."""
    return min(left, max(1, _NUMBERS // numbers))


class Examples:
    """The examples of every split and of every epoch of training.

    Attributes:
        steps: optimizer updates in an epoch.
        batches: the number of examples in each batch of an epoch.
        shuffles: whether `shuffle_with` must be called before an epoch is asked for.
    """

    def __init__(self, problem: Problem, population: Population, dtype: DTypeLike) -> None:
        """Round the examples to a dtype.

        Args:
            problem: whose examples they are; of a polynomial the constant feature is left out.
            population: how it is trained.
            dtype: of the arrays.
        """
        constant = not any(parameter.is_bias for parameter in problem.parameters)
        self._features = slice(1 if constant else 0, None)
        self._problem, self._dtype = problem, np.dtype(dtype)
        self._splits = {
            name: (self._numbers(split.features[..., self._features]), self._numbers(split.targets))
            for name, split in problem.splits.items()
        }
        training = population.training
        self._epochs = training.epochs
        self.batches = training.batch_sizes(problem.splits["train"].size)
        self.steps = len(self.batches)
        self._has_order = self.steps > 1 and training.shuffle
        in_code = not problem.noisy and training.epochs < 2**32  # whose number is one word of a seed
        self.shuffles = self._has_order and in_code
        self._chunk: EpochChunk | None = None
        self._next: Future[EpochChunk] | None = None
        self._thread: ThreadPoolExecutor | None = None
        self._memory: list[NDArray[Any]] = []  # of two chunks, taken in turns: new memory would be slow

    def _numbers(self, array: Array) -> NDArray[Any]:
        return np.ascontiguousarray(array, dtype=self._dtype)

    def whole(self, split: SplitName) -> tuple[NDArray[Any], NDArray[Any]]:
        """All inputs (S, N, F) and targets (S, N, O) of a split."""
        return self._splits[split]

    def shuffle_with(self, function: Function) -> None:
        """Shuffle with the kernel ``shuffle`` of `lrcli.engines.compiled.signatures`."""
        entropies = [words(source.seed, "shuffle") for source in self._problem.sources]
        longest = max(map(len, entropies))
        entropy = np.array([[*row, *[0] * (longest - len(row))] for row in entropies], np.int64)
        lengths = np.array([len(row) for row in entropies], np.int64)
        arguments = Arguments(RECORDS["shuffle"], self._dtype, members=1, units=1)
        arguments.set({"entropy": entropy, "words": longest, "length": lengths})
        self._kernel = Kernel(function, arguments, Threads(1))

    def at(self, epoch: int) -> EpochChunk:
        """The chunk that holds an epoch, counted from 0; quickest where epochs are asked for in order."""
        if self._chunk is None or not self._chunk.first <= epoch < self._chunk.last:
            if self.shuffles:
                self._chunk = self._take_shuffled(epoch)
            elif self._problem.noisy or self._has_order:
                self._chunk = self._drawn(epoch)
            else:
                inputs, targets = self._splits["train"]
                self._chunk = EpochChunk(inputs[:, None], targets[:, None], 0, self._epochs)
        return self._chunk

    def _take_shuffled(self, epoch: int) -> EpochChunk:
        """The chunk from an epoch on; the one after it is begun."""
        ahead = self._next and self._next.result()
        chunk = ahead if ahead and ahead.first == epoch else self._shuffled(epoch)
        self._next = None
        if chunk.last < self._epochs:
            self._thread = self._thread or ThreadPoolExecutor(1)
            self._next = self._thread.submit(self._shuffled, chunk.last)
        return chunk

    def _shuffled(self, first: int) -> EpochChunk:
        inputs, targets = self._splits["train"]
        rows, examples, features = inputs.shape
        last = first + epochs_of_chunk(inputs.size + targets.size, self._epochs - first)
        outputs = targets.shape[2]
        shape = rows, last - first, examples
        arranged = self._arrays(shape, features, outputs)
        chunk = EpochChunk(arranged[0], arranged[1], first, last)
        self._kernel(
            {
                "data_rows": rows,
                "examples": examples,
                "features": features,
                "outputs": outputs,
                "inputs": inputs,
                "targets": targets,
                "shuffled_inputs": chunk.inputs,
                "shuffled_targets": chunk.targets,
                "epochs": last - first,
                "first_epoch": first,
            }
        )
        return chunk

    def _arrays(self, shape: tuple[int, ...], *widths: int) -> list[NDArray[Any]]:
        """Arrays of a shape and of widths, in the memory of the chunk before the present one."""
        size = math.prod(shape)
        if len(self._memory) < 2 or self._memory[0].size < size * sum(widths):
            self._memory.append(np.empty(size * sum(widths), self._dtype))
        else:
            self._memory.append(self._memory[0])
        self._memory = self._memory[-2:]
        edges = np.cumsum([0, *widths]) * size
        slices = [self._memory[-1][a:b] for a, b in itertools.pairwise(edges)]
        return [array.reshape(*shape, width) for array, width in zip(slices, widths, strict=True)]

    def _drawn(self, epoch: int) -> EpochChunk:
        """An epoch with what NumPy draws for it: noise of the inputs, and its order."""
        problem, (inputs, targets) = self._problem, self._splits["train"]
        rows = range(len(problem.sources))
        noise = np.stack([problem.input_noise(row, epoch + 1) for row in rows])
        inputs = inputs + noise[..., self._features].astype(self._dtype)
        if self._has_order:
            orders = [problem.order(row, epoch + 1) for row in rows]
            inputs, targets = (
                np.stack([array[row, order] for row, order in enumerate(orders)])
                for array in (inputs, targets)
            )
        return EpochChunk(inputs[:, None], targets[:, None], epoch, epoch + 1)
