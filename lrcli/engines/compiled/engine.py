"""The compiled engine: dense models on the CPU, many steps of a member at a time in machine code.

The functions are in `lrcli.engines.compiled.kernels.entries`; here is what they are given. Members are
independent, so blocks of them are spread over the cores by plain threads, which the machine code lets run
side by side, and a member's bits depend on nothing but itself.
"""

import itertools
import platform
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from importlib import metadata
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrcli.engines.compiled.coefficients import CoefficientTable
from lrcli.engines.compiled.examples import Examples
from lrcli.engines.compiled.layout import Layout, aligned, layer_sizes
from lrcli.engines.compiled.machine_code import Code, find, load, make
from lrcli.engines.compiled.registry import activation_number, loss_number, optimizer_form
from lrcli.engines.compiled.signatures import CALLS, scratch_size
from lrcli.training.cores import cores as _cores
from lrcli.training.population import Population
from lrcli.training.problem import Array, Problem, SplitName
from lrcli.training.quadratic import QuadraticLoss, has_triangle, is_quadratic, quadratic_form

__all__ = ["CompiledEngine"]

_ROW_BYTES = 128  # of a row of lanes: two registers of today's processors, or a few of older ones
_FEW_UNITS = 4
_FEW_MEMBERS = 3  # which take less time one by one than a whole row of lanes
_BLOCK_BYTES = 2**19  # of the parameters and the state of a block, which are to stay in the second cache
_TILE_BYTES = 2**14  # half of the processor's first cache, for the values of examples
_PIECE_SECONDS = 0.1  # after which control returns to Python
_RUNNING, _NORM = 0, 2
_DEGREE, _PARAMETERS = 8, 16  # up to which losses are taken for quadratic forms


