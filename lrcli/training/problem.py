"""A problem: everything that is drawn before training starts, for S seeds, as NumPy arrays in float64.

Engine-neutral: an engine casts the arrays to its dtype and device and asks for the order of the
examples, epoch by epoch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lrcli.components.datasets import AnyDataset
from lrcli.components.initializers import Parameter
from lrcli.components.losses import AnyLoss
from lrcli.components.models import AnyModel
from lrcli.errors import UsageError
from lrcli.training.randomness import generator

__all__ = ["SPLITS", "Array", "Problem", "Split", "SplitName", "build_problem"]

Array = NDArray[np.float64]
SplitName = Literal["train", "val", "test"]
SPLITS: tuple[SplitName, ...] = ("train", "val", "test")


@dataclass(frozen=True)
class Split:
    """Examples of one kind, for every seed.

    Attributes:
        inputs: (S, N, D), as the dataset drew them.
        features: (S, N, F), what the model is given.
        targets: (S, N, O), one-hot where the model has an output for each class.
    """

    inputs: Array
    features: Array
    targets: Array

    @property
    def size(self) -> int:
        return int(self.inputs.shape[1])


@dataclass(frozen=True)
class Problem:
    """Data and initial parameters for S seeds, and the functions to fit.

    Attributes:
        seeds: the S seeds.
        splits: the splits that have examples.
        parameters: the model's parameters, in canonical order.
        initial: from parameter name to (S, *shape).
    """

    seeds: tuple[int, ...]
    dataset: AnyDataset
    model: AnyModel
    loss: AnyLoss
    splits: dict[SplitName, Split]
    parameters: tuple[Parameter, ...]
    initial: dict[str, Array]

    @property
    def input_noise_std(self) -> float:
        """The standard deviation of what training adds to the inputs; 0 where the model adds nothing."""
        return float(getattr(self.model, "input_noise", 0.0))

    def order(self, seed_index: int, epoch: int) -> NDArray[np.intp]:
        """The order of the training examples in a shuffled epoch, (N,); epochs count from 1."""
        rng = generator(self.seeds[seed_index], "shuffle", epoch)
        return rng.permutation(self.splits["train"].size)

    def input_noise(self, seed_index: int, epoch: int) -> Array | None:
        """What an epoch adds to the training inputs, (N, D), or None where nothing."""
        if self.input_noise_std == 0:
            return None
        rng = generator(self.seeds[seed_index], "noise", epoch)
        return self.input_noise_std * rng.standard_normal(self.splits["train"].inputs.shape[1:])


def build_problem(dataset: AnyDataset, model: AnyModel, loss: AnyLoss, seeds: Sequence[int]) -> Problem:
    """Draw the data and the initial parameters of every seed.

    Args:
        dataset: the generator of examples; its own seed, where it has one, fixes the data.
        model: the model, which must fit the dataset and the loss.
        loss: the loss.
        seeds: the seeds of the runs.

    Raises:
        UsageError: the data are too large to compute with.
    """
    num_outputs = loss.num_outputs(dataset.num_classes)
    parameters = model.parameters(dataset.num_features, num_outputs)
    counts = {"train": dataset.num_train, "val": dataset.num_val, "test": dataset.num_test}
    splits = {
        split: _draw_split(dataset, model, num_outputs, seeds, index, counts[split])
        for index, split in enumerate(SPLITS)
        if counts[split]
    }
    initial = {
        parameter.name: np.stack(
            [model.init.draw(parameter, generator(seed, "init", index)) for seed in seeds]
        )
        for index, parameter in enumerate(parameters)
    }
    return Problem(tuple(seeds), dataset, model, loss, splits, parameters, initial)


def _draw_split(
    dataset: AnyDataset, model: AnyModel, num_outputs: int, seeds: Sequence[int], index: int, count: int
) -> Split:
    data_seeds = [seed if dataset.seed is None else dataset.seed for seed in seeds]
    with np.errstate(over="ignore", invalid="ignore"):
        draws = [dataset.sample(generator(seed, "data", index), count) for seed in data_seeds]
    inputs = np.stack([x for x, _ in draws])
    targets = np.stack([y for _, y in draws])
    if index == 0:
        for example, target in dataset.outliers.items():
            targets[:, example] = target
    if num_outputs > 1:
        targets = (targets == np.arange(num_outputs)).astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        features = model.features(inputs)
        # Each feature's square must be a number too: sums of squares decide about every fit.
        if not np.isfinite(np.square(features)).all() or not np.isfinite(targets).all():
            raise UsageError("dataset: its numbers are too large to compute with, as this model uses them")
    return Split(inputs, features, targets)
