"""The torch engine: every experiment, on every device; the reference for other engines.

All parameters of a member are one row of a tensor (R, P); the model sees named views of it and the
optimizer updates the row as a whole. Nothing waits for the device inside an epoch.

Divergence costs nothing while nobody diverges: epochs run unguarded, and only if a member has become
non-finite by their end are they run again from where they started, this time with a check after every
step that freezes a member before the step that broke it. Both ways give a healthy member the same bits.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lrcli.components.installed import is_foreign
from lrcli.engines.torch.batches import Batch, Batches
from lrcli.engines.torch.coefficients import CoefficientTable
from lrcli.engines.torch.device import choose_threads, prepare_process, select_device, threads
from lrcli.engines.torch.losses import torch_loss
from lrcli.engines.torch.models import Place, TorchModel, torch_model
from lrcli.engines.torch.optimizers import starting_state, torch_optimizer
from lrcli.training.population import Population
from lrcli.training.problem import Array, Problem, SplitName
from lrcli.training.states import State

__all__ = ["TorchEngine"]

_EVALUATION_NUMBERS = 2**22  # numbers of one tensor in an evaluation: larger populations go in chunks


class _Snapshot(NamedTuple):
    """The population at the end of an epoch; its first axis is R.

    Attributes:
        parameters: (R, P).
        running: (R,) the epoch's running loss.
        norm: (R,) of the last batch's gradient.
    """

    parameters: Tensor
    running: Tensor
    norm: Tensor


class TorchEngine:
    """An `lrcli.training.engine.Engine`."""

    def __init__(
        self, problem: Problem, population: Population, device: str, dtype: str, most_alone: int | None = None
    ) -> None:
        """Place the problem on the device.

        Args:
            problem: the data and the initial parameters.
            population: the members.
            device: as of `lrcli.engines.torch.device.select_device`.
            dtype: ``float32`` or ``float64``.
            most_alone: threads of a member that is alone; None: any number.

        Raises:
            DeviceError: the device is not there or cannot hold the dtype.
        """
        self.dtype = dtype
        self._most_alone = most_alone
        self._device = select_device(device, dtype)
        self._dtype = torch.float64 if dtype == "float64" else torch.float32
        flushed = prepare_process()
        self._size = population.size
        if population.size == 1 and problem.model.linear_in_parameters:
            # A lone matrix goes through other routines than a batch of matrices, with other rounding.
            # Beside its own twin, a member trained alone ends with the bits it has in a population.
            population = population.take([0, 0])
        self._problem = problem
        self._population = population
        shapes = [parameter.shape for parameter in problem.parameters]
        self._update = torch_optimizer(population.optimizer, population.uses, self._decayed(), shapes)
        self._place_data()
        self._model = self._placed_model()
        targets = problem.splits["train"].targets[0, : self._batches.sizes[0]]
        self._loss = torch_loss(problem.loss, self._tensor(targets))
        self._place_parameters()
        self._place_coefficients()
        numbers = population.size * self._batches.sizes[0] * self._width()
        self.environment: dict[str, Any] = {
            "engine": "torch",
            "torch": torch.__version__,
            "device": str(self._device),
            "threads": choose_threads(numbers, self._most_threads()),
            "denormals_flushed": flushed,
        }
        if self._device.type == "cuda":
            self.environment["gpu"] = torch.cuda.get_device_name(self._device)

    # Placing --------------------------------------------------------------------------------------

    def _most_threads(self) -> int | None:
        """On how many threads of the CPU the bits of a step are surely those on one; None: that is not held.

        lrcli's own operations are rounded alike on any number, as long as each thread has whole members: with
        more threads than members torch cuts products and sums within a member, as it does for a member alone,
        which is let have them. Code of the user's, or of a package's, computes with whatever torch has, and
        some of that rounds otherwise where a thread's share of a tensor ends, see
        `lrcli.engines.torch.functions`.
        """
        if self._device.type != "cpu":
            return None
        components = (self._problem.model, self._problem.loss, self._population.optimizer)
        if any(map(is_foreign, components)):
            return 1
        return self._population.size if self._population.size > 1 else self._most_alone

    def _tensor(self, array: Array) -> Tensor:
        return torch.from_numpy(array).to(self._device, self._dtype)

    def _place_data(self) -> None:
        """The batches, and what turns the terms of a batch into its loss."""
        self._batches = Batches(self._problem, self._population, self._device, self._dtype)
        sizes, loss = self._batches.sizes, self._problem.loss
        terms = self._problem.num_terms
        distinct, total = set(sizes), sum(sizes)
        self._scales = {n: 1 / (n * terms) if loss.reduction == "mean" else 1.0 for n in distinct}
        self._shares = {n: n / total for n in distinct}
        self._loss_rows = {n: self._row(n * terms, self._scales[n] * self._shares[n]) for n in distinct}

    def _placed_model(self) -> TorchModel:
        """The model, where it has looked at the examples of a first step."""
        problem, train = self._problem, self._problem.splits["train"]
        seeds = [problem.draws[draw].seed for draw in self._population.draw_index.tolist()]
        examples = self._tensor(train.features[0, : self._batches.sizes[0]])
        num_outputs = problem.loss.num_outputs(problem.num_classes)
        return torch_model(problem.model, Place(seeds, examples, num_outputs))

    def _trained(self) -> Tensor | None:
        """(P,) which parameters training moves; None: all."""
        trained = [not p.is_frozen for p in self._problem.parameters for _ in range(p.size)]
        return None if all(trained) else torch.tensor(trained, device=self._device)

    def _decayed(self) -> Tensor | None:
        """(P,) which parameters weight decay takes from; None: all."""
        decays = self._population.optimizer.decays
        decayed = [decays(p) for p in self._problem.parameters for _ in range(p.size)]
        return None if all(decayed) else torch.tensor(decayed, device=self._device)

    def _row(self, length: int, value: float) -> Tensor:
        """A row (R, 1, length) that weighs every term alike when it multiplies a column of them."""
        row = torch.full((1, 1, length), value, dtype=self._dtype, device=self._device)
        return row.expand(self._population.size, 1, length)

    def _place_parameters(self) -> None:
        members = self._population.draw_index
        parameters = self._tensor(self._problem.starts(members))
        self._moved = self._trained()
        size = len(members)
        self._state = {"parameters": parameters}
        optimizer, uses = self._population.optimizer, self._population.uses
        self._state.update(starting_state(optimizer, uses, self._update, parameters.clone()))
        self._gradient = torch.zeros_like(parameters)
        self._terms: dict[int, Tensor] = {}
        self._views = self._name(self._state["parameters"])
        self._gradient_views = self._name(self._gradient)
        self._active = torch.ones(size, dtype=torch.bool, device=self._device)
        self._diverged = torch.zeros(size, dtype=torch.int64, device=self._device)
        nothing = torch.full((size,), math.nan, dtype=self._dtype, device=self._device)
        self._snapshots = [_Snapshot(parameters.clone(), nothing, nothing)]

    def _name(self, rows: Tensor) -> dict[str, Tensor]:
        """Views of (R, P) rows as the model's parameters, each (R, rows, columns)."""
        sizes = [parameter.size for parameter in self._problem.parameters]
        parts = rows.split(sizes, dim=1)
        return {
            p.name: part.unflatten(1, p.matrix)
            for p, part in zip(self._problem.parameters, parts, strict=True)
        }

    def _place_coefficients(self) -> None:
        population = self._population
        total = population.training.epochs * len(self._batches.sizes)
        self._coefficients = CoefficientTable(population, total, self._device, self._dtype)
        limits = population.hyperparameters.get("clip_grad_norm")
        self._limits = None if limits is None else self._tensor(limits)[:, None]

    # Training -------------------------------------------------------------------------------------

    @property
    def compiles(self) -> bool:
        """See `Engine.compiles`."""
        return False

    def compile(self) -> None:
        """See `Engine.compile`."""

    def advance(self, first_epoch: int, snapshots: Sequence[int]) -> Iterator[int]:
        """Train a chunk of epochs, without a pause; see `Engine.advance`."""
        self._advance(first_epoch, snapshots)
        yield (snapshots[-1] - first_epoch + 1) * len(self._batches.sizes)

    @torch.no_grad()
    def _advance(self, first_epoch: int, snapshots: Sequence[int]) -> None:
        before = {name: tensor.clone() for name, tensor in self._state.items()}
        losses = self._run(first_epoch, snapshots, guarded=False)
        finite = torch.isfinite(self._state["parameters"]).all(1) & torch.isfinite(losses)
        if not bool((finite | ~self._active).all()):
            self._put_back(before)
            self._run(first_epoch, snapshots, guarded=True)
        elif not bool(self._active.all()):
            keep, old = self._active[:, None], before["parameters"]
            self._put_back({name: torch.where(keep, self._state[name], before[name]) for name in before})
            self._snapshots = [
                taken._replace(parameters=torch.where(keep, taken.parameters, old))
                for taken in self._snapshots
            ]

    def _put_back(self, state: dict[str, Tensor]) -> None:
        """Take over a state, of which an optimizer of the user's may have had less before its first step."""
        self._state["parameters"].copy_(state["parameters"])
        self._state = {**state, "parameters": self._state["parameters"]}

    def _run(self, first_epoch: int, snapshots: Sequence[int], *, guarded: bool) -> Tensor:
        """Train the epochs up to the last snapshot; returns the sum of all losses, (R,)."""
        self._snapshots = []
        self._terms.clear()
        wanted = set(snapshots)
        step = (first_epoch - 1) * len(self._batches.sizes)
        losses = torch.zeros_like(self._state["parameters"][:, 0])
        for epoch in range(first_epoch, snapshots[-1] + 1):
            if epoch in wanted:
                losses = losses + self._summed_terms()
                self._terms.clear()
            for batch in self._batches.epoch(epoch):
                self._step(batch, step, guarded=guarded)
                step += 1
            if epoch in wanted:
                running = self._summed_terms()
                self._terms.clear()
                losses = losses + running
                parameters = self._state["parameters"].clone()
                self._snapshots.append(
                    _Snapshot(parameters, *map(self._of_sound, (running, self._gradient_norms().view(-1))))
                )
        return losses

    def _of_sound(self, numbers: Tensor) -> Tensor:
        """(R,) with NaN for the members that have diverged."""
        return numbers.masked_fill(self._diverged > 0, math.nan)

    def _summed_terms(self) -> Tensor:
        """(R,) the loss from the terms of the batches so far, each term added up over the batches."""
        total = torch.zeros_like(self._state["parameters"][:, :1, None])
        for size, terms in self._terms.items():
            total = total + self._share_of_loss(size, terms)
        return total.view(-1)

    def _share_of_loss(self, size: int, terms: Tensor) -> Tensor:
        """(R, 1, 1) what a batch of a size adds to the loss of its epoch."""
        return torch.bmm(self._loss_rows[size], terms.reshape(len(terms), -1, 1))

    def _step(self, batch: Batch, step: int, *, guarded: bool) -> None:
        """One optimizer update of every member; `step` counts from 0."""
        size = batch.inputs.shape[1]
        if self._model.at is not None:
            self._model.at(step)
        outputs, pullback = self._model.vjp(self._views, batch.inputs)
        values, slope = self._loss.terms(outputs, batch.targets)
        if size in self._terms:
            self._terms[size].add_(values)
        else:
            self._terms[size] = values
        scale = self._scales[size]
        pullback(slope if scale == 1 else slope.mul_(scale), self._gradient_views)
        gradient = self._gradient if self._limits is None else self._clipped(self._limits)
        parameters = self._state["parameters"]
        coefficients = self._coefficients.at(step)
        updated, state = self._update(gradient, self._state, parameters, coefficients)
        if self._moved is not None:
            updated = torch.where(self._moved, updated, parameters)
        if guarded:
            updated, state = self._guard(values, updated, state, step)
        parameters.copy_(updated)
        self._state.update(state)

    def _guard(
        self, values: Tensor, updated: Tensor, state: dict[str, Tensor], step: int
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Freeze the members that this step would break: they keep what they had."""
        size = values.shape[1]
        loss = self._share_of_loss(size, values) / self._shares[size]
        finite = torch.isfinite(updated).all(1) & torch.isfinite(loss).view(-1)
        broken = self._active & ~finite
        self._diverged = torch.where(broken, step + 1, self._diverged)
        self._active = self._active & finite
        keep = self._active[:, None]
        updated = torch.where(keep, updated, self._state["parameters"])
        return updated, {
            name: torch.where(keep, new, self._state.get(name, new)) for name, new in state.items()
        }

    def _gradient_norms(self) -> Tensor:
        """(R, 1) each member's own norm, over all its parameters."""
        squares = torch.bmm(self._gradient.unsqueeze(1), self._gradient.unsqueeze(2))
        return squares.sqrt().view(-1, 1)

    def _clipped(self, limits: Tensor) -> Tensor:
        """Gradients no longer than each member's limit, as torch.nn.utils.clip_grad_norm_ scales them."""
        scale = (limits / (self._gradient_norms() + 1e-6)).clamp(max=1.0)
        return self._gradient * torch.where(torch.isinf(limits), 1.0, scale)  # not infinity / infinity

    # Answers --------------------------------------------------------------------------------------

    def _numpy(self, tensors: Sequence[Tensor]) -> Array:
        """(K, R, ...) of the members, in float64."""
        return torch.stack(list(tensors))[:, : self._size].cpu().numpy().astype(np.float64)

    def epoch_metrics(self) -> dict[str, Array]:
        """See `Engine.epoch_metrics`."""
        return {
            "train/running_loss": self._numpy([taken.running for taken in self._snapshots]),
            "grad_norm": self._numpy([taken.norm for taken in self._snapshots]),
        }

    @torch.no_grad()
    def evaluate(self, split: SplitName) -> dict[str, Array]:
        """See `Engine.evaluate`; losses are averaged in float64 where the device has it."""
        each = [self._evaluate(split, taken.parameters) for taken in self._snapshots]
        return {name: np.stack([answer[name] for answer in each]) for name in each[0]}

    def _evaluate(self, split: SplitName, parameters: Tensor) -> dict[str, Array]:
        """The metrics of parameters (R, P), (R,) each."""
        views, chunks = self._name(parameters), []
        for members in self._chunks(split):
            most, size = self.environment["threads"], members.stop - members.start
            with threads(min(most, size) if size > 1 else most):  # see _most_threads
                chunks.append(self._evaluate_some(split, views, members))
        return {name: np.concatenate([chunk[name] for chunk in chunks])[: self._size] for name in chunks[0]}

    def _width(self) -> int:
        """The most numbers that one example has anywhere in the model."""
        return max(max(parameter.matrix) for parameter in self._problem.parameters)

    def _chunks(self, split: SplitName) -> Iterator[slice]:
        """The members in chunks whose tensors stay small; never a chunk of one, see __init__."""
        numbers = self._problem.splits[split].size * self._width()
        length = max(2, _EVALUATION_NUMBERS // numbers)
        starts = list(range(0, self._population.size, length))
        if len(starts) > 1 and self._population.size - starts[-1] == 1:
            starts.pop()
        yield from (slice(a, b) for a, b in zip(starts, [*starts[1:], self._population.size], strict=True))

    def _evaluate_some(
        self, split: SplitName, views: Mapping[str, Tensor], members: slice
    ) -> dict[str, Array]:
        inputs, targets = self._batches.whole(split, members)
        outputs = self._model.forward({name: view[members] for name, view in views.items()}, inputs)
        values, _ = self._loss.terms(outputs, targets)
        answer = {"loss": self._reduce(values, self._problem.loss.reduction)}
        if self._problem.num_classes is not None:
            answer["accuracy"] = self._reduce(self._loss.correct(outputs, targets), "mean")
        return answer

    def _reduce(self, values: Tensor, reduction: str) -> Array:
        """(R, N, terms) to (R,)."""
        wide = torch.float32 if self._device.type == "mps" else torch.float64
        column = values.flatten(1).to(wide).unsqueeze(2)
        sums = torch.bmm(torch.ones_like(column).transpose(1, 2), column).view(-1)
        result: Array = sums.cpu().numpy().astype(np.float64)
        return result / column.shape[1] if reduction == "mean" else result

    def parameters(self) -> dict[str, Array]:
        """See `Engine.parameters`."""
        return self._problem.by_name(self._numpy([taken.parameters for taken in self._snapshots]))

    def parameters_at(self, snapshots: NDArray[np.intp]) -> dict[str, Array]:
        """See `Engine.parameters_at`."""
        rows = torch.stack([taken.parameters[: self._size] for taken in self._snapshots])
        index = torch.from_numpy(snapshots).to(self._device)
        own = rows[index, torch.arange(self._size, device=self._device)]
        return self._problem.by_name(own.cpu().numpy().astype(np.float64))

    def diverged_steps(self) -> NDArray[np.int64]:
        """See `Engine.diverged_steps`."""
        return self._diverged[: self._size].cpu().numpy()

    def freeze(self, members: NDArray[np.bool_], snapshots: NDArray[np.intp]) -> None:
        """See `Engine.freeze`."""
        index = torch.from_numpy(np.resize(snapshots, self._population.size)).to(self._device)
        frozen = torch.from_numpy(np.resize(members, self._population.size)).to(self._device)
        self._active &= ~frozen
        rows = torch.stack([taken.parameters for taken in self._snapshots])
        held = rows[index, torch.arange(len(index), device=self._device)]
        for number, taken in enumerate(self._snapshots):
            later = frozen & (index < number)
            parameters = torch.where(later[:, None], held, taken.parameters)
            self._snapshots[number] = taken._replace(parameters=parameters)
        self._state["parameters"].copy_(self._snapshots[-1].parameters)

    def state(self) -> State:
        """See `Engine.state`."""
        arrays = {"parameters": self._state["parameters"]}
        arrays |= {f"state/{name}": array for name, array in self._state.items() if name != "parameters"}
        arrays |= {"active": self._active, "diverged": self._diverged}
        return {name: array[: self._size].cpu().numpy().copy() for name, array in arrays.items()}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """See `Engine.restore`."""
        rows = np.resize(np.arange(self._size), self._population.size)
        tensors = {name: torch.from_numpy(array[rows]).to(self._device) for name, array in state.items()}
        self._active, self._diverged = tensors.pop("active"), tensors.pop("diverged")
        self._put_back({name.removeprefix("state/"): tensor for name, tensor in tensors.items()})
        nothing = torch.full_like(self._state["parameters"][:, 0], math.nan)
        self._snapshots = [_Snapshot(self._state["parameters"].clone(), nothing, nothing)]
