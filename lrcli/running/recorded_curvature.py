"""The curvature of each member's loss at every record, where ``logging.curvature`` asks for it."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrcli.analysis.curvature import curvature_of_hessian
from lrcli.analysis.hessian import Hessian
from lrcli.analysis.stability_limits import divisor, has_divisor
from lrcli.analysis.theory import term_curvature
from lrcli.components.choices import AnyOptimizer
from lrcli.config.metrics import LARGEST_CURVATURE, PRECONDITIONED_CURVATURE, SMALLEST_CURVATURE
from lrcli.running.curvature import decay_by, loss_hessian, moved_numbers, preconditioned_curvature
from lrcli.training.population import Population
from lrcli.training.problem import Array, Problem
from lrcli.training.states import State

__all__ = ["RecordedCurvature"]

_STATE = "state/"  # before the names of what an optimizer carries


class RecordedCurvature:
    """Computes the curvature of the members of a population; see `lrcli.training.loop.Plan.of_state`."""

    def __init__(self, problem: Problem, population: Population) -> None:
        """Take a population.

        Args:
            problem: its data, of which the model and the loss say their derivatives.
            population: its members.
        """
        self._problem, self._population = problem, population
        self._rows = problem.data_index[population.draw_index]
        self._moved = moved_numbers(problem.parameters)
        self._optimizers = [_optimizer_of(population, member) for member in range(population.size)]
        self._exact = term_curvature(problem.model, problem.loss) is not None
        self._known: dict[tuple[int, bytes], tuple[float, float]] = {}  # for a row and a decay

    def __call__(self, state: State, steps: NDArray[np.int64], going: NDArray[np.bool_]) -> dict[str, Array]:
        """The metrics of a record, (R,) each; NaN where there is none."""
        names, divides = [LARGEST_CURVATURE, SMALLEST_CURVATURE], has_divisor(self._population.optimizer)
        names += [PRECONDITIONED_CURVATURE] if divides else []
        arrays = {n.removeprefix(_STATE): v for n, v in state.items() if n.startswith(_STATE) and divides}
        found = np.full((len(names), self._population.size), np.nan)
        named = self._problem.by_name(state["parameters"].astype(np.float64))
        for member in np.flatnonzero(going).tolist():
            carried = {name: values[member, self._moved] for name, values in arrays.items()}
            parameters = {name: values[member] for name, values in named.items()}
            numbers = self._of_member(member, parameters, carried, int(steps[member]))
            found[:, member] = numbers[: len(names)]
        return dict(zip(names, found, strict=True))

    def _of_member(
        self, member: int, parameters: Mapping[str, Array], carried: Mapping[str, NDArray[Any]], steps: int
    ) -> tuple[float, float, float]:
        """The largest, the smallest and the preconditioned curvature."""
        optimizer, row = self._optimizers[member], int(self._rows[member])
        decay = decay_by(optimizer, self._problem.parameters)
        key = row, decay.tobytes()
        if key in self._known and not has_divisor(optimizer):
            return (*self._known[key], np.nan)
        hessian = loss_hessian(self._problem, self._population.training, decay, parameters, row)
        if hessian is None:
            return np.nan, np.nan, np.nan
        divided_by = divisor(optimizer, carried, steps)
        found = None if divided_by is None else preconditioned_curvature(hessian, divided_by)
        return (*self._ends(hessian, key), np.nan if found is None else found)

    def _ends(self, hessian: Hessian, key: tuple[int, bytes]) -> tuple[float, float]:
        """The largest and the smallest, worked out once for each key where they are the same everywhere."""
        if key in self._known:
            return self._known[key]
        found = curvature_of_hessian(hessian, exact=self._exact)
        ends = (found.largest, found.smallest) if found else (np.nan, np.nan)
        if self._exact:
            self._known[key] = ends
        return ends


def _optimizer_of(population: Population, member: int) -> AnyOptimizer:
    """The optimizer with the numbers that a member has."""
    optimizer = population.optimizer
    numbers: dict[str, Any] = {}
    for name, values in population.hyperparameters.items():
        key, _, index = name.partition(".")
        if index:
            numbers.setdefault(key, list(getattr(optimizer, key)))[int(index)] = float(values[member])
        elif key in optimizer.numeric:
            numbers[key] = float(values[member])
    return optimizer.model_copy(update=numbers)
