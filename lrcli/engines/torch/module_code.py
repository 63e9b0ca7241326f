"""Modules of the user's: constructed, and described as lrcli describes a model."""

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lrcli.components.initializers import Parameter
from lrcli.components.models.module import Module
from lrcli.components.user_code import NamedCode
from lrcli.engines.torch.device import threads
from lrcli.engines.torch.keyed_random import drawn_by, key_of
from lrcli.engines.torch.models import Place, TorchModel
from lrcli.engines.torch.module_calls import Call, default_dtype
from lrcli.engines.torch.module_population import ModulePopulation
from lrcli.engines.torch.second_derivatives import DerivativesByAutograd, derivatives_by_autograd

__all__ = ["ModuleCode"]

Array = NDArray[np.float64]
_TAKEN = {"epoch", "step"}  # names beside those of the parameters in path.npz


class ModuleCode:
    """A module from a file.

    Attributes:
        code: the file, and the name in it.
        parameters: of the module, as lrcli knows them.
        transposed: the names of those that are the (out, in) weights of layers.
    """

    def __init__(self, model: Module) -> None:
        """Run the file, and construct the module.

        Raises:
            CodeError: something in it cannot be used.
        """
        self.code = NamedCode(model, "model")
        if isinstance(self.code.named, nn.Module):
            raise self.code.refuse(
                "is a module that has been made; name a class or a function that makes it, so that each seed "
                "can have initial values of its own"
            )
        if not callable(self.code.named):
            raise self.code.refuse("is neither a class nor a function that makes a torch.nn.Module")
        module = self._make(0, torch.float32)
        layers = [name for name, part in module.named_modules() if isinstance(part, nn.Linear)]
        self.transposed = frozenset(f"{name}.weight".removeprefix(".") for name in layers)
        self.parameters = tuple(self._described(module))
        self._refuse_parameters()
        self._refuse_buffers(module)

    def _make(self, seed: int, dtype: torch.dtype) -> nn.Module:
        """The module as its constructor makes it for a seed."""
        drawn = drawn_by(key_of(seed, "init", 0))
        with threads(1), default_dtype(dtype), drawn, self.code.running("could not be made"):
            module = self.code.named(**self.code.args)
        if not isinstance(module, nn.Module):
            raise self.code.refuse(f"makes a {type(module).__name__}, not a torch.nn.Module")
        return module

    def _call(self, dtype: torch.dtype, device: torch.device, *, trains: bool) -> Call:
        """The module as a function; its class may have a method train of its own, which fails."""
        module = self._make(0, dtype)
        with self.code.running(f"could not be put on {device}, train({trains})"):
            return Call(module, dtype, device, trains=trains)

    def _described(self, module: nn.Module) -> Iterator[Parameter]:
        """Its parameters, each once, as named_parameters names them."""
        owners = dict(module.named_modules())
        for name, value in module.named_parameters():
            if isinstance(value, nn.parameter.UninitializedParameter):
                raise self.code.refuse(
                    f"{name} has no shape before it has seen data; say how many inputs the layer has"
                )
            if not value.is_floating_point() or value.numel() == 0:
                raise self.code.refuse(f"its parameter {name} holds no real numbers; make it a buffer")
            owner, _, last = name.rpartition(".")
            yield _parameter(name, value, last, getattr(owners[owner], "weight", None))

    def _refuse_parameters(self) -> None:
        if all(parameter.is_frozen for parameter in self.parameters):
            raise self.code.refuse("has no parameters to train")
        for parameter in self.parameters:
            if parameter.name in _TAKEN:
                raise self.code.refuse(
                    f"its parameter {parameter.name} needs another name: path.npz has an array of that one"
                )

    def _refuse_buffers(self, module: nn.Module) -> None:
        """All members share the buffers, so they must not depend on the seed."""
        other = dict(self._make(1, torch.float32).named_buffers())
        for name, value in module.named_buffers():
            if name not in other or not torch.equal(value, other[name]):
                raise self.code.refuse(
                    f"its buffer {name} is drawn at random, and members share buffers; make it a Parameter "
                    "with requires_grad=False, of which each seed has its own"
                )

    def initial(self, seed: int) -> dict[str, Array]:
        """The parameters as the constructor sets them for a seed, from name to array in their shapes.

        Raises:
            CodeError: they are others than before.
        """
        values = {name: value.detach() for name, value in self._make(seed, torch.float32).named_parameters()}
        shapes = {parameter.name: parameter.shape for parameter in self.parameters}
        if {name: tuple(value.shape) for name, value in values.items()} != shapes:
            raise self.code.refuse("has parameters of other names or shapes each time it is made")
        return {name: value.double().numpy() for name, value in values.items()}

    def outputs(self, parameters: Mapping[str, Array], inputs: Array) -> Array:
        """Its outputs in float64 outside training, (N, O) of (N, D)."""
        return self._called(parameters, torch.from_numpy(np.array(inputs)))

    def _called(self, parameters: Mapping[str, Array], inputs: Tensor) -> Array:
        call = self._call(torch.float64, torch.device("cpu"), trains=False)
        tensors = {name: torch.from_numpy(np.array(values)) for name, values in parameters.items()}
        with torch.no_grad(), self.code.running(f"forward failed for inputs of shape {tuple(inputs.shape)}"):
            outputs = call(tensors, inputs)
        if not isinstance(outputs, Tensor):
            raise self.code.refuse(f"forward gives a {type(outputs).__name__}, not a tensor")
        return np.asarray(outputs.numpy(), dtype=np.float64)

    def derivatives(self, parameters: Mapping[str, Array], inputs: Array) -> DerivativesByAutograd | None:
        """Those of its outputs (N, O) outside training, in float64; None where there are none to rely on."""
        names = [parameter.name for parameter in self.parameters]
        examples = torch.from_numpy(np.array(inputs, dtype=np.float64))

        def outputs(values: Sequence[Tensor]) -> Tensor:
            with self.code.running("forward failed"):
                return self._evaluating(dict(zip(names, values, strict=True)), examples.clone())

        return derivatives_by_autograd(outputs, [parameters[name] for name in names])

    @cached_property
    def _evaluating(self) -> Call:
        return self._call(torch.float64, torch.device("cpu"), trains=False)

    def changes(self, inputs: Array) -> bool:
        """Whether its forward writes into its inputs (N, D), which is put up with by copying them."""
        given = torch.from_numpy(inputs.copy())
        self._called(self.initial(0), given)
        return not np.array_equal(given.numpy(), inputs)

    def placed(self, place: Place | None) -> TorchModel:
        """The model of a population.

        Raises:
            CodeError: it cannot take the examples, or cannot be trained.
        """
        if place is None:
            raise ValueError("a module must know where it is to compute")
        population, sample = self._population(place)
        return population.model(sample)

    @lru_cache  # noqa: B019 - it lives as long as the process
    def maps(self, num_examples: int, num_features: int, num_outputs: int) -> bool:
        """Whether the members of a population train at once, or one after the other.

        Args:
            num_examples: B, of a batch.
            num_features: F.
            num_outputs: O.
        """
        examples = torch.zeros(num_examples, num_features)
        population, sample = self._population(Place((0, 1), examples, num_outputs))
        return population.maps(sample)

    def _population(self, place: Place) -> tuple[ModulePopulation, dict[str, Tensor]]:
        """Members that have not been looked at, and the parameters of the first."""
        device, dtype = place.examples.device, place.examples.dtype
        calls = {trains: self._call(dtype, device, trains=trains) for trains in (True, False)}
        values = self.initial(place.seeds[0])
        sample = {name: torch.from_numpy(v.copy()).to(device, dtype) for name, v in values.items()}
        return ModulePopulation(self.code, self.parameters, calls, place), sample


def _parameter(name: str, value: Tensor, last: str, weight: object) -> Parameter:
    """A parameter as lrcli knows it.

    Args:
        name: of the parameter.
        value: its tensor.
        last: the name without that of the layer.
        weight: of the layer, by which a bias counts its inputs.
    """
    is_bias = last.startswith("bias") and value.dim() == 1
    counted = weight if is_bias and isinstance(weight, Tensor) else value
    fan_in, fan_out = _fans(tuple(counted.shape))
    matrix = (fan_in, fan_out) if fan_in * fan_out == value.numel() else (value.numel(), 1)
    matrix = (1, value.numel()) if is_bias else matrix
    return Parameter(
        name, tuple(value.shape), matrix, fan_in, fan_out, is_bias, is_frozen=not value.requires_grad
    )


def _fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """Inputs and outputs of a weight (out, in, ...), as torch.nn.init counts them."""
    if len(shape) < 2:
        return 1, 1
    field = math.prod(shape[2:])
    return shape[1] * field, shape[0] * field
