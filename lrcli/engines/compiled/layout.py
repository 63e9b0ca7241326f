"""Where members and parameters lie in the memory of the compiled engine.

Members are put in blocks, one for each lane, those that share a row of data together, since an example is
then brought to all lanes at once. The last block is filled up with members that never train. Of wide layers
a block has one member, and the lanes are units: a layer is filled up to whole rows with units that stay zero.
"""

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from lrcli.components.initializers import Parameter

__all__ = ["Layout", "aligned", "layer_sizes"]

_LINE = 64  # bytes; a row that lies across two lines of the processor's cache takes twice as long


def aligned(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """Zeros that begin where a line of the processor's cache does."""
    dtype = np.dtype(dtype)
    size = math.prod(shape) * dtype.itemsize
    memory = np.zeros(size + _LINE, np.uint8)
    start = -memory.ctypes.data % _LINE
    return memory[start : start + size].view(dtype).reshape(shape)


def layer_sizes(parameters: Sequence[Parameter]) -> list[int]:
    """The sizes of the inputs and of each layer of a dense model; a constant feature counts as a bias."""
    weights = [parameter for parameter in parameters if not parameter.is_bias]
    sizes = [weights[0].matrix[0], *(weight.matrix[1] for weight in weights)]
    if not any(parameter.is_bias for parameter in parameters):
        sizes[0] -= 1
    return sizes


class Layout:
    """The order of memory.

    Attributes:
        members: lanes in a row for as many members, M.
        units: lanes in a row for each member.
        blocks: the number of blocks.
        count: rows of parameters in a block.
        sizes: of the inputs and of each layer.
        values: numbers that an example has in all layers, filled up.
        order: the parameters' numbers in the order in which they lie in memory.
    """

    def __init__(
        self, parameters: Sequence[Parameter], rows: NDArray[np.intp], members: int, units: int
    ) -> None:
        """Lay out the members of a population.

        Args:
            parameters: of the model.
            rows: (R,) the row of data of each member.
            members: in a row of lanes.
            units: in a row of lanes, for each member.
        """
        self.members, self.units = members, units
        self.sizes = layer_sizes(parameters)
        self.blocks = -(-len(rows) // members)
        order = _by_blocks(rows, members)
        self._slots = np.resize(order, self.blocks * members)  # which member has which lane
        self._slots[len(rows) :] = order[-1]
        self._places = np.empty(len(rows), dtype=np.intp)
        self._places[order] = np.arange(len(rows))
        self._numbers = _places_of(parameters, self.sizes, units)
        self.order = np.argsort(self._numbers)
        padded = [-(-size // units) * units for size in self.sizes]
        self.values = sum(padded[1:])
        self.count = (
            sum((size + 1) * width for size, width in zip(self.sizes[:-1], padded[1:], strict=True)) // units
        )

    def spread(self, values: NDArray[Any], dtype: DTypeLike) -> NDArray[Any]:
        """(..., R) values of members to (blocks, ..., M)."""
        lanes = values[..., self._slots].reshape(*values.shape[:-1], self.blocks, self.members)
        spread = aligned((self.blocks, *values.shape[:-1], self.members), dtype)
        spread[...] = np.moveaxis(lanes, -2, 0)
        return spread

    def gather(self, lanes: NDArray[Any]) -> NDArray[Any]:
        """(blocks, M) back to (R,)."""
        return lanes.reshape(-1)[self._places]

    def active(self, dtype: DTypeLike) -> NDArray[Any]:
        """(blocks, M) one for each member, zero where a lane has none."""
        lanes = np.zeros(self.blocks * self.members, dtype)
        lanes[self._places] = 1
        return lanes.reshape(self.blocks, self.members)

    def decay_edges(self, decayed: Sequence[bool]) -> NDArray[np.int64]:
        """Where rows of parameters end that are decayed, and that are not, by turns; decayed first.

        Args:
            decayed: for each of the P numbers; in a layer the biases have rows of their own.
        """
        rows = np.empty(self.count, dtype=bool)
        rows[self._numbers // self.units] = decayed
        return np.flatnonzero(np.diff(rows, prepend=True, append=not rows[-1])).astype(np.int64)

    def place(self, state: NDArray[Any], parameters: NDArray[Any], starts: Sequence[float] = ()) -> None:
        """Write parameters (R, P) into the first array of a state (blocks, arrays, count * units, M).

        Args:
            state: zeros.
            parameters: of the members.
            starts: what the arrays after the first start at; what fills up a layer stays zero in all of them.
        """
        state[:, 0, self._numbers] = self.spread(parameters.T, state.dtype)
        for array, start in enumerate(starts, start=1):
            state[:, array, self._numbers] = start

    def parameters(self, state: NDArray[Any]) -> NDArray[np.float64]:
        """The parameters (R, P) of a state."""
        lanes = state[:, 0, self._numbers].astype(np.float64)
        return np.moveaxis(lanes, 2, 1).reshape(-1, len(self._numbers))[self._places]


def _by_blocks(rows: NDArray[np.intp], members: int) -> NDArray[np.intp]:
    """The order of the members: whole blocks that share a row of data, then all that are left, row by row."""
    whole: list[NDArray[np.intp]] = []
    left: list[NDArray[np.intp]] = []
    order = np.argsort(rows, kind="stable")
    for group in np.split(order, np.flatnonzero(np.diff(rows[order])) + 1):
        edge = len(group) // members * members
        whole.append(group[:edge])
        left.append(group[edge:])
    return np.concatenate(whole + left)


def _places_of(parameters: Sequence[Parameter], sizes: Sequence[int], units: int) -> NDArray[np.intp]:
    """Where each number of the parameters lies among a member's numbers."""
    places: list[NDArray[np.intp]] = []
    start = 0
    for rows, columns in itertools.pairwise(sizes):
        width = -(-columns // units) * units
        weights = start + np.arange(rows)[:, None] * width + np.arange(columns)
        bias = start + rows * width + np.arange(columns)
        biased = any(parameter.is_bias for parameter in parameters)
        places += [weights.ravel(), bias] if biased else [bias, weights.ravel()]  # the constant comes first
        start += (rows + 1) * width
    return np.concatenate(places)
