"""The points of the grids of a sweep, numbered, and made when they are asked for."""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from lrcli.config.blocks import Sweep

__all__ = ["Configurations", "Points"]


class Points(Sequence[dict[str, Any]]):
    """Points of a grid, made when they are asked for."""

    @overload
    def __getitem__(self, index: int) -> dict[str, Any]: ...

    @overload
    def __getitem__(self, index: slice) -> list[dict[str, Any]]: ...

    def __getitem__(self, index: int | slice) -> dict[str, Any] | list[dict[str, Any]]:
        numbers = range(len(self))[index]
        return self._point(numbers) if isinstance(numbers, int) else [self._point(i) for i in numbers]

    def _point(self, number: int) -> dict[str, Any]:
        """The point of a number from 0."""
        raise NotImplementedError


class Configurations(Points):
    """The points of the grids, one grid after the other, each with its last key changing fastest.

    Attributes:
        keys: every swept key, in the order of the file.
        grids: how many there are.
    """

    def __init__(self, sweep: Sweep, left_out: Sequence[int] = ()) -> None:
        """Find the points.

        Args:
            sweep: with the grids.
            left_out: the numbers of points that are none of the configurations.
        """
        self._grids = [{key: spec.points() for key, spec in grid.items()} for grid in sweep.grid]
        self.keys = tuple(dict.fromkeys(key for grid in self._grids for key in grid))
        self.grids = len(self._grids)
        sizes = [math.prod(len(points) for points in grid.values()) for grid in self._grids]
        self._starts = [0, *itertools.accumulate(sizes)]
        self._left_out = list(left_out)

    def __len__(self) -> int:
        return self._starts[-1] - len(self._left_out)

    @cached_property
    def _kept(self) -> NDArray[np.intp]:
        """(C,) the numbers among all points of the grids."""
        return np.delete(np.arange(self._starts[-1]), self._left_out)

    def _point(self, number: int) -> dict[str, Any]:
        index = int(self._kept[number])
        which = next(i for i, end in enumerate(self._starts[1:]) if index < end)
        grid = self._grids[which]
        indices = _unravel(np.array(index - self._starts[which]), grid)
        return {key: points[int(i)] for (key, points), i in zip(grid.items(), indices, strict=True)}

    def columns(self) -> Iterator[tuple[NDArray[np.intp], dict[str, tuple[list[Any], NDArray[np.intp]]]]]:
        """For each grid, the numbers of its configurations, and from key to its points and which each has."""
        edges = np.searchsorted(self._kept, self._starts)
        for number, grid in enumerate(self._grids):
            numbers = np.arange(edges[number], edges[number + 1])
            indices = _unravel(self._kept[numbers] - self._starts[number], grid)
            yield (
                numbers,
                {key: (points, index) for (key, points), index in zip(grid.items(), indices, strict=True)},
            )


def _unravel(index: NDArray[np.intp], grid: Mapping[str, list[Any]]) -> Sequence[NDArray[np.intp]]:
    """From the numbers of points to the number of each key's value; a grid without keys has one point."""
    return np.unravel_index(index, [len(points) for points in grid.values()]) if grid else ()
