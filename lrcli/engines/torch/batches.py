"""The examples on the device: in batches for training, whole for evaluation, each member its own.

Data are held once for each of the S rows that differ and spread over the R members where a step needs them.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from lrcli.training.population import Population
from lrcli.training.problem import Problem, SplitName

__all__ = ["Batch", "Batches"]


class Batch(NamedTuple):
    """Examples of one step.

    Attributes:
        inputs: (S, B, F), or (R, B, F) once spread over the members.
        targets: likewise (S, B, O) or (R, B, O).
    """

    inputs: Tensor
    targets: Tensor


class Batches:
    """The data of a problem for the members of a population.

    Attributes:
        sizes: the number of examples in each batch of an epoch.
    """

    def __init__(
        self, problem: Problem, population: Population, device: torch.device, dtype: torch.dtype
    ) -> None:
        self._problem = problem
        self._device = device
        self._dtype = dtype
        self._shuffle = population.training.shuffle
        self._members = population.size
        self._row_index = torch.from_numpy(problem.data_index[population.draw_index]).to(device)
        self._splits = {
            name: Batch(*(torch.from_numpy(a).to(device, dtype) for a in (split.features, split.targets)))
            for name, split in problem.splits.items()
        }
        self.sizes = population.training.batch_sizes(problem.splits["train"].size)
        self._whole = self._spread(self._splits["train"]) if len(self.sizes) == 1 else None

    def epoch(self, epoch: int) -> Iterator[Batch]:
        """The batches of an epoch, spread over the members; epochs count from 1."""
        noisy = self._problem.noisy
        if self._whole is not None and not noisy:
            yield self._whole
            return
        inputs, targets = self._splits["train"]
        if noisy:
            noise = np.stack(self._per_row(self._problem.input_noise, epoch))
            inputs = inputs + torch.from_numpy(noise).to(self._device, self._dtype)
        if self._whole is None and self._shuffle:
            inputs, targets = self._shuffled(epoch, inputs, targets)
        used = sum(self.sizes)
        parts = (t[:, :used].split(self.sizes[0], 1) for t in (inputs, targets))
        for x, y in zip(*parts, strict=True):
            yield self._spread(Batch(x, y))

    def whole(self, split: SplitName, members: slice) -> Batch:
        """All examples of a split, for some of the members."""
        index = self._row_index[members]
        return Batch(*(t.index_select(0, index) for t in self._splits[split]))

    def _per_row(self, draw: Any, epoch: int) -> list[Any]:
        return [draw(row, epoch) for row in range(len(self._problem.sources))]

    def _shuffled(self, epoch: int, inputs: Tensor, targets: Tensor) -> Batch:
        """Every row's examples in its seed's order of the epoch."""
        rows, examples = inputs.shape[:2]
        orders = np.stack(self._per_row(self._problem.order, epoch))
        flat = torch.from_numpy((orders + examples * np.arange(rows)[:, None]).ravel()).to(self._device)
        return Batch(*(t.flatten(0, 1).index_select(0, flat).view_as(t) for t in (inputs, targets)))

    def _spread(self, batch: Batch) -> Batch:
        """Each member's examples: (S, B, ...) to (R, B, ...), a view where there is one row of data."""
        if len(self._problem.sources) == 1:
            return Batch(*(t.expand(self._members, -1, -1) for t in batch))
        return Batch(*(t.index_select(0, self._row_index) for t in batch))
