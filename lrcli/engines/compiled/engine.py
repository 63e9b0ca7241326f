"""The compiled engine: dense models on the CPU, many steps of a member at a time in machine code.

The kernels are in `lrcli.engines.compiled.kernels.entries`; here is what they are given. Members are
independent, so blocks of them are spread over the cores by plain threads, and a member's bits depend on
nothing but itself.
"""

import platform
import time
from collections.abc import Iterator
from importlib import metadata
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrcli.engines.compiled.arguments import Arguments, Value
from lrcli.engines.compiled.calls import Kernel, Threads
from lrcli.engines.compiled.coefficients import CoefficientTable
from lrcli.engines.compiled.examples import Examples
from lrcli.engines.compiled.fixed_arguments import (
    clipping_arguments,
    network_arguments,
    quadratic_arguments,
    training_arguments,
    uses_quadratic_form,
)
from lrcli.engines.compiled.layout import Layout, layer_sizes
from lrcli.engines.compiled.machine_code import Code, find, load, make
from lrcli.engines.compiled.memory import aligned
from lrcli.engines.compiled.registry import optimizer_spec
from lrcli.engines.compiled.signatures import RECORDS
from lrcli.training.cores import cores as _cores
from lrcli.training.population import Population
from lrcli.training.problem import Array, Problem, SplitName
from lrcli.training.quadratic import QuadraticLoss, has_triangle

__all__ = ["CompiledEngine"]

_ROW_BYTES = 128  # of a row of lanes: two registers of today's processors, or a few of older ones
_FEW_UNITS = 4
_FEW_MEMBERS = 3  # which take less time one by one than a whole row of lanes
_BLOCK_BYTES = 2**19  # of the parameters and the state of a block, which are to stay in the second cache
_TILE_BYTES = 2**14  # half of the processor's first cache, for the values of examples
_CHUNK_SECONDS = 0.1  # after which control returns to Python