class CompiledEngine:
    """An `lrcli.training.engine.Engine`."""

    def __init__(self, problem: Problem, population: Population, dtype: str) -> None:
        self._problem, self._population = problem, population
        self._dtype = np.dtype(dtype)
        self._rows = problem.data_index[population.draw_index]
        members, units = _lanes(problem, population, self._dtype)
        self._layout = Layout(problem.parameters, self._rows, members, units)
        self._threads = min(_cores(), self._layout.blocks)
        self._pool: ThreadPoolExecutor | None = None
        self._is_quadratic = is_quadratic(problem)
        self._reduced = {name for name, split in problem.splits.items() if has_triangle(problem, split.size)}
        self._quadratics: dict[SplitName, QuadraticLoss] = {}
        self._examples = Examples(problem, population, self._dtype)
        self._steps = self._examples.steps
        names = ["train"] if self._reduced == set(problem.splits) else ["train", "evaluate"]
        self._codes = [Code(name, dtype, members, units) for name in names]
        if self._examples.shuffles:
            self._codes.append(Code("shuffle", dtype, 1, 1))
        self._contents = [find(code) for code in self._codes]
        self._functions: dict[str, Callable[..., None]] = {}
        self._place()
        self._seconds = 0.0  # of a step, as measured
        self.environment: dict[str, Any] = {
            "engine": "compiled",
            "numba": metadata.version("numba"),
            "device": "cpu",
            "threads": self._threads,
            "gradients": "quadratic form" if self._fixed["is_quadratic"] else "examples",
            "denormals_flushed": platform.machine().lower() in {"x86_64", "amd64", "arm64", "aarch64"},
        }

    # Machine code ---------------------------------------------------------------------------------

    @property
    def compiles(self) -> bool:
        """Whether `compile` will take seconds."""
        return None in self._contents

    def compile(self) -> None:
        """Have the machine code ready.

        Raises:
            EngineError: the compiler failed.
        """
        missing = [code for code, content in zip(self._codes, self._contents, strict=True) if content is None]
        made = dict(zip(missing, make(missing), strict=True))
        for code, content in zip(self._codes, self._contents, strict=True):
            self._functions[code.name] = load(code, content or made[code])
        if self._examples.shuffles:
            self._examples.shuffle_with(self._functions["shuffle"])

    def _call(self, name: str, arguments: dict[str, Any]) -> None:
        """Run a function over all blocks, on all threads, with arguments beside those that never change."""
        call = CALLS[name]
        words = list(map((self._fixed_words | _words(arguments)).get, call, itertools.repeat(0)))
        first, last, scratch = (list(call).index(key) for key in ("first_block", "last_block", "scratch"))
        blocks, function = self._layout.blocks, self._functions[name]
        edges = np.linspace(0, blocks, min(blocks, 4 * self._threads) + 1).astype(int).tolist()
        parts = list(itertools.pairwise(edges))  # each thread takes the next as soon as it is free

        def work(thread: int) -> None:
            own = list(words)
            own[scratch] = self._scratch[thread].ctypes.data
            with suppress(IndexError):
                while True:
                    own[first], own[last] = parts.pop()
                    function(*own)

        if self._threads == 1:
            work(0)
            return
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._threads)
        for done in [self._pool.submit(work, thread) for thread in range(self._threads)]:
            done.result()

    # Placing --------------------------------------------------------------------------------------

    def _place(self) -> None:
        problem, population, layout = self._problem, self._population, self._layout
        self._form = optimizer_form(population.optimizer, population.uses)
        shape = (layout.blocks, self._form.arrays + 1, layout.count * layout.units, layout.members)
        self._state = aligned(shape, self._dtype)
        layout.place(self._state, problem.starts(population.draw_index))
        self._active = layout.active(self._dtype)
        self._broken = np.zeros((layout.blocks, layout.members), np.int64)
        self._accounts = aligned((layout.blocks, 3, layout.members), self._dtype)
        total = population.training.epochs * self._steps
        self._coefficients = CoefficientTable(population, self._form, total, layout, self._dtype)
        self._terms = problem.loss.num_terms(problem.dataset.num_classes)
        self._place_fixed()
        self._place_quadratic()
        self._fixed_words = _words(self._fixed)

    def _place_fixed(self) -> None:
        """What is the same in every call."""
        problem, population, layout = self._problem, self._population, self._layout
        decays = population.optimizer.decays
        edges = layout.decay_edges([decays(p) for p in problem.parameters for _ in range(p.size)])
        clip = population.hyperparameters.get("clip_grad_norm", np.full(population.size, np.inf))
        self._fixed: dict[str, Any] = {
            "sizes": np.array(layout.sizes, np.int64),
            "depth": len(layout.sizes) - 1,
            "activation": activation_number(problem.model),
            "loss": loss_number(problem.loss),
            "delta": getattr(problem.loss, "delta", 1.0),
            "data_rows": layout.spread(self._rows, np.int64),
            "features": layout.sizes[0],
            "outputs": layout.sizes[-1],
            "state": self._state,
            "count": layout.count,
            "arrays": self._form.arrays,
            "values": layout.values,
            "active": self._active,
            "broken": self._broken,
            "accounts": self._accounts,
            "batch": self._examples.batches[0],
            "tile": self._tile(),
            "steps": self._steps,
            "optimizer": self._form.number,
            "option_1": int(self._form.options[0]),
            "option_2": int(self._form.options[1]),
            "decay": self._form.decay,
            "undecayed": self._form.undecayed,
            "decay_edges": edges,
            "num_decay_edges": len(edges),
            "num_coefficients": len(self._form.coefficients),
            "limits": layout.spread(clip, self._dtype),
            "clips": int(np.isfinite(clip).any()),
        }
        for name, size in (("", self._examples.batches[0]), ("last_", self._examples.batches[-1])):
            scale = 1 / (size * self._terms) if problem.loss.reduction == "mean" else 1.0
            self._fixed |= {
                f"{name}scale": scale,
                f"{name}weight": scale * size / sum(self._examples.batches),
            }
        size = scratch_size(self._fixed, layout.members, layout.members * layout.units)
        self._scratch = [aligned((size,), self._dtype) for _ in range(self._threads)]

    def _place_quadratic(self) -> None:
        """Where each step sees all examples, a quadratic loss needs no look at them."""
        model = self._problem.model
        batch = self._examples.batches[0]
        well_conditioned = model.highest_power <= _DEGREE
        few = self._layout.count <= min(_PARAMETERS, batch)
        usable = self._is_quadratic and self._steps == 1 and well_conditioned and few
        self._fixed["is_quadratic"] = int(usable and batch == self._problem.splits["train"].size)
        if self._fixed["is_quadratic"]:
            form = quadratic_form(self._problem, self._dtype)
            order = self._layout.order
            rows = len(form.least)
            matrix = form.matrix[:, order][:, :, order].reshape(rows, -1)
            table = np.concatenate([matrix, form.minimum[:, order], form.least[:, None]], axis=1)
            self._fixed["quadratic"] = self._layout.spread(table[self._rows].T, np.float64)

    def _tile(self) -> int:
        """As many examples as have values that take no more memory than the parameters, or than is little."""
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
            end = min(last, self._end_of_piece(first))
            began = time.perf_counter()
            self._train(first, end, exact_from=last - self._steps)
            self._seconds = (time.perf_counter() - began) / (end - first)
            first = end
            yield end - start

    def _end_of_piece(self, first: int) -> int:
        """Where to return to Python, so that it is soon and little memory is needed."""
        steps = max(1, int(_PIECE_SECONDS / self._seconds)) if self._seconds else 1
        steps = min(steps, self._coefficients.most_steps)
        return min(first + steps, self._examples.at(first // self._steps).last * self._steps)

    def _train(self, first: int, last: int, exact_from: int) -> None:
        window = self._examples.at(first // self._steps)
        arguments = self._coefficients.arguments(first, last) | {
            "inputs": window.inputs,
            "targets": window.targets,
            "examples": self._problem.splits["train"].size,
            "used": sum(self._examples.batches),
            "epochs": window.inputs.shape[1],
            "first_epoch": window.first,
            "first_step": first,
            "last_step": last,
            "exact_from": exact_from,
        }
        self._call("train", arguments)

    # Answers --------------------------------------------------------------------------------------

    def last_epoch(self) -> dict[str, Array]:
        """See `Engine.last_epoch`."""
        diverged = self.diverged_steps() > 0
        running, norm = (
            self._layout.gather(self._accounts[:, row]).astype(np.float64) for row in (_RUNNING, _NORM)
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
        examples = inputs.shape[1]
        classes = self._problem.dataset.num_classes is not None
        totals = aligned((self._layout.blocks, 2, self._layout.members), np.float64)
        arguments = {"inputs": inputs, "targets": targets, "examples": examples, "used": examples}
        arguments |= {"epochs": 1, "totals": totals}
        self._call("evaluate", arguments)
        loss, hits = (self._layout.gather(totals[:, row]) for row in (0, 1))
        if self._problem.loss.reduction == "mean":
            loss = loss / (examples * self._terms)
        return {"loss": loss} | ({"accuracy": hits / examples} if classes else {})

    def parameters(self) -> dict[str, Array]:
        """See `Engine.parameters`."""
        parameters = self._problem.parameters
        edges = np.cumsum([parameter.size for parameter in parameters])[:-1]
        parts = np.split(self._layout.parameters(self._state), edges, axis=1)
        return {p.name: part.reshape(-1, *p.shape) for p, part in zip(parameters, parts, strict=True)}

    def diverged_steps(self) -> NDArray[np.int64]:
        """See `Engine.diverged_steps`."""
        return self._layout.gather(self._broken)

    def freeze(self, members: NDArray[np.bool_]) -> None:
        """See `Engine.freeze`."""
        self._active[self._layout.spread(members, np.bool_)] = 0


def _words(arguments: dict[str, Any]) -> dict[str, Any]:
    """Arguments as machine code takes them: arrays by their addresses."""
    return {
        key: value.ctypes.data if isinstance(value, np.ndarray) else value for key, value in arguments.items()
    }


def _lanes(problem: Problem, population: Population, dtype: np.dtype[Any]) -> tuple[int, int]:
    """(members, units) in a row of lanes: what is fastest; every member has the same bits in any of them."""
    row = _ROW_BYTES // dtype.itemsize
    numbers = sum(parameter.size for parameter in problem.parameters)
    if population.size > _FEW_MEMBERS and 4 * numbers * _ROW_BYTES <= _BLOCK_BYTES:
        return row, 1
    widest = max(layer_sizes(problem.parameters)[1:])
    return 1, row if widest >= row // 2 else _FEW_UNITS if widest > 1 else 1
