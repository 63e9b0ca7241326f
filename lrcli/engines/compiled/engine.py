"""The compiled engine: dense models on the CPU, many steps of a member at a time in machine code.

The kernels are in `lrcli.engines.compiled.kernels.entries`; here is what they are given. Members are
independent, so blocks of them are spread over the cores by plain threads, and a member's bits depend on
nothing but itself.
"""

import platform
import time
from collections.abc import Iterator, Mapping, Sequence
from importlib import metadata
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrcli.engines.compiled.arguments import Arguments
from lrcli.engines.compiled.calls import Kernel, Threads
from lrcli.engines.compiled.coefficients import CoefficientTable
from lrcli.engines.compiled.evaluation import Evaluator
from lrcli.engines.compiled.examples import Examples
from lrcli.engines.compiled.fixed_arguments import (
    clipping_arguments,
    example_arguments,
    network_arguments,
    quadratic_arguments,
    tile_size,
    training_arguments,
    uses_quadratic_form,
)
from lrcli.engines.compiled.layout import Layout, layer_sizes
from lrcli.engines.compiled.machine_code import Code, find, load, make
from lrcli.engines.compiled.memory import aligned
from lrcli.engines.compiled.registry import optimizer_spec
from lrcli.engines.compiled.signatures import RECORDS
from lrcli.engines.compiled.snapshots import Snapshots
from lrcli.training.cores import cores as _cores
from lrcli.training.population import Population
from lrcli.training.problem import Array, Problem, SplitName
from lrcli.training.quadratic import has_triangle
from lrcli.training.states import State

__all__ = ["CompiledEngine"]

_ROW_BYTES = 128  # of a row of lanes: two registers of today's processors, or a few of older ones
_FEW_UNITS = 4
_FEW_MEMBERS = 3  # which take less time one by one than a whole row of lanes
_MANY_MEMBERS = 1000
_LONG_EPOCH = (
    2**25
)  # multiplications and additions; it takes so long that few snapshots are evaluated at once
_BLOCK_BYTES = 2**19  # of the parameters and the state of a block, which are to stay in the second cache
_CHUNK_SECONDS = 0.1  # after which control returns to Python


