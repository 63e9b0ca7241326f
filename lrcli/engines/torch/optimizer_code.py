"""Optimizers of the user's: a pair of pure functions for all members, or a class of torch.optim for each.

The state of either is a flat mapping of tensors (R, n), so that it is kept, frozen and put back as that of
any other optimizer. What a torch.optim.Optimizer keeps for itself is read from it and written back to it.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from lrcli.components.optimizers import PythonOptimizer
from lrcli.components.user_code import NamedCode

__all__ = ["CodeUpdate", "Coefficients", "OptimizerCode", "State"]

State = dict[str, Tensor]
Coefficients = Mapping[str, Tensor]
_TAKEN = {"parameters"}  # names in the state of an engine


class CodeUpdate:
    """An update rule of the user's; see `lrcli.engines.torch.optimizers.Update`."""

    def begin(self, parameters: Tensor) -> State:
        """The state before the first step, for parameters (R, P)."""
        raise NotImplementedError

    def __call__(
        self, gradient: Tensor, state: State, parameters: Tensor, coefficients: Coefficients
    ) -> tuple[Tensor, State]:
        """New parameters and the new state."""
        raise NotImplementedError


class OptimizerCode:
    """An optimizer from a file.

    Attributes:
        code: the file, and the name in it.
    """

    def __init__(self, optimizer: PythonOptimizer) -> None:
        """Run the file.

        Raises:
            CodeError: it cannot be run, or the name is no optimizer.
        """
        self.code = NamedCode(optimizer, "optimizer")
        named = self.code.named
        self._is_torch = isinstance(named, type) and issubclass(named, torch.optim.Optimizer)
        self._pair: Any = None if self._is_torch else self.code.made()
        if not self._is_torch and not all(callable(getattr(self._pair, n, None)) for n in ("init", "update")):
            raise self.code.refuse("has no init and update, and is no class of torch.optim.Optimizer")

    def placed(self, shapes: Sequence[tuple[int, ...]]) -> CodeUpdate:
        """Its update rule for a population.

        Args:
            shapes: of the model's parameters.
        """
        return _OfTorch(self.code, shapes) if self._is_torch else _Pair(self.code, self._pair)


class _Pair(CodeUpdate):
    """init and update."""

    def __init__(self, code: NamedCode, pair: Any) -> None:
        self._code = code
        self._pair = pair

    def begin(self, parameters: Tensor) -> State:
        with self._code.running("init failed"):
            state = self._pair.init(parameters.clone())
        self._refuse_state(state, parameters, "init gives")
        one = torch.ones_like(parameters[:, :1])
        with self._code.running("update failed"):
            answer = self._pair.update(torch.zeros_like(parameters), _copied(state), parameters, one, one[:1])
        if not isinstance(answer, tuple | list) or len(answer) != 2:
            raise self._code.refuse("update must give a pair, new parameters and the new state")
        if not isinstance(answer[0], Tensor) or answer[0].shape != parameters.shape:
            raise self._code.refuse(f"update must give new parameters of shape {tuple(parameters.shape)}")
        self._refuse_state(answer[1], parameters, "update gives")
        if set(answer[1]) != set(state):
            raise self._code.refuse("update must give a state with the names of init's")
        return _copied(state)

    def _refuse_state(self, state: Any, parameters: Tensor, who: str) -> None:
        if not isinstance(state, Mapping):
            raise self._code.refuse(
                f"{who} a {type(state).__name__} for the state; it must be a dict of tensors"
            )
        for name, tensor in state.items():
            rows = isinstance(tensor, Tensor) and tensor.dim() == 2 and len(tensor) == len(parameters)
            if not rows or not isinstance(name, str) or name in _TAKEN:
                raise self._code.refuse(
                    f"{who} a state with {name}; each must be a tensor with a row for each member, such as "
                    f"{tuple(parameters.shape)}, and of another name than parameters"
                )

    def __call__(
        self, gradient: Tensor, state: State, parameters: Tensor, coefficients: Coefficients
    ) -> tuple[Tensor, State]:
        own = _copied({name: tensor for name, tensor in state.items() if name not in _TAKEN})
        with self._code.running("update failed", trains=True):
            new, after = self._pair.update(
                gradient.clone(), own, parameters.clone(), coefficients["lr"], coefficients["step"]
            )
        return new, dict(after)


