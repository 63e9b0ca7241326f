"""A model of the user's: any torch.nn.Module, from a Python file."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import numpy as np
from pydantic import Field

from lrcli.components.initializers import AnyInitializer, Own, Parameter, Values, mismatch, shape_of
from lrcli.components.models.base import Array, Model
from lrcli.components.models.derivatives import Derivatives
from lrcli.components.randomness import generator
from lrcli.components.user_code import FromFile

__all__ = ["Module"]


class Module(FromFile, Model):
    """o = module(x), a torch.nn.Module, or what a function makes one, from a Python file of yours.

    It is given the features of a batch (B, D) and gives its outputs (B, O). Its parameters have the names
    that named_parameters gives them; those that do not require a gradient stay as they are. All members train
    at once where torch.func.vmap can take it, else one after the other, as where it draws random numbers.

    Source: torch.nn.Module, torch.func.functional_call.
    """

    size_key = "args"

    kind: Literal["module"]
    init: AnyInitializer = Field(
        default_factory=lambda: Own(kind="own"),
        description="where the parameters start; own: as its constructor sets them",
    )
    truth: dict[str, Any] = Field(
        default_factory=dict,
        examples=[{"weight": [[2.0, -3.4]], "bias": [4.2]}],
        description="from a parameter's name to its true value, a number or nested lists",
    )

    @property
    def truths(self) -> dict[str, Array] | None:
        if not self.truth or any(shape_of(value) is None for value in self.truth.values()):
            return None
        return {name: np.array(value, dtype=np.float64) for name, value in self.truth.items()}

    def parameters(self, num_features: int, num_outputs: int) -> tuple[Parameter, ...]:
        """Those of the module; the file decides about them alone."""
        parameters: tuple[Parameter, ...] = self.code.parameters
        return parameters

    def initial(self, num_features: int, num_outputs: int, seed: int) -> dict[str, Array]:
        """As the constructor sets them, or drawn as those of any model, weights of layers as (in, out)."""
        own: dict[str, Array] = self.code.initial(seed)
        if isinstance(self.init, Own):
            return own
        return {
            p.name: own[p.name] if p.is_frozen else self._drawn(p, generator(seed, "init", i))
            for i, p in enumerate(self.parameters(num_features, num_outputs))
        }

    def _drawn(self, parameter: Parameter, rng: np.random.Generator) -> Array:
        """A weight that a layer holds as (out, in) is drawn as (in, out), like that of a built-in layer."""
        if parameter.name in self.code.transposed and not isinstance(self.init, Values):
            return self.init.draw(parameter._replace(shape=parameter.matrix), rng).T
        return self.init.draw(parameter, rng)

    def outputs(self, parameters: Mapping[str, Array], inputs: Array) -> Array | None:
        if self.needs_code:
            return None
        outputs: Array = self.code.outputs(parameters, inputs)
        return outputs

    def derivatives(self, parameters: Mapping[str, Array], features: Array) -> Derivatives | None:
        """By torch's autograd, where it has second derivatives that can be relied on."""
        if self.needs_code:
            return None
        derivatives: Derivatives | None = self.code.derivatives(parameters, features)
        return derivatives

    def mistakes(self, num_features: int, num_outputs: int) -> Iterator[tuple[str, str]]:
        for name, value in self.truth.items():
            if shape_of(value) is None:
                yield f"truth.{name}", "must be a number, or nested lists of numbers of equal lengths"
        if not self.needs_code:
            parameters = self.parameters(num_features, num_outputs)
            for name, message in mismatch(self.truth, parameters):
                yield f"truth.{name}", message
            yield from super().mistakes(num_features, num_outputs)
