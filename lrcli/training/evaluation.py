"""The metrics of whole splits at the snapshots of an engine.

A loss that is quadratic in few parameters is taken from a triangle, without a look at the examples; any other
by the engine. Either way a member's numbers depend on nothing but itself.
"""

import numpy as np

from lrcli.training.engine import Engine
from lrcli.training.population import Population
from lrcli.training.problem import Array, Problem, SplitName
from lrcli.training.quadratic import QuadraticLoss, has_triangle

__all__ = ["Evaluation"]


class Evaluation:
    """Evaluates the splits of a problem."""

    def __init__(self, engine: Engine, problem: Problem, population: Population) -> None:
        self._engine = engine
        self._problem = problem
        self._rows = problem.data_index[population.draw_index]
        self._triangles: dict[SplitName, QuadraticLoss] = {}

    def of(self, split: SplitName) -> dict[str, Array]:
        """``loss``, and ``accuracy`` where targets are classes, at each snapshot: (K, R) each."""
        if not has_triangle(self._problem, self._problem.splits[split].size):
            return self._engine.evaluate(split)
        if split not in self._triangles:
            self._triangles[split] = QuadraticLoss(self._problem, split, self._engine.dtype)
        parameters = self._engine.parameters()
        snapshots = len(next(iter(parameters.values())))
        flat = {name: values.reshape(-1, *values.shape[2:]) for name, values in parameters.items()}
        losses = self._triangles[split].of(flat, np.tile(self._rows, snapshots))
        return {"loss": losses.reshape(snapshots, -1)}
