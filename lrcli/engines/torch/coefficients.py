"""The optimizer's coefficients as tensors (R, 1), step by step.

They are worked out in NumPy for many steps at once and looked up in the step, so that a learning-rate
schedule or a bias correction costs a training step nothing.
"""

import numpy as np
import torch
from torch import Tensor

from lrcli.training.population import Population

__all__ = ["CoefficientTable"]

_NUMBERS = 2**17  # numbers of one coefficient held at a time


class CoefficientTable:
    """The coefficients of every step of a run, a part of them in memory."""

    def __init__(self, population: Population, total: int, device: torch.device, dtype: torch.dtype) -> None:
        self._population = population
        self._total = total
        self._device = device
        self._dtype = dtype
        self._length = max(2, min(_NUMBERS // population.size, 1024))  # two at least: do steps differ?
        self._first = 0
        self._rows: list[dict[str, Tensor]] = []
        self._fixed = False

    def at(self, step: int) -> dict[str, Tensor]:
        """The coefficients of a step, counted from 0."""
        if self._fixed:
            return self._rows[0]
        if not self._first <= step < self._first + len(self._rows):
            self._load(step)
        return self._rows[step - self._first]

    def _load(self, first: int) -> None:
        steps = np.arange(first, first + self._length)
        with np.errstate(over="ignore"):  # steps looked up ahead may lie beyond the end of the run
            arrays = self._population.optimizer.coefficients(
                self._population.hyperparameters, steps, self._total
            )
        tensors = {
            name: torch.from_numpy(np.ascontiguousarray(array)).to(self._device, self._dtype).unsqueeze(2)
            for name, array in arrays.items()
        }
        self._fixed = all(len(tensor) == 1 for tensor in tensors.values())
        columns = {name: tensor.expand(self._length, -1, -1).unbind(0) for name, tensor in tensors.items()}
        self._first = first
        self._rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
