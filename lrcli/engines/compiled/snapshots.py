"""What the compiled engine has kept of a chunk of epochs: the members at the end of some of them."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from lrcli.engines.compiled.layout import Layout
from lrcli.engines.compiled.memory import aligned
from lrcli.training.problem import Array

__all__ = ["Snapshots"]


class Snapshots:
    """K snapshots, as machine code writes them.

    Attributes:
        steps: (K,) optimizer steps finished at each.
        rows: (blocks, K, count, units, M) the parameters.
        losses: (blocks, K, M) the running loss of the epoch.
        norms: (blocks, K, M) the norm of the last gradient.
    """

    def __init__(self, layout: Layout, steps: Sequence[int], dtype: DTypeLike) -> None:
        self._layout = layout
        self.steps = np.array(steps, np.int64)
        first = layout.blocks, len(steps)
        self.rows = aligned((*first, layout.count, layout.units, layout.members), dtype)
        self.losses, self.norms = (aligned((*first, layout.members), dtype) for _ in range(2))

    def __len__(self) -> int:
        return len(self.steps)

    @cached_property
    def parameters(self) -> Array:
        """(K, R, P), in canonical order."""
        return self._layout.parameters(self.rows)

    def parameters_at(self, snapshots: NDArray[np.intp]) -> Array:
        """(R, P), of each member at a snapshot of its own, in canonical order."""
        wanted = self._layout.spread(snapshots, np.intp)[:, None, None, None]  # of each lane
        (parameters,) = self._layout.parameters(np.take_along_axis(self.rows, wanted, axis=1))
        return np.asarray(parameters)

    def of_members(self, lanes: NDArray[Any], diverged: NDArray[np.int64]) -> Array:
        """Numbers (blocks, K, M) as (K, R), NaN for members that have diverged by then.

        Args:
            lanes: the numbers.
            diverged: (R,) the step at which a member has diverged, from 1; 0: none.
        """
        numbers = self._layout.gather(np.swapaxes(lanes, 0, 1)).astype(np.float64)
        over = (diverged > 0) & (diverged <= self.steps[:, None])
        return np.where(over, np.nan, numbers)

    def hold(self, members: NDArray[np.bool_], snapshots: NDArray[np.intp]) -> None:
        """Let some members, (R,), stay from a snapshot on what they are there."""
        later = members & (np.arange(len(self))[:, None] > snapshots)
        parameters = np.where(later[:, :, None], self.parameters_at(snapshots), self.parameters)
        self._layout.write_parameters(self.rows, parameters)
        del self.parameters
