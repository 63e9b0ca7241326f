"""A module of the user's that trains a population.

Its forward is called for all members at once by torch.func.vmap, or member by member where it cannot be
mapped or draws random numbers. What it draws then is keyed by (seed of the member, step), so that a member
draws what it drew alone. Before anything is trained the module is called once, and what could not be trained
is refused.
"""

import contextlib
import itertools
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.func import vmap

from lrcli.components.initializers import Parameter
from lrcli.components.user_code import NamedCode
from lrcli.engines.torch.answers import Wanted, refuse_answer
from lrcli.engines.torch.keyed_random import drawn_by, drawn_from_torch, generator_states, key_of
from lrcli.engines.torch.models import Forward, Parameters, Place, TorchModel, by_autograd
from lrcli.engines.torch.module_calls import Call
from lrcli.errors import CodeError, CodeRunError

__all__ = ["ModulePopulation"]

_LOOKS = 3  # calls of a module that seems to draw random numbers
_MOST_TOLD = 200  # characters of a reason of torch's


class ModulePopulation:
    """A module, and the members whose parameters it is called with."""

    def __init__(
        self, code: NamedCode, parameters: Sequence[Parameter], calls: Mapping[bool, Call], place: Place
    ) -> None:
        """Take a module that has not been looked at.

        Args:
            code: for messages.
            parameters: of the module.
            calls: the module, by whether it trains.
            place: where it is to compute.
        """
        self._code = code
        self._calls = calls
        self._place = place
        self._shapes = {parameter.name: parameter.shape for parameter in parameters}
        self._frozen = {parameter.name for parameter in parameters if parameter.is_frozen}
        self._copies = False  # the inputs, which it changes in place
        self._draws = False  # random numbers in training
        self._drawn = drawn_by
        self._step = 0

    def model(self, sample: Mapping[str, Tensor]) -> TorchModel:
        """The model as the engine takes it.

        Args:
            sample: the parameters of one member.

        Raises:
            CodeError: it cannot be trained.
        """
        self._draws = self._look(sample, trains=True)
        if self._look(sample, trains=False):
            raise self._code.refuse(
                "draws random numbers in evaluation, too; draw them where self.training is true alone"
            )
        forward, training = (self._forward(sample, trains=trains) for trains in (False, True))
        model = by_autograd(forward, training, self._frozen)
        return model._replace(at=self._begin) if self._draws else model

    def maps(self, sample: Mapping[str, Tensor]) -> bool:
        """Whether its members train at once; of one that cannot be trained that is not known, and it may.

        Args:
            sample: the parameters of one member.
        """
        with warnings.catch_warnings(action="ignore"), contextlib.suppress(CodeError, CodeRunError):
            self._draws = self._look(sample, trains=True)
            return self._mapped(sample, trains=True) is not None
        return True

    def _begin(self, step: int) -> None:
        self._step = step

    # Looking ----------------------------------------------------------------------------------------

    def _look(self, sample: Mapping[str, Tensor], *, trains: bool) -> bool:
        """Call the module, and refuse what cannot be trained; whether it draws random numbers.

        Another thread may draw from Python's generator meanwhile, as those of a worker of a cluster do. What
        has not moved in one of a few calls is not drawn from.
        """
        call, examples = self._calls[trains], self._place.examples
        still: Sequence[bool] = ()
        for _ in range(_LOOKS):
            leaves = {n: values.clone().requires_grad_(n not in self._frozen) for n, values in sample.items()}
            buffers = {name: values.clone() for name, values in call.buffers.items()}
            inputs = examples.clone()
            with drawn_by(0), torch.enable_grad():
                before = generator_states()
                with self._code.running(f"forward failed for inputs of shape {tuple(inputs.shape)}"):
                    outputs = call(leaves, inputs, buffers)
                again = map(np.array_equal, before, generator_states())
                still = [same or once for same, once in itertools.zip_longest(again, still, fillvalue=False)]
            if all(still):
                break
        draws = not all(still)
        if trains and all(still[1:]):  # for the CPU, or none at all
            self._drawn = drawn_from_torch
        self._refuse_outputs(outputs, trains=trains)
        self._copies |= not torch.equal(inputs, examples)
        for name, values in buffers.items():
            if not torch.equal(values, call.buffers[name]):
                raise self._code.refuse(
                    f"its buffer {name} changes as it trains, and members share buffers; give BatchNorm "
                    "track_running_stats=False, or take LayerNorm or GroupNorm"
                )
        return draws

    def _refuse_outputs(self, outputs: Any, *, trains: bool) -> None:
        shape = (len(self._place.examples), self._place.num_outputs)
        must = f"{shape}, a row for each example and a column for each output"
        depends_on = "its parameters" if trains else ""
        wanted = Wanted("forward gives", "inputs", (shape,), must, depends_on)
        refuse_answer(self._code, outputs, self._place.examples, wanted)

    # Computing --------------------------------------------------------------------------------------

    def _forward(self, sample: Mapping[str, Tensor], *, trains: bool) -> Forward:
        """(parameters (R, rows, columns) each, inputs (R, B, F)) -> outputs (R, B, O)."""
        every = self._mapped(sample, trains=trains)
        each = self._each(trains=trains)

        def forward(parameters: Parameters, inputs: Tensor) -> Tensor:
            named = {name: p.reshape(len(p), *self._shapes[name]) for name, p in parameters.items()}
            inputs = inputs.clone() if self._copies else inputs
            with self._code.running("forward failed", trains=True):
                if every is not None and len(inputs) > 1:
                    return every(named, inputs)
                members = range(len(inputs))
                return torch.stack([each({n: p[r] for n, p in named.items()}, inputs[r], r) for r in members])

        return forward

    def _mapped(self, sample: Mapping[str, Tensor], *, trains: bool) -> Callable[..., Tensor] | None:
        """The module for all members at once; None where it must be called for each."""
        if len(self._place.seeds) < 2 or (trains and self._draws):
            return None
        every = vmap(self._calls[trains])
        leaves = {name: torch.stack([values, values]).requires_grad_() for name, values in sample.items()}
        try:
            with torch.enable_grad(), contextlib.redirect_stdout(None):
                outputs = every(leaves, self._place.examples.expand(2, -1, -1).clone())
                torch.autograd.grad(outputs.sum(), tuple(leaves.values()), allow_unused=True)
        except Exception as error:
            if trains:
                why = str(error).strip().partition("\n")[0][:_MOST_TOLD]
                warnings.warn(
                    f"{self._code.whose}: its members train one after the other, because torch.func.vmap "
                    f"cannot take it: {why}",
                    stacklevel=2,
                )
            return None
        return every

    def _each(self, *, trains: bool) -> Callable[[Parameters, Tensor, int], Tensor]:
        """The module for one member, which draws the random numbers of its seed and the step."""
        call = self._calls[trains]
        if not (trains and self._draws):
            return lambda parameters, inputs, _: call(parameters, inputs)

        def drawing(parameters: Parameters, inputs: Tensor, member: int) -> Tensor:
            with self._drawn(key_of(self._place.seeds[member], "noise", self._step)):
                return call(parameters, inputs)

        return drawing
