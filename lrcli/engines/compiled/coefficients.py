"""The optimizer's coefficients as the compiled engine reads them: a table for each block of members."""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from lrcli.engines.compiled.layout import Layout
from lrcli.engines.compiled.registry import OptimizerSpec
from lrcli.training.population import Population

__all__ = ["CoefficientTable"]

_NUMBERS = 2**21  # of the coefficients that are held at a time


class CoefficientTable:
    """The coefficients of every step of a run, those of some steps at a time."""

    def __init__(
        self, population: Population, spec: OptimizerSpec, steps: int, layout: Layout, dtype: DTypeLike
    ) -> None:
        """Prepare to work coefficients out.

        Args:
            population: whose optimizer and hyperparameters.
            spec: which coefficients it needs, in which order.
            steps: of the whole run.
            layout: of the members.
            dtype: of training.
        """
        self._optimizer, self._spec, self._total = population.optimizer, spec, steps
        self._layout, self._dtype = layout, dtype
        # Most members share their hyperparameters with those of other seeds: worked out once for all of them.
        names, rows = zip(*population.hyperparameters.items(), strict=True)
        columns, index = np.unique(np.stack(rows), axis=1, return_inverse=True)
        self._distinct, self._index = dict(zip(names, columns, strict=True)), np.ravel(index)
        self._steady: dict[str, Any] | None = None

    @property
    def most_steps(self) -> int:
        """For how many steps the coefficients may be asked for at a time."""
        if self._steady is not None:
            return self._total
        return max(1, _NUMBERS // (len(self._index) * len(self._spec.coefficients)))

    def arguments(self, first: int, last: int) -> dict[str, Any]:
        """What `lrcli.engines.compiled.signatures` has to say about the coefficients of some steps."""
        if self._steady is not None:
            return self._steady
        table = self._optimizer.coefficients(self._distinct, np.arange(first, last), self._total)
        rows = [table[name] for name in self._spec.coefficients]
        starts = np.cumsum([0, *(len(row) for row in rows[:-1])])
        moves = [int(len(row) > 1) for row in rows]
        stacked = np.concatenate([np.broadcast_to(row, (len(row), row.shape[1])) for row in rows])
        arguments = {
            "coefficients": self._layout.spread(stacked[:, self._index], self._dtype),
            "coefficient_rows": len(stacked),
            "moving": any(moves),
            "coefficient_starts": starts.astype(np.int64),
            "coefficient_strides": np.array(moves, np.int64),
        }
        if last - first > 1 and not any(moves):
            self._steady = arguments
        return arguments