class CompiledEngine:
    """An `lrcli.training.engine.Engine`."""

    def __init__(self, problem: Problem, population: Population, dtype: str) -> None:
        self._problem = problem
        self._dtype = np.dtype(dtype)
        self._rows = problem.data_index[population.draw_index]
        members, units = _lanes(problem, population, self._dtype)
        self._layout = Layout(problem.parameters, self._rows, members, units)
        self._threads = Threads(min(_cores(), self._layout.blocks))
        self._reduced = {name for name, split in problem.splits.items() if has_triangle(problem, split.size)}
        self._quadratics: dict[SplitName, QuadraticLoss] = {}
        self._examples = Examples(problem, population, self._dtype)
        self._steps = self._examples.steps
        names = ["train"] if self._reduced == set(problem.splits) else ["train", "evaluate"]
        self._codes = [Code(name, dtype, members, units) for name in names]
        if self._examples.shuffles:
            self._codes.append(Code("shuffle", dtype, 1, 1))
        self._contents = [find(code) for code in self._codes]
        self._kernels: dict[str, Kernel] = {}
        form = uses_quadratic_form(problem, self._examples.batches, self._layout)
        self._arguments = {name: Arguments(RECORDS[name], dtype, members, units) for name in names}
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

    def _allocate(self, population: Population) -> None:
        """The memory of the members."""
        layout = self._layout
        self._spec = optimizer_spec(population.optimizer, population.uses)
        shape = (layout.blocks, self._spec.arrays + 1, layout.count, layout.units, layout.members)
        self._state = aligned(shape, self._dtype)
        layout.write_parameters(self._state, self._problem.starts(population.draw_index))
        self._active = layout.active(self._dtype)
        of_members = layout.blocks, layout.members
        self._broken = np.zeros(of_members, np.int64)
        self._running_loss, self._grad_norm = (aligned(of_members, self._dtype) for _ in range(2))

    def _set_arguments(self, population: Population, *, form: bool) -> None:
        """What the kernels are given in every call."""
        problem, layout, dtype = self._problem, self._layout, self._dtype
        common = network_arguments(problem, layout) | {
            "row_index": layout.spread(self._rows, np.int64),
            "tile": self._tile(),
            "state": self._state,
            "arrays": self._spec.arrays,
        }
        for arguments in self._arguments.values():
            arguments.set(common)
        total = population.training.epochs * self._steps
        self._coefficients = CoefficientTable(population, self._spec, total, layout, dtype)
        self._arguments["train"].set(
            training_arguments(problem, population, self._spec, self._examples.batches, layout)
            | clipping_arguments(population, layout, dtype)
            | quadratic_arguments(problem, self._rows, layout, dtype, used=form)
            | {
                "active": self._active,
                "broken": self._broken,
                "running_loss": self._running_loss,
                "grad_norm": self._grad_norm,
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
            else:
                self._kernels[code.name] = Kernel(function, self._arguments[code.name], self._threads)

    def _tile(self) -> int:
        """How many examples are computed together: values take as much memory as parameters, or a little."""
        layout = self._layout
        lanes, bytes_of = layout.members, self._dtype.itemsize
        example = (2 * layout.values + layout.sizes[0]) * lanes * bytes_of
        most = max(_TILE_BYTES, layout.count * lanes * layout.units * bytes_of)
        return max(1, min(self._examples.batches[0], most // example))

    # Training -------------------------------------------------------------------------------------

    def advance(self, first_epoch: int, count: int) -> Iterator[int]:
        """Train epochs; see `Engine.advance`."""
        start, last = ((epoch - 1) * self._steps for epoch in (first_epoch, first_epoch + count))
        first = start
        while first < last:
            end = min(last, self._end_of_chunk(first))
            began = time.perf_counter()
            self._train(first, end, exact_from=last - self._steps)
            self._seconds = (time.perf_counter() - began) / (end - first)
            first = end
            yield end - start

    def _end_of_chunk(self, first: int) -> int:
        """The step before which to return to Python: soon enough, and with few coefficients in memory."""
        steps = max(1, int(_CHUNK_SECONDS / self._seconds)) if self._seconds else 1
        steps = min(steps, self._coefficients.most_steps)
        return min(first + steps, self._examples.at(first // self._steps).last * self._steps)

    def _train(self, first: int, last: int, exact_from: int) -> None:
        chunk = self._examples.at(first // self._steps)
        self._kernels["train"](
            _examples(chunk.inputs, chunk.targets)
            | self._coefficients.arguments(first, last)
            | {
                "used": sum(self._examples.batches),
                "first_epoch": chunk.first,
                "first_step": first,
                "last_step": last,
                "exact_from": exact_from,
            }
        )

    # Answers --------------------------------------------------------------------------------------

    def last_epoch(self) -> dict[str, Array]:
        """See `Engine.last_epoch`."""
        diverged = self.diverged_steps() > 0
        running, norm = (
            self._layout.gather(values).astype(np.float64) for values in (self._running_loss, self._grad_norm)
        )
        return {
            "train/running_loss": np.where(diverged, np.nan, running),
            "grad_norm": np.where(diverged, np.nan, norm),
        }

    def evaluate(self, split: SplitName) -> dict[str, Array]:
        """See `Engine.evaluate`; losses are averaged in float64."""
        if split in self._reduced:
            if split not in self._quadratics:
                self._quadratics[split] = QuadraticLoss(self._problem, split, self._dtype)
            return {"loss": self._quadratics[split].of(self.parameters(), self._rows)}
        inputs, targets = self._examples.whole(split)
        examples, num_classes = inputs.shape[1], self._problem.dataset.num_classes
        of_members = self._layout.blocks, self._layout.members
        totals = {name: aligned(of_members, np.float64) for name in ("total_loss", "total_hits")}
        given = _examples(inputs[:, None], targets[:, None])
        self._kernels["evaluate"](given | totals | {"used": examples, "first_epoch": 0})
        loss, hits = (self._layout.gather(values) for values in totals.values())
        if self._problem.loss.reduction == "mean":
            loss = loss / (examples * self._problem.loss.num_terms(num_classes))
        return {"loss": loss} | ({} if num_classes is None else {"accuracy": hits / examples})

    def parameters(self) -> dict[str, Array]:
        """See `Engine.parameters`."""
        parameters = self._problem.parameters
        edges = np.cumsum([parameter.size for parameter in parameters])[:-1]
        flat = np.split(self._layout.parameters(self._state), edges, axis=1)
        return {p.name: values.reshape(-1, *p.shape) for p, values in zip(parameters, flat, strict=True)}

    def diverged_steps(self) -> NDArray[np.int64]:
        """See `Engine.diverged_steps`."""
        return self._layout.gather(self._broken)

    def freeze(self, members: NDArray[np.bool_]) -> None:
        """See `Engine.freeze`."""
        self._active[self._layout.spread(members, np.bool_)] = 0


def _examples(inputs: NDArray[Any], targets: NDArray[Any]) -> dict[str, Value]:
    """Inputs (S, epochs, N, F) and targets (S, epochs, N, O)."""
    rows, epochs, examples, _ = inputs.shape
    return {
        "inputs": inputs,
        "targets": targets,
        "data_rows": rows,
        "epochs": epochs,
        "examples": examples,
    }


def _lanes(problem: Problem, population: Population, dtype: np.dtype[Any]) -> tuple[int, int]:
    """(members, units) in a row of lanes, whichever is fastest; the bits of a member are the same in all."""
    row = _ROW_BYTES // dtype.itemsize
    numbers = sum(parameter.size for parameter in problem.parameters)
    if population.size > _FEW_MEMBERS and 4 * numbers * _ROW_BYTES <= _BLOCK_BYTES:
        return row, 1
    widest = max(layer_sizes(problem.parameters)[1:])
    return 1, row if widest >= row // 2 else _FEW_UNITS if widest > 1 else 1
