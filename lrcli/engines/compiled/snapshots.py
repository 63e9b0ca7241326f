"""What the compiled engine has kept of a chunk of epochs: the members at the end of some of them."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import DTypeLike, NDArray

from lrcli.engines.compiled.layout import Layout, aligned
from lrcli.training.problem import Array

__all__ = ["Snapshots"]


class Snapshots:
    """K snapshots, as machine code writes them.

    Attributes:
        steps: (K,) optimizer steps finished at each.
        rows: (blocks, K, rows, M) the parameters.
        accounts: (blocks, K, 2, M) the running loss of the epoch and the norm of the last gradient.
    """

    def __init__(self, layout: Layout, steps: Sequence[int], dtype: DTypeLike) -> None:
        self._layout = layout
        self.steps = np.array(steps, np.int64)
        self.rows = aligned((layout.blocks, len(steps), layout.count * layout.units, layout.members), dtype)
        self.accounts = aligned((layout.blocks, len(steps), 2, layout.members), dtype)

    def __len__(self) -> int:
        return len(self.steps)

    @cached_property
    def parameters(self) -> Array:
        """(K, R, P), in canonical order."""
        return self._layout.parameters(self.rows)

    def account(self, row: int, diverged: NDArray[np.int64]) -> Array:
        """One of the accounts, (K, R); NaN for members that have diverged by then.

        Args:
            row: of the accounts.
            diverged: (R,) the step at which a member has diverged, from 1; 0: none.
        """
        numbers = self._layout.gather(np.moveaxis(self.accounts[:, :, row], 1, 0)).astype(np.float64)
        over = (diverged > 0) & (diverged <= self.steps[:, None])
        return np.where(over, np.nan, numbers)

    def hold(self, members: NDArray[np.bool_], snapshots: NDArray[np.intp]) -> None:
        """Let some members, (R,), stay from a snapshot on what they are there."""
        later = members & (np.arange(len(self))[:, None] > snapshots)
        parameters = np.where(
            later[:, :, None], self.parameters[snapshots, np.arange(len(members))], self.parameters
        )
        self._layout.place(self.rows, parameters)
        self.__dict__.pop("parameters")
