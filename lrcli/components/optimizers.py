"""Optimizers: keys, defaults and per-step coefficients, as in torch.optim.

An update rule needs a few numbers at each step: the learning rate, a bias correction and the like.
They depend on the step and on a member's hyperparameters, never on its gradients, so they are worked
out here, in float64, ahead of the steps. So are the names of the arrays that the rule carries from step to
step. What is left for an engine is the arithmetic on gradients (`lrcli.engines.torch.optimizers`), in which
every coefficient may differ from member to member.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from lrcli.components.component import Component
from lrcli.components.initializers import Parameter
from lrcli.components.powers import powers
from lrcli.components.schedules import AnySchedule, Constant
from lrcli.components.user_code import FromFile

__all__ = ["SGD", "Adam", "AdamW", "AnyOptimizer", "Optimizer", "PythonOptimizer", "RMSprop"]

Array = NDArray[np.float64]
Vectors = Mapping[str, Array]


class Optimizer(Component):
    """Base of all optimizers, each of which has a learning rate, ``lr``.

    Attributes:
        numeric: the keys that hold numbers, each possibly different for every member. Any other key is the
            same for all members that are trained together.
        adaptive: a step is divided by the size of the gradients so far, so it is about as long as the rate.
        decoupled: ``weight_decay`` shrinks the parameters and is no part of the gradient.
    """

    numeric: ClassVar[tuple[str, ...]] = ("lr",)
    adaptive: ClassVar[bool] = False
    decoupled: ClassVar[bool] = False

    decay: Literal["all", "weights"] = Field(
        "all", description="what weight_decay takes from: all, or all but the biases of layers"
    )
    schedule: AnySchedule = Field(
        default_factory=lambda: Constant(kind="constant"), description="the rate over the steps"
    )

    def decays(self, parameter: Parameter) -> bool:
        """Whether the numbers of a parameter are decayed.

        A bias is what a layer adds: the b of a linear model, each b1, b2, ... of an mlp, each bias of the
        layers of a module. Other models have none: a polynomial's constant is a weight as any other, that of
        the power 0 in a layer without a bias, and a curve's shift or offset is no layer's.

        Source: Dive into Deep Learning, section 3.7, for decay of the weights alone.
        """
        return self.decay == "all" or not parameter.is_bias

    def hyperparameters(self) -> dict[str, float]:
        """The numeric keys as one flat mapping; a list such as ``betas`` becomes ``betas.0, betas.1``."""
        flat: dict[str, float] = {}
        for name in self.numeric:
            value = getattr(self, name)
            if isinstance(value, list):
                flat.update({f"{name}.{i}": part for i, part in enumerate(value)})
            else:
                flat[name] = value
        return flat

    @property
    def decay_strength(self) -> float:
        """The weight decay, however it is applied; 0 where there is none."""
        return self.hyperparameters().get("weight_decay", 0.0)

    def rates(self, h: Vectors, steps: NDArray[Any], total: int) -> Array:
        """The scheduled learning rates, (T, R) or (1, R); see `Schedule.rates`."""
        return self.schedule.rates(h["lr"], steps, total)

    def coefficients(self, h: Vectors, steps: NDArray[Any], total: int) -> dict[str, Array]:
        """The numbers that the update rule needs at each step.

        Args:
            h: from the names of `hyperparameters` to vectors (R,).
            steps: (T,) step numbers, the first of a run being 0.
            total: steps of the whole run.

        Returns:
            From name to (T, R), or (1, R) where no step differs.
        """
        raise NotImplementedError

    def state(self, uses: Mapping[str, bool]) -> dict[str, float]:
        """The arrays that the update rule carries from step to step, each as long as the parameters.

        Args:
            uses: for each of `numeric`, by the names of `hyperparameters`, whether any member's is not zero.

        Returns:
            From name to the number that all of the array starts at, in their canonical order.
        """
        return {}

    def torch_form(self, uses: Mapping[str, bool], decayed: Any) -> Any:
        """One update in torch, of an optimizer that lrcli does not have itself.

        Args:
            uses: as of `state`.
            decayed: (P,) which of a member's parameters weight decay takes from; None: all.

        Returns:
            (gradient, state, parameters, coefficients) -> (new parameters, new state): (R, P) each, the state
            by the names of `state`, a coefficient (R, 1) by the names of `coefficients`.
        """
        raise NotImplementedError

    @property
    def most_states(self) -> int:
        """The arrays that it carries where members use every hyperparameter."""
        return len(self.state(dict.fromkeys(self.hyperparameters(), True)))

    @property
    def moves(self) -> bool:
        """Whether its coefficients change from step to step, by a schedule or a correction of bias, say."""
        h = {name: np.array([value]) for name, value in self.hyperparameters().items()}
        return any(len(rows) > 1 for rows in self.coefficients(h, np.arange(2), 2).values())

    def mistakes(self) -> Iterator[tuple[str, str]]:
        """What one field alone cannot tell: (key, message) pairs."""
        yield from ()


Rate = Annotated[float, Field(gt=0)]
Decay = Annotated[float, Field(ge=0)]


class SGD(Optimizer):
    """g = gradient + weight_decay p; v = momentum v + (1 - dampening) g; p = p - lr v.

    Without momentum v is g; with nesterov the step is along g + momentum v. The first v is g itself.

    Source: torch.optim.SGD; momentum as in Sutskever et al. 2013.
    """

    numeric = ("lr", "momentum", "dampening", "weight_decay")

    kind: Literal["sgd"]
    lr: Rate = Field(1e-3, description="learning rate")
    momentum: Decay = Field(0.0, description="share of the last velocity that is kept")
    dampening: float = Field(0.0, description="share of the gradient that the velocity does not take")
    nesterov: bool = Field(False, description="look ahead along the velocity (Nesterov momentum)")
    weight_decay: Decay = Field(0.0, description="L2 penalty added to the gradient")

    def coefficients(self, h: Vectors, steps: NDArray[Any], total: int) -> dict[str, Array]:
        intake = np.where(h["momentum"] == 0, 1.0, 1 - h["dampening"])[None, :]
        if np.any(intake != 1):
            intake = np.where(steps[:, None] == 0, 1.0, intake)
        return {
            "lr": self.rates(h, steps, total),
            "momentum": h["momentum"][None, :],
            "intake": intake,
            "weight_decay": h["weight_decay"][None, :],
        }

    def state(self, uses: Mapping[str, bool]) -> dict[str, float]:
        return {"velocity": 0.0} if uses["momentum"] else {}

    def mistakes(self) -> Iterator[tuple[str, str]]:
        if self.nesterov and self.momentum <= 0:
            yield "nesterov", "needs a momentum greater than 0"
        if self.nesterov and self.dampening != 0:
            yield "dampening", "must be 0 with nesterov"


class RMSprop(Optimizer):
    """v = alpha v + (1 - alpha) g^2; p = p - lr g / (sqrt(v) + eps).

    Centered: v - m^2 in place of v, m the running mean of g. With momentum the steps accumulate:
    u = momentum u + g / (sqrt(v) + eps); p = p - lr u.

    Source: Tieleman and Hinton 2012, lecture 6.5 of Neural Networks for Machine Learning;
    torch.optim.RMSprop.
    """

    numeric = ("lr", "alpha", "eps", "weight_decay", "momentum")
    adaptive = True

    kind: Literal["rmsprop"]
    lr: Rate = Field(1e-2, description="learning rate")
    alpha: float = Field(0.99, ge=0, le=1, description="share of the running averages that is kept")
    eps: Decay = Field(1e-8, description="added to the root, against division by zero")
    weight_decay: Decay = Field(0.0, description="L2 penalty added to the gradient")
    momentum: Decay = Field(0.0, description="share of the last step that is kept")
    centered: bool = Field(False, description="divide by the standard deviation, not the root mean square")

    def coefficients(self, h: Vectors, steps: NDArray[Any], total: int) -> dict[str, Array]:
        return {
            "lr": self.rates(h, steps, total),
            "alpha": h["alpha"][None, :],
            "one_minus_alpha": 1 - h["alpha"][None, :],
            "eps": h["eps"][None, :],
            "weight_decay": h["weight_decay"][None, :],
            "momentum": h["momentum"][None, :],
        }

    def state(self, uses: Mapping[str, bool]) -> dict[str, float]:
        used = {"square": True, "mean": self.centered, "step": uses["momentum"]}
        return {name: 0.0 for name, is_used in used.items() if is_used}


class _AdamFamily(Optimizer):
    """What Adam and AdamW share: all but the weight decay."""

    numeric = ("lr", "betas", "eps", "weight_decay")
    adaptive = True

    lr: Rate = Field(1e-3, description="learning rate")
    betas: list[Annotated[float, Field(ge=0, lt=1)]] = Field(
        default_factory=lambda: [0.9, 0.999],
        min_length=2,
        max_length=2,
        description="shares of the running means of g and of g^2 that are kept",
    )
    eps: Decay = Field(1e-8, description="added to the root, against division by zero")
    amsgrad: bool = Field(False, description="divide by the largest v so far")

    def coefficients(self, h: Vectors, steps: NDArray[Any], total: int) -> dict[str, Array]:
        t = steps[:, None] + 1
        beta1, beta2 = h["betas.0"], h["betas.1"]
        return {
            "step_size": self.rates(h, steps, total) / (1 - powers(beta1, t)),
            "root_correction": np.sqrt(1 - powers(beta2, t)),
            "beta1": beta1[None, :],
            "one_minus_beta1": 1 - beta1[None, :],
            "beta2": beta2[None, :],
            "one_minus_beta2": 1 - beta2[None, :],
            "eps": h["eps"][None, :],
        }

    def state(self, uses: Mapping[str, bool]) -> dict[str, float]:
        names = ("mean", "square", *(("largest_square",) if self.amsgrad else ()))
        return dict.fromkeys(names, 0.0)


class Adam(_AdamFamily):
    """m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2; p = p - lr m' / (sqrt(v') + eps).

    m' = m / (1 - b1^t) and v' = v / (1 - b2^t) correct the start from zero, t from 1.
    weight_decay p is added to g. amsgrad uses the largest v so far.

    Source: Kingma and Ba 2015, algorithm 1; amsgrad: Reddi et al. 2018; torch.optim.Adam.
    """

    kind: Literal["adam"]
    weight_decay: Decay = Field(0.0, description="L2 penalty added to the gradient")

    def coefficients(self, h: Vectors, steps: NDArray[Any], total: int) -> dict[str, Array]:
        return {**super().coefficients(h, steps, total), "weight_decay": h["weight_decay"][None, :]}


class AdamW(_AdamFamily):
    """Adam with decoupled weight decay: p = (1 - lr weight_decay) p before each step of Adam.

    Source: Loshchilov and Hutter 2019, algorithm 2; torch.optim.AdamW.
    """

    decoupled = True

    kind: Literal["adamw"]
    weight_decay: Decay = Field(1e-2, description="share of each parameter taken off, times the rate")

    def coefficients(self, h: Vectors, steps: NDArray[Any], total: int) -> dict[str, Array]:
        shrink = 1 - self.rates(h, steps, total) * h["weight_decay"]
        return {**super().coefficients(h, steps, total), "shrink": shrink}


class PythonOptimizer(FromFile, Optimizer):
    """An optimizer of yours: init and update in a Python file, or a class of torch.optim.

    init(parameters) gives the state, a dict of tensors; update(gradient, state, parameters, lr, step) gives
    new parameters and the new state. All are tensors (R, P), a row for each member; lr is (R, 1) and step,
    from 1 on, (1, 1). The name is a class, made with args, or an object, with these two. A subclass of
    torch.optim.Optimizer trains member by member, with the tensors of the model and args.

    Source: the user's file.
    """

    kind: Literal["python"]
    lr: Rate = Field(1e-3, description="learning rate")

    def coefficients(self, h: Vectors, steps: NDArray[Any], total: int) -> dict[str, Array]:
        return {"lr": self.rates(h, steps, total), "step": steps[:, None] + 1.0}

    def mistakes(self) -> Iterator[tuple[str, str]]:
        if self.decay != "all":
            yield "decay", "has nothing to say here: what your code decays is a matter of your code"

    @property
    def most_states(self) -> int:
        """As many as Adam's; the file alone knows."""
        return 2


AnyOptimizer = Annotated[SGD | RMSprop | Adam | AdamW | PythonOptimizer, Field(discriminator="kind")]
