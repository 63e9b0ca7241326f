"""The order of members and parameters in the memory of the compiled engine.

A block has a member in each lane. Members that share a row of data are put side by side, since an example
is then loaded into all lanes at once. Lanes of the last block that have no member hold a copy, which never
trains. Where layers are wide, a block has one member, and the lanes are units: each layer is padded to whole
rows with units that stay zero.
"""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from lrcli.components.initializers import Parameter
from lrcli.engines.compiled.memory import aligned

__all__ = ["Layout", "layer_sizes"]


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
        row_index: (blocks, M) the row of data of each member.
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
        self._member_of_lane = np.resize(order, self.blocks * members)  # which member has which lane
        self._member_of_lane[len(rows) :] = order[-1]
        self._lane_of_member = np.empty(len(rows), dtype=np.intp)
        self._lane_of_member[order] = np.arange(len(rows))
        self.row_index = self.spread(rows, np.int64)
        self._offsets = _offsets_of(parameters, self.sizes, units)
        self.order = np.argsort(self._offsets)
        padded = [-(-size // units) * units for size in self.sizes]
        self.values = sum(padded[1:])
        self.count = (
            sum((size + 1) * width for size, width in zip(self.sizes[:-1], padded[1:], strict=True)) // units
        )

    def spread(self, values: NDArray[Any], dtype: DTypeLike) -> NDArray[Any]:
        """(..., R) values of members to (blocks, ..., M)."""
        lanes = values[..., self._member_of_lane].reshape(*values.shape[:-1], self.blocks, self.members)
        spread = aligned((self.blocks, *values.shape[:-1], self.members), dtype)
        spread[...] = np.moveaxis(lanes, -2, 0)
        return spread

    def gather(self, lanes: NDArray[Any]) -> NDArray[Any]:
        """(..., blocks, M) back to (..., R)."""
        return lanes.reshape(*lanes.shape[:-2], -1)[..., self._lane_of_member]

    def active(self, dtype: DTypeLike) -> NDArray[Any]:
        """(blocks, M) one for each member, zero where a lane has none."""
        lanes = np.zeros(self.blocks * self.members, dtype)
        lanes[self._lane_of_member] = 1
        return lanes.reshape(self.blocks, self.members)

    def decay_edges(self, decayed: Sequence[bool]) -> NDArray[np.int64]:
        """Where rows of parameters end that are decayed, and that are not, by turns; decayed first.

        Args:
            decayed: for each of the P numbers; in a layer the biases have rows of their own.
        """
        rows = np.empty(self.count, dtype=bool)
        rows[self._offsets // self.units] = decayed
        return np.flatnonzero(np.diff(rows, prepend=True, append=not rows[-1])).astype(np.int64)

    def write_parameters(self, rows: NDArray[Any], parameters: NDArray[Any]) -> None:
        """Write parameters (K, R, P) into rows of memory (blocks, K, count, units, M)."""
        lanes = self.spread(np.moveaxis(parameters, 1, 2), rows.dtype)  # (blocks, K, P, M)
        self._flat(rows)[:, :, self._offsets] = lanes

    def parameters(self, rows: NDArray[Any]) -> NDArray[np.float64]:
        """The parameters (K, R, P) in rows of memory (blocks, K, count, units, M)."""
        lanes = np.swapaxes(self._flat(rows)[:, :, self._offsets].astype(np.float64), 0, 1)
        chunks = np.swapaxes(lanes, 2, 3)  # (K, blocks, M, P)
        return chunks.reshape(len(chunks), -1, len(self._offsets))[:, self._lane_of_member]

    def _flat(self, rows: NDArray[Any]) -> NDArray[Any]:
        """Rows (blocks, K, count, units, M) as (blocks, K, count * units, M), in place."""
        return rows.reshape(*rows.shape[:2], self.count * self.units, self.members)


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


def _offsets_of(parameters: Sequence[Parameter], sizes: Sequence[int], units: int) -> NDArray[np.intp]:
    """Where each number of the parameters lies among a member's numbers."""
    offsets: list[NDArray[np.intp]] = []
    start = 0
    for rows, columns in itertools.pairwise(sizes):
        width = -(-columns // units) * units
        weights = start + np.arange(rows)[:, None] * width + np.arange(columns)
        bias = start + rows * width + np.arange(columns)
        biased = any(parameter.is_bias for parameter in parameters)
        offsets += [weights.ravel(), bias] if biased else [bias, weights.ravel()]  # the constant comes first
        start += (rows + 1) * width
    return np.concatenate(offsets)