class _OfTorch(CodeUpdate):
    """A class of torch.optim, an instance for each member."""

    def __init__(self, code: NamedCode, shapes: Sequence[tuple[int, ...]]) -> None:
        self._code = code
        self._shapes = list(shapes)
        self._members: list[tuple[list[nn.Parameter], torch.optim.Optimizer]] = []
        self._last: State = {}  # what the instances hold

    def begin(self, parameters: Tensor) -> State:
        with self._code.running("could not be made, or made no step"):
            tensors, optimizer = self._member(parameters[0], 1.0)
            self._set_gradients(tensors, torch.zeros_like(parameters[0]))
            before = _beside_state(optimizer)
            optimizer.step()
        self._state_of(tensors, optimizer)
        after = _beside_state(optimizer)
        lost = next((name for name in after if after[name] != before.get(name)), None)
        if lost is not None:
            raise self._code.refuse(
                f"changes {lost} in a step; only what it keeps in self.state of a parameter can be saved, "
                "and put back where members diverge"
            )
        self._members = [self._member(row, 1.0) for row in parameters]
        self._last = self._stacked()  # what a constructor may have put there
        return dict(self._last)

    def _member(self, row: Tensor, lr: float) -> tuple[list[nn.Parameter], torch.optim.Optimizer]:
        tensors = [nn.Parameter(part.clone()) for part in self._parts(row)]
        return tensors, self._code.named(tensors, lr=lr, **self._code.args)

    def _parts(self, row: Tensor) -> list[Tensor]:
        sizes = [math.prod(shape) for shape in self._shapes]
        return [p.reshape(s) for p, s in zip(row.split(sizes), self._shapes, strict=True)]

    def _set_gradients(self, tensors: Sequence[nn.Parameter], row: Tensor) -> None:
        for tensor, part in zip(tensors, self._parts(row), strict=True):
            tensor.grad = part.clone()

    def __call__(
        self, gradient: Tensor, state: State, parameters: Tensor, coefficients: Coefficients
    ) -> tuple[Tensor, State]:
        own = {name: tensor for name, tensor in state.items() if name not in _TAKEN}
        known = own.keys() == self._last.keys() and all(own[name] is self._last[name] for name in own)
        rates = coefficients["lr"].expand(len(parameters), 1)[:, 0].tolist()
        rows = []
        for number, (tensors, optimizer) in enumerate(self._members):
            if not known:
                self._put_state(tensors, optimizer, {name: t[number] for name, t in own.items()})
            with torch.no_grad():
                for tensor, part in zip(tensors, self._parts(parameters[number]), strict=True):
                    tensor.copy_(part)
            self._set_gradients(tensors, gradient[number])
            for group in optimizer.param_groups:
                group["lr"] = rates[number]
            with self._code.running("step failed", trains=True):
                optimizer.step()
            rows.append(torch.cat([tensor.detach().reshape(-1) for tensor in tensors]))
        self._last = self._stacked()
        return torch.stack(rows), dict(self._last)

    def _stacked(self) -> State:
        """What the instances keep, (R, n) each."""
        states = [self._state_of(tensors, optimizer) for tensors, optimizer in self._members]
        return {name: torch.stack([each[name] for each in states]) for name in states[0]}

    def _state_of(self, tensors: Sequence[nn.Parameter], optimizer: torch.optim.Optimizer) -> State:
        """What an instance keeps, (n,) each; the name holds the number of the parameter, and the shape."""
        found: State = {}
        for number, tensor in enumerate(tensors):
            for name, value in optimizer.state[tensor].items():
                if value is None:
                    continue
                if not isinstance(value, Tensor | int | float):
                    raise self._code.refuse(
                        f"keeps {name}, a {type(value).__name__}; only tensors and numbers can be saved"
                    )
                wide = torch.float32 if tensor.device.type == "mps" else torch.float64
                kept = torch.as_tensor(value, dtype=None if isinstance(value, Tensor) else wide)
                kind = "number" if not isinstance(value, Tensor) else ",".join(map(str, kept.shape))
                # torch.optim counts steps on the CPU; what freezes members is where the parameters are.
                found[f"{number}.{name}({kind})"] = kept.detach().reshape(-1).to(tensor.device, copy=True)
        return found

    def _put_state(
        self, tensors: Sequence[nn.Parameter], optimizer: torch.optim.Optimizer, state: Mapping[str, Tensor]
    ) -> None:
        """Give an instance what it had kept."""
        optimizer.state.clear()
        for key, values in state.items():
            number, _, rest = key.partition(".")
            name, _, kind = rest.removesuffix(")").rpartition("(")
            value: Any = values.item() if kind == "number" else values.reshape(_shape(kind)).clone()
            if kind == "number" and float(value).is_integer():
                value = int(value)
            optimizer.state[tensors[int(number)]][name] = value


def _beside_state(optimizer: torch.optim.Optimizer) -> dict[str, str]:
    """The numbers that an instance has elsewhere than in its state, in words, by where they are."""
    places = {"self": vars(optimizer)}
    places |= {f"self.param_groups[{i}]": group for i, group in enumerate(optimizer.param_groups)}
    return {
        f"{place}.{name}" if place == "self" else f"{place}[{name!r}]": repr(value)
        for place, values in places.items()
        for name, value in values.items()
        if isinstance(value, int | float | Tensor) and not isinstance(value, bool) and name != "lr"
    }


def _copied(state: Mapping[str, Tensor]) -> State:
    """A state that may be changed in place."""
    return {name: tensor.clone() for name, tensor in state.items()}


def _shape(text: str) -> tuple[int, ...]:
    return tuple(int(size) for size in text.split(",") if size)