class CompiledEngine:
    """An `lrcli.training.engine.Engine`."""

    def __init__(self, problem: Problem, population: Population, dtype: str) -> None:
        self._problem, self._population = problem, population
        self.dtype = dtype
        self._dtype = np.dtype(dtype)
        self._rows = problem.data_index[population.draw_index]
        lanes = _lanes(problem, population.size, self._dtype)
        self._layout = Layout(problem.parameters, self._rows, *lanes)
        self._threads = Threads(min(_cores(), self._layout.blocks))
        self._examples = Examples(problem, population, self._dtype)
        self._steps = self._examples.steps
        closed = all(has_triangle(problem, split.size) for split in problem.splits.values())
        self._evaluator = Evaluator(problem, self._layout, self._rows, self._evaluation_lanes(lanes), dtype)
        self._codes = [Code("train", dtype, *lanes)]
        if not closed:  # see `lrcli.training.evaluation`
            self._codes.append(self._evaluator.code)
        if self._examples.shuffles:
            self._codes.append(Code("shuffle", dtype, 1, 1))
        self._contents = [find(code) for code in self._codes]
        form = uses_quadratic_form(problem, self._examples.batches, self._layout)
        self._arguments = Arguments(RECORDS["train"], dtype, *lanes)
        self._allocate(population)
        self._set_arguments(population, form=form)
        self._seconds = 0.0  # of a step, as measured
        self.environment: dict[str, Any] = {
            "engine": "compiled",
            "numba": metadata.version("numba"),
            "device": "cpu",
            "threads": self._threads.count,
            "gradients": "quadratic form" if form else "examples",
            "denormals_flushed": platform.machine().lower() in {"x86_64", "amd64", "arm64", "aarch64"},
        }

    def _evaluation_lanes(self, lanes: tuple[int, int]) -> tuple[int, int]:
        """(members, units) in a row of lanes, where snapshots are evaluated.

        Where epochs are short there are many snapshots at a time, and even one member fills the lanes.
        """
        numbers = sum(parameter.size for parameter in self._problem.parameters)
        if 3 * numbers * sum(self._examples.batches) > _LONG_EPOCH:
            return lanes
        return _lanes(self._problem, _MANY_MEMBERS, self._dtype)

    def _allocate(self, population: Population) -> None:
        """The memory of the members."""
        layout = self._layout
        self._spec = optimizer_spec(population.optimizer, population.uses)
        shape = (layout.blocks, self._spec.arrays + 1, layout.count, layout.units, layout.members)
        self._state = aligned(shape, self._dtype)
        starts = self._problem.starts(population.draw_index)
        arrays = [starts, *(np.full_like(starts, value) for value in self._spec.state.values())]
        layout.write_parameters(self._state, np.stack(arrays))
        self._active = layout.active(self._dtype)
        of_members = layout.blocks, layout.members
        self._broken = np.zeros(of_members, np.int64)
        self._running_loss = aligned(of_members, self._dtype)
        self._snapshots = self._snapshot_of_now()

    def _set_arguments(self, population: Population, *, form: bool) -> None:
        """What the kernels are given in every call."""
        problem, layout, dtype = self._problem, self._layout, self._dtype
        total = population.training.epochs * self._steps
        self._coefficients = CoefficientTable(population, self._spec, total, layout, dtype)
        self._arguments.set(
            network_arguments(problem, layout)
            | training_arguments(problem, population, self._spec, self._examples.batches, layout)
            | clipping_arguments(population, layout, dtype)
            | quadratic_arguments(problem, self._rows, layout, dtype, used=form)
            | {
                "row_index": layout.row_index,
                "tile": tile_size(layout, self._examples.batches[0], dtype),
                "active": self._active,
                "broken": self._broken,
                "running_loss": self._running_loss,
                "state": self._state,
                "arrays": self._spec.arrays,
            }
        )

    # Machine code ---------------------------------------------------------------------------------

    @property
    def compiles(self) -> bool:
        """Whether `compile` will take seconds."""
        return None in self._contents

    def compile(self) -> None:
        """Load the machine code; compile what is not on the disk.

        Raises:
            EngineError: the compiler failed.
        """
        missing = [code for code, content in zip(self._codes, self._contents, strict=True) if content is None]
        made = dict(zip(missing, make(missing), strict=True))
        for code, content in zip(self._codes, self._contents, strict=True):
            function = load(content or made[code])
            if code.name == "shuffle":
                self._examples.shuffle_with(function)
            elif code.name == "evaluate":
                self._evaluator.load(function)
            else:
                self._kernel = Kernel(function, self._arguments, self._threads)

    # Training -------------------------------------------------------------------------------------

    def advance(self, first_epoch: int, snapshots: Sequence[int]) -> Iterator[int]:
        """Train a chunk of epochs; see `Engine.advance`."""
        first = start = (first_epoch - 1) * self._steps
        last = snapshots[-1] * self._steps
        taken = Snapshots(self._layout, [epoch * self._steps for epoch in snapshots], self._dtype)
        while first < last:
            end = min(last, self._end_of_chunk(first))
            began = time.perf_counter()
            self._train(first, end, taken)
            self._seconds = (time.perf_counter() - began) / (end - first)
            first = end
            if first < last:
                yield first - start
        self._snapshots = taken
        yield last - start

    def _end_of_chunk(self, first: int) -> int:
        """Where to return to Python, so that it is soon and little memory is needed."""
        steps = max(1, int(_CHUNK_SECONDS / self._seconds)) if self._seconds else 1
        steps = min(steps, self._coefficients.most_steps)
        return min(first + steps, self._examples.at(first // self._steps).last * self._steps)

    def _train(self, first: int, last: int, taken: Snapshots) -> None:
        chunk = self._examples.at(first // self._steps)
        self._kernel(
            example_arguments(chunk.inputs, chunk.targets)
            | self._coefficients.arguments(first, last)
            | {
                "used": sum(self._examples.batches),
                "first_epoch": chunk.first,
                "first_step": first,
                "last_step": last,
                "snapshots": len(taken),
                "first_snapshot": int(np.searchsorted(taken.steps, first, side="right")),
                "snapshot_steps": taken.steps,
                "snapshot_parameters": taken.rows,
                "snapshot_losses": taken.losses,
                "snapshot_norms": taken.norms,
            }
        )

    # Answers --------------------------------------------------------------------------------------

    def _snapshot_of_now(self) -> Snapshots:
        """The one snapshot of a chunk that was not trained here."""
        taken = Snapshots(self._layout, [0], self._dtype)
        taken.rows[...] = self._state[:, :1]
        taken.losses[...] = taken.norms[...] = np.nan
        return taken

    def epoch_metrics(self) -> dict[str, Array]:
        """See `Engine.epoch_metrics`."""
        taken, diverged = self._snapshots, self.diverged_steps()
        return {
            "train/running_loss": taken.of_members(taken.losses, diverged),
            "grad_norm": taken.of_members(taken.norms, diverged),
        }

    def evaluate(self, split: SplitName) -> dict[str, Array]:
        """See `Engine.evaluate`; losses are averaged in float64."""
        return self._evaluator(self._snapshots, *self._examples.whole(split))

    def parameters(self) -> dict[str, Array]:
        """See `Engine.parameters`."""
        return self._problem.by_name(self._snapshots.parameters)

    def parameters_at(self, snapshots: NDArray[np.intp]) -> dict[str, Array]:
        """See `Engine.parameters_at`."""
        return self._problem.by_name(self._snapshots.parameters_at(snapshots))

    def diverged_steps(self) -> NDArray[np.int64]:
        """See `Engine.diverged_steps`."""
        return self._layout.gather(self._broken)

    def freeze(self, members: NDArray[np.bool_], snapshots: NDArray[np.intp]) -> None:
        """See `Engine.freeze`."""
        self._active[self._layout.spread(members, np.bool_)] = 0
        self._snapshots.hold(members, snapshots)
        self._state[:, 0] = self._snapshots.rows[:, -1]

    def state(self) -> State:
        """See `Engine.state`."""
        arrays = self._layout.parameters(self._state).astype(self._dtype)
        rows = dict(zip(self._state_names, arrays, strict=True))
        active = self._layout.gather(self._active) > 0
        return rows | {"active": active, "diverged": self.diverged_steps()}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """See `Engine.restore`."""
        self._layout.write_parameters(self._state, np.stack([state[name] for name in self._state_names]))
        self._active[...] = self._layout.active(self._dtype)
        self._active[self._layout.spread(~state["active"], np.bool_)] = 0
        self._broken[...] = self._layout.spread(state["diverged"], np.int64)
        self._snapshots = self._snapshot_of_now()

    @property
    def _state_names(self) -> list[str]:
        """The names of the arrays of a state, in the order of memory."""
        return ["parameters", *(f"state/{name}" for name in self._spec.state)]


def _lanes(problem: Problem, size: int, dtype: np.dtype[Any]) -> tuple[int, int]:
    """(members, units) in a row of lanes, what is fastest for so many members.

    Every member has the same bits in any of them.
    """
    row = _ROW_BYTES // dtype.itemsize
    numbers = sum(parameter.size for parameter in problem.parameters)
    if size > _FEW_MEMBERS and 4 * numbers * _ROW_BYTES <= _BLOCK_BYTES:
        return row, 1
    widest = max(layer_sizes(problem.parameters)[1:])
    return 1, row if widest >= row // 2 else _FEW_UNITS if widest > 1 else 1
